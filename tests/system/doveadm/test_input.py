"""doveadm lazy-expunge with wrong input: a clear line, the status of sysexits, and nothing changed. For each command."""

import pytest

from harness import message
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, namespace_mode

pytestmark = pytest.mark.any_format

COMMANDS = ("list", "restore", "status", "maintain", "check")
QUERY = {"restore": ("ALL",)}


def contents(user):
    return sorted(user.mailboxes()), [mail.content for mail in user.kept()], user.messages()


@pytest.fixture
def user(dovecot):
    user = dovecot().user()
    user.doveadm("save", input=message())
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    return user


def run(user, *arguments):
    done = user.server.doveadm("lazy-expunge", *arguments, check=False)
    assert b"Panic" not in done.stderr and b"Traceback" not in done.stderr
    return done.code, done.stdout.decode(), done.stderr.decode()


def test_no_such_user(dovecot):
    server = dovecot(passwd_file=True)
    somebody = server.user()
    server.write_users([somebody])
    homes = sorted(server.mail_root.iterdir())
    for command in COMMANDS:
        code, out, said = run(somebody, command, "-u", "nobody", *QUERY.get(command, ()))
        assert code == 67 and "User doesn't exist" in said and "nobody" in said and said.count("\n") == 1, (command, code, said)
        assert len(out.splitlines()) <= 1 and sorted(server.mail_root.iterdir()) == homes, (command, out)


def test_a_bad_option(user):
    before = contents(user)
    for command in COMMANDS:
        for option in ("--nonsense", "-y", "-u"):
            code, out, said = run(user, command, "-u", user.name, *QUERY.get(command, ()), option)
            assert code == 64 and "option" in said and out == "", (command, option, code, out, said)
    assert contents(user) == before


def test_a_bad_query(user):
    before = contents(user)
    for command in ("list", "restore"):
        for query, text in (("nonsense", "Unknown argument"), ("subject", "Missing"), ("( all", "Missing"),
                            ("savedsince whenever", "date"), ("larger much", "much"), ("uid x", "UID")):
            code, out, said = run(user, command, "-u", user.name, *query.split())
            assert code == 64 and text.lower() in said.lower() and said.count("\n") <= 2 and "example.com" not in out, \
                (command, query, code, said)
    for command in ("status", "maintain", "check"):
        code, _, said = run(user, command, "-u", user.name, "all")
        assert code == 64 and said, (command, code, said)
    assert contents(user) == before


def test_what_is_said_cannot_control_the_terminal(user):
    """Names that are handed on may come from users."""
    before = contents(user)
    evil = "\x1b]0;evil\x07"
    for command, *arguments in (("list", "-l", evil), ("list", "-o", evil), ("list", "larger", evil), ("restore", "savedsince", evil),
                                ("restore", "-o", evil, "ALL"), ("restore", "-t", evil, "ALL"), ("restore", "-n", "-t", evil, "ALL")):
        code, out, said = run(user, command, "-u", user.name, *arguments)
        assert code and "evil" in said and not {"\x1b", "\x07"} & set(out + said), (command, arguments, code, out, said)
    assert contents(user) == before


def test_an_unknown_origin(user):
    before = contents(user)
    for command in ("list", "restore"):
        code, _, said = run(user, command, "-u", user.name, "-o", "Nowhere\x1b[31m", "ALL")
        assert code == 68 and "No mail in the expunge storage comes from Nowhere" in said and "\x1b" not in said, (code, said)
    assert contents(user) == before


def test_the_plugin_is_off(dovecot):
    user = dovecot(lazy={"mailbox": None}).user()
    user.append()
    before = user.messages(), user.mailboxes()
    for command in COMMANDS:
        code, out, said = run(user, command, "-u", user.name, *QUERY.get(command, ()))
        if command == "check":
            assert code == 1 and "no storage is set" in out
        elif command == "maintain":
            # Trash and Junk have their retention without the storage
            assert code == 0
        else:
            assert code == 78 and "lazy_expunge is not set for this user" in said
    assert (user.messages(), user.mailboxes()) == before


def test_the_storages_namespace_is_missing(dovecot):
    server = dovecot(lazy={"mailbox": "NOT/HERE/"})
    server.expect_log("there is no namespace", required=False)
    user = server.user()
    user.append()
    for command in COMMANDS:
        code, out, said = run(user, command, "-u", user.name, *QUERY.get(command, ()))
        if command == "check":
            assert code == 1 and "no namespace" in out
        elif command != "maintain":
            assert code == 78 and "there is no namespace" in said, (command, code, said)
    assert len(user.messages()) == 1


def test_a_target_in_the_storages_namespace(dovecot):
    user = dovecot(**namespace_mode(dovecot.format, only_last_instance=False)).user()
    user.fill("INBOX", 1)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    code, _, said = run(user, "restore", "-u", user.name, "-t", ".EXPUNGED/Other", "ALL")
    assert code == 64 and "is the expunge storage" in said and len(user.kept()) == 1


# with a name that has no wildcard, Dovecot 2.3 takes a mailbox that is not there for an error
RETENTION_BY_HAND = "expunge -A mailbox .EXPUNGED* savedbefore 20000d"
OVER_ALL = ("lazy-expunge list -A", "lazy-expunge deletions -A", "lazy-expunge status -A",
            "lazy-expunge restore -n -A ALL", "lazy-expunge restore -A subject nothing", "lazy-expunge holds -A", "lazy-expunge maintain -A",
            "lazy-expunge maintain -n -A")


def test_users_without_a_storage_are_no_error(dovecot):
    """Who has deleted nothing yet, who has no mail yet, and whose home cannot be made."""
    mailboxes = DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge="30d"),)
    server = dovecot.own(passwd_file=True, mailboxes=mailboxes, lazy={"hidden": True, "protect": True})
    user, new, never, nobody = (server.user() for _ in range(4))
    server.write_users([new, (nobody, {"home": "/nonexistent"}), user, never])
    for one in (user, new):
        one.append()
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    for line in OVER_ALL:
        done = server.doveadm(*line.split(), check=False)
        # that nothing was found is said once
        said = b"doveadm: Info: No mail in the expunge storage matches\n" if "subject nothing" in line else b""
        assert (done.code, done.stderr) == (0, said), (line, done)
    # where a home cannot be made, Dovecot's own commands say so
    server.write_users([new, user, never])
    done = server.doveadm(*RETENTION_BY_HAND.split(), check=False)
    assert (done.code, done.stderr) == (0, b""), done
    assert len(user.kept()) == 1
