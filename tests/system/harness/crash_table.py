"""tools/crash-table: kill or fail a delete at each of its system calls, and print what became of the mail.

Columns: tries (each at another system call), lost (nowhere), twice (in the storage twice after a second delete), doubled (in its
mailbox and in the storage until that), refused (the client was told that it was not deleted).
"""

import argparse
import os
import sys

from . import crash, targets
from .config import FORMATS, Config
from .server import Server

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
    lost = [text for target in arguments.targets.split(",") for form in arguments.formats.split(",")
            for text in _rows(targets.get(target), form, arguments)]
    for text in lost:
        print(text)
    sys.exit(1 if lost else 0)


def _rows(target, form, arguments):
    """Print the rows of one target and format; what was lost."""
    server = Server(target, Config(format=form).with_lazy(mailbox="EXPUNGED", only_last_instance=True)).start()
    lost = []
    try:
        for way in arguments.ways.split(","):
            for outcome in crash.at_each_step(server, *WAYS[way], arguments.faults.split(",")):
                version = ".".join(map(str, target.version))
                print(f"{version:8} {form:8} {way:8} {outcome.row()}", flush=True)
                lost += outcome.lost
    finally:
        server.discard()
    return lost


if __name__ == "__main__":
    main()
