"""One storage under two settings is one storage: its mail counts once, in lists, sums and caps."""

import json

import pytest

from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, Namespace, settings
from harness.dovecot.mail import message

pytestmark = pytest.mark.since("2.4")

# top level, the block of Work, where Work's mail is then
PAIRS = {"letters of INBOX": ("INBOX/Gone", "inbox/Gone"),
         "legal name": (".EXPUNGED", "=2eEXPUNGED"),
         "second namespace": ("EXPUNGED", "Dup/EXPUNGED"),
         "a mailbox and its tree": ("EXPUNGED/INBOX", "EXPUNGED/%{event:mailbox}"),
         "a tree and a mailbox of it": ("EXPUNGED/%{event:mailbox}", "EXPUNGED/INBOX"),
         "two trees": ("EXPUNGED/%{event:mailbox}", "Dup/EXPUNGED/%{event:mailbox}")}
SECOND = dict(namespaces=(Namespace("dup", "Dup/"),))


@pytest.mark.parametrize("pair", PAIRS)
def test_what_is_kept_counts_once(dovecot, pair):
    first, second = PAIRS[pair]
    if pair == "legal name" and dovecot.format != "maildir":
        # two mailboxes where a layout allows both names
        expected = {first, second}
    else:
        expected = None
    mailboxes = DEFAULT_MAILBOXES + (Mailbox("Work", lazy=settings(mailbox=second)),)
    server = dovecot.own(lazy={"mailbox": first, "max_storage": "3000", "only_last_instance": False}, mailboxes=mailboxes,
                         **(SECOND if "Dup" in second else {}))
    user = server.user()
    user.append("INBOX", message(subject="m0", body="x" * 900))
    user.append("Work", message(subject="m1", body="x" * 900), create=True)
    for mailbox in ("INBOX", "Work"):
        with user.imap(mailbox) as session:
            session.delete()
    rows = run(user, "list")
    assert sorted((row["subject"], row["origin"]) for row in rows) == [("m0", "INBOX"), ("m1", "Work")], rows
    assert expected is None or {row["mailbox"] for row in rows} == expected
    [status] = run(user, "status")
    assert status["messages"] == 2
    run(user, "maintain")
    assert len(run(user, "list")) == 2
    run(user, "restore", "ALL")
    assert len(user.messages("INBOX")) == len(user.messages("Work")) == 1 and run(user, "list") == []


def run(user, command, *arguments):
    return json.loads(user.server.doveadm("-f", "json", "lazy-expunge", command, "-u", user.name, *arguments).stdout or "[]")


def test_a_namespace_and_a_mailbox_of_it(dovecot):
    mailboxes = DEFAULT_MAILBOXES + (Mailbox("Work", lazy=settings(mailbox="EXPUNGED/INBOX")),)
    user = dovecot.own(lazy={"mailbox": "EXPUNGED/", "max_storage": "3000", "only_last_instance": False}, mailboxes=mailboxes,
                       namespaces=(Namespace("gone", "EXPUNGED/", format=dovecot.format, path="~/gone"),)).user()
    user.append("INBOX", message(subject="m0", body="x" * 900))
    user.append("Work", message(subject="m1", body="x" * 900), create=True)
    for mailbox in ("INBOX", "Work"):
        user.doveadm("expunge", "mailbox", mailbox, "all")
    assert sorted((row["subject"], row["origin"]) for row in run(user, "list")) == [("m0", "INBOX"), ("m1", "Work")]
    run(user, "maintain")
    assert len(run(user, "list")) == 2
