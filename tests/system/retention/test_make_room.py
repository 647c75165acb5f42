"""maintain --make-room: the oldest mails of all users make room, also where not one byte or inode is free."""

import json
import os
import time
from contextlib import ExitStack

import pytest

from harness import wait_for
from harness.dovecot.config import namespace_mode
from harness.dovecot.mail import message
from harness.faults.full import free, small, small_ext4, take_all, take_all_bytes, take_all_inodes
from harness.faults.inject import doveadm_traced

FULL = {"bytes": (take_all_bytes,), "inodes": (take_all_inodes,), "both": (take_all,)}
BIG, SMALL = 14000, 700
USERS = 3
MAILS = 12


def mails(number, size):
    return [message(body=("x" * 69 + "\n") * (size // 70)) for _ in range(number)]


def another_second(user):
    newest = max(mail.saved for mail in user.kept())
    wait_for(lambda: time.time() > newest + 1, "another second")


@pytest.fixture
def disk():
    with small() as path:
        yield path


def fleet(dovecot, disk, size=BIG, users=USERS, **fields):
    """A server with users who have mail in INBOX and in the storage: half of it of each user in turn, then the other half."""
    server = dovecot.own(mail_root=disk, passwd_file=True, **fields)
    found = [server.user() for _ in range(users)]
    server.write_users(found)
    for user in found:
        user.fill("INBOX", mails(MAILS, size))
        user.fill("INBOX", mails(4, size), flags="\\Seen")
    for part in (f"1:{MAILS // 2}", f"{MAILS // 2 + 1}:{MAILS}"):
        for user in found:
            user.doveadm("expunge", "mailbox", "INBOX", "uid", part)
            another_second(user)
    return server, found


def make_room(server, size, *arguments, check=True):
    who = arguments if "-u" in arguments or "-F" in arguments else ("-A", *arguments)
    done = server.doveadm("-f", "json", "lazy-expunge", "maintain", "--make-room", str(size), *who, check=check)
    return json.loads(done.stdout or b"[]"), done


def contents(found):
    return sorted(mail.content for mail in found)


def living(users):
    return [contents(user.messages()) for user in users]


def files_of_mail(users):
    """All files of the users that have mail, and their content."""
    return {path: path.read_bytes() for user in users for path in user.home.rglob("*")
            if path.is_file() and (path.parent.name in ("cur", "new") or path.name.startswith(("u.", "m.")))}


def works_again(user):
    """Whoever has room again can delete, and what is deleted is kept."""
    before = len(user.kept())
    user.doveadm("expunge", "mailbox", "INBOX", "uid", str(user.messages()[0].uid))
    assert len(user.kept()) == before + 1


@pytest.mark.parametrize("full", FULL)
def test_room_is_made_on_a_full_disk(dovecot, disk, full):
    room_is_made(dovecot, disk, full)


def room_is_made(dovecot, disk, full):
    server, users = fleet(dovecot, disk)
    before, kept = living(users), [user.kept() for user in users]
    for take in FULL[full]:
        take(disk)
    wanted = 300 * 1024
    planned, said = make_room(server, wanted, "-n")
    assert b"would be free again" in said.stderr
    was = free(disk)[0]
    rows, _ = make_room(server, wanted)
    assert free(disk)[0] - was >= wanted * 15 / 16 and free(disk)[1] > 0
    assert [(row["username"], row["messages"]) for row in sorted(rows, key=str)] == \
        [(row["username"], row["messages"]) for row in sorted(planned, key=str)]
    gone = [len(mails) - len(user.kept()) for user, mails in zip(users, kept)]
    taken = {row["username"]: row["messages"] for row in rows}
    assert gone == [taken.get(user.name, 0) for user in users] and all(row["failed"] == 0 for row in rows)
    # the first halves went first, in the order in which they were deleted
    assert gone[0] >= MAILS // 2 and gone[1] >= MAILS // 2 and sum(gone) < USERS * MAILS
    for user, mails_before in zip(users, kept):
        oldest_first = sorted(mails_before, key=lambda mail: (mail.saved, mail.uid))
        assert contents(user.kept()) == contents(oldest_first[len(oldest_first) - len(user.kept()):])
    assert living(users) == before, "nobody lost a mail that was not deleted"
    works_again(users[0])


@pytest.mark.parametrize("full", FULL)
def test_room_is_made_on_a_full_device(dovecot, full):
    """What is written later, and holes in files, are another matter there than in memory."""
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(small_ext4())
        except RuntimeError as why:
            pytest.skip(f"full disks: {why}")
        room_is_made(dovecot, disk, full)


@pytest.mark.parametrize("full", FULL)
def test_small_mails_on_a_full_disk(dovecot, disk, full):
    """In mdbox no block lies within one of them: the files must be written anew."""
    server, users = fleet(dovecot, disk, SMALL)
    before = living(users)
    for take in FULL[full]:
        take(disk)
    was = free(disk)[0]
    rows, _ = make_room(server, "40k", check=False)
    assert all(row["failed"] == 0 for row in rows)
    assert free(disk)[0] - was >= 20000
    assert living(users) == before
    works_again(users[0])


def test_one_user_on_a_full_disk(dovecot, disk):
    server, users = fleet(dovecot, disk)
    others = [contents(user.kept()) for user in users[1:]]
    for take in FULL["both"]:
        take(disk)
    [row], _ = make_room(server, "100k", "-u", users[0].name)
    assert free(disk)[0] >= 100 * 1024 * 15 / 16
    assert row["messages"] == MAILS - len(users[0].kept()) and "username" not in row
    assert [contents(user.kept()) for user in users[1:]] == others


@pytest.mark.parametrize("full", FULL)
def test_mail_that_no_session_has_seen_in_the_storage(dovecot, disk, full):
    """In a Maildir it has no UID yet, and cannot get one."""
    server = dovecot.own(mail_root=disk)
    user = server.user()
    user.fill("INBOX", mails(MAILS, BIG))
    with user.imap("INBOX") as session:
        session.ok("UID STORE 1:10 +FLAGS.SILENT (\\Deleted)")
        session.ok("EXPUNGE")
    for take in FULL[full]:
        take(disk)
    [planned], _ = make_room(server, "100k", "-u", user.name, "-n")
    [row], _ = make_room(server, "100k", "-u", user.name)
    assert planned["messages"] == row["messages"] > 0
    assert len(user.kept()) == 10 - row["messages"] and len(user.messages()) == 2
    works_again(user)


@pytest.mark.formats("mdbox")
def test_a_storage_that_cannot_be_opened_for_want_of_a_block(dovecot, disk):
    """Its index has the last expunge and the map has not, whose log has no block left: to open it means to write there."""
    server = dovecot.own(mail_root=disk, raw="mdbox_rotate_size = 50k\n")
    user, before, live = unopenable(server, disk)
    was = free(disk)[0]
    assert make_room(server, "100k", "-u", user.name, "-n", check=False)[1].code == 75 and free(disk)[0] == was
    [row], done = make_room(server, "100k", "-u", user.name)
    # what was expunged before is enough
    assert row["messages"] == row["failed"] == 0 and free(disk)[0] >= 100 * 1024 * 15 / 16, done
    after = contents(user.kept())
    # of the mail whose expunge failed it is not known
    assert contents(user.messages()) == live and set(map(repr, before)) <= set(map(repr, after)) and len(after) <= len(before) + 1
    works_again(user)


def unopenable(server, disk):
    """A user with such a storage, what stays in it, and what is in INBOX. Which of the logs ends at a block's end is a matter of how much is in it."""
    server.expect_log("No space left on device|Unknown internal error", required=False)
    for number in range(70, 100, 3):
        user = server.user()
        user.fill("INBOX", mails(number + 4, BIG))
        with user.imap("INBOX") as session:
            session.delete(f"1:{number}")
        server.settle()
        kept, live = user.kept(), contents(user.messages())
        take_all_bytes(disk)
        for uid in range(1, number):
            if user.doveadm("expunge", "mailbox", ".EXPUNGED", "uid", str(uid), check=False).code != 0:
                break
        before = contents(mail for mail in kept if mail.uid > uid)
        if user.doveadm("lazy-expunge list", "all", check=False).code == 75:
            return user, before, live
        (disk / "filler").unlink()
    raise AssertionError("all of them can be opened")


def test_namespace_mode_on_a_full_disk(dovecot, disk):
    server, users = fleet(dovecot, disk, **namespace_mode(dovecot.format, only_last_instance=False))
    for take in FULL["both"]:
        take(disk)
    part = server.root / "part"
    part.write_text(f"{users[0].name}\n{users[2].name}\n")
    rows, _ = make_room(server, "200k", "-F", part)
    assert sum(row["messages"] for row in rows) == sum(MAILS - len(user.kept()) for user in users) > 0
    assert free(disk)[0] >= 200 * 1024 * 15 / 16 and len(users[1].kept()) == MAILS


def test_a_plan_changes_nothing(dovecot, disk):
    server, users = fleet(dovecot, disk)
    before = files_of_mail(users)
    take_all_bytes(disk)
    rows, _ = make_room(server, "300k", "-n")
    assert files_of_mail(users) == before and len(before) >= USERS
    first = [min(mail.saved for mail in user.kept()) for user in users]
    assert [row["username"] for row in rows] == [user.name for user in users[:len(rows)]] and len(rows) >= 2
    assert all(row["messages"] > 0 and row["bytes"] > 0 for row in rows)
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(stamp)) for stamp in first]
    assert [row["oldest"][:19] for row in rows] == stamps[:len(rows)]


def test_what_is_held_stays(dovecot, disk):
    server, users = fleet(dovecot, disk)
    users[0].doveadm("lazy-expunge hold", "-N", "all")
    subject = users[1].kept()[0].subject
    users[1].doveadm("lazy-expunge hold", "-N", "one", "subject", subject)
    for take in FULL["both"]:
        take(disk)
    rows, done = make_room(server, "7m", check=False)
    assert done.code == 69 and b"Less than --make-room asks for" in done.stderr
    assert len(users[0].kept()) == MAILS and users[0].name not in [row["username"] for row in rows]
    assert [mail.subject for mail in users[1].kept()] == [subject]
    assert users[2].kept() == []


@pytest.mark.formats("maildir", "sdbox")
def test_a_mail_with_another_hard_link_would_free_nothing(dovecot, disk):
    server, users = fleet(dovecot, disk, users=1)
    backup = disk / "backup"
    backup.mkdir()
    files = [path for path in users[0].home.rglob("*") if path.is_file() and path.stat().st_size > BIG // 2]
    for path in files[:-1]:
        os.link(path, backup / path.name)
    rows, done = make_room(server, "7m", check=False)
    assert done.code == 69
    assert sum(row["messages"] for row in rows) <= 1 and len(users[0].kept()) >= MAILS - 1


@pytest.mark.formats("mdbox")
def test_a_mail_that_another_mailbox_has_would_free_nothing(dovecot, disk):
    server = dovecot.own(mail_root=disk, lazy={"only_last_instance": False})
    user = server.user()
    user.fill("INBOX", mails(6, BIG))
    user.doveadm("mailbox create", "Work")
    user.doveadm("copy", "Work", "mailbox", "INBOX", "uid", "1:4")
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    rows, done = make_room(server, "7m", "-u", user.name, check=False)
    assert done.code == 69 and rows[0]["messages"] == 2
    assert len(user.kept()) == 4 and len(user.messages("Work")) == 4


@pytest.mark.formats("mdbox")
def test_what_is_gone_already_comes_before_any_mail(dovecot, disk):
    server, users = fleet(dovecot, disk)
    users[2].doveadm("expunge", "mailbox", ".EXPUNGED", "uid", f"1:{MAILS}")
    for take in FULL["both"]:
        take(disk)
    rows, _ = make_room(server, "100k")
    assert [(row["username"], row["messages"]) for row in rows] == [(users[2].name, 0)]
    assert free(disk)[0] >= 100 * 1024 and [len(user.kept()) for user in users] == [MAILS, MAILS, 0]


@pytest.mark.parametrize("call", ["pwrite64,write", "unlink,unlinkat", "fallocate"])
def test_a_kill_loses_nothing_else(dovecot, disk, call):
    server, users = fleet(dovecot, disk, users=1)
    [user] = users
    before = contents(user.messages())
    for number in (1, 2, 5):
        everything = {mail.guid: mail.content for mail in user.kept()}
        for take in FULL["both"]:
            take(disk)
        doveadm_traced(server, ["lazy-expunge", "maintain", "-u", user.name, "--make-room", "40k"], "-P", str(user.home),
                       "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}")
        (disk / "filler").unlink()
        for path in (disk / "many").iterdir():
            path.unlink()
        (disk / "many").rmdir()
        server.expect_log(".", required=False)
        assert contents(user.messages()) == before
        rest = {mail.guid: mail.content for mail in user.kept()}
        assert set(rest.items()) <= set(everything.items()) and len(everything) - len(rest) <= 6, "no other mail went"


@pytest.mark.formats("maildir")
@pytest.mark.parametrize("arguments,words", ((("0",), "--make-room 0: the room to be made must be a size"),
                                             (("many",), "--make-room many: the room"), (("1g", "-j", "2"), "-j and --make-room cannot")))
def test_room_that_is_none_is_refused(dovecot, arguments, words):
    user = dovecot().user()
    done = user.doveadm("lazy-expunge maintain", "--make-room", *arguments, check=False)
    assert done.code == 64 and words in done.stderr.decode() and done.stdout == b""
