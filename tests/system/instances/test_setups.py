"""The last instance in all kinds of mail storages: each mail is kept once, when its last copy goes."""

import itertools
import os
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest

from harness import Namespace, message, name, wait_for
from harness.dovecot.instances import copies
from harness.faults.full import small, take_all_bytes
from harness.faults.locks import ACCOUNT, locked

LAST = {"mailbox": "EXPUNGED", "only_last_instance": True}
DBOX = ("sdbox", "mdbox")
SETUPS = {
    "plain": {},
    "no-hardlinks": dict(raw="maildir_copy_with_hardlinks = no"),
    "shared-by-servers": dict(raw="mmap_disable = yes", fsync="always"),
    "dotlock": dict(raw="lock_method = dotlock"),
    "compressed": dict(compress="gz"),
    "encrypted": dict(crypt=True),
    "attachments": dict(raw23="mail_attachment_dir = @MAIL@/attachments\nmail_attachment_min_size = 1k",
                        raw24="mail_ext_attachment_path = @MAIL@/attachments\nmail_ext_attachment_min_size = 1k\n"
                              "mail_ext_attachment {\n  fs posix {\n  }\n}"),
    "single-instance": dict(raw23="mail_attachment_dir = @MAIL@/sis\nmail_attachment_min_size = 1k\nmail_attachment_fs = sis posix",
                            raw24="mail_ext_attachment_path = @MAIL@/sis\nmail_ext_attachment_min_size = 1k\n"
                                  "mail_ext_attachment {\n  fs sis {\n  }\n  fs posix {\n  }\n}"),
    "nfs": dict(raw="mmap_disable = yes\nmail_nfs_storage = yes\nmail_nfs_index = yes", fsync="always"),
    "virtual": dict(virtual=True),
}
ATTACHMENT = ("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n",
              "--b\nContent-Type: text/plain\n\nSee attachment.\n--b\nContent-Type: application/octet-stream\n"
              "Content-Disposition: attachment; filename=a\nContent-Transfer-Encoding: base64\n\n" + "QUJD" * 18 + "\n--b--\n")


def big_mail():
    headers, body = ATTACHMENT
    return message(headers=headers, body=body.replace("QUJD" * 18, "\n".join(["QUJD" * 18] * 60)))


def contents(mails):
    """What must survive. Dovecot 2.4.5 itself adds a keyword on attachments when a mail is copied to another format."""
    return sorted(replace(mail, keywords=mail.keywords - {"$HasAttachment", "$HasNoAttachment"}).content for mail in mails)


def copy_and_delete(user, boxes=("INBOX", "Work", "Trash", "Other"), mails=2):
    """Copy mails to all boxes, delete them in one after the other, take them out of the storage, and delete them again."""
    user.fill("INBOX", [big_mail() for _ in range(mails)])
    with user.imap("INBOX") as session:
        for box in boxes[1:]:
            session(f"CREATE {name(box)}")
            session.ok(f"UID COPY 1:* {name(box)}")
    before = contents(user.messages())
    for box in boxes:
        assert user.kept() == [], f"before the last instances went, in {box}"
        with user.imap(box) as session:
            assert len(session.delete().lines("EXPUNGE")) == mails
    kept = user.kept()
    assert contents(kept) == before
    assert {mail.origin for mail in kept} == {boxes[-1]}
    wait_for(lambda: time.time() > max(mail.saved for mail in kept) + 1, "another second")
    with user.imap(user.server.config.storage) as session:
        session.ok("UID COPY 1:* INBOX")
        session.select("INBOX")
        session.delete()
    again = user.kept()
    assert contents(again) == before
    assert {mail.origin for mail in again} == {"INBOX"}
    assert min(mail.saved for mail in again) > max(mail.saved for mail in kept), "the time of the new deletion"


@pytest.mark.parametrize("setup", SETUPS)
def test_mails_with_several_copies_are_kept_once_with_the_last(dovecot, setup):
    server = dovecot(lazy=LAST, **SETUPS[setup])
    user = server.user()
    copy_and_delete(user)
    directory = {"attachments": "attachments", "single-instance": "sis"}.get(setup)
    if directory and dovecot.format != "maildir":
        assert any(path.is_file() for path in (server.mail_root / directory).rglob("*")), "attachments lie in files of their own"


@pytest.mark.formats(*DBOX)
def test_copies_in_the_alternative_storage(dovecot):
    form = dovecot.format
    user = dovecot(lazy=LAST, raw23=f"mail_location = {form}:~/{form}:ALT=~/alt", raw24="mail_alt_path = ~/alt").user()
    copies(user, 2, "Work")
    user.doveadm("altmove", "mailbox", "INBOX", "all")
    before = sorted(mail.content for mail in user.messages())
    for box in ("INBOX", "Work"):
        assert user.kept() == []
        with user.imap(box) as session:
            session.delete()
    assert sorted(mail.content for mail in user.kept()) == before


@pytest.mark.parametrize("other", ["maildir", "sdbox", "mdbox"])
def test_copies_in_a_namespace_of_its_own(dovecot, other):
    user = dovecot(lazy=LAST, namespaces=(Namespace("archive", "Archive/", format=other, path=f"~/archive-{other}"),)).user()
    copy_and_delete(user, ("INBOX", "Archive/Old", "Work", "Archive/New"))


def test_copies_on_another_file_system(tmpfs, dovecot):
    archive = Namespace("archive", "Archive/", format=dovecot.format, path="@ROOT@/archive/%s" % dovecot.format)

    def make_archive(server):
        (server.root / "archive").mkdir()
        server.own(server.root / "archive")
    server = dovecot.own(lazy=LAST, mail_root=tmpfs("20m"), prepare=make_archive, namespaces=(archive,))
    assert server.mail_root.stat().st_dev != server.root.stat().st_dev
    copy_and_delete(server.user(), ("INBOX", "Archive/Old", "Work"))


