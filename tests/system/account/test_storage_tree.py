"""lazy_expunge_mailbox = EXPUNGED/%{event:mailbox}: a storage for each mailbox, which keeps the hierarchy."""

import json
import time

import pytest

from harness import name, wait_for
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, settings
from harness.dovecot.mail import message

pytestmark = pytest.mark.since("2.4")

PREFIXES = ("EXPUNGED/", ".EXPUNGED/")
SOURCES = ("INBOX", "Work/Sub", "Trash", "Ünï & cödé")


def tree(make, prefix="EXPUNGED/", suffix="", retention="7 days", **fields):
    fields.setdefault("lazy", settings(hidden=True, protect=True, only_last_instance=False))
    return make(raw24=f"lazy_expunge_mailbox = {prefix}%{{event:mailbox}}{suffix}\n" + fields.pop("raw24", ""),
                mailboxes=DEFAULT_MAILBOXES + (Mailbox(prefix + "*" + suffix, autoexpunge=retention),), **fields)


def rows(user, command, *arguments, check=True):
    done = user.server.doveadm("-f", "json", "lazy-expunge", command, "-u", user.name, *arguments, check=check)
    return json.loads(done.stdout or "[]")


def delete_from(user, mailboxes=SOURCES):
    for mailbox in mailboxes:
        user.append(mailbox, message(subject=f"of {mailbox}"), create=mailbox != "INBOX")
        with user.imap(mailbox) as session:
            assert len(session.delete().lines("EXPUNGE")) == 1


def kept(user, prefix="EXPUNGED/", suffix="", mailboxes=SOURCES):
    """{source: [(subject, origin)]}"""
    return {mailbox: [(mail.subject, mail.origin) for mail in user.messages(prefix + mailbox + suffix)] for mailbox in mailboxes}


@pytest.mark.parametrize("prefix, suffix", [("EXPUNGED/", ""), (".EXPUNGED/", ""), ("Old ", " mail"), ("", "/EXPUNGED")])
def test_mail_of_each_mailbox_goes_to_its_own(dovecot, prefix, suffix):
    user = tree(dovecot, prefix, suffix).user()
    delete_from(user)
    assert kept(user, prefix, suffix) == {mailbox: [(f"of {mailbox}", mailbox)] for mailbox in SOURCES}
    assert sorted((row["origin"], row["subject"]) for row in rows(user, "list", "ALL")) == \
        sorted((mailbox, f"of {mailbox}") for mailbox in SOURCES)
    assert sorted(row["origin"] for row in rows(user, "status", "-v")) == sorted(SOURCES)
    with user.imap() as session:
        assert sorted(session.list()) == sorted({"INBOX", "Work", *SOURCES}), "hidden"
    assert sum(row["restored"] for row in rows(user, "restore", "ALL")) == len(SOURCES)
    for mailbox in SOURCES:
        assert [mail.subject for mail in user.messages(mailbox)] == [f"of {mailbox}"]
    assert all(mails == [] for mails in kept(user, prefix, suffix).values())


@pytest.mark.parametrize("prefix", PREFIXES)
def test_users_cannot_change_what_is_kept(dovecot, prefix):
    user = tree(dovecot, prefix).user()
    delete_from(user, ("INBOX", "Work/Sub"))
    storage = prefix + "Work/Sub"
    with user.imap() as session:
        session.select(storage)
        session.ok("STORE 1 +FLAGS (\\Deleted $Expunged-From:forged)")
        session("EXPUNGE")
        session.ok("UNSELECT")
        for command in (f"DELETE {name(storage)}", f"RENAME {name(storage)} away", f"RENAME {name(prefix[:-1])} away",
                        f"RENAME Work {name(prefix + 'Work/x')}", f"CREATE {name(prefix + 'new')}"):
            session.no(command)
        session.no(f"APPEND {name(storage)} () {{}}", message())
    assert kept(user, prefix, mailboxes=("INBOX", "Work/Sub")) == {"INBOX": [("of INBOX", "INBOX")],
                                                                  "Work/Sub": [("of Work/Sub", "Work/Sub")]}


