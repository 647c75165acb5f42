"""Holds: what is held leaves the storage by none of the ways out of it, and all else goes on."""

import time
from dataclasses import replace

import pytest

from harness import Mailbox, wait_for
from harness.dovecot.config import DEFAULT_MAILBOXES, namespace_mode
from harness.dovecot.holds import (EVERYTHING, EVIDENCE, MANY, SHORT, by_imap, by_lmtp, by_maintain, by_pop3, hold, keep,
                                   let_time_pass, rows, subjects)
from harness.dovecot.mail import message
from harness.measuring import accounts as bench_accounts
from harness.measuring.accounts import STORAGE, Account

RETENTIONS = [by_imap, by_pop3, by_lmtp, by_maintain]


@pytest.mark.parametrize("end", RETENTIONS, ids=lambda end: end.__name__)
def test_by_age_all_but_the_held_goes(dovecot, end):
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    keep(user, "Lunch", "Evidence 1", "Lunch", "Evidence 2", "Lunch")
    hold(user, *EVIDENCE)
    let_time_pass(user)
    end(user)
    user.server.settle()
    assert subjects(user) == ["Evidence 1", "Evidence 2"]


@pytest.mark.parametrize("end", RETENTIONS, ids=lambda end: end.__name__)
def test_by_count_all_but_the_held_goes(dovecot, end):
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge_max_mails=2),)).user()
    # before there is more than may be
    hold(user, *EVIDENCE)
    keep(user, "Lunch 1", "Evidence 1", "Lunch 2", "Evidence 2", "Lunch 3", "Lunch 4")
    for _ in range(2):
        end(user)
        user.server.settle()
        assert subjects(user) == ["Evidence 1", "Evidence 2", "Lunch 3", "Lunch 4"]


@pytest.mark.parametrize("end", RETENTIONS, ids=lambda end: end.__name__)
def test_a_hold_without_a_query_holds_all(dovecot, end):
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    keep(user, "Lunch", "Offer")
    hold(user)
    let_time_pass(user)
    end(user)
    user.server.settle()
    assert subjects(user) == ["Lunch", "Offer"]


@pytest.mark.parametrize("end", RETENTIONS, ids=lambda end: end.__name__)
def test_a_hold_without_a_query_holds_all_by_count(dovecot, end):
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge_max_mails=1),)).user()
    hold(user)
    keep(user, "Lunch", "Offer", "Minutes")
    end(user)
    user.server.settle()
    assert subjects(user) == ["Lunch", "Offer", "Minutes"]


@pytest.mark.native
@pytest.mark.parametrize("end", [by_imap, by_maintain], ids=lambda end: end.__name__)
def test_of_very_many_mails_all_that_is_free_goes_at_once(dovecot, end):
    """Each third is held: one session, or one run, is enough for the others, and the next one finds nothing to do."""
    server = dovecot(mailboxes=DEFAULT_MAILBOXES + (Mailbox(STORAGE, autoexpunge="1s"),), lazy={"mailbox": STORAGE})
    user = server.user()
    bench_accounts.copy(dovecot.target, dovecot.format, Account(inbox=200, storage=MANY), user)
    held = list(range(3, MANY + 1, 3))
    user.doveadm("flags add", "\\Flagged", "mailbox", STORAGE, "uid", ",".join(map(str, held)))
    hold(user, "flagged")
    # files of a Maildir are as old as the copy
    time.sleep(1.1)
    for _ in range(2):
        end(user)
        server.settle()
        found = user.doveadm("search", "mailbox", STORAGE, "all").stdout.split()[1::2]
        assert list(map(int, found)) == held


def test_in_namespace_mode(dovecot):
    fields = namespace_mode(dovecot.format)
    rules = (Mailbox("*", autoexpunge="1s"),)
    fields["namespaces"] = tuple(replace(namespace, mailboxes=rules) for namespace in fields["namespaces"])
    user = dovecot(**fields).user()
    # the second session may end when what was deleted first is old enough to go
    hold(user, *EVIDENCE)
    for mailbox in ("INBOX", "Work"):
        user.fill(mailbox, [message(subject="Lunch"), message(subject="Evidence")], create=True)
        user.doveadm("expunge", "mailbox", mailbox, "all")
    let_time_pass(user)
    by_imap(user)
    user.server.settle()
    assert sorted((mail.origin, mail.subject) for mail in user.kept()) == [("INBOX", "Evidence"), ("Work", "Evidence")]
    done = user.doveadm("mailbox delete", user.kept()[0].mailbox, check=False)
    assert done.code != 0 and len(user.kept()) == 2


def test_the_byte_cap_takes_the_oldest_that_is_not_held(dovecot):
    user = dovecot(lazy={"max_storage": "2k"}).user()
    user.fill("INBOX", [message(subject=subject, body="x" * 900 + "\n") for subject in ("Evidence", "Lunch 1", "Lunch 2", "Lunch 3")])
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    hold(user, *EVIDENCE)
    by_maintain(user)
    found = subjects(user)
    assert found[0] == "Evidence" and found[-1] == "Lunch 3" and "Lunch 1" not in found


@pytest.mark.parametrize("query", [EVERYTHING, EVIDENCE], ids=["everything", "query"])
def test_doveadm_expunge_says_which_hold_refuses(dovecot, query):
    user = dovecot().user()
    keep(user, "Evidence", "Lunch")
    hold(user, *query)
    done = user.doveadm("expunge", "mailbox", ".EXPUNGED", "subject", "Evidence", check=False)
    assert done.code == 77 and b"hold case" in done.stderr
    assert subjects(user) == ["Evidence", "Lunch"]
    if query:
        user.doveadm("expunge", "mailbox", ".EXPUNGED", "subject", "Lunch")
        assert subjects(user) == ["Evidence"]