def test_a_broken_mailbox_in_the_account_is_no_instance(dovecot):
    server = dovecot.own(lazy=LAST)
    user = server.user()
    other = server.user()
    user.deliver(others=[other])
    with user.imap("INBOX") as session:
        session.ok("CREATE Work")
        session.ok("UID COPY 1 Work")
        session.ok("CREATE Closed")
    before = user.messages()
    closed = [path for path in user.mail_path.rglob("*") if path.name in ("Work", ".Work") and path.is_dir()]
    assert len(closed) == 1
    os.chown(closed[0], 0, 0)
    os.chmod(closed[0], 0)
    with user.imap("INBOX") as session:
        session.delete()
    server.settle()
    server.expect_log("ermission denied|lacks|Couldn't|failed", required=False)
    os.chown(closed[0], 61357, 61357)
    os.chmod(closed[0], 0o700)
    assert [mail.guid for mail in user.kept()] == [mail.guid for mail in before]


def test_a_lock_that_is_not_to_be_had_ends_in_keep(dovecot):
    """The deletion of a mailbox, which holds the mailbox list's lock, waits for the account's for five seconds."""
    server = dovecot.own(lazy=LAST)
    user = server.user()
    copies(user, 2, "Work")
    lock = user.home / ACCOUNT
    lock.touch()
    user.server.own(lock)
    with locked(lock):
        with user.imap() as session:
            began = time.monotonic()
            session.ok("DELETE Work")
            assert 2 < time.monotonic() - began < 20
    assert len(user.kept()) == 2 and len(user.messages()) == 2, "in doubt everything is kept"
    with user.imap("INBOX") as session:
        began = time.monotonic()
        session.delete()
        assert time.monotonic() - began < 5
    kept = [mail.guid for mail in user.kept()]
    assert len(kept) == len(set(kept)) == 2


def expunge(session, user):
    return session.send("EXPUNGE")


def move_away(session, user):
    return session.send("UID MOVE 1:* Moved")


def close(session, user):
    return session.send("CLOSE")


@pytest.mark.parametrize("sessions", [2, 4, 8])
@pytest.mark.parametrize("ways", [(expunge,), (expunge, move_away), (close, expunge)], ids=lambda ways: "+".join(w.__name__ for w in ways))
def test_sessions_that_delete_all_copies_at_once(dovecot, sessions, ways):
    user = dovecot(lazy=LAST).user()
    boxes = ["INBOX"] + [f"Box{number}" for number in range(1, sessions)]
    guids = copies(user, 20, *boxes[1:])
    with user.imap() as session:
        session.ok("CREATE Moved")
    clients = [user.imap(box) for box in boxes]
    for client in clients:
        client.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    tags = [way(client, user) for client, way in zip(clients, itertools.cycle(ways))]
    assert all(client.finish(tag).ok for client, tag in zip(clients, tags))
    live = {mail.guid for mail in user.messages("*")}
    kept = [mail.guid for mail in user.kept()]
    assert sorted(live | set(kept)) == guids and len(kept) == len(set(kept))
    if move_away not in ways:
        assert sorted(kept) == guids


def test_two_servers_on_one_mail_store(dovecot):
    fields = dict(lazy=LAST, raw="mmap_disable = yes\nlock_method = fcntl", fsync="always")
    first = dovecot.own(**fields)
    second = dovecot.own(mail_root=first.mail_root, **fields)
    here = first.user()
    there = second.user(here.name)
    guids = copies(here, 30, "Work")
    clients = [here.imap("INBOX"), there.imap("Work")]
    for client in clients:
        client.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    tags = [client.send("EXPUNGE") for client in clients]
    assert all(client.finish(tag).ok for client, tag in zip(clients, tags))
    assert sorted(mail.guid for mail in there.kept()) == guids


def test_doveadm_expunges_all_mailboxes_at_once(dovecot):
    user = dovecot(lazy=LAST).user()
    guids = copies(user, 5, "A", "B", "Trash")
    user.doveadm("expunge", "(", "mailbox", "INBOX", "or", "mailbox", "A", "or", "mailbox", "B", "or", "mailbox", "Trash", ")", "all")
    assert user.messages("*", ("not", "mailbox", LAST["mailbox"])) == []
    assert sorted(mail.guid for mail in user.kept()) == guids


@pytest.mark.parametrize("command", ["EXPUNGE", "UID MOVE 1:* Work"])
def test_on_a_full_file_system_a_delete_is_refused_or_done(tmpfs, dovecot, command):
    path = tmpfs("8m")
    server = dovecot.own(lazy=LAST, mail_root=path)
    user = server.user()
    user.fill("INBOX", [big_mail() for _ in range(20)])
    with user.imap() as session:
        session.ok("CREATE Work")
    before = contents(user.messages())
    session = user.imap("INBOX")
    session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    filler = take_all_bytes(path)
    session(command)
    session.close()
    server.settle()
    server.expect_log(r"^(?!.*(Panic|signal 11))|Panic: Leaked view for index", required=False)
    filler.unlink()
    user.doveadm("fetch", "uid", "mailbox", "*", "all", check=False)
    found = {mail.guid: mail for mail in user.messages("*") + user.kept()}
    assert contents(found.values()) == before, "nothing is lost"
    for mailbox in ("INBOX", "Work"):
        with user.imap(mailbox) as session:
            if session.search():
                session.delete()
    kept = user.kept()
    assert contents(kept) == before, "and all works when there is space again"


@pytest.fixture
def tmpfs():
    """tmpfs(size): an empty file system of this size."""
    with ExitStack() as mounted:
        yield lambda size: mounted.enter_context(small(size))
