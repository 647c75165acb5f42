"""autoexpunge on the storage removes for good, by age and by count, whatever the user may do there."""

import os
import time
from dataclasses import replace

import pytest

from harness import Mailbox, message, wait_for
from harness.dovecot.config import DEFAULT_MAILBOXES, namespace_mode
from harness.faults.inject import session_process, traced

BY_COUNT = dict(autoexpunge="30d", autoexpunge_max_mails=2)
BY_AGE = dict(autoexpunge="1s")
NO_RIGHTS = (("owner", ""),)
GUARDS = {"open": {}, "protected": {"lazy": {"protect": True, "hidden": True}}, "acl": {"acl": ((".EXPUNGED", NO_RIGHTS),)}}


def with_retention(dovecot, retention, **fields):
    return dovecot(mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", **retention),), **fields).user()


def fill_storage(user, number=5):
    user.fill("INBOX", number)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    assert len(user.kept()) == number


def by_imap(user):
    """A session, which expunges when it ends. Until it has (settle()), doveadm may list mails that are gone when it fetches them."""
    with user.imap("INBOX") as session:
        session.ok("NOOP")


def by_pop3(user):
    user.pop3().quit()


def by_lmtp(user):
    user.deliver()


@pytest.mark.parametrize("session", [by_imap, by_pop3, by_lmtp], ids=lambda session: session.__name__)
@pytest.mark.parametrize("guard", sorted(GUARDS))
def test_by_count(dovecot, session, guard):
    user = with_retention(dovecot, BY_COUNT, **GUARDS[guard])
    user.server.settle()
    fill_storage(user)
    newest = [mail.guid for mail in user.kept()[-2:]]
    session(user)
    user.server.settle()
    assert [mail.guid for mail in user.kept()] == newest


@pytest.mark.parametrize("guard", sorted(GUARDS))
def test_by_age(dovecot, guard):
    user = with_retention(dovecot, BY_AGE, **GUARDS[guard])
    fill_storage(user)
    newest = max(mail.saved for mail in user.kept())
    wait_for(lambda: time.time() > newest + 1.1, "the mail to be old enough")
    by_imap(user)
    user.server.settle()
    assert user.kept() == []


def test_an_old_mail_that_was_deleted_just_now_stays(dovecot):
    user = with_retention(dovecot, dict(autoexpunge="1h"))
    user.append(date="01-Jan-2001 00:00:00 +0000")
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    by_imap(user)
    user.server.settle()
    assert len(user.kept()) == 1


@pytest.mark.parametrize("protect", [False, True], ids=["open", "protected"])
def test_in_namespace_mode(dovecot, protect):
    fields = namespace_mode(dovecot.format, protect=protect)
    rules = (Mailbox("INBOX", **BY_COUNT), Mailbox("Work", **BY_COUNT))
    fields["namespaces"] = tuple(replace(namespace, mailboxes=rules) for namespace in fields["namespaces"])
    user = dovecot(**fields).user()
    for mailbox in ("INBOX", "Work"):
        user.fill(mailbox, 4, create=True)
        user.doveadm("expunge", "mailbox", mailbox, "all")
    user.server.settle()
    by_imap(user)
    user.server.settle()
    assert sorted(mail.origin for mail in user.kept()) == ["INBOX", "INBOX", "Work", "Work"]


def delete_and_end(user, meanwhile=lambda: None):
    """Delete one mail; what the session opens of the storage from LOGOUT on, until it has ended."""
    user.append()
    with user.imap("INBOX") as session:
        session.delete()
        meanwhile()
        with traced(user.server, [session_process(user.server)], "-e", "trace=open,openat") as output:
            session.logout()
            wait_for(lambda: "exited with" in output.read_text(), "the process to end")
        return [line for line in output.read_text().splitlines() if "EXPUNGED" in line]


@pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])
def test_a_storage_in_which_nothing_is_due_is_not_opened_when_a_session_ends(dovecot, hidden):
    user = with_retention(dovecot, dict(autoexpunge="1h"), lazy={"hidden": hidden})
    delete_and_end(user)
    for _ in range(3):
        assert delete_and_end(user) == []
    assert len(user.kept()) == 4


@pytest.mark.formats("maildir")
@pytest.mark.parametrize("autoexpunge, day", [("30d", 24), ("12h", 0.5)])
def test_a_storage_is_opened_once_a_day_when_a_session_ends(dovecot, autoexpunge, day):
    """Or once in a 24th of its retention. New mails get their UIDs then, and save dates that stay when files change."""
    user = with_retention(dovecot, dict(autoexpunge=autoexpunge))
    delete_and_end(user)
    [uidlist] = user.mail_path.glob("*EXPUNGED/dovecot-uidlist")
    log = uidlist.with_name("dovecot.index.log")

    def known():
        return len(uidlist.read_text().splitlines()) - 1
    assert known() == 1
    for part, opened in ((0.9, False), (1.1, True)):
        before = time.time() - part * day * 60 * 60
        assert bool(delete_and_end(user, lambda: os.utime(log, (before, before)))) == opened
        assert known() == (3 if opened else 1)
    assert delete_and_end(user) == []
    assert len(user.kept()) == 4


@pytest.mark.formats("maildir")
def test_a_storage_that_counts_in_the_quota_is_opened_when_a_session_ends(dovecot):
    user = with_retention(dovecot, dict(autoexpunge="1h"), lazy={"hidden": True, "quota_ignore": False})
    delete_and_end(user)
    assert delete_and_end(user) != []
    assert len(user.kept()) == 2


def test_what_is_due_goes_although_the_storage_was_opened_lately(dovecot):
    user = with_retention(dovecot, dict(autoexpunge="24s"), lazy={"hidden": True})
    delete_and_end(user)
    [first] = user.kept()
    user.append()
    [last] = user.messages()
    wait_for(lambda: time.time() > first.saved + 24.1, "the mail to be old enough", 60)
    [log] = [path for path in user.home.rglob("dovecot.index.log") if "EXPUNGED" in str(path)]
    with user.imap("INBOX") as session:
        session.delete()
        os.utime(log)
    user.server.settle()
    assert [mail.guid for mail in user.kept()] == [last.guid]


def test_more_than_one_batch(dovecot):
    """autoexpunge works in batches of 1,000."""
    user = with_retention(dovecot, BY_COUNT)
    user.server.run(["true"])
    with user.imap() as session:
        tags = [session.send("APPEND INBOX {}", message(body="")) for _ in range(1200)]
        assert all(session.finish(tag).ok for tag in tags)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    by_imap(user)
    user.server.settle()
    assert len(user.kept()) == 2


def test_the_deletion_time_stays_when_files_change(dovecot):
    user = dovecot(lazy={"mailbox": "EXPUNGED"}).user()
    user.fill("INBOX", 2)
    with user.imap("INBOX") as session:
        session.delete("1:2")
    deleted = time.time()
    # what a backup by hard links or a chmod does: the file system's time of change is now
    wait_for(lambda: time.time() > deleted + 2, "the next seconds")
    for path in user.home.rglob("*"):
        if path.is_file():
            path.chmod(0o640)
    assert max(mail.saved for mail in user.kept()) <= deleted
