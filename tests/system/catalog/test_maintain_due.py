"""maintain -D: only who is due by the catalog, in the order of time; rows of those who are gone are taken off."""

import json
import re
import time

import pytest

from harness import places
from harness.dovecot import events
from harness.dovecot.catalog import NEVER, now, with_catalog
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox
from harness.dovecot.retention import keep, maintain
from harness.waiting import wait_for

pytestmark = pytest.mark.any_format

DAY = 24 * 60 * 60
FIELDS = dict(passwd_file=True, mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge="7 days", autoexpunge_max_mails=1),))


def fleet(dovecot, number):
    """Users of each of whom one mail is too much."""
    server, database = with_catalog(dovecot, **FIELDS)
    users = [server.user() for _ in range(number)]
    server.write_users(users)
    for user in users:
        keep(user, 2)
    return server, database, users


def visited(server, *arguments):
    rows, done = maintain(server, "-A", "-D", *arguments)
    return [row["username"] for row in rows], done


def set_row(database, user, **fields):
    names = ", ".join(f"{name} = ?" for name in fields)
    database.run(f"UPDATE lazy_expunge SET {names} WHERE username = ?", *fields.values(), user.name)


@pytest.mark.parametrize("jobs", ((), ("-j", "2")))
def test_who_is_due_is_visited_in_the_order_of_time(dovecot, jobs):
    server, database, users = fleet(dovecot, 5)
    maintain(server, "-A")
    for user in users:
        set_row(database, user, due=now() + 1000)
    set_row(database, users[1], due=now() - 10)
    set_row(database, users[3], due=now() - 20)
    set_row(database, users[4], due=NEVER, maintained=now() - 8 * DAY)
    set_row(database, users[0], due=NEVER, maintained=now() - 6 * DAY)
    names, done = visited(server, *jobs)
    due = [users[4].name, users[3].name, users[1].name]
    assert (names if not jobs else sorted(names)) == (due if not jobs else sorted(due)) and done.stderr == b""
    # they were visited: their rows say when there is something next
    assert all(database.row(users[n])["maintained"] >= now() - 60 for n in (1, 3, 4))
    assert database.row(users[3])["due"] == min(mail.saved for mail in users[3].kept()) + 7 * DAY
    assert visited(server, *jobs)[0] == []
    keep(users[3], 1)
    assert visited(server, *jobs)[0] == [users[3].name]
    assert len(users[3].kept()) == database.row(users[3])["messages"] == 1
    # a shorter age
    assert visited(server, "-M", "5", *jobs)[0] == [users[0].name]


def test_a_run_for_which_nobody_is_due_says_that_it_was(dovecot):
    """Else nothing tells it from a timer that is off."""
    server, database = with_catalog(dovecot, raw23=events.EXPORT[False], raw24=events.EXPORT[True], **FIELDS)
    users = [server.user() for _ in range(2)]
    server.write_users(users)
    for user in users:
        keep(user, 2)
    runs = lambda: [event["users"] for event in events.read(server) if event.name == "run_finished"]
    maintain(server, "-A")
    wait_for(lambda: runs() == [2], "the run over all")
    assert visited(server)[0] == []
    wait_for(lambda: runs() == [2, 0], "the run for which nobody was due")
    # none of these is one: a plan, one user, and one with a failure
    visited(server, "-n")
    users[0].doveadm("lazy-expunge maintain")
    keep(users[1], 2)
    storage = next(path for path in users[1].home.rglob("*EXPUNGED*") if path.is_dir())
    storage.rename(storage.parent / "aside")
    storage.write_text("")
    assert maintain(server, "-A", check=False)[1].code == 75
    storage.unlink()
    (storage.parent / "aside").rename(storage)
    maintain(server, "-A", "-j", "2")
    wait_for(lambda: runs() == [2, 0, 2], "the run by two processes")


