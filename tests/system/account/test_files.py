"""The plugin's own files: a home may be a person's, so that there they are out of sight; nothing that an older version wrote is lost."""

import json
import shutil

import pytest

from harness.dovecot.mail import message

# The files of version 0.1.0.
OLD = ("maintain", "renames", "restoring")


def names(user):
    """The plugin's files in the home, and nothing else of the home."""
    return sorted(path.name for path in user.home.iterdir() if "lazy-expunge" in path.name)


def work(user, last=""):
    """What makes each of the files: a delete by way of the Trash, a rename, a hold, restores and a maintenance."""
    for subject in ("one", "two"):
        user.append("Work", message(subject=subject + last), create=True)
    with user.imap("Work") as session:
        session.ok("MOVE 1 Trash")
        session.select("Trash")
        session.delete()
        session.select("Work")
        session.delete()
        session.ok("RENAME Work Other" + last)
    lazy_expunge(user, "hold", "-N", "court", "subject", "nothing")
    [row] = lazy_expunge(user, "restore", "subject", "two" + last)
    assert (row["origin"], row["target"], row["restored"]) == ("Work", "Other" + last, 1)
    lazy_expunge(user, "maintain")


def lazy_expunge(user, command, *arguments):
    return json.loads(user.server.doveadm("-f", "json", "lazy-expunge", command, "-u", user.name, *arguments).stdout or "[]")


@pytest.mark.any_format
def test_what_is_in_a_home_is_out_of_sight(dovecot):
    user = dovecot.own(lazy={"only_last_instance": False}).user()
    work(user)
    found = names(user)
    assert [name for name in found if not name.startswith(".")] == []
    expected = {".dovecot.lazy-expunge." + name for name in ("deletions", "holds", "maintain", "renames", "restored", "trail")}
    assert expected - set(found) == set()
    # subject "one" comes back to where Work is now
    lazy_expunge(user, "restore", "subject", "one")
    assert {mail.subject for mail in user.messages("Other")} == {"one", "two"}


@pytest.mark.formats("maildir")
def test_a_maildir_that_is_the_home(dovecot):
    """A dot is what the folders of a Maildir begin with: the files are none of them."""
    place = dict(raw23="mail_location = maildir:~/", raw24="mail_driver = maildir\nmail_path = ~/")
    user = dovecot.own(lazy={"only_last_instance": False, "hidden": True}, **place).user()
    work(user)
    assert ".dovecot.lazy-expunge.trail" in names(user)
    expected = {"INBOX", "Trash", "Other"}
    with user.imap() as session:
        assert set(session.list()) == expected
    assert set(user.mailboxes()) - {".EXPUNGED"} == expected


@pytest.mark.any_format
def test_those_of_the_first_version_are_found(dovecot):
    """As they were in homes that 0.1.0 wrote to. Where there is one with the new name, the old one stays and is not read."""
    server = dovecot.own()
    user, other = server.user(), server.user()
    for each in (user, other):
        work(each)
        lazy_expunge(each, "restore", "ALL")
        each.append("Play", message(subject="again"), create=True)
        each.doveadm("expunge", "mailbox", "Play", "all")
        with each.imap() as session:
            session.ok("RENAME Play There")
        lazy_expunge(each, "maintain")
    home = user.home
    for name in OLD:
        old = home / f"dovecot.lazy-expunge.{name}"
        if name == "restoring":
            old.touch()
            shutil.chown(old, home.stat().st_uid, home.stat().st_gid)
        else:
            (home / f".dovecot.lazy-expunge.{name}").rename(old)
    (home / "dovecot.lazy-expunge-maintain.lock").touch()
    (other.home / "dovecot.lazy-expunge.renames").write_text("not read\n")
    [row] = [row for row in lazy_expunge(user, "check") if row["id"] == "maintain"]
    assert row["state"] == "OK", row
    for each in (user, other):
        [row] = lazy_expunge(each, "restore", "subject", "again")
        assert (row["origin"], row["target"], row["restored"]) == ("Play", "There", 1)
    assert [name for name in names(user) if not name.startswith(".")] == []
    assert (other.home / "dovecot.lazy-expunge.renames").read_text() == "not read\n"


@pytest.mark.any_format
def test_a_rename_is_added_to_those_of_the_first_version(dovecot):
    user = dovecot.own().user()
    user.append("Work", message(subject="one"), create=True)
    user.doveadm("expunge", "mailbox", "Work", "all")
    with user.imap() as session:
        session.ok("RENAME Work Second")
        (user.home / ".dovecot.lazy-expunge.renames").rename(user.home / "dovecot.lazy-expunge.renames")
        session.ok("RENAME Second Third")
    [row] = lazy_expunge(user, "restore", "ALL")
    assert (row["origin"], row["target"]) == ("Work", "Third")
    assert not (user.home / "dovecot.lazy-expunge.renames").exists()
