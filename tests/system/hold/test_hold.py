"""Holds: what is held leaves the storage by none of the ways out of it, and all else goes on."""

import json
import re
import shutil
import time
from collections import Counter
from dataclasses import replace

import pytest

from harness import Mailbox, wait_for
from harness.dovecot import events
from harness.dovecot.config import DEFAULT_MAILBOXES, namespace_mode
from harness.faults.inject import doveadm_traced, session_process, traced
from harness.dovecot.mail import message
from harness.measuring import accounts as bench_accounts
from harness.measuring.accounts import STORAGE, Account

EVERYTHING = ()
EVIDENCE = ("subject", "Evidence")
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


MANY = 10000


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


@pytest.mark.formats("maildir", "sdbox")
def test_maintain_asks_a_mail_once(dovecot):
    """What is due is counted, goes, and is looked at again: a body that the hold asks for is read once."""
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    user.fill("INBOX", [message(subject=f"Mail {number}", body="evidence\n" if number % 3 == 0 else "lunch\n") for number in range(12)])
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    hold(user, "body", "evidence")
    let_time_pass(user)
    _, trace = doveadm_traced(user.server, ["lazy-expunge", "maintain", "-u", user.name], "-e", "trace=openat", check=True)
    # by its name: that of a Maildir's file is guessed first
    opened = Counter(re.findall(r'openat\([^"]*"[^"]*/(u\.\d+|cur/[^":]+)[^"]*", .* = \d', trace))
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
    assert not re.findall(r'openat\([^"]*"[^"]*/(?:u\.\d+|cur/[^":]+)[^"]*", .* = \d', trace)


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


def test_in_namespace_mode(dovecot):
    fields = namespace_mode(dovecot.format)
    rules = (Mailbox("*", autoexpunge="1s"),)
    fields["namespaces"] = tuple(replace(namespace, mailboxes=rules) for namespace in fields["namespaces"])
    user = dovecot(**fields).user()
    for mailbox in ("INBOX", "Work"):
        user.fill(mailbox, [message(subject="Lunch"), message(subject="Evidence")], create=True)
        user.doveadm("expunge", "mailbox", mailbox, "all")
    hold(user, *EVIDENCE)
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


def test_release_and_grace(dovecot):
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    keep(user, "Evidence")
    hold(user)
    hold(user, *EVIDENCE, name="other case")
    let_time_pass(user)
    [row] = rows(user, "release", "-N", "case", "-g", "0s")
    assert row["name"] == "case"
    by_maintain(user)
    assert subjects(user) == ["Evidence"], "the other hold"
    rows(user, "release", "-N", "other case", "-g", "1 day", "-b", "the judge")
    by_maintain(user)
    assert subjects(user) == ["Evidence"], "the grace"
    found = {row["name"]: row for row in rows(user, "holds")}
    assert found["case"]["state"] == "released" and found["other case"]["state"] == "grace"
    assert found["other case"]["released_by"] == "the judge" and found["other case"]["query"] == "subject Evidence"
    # taken back, and released at once
    hold(user, name="again")
    rows(user, "release", "-N", "again", "-g", "0")
    assert [row["name"] for row in rows(user, "holds")] == ["case", "other case", "again"]
    done = user.doveadm("lazy-expunge release", "-N", "other case", check=False)
    assert done.code == 68 and b"other case" in done.stderr


def test_a_hold_ends_by_itself_and_what_it_held_goes(dovecot):
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    keep(user, "Evidence")
    [row] = rows(user, "hold", "-N", "short", "-e", "3s")
    let_time_pass(user)
    by_maintain(user)
    assert subjects(user) == ["Evidence"]
    wait_for(lambda: rows(user, "holds")[0]["state"] == "over", "the hold to end")
    by_maintain(user)
    assert subjects(user) == []


def test_what_the_commands_show(dovecot):
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    keep(user, "Lunch", "Evidence")
    hold(user, *EVIDENCE)
    hold(user, "body", "Evidence", name="nothing")
    let_time_pass(user)
    assert {row["subject"]: row["held"] for row in rows(user, "list")} == {"Evidence": "case", "Lunch": ""}
    [row] = rows(user, "status")
    assert (row["held"], row["holds"]) == (1, "case, nothing")
    [plan] = rows(user, "maintain", "-n")
    [done] = rows(user, "maintain")
    assert plan == done and (done["expunged"], done["held"], done["failed"]) == (1, 1, 0)
    [again] = rows(user, "maintain")
    assert (again["expunged"], again["held"], again["failed"]) == (0, 1, 0)


