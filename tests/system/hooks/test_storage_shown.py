"""What else shows a mailbox under another name: no way around the storage's protection, and no copy that would count as another mail."""

import os

import pytest

from harness import Namespace, message

GUARDED = dict(mailbox="EXPUNGED", hidden=True, protect=True, only_last_instance=False)
LAST = dict(mailbox="EXPUNGED", only_last_instance=True)
PATHS = {"maildir": "~/Maildir", "sdbox": "~/sdbox", "mdbox": "~/mdbox"}


def delete_one(user, subject="gone"):
    user.append("INBOX", message(subject=subject))
    user.doveadm("expunge", "mailbox", "INBOX", "subject", subject)


def subjects(mails):
    return sorted(mail.subject for mail in mails)


def attack(session, shown, free="elsewhere"):
    """All that a user could do to empty a mailbox of this name, or to take it away."""
    if session(f"SELECT {shown}").ok:
        session("STORE 1:* +FLAGS (\\Deleted)")
        session("EXPUNGE")
        session("CLOSE")
    session(f"APPEND {shown} () {{}}", message(subject="forged"))
    session("SELECT INBOX")
    session(f"COPY 1:* {shown}")
    session(f"RENAME {shown} {free}")
    session(f"RENAME {free} {free}2")
    session(f"DELETE {shown}")


def second(dovecot, prefix="Dup/", **fields):
    return Namespace("dup", prefix, format=dovecot.format, path=PATHS[dovecot.format], subscriptions=False, **fields)


ALIAS = Namespace("alias", "Alias/", subscriptions=False, raw23="alias_for =\nlist = no", raw24="alias_for =\nlist = no")


@pytest.mark.parametrize("storage", ["EXPUNGED", "Parent/Gone"])
@pytest.mark.parametrize("way", ["alias", "second"])
def test_no_namespace_is_a_way_around(dovecot, way, storage):
    namespace, prefix = (ALIAS, "Alias/") if way == "alias" else (second(dovecot), "Dup/")
    user = dovecot(namespaces=(namespace,), lazy=dict(GUARDED, mailbox=storage)).user()
    user.append("Parent", message(subject="of the parent"), create=True)
    user.append("Other", message(subject="of another"), create=True)
    delete_one(user)
    with user.imap() as session:
        assert not [name for name in session.list() if storage in name]
        attack(session, prefix + storage, prefix + "elsewhere")
        # the parent, and what would take the storage's place
        session(f"RENAME {prefix}Parent {prefix}Moved")
        session(f"RENAME Parent {prefix}Moved2")
        session(f"RENAME {prefix}Other {prefix}{storage}")
        session(f"RENAME Other {prefix}{storage}")
    assert subjects(user.kept()) == ["gone"]


def test_a_virtual_mailbox_of_an_alias_is_no_way_around(dovecot):
    user = dovecot(namespaces=(ALIAS, second(dovecot)), virtual=True, lazy=GUARDED).user()
    delete_one(user)
    # Dovecot's, where a pattern finds nothing
    user.server.allow_log("Broken mailbox_count header")
    for number, pattern in enumerate(("Alias/EXPUNGED", "Dup/*", "*", "Dup/EXPUNGED")):
        user.make_virtual(f"V{number}", f"{pattern}\n  all\n")
    with user.imap() as session:
        for number in range(4):
            if session(f"SELECT Virtual/V{number}").ok:
                session("STORE 1:* +FLAGS (\\Deleted)")
                session("EXPUNGE")
    assert subjects(user.kept()) == ["gone"]


@pytest.mark.until("2.4")
@pytest.mark.parametrize("lazy", [GUARDED, LAST], ids=["guarded", "last"])
def test_mailbox_alias_of_the_storage(dovecot, lazy):
    """The plugin makes a symbolic link to a mailbox. Whatever is done by the other name, what is kept stays."""
    raw = "plugin {\n  mailbox_alias_old = EXPUNGED\n  mailbox_alias_new = Bin\n}\n"
    user = dovecot(mail_plugins=("mailbox_alias",), raw23=raw, lazy=lazy).user()
    delete_one(user)
    user.doveadm("mailbox list")
    user.server.allow_log("Bin and its expunge storage EXPUNGED are one mailbox")
    with user.imap() as session:
        session("CREATE Bin")
        if lazy is GUARDED:
            attack(session, "Bin")
    assert "gone" in subjects(user.kept())
    user.append("INBOX", message(subject="later"))
    with user.imap("INBOX") as session:
        session.delete()
    assert {"gone", "later"} <= set(subjects(user.kept()))


