"""doveadm lazy-expunge maintain -A passes over users for whom there is nothing to do, without a visit; and whom it must not pass over."""

import json
import os
import re
import shutil
import time
import zlib

import pytest

from harness import wait_for
from harness.dovecot.config import Mailbox
from harness.dovecot.retention import edit_stamp, keep, retention, row, stamp_path

LIMIT = "namespace/inbox/mailbox/.EXPUNGED/autoexpunge_max_mails"


def fields(limit=100, **lazy):
    return dict(passwd_file=True, **retention(Mailbox(".EXPUNGED", autoexpunge="30d", autoexpunge_max_mails=limit), **lazy))


def run(server, *arguments, options=(), check=True):
    """The rows of a run by name, and the users who were visited: whose namespaces were made."""
    done = server.doveadm("-D", "-f", "json", *options, "lazy-expunge", "maintain", *arguments, check=check)
    rows = {found.pop("username"): found for found in json.loads(done.stdout)}
    lines = [line for line in done.stderr.decode().splitlines() if "Namespace" in line]
    return rows, {name for name in rows if any(re.search(rf"\b{name}\b", line) for line in lines)}, done


def settle(server, users, *arguments):
    """Run until all but the first users of a process are passed over; those who are visited."""
    seen = set()

    def passed_over():
        nonlocal seen
        rows, seen, _ = run(server, *(arguments or ("-A",)))
        assert all(found == row() for found in rows.values())
        return len(seen) <= (2 if "-j" in arguments else 1)
    wait_for(passed_over, "users who are passed over", seconds=60, interval=1)
    return seen


def fleet(dovecot, number=3, **configuration):
    server = dovecot.own(**(configuration or fields()))
    users = [server.user() for _ in range(number)]
    server.write_users(users)
    for user in users:
        keep(user, 2)
    return server, users


def test_who_is_idle_is_passed_over(dovecot):
    server, users = fleet(dovecot)
    first = settle(server, users)
    assert first == {users[0].name}
    files = {path: path.stat().st_ctime_ns for user in users for path in user.home.rglob("*") if path != stamp_path(user)}
    before = [stamp_path(user).read_text() for user in users]
    time.sleep(1.1)
    rows, visited, _ = run(server, "-A")
    assert rows == {user.name: row() for user in users} and visited == first
    # the time of the run is noted, and nothing else is changed
    for user, text in zip(users, before):
        now = stamp_path(user).read_text()
        assert now != text and re.sub("^time [0-9]+", "", now) == re.sub("^time [0-9]+", "", text)
        assert stamp_path(user).stat().st_uid == user.home.stat().st_uid
    assert files == {path: path.stat().st_ctime_ns for user in users for path in user.home.rglob("*") if path != stamp_path(user)}
    assert all(len(user.kept()) == 2 for user in users)


@pytest.mark.any_format
def test_users_of_different_uids(dovecot):
    server = dovecot.own(**fields())
    users = [server.user() for _ in range(4)]
    server.write_users([(user, {"uid": 61401 + number, "gid": 61401 + number}) for number, user in enumerate(users)])
    for number, user in enumerate(users):
        user.home.mkdir(mode=0o700)
        os.chown(user.home, 61401 + number, 61401 + number)
        keep(user, 2)
    assert settle(server, users) == {users[0].name}
    assert [stamp_path(user).stat().st_uid for user in users] == [61401 + number for number in range(4)]
    keep(users[3], 99)
    rows, visited, _ = run(server, "-A")
    assert visited == {users[0].name, users[3].name} and rows[users[3].name]["expunged"] == 1
    assert stamp_path(users[3]).stat().st_uid == 61404


@pytest.mark.any_format
def test_there_is_room_for_the_time_alone(dovecot):
    """A stamp of a run that did not know what userdb says gets longer by that; if it cannot, nothing has failed."""
    server, users = fleet(dovecot)
    settle(server, users)
    text = stamp_path(users[1]).read_text()
    begin, end = text.index("looked "), text.rindex("sum ")
    part = re.sub("lookup .*\n", "", text[begin:end])
    stamp_path(users[1]).write_text(text[:begin] + part + f"sum {zlib.crc32(part.encode()):08x}\n")
    before = stamp_path(users[1]).read_text()
    # nobody can make a file there, but what is there can be written over
    os.chmod(users[1].home, 0o500)
    time.sleep(1.1)
    rows, visited, _ = run(server, "-A")
    os.chmod(users[1].home, 0o700)
    assert rows[users[1].name] == row() and users[1].name in visited
    assert stamp_path(users[1]).read_text() != before and "lookup" not in stamp_path(users[1]).read_text()
    run(server, "-A")
    assert run(server, "-A")[1] == {users[0].name}


@pytest.mark.any_format
def test_who_is_passed_over_is_counted(dovecot):
    server, users = fleet(dovecot, raw="metric done {\n  filter = event=lazy_expunge_maintain_finished\n}\n", **fields())
    settle(server, users)

    def count():
        rows = [line.split("\t") for line in server.doveadm("stats", "dump").stdout.decode().splitlines()]
        return {line[0]: int(line[rows[0].index("count")]) for line in rows[1:]}["done"]
    before = count()
    assert len(run(server, "-A")[1]) == 1
    wait_for(lambda: count() == before + 3, "each user to be counted once")


