"""What administrators and the end of sessions cost."""

import functools
import time

from . import bench_accounts as accounts
from .bench_accounts import STORAGE, Account
from .bench_cases import PLAIN, case, delete_last, in_turn, remove, timed
from .config import Mailbox

AUTOEXPUNGE = (Mailbox("Trash", auto="create", special_use="\\Trash", autoexpunge="30d"),
               Mailbox(STORAGE, autoexpunge="20000d"))


@case("LOGOUT with autoexpunge set and nothing to do", (100, 30000, 100000), "mails in the storage", PLAIN, 20)
def logout(servers, size, samples, rounds):
    users = {name: servers.account(name, Account(inbox=200, storage=size), mailboxes=AUTOEXPUNGE)
             for name in samples.times}
    for _, name in in_turn(samples, min(rounds, 190)):
        session = users[name].imap("INBOX")
        delete_last(session)
        samples.add(name, timed(_logout_and_end, session, users[name]))


def _logout_and_end(session, user):
    """Until the process has ended: autoexpunge runs after the answer to LOGOUT."""
    session.logout()
    while user.server.processes("imap"):
        time.sleep(0.001)


@case("restore of all mails", (10000,), "mails in the storage", ("shipped", "ours"), 3, (300,))
def restore(servers, size, samples, rounds):
    """Against doveadm move, which is all that there is without the command."""
    for _, name in in_turn(samples, rounds):
        user = servers.account(name, Account(storage=size))
        command = ["lazy-expunge restore", "all"] if servers.has_command(name) else \
            ["move", "INBOX", "mailbox", STORAGE, "all"]
        samples.add(name, timed(functools.partial(user.doveadm, *command, timeout=3600)))
        remove(user)


@case("list of the storage", (100000,), "mails in the storage", ("shipped", "ours"), 3, (300,))
def list_storage(servers, size, samples, rounds):
    """Against doveadm fetch of fields that the index has."""
    users = {name: servers.account(name, Account(storage=size)) for name in samples.times}
    for _, name in in_turn(samples, rounds):
        command = ["lazy-expunge list"] if servers.has_command(name) else \
            ["fetch", "uid guid date.saved flags size.physical date.received hdr", "mailbox", STORAGE, "all"]
        samples.add(name, timed(functools.partial(users[name].doveadm, *command, timeout=3600)))
    for user in users.values():
        remove(user)


@case("maintain -A with nothing to do", (1000,), "users", ("shipped", "ours"), 3, (10,))
def maintain(servers, size, samples, rounds):
    """Against doveadm expunge -A of the storage, which is all that there is without the command."""
    servers_by_name = {}
    for name in samples.times:
        server = servers_by_name[name] = servers.get(name, mailboxes=AUTOEXPUNGE, passwd_file=True)
        users = [server.user(f"many{number}") for number in range(size)]
        server.write_users(users)
        for user in users:
            if not user.home.exists():
                accounts.copy(servers.target, servers.form, Account(inbox=10, storage=100), user)
    for _, name in in_turn(samples, rounds):
        server = servers_by_name[name]
        command = ["lazy-expunge", "maintain", "-A"] if servers.has_command(name) else \
            ["expunge", "-A", "mailbox", STORAGE, "savedbefore", "20000d"]
        samples.add(name, timed(functools.partial(server.doveadm, *command, timeout=3600)))
