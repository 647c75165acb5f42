"""doveadm's HTTP API: the same rows as on the command line."""

import base64
import json
import urllib.request

import pytest

from harness import places
from harness.dovecot.mail import message
from harness.dovecot.render import API_KEY

pytestmark = pytest.mark.any_format


def post(server, *commands):
    """A real request; the answer, decoded."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.ports['http']}/doveadm/v1", json.dumps(commands).encode(),
        {"Content-Type": "application/json", "Authorization": "X-Dovecot-API " + base64.b64encode(API_KEY.encode()).decode()})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def by_command_line(user, command, *arguments):
    return json.loads(user.server.doveadm("-f", "json", "lazy-expunge", command, "-u", user.name, *arguments).stdout)


def name_of(server, command):
    """2.3 has its own spelling of command names."""
    words = f"lazy-expunge {command}"
    api = urllib.request.Request(f"http://127.0.0.1:{server.ports['http']}/doveadm/v1", headers={
        "Authorization": "X-Dovecot-API " + base64.b64encode(API_KEY.encode()).decode()})
    with urllib.request.urlopen(api, timeout=60) as response:
        names = [entry["command"] for entry in json.load(response)]
    camel = "lazyExpunge" + command.capitalize()
    assert camel in names, [name for name in names if "azy" in name]
    return camel


def test_list_restore_and_status(dovecot):
    server = dovecot()
    user = server.user()
    user.append("Work", message(subject="Grüße"), "\\Seen", create=True)
    user.append("INBOX", message(subject="other"))
    [before] = user.messages("Work")
    for mailbox in ("Work", "INBOX"):
        user.doveadm("expunge", "mailbox", mailbox, "all")

    for command in ("list", "status"):
        [[kind, rows, tag]] = post(server, [name_of(server, command), {"user": user.name}, "tag"])
        assert (kind, tag) == ("doveadmResponse", "tag") and rows == by_command_line(user, command)
    [[_, rows, _]] = post(server, [name_of(server, "list"), {"user": user.name, "origin": "Work", "limit": "5",
                                                             "query": ["savedsince", "1d"]}, "t"])
    assert [row["subject"] for row in rows] == ["Grüße"]
    [[_, rows, _]] = post(server, [name_of(server, "list"), {"user": user.name, "origin": ["Work", "INBOX"], "recursive": True,
                                                             "since": "1h", "until": "now"}, "t"])
    assert sorted(row["subject"] for row in rows) == ["Grüße", "other"]
    [[kind, plan, _]] = post(server, [name_of(server, "restore"), {"user": user.name, "origin": "Work", "plan": True,
                                                                   "query": ["ALL"]}, "t"])
    assert kind == "doveadmResponse"
    assert plan == [{"origin": "Work", "target": "Work", "restored": 1, "skipped": 0, "failed": 0}] and len(user.kept()) == 2
    [[kind, rows, _]] = post(server, [name_of(server, "restore"), {"user": user.name, "origin": "Work", "query": ["ALL"]}, "t"])
    assert kind == "doveadmResponse" and rows == plan
    assert [mail.content for mail in user.messages("Work")] == [before.content] and len(user.kept()) == 1
    server.expect_log("Executing command|exited", required=False)


def test_other_commands_of_the_same_request_are_as_ever(dovecot):
    """Empty values of theirs stay texts, though those of these commands are null."""
    server = dovecot()
    user = server.user()
    user.doveadm("save", input=message())
    with user.imap("INBOX"):
        # takes \Recent
        pass
    # 2.4.5 sets it
    user.doveadm("flags remove", "$HasNoAttachment", "mailbox", "INBOX", "all")
    fetch = ["fetch", {"user": user.name, "field": ["uid", "guid", "flags", "user", "mailbox"], "query": ["mailbox", "INBOX"]}]
    alone = post(server, [*fetch, "1"])
    answers = post(server, [name_of(server, "status"), {"user": user.name}, "0"], [*fetch, "1"],
                   [name_of(server, "list"), {"user": user.name}, "0"], [*fetch, "1"])
    [[kind, [row], _]] = alone
    assert kind == "doveadmResponse" and row["flags"] == "" and answers[1::2] == alone * 2, (alone, answers)
    server.expect_log("Executing command|exited", required=False)


def test_maintain_and_check(dovecot):
    server = dovecot()
    user = server.user()
    user.fill("INBOX", 1)
    [[kind, rows, _]] = post(server, [name_of(server, "maintain"), {"user": user.name}, "t"])
    assert (kind, rows) == ("doveadmResponse", [{"expunged": 0, "bytes": 0, "skipped": 0, "failed": 0, "held": 0}])
    [[kind, rows, _]] = post(server, [name_of(server, "check"), {"user": user.name}, "t"])
    assert kind == "doveadmResponse" and {row["id"] for row in rows} >= {"module", "storage", "retention"}


def test_refusals_are_errors_and_the_server_goes_on(dovecot):
    server = dovecot()
    user = server.user()
    server.expect_log("lazy-expunge", required=False)
    server.expect_log("A search query is needed", required=False)
    server.expect_log("Unknown argument", required=False)
    answers = post(server, [name_of(server, "restore"), {"user": user.name}, "bare"],
                   [name_of(server, "list"), {"user": user.name, "query": ["nonsense"]}, "query"],
                   [name_of(server, "status"), {"user": user.name}, "fine"])
    assert [answer[0] for answer in answers] == ["error", "error", "doveadmResponse"]
    assert [answer[1].get("exitCode") for answer in answers[:2]] == [64, 64]


def test_the_requests_of_the_documentation(dovecot):
    text = (places.SOURCE / "doc/HTTP-API.md").read_text()
    requests = [json.loads(block.split("```", 1)[0]) for block in text.split("```json request\n")[1:]]
    assert len(requests) >= 3
    server = dovecot()
    anna = server.user()
    for request in requests:
        anna.append("Work", message(subject="Offer"), create=True)
        anna.doveadm("expunge", "mailbox", "Work", "all")
        for command in request:
            command[1]["user"] = anna.name
        for answer in post(server, *request):
            assert answer[0] == "doveadmResponse" and answer[1], (request, answer)
