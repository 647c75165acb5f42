"""doveadm lazy-expunge restore after a rename: the mail goes to where its mailbox is now, found by its GUID."""

import json
import shutil

import pytest

from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, namespace_mode
from harness.dovecot.mail import message

MODES = ("mailbox", "namespace")
FILE = ".dovecot.lazy-expunge.renames"


def mode_fields(mode, dovecot):
    return {} if mode == "mailbox" else namespace_mode(dovecot.format, only_last_instance=False)


def restore(user, *arguments):
    """(origin, target, restored) of each row, and standard error."""
    done = user.server.doveadm("-f", "json", "lazy-expunge", "restore", "-u", user.name, *(arguments or ("ALL",)))
    rows = json.loads(done.stdout)
    assert all(row["failed"] == row["skipped"] == 0 for row in rows), rows
    return sorted((row["origin"], row["target"], row["restored"]) for row in rows), done.stderr.decode()


def delete_one(user, mailbox, subject="one"):
    """A mail goes into the storage, and the mailbox stays."""
    user.append(mailbox, message(subject=subject), create=mailbox not in user.mailboxes())
    user.doveadm("expunge", "mailbox", mailbox, "all")


def subjects(user, mailbox):
    return sorted(mail.subject for mail in user.messages(mailbox))


@pytest.mark.parametrize("mode", MODES)
def test_a_renamed_mailbox_gets_its_mail(dovecot, mode):
    user = dovecot(**mode_fields(mode, dovecot)).user()
    delete_one(user, "Work")
    with user.imap() as session:
        session.ok("RENAME Work Archive/2023")
    rows, said = restore(user, "-n", "ALL")
    assert rows == [("Work", "Archive/2023", 1)] and "would go to Archive/2023" in said and "Work" not in user.mailboxes()
    rows, said = restore(user)
    assert rows == [("Work", "Archive/2023", 1)] and "Work was renamed: its mails are in Archive/2023" in said
    assert subjects(user, "Archive/2023") == ["one"] and "Work" not in user.mailboxes() and user.kept() == []


@pytest.mark.parametrize("mode", MODES)
def test_renamed_again_and_again_and_with_its_parent(dovecot, mode):
    user = dovecot(**mode_fields(mode, dovecot)).user()
    delete_one(user, "Work/Old", "child")
    delete_one(user, "Work/Old/Older ü", "grandchild")
    delete_one(user, "Workshop", "another")
    user.doveadm("mailbox rename", "Work", "A b")
    user.doveadm("mailbox rename", "A b/Old", "Away")
    user.doveadm("mailbox rename", "Away", "Back")
    rows, _ = restore(user)
    assert rows == [("Work/Old", "Back", 1), ("Work/Old/Older ü", "Back/Older ü", 1), ("Workshop", "Workshop", 1)]
    assert subjects(user, "Back") == ["child"] and subjects(user, "Back/Older ü") == ["grandchild"]
    assert not [name for name in user.mailboxes() if name.startswith("Work/")]


def test_a_mailbox_that_exists_is_taken_by_its_name(dovecot):
    user = dovecot().user()
    delete_one(user, "Work")
    user.doveadm("mailbox rename", "Work", "Archive")
    user.doveadm("mailbox create", "Work")
    rows, said = restore(user)
    assert rows == [("Work", "Work", 1)] and "renamed" not in said
    assert subjects(user, "Work") == ["one"] and subjects(user, "Archive") == []


def test_one_name_for_two_mailboxes_in_turn(dovecot):
    """Each mail goes back to the one that had the name when it was deleted."""
    user = dovecot().user()
    delete_one(user, "Work", "first")
    user.doveadm("mailbox rename", "Work", "First")
    path = user.home / FILE
    # as if it had been a minute ago
    [line] = path.read_text().splitlines()
    time, rest = line.split("\t", 1)
    path.write_text(f"{int(time) + 1}\t{rest}\n")
    deleted = max(mail.saved for mail in user.kept())
    from harness import wait_for
    import time as clock
    wait_for(lambda: clock.time() > deleted + 3, "the next deletion to be later than the rename")
    delete_one(user, "Work", "second")
    user.doveadm("mailbox rename", "Work", "Second")
    rows, _ = restore(user)
    assert rows == [("Work", "First", 1), ("Work", "Second", 1)]
    assert (subjects(user, "First"), subjects(user, "Second")) == (["first"], ["second"])
    # and what was deleted after that, from a mailbox that is gone, is not theirs
    deleted = clock.time()
    wait_for(lambda: clock.time() > deleted + 2, "the next second")
    delete_one(user, "Work", "third")
    user.doveadm("mailbox delete", "Work")
    assert restore(user)[0] == [("Work", "Work", 1)]


def test_a_rename_that_nobody_saw_is_found_by_the_guid(dovecot):
    """The last rename that is known was to Middle, and the mailbox is elsewhere."""
    user = dovecot().user()
    delete_one(user, "Work")
    user.doveadm("mailbox rename", "Work", "Middle")
    seen = (user.home / FILE).read_bytes()
    user.doveadm("mailbox rename", "Middle", "End")
    assert (user.home / FILE).read_bytes() != seen
    (user.home / FILE).write_bytes(seen)
    rows, _ = restore(user)
    assert rows == [("Work", "End", 1)] and subjects(user, "End") == ["one"] and "Middle" not in user.mailboxes()


