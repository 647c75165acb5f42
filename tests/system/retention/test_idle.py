"""doveadm lazy-expunge maintain of users for whom there is nothing to do: known without a look, and never believed too long."""

import os
import re
import shutil
import time

import pytest

from harness import wait_for
from harness.dovecot.config import Mailbox, Namespace, namespace_mode
from harness.dovecot.mail import message
from harness.dovecot.retention import edit_stamp, keep, maintain, retention, row, stamp_path

DAY = 86400


def stamp(user):
    """The numbers of the stamp by name; looked and next only if the next run may believe that there is nothing to do."""
    return {name: int(value) for name, value in
            re.findall("^(time|expunged|bytes|failed|looked|next) ([0-9]+)$", stamp_path(user).read_text(), re.MULTILINE)}


def next_second():
    second = int(time.time())
    wait_for(lambda: int(time.time()) > second, "the next second")


def make_noted(user, *arguments):
    """Run until there is nothing to do and the run could note it; what it noted."""
    def noted():
        rows, _ = maintain(user.server, *(arguments or ("-u", user.name)))
        assert not any(found["failed"] for found in rows)
        return "next" in stamp(user)
    wait_for(noted, "a stamp that says until when there is nothing to do", seconds=60, interval=0.5)
    return stamp(user)


def make_idle(user, *arguments):
    """Run until a run does not look any more (the first looks may change indexes); the stamp."""
    def idle():
        before = make_noted(user, *arguments)
        next_second()
        after = make_noted(user, *arguments)
        return after["looked"] == before["looked"]
    wait_for(idle, "a run that does not look", seconds=60)
    return stamp(user)


def looks(user):
    """Run it once more; whether it looked at the mailboxes, and its row."""
    before = stamp(user)
    next_second()
    [done], _ = maintain(user.server, "-u", user.name)
    after = stamp(user)
    assert after["time"] > before["time"]
    return after.get("looked") != before["looked"], done



def test_nothing_is_created_and_nothing_opened(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge="30d"))).user()
    keep(user, 2)
    noted = make_idle(user)
    assert noted["looked"] < noted["next"] <= noted["looked"] + 25 * 3600
    files = {path: path.stat().st_ctime_ns for path in user.home.rglob("*") if path != stamp_path(user)}
    inode = stamp_path(user).stat().st_ino
    looked, done = looks(user)
    assert not looked and done == row()
    assert files == {path: path.stat().st_ctime_ns for path in user.home.rglob("*") if path != stamp_path(user)}
    assert stamp_path(user).stat().st_ino == inode
    assert len(user.kept()) == 2


def test_a_mail_becomes_due(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge="25s"))).user()
    keep(user, 2)
    first = min(mail.saved for mail in user.kept())
    noted = make_noted(user)
    assert noted["next"] == first + 25
    wait_for(lambda: time.time() > max(mail.saved for mail in user.kept()) + 26, "the mail to be due", seconds=60)
    assert maintain(user.server, "-u", user.name)[0][0]["expunged"] == 2 and user.kept() == []
    assert "next" not in stamp(user)


def test_mail_comes_and_goes(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=3))).user()
    keep(user, 2)
    make_idle(user)
    keep(user, 2)
    assert maintain(user.server, "-u", user.name)[0][0]["expunged"] == 1 and len(user.kept()) == 3
    make_idle(user)
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "all")
    looked, done = looks(user)
    assert looked and done == row() and user.kept() == []


@pytest.mark.formats("mdbox")
def test_freed_blocks_come_back_after_all(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge="30d"))).user()
    keep(user, 1)
    make_idle(user)
    files = lambda: list(user.home.rglob("storage/m.*"))
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "all")
    assert files()
    maintain(user.server, "-u", user.name)
    assert files() == []


@pytest.mark.formats("maildir")
@pytest.mark.parametrize("directory", ["new", "cur"])
def test_another_program_delivers(dovecot, directory):
    user = dovecot(**retention(Mailbox("Junk", autoexpunge_max_mails=1))).user()
    user.doveadm("mailbox create", "Junk")
    user.doveadm("save", "-m", "Junk", input=message())
    make_idle(user)
    path = user.home / "Maildir/.Junk" / directory / ("1600000000.M1P1.other" + (":2,S" if directory == "cur" else ""))
    path.write_bytes(message())
    user.server.own(user.home)
    assert maintain(user.server, "-u", user.name)[0][0]["expunged"] == 1
    assert len(user.messages("Junk")) == 1


def test_replicated_mail_is_due_when_it_comes(dovecot):
    fields = retention(Mailbox("Junk", autoexpunge="20s"))
    here = dovecot.own(**retention()).user()
    server = dovecot.own(**fields)
    there = server.user(here.name)
    here.doveadm("mailbox create", "Junk")
    here.sync(server)
    make_noted(there)
    here.doveadm("save", "-m", "Junk", input=message())
    saved = [mail.saved for mail in here.messages("Junk")]
    wait_for(lambda: time.time() > saved[0] + 21, "the mail to be old", seconds=60)
    here.sync(server)
    assert [mail.saved for mail in there.messages("Junk")] == saved
    assert maintain(server, "-u", there.name)[0][0]["expunged"] == 1
    assert there.messages("Junk") == []


