"""What is said of whole accounts: events, the audit log, and the same commands over HTTP."""

import base64
import json
import urllib.request

import pytest

from harness.dovecot import events
from harness.dovecot.accounts import account, delete
from harness.dovecot.render import API_KEY
from harness.waiting import wait_for

pytestmark = pytest.mark.any_format


def test_each_command_is_an_event(dovecot):
    server = dovecot.own(**events.exporting(dovecot.target))
    user, new = server.user(), server.user()
    user.deliver()
    server.settle()
    ident = delete(user, "-b", "the helpdesk")
    account(server, "undelete", ident, "-b", "the helpdesk")
    account(server, "rename", "-u", user.name, "-b", "the helpdesk", new.name)
    last = delete(new)
    [purged] = account(server, "purge", last, "-b", "legal")
    wait_for(lambda: len([event for event in events.read(server) if event.name.startswith("account_")]) == 5, "five events")
    told = [event for event in events.read(server) if event.name.startswith("account_")]
    assert [event.name for event in told] == ["account_deleted", "account_undeleted", "account_renamed", "account_deleted",
                                              "account_purged"]
    assert [event["user"] for event in told] == [user.name] * 3 + [new.name] * 2
    assert [event["account"] for event in told[:2]] == [ident] * 2 and [event["account"] for event in told[3:]] == [last] * 2
    assert [event.get("by") for event in told[:3]] == ["the helpdesk"] * 3 and told[4]["by"] == "legal"
    assert told[1]["target"] == user.name and told[2]["target"] == new.name and told[0].get("target") is None
    assert (told[4]["paths"], told[4]["bytes"]) == (int(purged["paths"]), int(purged["bytes"])) and told[4]["bytes"] > 0


def test_a_copy_below_a_mailbox_is_an_event(dovecot):
    server = dovecot.own(**events.exporting(dovecot.target))
    user = server.user()
    user.deliver()
    server.settle()
    ident = delete(user)
    user.deliver()
    server.settle()
    account(server, "undelete", ident, "-m", "Old", "-b", "the helpdesk")
    merged = lambda: [event for event in events.read(server) if event.name == "account_merged"]
    wait_for(merged, "an event")
    [event] = merged()
    assert (event["user"], event["account"], event["target"], event["mailbox"], event["mails"], event["by"]) == (
        user.name, ident, user.name, "Old", 1, "the helpdesk")


def test_the_audit_log_has_them(dovecot):
    text = events.conf_d(dovecot.target, events.AUDIT_FILE)
    for name in ("deleted", "undeleted", "merged", "renamed", "purged"):
        assert f"event=lazy_expunge_account_{name}" in text


def post(server, *commands):
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.ports['http']}/doveadm/v1", json.dumps(commands).encode(),
        {"Content-Type": "application/json", "Authorization": "X-Dovecot-API " + base64.b64encode(API_KEY.encode()).decode()})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def test_over_http(dovecot):
    server = dovecot.own()
    server.expect_log("lazy-expunge account|Executing command|exited|userdb still has", required=False)
    user, other = server.user(), server.user()
    user.deliver()
    server.settle()
    [[kind, [row], tag]] = post(server, ["lazyExpungeAccountDelete", {"user": user.name, "keep": "60 days", "by": "portal"}, "1"])
    assert (kind, tag, row["user"]) == ("doveadmResponse", "1", user.name) and not user.home.exists()
    [[_, [listed], _]] = post(server, ["lazyExpungeAccountList", {"user": user.name}, "2"])
    assert listed["id"] == row["id"] and listed["by"] == "portal" and listed["needs"] == ""
    [[kind, answer, _]] = post(server, ["lazyExpungeAccountUndelete", {"id": "nonsense"}, "3"])
    assert kind == "error" and answer["exitCode"] == 68
    [[kind, [back], _]] = post(server, ["lazyExpungeAccountUndelete", {"id": row["id"]}, "4"])
    assert kind == "doveadmResponse" and back["target"] == user.name and len(user.messages()) == 1
    server.settle()
    [[kind, rows, _]] = post(server, ["lazyExpungeAccountRename", {"user": user.name, "newName": other.name}, "5"])
    assert kind == "doveadmResponse" and rows[0]["result"] == "moved" and len(other.messages()) == 1
    [[_, [row], _]] = post(server, ["lazyExpungeAccountDelete", {"user": other.name}, "6"])
    [[_, [gone], _]] = post(server, ["lazyExpungeAccountPurge", {"id": [row["id"]]}, "7"])
    assert gone["result"] == "gone" and int(gone["files"]) > 0
