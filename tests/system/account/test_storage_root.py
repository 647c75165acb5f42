"""lazy_expunge = EXPUNGED beside a namespace with the prefix EXPUNGED/: the mailbox EXPUNGED of that namespace, as the shipped plugin has it."""

import json

import pytest

from harness import Quota, wait_for
from harness.dovecot.config import SHIPPED, Mailbox, Namespace
from harness.dovecot.mail import message

PATHS = {"maildir": "~/exp", "sdbox": "~/sdbox-exp", "mdbox": "~/mdbox-exp"}


def fields(dovecot, retention="7 days", **lazy):
    namespace = Namespace("expunged", "EXPUNGED/", format=dovecot.format, path=PATHS[dovecot.format], subscriptions=False,
                          mailboxes=(Mailbox("*", autoexpunge=retention), Mailbox("", autoexpunge=retention)) if retention else ())
    return dict(lazy=dict(dict(mailbox="EXPUNGED", only_last_instance=False), **lazy), namespaces=(namespace,))


def rows(user, command, *arguments, check=True):
    done = user.server.doveadm("-f", "json", "lazy-expunge", command, "-u", user.name, *arguments, check=check)
    return json.loads(done.stdout or "[]")


def delete_from(user, mailbox, subject):
    user.append(mailbox, message(subject=subject), create=mailbox != "INBOX")
    with user.imap(mailbox) as session:
        assert len(session.delete().lines("EXPUNGE")) == 1


def test_what_either_plugin_and_either_way_has_kept_is_found(dovecot):
    shipped = dovecot.own(plugin=SHIPPED, **dict(fields(dovecot), lazy=dict(mailbox="EXPUNGED")))
    user = shipped.user()
    delete_from(user, "INBOX", "shipped")
    user.append("EXPUNGED/Work", message(subject="namespace"), create=True)
    shipped.halt()
    ours = dovecot.own(mail_root=shipped.mail_root, **fields(dovecot, hidden=True, protect=True))
    user = ours.user(user.name)
    delete_from(user, "Work", "ours")
    assert sorted((mail.subject, mail.origin) for mail in user.messages("EXPUNGED")) == [("ours", "Work"), ("shipped", None)]
    assert sorted((row["origin"], row["subject"]) for row in rows(user, "list", "ALL")) == \
        [("", "shipped"), ("Work", "namespace"), ("Work", "ours")]
    assert rows(user, "status")[0]["messages"] in (3, "3")
    assert not [row for row in rows(user, "check", check=False) if row["state"] == "FAIL"]
    with user.imap() as session:
        assert not [name for name in session.list() if "EXPUNGED" in name]
        session.select("EXPUNGED")
        session.ok("STORE 1:* +FLAGS (\\Deleted)")
        session("EXPUNGE")
    assert sum(row["restored"] for row in rows(user, "restore", "ALL")) == 3
    assert sorted(mail.subject for mail in user.messages("Work")) == ["namespace", "ours"]
    assert [mail.subject for mail in user.messages("INBOX")] == ["shipped"]


def test_the_newest_instance_takes_the_place_of_the_older(dovecot):
    user = dovecot(**fields(dovecot, only_last_instance=True)).user()
    delete_from(user, "INBOX", "again")
    user.doveadm("copy", "INBOX", "mailbox", "EXPUNGED", "all")
    with user.imap("INBOX") as session:
        session.delete()
    assert [mail.subject for mail in user.messages("EXPUNGED")] == ["again"]


def test_it_does_not_count_and_goes_in_its_time(dovecot):
    user = dovecot(quota=Quota(storage="10M"), **fields(dovecot, retention="1s")).user()
    delete_from(user, "INBOX", "gone")
    used = user.server.doveadm("quota", "get", "-u", user.name).stdout.decode()
    assert "STORAGE" in used and all(line.split()[-3] == "0" for line in used.splitlines() if "STORAGE" in line), used
    wait_for(lambda: rows(user, "maintain") and rows(user, "list", "ALL", check=False) == [], "retention to remove it")
