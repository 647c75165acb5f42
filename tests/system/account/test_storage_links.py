"""A storage that is reached by something else than its name: a link on the disk, or the root of another namespace. What is there is the
storage, for a restore and for the look for other copies; and names that no mailbox can have end nobody's session."""

import json

import pytest

from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, Namespace
from harness.dovecot.mail import message

LAST = {"only_last_instance": True}


def storage_directory(user, name=".EXPUNGED"):
    [path] = [path for path in user.mail_path.rglob("*") if path.is_dir() and path.name in (name, "." + name, "=2eEXPUNGED", ".=2eEXPUNGED")
              and "index" not in str(path.parent)][:1]
    return path


def link(user, name="Linked"):
    """A link in the place of a mailbox."""
    path = storage_directory(user)
    (path.parent / (("." if path.parent == user.mail_path else "") + name)).symlink_to(path.name)


def keep(user, subjects=("m0", "m1")):
    for subject in subjects:
        user.append("INBOX", message(subject=subject))
    with user.imap("INBOX") as session:
        session.delete()
    assert len(user.kept()) == len(subjects)


def restore(user, *arguments):
    done = user.server.doveadm("-f", "json", "lazy-expunge", "restore", "-u", user.name, *arguments, "ALL", check=False)
    return done.code, done.stderr.decode()


def root_of_the_storage(dovecot, path):
    """A namespace whose root is the storage's mailbox."""
    return dict(namespaces=(Namespace("exp", "InExp/", format=dovecot.format, path=path),))


def test_a_link_is_no_target(dovecot):
    user = dovecot.own(lazy={"mailbox": ".EXPUNGED"}).user()
    keep(user)
    before = sorted(mail.content for mail in user.kept())
    link(user)
    for arguments in (["-n", "-t", "Linked"], ["-t", "Linked"]):
        code, said = restore(user, *arguments)
        assert code == 64 and "Linked shows the expunge storage" in said, said
        assert sorted(mail.content for mail in user.kept()) == before
    # one that is none is one
    assert restore(user, "-t", "Other")[0] == 0
    assert sorted(mail.content[1:] for mail in user.messages("Other")) == sorted(content[1:] for content in before) and user.kept() == []


@pytest.mark.since("2.4")
def test_a_link_into_a_tree_is_no_target(dovecot):
    user = dovecot.own(lazy={"mailbox": "EXPUNGED/%{event:mailbox}"}).user()
    for subject in ("m0", "m1"):
        user.append("INBOX", message(subject=subject))
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    kept = sorted(mail.content for mail in user.messages("EXPUNGED/INBOX"))
    assert len(kept) == 2
    if dovecot.format == "maildir":
        (user.mail_path / ".Linked").symlink_to(".EXPUNGED.INBOX")
    else:
        (user.mail_path / "mailboxes/Linked").symlink_to("EXPUNGED/INBOX")
    code, said = restore(user, "-t", "Linked")
    assert code == 64 and "Linked shows the expunge storage" in said, said
    assert sorted(mail.content for mail in user.messages("EXPUNGED/INBOX")) == kept


@pytest.mark.formats("maildir")
@pytest.mark.parametrize("linked", [False, True])
def test_the_root_of_a_namespace_is_no_target(dovecot, linked):
    path = "~/other" if linked else "~/Maildir/.EXPUNGED"
    server = dovecot.own(lazy={"mailbox": "EXPUNGED"}, **root_of_the_storage(dovecot, path))
    user = server.user()
    user.deliver()
    if linked:
        (user.home / "other").symlink_to(user.mail_path / ".EXPUNGED")
    server.expect_log(".", required=False)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    before = sorted(mail.content for mail in user.kept())
    assert len(before) == 1
    code, said = restore(user, "-t", "InExp")
    assert code == 64 and "InExp shows the expunge storage" in said, said
    assert sorted(mail.content for mail in user.kept()) == before


def test_a_link_is_no_other_copy(dovecot):
    """A mail that was taken out and is deleted again is kept again: its first copy in the storage is none that lives, by whatever name."""
    user = dovecot.own(lazy=LAST).user()
    keep(user, ["m0"])
    link(user)
    assert "Linked" in user.mailboxes()
    with user.imap(".EXPUNGED") as session:
        session.ok("COPY 1 INBOX")
    user.doveadm("index", "Linked")
    with user.imap("INBOX") as session:
        session.delete()
    rows = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "deletions", "-u", user.name).stdout)
    assert [row["messages"] for row in rows] == [1, 1], rows
    assert user.kept()[-1].subject == "m0" and user.messages("INBOX") == []


