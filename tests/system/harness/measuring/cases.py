"""What is measured: each case gives samples in milliseconds for each series, taken in turn.

Where a process lives on, the time that it was on a CPU is measured too: it means something also on a machine that is not quiet.
"""

import concurrent.futures
import shutil
import time
from dataclasses import dataclass

from harness.measuring.accounts import SMALL, STORAGE, Account
from harness.measuring.servers import children_on_cpu, ended_on_cpu, peak_memory, time_on_cpu

CASES = {}
# Those beside another mail server: name of the series of that one -> cases.
PEERS = {"cyrus": {}}
PLAIN = ("none", "shipped", "ours")
ALL = ("none", "shipped", "ours", "shipped-last", "ours-last")
SINGLE = ("none", "small", "copy", "shipped", "ours", "shipped-last", "ours-last")
FRESH = SINGLE[:1] + ("open",) + SINGLE[1:]
LAST = ("none", "ours", "shipped-last", "ours-last")
STORAGE_SIZES = (100, 1000, 10000, 30000, 100000)
# A median of fewer says nothing.
FEWEST_ROUNDS = 2


@dataclass(frozen=True)
class Case:
    """sizes: the default ones, size: what they count. series: those that take part. rounds: samples of each series."""
    name: str
    title: str
    run: object
    sizes: tuple
    size: str
    series: tuple
    rounds: int
    quick_sizes: tuple
    formats: tuple = ("maildir", "sdbox", "mdbox")


class Samples:
    """Samples of one case at one size: milliseconds, those on a CPU, and peak memory by series; and bytes that are left of an account.
    No round begins after the deadline, but for the first two."""

    def __init__(self, series, seconds=float("inf")):
        self.times = {name: [] for name in series}
        self.cpu = {name: [] for name in series}
        self.memory = {name: [] for name in series}
        self.left = {name: [] for name in series}
        self.deadline = time.monotonic() + seconds

    def add(self, series, milliseconds, memory=None, cpu=None):
        self.times[series].append(milliseconds)
        if cpu is not None:
            self.cpu[series].append(cpu)
        if memory is not None:
            self.memory[series].append(memory)

    def add_mean_cpu(self, series, total):
        """total: milliseconds on a CPU of all samples of the series together, which the kernel has counted in steps of 10."""
        if total >= 100:
            self.cpu[series].append(total / len(self.times[series]))


def case(title, sizes, size, series=PLAIN, rounds=5, quick_sizes=None, formats=("maildir", "sdbox", "mdbox"), peer=None):
    """Register run(servers, size, samples, rounds); series are those of samples. peer: it is a case of PEERS."""
    def register(run):
        name = run.__name__.replace("_", "-")
        (PEERS[peer] if peer else CASES)[name] = Case(name, title, run, sizes, size, series, rounds, quick_sizes or sizes[:1], formats)
        return run
    return register


def timed(action, *arguments):
    """Milliseconds that a call takes."""
    start = time.perf_counter()
    action(*arguments)
    return (time.perf_counter() - start) * 1000


def in_turn(samples, rounds):
    """(round, series): each round has every series once, another one first in each."""
    names = list(samples.times)
    for number in range(rounds):
        if number >= FEWEST_ROUNDS and time.monotonic() > samples.deadline:
            break
        shift = number % len(names)
        yield from ((number, name) for name in names[shift:] + names[:shift])


def timed_command(user, *command):
    """Milliseconds that a doveadm command takes, and those on a CPU of it and of all that it starts."""
    return timed_program(lambda: user.doveadm(*command, timeout=3600))


def timed_program(run):
    """Milliseconds that run() takes, and those on a CPU of the programs that it runs and waits for."""
    before = children_on_cpu()
    taken = timed(run)
    return taken, children_on_cpu() - before


# What the client does for itself in a series without a plugin, before the EXPUNGE: copies the mail to the storage; to a mailbox of ten
# mails; or appends nothing, for which Dovecot opens the storage, and then refuses.
BEFORE = {"copy": (f"UID COPY * {STORAGE}",), "small": (f"UID COPY * {SMALL}",), "open": (f"APPEND {STORAGE} {{}}", b"")}


def delete_last(session, series="none"):
    """Milliseconds of the EXPUNGE of the last mail of the selected mailbox, and of what the series does before it."""
    session.ok("UID STORE * +FLAGS.SILENT (\\Deleted)")
    return _expunge(session, series)


