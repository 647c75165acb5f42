"""maintain -j: several processes do the users; rows, messages and exit status are those of one."""

import json
import os
import re
from collections import Counter

import pytest

from harness import wait_for
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox
from harness.faults.inject import doveadm_traced
from harness.dovecot.mail import message

pytestmark = pytest.mark.any_format

CAPPED = dict(passwd_file=True, mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge_max_mails=1),))


def fleet(dovecot, number, mails=2):
    server = dovecot.own(**CAPPED)
    users = [server.user() for _ in range(number)]
    server.write_users(users)
    for user in users:
        for _ in range(mails):
            user.doveadm("save", "-m", "INBOX", input=message())
        user.doveadm("expunge", "mailbox", "INBOX", "all")
    return server, users


def maintain(server, *arguments, check=True):
    done = server.doveadm("-f", "json", "lazy-expunge", "maintain", *arguments, check=check)
    return sorted(json.loads(done.stdout), key=lambda row: row.get("username", "")), done


@pytest.mark.parametrize("jobs", (2, 9))
def test_the_rows_are_those_of_one_process(dovecot, jobs):
    server, users = fleet(dovecot, 5)
    planned, _ = maintain(server, "-A", "-n")
    assert maintain(server, "-A", "-n", "-j", str(jobs))[0] == planned and len(planned) == 5
    assert all(len(user.kept()) == 2 for user in users)
    rows, done = maintain(server, "-A", "-j", str(jobs))
    assert rows == planned and all(row["expunged"] == 1 for row in rows) and done.stderr == b""
    assert all(len(user.kept()) == 1 for user in users)
    assert [row["expunged"] for row in maintain(server, "-A", "--jobs", "2")[0]] == [0] * 5


def test_users_of_a_file_and_of_a_pattern(dovecot):
    server, users = fleet(dovecot, 3)
    part = server.root / "part"
    part.write_text(f"{users[0].name}\n{users[2].name}\n")
    rows, _ = maintain(server, "-F", part, "-j", "2")
    assert Counter((row["username"], row["expunged"]) for row in rows) == Counter({(users[0].name, 1): 1, (users[2].name, 1): 1})
    rows, _ = maintain(server, "-u", "*", "-j", "2")
    assert {row["username"]: row["expunged"] for row in rows} == {users[0].name: 0, users[1].name: 1, users[2].name: 0}
    # one user is one process
    assert maintain(server, "-u", users[0].name, "-j", "2")[0] == [{"expunged": 0, "bytes": 0, "skipped": 0, "failed": 0, "held": 0}]


@pytest.mark.parametrize("form", ("tab", "table", "flow"))
def test_other_formats(dovecot, form):
    server, _ = fleet(dovecot, 2)
    one = server.doveadm("-f", form, "lazy-expunge", "maintain", "-A", "-n").stdout
    several = server.doveadm("-f", form, "lazy-expunge", "maintain", "-A", "-n", "-j", "2").stdout
    assert sorted(several.splitlines()) == sorted(one.splitlines()) and one != b""


def test_a_users_failure_is_that_users(dovecot):
    server, users = fleet(dovecot, 3)
    kept = next(path for path in users[1].home.rglob("*EXPUNGED*") if path.is_dir())
    os.rename(kept, kept.parent / "aside")
    kept.write_text("")
    rows, done = maintain(server, "-A", "-j", "2", check=False)
    assert done.code == 75 and b"EXPUNGED" in done.stderr
    by_user = {row["username"]: row for row in rows}
    assert by_user[users[0].name]["expunged"] == by_user[users[2].name]["expunged"] == 1
    assert by_user[users[1].name]["failed"] >= 1


