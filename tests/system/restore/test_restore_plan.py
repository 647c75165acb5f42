"""doveadm lazy-expunge restore -n: what it says of a target is what restore then does."""

import json

import pytest

from harness.dovecot.mail import message


def restore(user, *arguments):
    done = user.server.doveadm("-f", "json", "lazy-expunge", "restore", "-u", user.name, *arguments, "ALL", check=False)
    return done.code, [row["failed"] for row in json.loads(done.stdout or "[]")]


def is_told(user, target):
    """The plan and the run for this target; the mail is where they say."""
    user.doveadm("save", input=message(subject="mail"))
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    planned = restore(user, "-n", "-t", target)
    done = restore(user, "-t", target)
    assert planned == done, f"{target}: planned {planned}, done {done}"
    assert bool(user.kept()) == (done[0] != 0), target
    return done[0]


@pytest.mark.parametrize("target", ["New", "Work/New", "Work/New/Below", "INBOX"])
def test_targets_that_do(dovecot, target):
    assert is_told(dovecot().user(), target) == 0


def test_names_that_are_too_long(dovecot):
    user = dovecot().user()
    for target in ("x" * 300, "/".join(["x" * 60] * 6)):
        is_told(user, target)
        user.doveadm("lazy-expunge restore", "ALL", check=False)


def test_a_parent_that_cannot_be_written(dovecot):
    server = dovecot.own()
    server.expect_log("Permission denied", required=False)
    user = server.user()
    user.append("Work", message(), create=True)
    user.doveadm("save", input=message(subject="mail"))
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    [work] = {path for path in user.home.rglob("*Work")}
    target = "Work/New" if server.config.format != "maildir" else "New"
    parent = work if server.config.format != "maildir" else work.parent
    mode = parent.stat().st_mode
    parent.chmod(0o500)
    try:
        code = restore_both(user, target)
    finally:
        parent.chmod(mode)
    assert code != 0


def restore_both(user, target):
    """Like is_told(), with what was in the storage before."""
    planned = restore(user, "-n", "-t", target)
    done = restore(user, "-t", target)
    assert planned == done, f"{target}: planned {planned}, done {done}"
    return done[0]


def test_a_parent_that_is_a_file(dovecot):
    server = dovecot.own()
    server.expect_log("Not a directory|rror", required=False)
    user = server.user()
    user.append("Work", message(), create=True)
    [work] = {path for path in user.home.rglob("*Work")}
    name = ".File" if server.config.format == "maildir" else "File"
    (work.parent / name).write_text("no mailbox\n")
    server.own(work.parent / name)
    is_told(user, "File" if server.config.format == "maildir" else "File/New")


def test_virtual_mailboxes(dovecot):
    server = dovecot.own(virtual=True)
    user = server.user()
    user.append("INBOX", message(subject="live"))
    user.make_virtual("Inboxes", "INBOX\n  all\n")
    for target in ("Virtual/Inboxes", "Virtual/New"):
        assert is_told(user, target) != 0
        user.doveadm("lazy-expunge restore", "ALL")
