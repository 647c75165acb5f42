"""doveadm lazy-expunge list: what it finds, how it orders and shows it, and what it refuses."""

import base64
import json
import re
import time

import pytest

from harness import wait_for
from harness.dovecot.config import namespace_mode
from harness.dovecot.mail import message

pytestmark = pytest.mark.any_format

COLUMNS = ["uid", "mailbox", "guid", "deleted", "origin", "via", "flags", "size", "received", "from", "subject", "held",
           "to", "attachments"]
SHORT = ["deleted", "origin", "from", "subject", "size", "uid"]
MODES = {"mailbox": {}, "namespace": None}


def mode_fields(mode, dovecot):
    """Fields of Config for a storage mode."""
    return {} if mode == "mailbox" else namespace_mode(dovecot.format, only_last_instance=False)


def rows(user, *arguments, command="list", **options):
    """The rows of a command as json."""
    done = user.server.doveadm("-f", "json", "lazy-expunge", command, "-u", user.name, *arguments, **options)
    return json.loads(done.stdout)


def delete_each(user, mailbox, **append):
    """Append a mail and delete it; the mail as it was."""
    user.append(mailbox, create=mailbox != "INBOX", **append)
    [before] = user.messages(mailbox)
    with user.imap(mailbox) as session:
        session.delete()
    return before


@pytest.mark.parametrize("mode", MODES)
def test_the_columns_in_json(dovecot, mode):
    user = dovecot(**mode_fields(mode, dovecot)).user()
    text = message(subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?= from =?iso-8859-1?q?M=FCnchen?=", sender="Bob <bob@example.com>")
    before = delete_each(user, "Work/2023", message=text, flags="\\Seen \\Flagged own",
                         date="02-Jan-2021 03:04:05 +0000")
    [kept] = user.kept()
    [row] = rows(user)
    assert list(row) == COLUMNS
    # 2.4.5 marks what has no attachment
    row["flags"] = row["flags"].replace(" $HasNoAttachment", "")
    assert row == {
        "uid": kept.uid, "mailbox": kept.mailbox, "guid": before.guid, "deleted": row["deleted"], "origin": "Work/2023", "via": "",
        "flags": "\\Flagged \\Seen own", "size": len(text), "received": "2021-01-02T03:04:05+00:00",
        "from": "Bob <bob@example.com>", "subject": "Grüße from München", "held": "",
        "to": "recipient@example.com", "attachments": 0}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", row["deleted"])


def test_the_columns_for_people(dovecot):
    user = dovecot().user()
    delete_each(user, "INBOX", message=message(subject="big", body="x" * 3000 + "\n"), date="02-Jan-2021 03:04:05 +0000")
    head, line = user.doveadm("lazy-expunge list").stdout.decode().splitlines()
    assert head.split() == SHORT
    assert line.split()[2:6] == ["INBOX", "sender@example.com", "big", "3.1K"]
    head, line = user.doveadm("lazy-expunge list", "-v").stdout.decode().splitlines()
    assert head.split() == COLUMNS and " 3.1K 2021-01-02 03:04:05 " in line and " big " in line
    flow = user.server.doveadm("-f", "flow", "lazy-expunge", "list", "-u", user.name).stdout.decode()
    assert "size=3.1K" in flow and "received=2021-01-02 03:04:05" in flow


@pytest.mark.parametrize("mode", MODES)
def test_the_newest_deletion_is_first(dovecot, mode):
    user = dovecot(**mode_fields(mode, dovecot)).user()
    for mailbox in ("c", "a", "b"):
        user.append(mailbox, message(subject=f"from {mailbox}"), create=True)
    for mailbox in ("c", "a", "b"):
        with user.imap(mailbox) as session:
            session.delete()
        # deletion times are in seconds
        second = int(time.time())
        wait_for(lambda: int(time.time()) > second, "the next second")
    listed = rows(user)
    deleted = [row["deleted"] for row in listed]
    assert deleted == sorted(set(deleted), reverse=True)
    assert [row["origin"] for row in listed] == ["b", "a", "c"]
    assert rows(user, "-l", "2") == listed[:2]


def test_a_query_and_an_origin_choose(dovecot):
    user = dovecot().user()
    user.append("INBOX", message(subject="one", sender="boss@example.com"))
    user.append("INBOX", message(subject="two", sender="bob@example.com"))
    user.append("Work/A", message(subject="three", sender="boss@example.com"), create=True)
    user.append("Work/B", message(subject="four", body="needle\n"), create=True)
    for mailbox in ("INBOX", "Work/A", "Work/B"):
        with user.imap(mailbox) as session:
            session.delete()
    subjects = lambda *arguments: sorted(row["subject"] for row in rows(user, *arguments))
    assert subjects("from", "boss") == ["one", "three"]
    assert subjects("from", "boss", "savedsince", "1d") == ["one", "three"]
    assert subjects("savedbefore", "1d") == []
    assert subjects("body", "needle") == ["four"]
    assert subjects("larger", "1M") == []
    assert subjects("-o", "INBOX") == subjects("-o", "inbox") == ["one", "two"]
    assert subjects("-o", "Work/*") == ["four", "three"]
    assert subjects("-o", "Work/A", "from", "boss") == ["three"]
    assert subjects("-o", "Work/A", "from", "bob") == []
    assert subjects("subject", "one", "or", "subject", "two") == ["one", "two"]


def test_text_of_mails_cannot_control_the_terminal(dovecot):
    user = dovecot().user()
    subject = "=?utf-8?b?" + "G1szMW1yZWQbXTA7dGl0bGUHIMKb4oCuZXZpbA==" + "?="
    delete_each(user, "INBOX", message=message(subject=subject))
    for server in ((), ("-S", user.server.root / "run/doveadm-server")):
        for form in ("table", "flow", "pager", "tab", "json"):
            out = user.server.doveadm("-f", form, "lazy-expunge", "list", *server, "-u", user.name).stdout
            assert b"\x1b" not in out and b"\x07" not in out, form
            text = out.decode()
            assert form == "json" or "\x9b" not in text, form
            assert form in ("tab", "json") or "\u202e" not in text, form
            assert "evil" in text
            if form == "json":
                assert json.loads(text)[0]["subject"] == "\x1b[31mred\x1b]0;title\x07 \x9b\u202eevil"
    user.server.expect_log("Executing command|exited", required=False)


# Persian with a ZWNJ, an emoji of two with a ZWJ, a soft hyphen, Hebrew with a mark of direction, the tags of a flag
WORDS = {"zwnj": "\u06a9\u062a\u0627\u0628\u200c\u0647\u0627", "zwj": "\U0001f468\u200d\U0001f4bb", "shy": "Donau\u00addampf",
         "rlm": "\u05e2\u05d1\u200f!", "tags": "\U0001f3f4\U000e0067\U000e0062\U000e007f"}


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_words_of_all_scripts_stay_as_they_are(dovecot, word):
    user = dovecot().user()
    name = f"Work-{word}"
    user.doveadm("mailbox create", name)
    user.doveadm("save", "-m", name, input=message(subject=f"=?utf-8?b?{base64.b64encode(word.encode()).decode()}?="))
    user.doveadm("expunge", "mailbox", name, "all")
    [row] = rows(user)
    assert row["subject"] == word and row["origin"] == name
    assert rows(user, "-o", row["origin"]) == [row]
    for form in ("tab", "flow", "table", "pager"):
        text = user.server.doveadm("-f", form, "lazy-expunge", "list", "-u", user.name).stdout.decode()
        assert text.count(word) == 2, form
    [restored] = rows(user, "-o", row["origin"], "ALL", command="restore")
    assert (restored["origin"], restored["target"], restored["restored"]) == (name, name, 1)


def test_an_empty_storage(dovecot):
    user = dovecot().user()
    done = user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name)
    assert json.loads(done.stdout) == [] and b"No mail in the expunge storage matches" in done.stderr


