"""Quota: the storage counts, or does not."""

import json
import re

import pytest

from harness import Mailbox, Quota, message
from harness.dovecot.config import DEFAULT_MAILBOXES, namespace_mode

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


@pytest.mark.parametrize("separator", [".", "/"])
@pytest.mark.parametrize("storage", ["EXPUNGED", ".EXPUNGED", "Gone.by"])
def test_it_is_out_of_the_quota_under_a_prefix(dovecot, separator, storage):
    """And without a line in the log, as each test looks for them."""
    name = storage.replace(".", separator) if storage == "Gone.by" else storage
    prefix = f"INBOX{separator}"
    user = dovecot(quota=Quota(storage="10M"), prefix=prefix, separator=separator, lazy={"mailbox": prefix + name}).user()
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        session.delete("1:2")
    user.server.settle()
    assert used(user) == 1
    user.doveadm("quota recalc")
    assert used(user) == 1
    assert json.loads(user.doveadm("-f json lazy-expunge status").stdout)[0]["messages"] == 2


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


STORAGES = ("mailbox", "namespace")


def full(dovecot, storage="mailbox", limit=3, **lazy):
    """A user who may have three mails and has them, and two in the storage; and the storage's name."""
    if storage == "mailbox":
        fields = dict(lazy=dict(lazy, only_last_instance=False))
    else:
        fields = namespace_mode(dovecot.format, only_last_instance=False, **lazy)
    user = dovecot(quota=Quota(messages=limit), **fields).user()
    user.fill("INBOX", [message(subject=f"deleted {i}") for i in range(2)])
    delete_all(user)
    user.fill("INBOX", [message(subject=f"live {i}") for i in range(3)])
    return user, ".EXPUNGED" if storage == "mailbox" else ".EXPUNGED/INBOX"


def subjects(user, mailbox):
    return sorted(mail.subject for mail in user.messages(mailbox))


DELETED, LIVE = ["deleted 0", "deleted 1"], ["live 0", "live 1", "live 2"]


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("command", ["MOVE {} {}", "UID MOVE {} {}", "COPY {} {}"])
def test_what_does_not_fit_stays_in_the_storage(dovecot, command, storage):
    user, name = full(dovecot, storage, protect=True)
    user.doveadm("mailbox create", "Work")
    for target in ("INBOX", "Work"):
        with user.imap(name) as session:
            assert "[OVERQUOTA]" in session.no(command.format("1:2", target)).text
            assert len(session.search()) == 2
    assert (subjects(user, name), subjects(user, "INBOX"), subjects(user, "Work")) == (DELETED, LIVE, [])
    assert used(user) == 3
    user.doveadm("expunge", "mailbox", "INBOX", "subject", "live 2")
    with user.imap(name) as session:
        session.no(command.format("1:2", "INBOX"))
        session.ok(command.format("1", "INBOX"))
        session.no(command.format("2" if "UID" in command else "1", "INBOX"))
    assert used(user) == 3 and "deleted 0" in subjects(user, "INBOX")


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("command", ["move", "copy"])
def test_the_administrators_move_is_held_to_the_quota_as_restore_is(dovecot, command, storage):
    """All or nothing. (Without the plugin Dovecot's doveadm copy dies where the last of several mails does not fit.)"""
    user, name = full(dovecot, storage)
    done = user.server.doveadm(command, "-u", user.name, "INBOX", "mailbox", name, "all", check=False)
    restored = user.server.doveadm("lazy-expunge", "restore", "-u", user.name, "ALL", check=False)
    assert done.code == restored.code == 73, (done, restored)
    assert (subjects(user, name), subjects(user, "INBOX")) == (DELETED, LIVE)
    user.doveadm("expunge", "mailbox", "INBOX", "subject", "live 2")
    assert user.server.doveadm(command, "-u", user.name, "INBOX", "mailbox", name, "all", check=False).code == 73
    assert (subjects(user, name), subjects(user, "INBOX")) == (sorted(DELETED + ["live 2"]), LIVE[:2])
    user.doveadm(command, "INBOX", "mailbox", name, "subject", "deleted 1")
    assert subjects(user, "INBOX") == ["deleted 1"] + LIVE[:2]


def test_mail_that_is_moved_out_must_fit_by_its_size(dovecot):
    user = dovecot(quota=Quota(storage="100k"), lazy={"only_last_instance": False}).user()
    user.append("INBOX", big())
    delete_all(user)
    user.append("INBOX", big())
    user.append("INBOX", big())
    with user.imap(".EXPUNGED") as session:
        assert "[OVERQUOTA]" in session.no("MOVE 1 INBOX").text
    user.append("Work", message(), create=True)
    with user.imap("Work") as session:
        session.ok("MOVE 1 INBOX")
    assert len(user.kept()) == 1 and len(user.messages("INBOX")) == 3


def test_a_move_within_the_quota_is_none_of_ours(dovecot):
    """Where the storage counts, and where both mailboxes do."""
    user, name = full(dovecot, limit=5, quota_ignore=False)
    with user.imap(name) as session:
        session.ok("MOVE 1:2 INBOX")
    assert subjects(user, "INBOX") == DELETED + LIVE
    user, name = full(dovecot)
    user.doveadm("mailbox create", "Work")
    with user.imap("INBOX") as session:
        session.ok("MOVE 1:3 Work")
    assert subjects(user, "Work") == LIVE and used(user) == 3
