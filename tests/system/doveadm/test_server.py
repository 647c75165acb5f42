"""The commands through a doveadm server (-S, as a proxy does it): the same rows, errors and statuses as without."""

import json

import pytest

from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox
from harness.dovecot.mail import message

pytestmark = pytest.mark.any_format

FIELDS = dict(passwd_file=True, mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge="30d"),))
FORMS = ("json", "tab", "table", "flow", "pager")


@pytest.fixture
def users(dovecot):
    """One with mail in the storage, and one without any."""
    server = dovecot.own(**FIELDS)
    users = [server.user(), server.user()]
    server.write_users(users)
    for mailbox in ("INBOX", "Work"):
        users[0].append(mailbox, message(subject="Grüße"), "\\Seen own", create=mailbox != "INBOX")
        users[0].doveadm("expunge", "mailbox", mailbox, "all")
    return users


def run(server, form, command, *arguments, through_server):
    socket = ("-S", server.root / "run/doveadm-server") if through_server else ()
    done = server.doveadm("-f", form, "lazy-expunge", *command.split(), *socket, *arguments, check=False)
    # where the server runs it, it writes the command into the log
    server.expect_log("Executing command|exited", required=False)
    return done


def rows(server, *arguments, **options):
    done = run(server, "json", *arguments, **options)
    assert done.code == 0, done
    return json.loads(done.stdout)


@pytest.mark.parametrize("who", [0, 1], ids=["mail", "empty"])
def test_one_user(users, who):
    user, server = users[who], users[who].server
    for command, *query in (("list",), ("status",), ("status -v",), ("maintain -n",), ("restore -n", "ALL"), ("restore", "ALL"), ("maintain",),
                            ("status",)):
        if command == "restore":
            # done, and not planned alone
            [planned] = [rows(server, "restore -n", "-u", user.name, *query, through_server=False)]
            assert rows(server, command, "-u", user.name, *query, through_server=True) == planned and user.kept() == []
            continue
        direct = rows(server, command, "-u", user.name, *query, through_server=False)
        assert rows(server, command, "-u", user.name, *query, through_server=True) == direct, command
        for form in FORMS:
            done = run(server, form, command, "-u", user.name, *query, through_server=True)
            assert done.code == 0 and (not direct or done.stdout), (form, done)


def test_all_users(users):
    server = users[0].server
    for command, *query in (("list",), ("status",), ("status -v",), ("maintain",), ("restore -n", "ALL")):
        direct = rows(server, command, "-A", *query, through_server=False)
        # the sum is of rows that this doveadm has not seen
        direct = [row for row in direct if row["username"] != "TOTAL"]
        through = rows(server, command, "-A", *query, through_server=True)
        assert sorted(through, key=str) == sorted(direct, key=str), command
        assert {row["username"] for row in direct} <= {user.name for user in users}
        for form in FORMS:
            done = run(server, form, command, "-A", *query, through_server=True)
            assert done.code == 0 and users[0].name.encode() in done.stdout, (form, done)
            # 2.4 does not let the server know that there are others
            assert server.target.version >= (2, 4) or b"No mail" not in done.stderr, done


def test_holds_and_what_is_erased(users):
    """Set, seen, refused, released and erased through a server: as without."""
    user, server = users[0], users[0].server
    of_user = lambda *arguments, **options: rows(server, *arguments[:1], "-u", user.name, *arguments[1:], through_server=True, **options)
    [row] = of_user("hold", "-N", "case", "-b", "the court", "-r", "Order", "savedsince", "1d")
    assert (row["name"], row["by"]) == ("case", "the court")
    listed = of_user("holds")
    assert listed == rows(server, "holds", "-u", user.name, through_server=False) and listed[0]["reason"] == "Order"
    assert [row["name"] for row in rows(server, "holds", "-A", through_server=True)] == ["case"]
    for form in FORMS:
        assert b"case" in run(server, form, "holds", "-u", user.name, through_server=True).stdout
    server.expect_log(r"are held \(case\)", required=False)
    done = run(server, "json", "erase", "-u", user.name, "subject", "Grüße", through_server=True)
    assert done.code == 77 and {row["held"] for row in json.loads(done.stdout)} == {"case"} and len(user.kept()) == 2
    of_user("release", "-N", "case", "-g", "0")
    assert [row["state"] for row in of_user("holds")] == ["released"]
    assert {row["state"] for row in of_user("erase", "-n", "subject", "Grüße")} == {"planned"} and len(user.kept()) == 2
    assert {row["state"] for row in of_user("erase", "subject", "Grüße")} == {"erased"} and user.kept() == []


@pytest.mark.parametrize("arguments", [("export", "-w", "x.zip"), ("export", "-w", "-"), ("import", "x.zip"), ("erase", "-w", "x.json", "all")])
def test_files_are_of_the_command_line_alone(users, arguments):
    """A server neither writes nor reads files for who asks it, and says so."""
    server = users[0].server
    paths = [str(server.root / word) if word.startswith("x.") else word for word in arguments]
    server.expect_log("works only on the command line", required=False)
    done = run(server, "json", paths[0], "-u", users[0].name, *paths[1:], through_server=True)
    assert done.code == 64 and b"works only on the command line" in done.stderr, done
    assert not list(server.root.glob("x.*")) and len(users[0].kept()) == 2


def test_a_check(users):
    def findings(**options):
        done = run(users[0].server, "json", "check", "-u", users[0].name, **options)
        assert done.code == 0, done
        return {row["id"]: row["state"] for row in json.loads(done.stdout) if not row["id"].startswith("protocol-")}
    assert findings(through_server=True) == findings(through_server=False)


@pytest.mark.parametrize("code,arguments", [
    (64, ("list", "-l", "0")), (64, ("list", "nonsense")), (64, ("restore",)), (64, ("restore", "-t", ".EXPUNGED", "ALL")),
    (67, ("status", "-u", "nobody")), (68, ("list", "-o", "Nowhere")), (68, ("restore", "-o", "Nowhere", "ALL"))])
def test_errors(users, code, arguments):
    server = users[0].server
    who = () if "-u" in arguments else ("-u", users[0].name)
    direct = run(server, "json", arguments[0], *who, *arguments[1:], through_server=False)
    through = run(server, "json", arguments[0], *who, *arguments[1:], through_server=True)
    assert (direct.code, through.code) == (code, code), (direct, through)
    assert json.loads(direct.stdout) == json.loads(through.stdout) and through.stderr and len(users[0].kept()) == 2
    server.expect_log("lazy-expunge|User doesn't exist|expunge storage|No mail", required=False)
