"""The storage in mailbox mode: its name on every layout, and when it comes into being."""

import re

import pytest

from harness import name

# Without a layout it is Maildir++ on maildir and fs on the others.
NAMES = [
    dict(storage=".EXPUNGED"),
    dict(storage=".EXPUNGED", separator="."),
    dict(storage=".EXPUNGED", layout="fs"),
    dict(storage=".EXPUNGED", layout="fs", separator="."),
    dict(storage=".EXPUNGED", layout="index"),
    dict(storage=".EXPUNGED", listescape="^"),
    dict(storage=".EXPUNGED", listescape="^", separator="."),
    dict(storage="INBOX/.EXPUNGED", prefix="INBOX/"),
    dict(storage="INBOX.EXPUNGED", prefix="INBOX.", separator="."),
    dict(storage="INBOX..EXPUNGED", prefix="INBOX.", separator="."),
    dict(storage="EXPUNGED"),
    dict(storage="EXPUNGED", separator="."),
    dict(storage="Deleted items"),
    dict(storage="Gelöscht & weg"),
    dict(storage="Trash/EXPUNGED"),
    dict(storage="Trash.EXPUNGED", separator="."),
    dict(storage="Trash/.EXPUNGED"),
    dict(storage="100% #1"),
]


@pytest.mark.parametrize("case", NAMES, ids=lambda case: re.sub(r"[^A-Za-z0-9=,_]+", "_", "-".join(case.values())))
def test_the_storage_works_by_its_name(dovecot, case):
    case = dict(case)
    storage = case.pop("storage")
    user = dovecot(lazy={"mailbox": storage}, **case).user()
    if case.get("layout") == "index":
        # Dovecot's own, with or without a plugin: two mailboxes made within a second
        user.server.expect_log("Warning: .*UIDVALIDITY changed", required=False)
    user.fill("INBOX", 2)
    before = user.messages()
    with user.imap("INBOX") as session:
        session.delete("1")
        session.delete("2")
    kept = user.kept()
    assert [mail.content for mail in kept] == [mail.content for mail in before]
    assert {mail.origin for mail in kept} == {"INBOX"}
    assert {mail.mailbox for mail in kept} == {storage}
    assert storage in user.mailboxes()
    with user.imap() as session:
        assert storage in session.list()
        session.select(storage)
        assert session.search() == [1, 2]


def test_the_storage_is_not_made_before_it_is_needed(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 1)
    with user.imap("INBOX") as session:
        session.ok("UID MOVE 1 Trash")
    assert ".EXPUNGED" not in user.mailboxes()


def test_the_storage_is_made_again_when_an_admin_removed_it(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 3)
    session = user.imap("INBOX")
    session.delete("1")
    user.doveadm("mailbox delete", ".EXPUNGED")
    session.delete("2")
    assert len(user.kept()) == 1, "in the session that had it open"
    session.logout()
    user.doveadm("mailbox delete", ".EXPUNGED")
    with user.imap("INBOX") as session:
        session.delete("3")
    assert len(user.kept()) == 1, "in another session"


def test_two_sessions_make_the_storage_at_the_same_time(dovecot):
    server = dovecot()
    for _ in range(5):
        user = server.user()
        user.fill("INBOX", 2)
        before = user.messages()
        sessions = [user.imap("INBOX") for _ in range(2)]
        for uid, session in enumerate(sessions, 1):
            session.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
        tags = [session.send(f"UID EXPUNGE {uid}") for uid, session in enumerate(sessions, 1)]
        for session, tag in zip(sessions, tags):
            answer = session.finish(tag)
            assert answer.ok, answer.text
        assert sorted(mail.guid for mail in user.kept()) == sorted(mail.guid for mail in before)
        assert user.messages() == []


def test_a_mail_of_every_mailbox_goes_to_the_one_storage(dovecot):
    user = dovecot().user()
    for mailbox in ("INBOX", "a", "a/b", "Trash"):
        user.append(mailbox, create=True)
        with user.imap(mailbox) as session:
            session.delete()
    assert [mail.origin for mail in user.kept()] == ["INBOX", "a", "a/b", "Trash"]


def test_the_storage_is_usable_as_a_mailbox(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        session.delete()
        assert session.status(".EXPUNGED", "MESSAGES UIDNEXT") == {"MESSAGES": 3, "UIDNEXT": 4}
        session.select(".EXPUNGED", "EXAMINE")
        assert len(session.ok("UID FETCH 1:* (FLAGS BODY.PEEK[])").lines("FETCH")) == 3
        assert session.search("SUBJECT " + name("message")) == [1, 2, 3]