@pytest.mark.parametrize("victim", range(3))
def test_a_process_that_dies_is_replaced(dovecot, victim):
    """Its user is reported as failed, and nothing else is missing."""
    server, users = fleet(dovecot, 3)
    record = users[victim].home / ".dovecot.lazy-expunge.maintain"
    done, _ = doveadm_traced(server, ["-f", "json", "lazy-expunge", "maintain", "-A", "-j", "2"],
                             "-P", record, "-e", "inject=openat:signal=KILL")
    by_user = {row["username"]: row for row in json.loads(done.stdout)}
    assert done.code == 75, done
    assert f"The process that was at work for {users[victim].name} died with signal 9" in done.stderr.decode(), done
    assert sorted(by_user) == sorted(user.name for user in users)
    assert by_user.pop(users[victim].name) == {"username": users[victim].name, "expunged": 0, "bytes": 0, "skipped": 0, "failed": 1, "held": 0}
    assert all(row["expunged"] == 1 and row["failed"] == 0 for row in by_user.values())


def test_a_process_that_dies_leaves_those_before_it_to_others(dovecot):
    """One that is quick, with users for whom there is nothing to do, has several before it."""
    server, users = fleet(dovecot, 2, mails=1)
    first = server.user()
    server.write_users([first, *users])
    names = server.root / "names"
    names.write_text("".join(f"{users[number == 200].name}\n" for number in range(400)))
    record = users[1].home / ".dovecot.lazy-expunge.maintain"

    def all_noted():
        maintain(server, "-A")
        return all("lookup " in (user.home / record.name).read_text() for user in users)
    wait_for(all_noted, "users who can be passed over", seconds=60, interval=1)
    done, _ = doveadm_traced(server, ["-f", "json", "lazy-expunge", "maintain", "-F", names, "-j", "2"],
                             "-P", record, "-e", "inject=openat:signal=KILL")
    rows = json.loads(done.stdout)
    assert done.code == 75 and len(rows) == 400, (done.code, done.stderr, len(rows))
    failed = [row["username"] for row in rows if row["failed"]]
    assert failed == [users[1].name] and done.stderr.decode().count("died with signal 9") == 1
    assert Counter(row["username"] for row in rows) == {users[0].name: 399, users[1].name: 1}


@pytest.mark.until("2.4")
def test_who_ends_the_first_process_leaves_users_over(dovecot):
    """When it has read the first part of a file of users, and is about to read the next. Of what a process in a chroot reads strace
    does not know the path."""
    server, users = fleet(dovecot, 1)
    names = server.root / "many"
    names.write_text(f"{users[0].name}\n" * 3000)
    done, _ = doveadm_traced(server, ["-f", "json", "lazy-expunge", "maintain", "-F", names, "-j", "2"],
                             "-P", names, "-e", "inject=read,pread64:signal=TERM:when=2")
    assert done.code == 75 and 1 <= len(json.loads(done.stdout)) < 3000, done


@pytest.mark.since("2.4")
def test_the_configuration_is_read_once(dovecot):
    """By the first process, for all of them; what -o says holds in each."""
    server, users = fleet(dovecot, 4, mails=3)
    quiet = ["-o", "namespace/inbox/mailbox/.EXPUNGED/autoexpunge_max_mails=2", "-f", "json", "lazy-expunge", "maintain", "-A", "-j", "3"]
    done, calls = doveadm_traced(server, quiet, "-e", "trace=connect,execve", check=True)
    assert [row["expunged"] for row in json.loads(done.stdout)] == [1] * 4 and done.stderr == b""
    assert len(re.findall(r'connect\(.*/run/config"', calls)) == 1, calls
    assert len(re.findall(r'execve\("[^"]*/doveadm", .*"-W"', calls)) == 3, calls


@pytest.mark.parametrize("jobs", ("0", "-1", "257", "two", ""))
def test_a_number_that_is_none(dovecot, jobs):
    server, users = fleet(dovecot, 1)
    done = server.doveadm("lazy-expunge", "maintain", "-A", "-j", jobs, check=False)
    assert done.code == 64 and f"-j {jobs}: the number of processes must be 1 to 256" in done.stderr.decode()
    assert len(users[0].kept()) == 2
