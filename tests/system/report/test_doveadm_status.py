"""doveadm lazy-expunge status: what is kept, for how long, and what goes next."""

import json
import re
import time
from datetime import datetime

import pytest

from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, Namespace, namespace_mode
from harness.dovecot.mail import message

pytestmark = pytest.mark.any_format

COLUMNS = ["messages", "bytes", "oldest", "newest", "retention", "max_mails", "max_storage", "next_uid", "next_time",
           "next_by", "warning", "held", "holds"]


def with_retention(dovecot, mode, **retention):
    """Fields of Config with autoexpunge settings on the storage."""
    if mode == "mailbox":
        return dict(mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", **retention),))
    fields = namespace_mode(dovecot.format, only_last_instance=False)
    [namespace] = fields["namespaces"]
    fields["namespaces"] = (Namespace(**{**namespace.__dict__, "mailboxes": (Mailbox("*", **retention),)}),)
    return fields


def status(user, *arguments):
    done = user.server.doveadm("-f", "json", "lazy-expunge", "status", "-u", user.name, *arguments)
    return json.loads(done.stdout)


def delete_all(user, mailbox="INBOX"):
    with user.imap(mailbox) as session:
        session.delete()


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_the_sums_and_the_retention(dovecot, mode):
    user = dovecot(**with_retention(dovecot, mode, autoexpunge="7d", autoexpunge_max_mails=100)).user()
    texts = [message(body="x" * size + "\n") for size in (10, 2000, 300)]
    user.fill("INBOX", texts[:2])
    user.fill("Work", texts[2:], create=True)
    now = time.time()
    delete_all(user)
    delete_all(user, "Work")
    [row] = status(user)
    assert list(row) == COLUMNS
    assert (row["messages"], row["bytes"]) == (3, sum(map(len, texts)))
    assert now - 2 <= seconds(row["oldest"]) <= seconds(row["newest"]) <= time.time() + 1
    assert (row["retention"], row["max_mails"], row["max_storage"]) == (7 * 86400, 100, None)
    assert (row["next_uid"], row["next_by"], row["warning"]) == (1, "autoexpunge", "")
    assert seconds(row["next_time"]) == seconds(row["oldest"]) + 7 * 86400


def test_the_sums_for_people(dovecot):
    user = dovecot(**with_retention(dovecot, "mailbox", autoexpunge="30d")).user()
    user.append("INBOX", message(body="x" * 5000 + "\n"))
    delete_all(user)
    head, line = user.doveadm("lazy-expunge status").stdout.decode().splitlines()
    assert head.split() == COLUMNS
    assert line.split()[:2] == ["1", "5.0K"] and " 30 days " in line


def test_a_byte_cap_takes_mail_that_is_too_young(dovecot):
    user = dovecot(lazy={"max_storage": "5000"}, **with_retention(dovecot, "mailbox", autoexpunge="7d")).user()
    user.fill("INBOX", [message(body="x" * 2000 + "\n") for _ in range(3)])
    delete_all(user)
    [row] = status(user)
    assert row["max_storage"] == 5000 and row["next_by"] == "lazy_expunge_max_storage" and row["next_uid"] == 1
    assert row["warning"].startswith(("1 mails go before their retention is over: lazy_expunge_max_storage is too small", "2 mails go before"))


def test_a_mail_cap_takes_mail_that_is_too_young(dovecot):
    user = dovecot(**with_retention(dovecot, "mailbox", autoexpunge="7d", autoexpunge_max_mails=2)).user()
    user.fill("INBOX", 5)
    # the end of an IMAP session would do what the cap says
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    [row] = status(user)
    assert row["next_by"] == "autoexpunge_max_mails" and row["next_uid"] == 1
    assert row["warning"].startswith("3 mails go before their retention is over: autoexpunge_max_mails is too small; ")


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
@pytest.mark.parametrize("count", [5, 6, 10])
def test_one_deletion_takes_most_of_the_room_of_a_mail_cap(dovecot, mode, count):
    user = dovecot(**with_retention(dovecot, mode, autoexpunge="7d", autoexpunge_max_mails=10)).user()
    user.fill("INBOX", count)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    [row] = status(user)
    if count <= 5:
        assert row["warning"] == ""
    else:
        assert re.fullmatch(rf"what was deleted together at \S+ \S+ has {count} of the 10 mails that autoexpunge_max_mails gives", row["warning"])


@pytest.mark.parametrize("size,warned", [(2000, False), (4000, True)])
def test_one_deletion_takes_most_of_the_room_of_a_byte_cap(dovecot, size, warned):
    user = dovecot(lazy={"max_storage": "10k"}, **with_retention(dovecot, "mailbox", autoexpunge="7d")).user()
    user.fill("INBOX", [message(body="x" * size + "\n") for _ in range(2)])
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    [row] = status(user)
    assert ("lazy_expunge_max_storage gives" in row["warning"]) == warned and "retention is over" not in row["warning"], row


def test_without_any_retention(dovecot):
    user = dovecot().user()
    [row] = status(user)
    assert row["messages"] == 0 and row["oldest"] is None and row["next_uid"] is None and row["next_time"] is None
    assert row["warning"] == "no retention is set: mail is kept for ever"


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_by_origin(dovecot, mode):
    user = dovecot(**with_retention(dovecot, mode, autoexpunge="7d")).user()
    texts = {"Small": [message()], "INBOX": [message(body="x" * 1000 + "\n")] * 2, "A/B": [message(body="x" * 9000 + "\n")]}
    for mailbox, mails in texts.items():
        user.fill(mailbox, mails, create=mailbox != "INBOX")
        delete_all(user, mailbox)
    rows = status(user, "-v")
    assert [list(row) for row in rows] == [["origin", "messages", "bytes", "oldest", "newest"]] * 3
    assert [(row["origin"], row["messages"], row["bytes"]) for row in rows] == \
        [(name, len(texts[name]), sum(map(len, texts[name]))) for name in ("A/B", "INBOX", "Small")]


def sorted_status(server, users, *arguments, **options):
    (server.root / "users").write_text("".join(f"{user.name}\n" for user in users))
    server.expect_log("Trying to iterate users, but userdbs don't support it", required=False)
    done = server.doveadm("-f", "json", "lazy-expunge", "status", "-F", server.root / "users", *arguments, **options)
    return json.loads(done.stdout) if done.code == 0 else done


def test_who_has_the_most_comes_first(dovecot):
    server = dovecot.own(**with_retention(dovecot, "mailbox", autoexpunge="7d"))
    old, many, large, none = users = [server.user() for _ in range(4)]
    for user, mails in ((old, [message()]), (large, [message(body="x" * 70000 + "\n")] * 2), (many, [message()] * 5)):
        user.fill("INBOX", mails)
        delete_all(user)
    oldest = [status(user)[0]["oldest"] for user in (old, large, many)]
    for order, wanted in (("messages", [many, large, old, none]), ("bytes", [large, many, old, none])):
        rows = sorted_status(server, users, "-s", order)
        assert [row["username"] for row in rows] == [user.name for user in wanted] + ["TOTAL"], order
        assert list(rows[0])[1:] == COLUMNS + ["disk", "purgeable"]
    rows = sorted_status(server, users, "-s", "oldest")
    times = [row["oldest"] for row in rows[:-1]]
    assert times[:3] == sorted(oldest) and times[3] is None
    rows = sorted_status(server, users, "-s", "bytes", "-l", "2")
    assert [row["username"] for row in rows] == [large.name, many.name, "TOTAL"]
    assert rows[2]["messages"] == 8, "the sum is over all"
    assert rows[2]["bytes"] > rows[0]["bytes"] + rows[1]["bytes"] and rows[2]["disk"] > rows[0]["disk"] + rows[1]["disk"]


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_what_it_takes_on_the_disk(dovecot, mode):
    user = dovecot(**with_retention(dovecot, mode, autoexpunge="7d")).user()
    user.fill("INBOX", [message(body="x" * 70 * 300 + "\n"), message(), message()])
    delete_all(user)
    [row] = status(user, "-s", "bytes")
    if dovecot.format == "mdbox":
        assert row["bytes"] < row["disk"] < row["bytes"] + 3 * 1000
    else:
        wanted = [path for path in files_of_mails(user) if path.stat().st_size > 100]
        assert len(wanted) == 3 and row["disk"] == sum(path.stat().st_blocks * 512 for path in wanted)
    assert row["purgeable"] == 0


def files_of_mails(user):
    found = [path for path in user.home.rglob("*") if path.is_file()]
    return [path for path in found if path.parent.name in ("cur", "new") or path.name.startswith("u.")]


@pytest.mark.formats("mdbox")
def test_what_a_purge_would_free(dovecot):
    user = dovecot(**with_retention(dovecot, "mailbox", autoexpunge="7d")).user()
    user.fill("INBOX", [message(body="x" * 70 * 300 + "\n"), message()])
    delete_all(user)
    before = status(user, "-s", "bytes")[0]
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "uid", "1")
    [row] = status(user, "-s", "bytes")
    assert row["messages"] == 1 and row["disk"] + row["purgeable"] == before["disk"] and row["purgeable"] > 70 * 300
    user.doveadm("purge")
    [row] = status(user, "-s", "bytes")
    assert row["purgeable"] == 0 and row["messages"] == 1