@pytest.mark.until("2.4")
def test_a_mail_that_an_alias_shows_is_not_another_one(dovecot):
    """Two recipients: the file has a second link, so that another copy is looked for."""
    raw = "plugin {\n  mailbox_alias_old = Sent\n  mailbox_alias_new = Sent Items\n}\n"
    server = dovecot(mail_plugins=("mailbox_alias",), raw23=raw, lazy=LAST)
    user, other = server.user(), server.user()
    user.deliver(message(subject="mine"), others=[other])
    with user.imap("INBOX") as session:
        session.ok("CREATE Sent")
        session('CREATE "Sent Items"')
        session.ok("MOVE 1 Sent")
        session.select("Sent")
        session.delete()
    assert subjects(user.kept()) == ["mine"]


# Two recipients, or a backup by links: only then a copy is looked for at all.

def linked_in_work(user, other):
    user.deliver(message(subject="mine"), others=[other])
    with user.imap("INBOX") as session:
        session("CREATE Work")
        session.ok("MOVE 1 Work")


@pytest.mark.parametrize("way", ["alias", "second"])
def test_a_mail_that_two_namespaces_show_is_one(dovecot, way):
    namespace, prefix = (ALIAS, "Alias/") if way == "alias" else (second(dovecot), "Dup/")
    server = dovecot(namespaces=(namespace,), lazy=LAST)
    user, other = server.user(), server.user()
    for number, mailbox in enumerate(("Work", prefix + "Work")):
        linked_in_work(user, other)
        with user.imap(mailbox) as session:
            session.delete()
        assert subjects(user.kept()) == ["mine"] * (number + 1), mailbox
    assert user.messages("Work") == []


@pytest.mark.formats("maildir")
def test_a_mail_that_a_namespace_with_indexes_of_its_own_shows_is_one(dovecot):
    """It has a GUID and UIDs of its own there."""
    own = Namespace("dup", "Dup/", subscriptions=False, raw23="location = maildir:~/Maildir:INDEX=~/idx2:CONTROL=~/ctl2",
                    raw24="mail_driver = maildir\nmail_path = ~/Maildir\nmail_index_path = ~/idx2\nmail_control_path = ~/ctl2")
    server = dovecot(namespaces=(own,), lazy=LAST)
    user, other = server.user(), server.user()
    for number, mailbox in enumerate(("Work", "Dup/Work")):
        linked_in_work(user, other)
        with user.imap() as session:
            for shown in ("Dup/Work", "Work", mailbox):
                session.ok(f"SELECT {shown}")
            session.delete()
        assert subjects(user.kept()) == ["mine"] * (number + 1), mailbox
    assert user.messages("Work") == []


@pytest.mark.formats("maildir", "sdbox")
def test_a_symbolic_link_to_a_mailbox_is_the_mailbox(dovecot):
    """As administrators make them, for a mailbox and for the storage."""
    server = dovecot(lazy=LAST)
    user, other = server.user(), server.user()
    linked_in_work(user, other)
    place = {"maildir": lambda name: user.mail_path / f".{name}", "sdbox": lambda name: user.mail_path / "mailboxes" / name}[dovecot.format]
    os.symlink(place("Work").name, place("Link"))
    with user.imap("Work") as session:
        session.delete()
    assert subjects(user.kept()) == ["mine"]


def test_the_inbox_of_another_namespace_is_the_storage(dovecot):
    """Archive/INBOX, a mailbox of that namespace, not the INBOX."""
    archive = Namespace("archive", "Archive/", format=dovecot.format, path="~/archive", subscriptions=False)
    user = dovecot(namespaces=(archive,), lazy=dict(GUARDED, mailbox="Archive/Gone")).user()
    delete_one(user)
    with user.imap() as session:
        attack(session, "Archive/Gone", "Archive/elsewhere")
        session("DELETE Archive/Gone")
    assert subjects(user.kept()) == ["gone"]


def test_another_user_with_all_rights_does_not_empty_the_storage(dovecot):
    server = dovecot(shared=True, lazy=dict(GUARDED))
    owner, user = server.user(), server.user()
    delete_one(owner)
    rights = ["lookup", "read", "write", "write-seen", "write-deleted", "insert", "post", "expunge", "create", "delete", "admin"]
    owner.doveadm("acl set", "EXPUNGED", f"user={user}", *rights)
    user.append("INBOX", message(subject="forged"))
    with user.imap() as session:
        attack(session, f"shared/{owner}/EXPUNGED", f"shared/{owner}/elsewhere")
    assert subjects(owner.kept()) == ["gone"]


def test_a_shared_namespace_that_shows_the_users_own_storage(dovecot):
    server = dovecot(shared=True, lazy=dict(GUARDED))
    user = server.user()
    delete_one(user)
    with user.imap() as session:
        attack(session, f"shared/{user}/EXPUNGED", f"shared/{user}/elsewhere")
    assert subjects(user.kept()) == ["gone"]