def test_check_and_maintain_know_them(dovecot):
    user = tree(dovecot, retention="1s").user()
    delete_from(user)
    found = {row["id"]: row for row in rows(user, "check", check=False)}
    assert found["storage"]["state"] == "OK" and "EXPUNGED/%{event:mailbox}" in found["storage"]["found"]
    assert not [row for row in found.values() if row["state"] == "FAIL"], found
    assert not [row for row in rows(user, "check", "-L", check=False) if row["state"] == "FAIL"]
    wait_for(lambda: rows(user, "maintain") and rows(user, "list", "ALL", check=False) == [], "retention to remove all")


def test_mail_that_has_no_origin_has_one_by_its_mailbox(dovecot):
    """As the shipped plugin keeps it."""
    user = tree(dovecot, lazy=settings(origin=False, hidden=True, only_last_instance=False)).user()
    delete_from(user, ("Work/Sub",))
    [mail] = user.messages("EXPUNGED/Work/Sub")
    assert not mail.origins and mail.subject == "of Work/Sub"
    assert [(row["origin"], row["target"]) for row in rows(user, "restore", "-o", "Work/Sub", "ALL")] == [("Work/Sub", "Work/Sub")]


@pytest.mark.parametrize("value", ["EXPUNGED/%{event:mailbox | lower}", "%{event:mailbox}", "%{event:mailbox}/%{event:mailbox}"])
def test_other_uses_of_the_variable_are_refused(dovecot, value):
    server = dovecot.own(lazy=settings(), raw24=f"lazy_expunge_mailbox = {value}")
    server.allow_log("No mail can be deleted until this is corrected|because it cannot be kept")
    user = server.user()
    user.deliver(message(subject="one"))
    with user.imap("INBOX") as session:
        session.ok("STORE 1 +FLAGS (\\Deleted)")
        session.no("EXPUNGE")
    assert [mail.subject for mail in user.messages()] == ["one"]


def test_shared_mailboxes_keep_their_mail_with_the_owner(dovecot):
    server = dovecot(shared=True, raw24="lazy_expunge_mailbox = EXPUNGED/%{event:mailbox}", lazy=settings(only_last_instance=False))
    owner, other = server.user(), server.user()
    owner.append("Work", message(subject="shared"), create=True)
    owner.doveadm("acl set", "Work", f"user={other.name}", "lookup", "read", "write", "write-deleted", "expunge", "write-seen")
    with other.imap(f"shared/{owner.name}/Work") as session:
        assert len(session.delete().lines("EXPUNGE")) == 1
    assert [mail.subject for mail in owner.messages("EXPUNGED/Work")] == ["shared"]
    assert [row["origin"] for row in rows(owner, "list", "ALL")] == ["Work"]


def test_a_hold_is_for_all_of_them(dovecot):
    user = tree(dovecot, retention="1s").user()
    delete_from(user, ("INBOX", "Work/Sub"))
    rows(user, "hold", "-N", "case", "subject", "Sub")
    newest = max(mail.saved for name in ("INBOX", "Work/Sub") for mail in user.messages("EXPUNGED/" + name))
    wait_for(lambda: time.time() > newest + 1.1, "the mail to be old enough")
    rows(user, "maintain")
    assert kept(user, mailboxes=("INBOX", "Work/Sub")) == {"INBOX": [], "Work/Sub": [("of Work/Sub", "Work/Sub")]}
    assert rows(user, "status")[0]["held"] in (1, "1")
    rows(user, "release", "-N", "case", "-g", "0s")
    rows(user, "maintain")
    assert rows(user, "list", "ALL", check=False) == []


def test_a_deleted_mailbox_and_a_moved_mail(dovecot):
    """DELETE keeps all that was in it; a move within the account keeps nothing; what comes back is where it was."""
    user = tree(dovecot).user()
    user.fill("Work", [message(subject=f"{i}") for i in range(3)], create=True)
    with user.imap("Work") as session:
        session.ok("MOVE 1 INBOX")
        session.ok("UNSELECT")
        session.ok("DELETE Work")
    assert sorted(kept(user, mailboxes=("Work",))["Work"]) == [("1", "Work"), ("2", "Work")]
    rows(user, "restore", "ALL")
    assert sorted(mail.subject for mail in user.messages("Work")) == ["1", "2"]
    assert [mail.subject for mail in user.messages("INBOX")] == ["0"]
