"""A Maildir storage takes mail by a link, without its index, and falls back to a copy where that cannot be."""

import os
import re
import time

import pytest

from harness import message
from harness.faults.inject import doveadm_traced, session_process, traced

pytestmark = pytest.mark.formats("maildir")
LAST = dict(only_last_instance=True)
STORAGE = "EXPUNGED"


def account(dovecot, origins=("INBOX",), lazy=None, **fields):
    """A user whose storage exists and has letters for these origins."""
    user = dovecot(lazy=dict({"mailbox": STORAGE}, **(lazy or {})), **fields).user()
    for name in origins:
        user.append(name, create=name != "INBOX")
        user.doveadm("expunge", "mailbox", name, "all")
    assert len(user.kept()) == len(origins)
    user.doveadm("expunge", "mailbox", STORAGE, "all")
    return user


def files(user, directory=f".{STORAGE}/cur"):
    return sorted(path.name for path in (user.mail_path / directory).iterdir())


def state(user):
    """What changes when the storage is opened and written to."""
    return [(user.mail_path / f".{STORAGE}" / name).stat().st_mtime_ns for name in ("dovecot-uidlist", "dovecot.index.log")]


def delete(user, mailbox="INBOX"):
    with user.imap(mailbox) as session:
        session.delete()


def test_a_delete_links_the_file_and_leaves_the_index_alone(dovecot):
    user = account(dovecot)
    user.append(flags="\\Seen \\Flagged \\Deleted", date="01-Feb-2020 10:00:00 +0000")
    [before] = user.messages()
    inode = os.stat(user.mail_path / "cur" / files(user, "cur")[0]).st_ino
    unchanged = state(user)
    delete(user)
    [name] = files(user)
    # flags, the letter of the origin, and the deletion
    assert re.fullmatch(rf"{re.escape(before.guid)}:2,FSa,d[0-9a-f]{{8}}", name), name
    assert os.stat(user.mail_path / f".{STORAGE}/cur" / name).st_ino == inode
    assert state(user) == unchanged
    [kept] = user.kept()
    assert kept.content == before.content and kept.origin == "INBOX"
    assert abs(kept.saved - time.time()) < 30


def test_an_expunge_of_many_is_all_links(dovecot):
    user = account(dovecot, lazy=LAST)
    user.fill("INBOX", 1200)
    before = {mail.guid for mail in user.messages()}
    unchanged = state(user)
    delete(user)
    assert state(user) == unchanged
    assert {mail.guid for mail in user.kept()} == before and len(files(user)) == 1200


def test_a_keyword_without_a_letter_is_kept_by_a_copy(dovecot):
    user = account(dovecot)
    user.append(flags="newword")
    user.append(flags="\\Seen")
    before = user.messages()
    delete(user)
    kept = user.kept()
    assert sorted(mail.content for mail in kept) == sorted(mail.content for mail in before)
    assert {mail.origin for mail in kept} == {"INBOX"}
    # from now on it has one
    user.append(flags="newword")
    [later] = user.messages()
    unchanged = state(user)
    delete(user)
    assert state(user) == unchanged
    assert later.content in [mail.content for mail in user.kept()]


def test_more_origins_than_letters(dovecot):
    user = account(dovecot)
    names = [f"Folder{number:02}" for number in range(30)]
    for name in names:
        user.append(name, create=True)
    for _ in range(2):
        for name in names:
            delete(user, name)
            user.append(name)
    kept = user.kept()
    assert sorted(mail.origin for mail in kept) == sorted(names * 2)
    assert len({mail.guid for mail in kept}) == 60


def test_origins_that_differ_in_case_stay_apart(dovecot):
    user = account(dovecot, origins=("INBOX", "foo", "Foo"))
    for name in ("foo", "Foo", "foo"):
        user.append(name)
        delete(user, name)
    assert sorted(mail.origin for mail in user.kept()) == ["Foo", "foo", "foo"]


def test_copies_of_one_mail_do_not_get_one_name(dovecot):
    """Each of two copies is kept without only_last_instance; Dovecot would rename files of one base name."""
    user = account(dovecot)
    user.append()
    with user.imap("INBOX") as session:
        session.ok("CREATE Copies")
        session.ok("COPY 1 Copies")
    [before] = user.messages("INBOX")
    delete(user)
    delete(user, "Copies")
    kept = user.kept()
    assert [mail.guid for mail in kept] == [before.guid] * 2
    assert sorted(mail.origin for mail in kept) == ["Copies", "INBOX"]


def test_a_mail_that_comes_back_and_goes_again_is_there_once(dovecot):
    user = account(dovecot, lazy=LAST)
    user.append()
    [before] = user.messages()
    for _ in range(3):
        delete(user)
        user.doveadm("copy", "INBOX", "mailbox", STORAGE, "all")
    delete(user)
    [kept] = user.kept()
    assert kept.content == before.content


