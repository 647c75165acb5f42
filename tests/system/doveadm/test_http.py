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
    assert plan == [{"origin": "Work", "target": "Work", "restored": 1, "copied": 0, "skipped": 0, "failed": 0}] and len(user.kept()) == 2
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


def test_hold_release_and_erase(dovecot):
    server = dovecot()
    user = server.user()
    for subject in ("Evidence", "Lunch"):
        user.append("INBOX", message(subject=subject))
    user.doveadm("expunge", "mailbox", "INBOX", "all")

    def ask(command, **fields):
        [answer] = post(server, [name_of(server, command), {"user": user.name, **fields}, "t"])
        return answer[:2]

    kind, rows = ask("hold", name="case", reason="Order", by="the court", query=["subject", "Evidence"])
    assert kind == "doveadmResponse" and [(row["name"], row["by"]) for row in rows] == [("case", "the court")]
    kind, rows = ask("holds")
    assert kind == "doveadmResponse" and rows == by_command_line(user, "holds") and rows[0]["query"] == "subject Evidence"
    [[_, rows, _]] = post(server, [name_of(server, "list"), {"user": user.name}, "t"])
    assert {row["subject"]: row["held"] for row in rows} == {"Evidence": "case", "Lunch": ""}
    # a hold refuses it, by its name
    server.expect_log("are held \\(case\\)")
    server.expect_log("a hold of this name is in force already")
    server.expect_log("no hold of this name is in force")
    assert ask("erase", query=["subject", "Evidence"]) == ["error", {"type": "exitCode", "exitCode": 77}]
    assert ask("hold", name="case")[0] == "error" and ask("release", name="other")[0] == "error"
    kind, rows = ask("erase", plan=True, query=["subject", "Lunch"])
    assert kind == "doveadmResponse" and [row["state"] for row in rows] == ["planned"] and len(user.kept()) == 2
    kind, rows = ask("erase", query=["subject", "Lunch"])
    assert kind == "doveadmResponse" and [row["state"] for row in rows] == ["erased"]
    kind, rows = ask("release", name="case", grace="0")
    assert kind == "doveadmResponse" and rows[0]["name"] == "case"
    assert ask("erase", query=["subject", "Evidence"])[0] == "doveadmResponse" and user.kept() == []


@pytest.mark.parametrize("command, fields", [("export", {"write": "x.zip"}), ("export", {"write": "-"}), ("import", {"archive": "x.zip"}),
                                             ("erase", {"write": "x.json", "query": ["all"]})])
def test_files_are_of_the_command_line_alone(dovecot, command, fields):
    """A server neither writes nor reads files for who asks it by HTTP, and says so."""
    server = dovecot()
    user = server.user()
    user.append("INBOX", message())
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    fields = {key: str(server.root / value) if str(value).startswith("x") else value for key, value in fields.items()}
    server.expect_log("works only on the command line")
    [[kind, answer, _]] = post(server, [name_of(server, command), {"user": user.name, **fields}, "t"])
    assert (kind, answer["exitCode"]) == ("error", 64)
    assert not list(server.root.glob("x.*")) and len(user.kept()) == 1


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
