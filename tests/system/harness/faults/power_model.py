"""tools/power-model: the states that a power cut may leave by what POSIX promises, and what becomes of the mail in each.

The system calls that change files are recorded while a mail is deleted, moved or restored, while maintain runs, or while an account is
deleted, brought back or renamed. For each moment between two syncs (fsync, fdatasync) the tree is made again as the disk may have it:
what was synced is there, and of all else each write and each change of a directory may be there or not, in any order. Where these are too
many, none, all, all but one, one alone, and then random ones are tried. Then Dovecot reads each tree, first as it is and then after
doveadm force-resync: each mail that was there before, and that the whole of it leaves there, must be found, whole.

Maildir needs --journal with the default mail_fsync: a mail gets its name in the storage before it loses the one in its mailbox, and nothing
waits for the first. With --fsync always it does.

With --without, the same is done with each sync left out, one after the other: how much is lost without it says what it is for.

Columns: changes and syncs that were recorded, states that were tried, those in which a mail is lost, those in which mail came by the
repair alone. The exit code is 1 if mail is lost with this plugin, without --without.
"""

import argparse
import functools
import os
import random
import shutil
import sys
from dataclasses import dataclass, field

from harness import options
from harness.dovecot import mail
from harness.dovecot.accounts import account
from harness.dovecot.config import FORMATS, NONE, OURS, Config, Mailbox
from harness.dovecot.server import Server
from harness.dovecot.user import User
from harness.faults import orders, power
from harness.faults.account_chaos import all_subjects, end_open_steps
from harness.faults.inject import doveadm_traced, remove_dead_locks, session_process, traced
from harness.machines import targets

STORAGE = "EXPUNGED"
SUBJECTS = [f"mail {number}" for number in range(1, 7)]
# How many of them stay in the storage when maintain runs.
CAP = 2


class OfAUser:
    """Changes of the home of one user. work(server, user, begin) returns the record; begin() begins one."""

    def __init__(self, work, plugins=(OURS,), cap=0):
        self._work, self.plugins, self._cap = work, plugins, cap
        self._expected = set()

    def config(self, form, plugin, fsync):
        storage = (Mailbox(STORAGE, autoexpunge_max_mails=self._cap),) if self._cap else ()
        return Config(format=form, plugin=plugin, fsync=fsync,
                      mailboxes=(Mailbox("Trash", auto="create", special_use="\\Trash"), *storage)).with_lazy(mailbox=STORAGE)

    def record(self, server, copy, journal):
        user = _filled(server)
        before = _texts(user)
        server.settle()
        record = self._work(server, user, lambda: orders.Record(user.home, copy, journal))
        server.settle()
        self._expected = before & _texts(user)
        if not self._expected:
            raise RuntimeError("nothing is left that could be lost")
        return record

    def judge(self, server, record, state):
        """(what is lost, whether the repair brought something)"""
        user = server.user()
        record.make(state, user.home)
        remove_dead_locks(user.home)
        before = _texts(user)
        power.resync(user)
        after = _texts(user)
        server.close_sessions()
        server.settle()
        shutil.rmtree(user.home)
        return [_subject(text) for text in self._expected - after], bool(self._expected & after - before)


class OfAccounts:
    """Changes of whole accounts. words(server, user) are those of the command."""

    plugins = (OURS,)

    def __init__(self, words):
        self._words = words

    def config(self, form, plugin, fsync):
        return Config(format=form, plugin=plugin, fsync=fsync)

    def record(self, server, copy, journal):
        words = self._words(server, _filled(server, "model"))
        server.settle()
        record = orders.Record(server.mail_root, copy, journal)
        _, text = doveadm_traced(server, ["lazy-expunge", "account", *words], *orders.TRACED, check=True)
        record.add(text, owner=(0, 0))
        return record

    def judge(self, server, record, state):
        place = server.root / "state"
        record.make(state, place)
        for entry in server.mail_root.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for entry in place.iterdir():
            entry.rename(server.mail_root / entry.name)
        place.rmdir()
        remove_dead_locks(server.mail_root)
        account(server, "list", "-p", str(server.mail_root))
        users = [User(server, name) for name in ("model", "modelnew")]
        end_open_steps(server, users)
        found = all_subjects(server, users)
        server.close_sessions()
        server.settle()
        return [f"{subject}: in {found[subject]} accounts" for subject in SUBJECTS if found[subject] != 1], False


def _filled(server, name=None):
    user = server.user(name)
    user.fill("INBOX", [mail.message(subject) for subject in SUBJECTS])
    return user


def _texts(user):
    return {found.text for found in power.read(user)[0]}


def _subject(text):
    return next(line.removeprefix("Subject: ") for line in text.splitlines() if line.startswith("Subject: "))


def _in_session(server, record, action):
    pid = session_process(server)
    before = orders.positions([pid])
    with traced(server, [pid], *orders.TRACED) as output:
        action()
    record.add(output.read_text(errors="replace"), before)
    output.unlink()
    return record


def _delete_first(server, user, begin):
    with user.imap("INBOX") as session:
        return _in_session(server, begin(), lambda: session.delete("3"))


def _delete_open(server, user, begin):
    with user.imap("INBOX") as session:
        session.delete("1")
        session.delete("2")
        return _in_session(server, begin(), lambda: session.delete("3"))


def _delete_fresh(server, user, begin):
    with user.imap("INBOX") as session:
        session.delete("1")
    server.settle()
    with user.imap() as session:
        def select_and_delete():
            session.select("INBOX")
            session.delete("3")
        return _in_session(server, begin(), select_and_delete)


