"""What the query of a hold asks of mails, and how often."""

import json
import re
import time
from collections import Counter

import pytest

from harness import Mailbox, wait_for
from harness.dovecot.config import DEFAULT_MAILBOXES
from harness.dovecot.holds import EVIDENCE, MANY, PATH, SHORT, by_maintain, hold, keep, let_time_pass, rows, subjects
from harness.dovecot.mail import message
from harness.faults.inject import doveadm_traced
from harness.measuring import accounts as bench_accounts
from harness.measuring.accounts import STORAGE, Account

# a mail's file is, by its name: that of a Maildir's file is guessed first
OPENED = r'openat\([^"]*"[^"]*/(u\.\d+|cur/[^":]+)[^"]*", .* = \d'


@pytest.mark.formats("maildir", "sdbox")
def test_maintain_asks_a_mail_once(dovecot):
    """What is due is counted, goes, and is looked at again: a body that the hold asks for is read once."""
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    user.fill("INBOX", [message(subject=f"Mail {number}", body="evidence\n" if number % 3 == 0 else "lunch\n") for number in range(12)])
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    hold(user, "body", "evidence")
    let_time_pass(user)
    _, trace = doveadm_traced(user.server, ["lazy-expunge", "maintain", "-u", user.name], "-e", "trace=openat", check=True)
    opened = Counter(re.findall(OPENED, trace))
    assert subjects(user) == ["Mail 0", "Mail 3", "Mail 6", "Mail 9"]
    assert len(opened) == 12 and set(opened.values()) == {1}, opened


HEADERS = [
    b"From: Bob <bob@example.com>\nSubject: Evidence 1\nTo: a@example.com",
    b"From: bob@example.com (Bob (the) Builder)\nSubject:evidence",
    b"FROM : \"Bob, B.\" <BOB@Example.COM>\nsubject:   Evidence  1  \nX-Thing:",
    b"From: Bob\n <bob@example.com>\nSubject: Evi\n dence\nSubject: Evidence\n\t1",
    b"From: =?utf-8?q?B=C3=B6b?= <bob@example.com>\nSubject: =?utf-8?b?RXZpZGVuY2UgMQ==?= =?utf-8?q?_2?=",
    "From: Böb <bob@example.com>\nSubject: Beweis für Evidence".encode(),
    "From: Böb <bob@example.com>\nSubject: für Evidence".encode("latin-1"),
    b"From: bob\nTo: undisclosed-recipients:;\nSubject: =?broken?= Evidence =?x",
    b"From: \"b\\ob\"@example.com, carl@example.com\nTo: team: a@example.com, Bob <bob@example.com>;\nSubject: a:b Evidence: 1",
    b"From: carl@example.com\nFrom: bob@example.com\nSubject: Lunch\nX-Thing: two  spaces",
    b"From: <bob@example.com\nSubject: Ev\x00idence 1\nX-Thing: two spaces",
    b"From: @relay.example:bob@example.com\nSubject: Evidence\r 1\nX-Thing:\ttwo\tspaces",
    b"From: carl@example.com\nSubject: bob@example.com Lunch\nX-Thing : evidence",
    b"Subject: Evidence 1" + b" long" * 3000 + b" end",
    b"From: carl@example.com\nnonsense\nSubject: Evidence",
    b"X-Other: Evidence",
]
QUERIES = [
    ("from", "bob@example.com"), ("from", "BOB"), ("from", "<bob@"), ("from", "Bob <"), ("from", "böb"), ("from", "missing_"), ("from", "\""), ("from", "relay"),
    ("to", "undisclosed"), ("to", "bob <"), ("to", ""), ("subject", "evidence 1"), ("subject", "EVIDENCE"), ("subject", "evi dence"),
    ("subject", " evidence"), ("subject", "1 2"), ("subject", "für"), ("subject", "long end"), ("subject", "a:b"), ("header", "Subject", "evidence 1"),
    ("header", "X-Thing", ""), ("header", "x-thing", "two spaces"), ("header", "x-thing", "two  spaces"), ("not", "from", "bob"),
    ("from", "carl", "or", "subject", "evidence 1"), ("from", "bob", "not", "subject", "lunch"), ("from", "bob", "header", "from", "<bob"),
    ("not", "(", "from", "bob", "or", "subject", "lunch", ")"), ("seen", "or", "from", "carl"), ("from", "bob", "body", "second"), ("subject", "?"),
]


