"""What the catalog costs sessions, and what it spares administrators; and maintain with several processes."""

import time

from harness.dovecot.config import Mailbox
from harness.measuring import accounts
from harness.measuring.accounts import STORAGE, Account
from harness.measuring.cases import case, delete_last, in_turn, measure_delete, remove, timed
from harness.measuring.cases_admin import AUTOEXPUNGE, JOBS, logout_and_end, run_with_peak
from harness.measuring.servers import children_on_cpu, ended_on_cpu

SESSIONS = ("none", "ours", "ours-catalog")
# one user of so many has something due
DUE_OF = 100


@case("EXPUNGE of one mail in an open session, with a catalog and without", (100, 30000), "mails in the storage", SESSIONS, 40, (100,))
def catalog_delete(servers, size, samples, rounds):
    users = {name: servers.account(name, Account(inbox=200, storage=size)) for name in samples.times}
    sessions = {name: user.imap("INBOX") for name, user in users.items()}
    for session in sessions.values():
        delete_last(session)
    for _, name in in_turn(samples, min(rounds, 190)):
        measure_delete(samples, name, sessions[name], users[name])
    for user in users.values():
        user.close()


@case("end of a session that has deleted one mail, with a catalog and without", (100, 30000), "mails in the storage", SESSIONS, 20, (100,))
def catalog_logout(servers, size, samples, rounds):
    """Until the process has ended; the client has its answer, and is disconnected, before."""
    users = {name: servers.account(name, Account(inbox=200, storage=size), mailboxes=AUTOEXPUNGE) for name in samples.times}
    ended = {name: -ended_on_cpu(user.server) for name, user in users.items()}
    for _, name in in_turn(samples, min(rounds, 190)):
        session = users[name].imap("INBOX")
        delete_last(session)
        samples.add(name, logout_and_end(session, users[name]))
    for name, user in users.items():
        samples.add_mean_cpu(name, ended[name] + ended_on_cpu(user.server))


@case("delivery by LMTP into a mailbox with a retention, with a catalog and without", (100,), "mails in the mailbox", SESSIONS, 30, (100,))
def catalog_lmtp(servers, size, samples, rounds):
    users = {name: servers.account(name, Account(inbox=size, storage=10), mailboxes=AUTOEXPUNGE + (Mailbox("INBOX", autoexpunge="20000d"),))
             for name in samples.times}
    for _, name in in_turn(samples, rounds):
        samples.add(name, timed(users[name].deliver))


def _fleet(servers, size):
    """A server with a catalog and users whom it knows."""
    server = servers.get("ours-catalog", mailboxes=AUTOEXPUNGE, passwd_file=True)
    users = [server.user(f"many{number}") for number in range(size)]
    server.write_users(users)
    for user in users:
        if not user.home.exists():
            accounts.copy(servers.target, servers.form, Account(inbox=10, storage=100), user)
    for _ in range(3):
        time.sleep(4 if size >= 100 else 0)
        server.doveadm("lazy-expunge", "maintain", "-A", timeout=3600)
    return server


def _run(samples, name, server, *command):
    before = children_on_cpu()
    taken = timed(lambda: server.doveadm("lazy-expunge", *command, timeout=3600))
    samples.add(name, taken, cpu=children_on_cpu() - before)


@case(f"maintain -A, and -D where one user of {DUE_OF} is due", (1000,), "users", ("ours", "ours-due"), 5, (10,))
def maintain_due(servers, size, samples, rounds):
    server = _fleet(servers, size)
    for _, name in in_turn(samples, rounds):
        due = servers.database(server).run(
            f"UPDATE lazy_expunge SET due = 1 WHERE username IN (SELECT username FROM lazy_expunge ORDER BY username LIMIT {max(size // DUE_OF, 1)}) "
            "RETURNING username")
        if len(due) != max(size // DUE_OF, 1):
            raise AssertionError(f"the catalog has no rows of {size} users")
        _run(samples, name, server, "maintain", "-A", *(["-D"] if name == "ours-due" else []))


@case("status -A, and -c from the catalog", (1000,), "users", ("ours", "ours-due"), 5, (10,))
def status_catalog(servers, size, samples, rounds):
    server = _fleet(servers, size)
    for _, name in in_turn(samples, rounds):
        _run(samples, name, server, "status", "-A", "-s", "bytes", "-l", "10", *(["-c"] if name == "ours-due" else []))


@case("maintain -A of users with 50 due mails each, by 1, 2 and 4 processes", (300,), "users", tuple(JOBS), 3, (4,))
def maintain_jobs(servers, size, samples, rounds):
    due = (Mailbox(STORAGE, autoexpunge="1s"),)
    for _, name in in_turn(samples, rounds):
        server = servers.get("ours", mailboxes=due, passwd_file=True)
        users = [server.user(f"jobs{number}") for number in range(size)]
        server.write_users(users)
        for user in users:
            accounts.copy(servers.target, servers.form, Account(inbox=10, storage=50), user)
        time.sleep(2)
        words = server.doveadm_command("lazy-expunge", "maintain", "-A", "-j", str(JOBS[name]))
        before, start = children_on_cpu(), time.perf_counter()
        memory = run_with_peak(server, words)
        samples.add(name, (time.perf_counter() - start) * 1000, memory, children_on_cpu() - before)
        if any(user.kept() for user in users[:2]):
            raise AssertionError(f"{name} left what was due")
        for user in users:
            remove(user)