def test_renamed_and_then_deleted(dovecot):
    """It comes back under its last name."""
    user = dovecot().user()
    delete_one(user, "Work", "before")
    user.doveadm("mailbox rename", "Work", "Archive")
    user.append("Archive", message(subject="after"))
    user.doveadm("mailbox delete", "Archive")
    rows, _ = restore(user)
    assert rows == [("Archive", "Archive", 1), ("Work", "Archive", 1)]
    assert subjects(user, "Archive") == ["after", "before"] and "Work" not in user.mailboxes()


def test_what_was_moved_into_the_trash_is_not_followed(dovecot):
    user = dovecot().user()
    delete_one(user, "Work")
    user.doveadm("mailbox rename", "Work", "Trash/Work")
    rows, _ = restore(user)
    assert rows == [("Work", "Work", 1)] and subjects(user, "Work") == ["one"]


def test_another_target_can_be_chosen(dovecot):
    user = dovecot().user()
    delete_one(user, "Work")
    user.doveadm("mailbox rename", "Work", "Archive")
    rows, said = restore(user, "-t", "Found", "ALL")
    assert rows == [("Work", "Found", 1)] and "renamed" not in said


def test_a_rename_that_fails_is_not_remembered(dovecot):
    user = dovecot().user()
    delete_one(user, "Work")
    user.doveadm("mailbox create", "There")
    with user.imap() as session:
        session.no("RENAME Work There")
    assert not (user.home / FILE).exists()


@pytest.mark.parametrize("mode", MODES)
def test_the_indexes_are_lost(dovecot, mode):
    user = dovecot(**mode_fields(mode, dovecot)).user()
    delete_one(user, "Work")
    user.doveadm("mailbox rename", "Work", "Archive")
    for mailbox in ("Archive", ".EXPUNGED" if mode == "mailbox" else ".EXPUNGED/Work"):
        user.doveadm("force-resync", mailbox)
    for index in [*user.home.rglob("dovecot.index.cache"), *user.home.rglob("dovecot.list.index*")]:
        index.unlink()
    user.server.expect_log("index|[Rr]ebuil", required=False)
    assert restore(user)[0] == [("Work", "Archive", 1)]


def test_replicas_remember_it_too(dovecot):
    one, two = dovecot.own(), dovecot.own()
    user = one.user()
    delete_one(user, "Work")
    other = user.sync(two)
    assert len(other.kept()) == 1
    user.doveadm("mailbox rename", "Work", "Archive")
    user.sync(two)
    assert "Archive" in other.mailboxes() and "Work" not in other.mailboxes()
    assert restore(other)[0] == [("Work", "Archive", 1)]
    assert subjects(other, "Archive") == ["one"]


def test_a_file_that_cannot_be_written_never_fails_a_rename(dovecot):
    server = dovecot.own()
    user = server.user()
    delete_one(user, "Work")
    (user.home / FILE).mkdir()
    server.expect_log("The rename cannot be remembered: .* is not a regular file")
    with user.imap() as session:
        session.ok("RENAME Work Archive")
    assert "Archive" in user.mailboxes()
    server.expect_log("Renames are not known: .* is not a regular file", required=False)
    assert restore(user)[0] == [("Work", "Work", 1)]


def test_lines_that_are_none_are_left_alone(dovecot):
    user = dovecot().user()
    delete_one(user, "Work")
    user.home.joinpath(FILE).write_bytes(b"nonsense\n\0\0\xff\n\n123\tcut o")
    user.server.own(user.home / FILE)
    user.doveadm("mailbox rename", "Work", "Archive")
    assert restore(user)[0] == [("Work", "Archive", 1)]


def test_the_file_does_not_grow_without_end(dovecot):
    user = dovecot().user()
    delete_one(user, "Work")
    path = user.home / FILE
    line = "1\t0123456789abcdef0123456789abcdef\tx\t" + "y" * 100 + "\n"
    path.write_text(line * (1024 * 1024 // len(line) + 10))
    user.server.own(path)
    user.doveadm("mailbox rename", "Work", "Archive")
    lines = path.read_text().splitlines()
    assert path.stat().st_size <= 513 * 1024 and len(lines) > 3000
    assert all(len(line.split("\t")) == 4 for line in lines) and lines[-1].endswith("Work\tArchive")
    assert restore(user)[0] == [("Work", "Archive", 1)]


def test_a_mailbox_of_another_prefix(dovecot):
    user = dovecot(prefix="INBOX.", separator=".", lazy={"mailbox": "INBOX.EXPUNGED"}).user()
    delete_one(user, "INBOX.Work.Old")
    with user.imap() as session:
        session.ok("RENAME INBOX.Work INBOX.Archive")
    assert restore(user)[0] == [("INBOX.Work.Old", "INBOX.Archive.Old", 1)]


def test_the_inbox_is_renamed(dovecot):
    """Its mail goes with it and an INBOX is left, so what was deleted there goes back there."""
    user = dovecot().user()
    delete_one(user, "INBOX")
    with user.imap() as session:
        session("RENAME INBOX Saved")
    assert restore(user)[0] == [("INBOX", "INBOX", 1)] and subjects(user, "INBOX") == ["one"]
