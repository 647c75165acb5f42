"""tools/power-cut: cut the power while sessions delete, and print what became of the mail.

Mail lies on a file system of its own on a loop device, mounted where nobody else sees it. Sessions deliver, append, copy, move,
delete, empty the Trash, restore, maintain, hold and release; at a random moment the file system is shut down and what it had not
flushed is thrown away (of btrfs, a copy of the device is taken instead). Then it is mounted again, Dovecot is started, and each mail
that the server had accepted must be there, whole, and each hold in force. The same is done without any plugin, in sessions that
expunge nothing that counts.

With --accounts, accounts are deleted, brought back and renamed meanwhile (account delete, undelete, rename), and mail is delivered and
appended to them. After the cut what is open is ended by the command that account list names, and each mail must be in one account.

Columns: cuts, mails (durable ones in all), steps (of the sessions), lost, repaired (there only after doveadm force-resync), twice
(in the storage more than once; while there is a hold each copy is kept). At the end the sums as a table in Markdown. The exit code is
1 if a mail is lost with the plugin, 77 if no file system could be cut here.
"""

import argparse
import os
import random
import shutil
import signal
import sys
from collections import defaultdict

from harness import options, places
from harness.faults import devices, power, power_accounts
from harness.machines import packages, targets
from harness.dovecot.config import FORMATS, OURS

NOT_RUN = 77


def main():
    arguments = _arguments()
    if os.geteuid() != 0:
        sys.exit("tools/power-cut needs root: it mounts file systems and runs private Dovecots")
    packages.install([devices.MAKERS[name] for name in arguments.fs], print)
    devices.enter_namespace()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"seed {arguments.seed}", flush=True)
    print(f"{'Dovecot':8} {'format':8} {'fs':6} {'plugin':6} {'cuts':>5} {'mails':>6} {'steps':>6} {'lost':>5} {'repaired':>8} {'twice':>6}",
          flush=True)
    sums = defaultdict(power.Outcome)
    for name in arguments.fs:
        reason = devices.why_not(name)
        if reason:
            print(f"{name}: not run: {reason}", flush=True)
            continue
        for target in map(targets.get, arguments.targets):
            for form in arguments.formats:
                for plugin in arguments.plugins:
                    _cut(target, form, name, plugin, arguments, sums)
    _print_sums(sums)
    if not sums:
        sys.exit(NOT_RUN)
    sys.exit(1 if any(outcome.lost for (*_, plugin), outcome in sums.items() if plugin == OURS) else 0)


def _arguments():
    parser = argparse.ArgumentParser(prog="tools/power-cut", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda known: lambda text: options.words(text, known)
    parser.add_argument("--rounds", type=int, default=10, help="cuts of each combination (default: %(default)s)")
    parser.add_argument("--fs", type=words(devices.FILE_SYSTEMS), default=["ext4", "xfs"], help="comma-separated: ext4, xfs, btrfs")
    parser.add_argument("--formats", type=words(FORMATS), default=list(FORMATS), help="comma-separated: maildir, sdbox, mdbox")
    parser.add_argument("--targets", type=words((targets.NATIVE,) + targets.CHROOTED), default=[targets.NATIVE],
                        help="comma-separated: native, trixie, forky")
    parser.add_argument("--plugins", type=words(power.PLUGINS), default=list(power.PLUGINS), help="comma-separated: ours, none")
    parser.add_argument("--accounts", action="store_true", help="cut while accounts are deleted, brought back and renamed")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31),
                        help="of what the sessions do and of when the power goes (default: another each time, printed)")
    parser.add_argument("--keep", metavar="DIR", help="copy the homes in which mail is lost to this directory")
    arguments = parser.parse_args()
    if arguments.accounts:
        arguments.plugins = [OURS]
    return arguments


def _cut(target, form, name, plugin, arguments, sums):
    """The rounds of one combination, on a device of its own; what they found is printed and added to sums."""
    version = ".".join(map(str, target.version))
    directory = places.fresh_run_directory()
    device, server = None, None
    found = power.Outcome()
    try:
        device = devices.Device(name, directory)
        server = (power_accounts.PowerAccounts if arguments.accounts else power.Power)(
            target, form, plugin, device, f"{arguments.seed}-{version}-{form}-{name}-{plugin}")
        for number in range(arguments.rounds):
            found.add(server.round(number, arguments.keep))
    finally:
        if server:
            server.discard()
        if device:
            device.discard()
        shutil.rmtree(directory, ignore_errors=True)
        print(f"{version:8} {form:8} {name:6} {plugin:6} {found.cuts:5} {found.mails:6} {found.steps:6} {len(found.lost):5} "
              f"{found.repaired:8} {len(found.twice):6}", *found.lost, *found.twice, sep="\n  ", flush=True)
        sums[version, form, name, plugin].add(found)


def _print_sums(sums):
    rows = defaultdict(power.Outcome)
    for (version, form, name, plugin), outcome in sums.items():
        rows[version, name, form, plugin].add(outcome)
    print("", "| Dovecot | file system | format | plugin | cuts | mails | lost | only after a repair | twice |",
          "|---|---|---|---|---:|---:|---:|---:|---:|", sep="\n")
    for key, outcome in rows.items():
        print("| " + " | ".join((*key, str(outcome.cuts), f"{outcome.mails:,}", str(len(outcome.lost)), str(outcome.repaired),
                                 str(len(outcome.twice)))) + " |")
    for plugin in power.PLUGINS:
        of_all = [outcome for (*_, of), outcome in sums.items() if of == plugin]
        if of_all:
            print(f"\n{plugin}: {sum(one.cuts for one in of_all)} cuts, {sum(one.mails for one in of_all):,} mails, "
                  f"{sum(len(one.lost) for one in of_all)} lost")


if __name__ == "__main__":
    main()
