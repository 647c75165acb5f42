"""Sessions that meet in one mailbox, one of them held up at the account's lock."""

import contextlib
import fcntl

from harness import chaos, wait_for

LAST = {"mailbox": "EXPUNGED", "only_last_instance": True}


@contextlib.contextmanager
def account_locked(user):
    """Hold the account's lock, as a session that deletes does. Yields a function: how many processes wait for it."""
    path = user.home / "dovecot.lazy-expunge.lock"
    user.append("Trash")
    with user.imap("Trash") as session:
        session.delete()
    inode = path.stat().st_ino

    def waiting():
        with open("/proc/locks", encoding="ascii") as table:
            return sum(f":{inode} " in line for line in table if "->" in line)

    with open(path, "r+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        yield waiting


def test_an_expunge_held_up_while_its_mailbox_is_deleted_keeps_nothing_twice(dovecot):
    user = dovecot(lazy=LAST).user()
    uids = user.fill("Work", 3, create=True)
    guids = sorted(mail.guid for mail in user.messages("Work"))
    session, other = user.imap("Work"), user.imap()
    session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    with account_locked(user) as waiting:
        expunge = session.send(f"UID EXPUNGE {uids[0]}:{uids[-1]}")
        wait_for(lambda: waiting() == 1, "the EXPUNGE to wait for the lock")
        # the deletion waits for some seconds, and then keeps everything without the lock
        other.ok("DELETE Work")
        assert sorted(mail.guid for mail in user.kept() if mail.origin == "Work") == guids
    with contextlib.suppress(*chaos.ENDED):
        assert not session.finish(expunge).ok
    session.close()
    other.logout()
    assert sorted(mail.guid for mail in user.kept() if mail.origin == "Work") == guids
    user.server.settle()
    user.server.expect_log(r"No such file or directory|deleted under us|was deleted", required=False)
