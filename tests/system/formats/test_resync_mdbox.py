"""mdbox: the storage's index is lost. Dovecot's repair puts what was kept where it was first saved; OPERATIONS brings it back."""

import json
import re
import shlex
import time

import pytest

from harness import message, places, wait_for

pytestmark = pytest.mark.formats("mdbox")


def lost(dovecot):
    user = dovecot().user()
    user.deliver(message(subject="delivered"))
    user.append("Work", message(subject="filed"), create=True)
    user.append("INBOX", message(subject="stays"), date="01-Jan-2021 00:00:00 +0000")
    for mailbox in ("INBOX", "Work"):
        with user.imap(mailbox) as session:
            session.ok("STORE 1 +FLAGS (\\Deleted \\Seen)")
            session.ok("EXPUNGE")
    assert {mail.subject for mail in user.kept()} == {"delivered", "filed"}
    for path in user.mail_path.glob("mailboxes/.EXPUNGED/dbox-Mails/dovecot.index*"):
        path.unlink()
    return user


def index_row(user):
    rows = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, check=False).stdout)
    return [row for row in rows if row["id"] == "index"]


def test_check_warns_before_somebody_repairs(dovecot):
    user = lost(dovecot)
    for _ in range(2):
        [row] = index_row(user)
        assert row["state"] == "FAIL" and "force-resync" in row["remedy"] and ".EXPUNGED" in row["found"]


def test_check_says_nothing_of_an_index_that_is_there(dovecot):
    user = dovecot().user()
    assert index_row(user) == []
    user.deliver()
    with user.imap("INBOX") as session:
        session.delete()
    assert index_row(user) == []


def test_what_the_repair_brought_back_is_kept_again(dovecot):
    """By the commands of OPERATIONS."""
    user = lost(dovecot)
    [before] = user.messages("INBOX")
    text = (places.SOURCE / "doc/OPERATIONS.md").read_text()
    commands = re.search(r"BEGAN=\$\(date \+%s\)\n(.*?)```", text, re.DOTALL).group(1).splitlines()
    assert len(commands) == 2
    wait_for(lambda: int(time.time()) > before.saved, "the next second")
    began = str(int(time.time()))
    for command in commands:
        words = [began if word == "$BEGAN" else word for word in shlex.split(command)]
        assert words[0] == "doveadm" and words[2:4] == ["-u", "anna"]
        user.doveadm(words[1], *words[4:])
    assert user.messages("INBOX") == [before] and user.messages("Work") == []
    assert {mail.subject: mail.origin for mail in user.kept()} == {"delivered": "INBOX", "filed": "Work"}
