"""The account's lock: with every way to lock, and between two servers that share a mail store."""

import contextlib
import os
import signal
import time

import pytest

from harness import wait_for
from harness.faults.inject import session_process, traced
from harness.dovecot.instances import copies
from harness.faults.locks import ACCOUNT, lock_lines

LAST = {"mailbox": "EXPUNGED", "only_last_instance": True}
STORES = {
    "fcntl": dict(raw="mmap_disable = yes\nlock_method = fcntl", fsync="always"),
    "dotlock": dict(raw="mmap_disable = yes\nlock_method = dotlock", fsync="always"),
    "nfs": dict(raw="mmap_disable = yes\nmail_nfs_storage = yes\nmail_nfs_index = yes", fsync="always"),
}
DOTLOCK = ".dovecot.lazy-expunge.dotlock"
SLOWED = "pwrite64,write,writev,rename,link,unlink,openat,ftruncate,fsync,fdatasync"


def at_once(clients, commands):
    """All mail marked as deleted, then these commands at the same time; all must be answered with OK."""
    for client in clients:
        client.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    tags = [client.send(command) for client, command in zip(clients, commands)]
    for client, tag in zip(clients, tags):
        answer = client.finish(tag)
        assert answer.ok, answer.text


@pytest.fixture
def two_servers(dovecot):
    """two_servers(fields): two servers with one mail store."""
    def make(fields):
        first = dovecot.own(lazy=LAST, **fields)
        return first, dovecot.own(lazy=LAST, mail_root=first.mail_root, hostname="othermail", **fields)
    return make


@pytest.mark.parametrize("store", STORES)
def test_two_servers_that_delete_all_copies_at_once(two_servers, store):
    first, second = two_servers(STORES[store])
    for commands in (("EXPUNGE", "EXPUNGE"), ("CLOSE", "EXPUNGE"), ("UID MOVE 1:* Moved", "EXPUNGE"), ("EXPUNGE", "UID MOVE 1:* Moved")):
        here = first.user()
        there = second.user(here.name)
        guids = copies(here, 15, "Work")
        with here.imap() as session:
            session.ok("CREATE Moved")
        at_once([here.imap("INBOX"), there.imap("Work")], commands)
        moved = sorted(mail.guid for mail in there.messages("Moved"))
        kept = sorted(mail.guid for mail in here.kept())
        if "Moved" in " ".join(commands):
            assert moved == guids and kept == [], commands
        else:
            assert kept == guids, commands


@contextlib.contextmanager
def stopped_with_the_lock(server, user, session, command):
    """The session's process, stopped while it holds the account's lock in this command, which it never finishes."""
    dotlock = "dotlock" in server.config.raw
    lock = user.home / (DOTLOCK if dotlock else ACCOUNT)
    pid = session_process(server)

    def held():
        if dotlock:
            # the PID is written into it, by which others know that its owner is gone
            return lock.exists() and lock.stat().st_size > 0
        return bool(lock_lines(lock))
    with traced(server, [pid], "-e", f"trace={SLOWED}", "-e", f"inject={SLOWED}:delay_enter=100000") as output:
        session.send(command)
        wait_for(held, "the lock")
        os.kill(pid, signal.SIGSTOP)
        # strace would let it go on if it ended before
        wait_for(lambda: "stopped by SIGSTOP" in output.read_text(errors="replace"), "the process to stop")
    assert held()
    yield pid
    server.kill_process(pid)


@pytest.mark.parametrize("store", ["fcntl", "dotlock"])
def test_a_holder_that_is_killed_frees_the_lock(dovecot, store):
    server = dovecot.own(lazy=LAST, **STORES[store])
    user = server.user()
    guids = copies(user, 3, "Work")
    session = user.imap("INBOX")
    session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    with stopped_with_the_lock(server, user, session, "EXPUNGE") as holder:
        other = user.imap("Work")
        other.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        tag = other.send("EXPUNGE")
        server.kill_process(holder)
        began = time.monotonic()
        assert other.finish(tag).ok
        assert time.monotonic() - began < 25, "it need not wait until it gives up"
    server.expect_log("killed with signal 9|Rebuilding|rebuilding|fscking|Inconsistency|view is now inconsistent|Overriding|stale", required=False)
    live = [mail.guid for mail in user.messages()]
    assert sorted(set(live) | {mail.guid for mail in user.kept()}) == guids


def test_a_lock_file_of_another_method_is_in_nobodys_way(dovecot):
    """lock_method was fcntl before, which leaves its file behind."""
    server = dovecot.own(lazy=LAST, **STORES["dotlock"])
    user = server.user()
    guids = copies(user, 2, "Work")
    lock = user.home / ACCOUNT
    lock.touch()
    server.own(lock)
    os.utime(lock, (time.time() - 1000, time.time() - 1000))
    for box in ("INBOX", "Work"):
        with user.imap(box) as session:
            began = time.monotonic()
            session.delete()
            assert time.monotonic() - began < 20
    server.expect_log("lock", required=False)
    assert sorted(mail.guid for mail in user.kept()) == guids


@pytest.mark.formats("sdbox")
@pytest.mark.parametrize("store", STORES)
def test_a_wait_for_another_server_ends_in_keep(two_servers, store):
    """The other server holds the lock and does nothing, as one that has lost its network."""
    first, second = two_servers(STORES[store])
    here = first.user()
    there = second.user(here.name)
    guids = copies(here, 2, "Work")
    session = here.imap("INBOX")
    session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    other = there.imap("Work")
    other.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    with stopped_with_the_lock(first, here, session, "EXPUNGE"):
        began = time.monotonic()
        assert other("EXPUNGE").ok
        assert 20 < time.monotonic() - began < 50
    first.expect_log("killed with signal 9", required=False)
    second.expect_log("lock", required=False)
    assert {mail.guid for mail in there.kept()} == set(guids), "in doubt everything is kept"


def test_a_mailbox_is_deleted_while_the_storage_is_made(dovecot):
    """One has the list's lock and wants the account's, the other has that and wants the list's. Dovecot panics at an EDEADLK."""
    user = dovecot().user()
    user.fill("INBOX", 1)
    user.fill("Work", 1, create=True)
    user.server.settle()
    session = user.imap("INBOX")
    session.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    slow = ("-P", str(user.mail_path / "mailboxes.lock"), "-e", "inject=openat:delay_enter=2000000:when=1")
    with traced(user.server, [session_process(user.server)], *slow) as calls, user.imap() as other:
        tag = session.send("EXPUNGE")
        wait_for((user.home / ACCOUNT).exists, "the account to be locked")
        other.ok("DELETE Work")
        assert session.finish(tag).ok
        session.logout()
    assert "DELAYED" in calls.read_text(), "the list's lock was wanted after the account's"
    assert sorted(mail.origin for mail in user.kept()) == ["INBOX", "Work"]
    assert user.messages() == [] and "Work" not in user.mailboxes()