NAMES = ("Dup//x", "Dup/../x", "Dup/a/./b", "Dup/~x", "Dup/a/", "Dup//.EXPUNGED")


@pytest.mark.parametrize("kind", ["private", "public"])
def test_names_that_no_mailbox_can_have(dovecot, kind):
    """In a namespace of the layout fs, over the same location or another: NO or what Dovecot says else, and the session lives."""
    layout = {"layout": "fs"} if dovecot.format == "maildir" else {}
    place = dict(format=dovecot.format, path="~/dup") if kind == "public" else {}
    server = dovecot.own(lazy={"hidden": True, "protect": True}, namespaces=(
        Namespace("dup", "Dup/", type=kind, **(dict(layout, **place) if kind == "public" else {})),), **({} if kind == "public" else layout))
    server.expect_log("nvalid mailbox name|Mailbox doesn't exist", required=False)
    user = server.user()
    keep(user)
    with user.imap("INBOX") as session:
        for name in NAMES:
            for command in ('SELECT "{}"', 'STATUS "{}" (MESSAGES)', 'CREATE "{}"', 'RENAME "{}" Dup/New', 'RENAME INBOX "{}"',
                            'SUBSCRIBE "{}"', 'UNSUBSCRIBE "{}"', 'DELETE "{}"', 'EXAMINE "{}"', 'LIST "" "{}"'):
                session(command.format(name))
        session.ok("NOOP")
    for name in NAMES:
        done = user.server.doveadm("lazy-expunge", "restore", "-n", "-u", user.name, "-t", name, "ALL", check=False)
        assert done.code in (0, 64, 68, 77), (name, done)
        assert user.doveadm("mailbox status", "messages", name, check=False).code in (0, 65, 68, 75, 64, 77)


@pytest.mark.parametrize("live", ["INBOX", "Work"])
def test_a_storage_that_is_a_link_to_live_mail(dovecot, live):
    """Nothing in it was deleted: no command and no retention takes it, and check says so."""
    limits = dict(lazy={"mailbox": "EXPUNGED", "max_storage": "1"},
                  mailboxes=DEFAULT_MAILBOXES + (Mailbox("EXPUNGED", autoexpunge_max_mails=1), Mailbox("Work", auto="create")))
    server = dovecot.own(**limits)
    user = server.user()
    for subject in ("m0", "m1"):
        user.append(live, message(subject=subject))
    before = sorted(mail.content for mail in user.messages(live))
    if dovecot.format == "maildir":
        target, place = (user.mail_path if live == "INBOX" else user.mail_path / ".Work"), user.mail_path / ".EXPUNGED"
    else:
        target, place = user.mail_path / "mailboxes" / live, user.mail_path / "mailboxes/EXPUNGED"
    place.symlink_to(target)
    server.expect_log("a link leads from there to|are one mailbox", required=False)
    # what retention would have taken at a log-out
    server.expect_log("Mailbox EXPUNGED: Failed to autoexpunge: .*settings are in error")
    for command in (["maintain"], ["restore", "ALL"], ["list", "ALL"], ["erase", "subject", "m0"], ["status"]):
        done = server.doveadm("lazy-expunge", command[0], "-u", user.name, *command[1:], check=False)
        assert done.code != 0 and b"a link leads from there to" in done.stderr, done
        assert sorted(mail.content for mail in user.messages(live)) == before, command
    with user.imap(live) as session:
        session("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        assert not session("UID EXPUNGE 1:*").ok
    assert [mail.subject for mail in user.messages(live)] == ["m0", "m1"]
    done = server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, check=False)
    row = {row["id"]: row for row in json.loads(done.stdout)}["storage"]
    assert done.code == 1 and row["state"] == "FAIL" and "a link leads from there" in row["found"]


def test_a_storage_that_is_a_link_to_another_place(dovecot):
    """A larger disk, say: that is a storage as any other."""
    user = dovecot.own(lazy={"mailbox": "EXPUNGED", "max_storage": "1"}).user()
    keep(user, ["m0"])
    place = storage_directory(user, "EXPUNGED")
    place.rename(user.home / "elsewhere")
    place.symlink_to(user.home / "elsewhere")
    keep_more(user, "m1")
    assert {mail.subject for mail in user.kept()} == {"m0", "m1"}
    user.doveadm("lazy-expunge maintain")
    assert user.kept() == []


def keep_more(user, subject):
    user.append("INBOX", message(subject=subject))
    with user.imap("INBOX") as session:
        session.delete()
