"""tools/crash-table: kill or fail a delete at each of its system calls, and print what became of the mail.

Columns: tries (each at another system call), lost (nowhere), twice (in the storage twice after a second delete), doubled (in its
mailbox and in the storage until that), refused (the client was told that it was not deleted). At the end the sums of each Dovecot
and format, as a table in Markdown. Errors of unlink are left out of the first delete: it would wait for minutes for lock files
that it cannot remove.
"""

import argparse
import os
import sys
from collections import Counter

from harness.faults import crash
from harness.machines import targets
from harness.dovecot.config import FORMATS, Config
from harness.dovecot.server import Server

WAYS = {"expunge": ("expunge", True), "first": ("expunge", False), "move": ("move", True), "copy": ("pass", True)}


def main():
    parser = argparse.ArgumentParser(prog="tools/crash-table", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", default=targets.NATIVE, help="comma-separated: native, trixie, forky")
    parser.add_argument("--formats", default=",".join(FORMATS), help="comma-separated: maildir, sdbox, mdbox")
    parser.add_argument("--ways", default=",".join(WAYS), help="comma-separated: expunge, first (the first delete of an account), "
                        "move, copy (one of two copies)")
    parser.add_argument("--faults", default=",".join(crash.FAULTS), help="comma-separated: SIGKILL, ENOSPC, ...")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("tools/crash-table needs root: it makes mount namespaces and runs private Dovecots")
    print(f"{'Dovecot':8} {'format':8} {'delete':8} {crash.HEADING}", flush=True)
    rows = {}
    for target in map(targets.get, arguments.targets.split(",")):
        for form in arguments.formats.split(","):
            rows[".".join(map(str, target.version)), form] = _rows(target, form, arguments)
    outcomes = [outcome for found in rows.values() for outcome in found]
    lost = [text for outcome in outcomes for text in outcome.lost]
    print("", *lost, *(text for outcome in outcomes for text in outcome.twice), "", *_sums(rows), "", sep="\n")
    calls = sum((outcome.calls for outcome in outcomes), Counter())
    print("Calls:", ", ".join(f"{call} {number}" for call, number in calls.most_common()))
    sys.exit(1 if lost or not outcomes else 0)


def _rows(target, form, arguments):
    """Print the rows of one target and format; the Outcomes."""
    server = Server(target, Config(format=form, fsync="optimized").with_lazy(mailbox="EXPUNGED", only_last_instance=True)).start()
    outcomes = []
    try:
        for way in arguments.ways.split(","):
            for outcome in crash.at_each_step(server, *WAYS[way], arguments.faults.split(",")):
                version = ".".join(map(str, target.version))
                print(f"{version:8} {form:8} {way:8} {outcome.row()}", flush=True)
                outcomes.append(outcome)
    finally:
        server.discard()
    return outcomes


def _sums(rows):
    yield "| Dovecot | format | killed | failed | refused | in both | kept twice | lost |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for (version, form), outcomes in rows.items():
        count = lambda value, found=outcomes: sum(value(outcome) for outcome in found)
        killed = count(lambda outcome: outcome.tries if outcome.fault == crash.KILL else 0)
        figures = (killed, count(lambda outcome: outcome.tries) - killed, count(lambda outcome: outcome.refused),
                   count(lambda outcome: outcome.doubled), count(lambda outcome: len(outcome.twice)),
                   count(lambda outcome: len(outcome.lost)))
        yield f"| {version} | {form} | " + " | ".join(f"{figure:,}" for figure in figures) + " |"


if __name__ == "__main__":
    main()
