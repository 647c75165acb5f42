"""Something else in the place of the plugin's own files, which a user or a backup may have put there: no command waits for it, that
user gets a clear row, and the others go on."""

import json
import os

import pytest

from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox
from harness.dovecot.mail import message

RETENTION = dict(mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge_max_mails=1),))
SECONDS = 60


def make_fifo(path):
    os.mkfifo(path, 0o600)


def make_link(path):
    path.symlink_to("/etc/passwd")


def make_directory(path):
    path.mkdir()


def make_others(path):
    path.write_text("time 1700000000\n")


ODD = {"fifo": make_fifo, "link": make_link, "directory": make_directory, "others": make_others}


def put(user, fname, odd):
    """The odd thing in the place of one of the plugin's files."""
    user.doveadm("mailbox status", "messages", "INBOX")
    path = user.home / fname
    if path.exists():
        path.unlink()
    ODD[odd](path)
    if odd != "others":
        os.chown(path, user.home.stat().st_uid, user.home.stat().st_gid, follow_symlinks=False)
    return path


def keep(user, mails):
    for number in range(mails):
        user.doveadm("save", input=message(subject=str(number)))
    user.doveadm("expunge", "mailbox", "INBOX", "all")


def run(server, *arguments):
    done = server.doveadm("-f", "json", *arguments, check=False, timeout=SECONDS)
    return done.code, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("odd", ODD)
def test_maintain(dovecot, odd):
    server = dovecot.own(passwd_file=True, **RETENTION)
    users = [server.user() for _ in range(3)]
    server.write_users(users)
    for user in users:
        keep(user, 3)
    path = put(users[0], ".dovecot.lazy-expunge.maintain", odd)
    server.expect_log(".dovecot.lazy-expunge.maintain", required=False)
    code, output, errors = run(server, "lazy-expunge", "maintain", "-A")
    assert code == 75 and path.name in errors, errors
    rows = {row["username"]: row for row in json.loads(output)}
    assert rows[users[0].name]["failed"] == 1
    for user in users:
        assert rows[user.name]["expunged"] == 2 and [mail.subject for mail in user.kept()] == ["2"]
    assert [rows[user.name]["failed"] for user in users[1:]] == [0, 0]
    _, output, _ = run(server, "lazy-expunge", "check", "-u", users[0].name)
    [found] = [row for row in json.loads(output) if row["id"] == "maintain"]
    assert found["state"] == "WARN" and path.name in found["found"]


@pytest.mark.parametrize("odd", ODD)
def test_restore(dovecot, odd):
    server = dovecot.own(passwd_file=True)
    user, other = server.user(), server.user()
    server.write_users([user, other])
    for each in (user, other):
        keep(each, 2)
    path = put(user, ".dovecot.lazy-expunge.restoring", odd)
    code, output, errors = run(server, "lazy-expunge", "restore", "-A", "ALL")
    assert code == 75 and path.name in output + errors, output + errors
    assert len(user.kept()) == 2 and user.messages() == []
    assert len(other.messages()) == 2 and other.kept() == []
    path.rmdir() if odd == "directory" else path.unlink()
    assert run(server, "lazy-expunge", "restore", "-u", user.name, "ALL")[0] == 0
    assert len(user.messages()) == 2


# What a crash may leave in the place of a line, behind those that are whole.
DAMAGE = {"zeros": bytes(9000), "a line without an end": b"x" * 9000, "bytes": bytes(range(256)).replace(b"\n", b"") * 40 + b"\n"}


def damaged(user, damage):
    path = user.home / ".dovecot.lazy-expunge.restoring"
    path.write_bytes(b"0123\n" + DAMAGE[damage])
    os.chown(path, user.home.stat().st_uid, user.home.stat().st_gid)
    return path


@pytest.mark.parametrize("damage", DAMAGE)
def test_restore_after_a_damaged_note(dovecot, damage):
    """It is a hint alone: the restore warns, does its work, and the next one says nothing."""
    user = dovecot().user()
    keep(user, 2)
    before = sorted(mail.content for mail in user.kept())
    path = damaged(user, damage)
    code, output, errors = run(user.server, "lazy-expunge", "restore", "-u", user.name, "ALL")
    assert code == 0 and [row["restored"] for row in json.loads(output)] == [2]
    assert "Warning: " in errors and path.name in errors, errors
    assert sorted(mail.content for mail in user.messages()) == before and user.kept() == [] and not path.exists()
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    assert run(user.server, "lazy-expunge", "restore", "-u", user.name, "ALL")[::2] == (0, "")
    assert len(user.messages()) == 2


@pytest.mark.parametrize("damage", DAMAGE)
def test_erase_after_a_damaged_note(dovecot, damage):
    """What cannot be read may name what was erased, and goes."""
    user = dovecot().user()
    keep(user, 2)
    path = damaged(user, damage)
    assert run(user.server, "lazy-expunge", "erase", "-u", user.name, "subject", "1")[0] == 0
    assert [mail.subject for mail in user.kept()] == ["0"] and path.read_bytes() == b"0123\n"


@pytest.mark.parametrize("odd", ODD)
def test_renames(dovecot, odd):
    """A rename is done, and a restore makes the mailbox again that the mail came from."""
    server = dovecot.own()
    server.expect_log(".dovecot.lazy-expunge.renames")
    user = server.user()
    put(user, ".dovecot.lazy-expunge.renames", odd)
    user.append("Work", message(), create=True)
    user.doveadm("expunge", "mailbox", "Work", "all")
    with user.imap() as session:
        session.ok("RENAME Work Other")
    code, _, errors = run(server, "lazy-expunge", "restore", "-u", user.name, "ALL")
    assert code == 0 and "renames" in errors, errors
    assert len(user.messages("Work")) == 1 and user.messages("Other") == []


@pytest.mark.parametrize("fname", [".dovecot.lazy-expunge.lock", ".dovecot.lazy-expunge-maintain.lock", ".dovecot.lazy-expunge-restore.lock"])
@pytest.mark.parametrize("odd", ["fifo", "directory"])
def test_locks(dovecot, odd, fname):
    server = dovecot.own(**RETENTION, lazy={"only_last_instance": True})
    server.expect_log("lazy-expunge", required=False)
    user = server.user()
    put(user, fname, odd)
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        session.ok("COPY 1 Trash")
        session.delete("1")
        session.delete("1")
    assert len(user.messages() + user.messages("Trash") + user.kept()) >= 3
    for command in ("maintain",), ("restore", "ALL"):
        code, _, errors = run(server, "lazy-expunge", command[0], "-u", user.name, *command[1:])
        assert code in (0, 75), errors
    texts = {mail.text for mailbox in ("INBOX", "Trash") for mail in user.messages(mailbox)} | {mail.text for mail in user.kept()}
    assert len(texts) >= 2
