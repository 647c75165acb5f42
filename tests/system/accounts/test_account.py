"""Whole accounts: what is deleted is out of the way and whole, and comes back as it was."""

import fcntl
import json
import os
import re
import shutil
import time

import pytest

from harness import wait_for
from harness.dovecot.accounts import DELETED, account, content, delete, fill, listed, stamp, two_parts
from harness.dovecot.config import Namespace, namespace_mode
from harness.faults.crash import ENDED
from harness.faults.inject import doveadm_traced
from harness.dovecot.mail import message

pytestmark = pytest.mark.any_format
# to read a record, to see whose it is, that the account is there, and to look for its holds; and memory, now and then
CALLS_OF_LIST = 10


def test_delete_and_undelete(dovecot):
    user = dovecot().user()
    fill(user)
    before = content(user)
    ident = delete(user)
    assert not user.home.exists()
    [row] = listed(user)
    assert account(user.server, "list", "-u", user.name.upper()) == [row], "as auth knows names"
    assert row["id"] == ident and row["state"] == "deleted" and row["needs"] == "" and row["held"] == ""
    assert row["messages"] in ("5", 5)
    # the name is free: whoever gets it sees nothing of the old one
    with user.imap() as session:
        assert session.select("INBOX").ok
    assert user.messages("INBOX") == [] and user.kept() == []
    user.server.settle()
    [back] = account(user.server, "undelete", ident)
    assert back["target"] == user.name
    assert content(user) == before
    # what was there without mail has given way, and is not removed either
    [empty] = listed(user)
    assert empty["id"] != ident and empty["messages"] in ("0", 0)


def test_mail_that_comes_meanwhile_is_not_mixed_in(dovecot):
    user = dovecot().user()
    fill(user)
    before = content(user)
    ident = delete(user)
    user.deliver(message(subject="New"))
    user.server.settle()
    error = account(user.server, "undelete", ident, code=65)
    assert f"{user.name} has mail (1 messages)" in error and "another user" in error
    assert [mail.subject for mail in user.messages("INBOX")] == ["New"]
    other = user.server.user()
    [back] = account(user.server, "undelete", ident, "-t", other.name)
    assert back["target"] == other.name and content(other) == before
    assert [mail.subject for mail in user.messages("INBOX")] == ["New"] and listed(user) == []


def test_sessions_are_ended(dovecot):
    user = dovecot().user()
    fill(user)
    session = user.imap("INBOX")
    user.server.expect_log("imap.*Warning: Killed with signal 15", required=False)
    delete(user)
    with pytest.raises(ENDED):
        session.ok("FETCH 1 (FLAGS)")
    session.close()
    assert not user.home.exists()


def test_purge_proves_what_it_did(dovecot):
    user = dovecot().user()
    fill(user)
    paths = [path for path in user.home.rglob("*")]
    sizes = sum(path.lstat().st_size for path in paths if path.is_file() and not path.is_symlink())
    ident = delete(user)
    [plan] = account(user.server, "purge", "-n", ident)
    assert plan["result"] == "to go" and listed(user) != []
    [row] = account(user.server, "purge", ident)
    assert row["result"] == "gone" and int(row["paths"]) >= len(paths) and int(row["bytes"]) >= sizes > 0
    assert (row["paths"], row["files"], row["bytes"]) == (plan["paths"], plan["files"], plan["bytes"])
    assert listed(user) == [] and not (user.home.parent / DELETED / ident).exists()
    assert "There is no deleted account" in account(user.server, "purge", ident, code=68)


def test_a_held_account_is_not_removed(dovecot):
    user = dovecot().user()
    fill(user)
    user.doveadm("lazy-expunge hold", "-N", "case-17")
    ident = delete(user, "-k", "1s")
    [row] = listed(user)
    assert row["held"] == "case-17"
    error = account(user.server, "purge", ident, code=77)
    assert "held by case-17" in error
    wait_for(lambda: time.time() > stamp(row["kept_until"]) + 1, "its time to be over")
    account(user.server, "purge", code=77)
    [row] = listed(user)
    assert row["id"] == ident


def test_what_is_overdue_goes(dovecot):
    server = dovecot.own()
    soon, late = server.user(), server.user()
    for user in (soon, late):
        user.deliver()
    server.settle()
    ident, stays = delete(soon, "-k", "1s"), delete(late, "-k", "forever")
    wait_for(lambda: [row["id"] for row in account(server, "purge", "-n")] == [ident], "its time to be over")
    [row] = account(server, "purge")
    assert row["id"] == ident and row["result"] == "gone"
    [row] = account(server, "list")
    assert row["id"] == stays and row["kept_until"] is None