def test_rows_of_who_is_gone_are_taken_off_and_said_once(dovecot):
    server, database, users = fleet(dovecot, 4)
    database.run("UPDATE lazy_expunge SET due = 1")
    # one is unknown now, of one nothing is here any more, and one is another server's
    rows = database.run("SELECT * FROM lazy_expunge ORDER BY username")
    server.write_users(users[1:])
    wait_for(lambda: server.doveadm("user", users[0].name, check=False).code != 0, "userdb to read its file")
    for user in users[1:3]:
        user.home.rename(server.root / f"away-{user.name}")
    set_row(database, users[2], server="other.example")
    said = lambda done: dict(re.findall(r"Info: (\S+): (.*) off the catalog$", done.stderr.decode(), re.MULTILINE))
    unknown = "userdb does not know the user"
    expected = database.run("SELECT * FROM lazy_expunge ORDER BY username")
    done = visited(server, "-n")[1]
    assert said(done)[users[0].name] == f"{unknown}: would be taken" and users[1].name in done.stderr.decode()
    assert database.run("SELECT * FROM lazy_expunge ORDER BY username") == expected != rows
    names, done = visited(server)
    # the home may be on a file system that is not mounted: it is looked at again in a day
    assert said(done) == {users[0].name: f"{unknown}: taken"}
    assert f"{users[1]}: The user has nothing on this server now" in done.stderr.decode()
    assert users[3].name in names and users[0].name not in names
    assert database.users() == sorted(user.name for user in users[1:])
    row = database.row(users[1])
    assert row["failed"] == 1 and row["messages"] == 2 and row["due"] == row["maintained"] + DAY > now() + DAY - 60
    done = visited(server)[1]
    assert said(done) == {} and users[1].name not in done.stderr.decode()
    # a day later: one comes back, one does not
    a_day_later = lambda: set_row(database, users[1], due=row["due"] - DAY - 1, maintained=row["maintained"] - DAY - 1)
    a_day_later()
    assert said(visited(server, "-n")[1]) == {users[1].name: "The user has nothing on this server any more: would be taken"}
    (server.root / f"away-{users[1].name}").rename(users[1].home)
    assert said(visited(server)[1]) == {} and len(users[1].kept()) == 1 and database.row(users[1])["failed"] == 0
    users[1].home.rename(server.root / "away-again")
    set_row(database, users[1], due=1)
    assert said(visited(server)[1]) == {} and users[1].name in database.users()
    a_day_later()
    assert said(visited(server)[1]) == {users[1].name: "The user has nothing on this server any more: taken"}
    assert database.users() == sorted([users[2].name, users[3].name])


def test_two_servers_at_once_do_each_user_once(dovecot):
    server, database, users = fleet(dovecot, 12)
    runs = [server.start_doveadm("-f", "json", "lazy-expunge", "maintain", "-A", "-D", stdout=-1, stderr=-1) for _ in range(2)]
    rows = []
    for run in runs:
        out, err = run.communicate(timeout=60)
        assert run.returncode == 0 and re.sub(rb".*Skipped: another maintain.*\n", b"", err) == b""
        rows += [row for row in json.loads(out) if row["username"] in {user.name for user in users}]
    done = [row["username"] for row in rows if row["expunged"] == 1]
    assert sorted(done) == sorted(user.name for user in users)
    assert sum(row["expunged"] for row in rows) == 12


def test_it_needs_a_catalog_and_all_users(dovecot):
    server, database, users = fleet(dovecot, 1)
    for arguments, code, text in ((("-u", users[0].name, "-D"), 64, "it is for -A"), (("-A", "-M", "3"), 64, "-M is for -D"),
                                  (("-A", "-D", "-M", "0"), 64, "-M 0"),
                                  (("-A", "-D", "-j", "0"), 64, "-j 0"),
                                  (("-A", "-D", "-m", "1k"), 64, "-D and --make-room cannot be used together"),
                                  (("-A", "-D", "-n", "-m", "1k"), 64, "-D and --make-room cannot be used together")):
        done = server.doveadm("lazy-expunge", "maintain", *arguments, check=False)
        [error] = done.stderr.decode().splitlines()
        assert done.code == code and text in error, str(done)
    assert len(users[0].kept()) == 2
    database.run("ALTER TABLE lazy_expunge RENAME COLUMN server TO gone")
    server.expect_log("dict", required=False)
    done = server.doveadm("lazy-expunge", "maintain", "-A", "-D", check=False)
    assert done.code == 75 and "The catalog cannot be read" in done.stderr.decode(), str(done)
    without = dovecot.own(**FIELDS)
    without.write_users([])
    done = without.doveadm("lazy-expunge", "maintain", "-A", "-D", check=False)
    assert done.code == 78 and "lazy_expunge_catalog is not set" in done.stderr.decode(), str(done)


