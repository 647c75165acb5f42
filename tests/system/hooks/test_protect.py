"""lazy_expunge_protect: a user may take mail out of the storage and do nothing else to it; an admin may do everything."""

import pytest

from harness import message

PROTECT = {"protect": True}


def user_with_storage(dovecot, **fields):
    lazy = dict(PROTECT, **fields.pop("lazy", {}))
    user = dovecot(lazy=lazy, **fields).user()
    user.fill("INBOX", 4)
    with user.imap("INBOX") as session:
        session.delete("1:3")
    return user


def kept_uids(user):
    return [mail.uid for mail in user.kept()]


@pytest.mark.parametrize("command", ["EXPUNGE", "UID EXPUNGE 1:*"])
def test_expunge_is_refused(dovecot, command):
    user = user_with_storage(dovecot)
    with user.imap(".EXPUNGED") as session:
        session("UID STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        answer = session(command)
        # Dovecot's imap answers a lack of permission to expunge with OK and the reason, as for the acl plugin.
        assert answer.lines("EXPUNGE") == [] and "storage" in answer.text
        assert session.search() == [1, 2, 3]
    assert kept_uids(user) == [1, 2, 3]


def test_close_expunges_nothing(dovecot):
    user = user_with_storage(dovecot)
    with user.imap(".EXPUNGED") as session:
        session("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        session("CLOSE")
    assert kept_uids(user) == [1, 2, 3]


@pytest.mark.parametrize("command", ["APPEND .EXPUNGED {}", "UID COPY 4 .EXPUNGED", "UID MOVE 4 .EXPUNGED", "DELETE .EXPUNGED",
                                     "RENAME .EXPUNGED Mine", "RENAME Trash .EXPUNGED", "CREATE .EXPUNGED"])
def test_changes_are_refused(dovecot, command):
    user = user_with_storage(dovecot)
    with user.imap("INBOX") as session:
        answer = session.no(command, *([message()] if "{}" in command else []))
        assert len(answer.text) > 10
    assert kept_uids(user) == [1, 2, 3] and len(user.messages()) == 1
    assert "Trash" in user.mailboxes()


@pytest.mark.parametrize("command", ["DELETE Parent", "RENAME Parent Other"])
def test_the_parent_of_the_storage_cannot_take_it_away(dovecot, command):
    user = dovecot(lazy=dict(PROTECT, mailbox="Parent/Gone")).user()
    user.fill("Parent", 1, create=True)
    user.fill("INBOX", 2)
    with user.imap("INBOX") as session:
        session.delete()
        session(command)
    assert len(user.messages("Parent/Gone", query=("keyword", "$Expunged-From:INBOX"))) == 2


def test_mail_can_be_moved_and_copied_out(dovecot):
    user = user_with_storage(dovecot)
    before = user.kept()
    with user.imap(".EXPUNGED") as session:
        session.ok("UID MOVE 1 INBOX")
        session.ok("UID COPY 2 INBOX")
    assert kept_uids(user) == [2, 3]
    back = user.messages()[1:]
    assert [mail.guid for mail in back] == [mail.guid for mail in before[:2]] and {mail.origins for mail in back} == {()}


def test_mail_can_be_read_and_flagged(dovecot):
    user = user_with_storage(dovecot)
    with user.imap(".EXPUNGED") as session:
        assert len(session.ok("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER])").lines("FETCH")) == 3
        session.ok("UID STORE 1 +FLAGS (\\Seen)")
        session("UID STORE 1 -FLAGS ($Expunged-From:INBOX)")
        session("UID STORE 1 FLAGS ()")
    assert user.kept()[0].origin == "INBOX", "the origin cannot be taken off"


def test_a_virtual_mailbox_is_no_way_around(dovecot):
    user = user_with_storage(dovecot, virtual=True)
    user.make_virtual("Kept", ".EXPUNGED\n  all\n")
    with user.imap("Virtual/Kept") as session:
        session("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        session("EXPUNGE")
    assert len(user.kept()) == 3


def test_deletes_still_go_there(dovecot):
    user = user_with_storage(dovecot)
    with user.imap("INBOX") as session:
        session.delete()
    assert kept_uids(user) == [1, 2, 3, 4]


def test_an_admin_may_do_everything(dovecot):
    user = user_with_storage(dovecot)
    user.doveadm("move", "INBOX", "mailbox", ".EXPUNGED", "uid", "1")
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "uid", "2")
    assert kept_uids(user) == [3] and len(user.messages()) == 2
    user.doveadm("mailbox rename", ".EXPUNGED", "Elsewhere")
    assert len(user.messages("Elsewhere")) == 1
    user.doveadm("mailbox rename", "Elsewhere", ".EXPUNGED")
    user.doveadm("mailbox delete", ".EXPUNGED")
    assert user.kept() == []


def test_namespace_mode_is_protected_too(dovecot):
    from harness.dovecot.config import namespace_mode
    user = dovecot(**namespace_mode(dovecot.format, protect=True)).user()
    user.fill("Work", 2, create=True)
    with user.imap("Work") as session:
        session.delete()
        session.select(".EXPUNGED/Work")
        session("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        assert session("EXPUNGE").lines("EXPUNGE") == []
        # DELETE of the selected mailbox ends the session, whatever its answer
        session.select("INBOX")
        session.no("DELETE .EXPUNGED/Work")
        session.no("APPEND .EXPUNGED/Work {}", message())
    assert len(user.kept()) == 2


@pytest.mark.parametrize("by", ["restore", "MOVE", "COPY"])
def test_what_a_user_tried_to_delete_in_the_storage_comes_back_undeleted(dovecot, by):
    user = dovecot(lazy={"protect": True}).user()
    user.append(flags="\\Seen")
    with user.imap("INBOX") as session:
        session.delete()
    with user.imap(".EXPUNGED") as session:
        session.ok("UID STORE 1 +FLAGS (\\Deleted)")
        session("EXPUNGE")
        if by != "restore":
            session.ok(f"UID {by} 1 INBOX")
    if by == "restore":
        user.doveadm("lazy-expunge restore", "ALL")
    [mail] = user.messages("INBOX")
    assert mail.flags - {"\\Recent"} == {"\\Seen"}