def test_a_backup_by_hard_links_does_not_change_the_deletion_time(dovecot):
    user = account(dovecot)
    user.append()
    delete(user)
    deleted = user.kept()[0].saved
    time.sleep(2.1)
    [name] = files(user)
    os.link(user.mail_path / f".{STORAGE}/cur" / name, user.home / "backup")
    assert user.kept()[0].saved == deleted


@pytest.mark.parametrize("fields", [{"quota": None, "lazy": {"quota_ignore": False}}, {"mail_plugins": ("notify", "mail_log")},
                                    {"crypt": True}, {"raw": "mail_fsync = always"}, {"raw": "mail_nfs_storage = yes\nmmap_disable = yes"},
                                    {"raw": "maildir_copy_with_hardlinks = no"}], ids=str)
def test_other_settings_keep_too(dovecot, fields):
    user = account(dovecot, **fields)
    user.append(flags="\\Seen")
    [before] = user.messages()
    delete(user)
    [kept] = user.kept()
    assert kept.content == before.content and kept.origin == "INBOX"


@pytest.mark.parametrize("error", ["EXDEV", "ENOSPC", "EMLINK", "EPERM", "EDQUOT"])
def test_a_link_that_fails_is_made_up_for_by_a_copy(dovecot, error):
    user = account(dovecot)
    user.append()
    [before] = user.messages()
    user.server.expect_log("", required=False)
    doveadm_traced(user.server, ["expunge", "-u", user.name, "mailbox", "INBOX", "all"],
                   "-e", "trace=link,linkat", "-e", f"inject=link,linkat:error={error}:when=1")
    contents = [mail.content for mail in user.messages() + user.kept()]
    assert before.content in contents and len(contents) == 1


@pytest.mark.parametrize("syscall", ["link", "unlink", "rename", "write", "pwrite64", "openat", "fcntl"])
def test_killed_at_any_call_it_is_never_lost(dovecot, syscall):
    for number in range(1, 40):
        user = account(dovecot) if number == 1 else user
        user.append()
        [before] = user.messages()
        user.server.expect_log("", required=False)
        done, _ = doveadm_traced(user.server, ["expunge", "-u", user.name, "mailbox", "INBOX", "all"],
                                 "-e", f"trace={syscall}", "-e", f"inject={syscall}:signal=KILL:when={number}")
        for lock in user.mail_path.rglob("dovecot-uidlist.lock"):
            # it goes stale by itself, after two minutes
            lock.unlink()
        found = user.messages() + user.kept()
        assert before.content in [mail.content for mail in found], f"{syscall} {number}"
        user.doveadm("expunge", "mailbox", "INBOX", "all")
        user.doveadm("expunge", "mailbox", STORAGE, "all")
        if done.code == 0:
            break


def test_a_rollback_takes_the_links_back(dovecot):
    user = account(dovecot)
    user.append()
    user.append(flags="newword")
    user.server.expect_log("", required=False)
    with user.imap("INBOX") as session:
        session.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        with traced(user.server, [session_process(user.server)], "-e", "trace=rename", "-P",
                    str(user.mail_path / f".{STORAGE}/cur"), "-e", "inject=rename:error=ENOSPC"):
            session("EXPUNGE")
    found = user.messages() + user.kept()
    assert len({mail.guid for mail in found}) == 2


def test_only_what_is_lost_is_logged_as_lost(dovecot):
    user = account(dovecot, lazy={"on_failure": "expunge"})
    uids = [user.append(), user.append(flags="newword"), user.append()]
    linked = [mail.guid for mail in user.messages() if mail.uid != uids[1]]
    user.server.expect_log("", required=False)
    with user.imap("INBOX") as session:
        session.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        with traced(user.server, [session_process(user.server)], "-e", "trace=rename", "-e", "inject=rename:error=ENOSPC"):
            assert len(session.ok("EXPUNGE").lines("EXPUNGE")) == 3
    user.server.settle()
    lost = [line for line in user.server.log() if "Deleted mail was not kept" in line]
    assert len(lost) == 1 and f"UID {uids[1]}:" in lost[0], user.server.log()
    assert user.messages() == [] and sorted(mail.guid for mail in user.kept()) == sorted(linked)


def test_a_storage_that_is_deleted_meanwhile_is_made_anew(dovecot):
    user = account(dovecot)
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        session.delete("*")
        user.doveadm("mailbox delete", STORAGE)
        session.delete("*")
        user.doveadm("mailbox rename", STORAGE, "Other")
        session.delete("*")
    assert len(user.kept()) == 1 and len(user.messages("Other")) == 1
