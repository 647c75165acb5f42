"""lazy_expunge_hidden: the storage shows in no list that a client gets, and works all the same."""

import pytest

from harness import Refused, message, name

HIDDEN = {"hidden": True}
LISTS = ['LIST "" *', 'LIST "" %', 'LIST "" .EXP*', 'LIST "" .EXPUNGED', 'LSUB "" *', 'LIST (SUBSCRIBED) "" *',
         'LIST "" * RETURN (SUBSCRIBED CHILDREN)', 'LIST "" (% *) RETURN (SPECIAL-USE)', 'LIST "" * RETURN (STATUS (MESSAGES))',
         'LIST (SUBSCRIBED) "" * RETURN (STATUS (UNSEEN))', 'LIST (RECURSIVEMATCH SUBSCRIBED) "" %']


def user_with_storage(dovecot, **lazy):
    user = dovecot(lazy=dict(HIDDEN, **lazy)).user()
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        session.delete("1:2")
    return user


@pytest.mark.parametrize("command", LISTS)
def test_no_list_shows_it(dovecot, command):
    user = user_with_storage(dovecot)
    user.doveadm("mailbox subscribe", ".EXPUNGED", "Trash")
    with user.imap("INBOX") as session:
        answer = session.ok(command)
        assert not [line for line in answer.untagged if b"EXPUNGED" in line]
        if "EXP" not in command and "SUBSCRIBED)" not in command:
            assert answer.untagged, "and the others show"


@pytest.mark.parametrize("command", LISTS[:6])
def test_without_the_setting_lists_show_it(dovecot, command):
    user = user_with_storage(dovecot, hidden=False)
    user.doveadm("mailbox subscribe", ".EXPUNGED")
    with user.imap() as session:
        assert [line for line in session.ok(command).untagged if b"EXPUNGED" in line]


def test_a_mailbox_whose_only_child_it_is_has_no_children(dovecot):
    user = user_with_storage(dovecot, mailbox="Work/Gone")
    with user.imap() as session:
        for command in ('LIST "" *', 'LIST "" %', 'LIST "" * RETURN (CHILDREN)'):
            lines = session.ok(command).lines("LIST")
            assert not [line for line in lines if "Gone" in line]
            assert not [line for line in lines if "Work" in line and "\\HasChildren" in line]


def test_it_can_be_opened_by_its_name(dovecot):
    user = user_with_storage(dovecot)
    with user.imap() as session:
        assert session.status(".EXPUNGED") == {"MESSAGES": 2}
        session.select(".EXPUNGED")
        session.ok("UID MOVE 1 INBOX")
    assert len(user.messages()) == 2 and len(user.kept()) == 1


def test_notify_does_not_mention_it(dovecot):
    user = user_with_storage(dovecot)
    session = user.imap()
    answer = session.ok("NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName))")
    assert not [line for line in answer.untagged if b"EXPUNGED" in line]
    with user.imap("INBOX") as other:
        other.delete()
        other.ok("CREATE Marker")
        other.append("Marker", message())
    session.wait_untagged("STATUS Marker")
    assert not [line for line in session("NOOP").untagged if b"EXPUNGED" in line]
    session.logout()
    assert len(user.kept()) == 3


def test_doveadm_sees_it(dovecot):
    user = user_with_storage(dovecot)
    assert ".EXPUNGED" in user.mailboxes()
    assert user.doveadm("mailbox status", "messages", ".EXPUNGED").stdout.split()[-1] == b"messages=2"
    assert len(user.doveadm("search", "mailbox", "*", "all").stdout.splitlines()) == 3


def test_it_is_never_made_by_looking(dovecot):
    user = dovecot(lazy=HIDDEN).user()
    with user.imap() as session:
        for command in LISTS:
            session.ok(command)
        try:
            session.ok(f"SELECT {name('.EXPUNGED')}")
        except Refused:
            pass
    assert ".EXPUNGED" not in user.mailboxes()
