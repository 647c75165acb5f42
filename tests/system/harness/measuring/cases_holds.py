"""What holds cost: retention of mail of which a third is held, against as many mails of which none is."""

import time

from harness.measuring.accounts import STORAGE, Account
from harness.measuring.cases import case, in_turn, remove, timed, timed_command
from harness.measuring.cases_admin import logout_and_end
from harness.measuring.servers import children_on_cpu, ended_on_cpu
from harness.dovecot.config import Mailbox

DUE_SECONDS = 1
DUE = (Mailbox(STORAGE, autoexpunge=f"{DUE_SECONDS}s"),)
# ours-fewer: without a hold, as many mails as go where a third of size is held.
SERIES = ("ours", "ours-fewer", "ours-flag", "ours-header", "ours-read")
# The senders of mails are numbered.
SENDERS = ("from", "1@example.com", "or", "from", "4@example.com", "or", "from", "7@example.com")
QUERIES = {"ours-flag": ("flagged",), "ours-header": SENDERS, "ours-read": SENDERS}


def held_of(size, name):
    """How many mails stay."""
    if name == "ours-flag":
        return size // 3
    return sum(str(number)[-1] in "147" for number in range(size)) if name in QUERIES else 0


def _account(servers, size, name):
    """An account whose storage is due, and of which a third is held."""
    user = servers.account(name, Account(inbox=10, storage=size - size // 3 if name == "ours-fewer" else size), mailboxes=DUE)
    if name == "ours-flag":
        user.doveadm("flags add", "\\Flagged", "mailbox", STORAGE, "uid", ",".join(map(str, range(3, size + 1, 3))))
    if name == "ours-header":
        # as a client does that has shown them: in ours-read the hold reads them
        user.doveadm("fetch", "hdr.from", "mailbox", STORAGE, "all")
    if name in QUERIES:
        user.doveadm("lazy-expunge hold", "-N", "case", *QUERIES[name])
    # the copy's files are as old as the copy
    time.sleep(DUE_SECONDS + 1)
    return user


def _check(user, size, name):
    found = int(user.doveadm("mailbox status", "messages", STORAGE).stdout.rpartition(b"=")[2])
    if found != held_of(size, name):
        raise AssertionError(f"{name}: {found} mails are left, and not {held_of(size, name)}")


@case("maintain of a storage that is due, a third of it held", (10000,), "mails in the storage", SERIES, 5, (300,))
def maintain_held(servers, size, samples, rounds):
    for _, name in in_turn(samples, rounds):
        user = _account(servers, size, name)
        taken, cpu = timed_command(user, "lazy-expunge maintain")
        samples.add(name, taken, cpu=cpu)
        _check(user, size, name)
        remove(user)


@case("LOGOUT with a storage that is due, a third of it held", (10000,), "mails in the storage", SERIES, 5, (300,))
def logout_held(servers, size, samples, rounds):
    for _, name in in_turn(samples, rounds):
        user = _account(servers, size, name)
        user.server.settle()
        before = ended_on_cpu(user.server)
        taken = logout_and_end(user.imap("INBOX"), user)
        user.server.settle()
        samples.add(name, taken, cpu=ended_on_cpu(user.server) - before)
        _check(user, size, name)
        remove(user)


@case("hold of a whole account, and its release", (10, 10000, 200000), "mails in the storage", ("ours",), 5, (10, 300))
def hold_all(servers, size, samples, rounds):
    """No mail is walked over: it takes what it takes with ten."""
    user = servers.account("ours", Account(inbox=10, storage=size))
    user.doveadm("mailbox status", "messages", STORAGE)
    for number, name in in_turn(samples, rounds):
        before = children_on_cpu()
        taken = timed(user.doveadm, "lazy-expunge hold", "-N", str(number)) + timed(user.doveadm, "lazy-expunge release", "-N", str(number))
        samples.add(name, taken, cpu=children_on_cpu() - before)
    remove(user)
