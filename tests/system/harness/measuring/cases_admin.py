"""What administrators and the end of sessions cost."""

import os
import select
import subprocess
import time

from harness.measuring import accounts
from harness.measuring.accounts import STORAGE, Account
from harness.measuring.cases import PLAIN, case, delete_last, in_turn, remove, timed, timed_command
from harness.measuring.servers import children_on_cpu, ended_on_cpu, peak_memory, time_on_cpu
from harness.dovecot.config import Mailbox

AUTOEXPUNGE = (Mailbox("Trash", auto="create", special_use="\\Trash", autoexpunge="30d"),
               Mailbox(STORAGE, autoexpunge="20000d"))
# Series of one server with ours, and the processes that its maintain has.
JOBS = {"ours": 1, "ours-jobs2": 2, "ours-jobs4": 4}
VISITS = (*PLAIN, *(name for name in JOBS if name not in PLAIN))

# maintain believes that a file will not change unseen once its last change is older.
SETTLED_SECONDS = 4


@case("LOGOUT with autoexpunge set and nothing to do", (100, 30000, 100000), "mails in the storage", PLAIN, 20)
def logout(servers, size, samples, rounds):
    users = {name: servers.account(name, Account(inbox=200, storage=size), mailboxes=AUTOEXPUNGE)
             for name in samples.times}
    open_cpu = dict.fromkeys(users, 0)
    ended_cpu = {name: -ended_on_cpu(user.server) for name, user in users.items()}
    for _, name in in_turn(samples, min(rounds, 190)):
        session = users[name].imap("INBOX")
        delete_last(session)
        open_cpu[name] += time_on_cpu(users[name])
        # that of the session before its end: of a process that has ended nobody knows it
        memory = peak_memory(users[name])
        samples.add(name, logout_and_end(session, users[name]), memory)
    for name, user in users.items():
        ended_cpu[name] += ended_on_cpu(user.server)
        samples.add_mean_cpu(name, ended_cpu[name] - open_cpu[name])


def logout_and_end(session, user):
    """Until the process has ended: autoexpunge runs after the answer to LOGOUT."""
    ends = [os.pidfd_open(pid) for pid in user.server.processes("imap")]
    try:
        start = time.perf_counter()
        session.logout()
        for end in ends:
            select.select([end], [], [])
        return (time.perf_counter() - start) * 1000
    finally:
        for end in ends:
            os.close(end)


@case("restore of all mails", (10000,), "mails in the storage", ("shipped", "ours"), 3, (300,))
def restore(servers, size, samples, rounds):
    """Against doveadm move, which is all that there is without the command."""
    for _, name in in_turn(samples, rounds):
        user = servers.account(name, Account(storage=size))
        command = ["lazy-expunge restore", "all"] if servers.has_command(name) else \
            ["move", "INBOX", "mailbox", STORAGE, "all"]
        taken, cpu = timed_command(user, *command)
        samples.add(name, taken, cpu=cpu)
        remove(user)


@case("list of the storage", (100000,), "mails in the storage", ("shipped", "ours"), 3, (300,))
def list_storage(servers, size, samples, rounds):
    """Against doveadm fetch of fields that the index has."""
    users = {name: servers.account(name, Account(storage=size)) for name in samples.times}
    for _, name in in_turn(samples, rounds):
        command = ["lazy-expunge list"] if servers.has_command(name) else \
            ["fetch", "uid guid date.saved flags size.physical date.received hdr", "mailbox", STORAGE, "all"]
        taken, cpu = timed_command(users[name], *command)
        samples.add(name, taken, cpu=cpu)
    for user in users.values():
        remove(user)


@case("first rows of the list", (100, 100000), "mails in the storage", ("shipped", "ours"), 5, (100,))
def list_first_rows(servers, size, samples, rounds):
    """As an administrator waits for them, in json; against the same fields by doveadm fetch."""
    users = {name: servers.account(name, Account(inbox=200, storage=size)) for name in samples.times}
    for _, name in in_turn(samples, rounds):
        command = ["lazy-expunge list"] if servers.has_command(name) else \
            ["fetch", "uid guid date.saved flags size.physical date.received hdr", "mailbox", STORAGE, "all"]
        samples.add(name, _first_output(users[name], *command))
    for user in users.values():
        remove(user)


@case("first rows of deletions", (100, 100000), "mails in the storage", ("ours",), 5, (100,))
def deletions_first_rows(servers, size, samples, rounds):
    """A hundred sessions that deleted the same number of mails, each of them recorded."""
    users = {name: servers.account(name, Account(inbox=size)) for name in samples.times}
    for user in users.values():
        _delete_in_sessions(user, size)
    for _, name in in_turn(samples, rounds):
        samples.add(name, _first_output(users[name], "lazy-expunge deletions"))
    for user in users.values():
        remove(user)


def _delete_in_sessions(user, mails, sessions=100):
    for number in range(sessions):
        first, last = number * mails // sessions + 1, (number + 1) * mails // sessions
        with user.imap("INBOX") as session:
            session.ok(f"UID STORE {first}:{last} +FLAGS.SILENT (\\Deleted)")
            session.ok("EXPUNGE")