def test_a_mask_is_for_those_it_names_however_many_processes_there_are(dovecot):
    server, database, users = fleet(dovecot, 3)
    mask = f"*{users[1].name[1:]}"
    for arguments in (("-j", "2"), ("-D",), ("-D", "-j", "2")):
        # who is left out is unknown, which is not for this run
        database.run("INSERT INTO lazy_expunge (username, due) VALUES ('nobody', 1)")
        database.run("UPDATE lazy_expunge SET due = 1")
        if len(users[1].kept()) < 2:
            keep(users[1], 1)
        rows, done = maintain(server, "-u", mask, *arguments)
        assert [(row["username"], row["expunged"]) for row in rows] == [(users[1].name, 1)] and done.stderr == b"", str(done)
        assert "nobody" in database.users() and all(len(user.kept()) == 2 for user in (users[0], users[2]))
        database.run("DELETE FROM lazy_expunge WHERE username = 'nobody'")


def scheduled(server, check=True, **settings):
    """What the timer and the cron file run, on a day on which not everybody is visited unless it is said."""
    program, defaults = server.root / "scheduled", server.root / "defaults"
    program.write_text((places.SOURCE / "contrib/lazy-expunge-maintain.in").read_text())
    defaults.write_text("".join(f"{name}={value}\n" for name, value in {"FULL_DAY": 8, **settings}.items()))
    return server.run(["env", f"DOVEADM=doveadm -c {server.conf}", f"LAZY_EXPUNGE_DEFAULTS={defaults}", "sh", program], check=check)


def test_the_schedule_uses_the_catalog_where_there_is_one(dovecot):
    server, database, (anna, bert) = fleet(dovecot, 2)
    maintain(server, "-A")
    again = lambda: database.run("UPDATE lazy_expunge SET due = CASE username WHEN ? THEN 1 ELSE ? END, maintained = ?", anna.name, NEVER, now() - 100)
    visited_at = lambda user: database.row(user)["maintained"] > now() - 50
    again()
    done = scheduled(server)
    assert (done.stdout, done.stderr) == (b"", b"") and visited_at(anna) and not visited_at(bert)
    # once a week everybody is, by as many processes as a site wants
    for day in (0, time.strftime("%u")):
        again()
        done = scheduled(server, FULL_DAY=day, JOBS=2)
        assert (done.stdout, done.stderr) == (b"", b"") and visited_at(anna) and visited_at(bert)
    # and when the catalog is behind, or has been made anew
    for statement in (f"UPDATE lazy_expunge SET maintained = {now() - 9 * 24 * 3600} WHERE username = '{bert.name}'", "DELETE FROM lazy_expunge"):
        again()
        database.run(statement)
        done = scheduled(server)
        assert (done.stdout, done.stderr) == (b"", b"") and visited_at(anna) and visited_at(bert)
    done = scheduled(server, check=False, JOBS=0)
    assert done.code == 64 and b"-j 0" in done.stderr
    # a catalog that cannot be read leaves nobody out, and is said
    keep(bert, 1)
    database.run("ALTER TABLE lazy_expunge RENAME TO gone")
    server.allow_log("dict")
    done = scheduled(server)
    assert b"The catalog cannot be read" in done.stderr and done.stdout == b"" and len(bert.kept()) == 1
    # and where there is none nothing is said
    without = dovecot.own(**FIELDS)
    carl = without.user()
    without.write_users([carl])
    keep(carl, 2)
    done = scheduled(without)
    assert (done.stdout, done.stderr) == (b"", b"") and len(carl.kept()) == 1
