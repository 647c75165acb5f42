"""What Dovecot's own files keep of mail that went: transaction logs, caches, lists of UIDs."""

import os
import struct
import time

import pytest

from harness import wait_for
from harness.dovecot.config import Mailbox
from harness.dovecot.mail import message
from harness.dovecot.retention import keep, maintain, retention, wait_until_old

# Dovecot's own are 32 kB, 5 minutes and 2 days
QUICK = "mail_index_log_rotate_min_size = 1k\nmail_index_log_rotate_min_age = 1s\nmail_index_log2_max_age = 1s\n"
MAILS = 1000
# bytes of a home with that many mails, which all went; a cache of less is not worth its writing
MOST_LEFT = 48 * 1024
# of mail_transaction_log_header, in a log
CREATE_STAMP = 20


def left(user):
    """Bytes of all files of the home but the logs of an mdbox's map, which Dovecot turns over by its own times."""
    return sum(path.stat().st_size for path in user.home.rglob("*") if path.is_file() and not path.name.startswith("dovecot.map.index.log"))


def numbers(user, *mailboxes):
    with user.imap() as session:
        return [session.status(mailbox, "UIDVALIDITY UIDNEXT MESSAGES") for mailbox in mailboxes]


@pytest.mark.formats("maildir", "sdbox", "mdbox")
def test_little_is_left_of_mail_that_is_all_gone(dovecot):
    """And it is still the same mailbox: nothing has its UID again."""
    user = dovecot(raw=QUICK, **retention(Mailbox(".EXPUNGED", autoexpunge="1s"))).user()
    user.fill("INBOX", MAILS)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    assert len(user.kept()) == MAILS
    before = numbers(user, "INBOX", ".EXPUNGED")
    assert before[0]["UIDNEXT"] == MAILS + 1 and left(user) > 4 * MOST_LEFT

    def little_is_left():
        maintain(user.server, "-u", user.name)
        return left(user) < MOST_LEFT
    wait_for(little_is_left, "all to be seen to, which takes some runs", seconds=60, interval=4)
    assert user.kept() == []
    after = numbers(user, "INBOX", ".EXPUNGED")
    assert after == [dict(status, MESSAGES=0) for status in before]
    assert user.append("INBOX") == MAILS + 1
    keep(user, 1)
    assert [kept.uid for kept in user.kept()] == [MAILS + 1, MAILS + 2]


@pytest.mark.formats("maildir", "sdbox", "mdbox")
def test_mail_of_inbox_stays_as_it_is(dovecot):
    """Its log is turned over, and no client finds anything changed: flags, what is new, what is expunged and what is recent."""
    user = dovecot(raw=QUICK, **retention(Mailbox(".EXPUNGED", autoexpunge="30d"))).user()
    uids = user.fill("INBOX", 5)
    user.deliver(message(subject="new"))
    [log] = [path for path in user.home.rglob("dovecot.index.log") if "EXPUNGED" not in str(path)]

    def state():
        with user.imap() as session:
            session.ok("EXAMINE INBOX")
            return session.ok("FETCH 1:* (UID FLAGS)").lines("FETCH")
    with user.imap("INBOX") as session:
        session.ok("STORE 2 +FLAGS (\\Flagged word)")
        session.ok("STORE 3 +FLAGS (\\Deleted)")
        for _ in range(60):
            session.ok("STORE 1 FLAGS (\\Seen)")
            session.ok("STORE 1 FLAGS (\\Answered)")
    user.deliver(message(subject="newest"))
    before, inode = state(), log.stat().st_ino
    keep(user, 1, "Work")

    def turned_over():
        maintain(user.server, "-u", user.name)
        return log.stat().st_ino != inode
    wait_for(turned_over, "the log of INBOX to be turned over", seconds=60, interval=4)
    assert state() == before and len(before) == len(uids) + 2 and "\\Flagged" in before[1] and " word" in before[1] and "\\Deleted" in before[2]
    assert "\\Recent" in before[-1]


def test_old_transaction_logs_go(dovecot):
    settings = "mail_index_log_rotate_min_size = 0\nmail_index_log_rotate_max_size = 1k\nmail_index_log_rotate_min_age = 0\n" \
        "mail_index_log2_max_age = 1s\n"
    user = dovecot(raw=settings, **retention(Mailbox(".EXPUNGED", autoexpunge="30d"))).user()
    logs = lambda: [path for path in user.home.rglob("dovecot.index.log.2") if "EXPUNGED" in str(path)]
    keep(user, 1)
    with user.imap(".EXPUNGED") as session:
        for _ in range(300):
            session.ok("STORE 1 FLAGS (\\Seen)")
            session.ok("STORE 1 FLAGS (\\Flagged)")
            if logs():
                break
    assert logs()
    wait_for(lambda: time.time() > max(path.stat().st_mtime for path in logs()) + 3, "the log to be old")
    maintain(user.server, "-u", user.name)
    assert logs() == []


@pytest.mark.formats("mdbox")
def test_the_log_of_the_map_is_turned_over(dovecot):
    """Which nobody opens once all mail has gone and was purged."""
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge="1s"))).user()
    user.fill("INBOX", MAILS)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    wait_until_old(user)
    assert maintain(user.server, "-u", user.name)[0][0]["expunged"] == MAILS
    [log] = user.home.rglob("dovecot.map.index.log")
    size = log.stat().st_size
    assert size > MOST_LEFT
    with open(log, "r+b") as file:
        file.seek(CREATE_STAMP)
        [created] = struct.unpack("<I", file.read(4))
        assert abs(created - time.time()) < 300
        file.seek(CREATE_STAMP)
        file.write(struct.pack("<I", created - 3600))
    os.utime(log, (created - 3600, created - 3600))
    maintain(user.server, "-u", user.name)
    assert log.stat().st_size < 1024 and log.with_name("dovecot.map.index.log.2").stat().st_size >= size
    keep(user, 2)
    assert len(user.kept()) == 2
