"""tools/bench: what a delete costs without a plugin, with the shipped plugin and with this one.

Starts private Dovecots on loopback, one for each of them, measures them in turn in one run, and prints medians, quartiles and
ratios; writes them as JSON and as plots (SVG, by gnuplot). Only ratios of one run mean something. The case "calls" counts system
calls, which mean something by themselves, and fails where this plugin makes more than the repository's table has. Filled accounts are
kept in the work directory for later runs. Needs root, as the system tests do.

With --peer cyrus it measures this plugin beside a private Cyrus IMAP, which keeps expunged mail too (expunge_mode: delayed), in turn in
one run: list, restore, sessions, what is done every night and what is left then. Cyrus is that of Debian trixie, in a system of its own.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from harness import options, places
from harness.machines import packages, targets
from harness.measuring import calls as bench_calls, report as bench_report
from harness.measuring import cases_admin, cases_catalog, cases_holds, cases_origins, cases_peer  # noqa: F401  (they register their cases)
from harness.measuring import peer_cyrus
from harness.measuring.cases import CASES, PEERS, Samples
from harness.measuring.servers import SERIES, Servers
from harness.dovecot.config import FORMATS

FSYNCS = ("optimized", "never", "always")


def main():
    arguments = _arguments()
    if arguments.list:
        for case in arguments.known.values():
            print(f"{case.name:<16} {case.title} ({case.size}: {', '.join(map(str, case.sizes))})")
        if not arguments.peer:
            print(f"{bench_calls.NAME:<16} system calls of deletes and commands, held against {bench_calls.TABLE.name}")
        return
    if os.geteuid() != 0:
        sys.exit("tools/bench: needs root: it makes mount namespaces and runs private Dovecots")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if arguments.work:
        places.move_work(Path(arguments.work).resolve())
    packages.install(packages.HOST + packages.DOVECOT + packages.BUILD + packages.DICTS + packages.DATABASES + ["gnuplot-nox"], lambda text: print(text, flush=True))
    started = time.monotonic()
    rows, calls = [], {}
    try:
        if arguments.peer:
            print(f"Beside Cyrus IMAP {peer_cyrus.version()}", flush=True)
        for name in arguments.targets:
            for form in arguments.formats:
                if bench_calls.NAME in arguments.cases:
                    found = bench_calls.measure(targets.get(name), form)
                    bench_calls.print_rows(found)
                    calls.update(found)
                for fsync in arguments.fsync:
                    _measure(targets.get(name), form, fsync, arguments, rows)
    except KeyboardInterrupt:
        print("stopped; what was measured so far:")
    except (RuntimeError, AssertionError) as error:
        sys.exit(f"tools/bench: {error}")
    if rows:
        bench_report.write(rows, Path(arguments.out), {"quick": arguments.quick})
    if arguments.write_calls:
        bench_calls.write_table(calls)
    more = list(bench_calls.risen(calls))
    if more:
        sys.exit("tools/bench: more system calls than there were:\n" + "\n".join(more))
    print(f"\nDone in {time.monotonic() - started:.0f} seconds.")


def _arguments():
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda known: lambda text: options.words(text, known)
    parser.add_argument("--cases", help="comma-separated (default: all)")
    parser.add_argument("--peer", choices=list(PEERS), help="measure beside this mail server, instead of beside no plugin and the shipped one: "
                        "other cases, see --peer cyrus --list")
    parser.add_argument("--write-calls", action="store_true", help=f"write the counts of the case {bench_calls.NAME} to "
                        f"{bench_calls.TABLE.relative_to(places.SOURCE)}, instead of holding them against those that are there")
    parser.add_argument("--formats", type=words(FORMATS), default=list(FORMATS), help="comma-separated")
    parser.add_argument("--targets", type=words((targets.NATIVE,) + targets.CHROOTED), default=[targets.NATIVE],
                        help="comma-separated: native, trixie, forky (default: native)")
    parser.add_argument("--sizes", type=lambda text: [int(word.replace("_", "")) for word in text.split(",")],
                        help="comma-separated sizes instead of those of the case")
    parser.add_argument("--plugins", type=words(SERIES), default=list(SERIES),
                        help=f"comma-separated: {', '.join(SERIES)}; -last is with only_last_instance")
    parser.add_argument("--rounds", type=int, help="samples of each series instead of those of the case")
    parser.add_argument("--limit", type=float, default=900, metavar="SECONDS",
                        help="begin no new round of a case and size after this long (default: %(default)s)")
    parser.add_argument("--fsync", type=words(FSYNCS),
                        help=f"mail_fsync, comma-separated: {', '.join(FSYNCS)} (default: optimized, Dovecot's own, and never; with "
                        "--quick the first alone)")
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds, to see that all of it works")
    parser.add_argument("--out", default="bench-results", help="directory of bench.json and of a plot for each mail_fsync")
    parser.add_argument("--work", help=f"directory of builds and filled accounts (default: {places.WORK})")
    parser.add_argument("--list", action="store_true", help="list the cases")
    arguments = parser.parse_args()
    arguments.fsync = arguments.fsync or (["optimized"] if arguments.quick or arguments.peer else ["optimized", "never"])
    arguments.known = PEERS[arguments.peer] if arguments.peer else CASES
    names = list(arguments.known) if arguments.peer else [bench_calls.NAME, *CASES]
    try:
        arguments.cases = options.words(arguments.cases, names) if arguments.cases else names
    except argparse.ArgumentTypeError as error:
        parser.error(f"argument --cases: {error}")
    return arguments


def _measure(target, form, fsync, arguments, rows):
    servers = Servers(target, form, fsync)
    try:
        for case in (arguments.known[name] for name in arguments.cases if name in arguments.known):
            series = [name for name in case.series if name in arguments.plugins or name == arguments.peer]
            if not series or form not in case.formats:
                continue
            for size in arguments.sizes or (case.quick_sizes if arguments.quick else case.sizes):
                rounds = arguments.rounds or (2 if arguments.quick else case.rounds)
                samples = Samples(series, arguments.limit)
                case.run(servers, size, samples, rounds)
                servers.check()
                new = [bench_report.row(target, form, fsync, case, size, name, samples) for name in series]
                bench_report.print_rows(case, form, fsync, target, size, new)
                rows += new
            servers.forget_users()
    finally:
        servers.discard()


if __name__ == "__main__":
    main()
