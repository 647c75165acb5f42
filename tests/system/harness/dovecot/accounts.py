"""Whole accounts in a test: the commands, and what must come back."""

import json
from datetime import datetime

from harness.dovecot.mail import message

DELETED = ".lazy-expunge-deleted"


def two_parts(dovecot):
    """Fields of a server on which each account has two parts: the home, and the indexes outside of it."""
    index = "%{user}" if dovecot.target.new_settings else "%u"
    return dict(raw23=f"mail_location = {dovecot.format}:~/mail:INDEX=@MAIL@/index/{index}\n",
                raw24=f"mail_path = ~/mail\nmail_index_path = @MAIL@/index/{index}\n")


def account(server, command, *arguments, check=True, code=0):
    """Run an account command; its rows. code: the exit code that it must have."""
    done = server.doveadm("-f", "json", "lazy-expunge", "account", *command.split(), *arguments, check=False)
    if check:
        assert done.code == code, str(done)
    rows = json.loads(done.stdout or b"[]")
    return rows if code == 0 else done.stderr.decode()


def delete(user, *arguments):
    [row] = account(user.server, "delete", "-u", user.name, *arguments)
    assert row["user"] == user.name
    return row["id"]


def stamp(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def listed(user):
    return account(user.server, "list", "-u", user.name)


def fill(user):
    """Mail in several mailboxes, in the storage, and a hold-free home with a file of its own."""
    user.fill("INBOX", [message(subject=f"Lunch {number}") for number in range(3)])
    user.append("Work", message(subject="Plan"), flags="\\Flagged word", create=True)
    user.append("Trash", message(subject="Old"))
    user.doveadm("expunge", "mailbox", "INBOX", "subject", "Lunch 0")
    user.server.settle()


def content(user):
    """What must come back: each mail with its mailbox, and the storage."""
    live = [(mailbox, mail.guid, mail.subject, mail.flags - {"\\Recent"}, mail.keywords, mail.received)
            for mailbox in ("INBOX", "Work", "Trash") for mail in user.messages(mailbox)]
    return sorted(map(repr, live)), sorted((mail.guid, mail.origin) for mail in user.kept())
