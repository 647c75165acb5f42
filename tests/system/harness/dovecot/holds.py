"""Holds in a test: set by a command, over mails that were deleted."""

import json
import time

from harness import Mailbox, wait_for
from harness.dovecot.mail import message

EVERYTHING = ()
EVIDENCE = ("subject", "Evidence")
# mails, for what must not cost by the number of them
MANY = 10000
PATH = ".dovecot.lazy-expunge.holds"
SHORT = (Mailbox(".EXPUNGED", autoexpunge="1s"),)


def rows(user, command, *arguments, check=True):
    done = user.server.doveadm("-f", "json", "lazy-expunge", *command.split(), "-u", user.name, *arguments, check=check)
    return json.loads(done.stdout or b"[]")


def hold(user, *query, name="case"):
    [row] = rows(user, "hold", "-N", name, "-b", "the court", *query)
    assert (row["name"], row["by"]) == (name, "the court")


def keep(user, *subjects):
    """Deleted mails with these subjects, in their order."""
    user.fill("INBOX", [message(subject=subject) for subject in subjects])
    user.doveadm("expunge", "mailbox", "INBOX", "all")


def subjects(user, mailbox=None):
    return [mail.subject for mail in (user.kept() if mailbox is None else user.messages(mailbox))]


def let_time_pass(user):
    newest = max(mail.saved for mail in user.kept())
    wait_for(lambda: time.time() > newest + 1.1, "the mail to be old enough")


def by_imap(user):
    with user.imap("INBOX") as session:
        session.ok("NOOP")


def by_pop3(user):
    user.pop3().quit()


def by_lmtp(user):
    user.deliver()


def by_maintain(user):
    user.doveadm("lazy-expunge maintain")