def _expunge(session, series):
    start = time.perf_counter()
    if series in BEFORE and session(*BEFORE[series]).ok != (series != "open"):
        raise AssertionError(f"{BEFORE[series]} has not done what it should")
    response = session.ok("EXPUNGE")
    taken = (time.perf_counter() - start) * 1000
    if len(response.lines("EXPUNGE")) != 1:
        raise AssertionError(f"EXPUNGE of one mail: {response}")
    return taken


def measure_delete(samples, series, session, user, memory=False):
    session.ok("UID STORE * +FLAGS.SILENT (\\Deleted)")
    before = time_on_cpu(user)
    taken = _expunge(session, series)
    cpu = time_on_cpu(user) - before
    samples.add(series, taken, peak_memory(user) if memory else None, cpu)


@case("EXPUNGE of one mail in an open session", STORAGE_SIZES, "mails in the storage", SINGLE, 60, (100,))
def expunge_open(servers, size, samples, rounds):
    account = Account(inbox=200, storage=size, small=10)
    users = {name: servers.account(name, account) for name in samples.times}
    sessions = {name: user.imap("INBOX") for name, user in users.items()}
    for session in sessions.values():
        delete_last(session)
        delete_last(session)
    for _, name in in_turn(samples, min(rounds, 190)):
        measure_delete(samples, name, sessions[name], users[name])
    for name, user in users.items():
        samples.memory[name].append(peak_memory(user))
        user.close()


@case("EXPUNGE of one mail in a fresh session", STORAGE_SIZES, "mails in the storage", FRESH, 40, (100,))
def expunge_fresh(servers, size, samples, rounds):
    account = Account(inbox=200, storage=size, small=10)
    users = {name: servers.account(name, account) for name in samples.times}
    for name, user in users.items():
        with user.imap("INBOX") as session:
            delete_last(session, name)
    for _, name in in_turn(samples, min(rounds, 190)):
        if name == "open":
            # the log of a storage always has the last delete in it
            with users[name].imap("INBOX") as session:
                session.ok(f"UID COPY 1 {STORAGE}")
        with users[name].imap("INBOX") as session:
            measure_delete(samples, name, session, users[name], memory=True)


@case("POP3 DELE and QUIT of one mail", STORAGE_SIZES, "mails in the storage", PLAIN, 20, (100,))
def pop3_delete(servers, size, samples, rounds):
    account = Account(inbox=200, storage=size)
    users = {name: servers.account(name, account) for name in samples.times}
    cpu = {name: -ended_on_cpu(user.server) for name, user in users.items()}
    for _, name in in_turn(samples, min(rounds, 190)):
        session = users[name].pop3()
        session.dele(session.stat()[0])
        memory = peak_memory(users[name], "pop3")
        samples.add(name, timed(session.quit), memory)
    for name, user in users.items():
        user.server.settle()
        samples.add_mean_cpu(name, cpu[name] + ended_on_cpu(user.server))


@case("EXPUNGE of a whole INBOX by IMAP", (10000, 100000), "mails expunged", ALL, 5, (300,))
def expunge_many(servers, size, samples, rounds):
    for _, name in in_turn(samples, rounds):
        user = servers.account(name, Account(inbox=size, storage=100))
        session = user.imap("INBOX")
        session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        before = time_on_cpu(user)
        taken = timed(session.ok, "EXPUNGE")
        samples.add(name, taken, peak_memory(user), time_on_cpu(user) - before)
        user.close()
        remove(user)


@case("doveadm expunge of a whole INBOX", (10000, 100000), "mails expunged", ALL, 5, (300,))
def doveadm_expunge(servers, size, samples, rounds):
    for _, name in in_turn(samples, rounds):
        user = servers.account(name, Account(inbox=size, storage=100))
        taken, cpu = timed_command(user, "expunge", "mailbox", "INBOX", "all")
        samples.add(name, taken, cpu=cpu)
        remove(user)


@case("COPY to Trash and EXPUNGE", (20000, 200000), "mails in 50 folders", LAST, 60, (500,))
def copy_to_trash(servers, size, samples, rounds):
    _copy_and_empty(servers, size, samples, rounds, empty=False)