def _first_output(user, command, *arguments):
    """Milliseconds until the first bytes come; the rest is not read."""
    start = time.perf_counter()
    run = user.server.start_doveadm("-f", "json", *command.split(), "-u", user.name, *arguments,
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with run.stdout:
        if not os.read(run.stdout.fileno(), 1):
            raise RuntimeError(f"{command} printed nothing")
        milliseconds = (time.perf_counter() - start) * 1000
    run.wait(timeout=600)
    return milliseconds


# Of a loop so many are run, and what they take is scaled to all mails.
LOOPED = 200
# Runs a command and says on standard error how much memory (KiB) it had at most.
MEMORY = "import resource, subprocess, sys; status = subprocess.run(sys.argv[1:]).returncode; " \
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(status)"


@case(f"export of the storage into a tar.gz (shipped: a loop of doveadm fetch text, of {LOOPED} and scaled)", (100000,), "mails in the storage",
      ("shipped", "ours"), 3, (300,), ("sdbox", "mdbox", "maildir"))
def export(servers, size, samples, rounds):
    """The loop is all that there is without the command. Its memory is that of a doveadm that has one mail to do."""
    users = {name: servers.account(name, Account(storage=size)) for name in samples.times}
    for user in users.values():
        # what a mailbox costs when it is opened for the first time is Dovecot's
        user.doveadm("mailbox status", "messages", STORAGE)
    for number, name in in_turn(samples, rounds):
        if not servers.has_command(name):
            fetch = lambda uid: ("fetch", "text", "mailbox", STORAGE, "uid", str(uid))
            memory = _peak_of(users[name], *fetch(1))
            scaled = [sum(used) * size / LOOPED for used in zip(*(timed_command(users[name], *fetch(uid)) for uid in range(1, LOOPED + 1)))]
            samples.add(name, scaled[0], memory, scaled[1])
            continue
        path = users[name].server.root / f"all-{number}.tar.gz"
        before, start = children_on_cpu(), time.perf_counter()
        memory = _peak_of(users[name], "lazy-expunge export", "-w", str(path))
        samples.add(name, (time.perf_counter() - start) * 1000, memory, children_on_cpu() - before)
        path.unlink()
    for user in users.values():
        remove(user)


def _peak_of(user, command, *arguments):
    """KiB of memory that this command had at most; what it prints goes nowhere."""
    return run_with_peak(user.server, user.server.doveadm_command(*command.split(), "-u", user.name, *arguments, asking=command == "fetch"))


def run_with_peak(server, words):
    """Run a command of the server's; KiB of memory that one of its processes had at most."""
    done = subprocess.run(["/usr/bin/python3", "-c", MEMORY, *server.sandbox.command(words)], env=server.sandbox.environment,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    return int(done.stderr.split()[-1])


@case("maintain -A with nothing to do (no plugin: mailbox list -A that finds none; shipped: expunge -A)", (1000, 5000), "users", VISITS,
      5, (10,))
def maintain(servers, size, samples, rounds):
    """Against doveadm expunge -A of the storage, which is all that there is without the command, and what visiting users costs."""
    _maintain(servers, size, samples, rounds, lambda server: None)


@case("maintain -A with nothing to do, the storages changed since the last run (else as before)", (1000,), "users", VISITS, 5, (10,))
def maintain_changed(servers, size, samples, rounds):
    _maintain(servers, size, samples, rounds, _change_storages)


def _change_storages(server):
    """As if something had happened in each storage, a while ago."""
    paths = list(server.mail_root.glob(f"*/{server.mail_directory}/**/*{STORAGE}*/**/dovecot.index.log"))
    if not paths:
        raise AssertionError("no storage has an index")
    for path in paths:
        os.utime(path)
    settle(len(paths))


def settle(users):
    """Let maintain believe that files will not change unseen any more. A few users only show that it works."""
    if users >= 100:
        time.sleep(SETTLED_SECONDS)


def _maintain(servers, size, samples, rounds, prepare):
    servers_by_name = {name: server_of_many(servers, "ours" if name in JOBS else name, size) for name in samples.times}
    # The first run may bring indexes up to date, the second the list's, the third sees that change.
    for _ in range(4):
        settle(size)
        for name, server in servers_by_name.items():
            _run_for_all(servers, name, server)
    for _, name in in_turn(samples, rounds):
        prepare(servers_by_name[name])
        before = children_on_cpu()
        taken = timed(_run_for_all, servers, name, servers_by_name[name])
        samples.add(name, taken, cpu=children_on_cpu() - before)


def server_of_many(servers, name, size):
    """A server with accounts that doveadm -A knows."""
    server = servers.get(name, mailboxes=AUTOEXPUNGE, passwd_file=True)
    users = [server.user(f"many{number}") for number in range(size)]
    server.write_users(users)
    for user in users:
        if not user.home.exists():
            accounts.copy(servers.target, servers.form, Account(inbox=10, storage=100), user)
    return server


def _run_for_all(servers, name, server):
    if name == "none":
        command = ["mailbox", "list", "-A", "nosuch*"]
    elif name in JOBS:
        command = ["lazy-expunge", "maintain", "-A", "-j", str(JOBS[name])]
    else:
        command = ["expunge", "-A", "mailbox", STORAGE, "savedbefore", "20000d"]
    server.doveadm(*command, timeout=3600)
