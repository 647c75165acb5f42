"""The case "calls" of tools/bench: what one delete, and what administrators do, asks of the kernel.

These counts do not depend on how busy or how quick the machine is, so they are held against tests/system/calls.tsv:
more than there is a failure. Counted are syncs (fsync and its kin), calls by path below the user's home (open, stat, link, rename
...: what NFS pays for), locks that are taken, and writes to files of the user. mail_fsync is optimized.
"""

import re
import statistics
from collections import namedtuple

from harness import places
from harness.dovecot import mail
from harness.dovecot.config import NONE, OURS, SHIPPED, Config, Mailbox
from harness.faults.inject import doveadm_traced, session_process, traced
from harness.dovecot.server import Server

NAME = "calls"
TABLE = places.SOURCE / "tests/system/calls.tsv"
KEPT = 20
SAMPLES = 3
# Dovecot looks into a directory once more, or writes a cache, when the clock's second changes.
TOLERANCE = {"syncs": 0, "paths": 3, "locks": 1, "writes": 2}
Counts = namedtuple("Counts", "syncs paths locks writes")
TRACED = ("-y", "-e", "trace=%file,fsync,fdatasync,syncfs,sync_file_range,fcntl,flock,write,writev,pwrite64,pwritev")
SYNC = re.compile(r"^\d+ +(?:fsync|fdatasync|syncfs|sync_file_range)\(", re.MULTILINE)
LOCK = re.compile(r"^\d+ +(?:fcntl\(\d+<[^>]*>, F_(?:OFD_)?SETLKW?, \{l_type=F_(?:RD|WR)LCK|flock\(\d+<[^>]*>, LOCK_(?:SH|EX))", re.MULTILINE)
# of a process in a chroot strace shows where its files really are
WRITE = r"^\d+ +p?write(?:v|64)?\(\d+<[^>]*{home}"
BY_PATH = r'^\d+ +\w+\((?!\d+<)[^"\n]*"{home}'


def count(text, user):
    """The Counts of strace's output."""
    home = re.escape(str(user.home))
    found = lambda pattern: len(re.findall(pattern.format(home=home), text, re.MULTILINE))
    return Counts(len(SYNC.findall(text)), found(BY_PATH), len(LOCK.findall(text)), found(WRITE))


def _in_session(server, user, pid, action):
    with traced(server, [pid], *TRACED) as output:
        action()
    text = output.read_text(errors="replace")
    output.unlink()
    return count(text, user)


def _delete_last(session):
    session.delete(max(session.search()))


def _delete_open(server, user):
    session = user.imap("INBOX")
    _delete_last(session)
    _delete_last(session)
    pid = session_process(server)
    for _ in range(SAMPLES):
        yield _in_session(server, user, pid, lambda: _delete_last(session))
    session.logout()


def _delete_fresh(server, user):
    for _ in range(SAMPLES):
        server.settle()
        session = user.imap()

        def select_and_delete():
            session.select()
            _delete_last(session)
        yield _in_session(server, user, session_process(server), select_and_delete)
        session.logout()


def _pop3_quit(server, user):
    for _ in range(SAMPLES):
        server.settle()
        session = user.pop3()
        session.dele(session.stat()[0])
        yield _in_session(server, user, session_process(server, "pop3"), session.quit)


def _by_doveadm(server, user, *words):
    _, text = doveadm_traced(server, [*words[0].split(), "-u", user.name, *words[1:]], *TRACED, check=True)
    return count(text, user)


def _restore(server, user):
    for _ in range(SAMPLES):
        uid = max(one.uid for one in user.kept())
        yield _by_doveadm(server, user, "lazy-expunge restore", "uid", str(uid))


def _maintain(server, user):
    user.doveadm("lazy-expunge maintain")
    for _ in range(SAMPLES):
        yield _by_doveadm(server, user, "lazy-expunge maintain")


def _move_to_trash(server, user):
    session = user.imap()
    session.ok("CREATE Trash")
    session.select("INBOX")
    pid = session_process(server)
    move = lambda: session.ok(f"UID MOVE {max(session.search())} Trash")
    move()
    for _ in range(SAMPLES):
        yield _in_session(server, user, pid, move)
    session.logout()


# The last one makes a mailbox.
CASES = {"delete in an open session": (_delete_open, (NONE, SHIPPED, OURS)),
         "delete in a fresh session": (_delete_fresh, (NONE, SHIPPED, OURS)),
         "POP3 DELE and QUIT": (_pop3_quit, (NONE, SHIPPED, OURS)),
         "restore of one mail": (_restore, (OURS,)),
         "a visit of maintain": (_maintain, (OURS,)),
         "MOVE to Trash": (_move_to_trash, (NONE, SHIPPED, OURS))}


def measure(target, form, measured=(NONE, SHIPPED, OURS)):
    """{(version, format, case, plugin): Counts}: medians, with these plugins."""
    rows = {}
    version = ".".join(map(str, target.version))
    for plugin in measured:
        config = Config(format=form, plugin=plugin, fsync="optimized",
                        mailboxes=(Mailbox("Trash", special_use="\\Trash"),)).with_lazy(mailbox="EXPUNGED", only_last_instance=False)
        server = Server(target, config).start()
        try:
            user = server.user()
            user.fill("INBOX", [mail.message(str(number)) for number in range(KEPT + 20)])
            with user.imap("INBOX") as session:
                session.delete(f"1:{KEPT}")
            for name, (samples, plugins) in CASES.items():
                if plugin in plugins:
                    server.settle()
                    rows[version, form, name, plugin] = Counts(*map(int, map(statistics.median, zip(*samples(server, user)))))
        finally:
            server.discard()
    return rows


def read_table():
    rows = {}
    for line in TABLE.read_text().splitlines()[1:]:
        *key, syncs, paths, locks, writes = line.split("\t")
        rows[tuple(key)] = Counts(int(syncs), int(paths), int(locks), int(writes))
    return rows


def write_table(rows):
    """These rows take the place of those that are there; the others stay."""
    merged = {**(read_table() if TABLE.exists() else {}), **rows}
    lines = ["\t".join(("dovecot", "format", "case", "plugin", *Counts._fields))]
    lines += ["\t".join((*key, *map(str, counts))) for key, counts in sorted(merged.items())]
    TABLE.write_text("\n".join(lines) + "\n")


def risen(rows):
    """What this plugin asks for more of than the table has; a line each."""
    table = read_table()
    for key, counts in rows.items():
        if key[-1] != OURS or key not in table:
            continue
        for name, now, then in zip(Counts._fields, counts, table[key]):
            if now > then + TOLERANCE[name]:
                yield f"{' '.join(key)}: {name} {now}, and in {TABLE.name} {then}"


def print_rows(rows):
    print(f"\n{'Dovecot':8} {'format':8} {'case':26} {'plugin':8} {'syncs':>6} {'paths':>6} {'locks':>6} {'writes':>6}")
    for (version, form, name, plugin), counts in rows.items():
        print(f"{version:8} {form:8} {name:26} {plugin:8} {counts.syncs:6} {counts.paths:6} {counts.locks:6} {counts.writes:6}", flush=True)