def test_holds_of_a_server(dovecot):
    server = dovecot.own(passwd_file=True)
    anna, bob = server.user(), server.user()
    server.write_users([anna, bob])
    hold(anna, "from", "o'hara@example.com", name="Fall 1")
    done = server.doveadm("-f", "json", "lazy-expunge", "holds", "-A")
    [row] = json.loads(done.stdout)
    assert (row["username"], row["name"], row["state"], row["by"]) == (anna.name, "Fall 1", "held", "the court")
    assert row["query"] == "from 'o'\\''hara@example.com'"
    # all of them at once
    for command, state in (("hold", "held"), ("release", "grace")):
        done = server.doveadm("-f", "json", "lazy-expunge", command, "-A", "-N", "Audit 2")
        assert {(row["username"], row["name"]) for row in json.loads(done.stdout)} == {(user.name, "Audit 2") for user in (anna, bob)}
        found = json.loads(server.doveadm("-f", "json", "lazy-expunge", "holds", "-A").stdout)
        assert sorted((row["username"], row["state"]) for row in found if row["name"] == "Audit 2") == \
            sorted((user.name, state) for user in (anna, bob))


@pytest.mark.parametrize("text", ["", "lazy-expunge-holds\t1\n", "lazy-expunge-holds\t1\nhold\tx\n", "lazy-expunge-holds\t2\nend\t0\n"],
                         ids=["of another", "cut", "line", "version"])
def test_a_file_that_cannot_be_read_holds_everything(dovecot, text):
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    keep(user, "Lunch")
    (user.home / PATH).write_text(text)
    if text:
        user.server.own(user.home / PATH)
    user.server.allow_log(PATH)
    let_time_pass(user)
    by_imap(user)
    user.server.settle()
    user.doveadm("lazy-expunge maintain", check=False)
    done = user.doveadm("expunge", "mailbox", ".EXPUNGED", "all", check=False)
    assert done.code == 77 and PATH.encode() in done.stderr
    assert subjects(user) == ["Lunch"]
    done = user.doveadm("lazy-expunge hold", "-N", "case", check=False)
    assert done.code == 75 and PATH.encode() in done.stderr and (user.home / PATH).read_text() == text
    assert user.doveadm("lazy-expunge holds", check=False).code == 75
    checked = {row["id"]: row for row in rows(user, "check", check=False)}
    assert checked["holds"]["state"] == "FAIL" and PATH in checked["holds"]["found"]
    (user.home / PATH).unlink()
    by_maintain(user)
    assert subjects(user) == []


def test_check_misses_a_storage_that_was_deleted_behind_the_hold(dovecot):
    user = dovecot().user()
    keep(user, "Evidence")
    hold(user)
    checked = {row["id"]: row for row in rows(user, "check", check=False)}
    assert checked["holds"]["state"] == "OK" and "case" in checked["holds"]["found"]
    assert user.doveadm("mailbox delete", "-Z", ".EXPUNGED", check=False).code == 77
    for path in [path for path in user.home.rglob("*EXPUNGED") if path.is_dir()]:
        shutil.rmtree(path, ignore_errors=True)
    checked = {row["id"]: row for row in rows(user, "check", check=False)}
    assert checked["holds"]["state"] == "FAIL" and ".EXPUNGED" in checked["holds"]["found"]


def test_the_setting_is_a_hold(dovecot):
    user = dovecot(lazy={"hold": True}, mailboxes=DEFAULT_MAILBOXES + SHORT).user()
    keep(user, "Lunch")
    let_time_pass(user)
    by_imap(user)
    user.server.settle()
    by_maintain(user)
    assert subjects(user) == ["Lunch"]
    done = user.doveadm("expunge", "mailbox", ".EXPUNGED", "all", check=False)
    assert done.code == 77 and b"lazy_expunge_hold" in done.stderr
    assert [(row["name"], row["state"]) for row in rows(user, "holds")] == [("lazy_expunge_hold", "held")]
    done = user.doveadm("lazy-expunge release", "-N", "lazy_expunge_hold", check=False)
    assert done.code == 68 and b"userdb" in done.stderr


def test_the_setting_of_one_user(dovecot):
    """From the userdb."""
    server = dovecot.own(passwd_file=True, mailboxes=DEFAULT_MAILBOXES + SHORT)
    held, free = server.user(), server.user()
    server.write_users([(held, {"lazy_expunge_hold": "yes"}), free])
    for user in (held, free):
        keep(user, "Lunch")
    let_time_pass(free)
    for end in (by_imap, by_pop3, by_maintain):
        for user in (held, free):
            end(user)
        server.settle()
    assert subjects(held) == ["Lunch"] and subjects(free) == []
    [row] = json.loads(server.doveadm("-f", "json", "lazy-expunge", "holds", "-A").stdout)
    assert (row["username"], row["name"], row["state"]) == (held.name, "lazy_expunge_hold", "held")