@pytest.mark.any_format
def test_a_query_holds_what_doveadm_search_finds(dovecot):
    """Also where fields are written as nobody should, and when they come from the index cache."""
    user = dovecot(lazy={"protect": False}).user()
    user.fill("INBOX", [header + b"\n\n" + (b"second\n" if number % 2 else b"first\n") for number, header in enumerate(HEADERS)])
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    named = {f"query-{number:02}": query for number, query in enumerate(QUERIES)}
    for name, query in named.items():
        hold(user, *query, name=name)
    searched = {(int(uid), name) for name, query in named.items() for uid in user.doveadm("search", "mailbox", ".EXPUNGED", "(", *query, ")").stdout.split()[1::2]}
    for _ in range(2):
        held = {(int(mail["uid"]), name) for mail in rows(user, "list", "-c", "uid,held") for name in mail["held"].split(", ") if name}
        assert held - searched == set() and searched - held == set()
    assert {name for _, name in searched} == set(named) and {uid for uid, _ in searched} == set(range(1, len(HEADERS) + 1))


@pytest.mark.formats("maildir", "sdbox")
def test_what_a_query_asks_is_read_when_the_hold_is_set(dovecot):
    """The night's retention opens none of the mails for it."""
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    keep(user, "Lunch", "Evidence 1", "Offer", "Evidence 2")
    hold(user, "header", "X-Case", "17", name="other")
    hold(user, *EVIDENCE)
    let_time_pass(user)
    _, trace = doveadm_traced(user.server, ["lazy-expunge", "maintain", "-u", user.name], "-e", "trace=openat", check=True)
    assert subjects(user) == ["Evidence 1", "Evidence 2"]
    assert not re.findall(OPENED, trace)


@pytest.mark.formats("maildir", "sdbox")
@pytest.mark.parametrize("by", ["session", "doveadm"])
def test_what_comes_after_a_hold_is_read_when_its_session_ends(dovecot, by):
    """And what nobody has read before: whoever asks then opens no mail."""
    server = dovecot.own(passwd_file=True, mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge="1h"),))
    user = server.user()
    server.write_users([user])
    keep(user, "Lunch", "Evidence 1")
    # of several users nothing is read
    server.doveadm("lazy-expunge", "hold", "-A", "-N", "case", *EVIDENCE)
    user.fill("INBOX", [message(subject=subject) for subject in ("Offer", "Evidence 2")])
    if by == "doveadm":
        user.doveadm("expunge", "mailbox", "INBOX", "all")
    else:
        with user.imap("INBOX") as session:
            session.delete()
    server.settle()
    done, trace = doveadm_traced(server, ["-f", "json", "lazy-expunge", "list", "-u", user.name, "-c", "subject,held"], "-e", "trace=openat", check=True)
    assert {row["subject"]: row["held"] for row in json.loads(done.stdout)} == \
        {"Lunch": "", "Evidence 1": "case", "Offer": "", "Evidence 2": "case"}
    assert not re.findall(OPENED, trace)


@pytest.mark.any_format
def test_a_span_in_a_query_counts_from_when_the_hold_was_set(dovecot):
    """What was deleted in the day before the hold is held as long as the hold."""
    user = dovecot().user()
    keep(user, "Evidence")
    for name, query in (("day", ("savedbefore", "1d")), ("older", ("savedbefore", "1 days", "not", "younger", "86400")), ("date", ("savedbefore", "2001-02-03"))):
        hold(user, *query, name=name)
    assert rows(user, "list")[0]["held"] == ""
    # as if it were set in two days
    path = user.home / PATH
    path.write_text(re.sub(r"(?m)^(hold\t\w+\t)(\d+)", lambda found: found[1] + str(int(found[2]) + 2 * 86400), path.read_text()))
    assert rows(user, "list")[0]["held"] == "day, older"
    assert user.doveadm("expunge", "mailbox", ".EXPUNGED", "all", check=False).code == 77


@pytest.mark.any_format
def test_a_span_in_a_query_counts_from_now_as_well(dovecot):
    """What is old enough by now is held, also where it was deleted after the hold was set."""
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    keep(user, "Evidence")
    hold(user, "savedbefore", "1s", "or", "subject", "nothing")
    # as if it were set two days ago
    path = user.home / PATH
    path.write_text(re.sub(r"(?m)^(hold\t\w+\t)(\d+)", lambda found: found[1] + str(int(found[2]) - 2 * 86400), path.read_text()))
    let_time_pass(user)
    wait_for(lambda: rows(user, "list")[0]["held"] == "case", "the mail to be older than the span")
    by_maintain(user)
    assert subjects(user) == ["Evidence"]