def test_many_users(dovecot):
    server = dovecot.own()
    users = [server.user() for _ in range(3)]
    for number, user in enumerate(users):
        delete_each(user, "INBOX", message=message(subject=f"of {number}"))
    listing = "\n".join(user.name for user in users) + "\n"
    (server.root / "users").write_text(listing)
    # Dovecot 2.3 asks for all users although it has a list
    server.expect_log("Trying to iterate users, but userdbs don't support it", required=False)
    done = server.doveadm("-f", "json", "lazy-expunge", "list", "-F", server.root / "users")
    found = json.loads(done.stdout)
    assert [(row["username"], row["subject"]) for row in found] == \
        [(user.name, f"of {number}") for number, user in enumerate(users)]
    assert b"matches" not in done.stderr
    # of one there is something, and of nobody: that is said once
    for query, lines in (("of 1", 0), ("of 4", 1)):
        for command in ("list", "restore -n"):
            done = server.doveadm("-f", "json", "lazy-expunge", *command.split(), "-F", server.root / "users", "subject", query)
            assert (done.stdout.strip() == b"[]", done.stderr.count(b"No mail in the expunge storage matches")) == (bool(lines), lines), done


@pytest.mark.parametrize("arguments,code,text", [
    (("-o", "Nowhere"), 68, "No mail in the expunge storage comes from Nowhere"),
    (("-o", "No*"), 68, "No mail in the expunge storage comes from No"),
    (("-o", ""), 64, "The origin (-o) is empty"),
    (("-l", "many"), 64, "-l many: the limit must be a number"),
    (("-l", "0"), 64, "-l 0: the limit must be a number"),
    (("nonsense",), 64, "Unknown argument"),
    (("from",), 64, "Missing"),
    (("-y",), 64, "invalid option"),
])
def test_bad_input(dovecot, arguments, code, text):
    user = dovecot().user()
    delete_each(user, "INBOX")
    done = user.doveadm("lazy-expunge list", *arguments, check=False)
    assert done.code == code, done
    assert text in done.stderr.decode(), done
    assert b"example.com" not in done.stdout


def test_the_plugin_is_off_for_the_user(dovecot):
    user = dovecot(lazy={"mailbox": None}).user()
    user.append()
    for command in ("list", "restore", "status"):
        arguments = ["ALL"] if command == "restore" else []
        done = user.doveadm(f"lazy-expunge {command}", *arguments, check=False)
        assert done.code == 78 and b"lazy_expunge is not set for this user" in done.stderr, done