@pytest.mark.parametrize("query", [EVERYTHING, EVIDENCE], ids=["everything", "query"])
def test_the_user_cannot_expunge_what_is_held_nor_learns_of_it(dovecot, query):
    user = dovecot(lazy={"protect": False}).user()
    keep(user, "Evidence")
    with user.imap(".EXPUNGED") as session:
        # while the session is open
        hold(user, *query)
        session.ok("STORE 1 +FLAGS \\Deleted")
        answer = session("EXPUNGE")
        assert answer.lines("EXPUNGE") == [] and "held" not in answer.text and "case" not in answer.text
    # Dovecot ends a session that deletes what it has selected
    with user.imap("INBOX") as session:
        session.no("DELETE .EXPUNGED")
    assert subjects(user) == ["Evidence"]


def test_the_storage_is_not_deleted_nor_renamed(dovecot):
    user = dovecot(lazy={"mailbox": "Kept/Deleted", "protect": False}).user()
    user.doveadm("mailbox create", "Kept")
    user.append(message=message(subject="Evidence"))
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    hold(user, *EVIDENCE)
    for command in (["mailbox delete", "Kept/Deleted"], ["mailbox delete", "-r", "Kept"], ["mailbox rename", "Kept/Deleted", "Elsewhere"],
                    ["mailbox rename", "Kept", "Elsewhere"]):
        done = user.doveadm(command[0], *command[1:], check=False)
        assert done.code != 0 and b"held" in done.stderr, command
        assert subjects(user, "Kept/Deleted") == ["Evidence"]


def test_restored_it_lives_on_and_deleted_again_it_is_held_again(dovecot):
    user = dovecot(lazy={"only_last_instance": True}).user()
    keep(user, "Evidence")
    hold(user)
    user.doveadm("lazy-expunge restore", "all")
    assert subjects(user) == [] and subjects(user, "INBOX") == ["Evidence"]
    with user.imap("INBOX") as session:
        session.delete()
    assert subjects(user) == ["Evidence"]
    assert user.doveadm("expunge", "mailbox", ".EXPUNGED", "all", check=False).code == 77


def test_moved_out_it_lives_on_but_not_to_where_a_delete_is_for_good(dovecot):
    user = dovecot(lazy={"exclude": ["Junk"]}).user()
    for mailbox in ("Junk", "Work"):
        user.doveadm("mailbox create", mailbox, check=False)
    keep(user, "Evidence")
    hold(user)
    user.doveadm("move", "Junk", "mailbox", ".EXPUNGED", "all", check=False)
    assert subjects(user) == ["Evidence"]
    user.doveadm("expunge", "mailbox", "Junk", "all")
    user.doveadm("move", "Work", "mailbox", ".EXPUNGED", "all")
    assert subjects(user) == [] and subjects(user, "Work") == ["Evidence"]


def test_each_copy_that_is_deleted_counts(dovecot):
    """With only_last_instance: where it was, and when it was deleted there."""
    user = dovecot(lazy={"only_last_instance": True}).user()
    user.append(message=message(subject="Evidence"))
    user.doveadm("mailbox create", "Work")
    with user.imap("INBOX") as session:
        session.ok("COPY 1 Work")
        hold(user)
        session.delete()
    [first] = user.kept()
    assert first.origin == "INBOX"
    # the times of the two differ
    wait_for(lambda: time.time() > first.saved + 1.1, "a second to pass")
    with user.imap("Work") as session:
        session.delete()
    [before, second] = user.kept()
    assert before == first and second.origin == "Work" and second.saved > first.saved
    listed = rows(user, "list")
    assert [row["origin"] for row in listed] == ["Work", "INBOX"] and listed[0]["deleted"] > listed[1]["deleted"]


@pytest.mark.parametrize("held", [True, False])
def test_a_newer_instance_takes_the_place_of_none_that_is_held(dovecot, held):
    """With only_last_instance: the user copies it out of the storage and deletes it again."""
    user = dovecot(lazy={"only_last_instance": True, "protect": False}).user()
    keep(user, "Evidence")
    if held:
        hold(user, *EVIDENCE)
    user.doveadm("mailbox create", "Work")
    with user.imap(".EXPUNGED") as session:
        session.ok("COPY 1 Work")
        session.select("Work")
        session.delete()
    assert [mail.origin for mail in user.kept()] == (["INBOX", "Work"] if held else ["Work"])


def test_dsync_from_a_side_without_the_hold(dovecot):
    server, other = dovecot.own(), dovecot.own()
    user = server.user()
    # what comes after the last mail that both sides have, dsync brings back
    keep(user, "Evidence", "Lunch", "Offer")
    user.sync(other)
    hold(user, *EVIDENCE)
    other.doveadm("expunge", "-u", user.name, "mailbox", ".EXPUNGED", "not", "subject", "Offer")
    server.allow_log(r"Mail that was deleted on another side stays here")
    user.sync(other)
    assert subjects(user) == ["Evidence", "Offer"]


def test_dsync_that_makes_it_like_a_side_without_the_storage(dovecot):
    """backup removes what the other side does not have: mails, and whole mailboxes."""
    server, other = dovecot.own(), dovecot.own()
    user = server.user()
    keep(user, "Evidence", "Lunch")
    user.sync(other)
    hold(user, *EVIDENCE)
    there = other.user(user.name)
    there.doveadm("mailbox delete", ".EXPUNGED")
    server.allow_log(".")
    other.allow_log(".")
    # from the other side: here all is to become as it is there
    there.doveadm("backup", f"tcp:127.0.0.1:{server.ports['doveadm']}", check=False)
    assert "Evidence" in subjects(user)