def test_the_events(dovecot):
    """Set, refused by doveadm and by a session, released; each with who it was."""
    user = dovecot(lazy={"protect": False}, **events.exporting(dovecot.target)).user()
    keep(user, "Evidence")
    rows(user, "hold", "-N", "case", "-b", "the court", "-r", "Order of 28 November", "-e", "2h", *EVIDENCE)
    assert user.doveadm("expunge", "mailbox", ".EXPUNGED", "all", check=False).code == 77
    with user.imap(".EXPUNGED") as session:
        session.ok("STORE 1 +FLAGS \\Deleted")
        session("EXPUNGE")
        session.ok("STORE 1 -FLAGS \\Deleted")
    rows(user, "release", "-N", "case", "-b", "the judge")
    _, set_it, *refused, released = events.wait(user, "mail_kept", "hold_set", "mail_refused", "mail_refused", "hold_released")
    assert [set_it[key] for key in ("hold", "by", "reason")] == ["case", "the court", "Order of 28 November"]
    assert abs(int(set_it["until"]) - time.time() - 7200) < 300
    assert [released[key] for key in ("hold", "by")] == ["case", "the judge"] and released.get("reason") is None
    for event in refused:
        assert (event["user"], event["hold"], event["mailbox"], event["cause"]) == (user.name, "case", ".EXPUNGED", "hold"), event
    assert refused[1]["session"]


BAD = [(("-N", ""), "empty"), (("-N", "a\tb"), "control"), (("-N", "x", "uid", "5"), "UIDs"), (("-N", "x", "mailbox", "INBOX"), "mailboxes"),
       (("-N", "x", "nonsense"), "nonsense"), (("-N", "x", "-e", "2001-01-01"), "2001-01-01"), (("-N", "x", "-e", "soon"), "soon"), ((), "-N")]


@pytest.mark.parametrize("arguments, named", BAD)
def test_a_bad_hold_is_refused(dovecot, arguments, named):
    user = dovecot().user()
    done = user.doveadm("lazy-expunge hold", *arguments, check=False)
    assert done.code == 64 and named.lower().encode() in done.stderr.lower() and not (user.home / PATH).exists()


def test_a_name_is_given_once(dovecot):
    user = dovecot().user()
    hold(user)
    before = (user.home / PATH).read_bytes()
    done = user.doveadm("lazy-expunge hold", "-N", "case", check=False)
    assert done.code != 0 and b"-N case" in done.stderr and (user.home / PATH).read_bytes() == before


def test_a_live_check_of_a_held_account(dovecot):
    user = dovecot().user()
    keep(user, "Evidence")
    hold(user)
    checked = {row["id"]: row for row in rows(user, "check", "-L", check=False)}
    assert all(row["state"] != "FAIL" for name, row in checked.items() if name.startswith("live")), checked
    assert subjects(user) == ["Evidence"]


def looks(user, act):
    """How often the session looks for the file of holds."""
    with user.imap("INBOX") as session:
        session.ok("NOOP")
        with traced(user.server, [session_process(user.server)], "-e", "trace=file") as output:
            act(session)
            session.logout()
            wait_for(lambda: "exited with" in output.read_text(), "the process to end")
        return output.read_text().count(PATH)


@pytest.mark.parametrize("only_last", [False, True], ids=["every copy", "last instance"])
def test_who_has_no_hold_pays_one_look_a_session_at_most(dovecot, only_last):
    user = dovecot(lazy={"only_last_instance": only_last}, mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge="1h"),)).user()
    user.fill("INBOX", 3)
    assert looks(user, lambda session: session.delete("1")) <= 1
    without = dovecot(lazy={"only_last_instance": only_last}).user()
    without.fill("INBOX", 3)
    assert looks(without, lambda session: session.delete("1:2")) == 0


def test_a_file_that_leads_nowhere_holds_everything(dovecot):
    """A link to a file system that is not mounted, say: whether there is a hold cannot be told."""
    server = dovecot.own(lazy={"protect": False})
    server.expect_log("not a regular file", required=False)
    user = server.user()
    user.fill("INBOX", 1)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    (user.home / PATH).symlink_to("/nowhere/at/all")
    assert user.doveadm("expunge", "mailbox", ".EXPUNGED", "all", check=False).code != 0
    assert len(user.kept()) == 1
    done = server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, check=False)
    assert {row["id"]: row["state"] for row in json.loads(done.stdout)}["holds"] == "FAIL" and done.code == 1
    (user.home / PATH).unlink()
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "all")
    assert user.kept() == []
