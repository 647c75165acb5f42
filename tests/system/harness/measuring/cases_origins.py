"""The cases of tools/bench for storages with mail of many mailboxes: the first delete from one more costs what it did from the first."""

import re

from harness.measuring.accounts import Account
from harness.measuring.cases import case, delete_last, in_turn, measure_delete
from harness.measuring.servers import peak_memory
from harness.faults.inject import session_process, traced

# Each has a mail that is deleted before and one that is measured; the account is the same at every size.
LARGEST = 2140
SPARE = 50
SIZES = (0, 26, 874, LARGEST - 1)
UNIT = "mailboxes of which mail was deleted before"
SERIES = ("none", "shipped", "ours")


def _users(servers, size, samples):
    """{series: user}, each with mail of so many mailboxes in the storage."""
    account = Account(inbox=1, folders=LARGEST + SPARE, each=1)
    users = {name: servers.account(name, account) for name in samples.times}
    for user in users.values():
        with user.imap() as session:
            for number in range(size):
                session.ok(f"SELECT {_folder(number)}")
                delete_last(session)
    return users


def _folder(number):
    return f"Folder{number:02}"


@case("EXPUNGE from one more mailbox in an open session", SIZES, UNIT, SERIES, SPARE - 10, (26,))
def origins(servers, size, samples, rounds):
    users = _users(servers, size, samples)
    sessions = {name: user.imap() for name, user in users.items()}
    for number, name in in_turn(samples, min(rounds, SPARE - 10)):
        sessions[name].ok(f"SELECT {_folder(size + number)}")
        measure_delete(samples, name, sessions[name], users[name])
    for name, user in users.items():
        samples.memory[name].append(peak_memory(user))
        _print_calls(size, name, user, sessions[name], size + SPARE - 5)
        user.close()


@case("EXPUNGE from one more mailbox in a fresh session", SIZES, UNIT, SERIES, SPARE - 10, (26,))
def origins_fresh(servers, size, samples, rounds):
    users = _users(servers, size, samples)
    for number, name in in_turn(samples, min(rounds, SPARE - 10)):
        with users[name].imap(_folder(size + number)) as session:
            measure_delete(samples, name, session, users[name], memory=True)
    for name, user in users.items():
        user.server.settle()
        with user.imap() as session:
            _print_calls(size, name, user, session, size + SPARE - 5)


def _print_calls(size, series, user, session, number):
    """What SELECT and EXPUNGE ask of the kernel: these figures do not depend on how busy the machine is."""
    with traced(user.server, [session_process(user.server)]) as output:
        session.ok(f"SELECT {_folder(number)}")
        delete_last(session)
    calls = [line for line in output.read_text(errors="replace").splitlines() if re.match(r"\d+ +\w+\(", line)]
    by_path = [line for line in calls if re.match(rf'\d+ +\w+\([^"]*"{re.escape(str(user.home))}', line)]
    output.unlink()
    print(f"  system calls, {size:,}, {series}: {len(calls)}, {len(by_path)} of them by path", flush=True)
