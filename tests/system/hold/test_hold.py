"""Holds by their commands: set, shown, released, at their end, and where they cannot be read."""

import json
import shutil
import time

import pytest

from harness import Mailbox, wait_for
from harness.dovecot import events
from harness.dovecot.config import DEFAULT_MAILBOXES
from harness.dovecot.holds import EVIDENCE, PATH, SHORT, by_imap, by_maintain, by_pop3, hold, keep, let_time_pass, rows, subjects
from harness.faults.inject import session_process, traced


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


@pytest.mark.any_format
def test_all_users_are_held_before_they_have_mail(dovecot):
    """The directory of their domain is made as that above it says, so that the first one does not keep the others out."""
    server = dovecot.own(passwd_file=True)
    top = server.mail_root / "domains"
    top.mkdir()
    shutil.chown(top, group=61410)
    top.chmod(0o2770)
    users = [server.user() for _ in range(2)]
    server.write_users([(user, {"uid": str(61410 + number), "gid": "61410", "home": str(top / "example.com" / user.name)})
                        for number, user in enumerate(users)])
    done = server.doveadm("-f", "json", "lazy-expunge", "hold", "-A", "-N", "case")
    assert sorted(row["username"] for row in json.loads(done.stdout)) == sorted(user.name for user in users) and done.stderr == b""
    for number, user in enumerate(users):
        user.deliver()
        assert len(user.messages()) == 1
        home = (top / "example.com" / user.name).stat()
        assert (home.st_uid, home.st_gid, home.st_mode & 0o7777) == (61410 + number, 61410, 0o2770)


@pytest.mark.any_format
def test_a_file_system_that_is_not_mounted_is_no_reason_not_to_hold(dovecot):
    """It looks as if no user ever had mail."""
    server = dovecot.own(passwd_file=True)
    top, away = server.mail_root / "disk", server.mail_root / "away"
    top.mkdir()
    server.own(top)
    users = [server.user() for _ in range(2)]
    server.write_users([(user, {"home": str(top / user.name)}) for user in users])
    keep(users[0], "Evidence")
    server.settle()
    top.rename(away)
    top.mkdir()
    for command in ("hold -N case", "release -N case"):
        done = server.doveadm("-f", "json", "lazy-expunge", *command.split(), "-A", check=False)
        assert done.code == 75 and b"Error: " in done.stderr and b"Not held" not in done.stderr, done
    top.rmdir()
    away.rename(top)
    assert json.loads(server.doveadm("-f", "json", "lazy-expunge", "holds", "-A").stdout) == []
    assert [row["username"] for row in json.loads(server.doveadm("-f", "json", "lazy-expunge", "hold", "-A", "-N", "case").stdout)] == \
        [user.name for user in users]


@pytest.mark.any_format
def test_a_home_that_is_not_mounted_holds_everything(dovecot):
    """Where the mail lies elsewhere it is there without the home, and so without its holds."""
    key = "mail_path" if dovecot.target.new_settings else "mail"
    server = dovecot.own(passwd_file=True, mailboxes=DEFAULT_MAILBOXES + SHORT)
    top, away = server.mail_root / "homes", server.mail_root / "away"
    top.mkdir()
    server.own(top)
    user = server.user()
    path = str(server.mail_root / "store" / user.name)
    server.write_users([(user, {"home": str(top / user.name), key: path if dovecot.target.new_settings else f"{dovecot.format}:{path}"})])
    keep(user, "Evidence")
    hold(user)
    server.settle()
    top.rename(away)
    top.mkdir()
    server.allow_log("dovecot.autoexpunge|The home .* is not there|Cannot record|cannot be written|Permission denied")
    let_time_pass(user)
    [row] = rows(user, "maintain", check=False)
    assert row["expunged"] == 0
    done = server.doveadm("lazy-expunge", "holds", "-A", check=False)
    assert done.code == 75 and f"The home {top / user.name} is not there, and cannot be made: holds that are in it cannot be read".encode() in done.stderr
    by_imap(user)
    assert subjects(user) == ["Evidence"]
    top.rmdir()
    away.rename(top)
    assert rows(user, "list")[0]["held"] == "case"


def test_a_grace_can_be_ended(dovecot):
    user = dovecot().user()
    keep(user, "Evidence")
    hold(user)
    rows(user, "release", "-N", "case", "-g", "90 days")
    hold(user)
    rows(user, "release", "-N", "case", "-g", "1 day")
    # it does not become longer
    assert user.doveadm("lazy-expunge release", "-N", "case", "-g", "2 days", check=False).code == 68
    rows(user, "release", "-N", "case", "-g", "0")
    assert [row["state"] for row in rows(user, "holds")] == ["released", "released"]
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "all")
    assert subjects(user) == []


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


@pytest.mark.any_format
@pytest.mark.parametrize("command", ["hold", "maintain"])
def test_a_list_of_users_without_an_end(dovecot, command):
    """The last user is one of them, also where it is the only one."""
    server = dovecot.own(passwd_file=True)
    users = [server.user() for _ in range(3)]
    server.write_users(users)
    names = server.root / "names"
    for part in (users, users[:1]):
        names.write_text("\n".join(user.name for user in part))
        arguments = ["-N", f"case-{len(part)}"] if command == "hold" else []
        done = server.doveadm("-f", "json", "lazy-expunge", command, "-F", names, *arguments)
        assert [row["username"] for row in json.loads(done.stdout)] == [user.name for user in part]