@case("EXPUNGE in Trash after that", (20000, 200000), "mails in 50 folders", LAST, 60, (500,))
def empty_trash(servers, size, samples, rounds):
    _copy_and_empty(servers, size, samples, rounds, empty=True)


def _copy_and_empty(servers, size, samples, rounds, empty):
    account = Account(inbox=200, storage=100, folders=50, each=size // 50)
    users = {name: servers.account(name, account) for name in samples.times}
    inboxes = {name: user.imap("INBOX") for name, user in users.items()}
    trashes = {name: user.imap("Trash") for name, user in users.items()} if empty else {}
    for _, name in in_turn(samples, min(rounds, 190)):
        before = time_on_cpu(users[name])
        taken = timed(_move_by_copy, inboxes[name])
        if empty:
            trashes[name].ok("NOOP")
            measure_delete(samples, name, trashes[name], users[name])
        else:
            samples.add(name, taken, cpu=time_on_cpu(users[name]) - before)
    for name, user in users.items():
        samples.memory[name].append(peak_memory(user))
        user.close()
        remove(user)


def _move_by_copy(session):
    session.ok("UID COPY * Trash")
    session.ok("UID STORE * +FLAGS.SILENT (\\Deleted)")
    session.ok("EXPUNGE")


@case("EXPUNGE of one mail with a link count of 2 and no other instance", (20000, 200000), "mails in 50 folders", LAST, 30,
      (500,), ("maildir", "sdbox"))
def worst_look(servers, size, samples, rounds):
    account = Account(inbox=200, storage=100, folders=50, each=size // 50)
    users = {name: servers.account(name, account) for name in samples.times}
    for user in users.values():
        _link_inbox(user)
    for _, name in in_turn(samples, min(rounds, 190)):
        with users[name].imap("INBOX") as session:
            measure_delete(samples, name, session, users[name], memory=True)
    for user in users.values():
        remove(user)


def _link_inbox(user):
    """As a hard-linked backup does it: each mail of INBOX gets another name outside the mail store."""
    directory = user.mail_path / ("cur" if user.server.config.format == "maildir" else "mailboxes/INBOX/dbox-Mails")
    backup = user.home / "backup"
    backup.mkdir()
    for path in directory.iterdir():
        if not path.name.startswith("dovecot"):
            (backup / path.name).hardlink_to(path)


@case("16 sessions of 16 users, each 20 EXPUNGEs, at once", (10000,), "mails in each storage", PLAIN, 5, (100,))
def many_users(servers, size, samples, rounds):
    account = Account(inbox=200, storage=size)
    users = {name: [servers.account(name, account) for _ in range(16)] for name in samples.times}
    for _, name in in_turn(samples, min(rounds, 9)):
        sessions = [user.imap("INBOX") for user in users[name]]
        uids = [session.search()[:20] for session in sessions]
        before = sum(map(time_on_cpu, users[name]))
        taken = _at_once(sessions, uids)
        samples.add(name, taken, max(map(peak_memory, users[name])), sum(map(time_on_cpu, users[name])) - before)
        for user in users[name]:
            user.close()


@case("16 sessions of one user, each 10 EXPUNGEs, at once", (10000,), "mails in the storage", ALL, 5, (100,))
def one_user(servers, size, samples, rounds):
    users = {name: servers.account(name, Account(inbox=2000, storage=size)) for name in samples.times}
    for _, name in in_turn(samples, min(rounds, 12)):
        sessions = [users[name].imap("INBOX") for _ in range(16)]
        uids = sessions[0].search()
        before = time_on_cpu(users[name])
        taken = _at_once(sessions, [uids[i * 10:i * 10 + 10] for i in range(16)])
        samples.add(name, taken, peak_memory(users[name]), time_on_cpu(users[name]) - before)
        users[name].close()


def _at_once(sessions, uids):
    """Milliseconds until each session has deleted its UIDs one by one, all at the same time."""
    def work(session, own):
        for uid in own:
            session.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
            session.ok(f"UID EXPUNGE {uid}")
    with concurrent.futures.ThreadPoolExecutor(len(sessions)) as pool:
        return timed(lambda: list(pool.map(work, sessions, uids)))


def remove(user):
    """Free the disk space of an account that is not needed any more."""
    user.server.settle()
    shutil.rmtree(user.home, ignore_errors=True)