@pytest.mark.formats("maildir")
@pytest.mark.parametrize("arguments,words", ((("-l", "5"), "-l needs -s"), (("-s", "size"), "-s size: the order must be messages, bytes or oldest"),
                                             (("-s", "bytes", "-l", "0"), "-l 0: the limit"), (("-s", "bytes", "-v"), "-v and -s cannot")))
def test_an_order_that_is_none_is_refused(dovecot, arguments, words):
    user = dovecot().user()
    done = user.doveadm("lazy-expunge status", *arguments, check=False)
    assert done.code == 64 and words in done.stderr.decode() and done.stdout == b""


def test_users_and_their_sum(dovecot):
    server = dovecot.own(**with_retention(dovecot, "mailbox", autoexpunge="7d"))
    users = [server.user() for _ in range(3)]
    for number, user in enumerate(users, 1):
        user.fill("INBOX", number)
        delete_all(user)
    (server.root / "users").write_text("".join(f"{user.name}\n" for user in users))
    server.expect_log("Trying to iterate users, but userdbs don't support it", required=False)
    rows = json.loads(server.doveadm("-f", "json", "lazy-expunge", "status", "-F", server.root / "users").stdout)
    assert [(row["username"], row["messages"]) for row in rows] == \
        [(user.name, number) for number, user in enumerate(users, 1)] + [("TOTAL", 6)]
    assert rows[3]["bytes"] == sum(row["bytes"] for row in rows[:3])
    assert rows[3]["oldest"] == min(row["oldest"] for row in rows[:3])
    assert rows[3]["newest"] == max(row["newest"] for row in rows[:3])
