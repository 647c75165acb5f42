"""lazy_expunge_only_last_instance: the last live instance of a mail in the account is kept, once, and no other."""

import json
import os
import shutil

import pytest

from harness.dovecot.config import namespace_mode
from harness.dovecot.instances import copies

LAST = {"only_last_instance": True}


def test_copy_and_expunge_keeps_nothing_until_the_copy_goes_too(dovecot):
    user = dovecot(lazy=LAST).user()
    [guid] = copies(user, 1, "Trash")
    with user.imap("INBOX") as session:
        session.delete()
        assert user.kept() == []
        session.select("Trash")
        session.delete()
    # where it was before the Trash
    assert [(mail.guid, mail.origin) for mail in user.kept()] == [(guid, "INBOX")]


def test_without_it_each_expunged_copy_is_kept(dovecot):
    user = dovecot(lazy={"only_last_instance": False}).user()
    copies(user, 1, "Trash")
    for mailbox in ("INBOX", "Trash"):
        with user.imap(mailbox) as session:
            session.delete()
    assert [mail.origin for mail in user.kept()] == ["INBOX", "INBOX"]


@pytest.mark.parametrize("last", [False, True], ids=["all", "last"])
def test_a_mail_that_another_user_has_too_is_kept(dovecot, last):
    server = dovecot(lazy={"only_last_instance": last})
    first, second = server.user(), server.user()
    first.deliver(others=[second])
    [before] = first.messages()
    with first.imap("INBOX") as session:
        session.delete()
    assert [mail.content for mail in first.kept()] == [before.content]
    assert len(second.messages()) == 1 and second.kept() == []


def test_a_hard_linked_backup_is_no_instance(dovecot):
    user = dovecot(lazy=LAST).user()
    user.fill("INBOX", 3)
    before = user.messages()
    shutil.copytree(user.home, user.server.mail_root / f"backup-of-{user}", copy_function=os.link)
    with user.imap("INBOX") as session:
        session.delete()
    assert [mail.content for mail in user.kept()] == [mail.content for mail in before]


def test_two_copies_in_one_mailbox_expunged_at_once_are_kept_once(dovecot):
    user = dovecot(lazy=LAST).user()
    guids = copies(user, 20, "INBOX")
    with user.imap("INBOX") as session:
        assert len(session.delete().lines("EXPUNGE")) == 40
    assert sorted(mail.guid for mail in user.kept()) == sorted(guids)


def test_two_copies_of_600_mails_expunged_at_once_are_kept_once(dovecot):
    """One EXPUNGE of more than 1,000 mails is several transactions."""
    user = dovecot(lazy=LAST).user()
    guids = copies(user, 600, "INBOX")
    with user.imap("INBOX") as session:
        session.delete()
    kept = [mail.guid for mail in user.kept()]
    assert set(kept) == set(guids) and len(kept) == len(guids)


def test_two_sessions_that_expunge_the_two_copies_at_the_same_time_lose_nothing(dovecot):
    user = dovecot(lazy=LAST).user()
    guids = copies(user, 100, "Trash")
    sessions = [user.imap(mailbox) for mailbox in ("INBOX", "Trash")]
    for session in sessions:
        session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    tags = [session.send("EXPUNGE") for session in sessions]
    for session, tag in zip(sessions, tags):
        assert session.finish(tag).ok
    kept = [mail.guid for mail in user.kept()]
    assert set(kept) == set(guids) and len(kept) == len(guids)


def test_two_copies_seen_through_a_virtual_mailbox_are_kept_once(dovecot):
    user = dovecot(lazy=LAST, virtual=True).user()
    guids = copies(user, 3, "Trash")
    user.make_virtual("All", "INBOX\nTrash\n  all\n")
    with user.imap("Virtual/All") as session:
        assert len(session.delete().lines("EXPUNGE")) == 6
    assert sorted(mail.guid for mail in user.kept()) == sorted(guids)


def test_a_copy_in_the_storage_is_no_instance(dovecot):
    user = dovecot(lazy=LAST).user()
    copies(user, 1, "Work")
    with user.imap("INBOX") as session:
        session.ok("UID COPY 1 Other") if session("CREATE Other").ok else None
        session.delete()
        session.select("Work")
        session.delete()
        session.select("Other")
        session.delete()
    assert [mail.origin for mail in user.kept()] == ["Other"]


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_a_storage_that_an_acl_hides_holds_a_mail_once(dovecot, mode):
    """It was deleted, copied out and deleted again."""
    space = {} if mode == "mailbox" else namespace_mode(dovecot.format)
    user = dovecot(acl_enabled=True, **dict(space, lazy=dict(space.get("lazy", {}), **LAST))).user()
    storage = ".EXPUNGED" if mode == "mailbox" else ".EXPUNGED/INBOX"
    user.append()
    with user.imap("INBOX") as session:
        session.delete()
    user.doveadm("acl set", storage, "owner", "read", "write", "insert", "expunge")
    with user.imap(storage) as session:
        assert storage not in session.list()
        session.ok("COPY 1 INBOX")
        session.select("INBOX")
        session.delete()
    # doveadm's own commands go by a pattern's list
    rows = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name).stdout)
    assert [row["origin"] for row in rows] == ["INBOX"]


def test_a_copy_in_an_excluded_mailbox_is_no_instance(dovecot):
    user = dovecot(lazy=dict(LAST, exclude=["Junk"])).user()
    [guid] = copies(user, 1, "Junk")
    with user.imap("INBOX") as session:
        session.delete()
    assert [mail.guid for mail in user.kept()] == [guid]


def test_deleting_a_mailbox_keeps_last_instances_alone(dovecot):
    user = dovecot(lazy=LAST).user()
    copies(user, 2, "Work")
    alone = user.append("Work") and user.messages("Work")[2].guid
    with user.imap() as session:
        session.ok("DELETE Work")
    assert [mail.guid for mail in user.kept()] == [alone]