@pytest.mark.any_format
@pytest.mark.parametrize("arguments", [("-u", "*"), ("-F", "names"), ("-A", "-j", "2")], ids=lambda arguments: arguments[0] + arguments[-1])
def test_also_by_a_pattern_a_file_and_several_processes(dovecot, arguments):
    server, users = fleet(dovecot, 6)
    if "names" in arguments:
        names = server.root / "names"
        names.write_text("".join(f"{user.name}\n" for user in users))
        arguments = ("-F", names)
    assert settle(server, users, *arguments)
    keep(users[4], 99)
    rows, _, _ = run(server, *arguments)
    assert rows == {user.name: row(expunged=1, bytes=rows[user.name]["bytes"]) if user is users[4] else row() for user in users}


@pytest.mark.any_format
def test_a_plan_and_one_user_are_visited(dovecot):
    server, users = fleet(dovecot, 2)
    settle(server, users)
    assert run(server, "-A", "-n")[1] == {user.name for user in users}
    done = server.doveadm("-D", "lazy-expunge", "maintain", "-u", users[1].name)
    assert b"Namespace" in done.stderr


def test_mail_comes(dovecot):
    server, users = fleet(dovecot)
    settle(server, users)
    keep(users[1], 99)
    rows, visited, _ = run(server, "-A")
    assert users[1].name in visited and users[2].name not in visited
    assert rows[users[1].name]["expunged"] == 1 and len(users[1].kept()) == 100


def test_a_hold_is_set_and_released(dovecot):
    server, users = fleet(dovecot)
    settle(server, users)
    users[2].doveadm("lazy-expunge hold", "-N", "case", "ALL")
    assert users[2].name in run(server, "-A")[1]
    settle(server, users)
    users[2].doveadm("lazy-expunge release", "-N", "case", "-g", "0")
    assert users[2].name in run(server, "-A")[1]


def test_userdb_says_something_else(dovecot):
    server, users = fleet(dovecot)
    settle(server, users)
    server.write_users([*users[:2], (users[2], {LIMIT: "1"})])
    rows, visited, _ = run(server, "-A")
    assert visited == {users[0].name, users[2].name}
    assert rows[users[2].name]["expunged"] == 1 and len(users[2].kept()) == 1
    settle(server, users)
    server.write_users(users)
    assert run(server, "-A")[1] == {users[0].name, users[2].name}


def test_the_home_moves(dovecot):
    server, users = fleet(dovecot)
    settle(server, users)
    elsewhere = users[2].home.with_name(users[2].name + "-moved")
    shutil.copytree(users[2].home, elsewhere, symlinks=True)
    server.own(elsewhere)
    server.write_users([*users[:2], (users[2], {"home": str(elsewhere)})])
    assert run(server, "-A")[1] == {users[0].name, users[2].name}


@pytest.mark.parametrize("how", ["configuration", "option"])
def test_the_configuration_says_something_else(dovecot, how):
    server, users = fleet(dovecot)
    settle(server, users)
    if how == "option":
        rows, visited, _ = run(server, "-A", options=("-o", f"{LIMIT}=1"))
    else:
        other = dovecot.own(mail_root=server.mail_root, **fields(limit=1))
        other.write_users([other.user(user.name) for user in users])
        rows, visited, _ = run(other, "-A")
    assert visited == {user.name for user in users}
    assert [found["expunged"] for found in rows.values()] == [1, 1, 1]
    assert all(len(user.kept()) == 1 for user in users)


@pytest.mark.any_format
@pytest.mark.parametrize("name, shift", [("looked", 3600), ("looked", -25 * 3600 - 1), ("next", -1)])
def test_a_stamp_is_not_believed_for_ever(dovecot, name, shift):
    server, users = fleet(dovecot)
    settle(server, users)
    edit_stamp(users[1], name, int(time.time()) + shift)
    assert run(server, "-A")[1] == {users[0].name, users[1].name}


@pytest.mark.any_format
@pytest.mark.parametrize("broken", ["sum", "owner", "gone", "directory"])
def test_a_stamp_that_is_not_the_users(dovecot, broken):
    server, users = fleet(dovecot)
    settle(server, users)
    path = stamp_path(users[1])
    if broken == "sum":
        path.write_text(path.read_text().replace("lookup ", "lookup 0"))
    elif broken == "owner":
        os.chown(path, 1, 1)
    else:
        path.unlink()
        if broken == "directory":
            path.mkdir()
    # where it cannot be written either, the row and the log say so
    failed = broken in ("owner", "directory")
    rows, visited, done = run(server, "-A", check=not failed)
    assert users[1].name in visited and users[2].name not in visited
    assert rows[users[1].name]["failed"] == failed
    if failed:
        assert done.code == 75 and b"Cannot record the maintenance" in done.stderr


@pytest.mark.since("2.4")
@pytest.mark.formats("sdbox")
def test_as_many_users_as_a_reader_of_the_list_cannot_follow(dovecot):
    """auth of Dovecot 2.4.1 gives up a list that is read slower than it is written."""
    server = dovecot.own(**fields())
    names = [f"nobody{number}" for number in range(8000)]
    server.write_users([server.user(name) for name in names])
    for arguments in (("-A",), ("-u", "nobody*", "-j", "2")):
        done = server.doveadm("-f", "json", "lazy-expunge", "maintain", *arguments, timeout=300)
        assert sorted(found["username"] for found in json.loads(done.stdout)) == sorted(names)
