"""The documented way to hide the storage: the acl plugin. What is denied to the user is not denied to the plugin."""

import pytest

from harness import message

RIGHTS = {"hidden": "rwstipekxa", "none": ""}


def server(dovecot, rights, **fields):
    return dovecot(acl=((".EXPUNGED", (("owner", RIGHTS[rights]),)),), **fields)


@pytest.mark.parametrize("rights", sorted(RIGHTS))
@pytest.mark.parametrize("last", [False, True], ids=["all", "last"])
def test_deletes_are_kept(dovecot, rights, last):
    user = server(dovecot, rights, lazy={"only_last_instance": last}).user()
    user.fill("INBOX", 3, "\\Seen own")
    before = user.messages()
    with user.imap("INBOX") as session:
        session.delete("1:2")
        assert not [mailbox for mailbox in session.list() if "EXPUNGED" in mailbox]
    pop3 = user.pop3()
    pop3.dele(1)
    pop3.quit()
    assert [mail.content for mail in user.kept()] == [mail.content for mail in before]
    assert {mail.origin for mail in user.kept()} == {"INBOX"}


def test_with_no_rights_the_user_cannot_open_it(dovecot):
    user = server(dovecot, "none").user()
    user.append()
    with user.imap("INBOX") as session:
        session.delete()
        session.no("SELECT .EXPUNGED")
        session.no("APPEND .EXPUNGED {}", message())
    assert len(user.kept()) == 1


@pytest.mark.parametrize("rights", sorted(RIGHTS))
def test_deleting_a_mailbox_keeps_its_mail(dovecot, rights):
    user = server(dovecot, rights).user()
    user.fill("Work", 2, create=True)
    with user.imap() as session:
        session.ok("DELETE Work")
    assert [mail.origin for mail in user.kept()] == ["Work", "Work"]