@pytest.mark.any_format
@pytest.mark.parametrize("query", ["not savedbefore 5s", "not older 5", "not ( savedbefore 5s )", "savedsince 5s"])
def test_a_span_within_not(dovecot, query):
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    keep(user, "Evidence")
    hold(user, *query.split())
    saved = user.kept()[0].saved
    wait_for(lambda: time.time() > saved + 7, "the span to be over")
    assert rows(user, "list")[0]["held"] == "case"
    by_maintain(user)
    assert subjects(user) == ["Evidence"]


@pytest.mark.any_format
@pytest.mark.parametrize("query, found", [
    ("not larger 700 not larger 1100", "1"), ("not larger 700 or not larger 1100", "12"), ("not ( larger 700 larger 1100 )", "12"),
    ("not ( larger 700 or larger 1100 )", "1"), ("not smaller 700 not smaller 1100", "3"), ("not smaller 700 or not smaller 1100", "23"),
    ("not savedbefore 2h not savedbefore 2001-02-03", "123"), ("not savedbefore 2001-02-03 not savedbefore 2099-02-03", ""),
    ("not savedbefore 2001-02-03 or not savedbefore 2099-02-03", "123"), ("not savedsince 2001-02-03 not savedsince 2099-02-03", ""),
    ("not savedsince 2001-02-03 or not savedsince 2099-02-03", "123"), ("not ( savedsince 2001-02-03 savedsince 2099-02-03 )", "123")])
def test_two_bounds_that_are_negated(dovecot, query, found):
    """Dovecot's search keeps the wrong one of them."""
    user = dovecot().user()
    mails = [message(subject=str(number), body="x" * 400 * number + "\n") for number in (1, 2, 3)]
    assert len(mails[0]) < 700 < len(mails[1]) < 1100 < len(mails[2])
    user.fill("INBOX", mails)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    hold(user, *query.split())
    listed = {row["subject"]: row["held"] != "" for row in rows(user, "list")}
    assert listed == {subject: subject in found for subject in "123"}
    by_query = user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name, *query.split(), check=False)
    assert sorted(row["subject"] for row in json.loads(by_query.stdout or b"[]")) == list(found)


def test_a_flag_that_is_set_later_holds(dovecot):
    """What is said of a mail once is not believed where it can change."""
    user = dovecot(lazy={"protect": False}).user()
    keep(user, "Lunch", "Evidence", "Minutes")
    hold(user, "flagged")
    with user.imap(".EXPUNGED") as session:
        for first in ("Lunch", "Evidence"):
            assert subjects(user)[0] == first
            session.ok("STORE 1 +FLAGS \\Deleted")
            session("EXPUNGE")
            user.doveadm("flags add", "\\Flagged", "mailbox", ".EXPUNGED", "all")
    assert subjects(user) == ["Evidence", "Minutes"]


def calls(user, *arguments):
    """How often the command makes each call that touches files, and the bytes that it reads."""
    _, trace = doveadm_traced(user.server, ["lazy-expunge", *arguments, "-u", user.name], "-e", "trace=%file,%desc", check=True)
    counts = Counter(re.findall(r"^\d+ +(\w+)\(", trace, re.MULTILINE))
    return counts, sum(map(int, re.findall(r"^\d+ +p?read(?:64|v)?\(.* = (\d+)$", trace, re.MULTILINE)))


@pytest.mark.native
def test_to_set_and_to_release_a_hold_walks_over_no_mail(dovecot):
    """As many calls, and as many bytes read, with ten mails as with a thousand times as many."""
    server = dovecot(mailboxes=DEFAULT_MAILBOXES, lazy={"mailbox": STORAGE})
    found = {}
    for mails in (10, MANY):
        user = server.user()
        bench_accounts.copy(dovecot.target, dovecot.format, Account(inbox=200, storage=mails), user)
        user.doveadm("mailbox status", "messages", STORAGE)
        set_it = calls(user, "hold", "-N", "case")
        assert rows(user, "status")[0]["holds"] == "case"
        found[mails] = (set_it, calls(user, "release", "-N", "case"))
    for (few, few_bytes), (many, many_bytes) in zip(*found.values()):
        # Dovecot looks into a directory once more when the clock's second changes
        assert sum(many.values()) <= sum(few.values()) + 10, many - few
        assert many_bytes <= few_bytes + 4096, (few_bytes, many_bytes)
        assert sum(few.values()) > 20
