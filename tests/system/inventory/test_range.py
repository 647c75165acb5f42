"""What list and restore are about, beside a query: origins that add up, the tree below them, and times as people say them."""

import json
import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from harness import wait_for
from harness.dovecot.mail import message

pytestmark = pytest.mark.any_format

TREE = ("Projects", "Projects/Spring", "Projects/Spring/May", "ProjectsNew", "Work")


def origins(user, *arguments):
    listed = user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name, *arguments)
    return sorted(row["origin"] for row in json.loads(listed.stdout))


def delete_tree(user, mailboxes=TREE):
    for mailbox in mailboxes:
        user.append(mailbox, message(subject=f"of {mailbox}"), create=True)
        user.doveadm("expunge", "mailbox", mailbox, "all")


def test_origins_add_up_and_take_what_is_below(dovecot):
    user = dovecot().user()
    delete_tree(user)
    assert origins(user, "-o", "Projects") == ["Projects"]
    assert origins(user, "-o", "Projects", "-R") == ["Projects", "Projects/Spring", "Projects/Spring/May"]
    assert origins(user, "-o", "Projects/Spring", "-o", "Work") == ["Projects/Spring", "Work"]
    assert origins(user, "--origin", "Work", "--origin", "Projects/Spring", "--recursive") == \
        ["Projects/Spring", "Projects/Spring/May", "Work"]
    assert origins(user, "-R", "-o", "Proj?cts", "subject", "May") == ["Projects/Spring/May"]


@pytest.mark.formats("sdbox", "mdbox")
def test_what_is_below_goes_by_the_separator(dovecot):
    user = dovecot(separator=".", lazy={"mailbox": "EXPUNGED"}).user()
    delete_tree(user, ("Projects", "Projects.Spring", "ProjectsNew"))
    assert origins(user, "-o", "Projects", "-R") == ["Projects", "Projects.Spring"]


def test_a_tree_comes_back(dovecot):
    user = dovecot().user()
    delete_tree(user)
    for mailbox in reversed(TREE):
        user.doveadm("mailbox delete", mailbox)
    user.doveadm("lazy-expunge restore", "-R", "-o", "Projects", "-o", "Work", "ALL")
    for mailbox in TREE:
        found = [mail.subject for mail in user.messages(mailbox)]
        assert found == ([] if mailbox == "ProjectsNew" else [f"of {mailbox}"]), mailbox
    assert [kept.origin for kept in user.kept()] == ["ProjectsNew"]


def test_an_origin_that_is_not_there_names_those_that_are(dovecot):
    user = dovecot().user()
    delete_tree(user)
    for name, near in (("work", "Work"), ("Xyzzy", None), ("Sprnig", "Projects/Spring"), ("Spring", "Projects/Spring"), ("Project.Spring", "Projects/Spring")):
        done = user.doveadm("lazy-expunge list", "-o", name, check=False)
        text = done.stderr.decode()
        assert done.code == 68 and f"No mail in the expunge storage comes from {name}" in text
        assert (f"did you mean {near}" in text) if near else ("did you mean" not in text), text
    # the ones that are there are shown although another is not
    assert origins(user, "-o", "Nowhere", "-o", "Work") == ["Work"]


def deleted_at_three_times(user):
    """Three mails, deleted in three seconds that do not follow one another at once; the seconds."""
    seconds = []
    for number in range(3):
        begin = int(time.time())
        wait_for(lambda begin=begin: int(time.time()) >= begin + 2, "the next but one second")
        user.append("INBOX", message(subject=str(number)))
        user.doveadm("expunge", "mailbox", "INBOX", "all")
        listed = user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name)
        seconds.append(datetime.fromisoformat(json.loads(listed.stdout)[0]["deleted"]))
    return seconds


def subjects(user, *arguments):
    listed = user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name, *arguments)
    return [row["subject"] for row in json.loads(listed.stdout)]


def test_since_and_until(dovecot):
    user = dovecot().user()
    first, second, third = deleted_at_three_times(user)
    iso = second.isoformat()
    assert subjects(user, "--since", iso) == ["2", "1"]
    assert subjects(user, "--until", iso) == ["1", "0"]
    assert subjects(user, "--since", iso, "--until", iso) == ["1"]
    assert subjects(user, "-s", f"@{int(first.timestamp()) + 1}", "-e", f"@{int(third.timestamp()) - 1}") == ["1"]
    elsewhere = second.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert subjects(user, "--since", f"{elsewhere:%Y-%m-%d %H:%M:%S} +05:30") == ["2", "1"]
    named = second.astimezone(ZoneInfo("Asia/Kolkata"))
    assert subjects(user, "--since", f"{named:%Y-%m-%d %H:%M:%S} Asia/Kolkata") == ["2", "1"]
    assert subjects(user, "--since", "2h", "subject", "0") == ["0"]
    assert subjects(user, "--since", "yesterday") == ["2", "1", "0"]
    assert subjects(user, "--until", "1 hour ago") == []
    user.doveadm("lazy-expunge restore", "--since", iso, "ALL")
    assert [mail.subject for mail in user.messages()] == ["1", "2"] and [kept.subject for kept in user.kept()] == ["0"]


@pytest.mark.parametrize("arguments,said", [
    (("--since", "8 o'clock"), "--since: 8 o'clock is no time. Understood are: 08:00, today"),
    (("--until", "2026-02-30"), "--until: 2026-02-30 is no time"),
    (("--since", ""), '--since: "" is no time'),
    (("--since", "08:00 Europe/Nowhere"), "--since: 08:00 Europe/Nowhere is no time"),
    (("--since", "today", "--until", "yesterday"), "is later than --until"),
    (("-R",), "-R needs an origin (-o)"),
    (("-o", "INBOX", "-o", ""), "The origin (-o) is empty"),
])
@pytest.mark.parametrize("command", ("list", "restore"))
def test_bad_input(dovecot, command, arguments, said):
    user = dovecot().user()
    delete_tree(user, ("Work",))
    done = user.doveadm(f"lazy-expunge {command}", *arguments, "ALL", check=False)
    assert done.code == 64 and said in done.stderr.decode() and done.stdout == b"", done
    assert len(user.kept()) == 1
