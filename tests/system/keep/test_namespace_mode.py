"""Namespace mode: a mail from <name> goes to <name> below the storage's prefix."""

from dataclasses import replace

import pytest

from harness import name
from harness.dovecot.config import namespace_mode

MAILBOXES = ["INBOX", "Work", "Work/Deep/er", "Entwürfe", "日本 & Co"]


def fields(dovecot, **options):
    return namespace_mode(dovecot.format, **options)


def delete_all(user, mailbox):
    with user.imap(mailbox) as session:
        session.delete()


def test_mail_goes_to_the_same_name_below_the_prefix(dovecot):
    user = dovecot(**fields(dovecot)).user()
    for mailbox in MAILBOXES:
        user.fill(mailbox, 2, "\\Flagged own", create=True)
        before = user.messages(mailbox)
        delete_all(user, mailbox)
        kept = user.messages(f".EXPUNGED/{mailbox}")
        assert [mail.content for mail in kept] == [mail.content for mail in before], mailbox
        assert all(mail.origins == () for mail in kept), "the name is the origin, and needs no keyword"
    assert sorted({mail.origin for mail in user.kept()}) == sorted(MAILBOXES)


def test_a_deleted_mailbox_merges_with_what_is_kept_of_it(dovecot):
    user = dovecot(**fields(dovecot)).user()
    user.fill("Work", 3, create=True)
    with user.imap("Work") as session:
        session.delete("1")
        session.ok("CLOSE")
        session.ok("DELETE Work")
        assert "Work" not in session.list()
    assert len(user.messages(".EXPUNGED/Work")) == 3
    user.fill("Work", 2, create=True)
    user.doveadm("mailbox delete", "Work")
    assert len(user.messages(".EXPUNGED/Work")) == 5


@pytest.mark.parametrize("separator,storage_separator", [(".", "/"), ("/", "."), (".", ".")])
def test_separators_may_differ(dovecot, separator, storage_separator):
    user = dovecot(**fields(dovecot, separator=separator, storage_separator=storage_separator)).user()
    mailbox = separator.join(["Work", "Deep", "er"])
    user.append(mailbox, create=True)
    delete_all(user, mailbox)
    assert len(user.messages(".EXPUNGED" + storage_separator + storage_separator.join(["Work", "Deep", "er"]))) == 1


@pytest.mark.parametrize("listindex", [True, False], ids=["list-index", "no-list-index"])
def test_with_and_without_mailbox_list_index(dovecot, listindex):
    options = fields(dovecot)
    if not listindex:
        options["namespaces"] = tuple(replace(namespace, listindex="") for namespace in options["namespaces"])
        options["raw"] = "mailbox_list_index = no\n"
    user = dovecot(**options).user()
    user.append("Work", create=True)
    delete_all(user, "Work")
    assert [mail.origin for mail in user.kept()] == ["Work"]


@pytest.mark.parametrize("source,target", [("Work", ".EXPUNGED/Work"), (".EXPUNGED/INBOX", "Back")])
def test_rename_into_and_out_of_the_storage_is_refused(dovecot, source, target):
    user = dovecot(**fields(dovecot)).user()
    user.append("INBOX")
    delete_all(user, "INBOX")
    user.append("Work", create=True)
    with user.imap() as session:
        answer = session.no(f"RENAME {name(source)} {name(target)}")
        assert "storage" in answer.text.lower() or "expunge" in answer.text.lower(), answer.text
    assert len(user.messages("Work")) == 1 and len(user.messages(".EXPUNGED/INBOX")) == 1


def test_an_admin_removes_for_good(dovecot):
    user = dovecot(**fields(dovecot)).user()
    for mailbox in ("INBOX", "Work"):
        user.fill(mailbox, 2, create=True)
        delete_all(user, mailbox)
    user.doveadm("expunge", "mailbox", ".EXPUNGED/*", "savedbefore", "1d")
    assert len(user.kept()) == 4
    user.doveadm("expunge", "mailbox", ".EXPUNGED/*", "all")
    assert user.kept() == []


def test_the_hidden_namespace_does_not_show(dovecot):
    user = dovecot(**fields(dovecot)).user()
    user.append("Work", create=True)
    delete_all(user, "Work")
    with user.imap() as session:
        assert not [mailbox for mailbox in session.list() if "EXPUNGED" in mailbox]
        assert not [mailbox for mailbox in session.list("%") if "EXPUNGED" in mailbox]


@pytest.mark.formats("mdbox")
def test_mdbox_moves_no_bytes(dovecot):
    user = dovecot(**fields(dovecot)).user()
    user.fill("INBOX", 5)
    storage = user.mail_path / "storage"
    before = sum(path.stat().st_size for path in storage.glob("m.*"))
    delete_all(user, "INBOX")
    assert len(user.kept()) == 5
    assert sum(path.stat().st_size for path in storage.glob("m.*")) == before


def test_move_keeps_nothing(dovecot):
    user = dovecot(**fields(dovecot)).user()
    user.fill("INBOX", 2)
    with user.imap("INBOX") as session:
        session.ok("UID MOVE 1:2 Trash")
    assert user.kept() == [] and len(user.messages("Trash")) == 2


def test_moving_a_mail_back_restores_it(dovecot):
    user = dovecot(**fields(dovecot)).user()
    user.append("Work", flags="\\Seen own", create=True)
    before = user.messages("Work")
    delete_all(user, "Work")
    with user.imap(".EXPUNGED/Work") as session:
        session.ok("UID MOVE 1 Work")
    assert [mail.content for mail in user.messages("Work")] == [mail.content for mail in before]
    assert user.kept() == []


def test_a_delete_in_a_shared_mailbox_is_kept_in_its_owners_tree(dovecot):
    server = dovecot(shared=True, **namespace_mode(dovecot.format))
    owner, guest = server.user(), server.user()
    owner.fill("Common", 2, create=True)
    before = owner.messages("Common")
    owner.doveadm("acl set", "Common", f"user={guest}", "lookup", "read", "write", "write-deleted", "expunge")
    with guest.imap() as session:
        session.select(f"shared/{owner}/Common")
        session.delete("1")
    assert [(mail.content, mail.origin) for mail in owner.kept()] == [(before[0].content, "Common")]
    assert guest.kept() == []


def test_a_pattern_names_what_is_kept_of_the_inbox_too(dovecot):
    user = dovecot(**namespace_mode(dovecot.format)).user()
    for mailbox in ("INBOX", "Work"):
        user.fill(mailbox, 1, create=mailbox != "INBOX")
        with user.imap(mailbox) as session:
            session.delete("1")
    assert {mail.mailbox for mail in user.messages(".EXPUNGED/*")} == {".EXPUNGED/INBOX", ".EXPUNGED/Work"}
    user.doveadm("expunge", "mailbox", ".EXPUNGED/*", "all")
    assert user.messages(".EXPUNGED/INBOX") == user.messages(".EXPUNGED/Work") == []


def test_the_namespace_of_the_inbox_cannot_be_the_storage(dovecot):
    server = dovecot(prefix="Mail/", lazy={"mailbox": "Mail/"})
    server.expect_log("Error: .*lazy_expunge.* = Mail/.*")
    user = server.user()
    user.fill("INBOX", 1)
    with user.imap("INBOX") as session:
        session("STORE 1 +FLAGS \\Deleted")
        session.no("EXPUNGE")
    assert len(user.messages()) == 1