def test_what_killed_commands_have_left_goes(dovecot):
    server = dovecot.own()
    user = server.user()
    user.deliver()
    server.settle()
    ident = delete(user)
    place = user.home.parent / DELETED
    old = time.time() - 2 * 3600
    names = {"empty": (), "gate": ("gate", "gate.new"), "young": (), "mail": ("gate", "1/mail"), "linked": ("gate",), "account.new": ("account.new",)}
    for name, files in names.items():
        home = place / f"other.20261129T080000.{name}"
        home.mkdir()
        for file in files:
            (home / file).parent.mkdir(exist_ok=True)
            (home / file).write_text("x")
        if name == "linked":
            (server.mail_root / "linked").hardlink_to(home / "gate")
        if name != "young":
            os.utime(home, (old, old))
    (place / ".lock.somebody").touch()
    account(server, "purge", "-n")
    assert len(list(place.iterdir())) == len(names) + 2
    with open(place / ".lock.another", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        account(server, "purge")
        left = {path.name.rsplit(".", 1)[-1] if path.name != ident else ident for path in place.iterdir()}
        assert left == {ident, "young", "mail", "linked", "another"}
    account(server, "undelete", ident)
    assert len(user.messages()) == 1


def test_maintain_removes_them_in_a_row_of_its_own(dovecot):
    server = dovecot.own(passwd_file=True)
    users = [server.user() for _ in range(3)]
    gone, held, stays = users
    server.write_users(users)
    for user in users:
        user.deliver()
    server.settle()
    held.doveadm("lazy-expunge hold", "-N", "case")
    idents = [delete(user, "-k", "1s") for user in (gone, held)]
    wait_for(lambda: time.time() > max(stamp(row["kept_until"]) for row in account(server, "list")) + 1, "their time to be over")

    def maintain(*arguments):
        done = server.doveadm("-f", "json", "lazy-expunge", "maintain", *arguments)
        return {row.pop("username", ""): {key: int(value) for key, value in row.items() if value is not None}
                for row in json.loads(done.stdout)}
    assert "DELETED ACCOUNTS" not in maintain("-u", stays.name)
    plan = maintain("-n", "-A")["DELETED ACCOUNTS"]
    assert (plan["expunged"], plan["held"], plan["failed"]) == (1, 1, 0) and plan["bytes"] > 0
    assert sorted(row["id"] for row in account(server, "list")) == sorted(idents)
    assert maintain("-A")["DELETED ACCOUNTS"] == plan
    assert [row["id"] for row in account(server, "list")] == idents[1:]
    assert len(stays.messages()) == 1


def test_bad_input(dovecot):
    user = dovecot().user()
    user.deliver()
    server = user.server
    server.settle()
    assert "-u" in account(server, "delete", code=64)
    assert "-k never" in account(server, "delete", "-u", user.name, "-k", "never", code=64)
    assert "There is nothing" in account(server, "delete", "-u", f"{user.name}x", code=68).replace("there", "There")
    for command in ("undelete", "purge"):
        assert "There is no deleted account ../x" in account(server, command, "../x", code=68)
    assert "id of the account is missing" in account(server, "undelete", code=64)
    assert len(user.messages()) == 1


def test_keep_0_makes_delete_need_a_time(dovecot):
    user = dovecot(lazy={"account_keep": "0"}).user()
    user.deliver()
    user.server.settle()
    assert "say with -k" in account(user.server, "delete", "-u", user.name, code=64)
    assert len(user.messages()) == 1
    delete(user, "-k", "2 days")
    [row] = listed(user)
    assert row["kept_until"] is not None


@pytest.mark.any_format
def test_a_purge_that_cannot_end_does_not_begin(dovecot):
    server = dovecot.own()
    user = server.user()
    user.deliver()
    server.settle()
    ident = delete(user)
    mount = user.home.parent / DELETED / ident / "0" / "disk"
    server.run(["mkdir", str(mount)])
    server.run(["mount", "-t", "tmpfs", "tmpfs", str(mount)])
    assert f"{mount} is another file system: unmount it first" in account(server, "purge", ident, code=75)
    [row] = account(server, "list")
    assert row["state"] == "deleted"
    server.run(["umount", str(mount)])
    account(server, "undelete", ident)
    assert len(user.messages()) == 1


@pytest.mark.any_format
def test_the_registry_is_found_where_users_have_namespaces(dovecot):
    server = dovecot.own(passwd_file=True, **namespace_mode(dovecot.format))
    users = [server.user() for _ in range(2)]
    server.write_users(users)
    for user in users:
        user.deliver()
    server.settle()
    ident = delete(users[0])
    (server.root / "run/lazy-expunge-accounts").unlink()
    assert [row["id"] for row in account(server, "list", "-A")] == [ident]


@pytest.mark.parametrize("place", ["~/mail", "@MAIL@/store/%u/mail"], ids=["home", "below-a-directory-of-the-user"])
def test_the_registry_is_found_by_the_homes(dovecot, place):
    server = dovecot.own(passwd_file=True, raw23=f"mail_location = {dovecot.format}:{place}\n",
                         raw24=f"mail_path = {place.replace('%u', '%{user}')}\n")
    user, other = server.user(), server.user()
    server.write_users([user, other])
    user.deliver()
    server.settle()
    ident = delete(user)
    server.write_users([other])
    (server.root / "run/lazy-expunge-accounts").unlink()
    assert account(server, "list") == []
    # a link to a user's directory is not another one
    if "store" in place:
        (server.mail_root / "store" / "alias").symlink_to(user.name)
    [row] = account(server, "list", "-A")
    assert row["id"] == ident
    # and is remembered again
    [row] = account(server, "list")
    assert row["id"] == ident
    # passwd-file goes by the seconds of its file
    wait_for(lambda: server.doveadm("user", user.name, check=False).code != 0, "userdb to forget the user")
    assert f"userdb does not know {user.name}" in account(server, "undelete", ident, code=67)
    server.write_users([user, other])
    wait_for(lambda: server.doveadm("user", user.name, check=False).code == 0, "userdb to know the user")
    account(server, "undelete", ident)
    assert len(user.messages()) == 1


def test_a_place_that_others_may_have_is_not_taken(dovecot):
    server = dovecot.own(passwd_file=True)
    user = server.user()
    server.write_users([(user, {"home": f"{server.mail_root}/shared"})])
    user.deliver()
    server.settle()
    error = account(server, "delete", "-u", user.name, code=78)
    assert "may belong to others" in error and "-y" in error and len(user.messages()) == 1
    ident = delete(user, "-y")
    assert not (server.mail_root / "shared").exists()
    account(server, "undelete", ident)
    assert len(user.messages()) == 1


def test_a_place_that_has_the_name_by_chance_is_not_taken(dovecot):
    """As /var/vmail, below which all users are, has that of a user vmail."""
    server = dovecot.own(namespaces=(Namespace("archive", "Archive/", format=dovecot.format, path="@MAIL@"),))
    user, other = server.user(server.mail_root.name), server.user()
    for one in (user, other):
        one.deliver()
    server.settle()
    error = account(server, "delete", "-u", user.name, code=78)
    assert re.search(re.escape(str(server.mail_root)) + r" \(.*\) has the user's name in it, but so has " + re.escape(str(user.home)), error)
    assert len(user.messages()) == len(other.messages()) == 1


def test_two_administrators_at_once(dovecot):
    server = dovecot.own()
    user = server.user()
    user.deliver()
    server.settle()
    account(server, "undelete", delete(user))
    with open(user.home.parent / DELETED / f".lock.{user.name}", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        assert "Another command is at work" in account(server, "delete", "-u", user.name, code=75)
        assert len(user.messages()) == 1
    ident = delete(user)
    with open(user.home.parent / DELETED / f".lock.{user.name}", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        for command in ("undelete", "purge"):
            assert "Another command is at work" in account(server, command, ident, code=75)
    account(server, "undelete", ident)
    assert len(user.messages()) == 1


def test_who_comes_in_the_middle_is_refused_and_sees_no_part(dovecot):
    """The command is killed when the first of two parts is taken away."""
    server = dovecot.own(**two_parts(dovecot))
    server.allow_log("^(?!.*(Panic|signal 11|signal 6))")
    user = server.user()
    fill(user)
    before = content(user)
    server.settle()
    doveadm_traced(server, ["lazy-expunge", "account", "delete", "-u", user.name], "-e", "trace=renameat2",
                   "-e", "inject=renameat2:signal=SIGKILL:when=2")
    index, home = server.mail_root / "index" / user.name, server.mail_root / user.name
    assert home.is_file() and index.is_dir()
    with pytest.raises(ENDED):
        user.imap("INBOX")
    user.close()
    with pytest.raises((*ENDED, AssertionError)):
        user.deliver(message(subject="Too early"))
    assert user.doveadm("mailbox", "list", check=False).code != 0
    server.settle()
    assert home.is_file() and index.is_dir()
    [row] = listed(user)
    assert row["state"] == "deleting" and f"account delete -u {user.name}" in row["needs"]
    done = server.doveadm("-f", "json", "lazy-expunge", "account", "delete", "-u", user.name)
    [deleted] = json.loads(done.stdout)
    assert f"userdb still has {user.name}: mail that comes in makes a new account" in done.stderr.decode()
    ident = deleted["id"]
    assert ident == row["id"] and not home.exists() and not index.exists()
    account(server, "undelete", ident)
    assert content(user) == before


@pytest.mark.native
@pytest.mark.formats("mdbox")
def test_ten_thousand_deleted_accounts(dovecot):
    server = dovecot.own()
    user = server.user()
    user.deliver()
    server.settle()
    ident = delete(user)
    place = user.home.parent / DELETED
    record = (place / ident / "account").read_text()
    for number in range(10000):
        other = f"other{number}.20261129T080000.00000000"
        (place / other / "0").mkdir(parents=True)
        (place / other / "account").write_text(record.replace(ident, other))
    done = server.doveadm("-f", "tab", "lazy-expunge", "account", "list")
    assert len(done.stdout.splitlines()) == 10002 and b"missing" not in done.stdout


def test_a_record_that_a_user_may_have_written_is_not_believed(dovecot):
    server = dovecot.own(passwd_file=True)
    user, other = server.user(), server.user()
    server.write_users([user, other])
    for one in (user, other):
        one.deliver()
    server.settle()
    ident = delete(user)
    place = user.home.parent / DELETED
    record = (place / ident / "account").read_text()
    forged = record.replace("step\tdeleted", "step\tpurging").replace(ident, "forged").replace(
        str(place / "forged" / "0"), str(other.home))
    assert forged != record
    uid = other.home.stat().st_uid
    # the record of another user
    (place / "forged").mkdir()
    (place / "forged/account").write_text(record)
    os.chown(place / "forged/account", uid, uid)
    error = account(server, "list", code=65)
    assert f"{place}/forged/account belongs to uid {uid}, and is not believed" in error
    # one that says that an account lies where one lives, and the record of another
    os.chown(place / "forged/account", 0, 0)
    for text in (forged, record):
        (place / "forged/account").write_text(text)
        assert f"{place}/forged/account is not the record of what lies there" in account(server, "list", code=65)
        server.doveadm("lazy-expunge", "account", "purge", "forged", check=False)
        assert len(other.messages()) == 1
    shutil.rmtree(place / "forged")
    # the whole directory of a user's, in a home and beside one
    for where in (other.home, other.home / "below"):
        shutil.copytree(place, where / DELETED)
        server.own(where / DELETED)
    assert [row["id"] for row in account(server, "list -A")] == [ident]
    error = account(server, "list", "-p", str(other.home / "below"), code=65)
    assert f"{other.home}/below/{DELETED} must be a directory of uid 0 that is open to nobody else" in error


def test_the_list_makes_few_calls_for_each_account(dovecot):
    server = dovecot.own()
    user = server.user()
    user.deliver()
    server.settle()
    ident = delete(user)
    place = user.home.parent / DELETED
    record = (place / ident / "account").read_text()
    counts = []
    for first, last in ((0, 10), (10, 110)):
        for number in range(first, last):
            other = f"other{number}.20261129T080000.00000000"
            (place / other / "0").mkdir(parents=True)
            (place / other / "account").write_text(record.replace(ident, other))
        done, text = doveadm_traced(server, ["-f", "tab", "lazy-expunge", "account", "list"], "-e", "trace=all", check=True)
        assert len(done.stdout.splitlines()) == last + 2
        counts.append(len(text.splitlines()))
    assert 100 * 3 <= counts[1] - counts[0] <= 100 * CALLS_OF_LIST


@pytest.mark.native
@pytest.mark.any_format
def test_settings_that_are_wrong(dovecot):
    """Not a temporary failure, and nothing is moved. 2.4 does not begin with such values."""
    user = dovecot(lazy={"max_storage": "many"}).user()
    user.append("INBOX", message(subject="stays"))
    user.server.settle()
    for command in (("delete", "-u", user.name), ("rename", "-u", user.name, "other")):
        assert "many" in account(user.server, *command, code=78)
    assert len(user.messages()) == 1
    user.server.expect_log("many", required=False)