def test_the_users_retention_changes(dovecot):
    server = dovecot.own(passwd_file=True, **retention(Mailbox(".EXPUNGED", autoexpunge="30d", autoexpunge_max_mails=100)))
    user = server.user()
    server.write_users([user])
    keep(user, 3)
    make_idle(user, "-A")
    next_second()
    server.write_users([(user, {"namespace/inbox/mailbox/.EXPUNGED/autoexpunge_max_mails": "1"})])
    rows, _ = maintain(server, "-A")
    assert [found["expunged"] for found in rows] == [2] and len(user.kept()) == 1


@pytest.mark.parametrize("new", [dict(max_storage="1"), dict(mailbox="Junk")])
def test_the_settings_change(dovecot, new):
    mailboxes = (Mailbox("EXPUNGED", autoexpunge="30d"), Mailbox("Junk", auto="create"))
    before = dovecot.own(**retention(*mailboxes, mailbox="EXPUNGED"))
    user = before.user()
    keep(user, 2)
    make_idle(user)
    after = dovecot.own(mail_root=before.mail_root, **retention(*mailboxes, **dict(dict(mailbox="EXPUNGED"), **new)))
    same = after.user(user.name)
    looked, done = looks(same)
    assert looked and done["expunged"] == (2 if "max_storage" in new else 0)


def test_the_clock_changes(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge="30d"))).user()
    keep(user, 1)
    for name, seconds in (("looked", 3600), ("next", -1), ("looked", -25 * 3600 - 1)):
        make_idle(user)
        edit_stamp(user, name, int(time.time()) + seconds)
        looked, done = looks(user)
        assert looked and done == row(), name
    make_idle(user)
    edit_stamp(user, "looked", int(time.time()) - 20 * 3600)
    assert not looks(user)[0]


def test_a_broken_stamp_is_not_believed(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=1))).user()
    keep(user, 1)
    make_idle(user)
    good = stamp_path(user).read_text()
    for number, text in enumerate((good[:-9], good[:good.index("settings ")], good.replace("\nsum ", "\nsun "), "nonsense\n", "")):
        stamp_path(user).write_text(text)
        next_second()
        [done], _ = maintain(user.server, "-u", user.name)
        assert done == row() and stamp(user)["looked"] > int(re.search("looked ([0-9]+)", good)[1]), number
    edit_stamp(user, "next", int(time.time()) + DAY - 60, right_sum=False)
    assert looks(user)[0]


def test_a_new_mailbox_of_a_wildcard(dovecot):
    fields = namespace_mode(dovecot.format, only_last_instance=False)
    [namespace] = fields["namespaces"]
    fields["namespaces"] = (Namespace(**{**namespace.__dict__, "mailboxes": (Mailbox("*", autoexpunge_max_mails=1),)}),)
    user = dovecot(**fields).user()
    keep(user, 1, "Work")
    make_idle(user)
    assert not looks(user)[0]
    keep(user, 2, "Other/Deep")
    assert maintain(user.server, "-u", user.name)[0][0]["expunged"] == 1
    assert len(user.kept()) == 2


def test_a_new_mailbox_counts_for_the_cap(dovecot):
    user = dovecot(**namespace_mode(dovecot.format, only_last_instance=False, max_storage="1000")).user()
    keep(user, [message(body="x" * 300 + "\n")], "a")
    make_idle(user)
    assert not looks(user)[0]
    keep(user, [message(body="x" * 300 + "\n") for _ in range(2)], "b")
    maintain(user.server, "-u", user.name)
    assert sorted(user.mailboxes()) and len(user.kept()) == 2


def test_a_mailbox_is_replaced_by_another(dovecot):
    user = dovecot(**retention(Mailbox("Junk", autoexpunge_max_mails=1))).user()
    for mailbox, number in (("Junk", 1), ("Other", 3)):
        user.doveadm("mailbox create", mailbox)
        for _ in range(number):
            user.doveadm("save", "-m", mailbox, input=message())
    make_idle(user)
    user.doveadm("mailbox rename", "Junk", "Old")
    user.doveadm("mailbox rename", "Other", "Junk")
    assert maintain(user.server, "-u", user.name)[0][0]["expunged"] == 2
    assert len(user.messages("Junk")) == 1


def test_a_plan_always_looks(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge="30d"))).user()
    keep(user, 1)
    before = make_idle(user)
    maintain(user.server, "-u", user.name, "-n")
    assert stamp(user) == before


def test_it_cannot_be_noted(dovecot):
    """A stamp that may not be written is no reason to believe an old one, nor to fail without a word."""
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=1))).user()
    keep(user, 1)
    make_idle(user)
    stamp_path(user).unlink()
    stamp_path(user).mkdir()
    keep(user, 1)
    try:
        rows, done = maintain(user.server, "-u", user.name, check=False)
        assert rows[0]["expunged"] == 1 and rows[0]["failed"] == 1 and done.code == 75
        assert b"Cannot record the maintenance" in done.stderr
    finally:
        shutil.rmtree(stamp_path(user))


def test_the_lock_file_stays(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=1))).user()
    lock = user.home / ".dovecot.lazy-expunge-maintain.lock"
    keep(user, 2)
    maintain(user.server, "-u", user.name)
    before = os.stat(lock).st_ino
    keep(user, 1)
    assert maintain(user.server, "-u", user.name)[0][0]["expunged"] == 1
    assert os.stat(lock).st_ino == before