def _move(server, user, begin):
    with user.imap("INBOX") as session:
        session.ok("UID MOVE 1 Trash")
        return _in_session(server, begin(), lambda: session.ok("UID MOVE 3 Trash"))


def _make_work(session):
    """A mailbox with two mails."""
    session.ok("CREATE Work")
    session.select("INBOX")
    session.ok("UID MOVE 1:2 Work")


def _delete_mailbox(server, user, begin):
    with user.imap() as session:
        _make_work(session)
        session.select("Trash")
        return _in_session(server, begin(), lambda: session.ok("DELETE Work"))


def _by_doveadm(server, user, begin, *words):
    # no session: that would take what is over the cap when it ends
    user.doveadm("expunge", "mailbox", "INBOX", "1:4")
    record = begin()
    _, text = doveadm_traced(server, ["lazy-expunge", words[0], "-u", user.name, *words[1:]], *orders.TRACED, check=True)
    record.add(text)
    return record


def _restore(server, user, begin):
    return _by_doveadm(server, user, begin, "restore", "all")


def _restore_mailbox(server, user, begin):
    with user.imap() as session:
        _make_work(session)
        session.ok("DELETE Work")
    return _by_doveadm(server, user, begin, "restore", "all")


def _maintain(server, user, begin):
    return _by_doveadm(server, user, begin, "maintain")


def _undelete(server, user):
    [row] = account(server, "delete", "-u", user.name)
    return "undelete", row["id"]


CASES = {
    "delete-first": OfAUser(_delete_first),
    "delete-open": OfAUser(_delete_open),
    "delete-fresh": OfAUser(_delete_fresh),
    "move": OfAUser(_move, plugins=(OURS, NONE)),
    "delete-mailbox": OfAUser(_delete_mailbox),
    "restore": OfAUser(_restore),
    "restore-mailbox": OfAUser(_restore_mailbox),
    "maintain": OfAUser(_maintain, cap=CAP),
    "account-delete": OfAccounts(lambda server, user: ("delete", "-u", user.name)),
    "account-undelete": OfAccounts(_undelete),
    "account-rename": OfAccounts(lambda server, user: ("rename", "-u", user.name, "modelnew")),
}


@dataclass
class Outcome:
    """What became of the states; lost: the states in which mail is lost, a line each."""
    states: int = 0
    repaired: int = 0
    lost: list = field(default_factory=list)


def tried(case, server, record, rng, bound, without=None):
    outcome = Outcome()
    for state in record.states(rng, bound, without):
        lost, repaired = case.judge(server, record, state)
        outcome.states += 1
        outcome.repaired += repaired
        if lost:
            outcome.lost.append(f"{', '.join(sorted(lost))}: with {record.told(state)}")
    return outcome


def main():
    arguments = _arguments()
    if os.geteuid() != 0:
        sys.exit("tools/power-model needs root: it runs private Dovecots")
    print(f"seed {arguments.seed}", flush=True)
    print(f"{'Dovecot':8} {'format':8} {'case':17} {'plugin':6} {'changes':>7} {'syncs':>5} {'states':>6} {'lost':>5} {'repaired':>8}", flush=True)
    lost = False
    for target in map(targets.get, arguments.targets):
        for form in arguments.formats:
            for name in arguments.cases:
                for plugin in CASES[name].plugins:
                    lost = _run(target, form, name, plugin, arguments) and plugin == OURS or lost
    sys.exit(1 if lost else 0)


def _run(target, form, name, plugin, arguments):
    """One case; whether mail is lost in a state that all its syncs allow."""
    case, version = CASES[name], ".".join(map(str, target.version))
    server = Server(target, case.config(form, plugin, arguments.fsync[0])).start()
    try:
        record = case.record(server, server.root / "before", arguments.journal)
        if form != "maildir" and not record.syncs():
            raise RuntimeError(f"{name}: no sync was recorded")
        of = functools.partial(tried, case, server, record, random.Random(f"{arguments.seed} {version} {form} {name} {plugin}"),
                               arguments.states)
        outcome = of()
        print(f"{version:8} {form:8} {name:17} {plugin:6} {len(record.ops) - len(record.syncs()):7} {len(record.syncs()):5} "
              f"{outcome.states:6} {len(outcome.lost):5} {outcome.repaired:8}", *outcome.lost, sep="\n  ", flush=True)
        for sync in record.syncs() if arguments.without else ():
            less = of(without=sync)
            print(f"  without the sync of {record.ops[sync].name}: {len(less.lost)} of {less.states} states lose mail, "
                  f"{less.repaired} need the repair", flush=True)
    finally:
        server.discard()
    return bool(outcome.lost)


def _arguments():
    parser = argparse.ArgumentParser(prog="tools/power-model", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda known: lambda text: options.words(text, known)
    parser.add_argument("--states", type=int, default=24, help="at most this many between two syncs (default: %(default)s)")
    parser.add_argument("--formats", type=words(FORMATS), default=list(FORMATS), help="comma-separated: maildir, sdbox, mdbox")
    parser.add_argument("--targets", type=words((targets.NATIVE,) + targets.CHROOTED), default=[targets.NATIVE],
                        help="comma-separated: native, trixie, forky")
    parser.add_argument("--cases", type=words(CASES), default=list(CASES), help="comma-separated: " + ", ".join(CASES))
    parser.add_argument("--journal", action="store_true", help="changes of directories and sizes of files come in their order, as on ext4, XFS and btrfs")
    parser.add_argument("--fsync", type=words(("optimized", "always")), default=["optimized"],
                        help="mail_fsync: optimized or always (default: optimized)")
    parser.add_argument("--without", action="store_true", help="leave out each sync, one after the other, as well")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31),
                        help="of the states that are tried (default: another each time, printed)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
