"""Quota: the storage counts, or does not."""

import re

import pytest

from harness import Mailbox, Quota, message
from harness.config import DEFAULT_MAILBOXES

BODY = "x" * 70 + "\n"


def big():
    return message(body=BODY * 500)


def used(user, resource="MESSAGE"):
    """The count of this resource in doveadm quota get."""
    lines = user.doveadm("quota get").stdout.decode().splitlines()
    return int(next(re.search(resource + r"\s+(\d+)", line).group(1) for line in lines if resource in line))


def delete_all(user):
    with user.imap("INBOX") as session:
        session.delete()


@pytest.mark.parametrize("last", [False, True], ids=["all", "last"])
def test_a_delete_frees_the_quota_at_once(dovecot, last):
    user = dovecot(quota=Quota(storage="10M"), lazy={"only_last_instance": last}).user()
    user.fill("INBOX", [big() for _ in range(4)])
    session = user.imap("INBOX")
    session.delete("1:3")
    answer = session.ok("GETQUOTAROOT INBOX").lines("QUOTA")[0]
    assert used(user) == 1 and 30 <= used(user, "STORAGE") <= 40
    assert re.search(r"STORAGE (\d+)", answer).group(1) == str(used(user, "STORAGE"))
    session.logout()
    assert len(user.kept()) == 3 and used(user) == 1
    user.doveadm("quota recalc")
    assert used(user) == 1, "after a recalculation"


def test_with_the_setting_off_the_storage_counts(dovecot):
    user = dovecot(quota=Quota(storage="10M"), lazy={"quota_ignore": False}).user()
    user.fill("INBOX", 4)
    delete_all(user)
    assert len(user.kept()) == 4 and used(user) == 4
    user.doveadm("quota recalc")
    assert used(user) == 4


@pytest.mark.parametrize("ignore", [False, True], ids=["setting-off", "setting-on"])
def test_an_admins_own_rule_has_the_same_result(dovecot, ignore):
    mailboxes = DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", quota_ignore=True),)
    user = dovecot(quota=Quota(storage="10M"), mailboxes=mailboxes, lazy={"quota_ignore": ignore}).user()
    user.fill("INBOX", 4)
    with user.imap("INBOX") as session:
        session.delete("1:3")
    assert len(user.kept()) == 3 and used(user) == 1
    user.doveadm("quota recalc")
    assert used(user) == 1


@pytest.mark.parametrize("ignore", [False, True], ids=["counted", "ignored"])
def test_a_user_at_full_quota_can_delete(dovecot, ignore):
    user = dovecot(quota=Quota(messages=5), lazy={"quota_ignore": ignore}).user()
    user.fill("INBOX", 5)
    with user.imap("INBOX") as session:
        assert "OVERQUOTA" in session.no("APPEND INBOX {}", message()).text
        assert len(session.delete("1:2").lines("EXPUNGE")) == 2
    assert len(user.kept()) == 2
    with user.imap("INBOX") as session:
        answer = session("APPEND INBOX {}", message())
        assert answer.ok == ignore, answer.text


def test_mail_put_back_counts_again(dovecot):
    user = dovecot(quota=Quota(storage="10M")).user()
    user.fill("INBOX", 3)
    delete_all(user)
    assert used(user) == 0
    user.doveadm("move", "INBOX", "mailbox", ".EXPUNGED", "all")
    assert used(user) == 3 and user.kept() == []


def test_removing_mail_from_the_storage_does_not_count(dovecot):
    user = dovecot(quota=Quota(storage="10M")).user()
    user.fill("INBOX", 5)
    with user.imap("INBOX") as session:
        session.delete("1:3")
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "all")
    assert used(user) == 2
