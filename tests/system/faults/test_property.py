"""Whatever clients do at the same time, and whatever is killed, each accepted mail is live or in the storage.

The steps of each client come from a seed, which is printed; --seed repeats them (not their timing), --seconds goes on longer.
"""

import contextlib
import random
import re

import pytest

from harness import name
from harness.faults import chaos
from harness.faults.inject import remove_dead_locks
from harness.dovecot.imap import decode_name

LAST = {"mailbox": "EXPUNGED", "only_last_instance": True}

# What Dovecot itself logs, without any plugin too, when one session deletes a mailbox that others use.
DELETED_UNDER = (r"No such file or directory|deleted under us|Directory not empty|Filename keeps changing|Unexpectedly lost uid"
                 r"|Duplicate file entry|Our dotlock file|reappeared, giving a new UID|duplicate transaction log sequence"
                 r"|reset, view is now inconsistent|Rebuilding index|Purging lost|Event 0x\w+ leaked|Corrupted dbox file"
                 r"|indexid changed|Synchronization corrupted index header|fscking index file|rebuilding indexes")
# Dovecot's own as well: when the other mailbox of a COPY or MOVE is deleted too, its error's text is freed before it is sent.
FREED_TEXT = "(?s)heap-use-after-free.* in client_send_error .*freed by thread.* in mail_storage_(set_error|set_critical|last_error_pop) "
# What no kill excuses.
BROKEN = re.compile(r"Panic|Assert|assert|killed with signal (?!9\b)")
GONE = re.compile("Mailbox was deleted under us|Mailbox doesn't exist")


@pytest.fixture
def seed(request):
    value = request.config.getoption("seed") or str(random.SystemRandom().randrange(10 ** 9))
    print(f"--seed {value}")
    return value


def account(dovecot):
    server = dovecot.own(lazy=LAST)
    if server.variant == "sanitizers":
        server.expect_report(FREED_TEXT)
        server.allow_log(r"service\(imap\): child \d+ returned error 1$")
    user, other = server.user(), server.user()
    for one in (user, other):
        # Dovecot itself may panic when several sessions make an INBOX at once, without any plugin too: each locks what the other wants.
        # When they make the Trash, one may be told that it is not there.
        with one.imap("INBOX") as session:
            session.select("Trash")
    return server, user, other


def report(ledger, workers, killer=None):
    steps = ", ".join(f"{worker.who} {worker.steps}" for worker in workers)
    killed = f"; {killer.killed} processes killed, {killer.restarts} restarts" if killer else ""
    print(f"{len(ledger)} mails accepted; steps: {steps}{killed}")


def use_it_all(user, gone=()):
    """What each kind of client does, in every mailbox of the account.

    gone: mailboxes whose deletion or renaming may have been killed. Dovecot, with a plugin or without, may leave such a mailbox
    listed: emptied and marked as deleted, or with only a part of its files removed.
    """
    user.deliver()
    with user.imap() as session:
        listed = session.ok('LIST "" "*"').lines("LIST")
        for mailbox in (decode_name(line) for line in listed if "\\Noselect" not in line and "\\NonExistent" not in line):
            selected = session(f"SELECT {name(mailbox)}")
            if not selected.ok:
                assert chaos.is_within_any(mailbox, gone) and GONE.search(selected.text), (mailbox, selected.text)
                continue
            session.ok("UID FETCH 1:* (FLAGS BODY.PEEK[])") if session.search() else session.ok("NOOP")
            session.append(mailbox, chaos.Ledger("after").message(random.Random(), "", 0)[1])
            session.ok("NOOP")
            session.ok(f"UID COPY {session.search()[-1]} Trash")
            session.delete(str(session.search()[-1]))
    pop3 = user.pop3()
    pop3.dele(1)
    pop3.quit()
    user.doveadm("fetch", "text", "mailbox", "*", "all")
    user.doveadm("purge")


def test_random_work_loses_nothing_and_keeps_nothing_twice(dovecot, seed, seconds):
    server, user, other = account(dovecot)
    ledger, workers, _ = chaos.run(user, other, seed, seconds)
    report(ledger, workers)
    server.settle()
    server.expect_log(DELETED_UNDER, required=False)
    lost, twice = ledger.judge(user)
    assert not lost and not twice
    assert len(ledger) > 5 and all(worker.steps > 0 for worker in workers)


def test_random_kills_lose_nothing_and_leave_a_clean_account(dovecot, seed, seconds):
    server, user, other = account(dovecot)
    ledger, workers, killer = chaos.run(user, other, seed, seconds, kill=True)
    gone = set().union(*(worker.gone for worker in workers))
    report(ledger, workers, killer)
    server.kill_all()
    remove_dead_locks(server.mail_root)
    server.start()
    lost, _ = ledger.judge(user)
    assert not lost
    assert killer.killed + killer.restarts > 0
    server.settle()
    # who comes first after a crash repairs what is found, and fails, one mailbox after another; then all is well
    for _ in range(3):
        with contextlib.suppress(AssertionError, *chaos.ENDED):
            use_it_all(user, gone)
            break
    server.settle()
    assert not [line for line in server.log() if BROKEN.search(line)]
    server.expect_log(".", required=False)
    assert not server.take_problems(), "a core file or a sanitizer's report"
    use_it_all(user, gone)
    server.settle()
    assert not server.take_problems()
    lost, _ = ledger.judge(user)
    assert not lost
