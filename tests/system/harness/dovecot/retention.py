"""Retention in tests: its configuration, runs of maintain, and mail that is in the storage for them."""

import json
import re
import time
import zlib

from harness import wait_for
from harness.dovecot.config import DEFAULT_MAILBOXES
from harness.dovecot.mail import message


def retention(*mailboxes, **lazy):
    """Fields of Config with these mailbox blocks besides Trash."""
    names = {mailbox.name for mailbox in mailboxes}
    return dict(mailboxes=tuple(m for m in DEFAULT_MAILBOXES if m.name not in names) + mailboxes, lazy=lazy)


def maintain(server, *arguments, check=True):
    done = server.doveadm("-f", "json", "lazy-expunge", "maintain", *arguments, check=check)
    return json.loads(done.stdout), done


def row(expunged=0, bytes=0, skipped=0, failed=0, held=0):
    return {"expunged": expunged, "bytes": bytes, "skipped": skipped, "failed": failed, "held": held}


def keep(user, mails, mailbox="INBOX"):
    """Put mails into the storage without an IMAP session's end, which would see to retention."""
    texts = [message() for _ in range(mails)] if isinstance(mails, int) else mails
    if mailbox not in user.mailboxes():
        user.doveadm("mailbox create", mailbox)
    for text in texts:
        user.doveadm("save", "-m", mailbox, input=text)
    user.doveadm("expunge", "mailbox", mailbox, "all")
    return texts


def stamp_path(user):
    """Where maintain notes what it did."""
    return user.home / ".dovecot.lazy-expunge.maintain"


def edit_stamp(user, name, value, right_sum=True):
    """Change a number of the stamp's second part, which has a check sum."""
    text = stamp_path(user).read_text()
    begin, end = text.index("looked "), text.rindex("sum ")
    part, count = re.subn(f"^{name} [0-9]+$", f"{name} {value:010}", text[begin:end], flags=re.MULTILINE)
    assert count == 1, text
    new_sum = f"sum {zlib.crc32(part.encode()):08x}\n" if right_sum else text[end:]
    stamp_path(user).write_text(text[:begin] + part + new_sum)


def wait_until_old(user, mailbox=".EXPUNGED", age=1):
    """Until all mail of the mailbox has been there for so many seconds."""
    newest = max(mail.saved for mail in user.messages(mailbox))
    wait_for(lambda: time.time() >= newest + age + 1, "the mail to be old enough", seconds=age + 10)
