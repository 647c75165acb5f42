"""account undelete -m: the mail of a deleted account goes below a mailbox of one that has mail."""

import fcntl
import json
import re
import shlex

import pytest

from harness import wait_for

from harness.dovecot.accounts import DELETED, account, delete, fill, listed
from harness.dovecot.config import Namespace, namespace_mode
from harness.dovecot.mail import message
from harness.faults.inject import doveadm_traced, remove_dead_locks
from harness.machines import targets

OLD = "Old"


def facts(mail):
    # 2.4.5 adds keywords of its own to a mail that is saved
    own = {"$HasAttachment", "$HasNoAttachment"}
    return mail.guid, mail.subject, mail.flags - {"\\Recent"}, mail.keywords - own, mail.received, mail.text


def live(user, mailboxes=("INBOX", "Work", "Trash"), below=""):
    return {mailbox: sorted(map(repr, map(facts, user.messages(below + mailbox)))) for mailbox in mailboxes}


def kept(user, below=""):
    return sorted((mail.guid, mail.subject, mail.origin.removeprefix(below) if mail.origin.startswith(below) else "?" + mail.origin,
                   mail.saved, sorted(mail.flags - {"\\Recent"})) for mail in user.kept())


def with_old(dovecot, **fields):
    """A user, whose account is deleted and made anew with mail of its own: user, id, what the old one had."""
    user = dovecot.own(**fields).user()
    fill(user)
    user.append("Work", message(subject="Answered"), flags="\\Answered \\Seen one two", date="01-Jan-2021 00:00:00 +0000")
    user.server.settle()
    before = live(user), kept(user)
    ident = delete(user)
    user.deliver(message(subject="New"))
    user.server.settle()
    return user, ident, before


def merge(user, ident, *arguments, code=0):
    found = account(user.server, "undelete", ident, "-m", OLD, *arguments, code=code)
    user.server.settle()
    return found[0] if code == 0 else found


def separator(user):
    return user.server.config.separator


def assert_same(user, before):
    sep = separator(user)
    assert live(user, below=OLD + sep) == before[0]
    assert kept(user, OLD + sep) == before[1]


def test_a_plan_changes_nothing(dovecot):
    user, ident, before = with_old(dovecot)
    server, other = user.server, user.server.user()
    [row] = account(server, "undelete", ident, "-n", "-t", other.name)
    assert (row["id"], row["target"], row["result"]) == (ident, other.name, "to be brought back")
    assert "has mail" in account(server, "undelete", ident, "-n", code=65)
    row = merge(user, ident, "-n")
    assert (row["target"], row["mailbox"], row["result"]) == (user.name, OLD, "to be copied") and int(row["copied"]) > 0
    [listing] = listed(user)
    assert (listing["state"], listing["needs"]) == ("deleted", "")
    assert OLD not in user.doveadm("mailbox list").stdout.decode() and not other.home.exists()
    [row] = account(server, "undelete", ident, "-t", other.name)
    assert row["result"] == "brought back" and (live(other), kept(other)) == before


def test_the_old_mail_goes_below_a_mailbox(dovecot):
    user, ident, before = with_old(dovecot)
    sep = separator(user)
    row = merge(user, ident)
    assert (row["id"], row["target"], row["mailbox"]) == (ident, user.name, OLD)
    count = sum(map(len, before[0].values())) + len(before[1])
    assert (int(row["copied"]), int(row["present"])) == (count, 0)
    assert live(user, below=OLD + sep) == before[0]
    assert kept(user, OLD + sep) == before[1]
    assert [mail.subject for mail in user.messages("INBOX")] == ["New"]
    # nothing of the old account has gone, and nothing comes twice
    [listing] = listed(user)
    assert listing["state"] == "deleted" and f"{OLD} of {user.name}" in listing["needs"]
    done = user.server.doveadm("-f", "json", "lazy-expunge", "account", "undelete", ident, "-m", OLD)
    [row] = json.loads(done.stdout)
    assert (int(row["copied"]), int(row["present"])) == (0, count)
    user.server.settle()
    assert_same(user, before)
    # the locks lie where those of account delete do, and not with the user's files
    assert list(user.home.rglob(DELETED)) == []
    with open(user.home.parent / DELETED / f".lock.{user.name}", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        assert f"Another command is at work with the account of {user.name}" in merge(user, ident, code=75)
        (user.home.parent / DELETED / f".lock.{user.name}").unlink()
    with user.imap() as session:
        assert any(OLD.encode() in line for line in session.ok('LSUB "" *').untagged)
    user.doveadm("lazy-expunge restore", "ALL")
    assert "Lunch 0" in [mail.subject for mail in user.messages(f"{OLD}{sep}INBOX")]
    # the old account is whole, too
    other = user.server.user()
    account(user.server, "undelete", ident, "-t", other.name)
    assert (live(other), kept(other)) == before


def test_the_formats_may_differ(dovecot):
    """The new account of the name has another format than the deleted one."""
    server = dovecot.own(passwd_file=True)
    user = server.user()
    server.write_users([user])
    fill(user)
    before = live(user), kept(user)
    ident = delete(user)
    other = {"maildir": "mdbox", "sdbox": "maildir", "mdbox": "sdbox"}[dovecot.format]
    fields = {"mail_driver": other, "mail_path": "~/other"} if dovecot.target.new_settings else {"mail": f"{other}:~/other"}
    server.write_users([(user, fields)])
    key = "mail_path" if dovecot.target.new_settings else "mail"
    wait_for(lambda: "other" in server.doveadm("user", "-f", key, user.name).stdout.decode(), "userdb to have the other format")
    user.deliver(message(subject="New"))
    server.settle()
    assert (user.home / "other").exists()
    merge(user, ident)
    assert_same(user, before)
    merge(user, ident)
    assert_same(user, before)


@pytest.mark.any_format
def test_names_that_the_other_layout_forbids(dovecot):
    """A dot in a mailbox of sdbox, and a Maildir whose separator is another sign."""
    fields = {"mail_driver": "maildir", "mail_path": "~/Maildir"} if dovecot.target.new_settings else {"mail": "maildir:~/Maildir"}
    server = dovecot.own(target=dovecot.target, separator="/", passwd_file=True)
    other = dict(mail_driver="sdbox", mail_path="~/sdbox") if dovecot.target.new_settings else {"mail": "sdbox:~/sdbox"}
    user = server.user()
    server.write_users([(user, other)])
    user.append("a.b/c", message(subject="Live"), create=True)
    user.append("a.b/c", message(subject="Gone"))
    user.doveadm("expunge", "mailbox", "a.b/c", "subject", "Gone")
    server.settle()
    ident = delete(user)
    server.write_users([(user, fields)])
    user.deliver(message(subject="New"))
    server.settle()
    [row] = account(server, "undelete", ident, "-m", OLD)
    assert int(row["copied"]) == 2 and [mail.subject for mail in user.messages(f"{OLD}/a_b/c")] == ["Live"]
    user.doveadm("lazy-expunge restore", "ALL")
    assert sorted(mail.subject for mail in user.messages(f"{OLD}/a_b/c")) == ["Gone", "Live"]


@pytest.mark.formats("sdbox", "mdbox")
def test_names_and_another_separator(dovecot):
    """What is the new separator becomes another sign; a sign that an origin's keyword escapes, or looks as if it did, stays."""
    old = dovecot.own(separator="/")
    user = old.user()
    names = {"A.B/50% =2F x": "A_B.50% =2F x", "Caf\u00e9/(=)": "Caf\u00e9.(=)"}
    for name in names:
        user.append(name, message(subject=name.encode("ascii", "replace").decode()), create=True)
        user.append(name, message(subject="Gone"))
        user.doveadm("expunge", "mailbox", name, "subject", "Gone")
    ident = delete(user)
    new = dovecot.own(separator=".", mail_root=old.mail_root)
    again = new.user(user.name)
    again.deliver(message(subject="New"))
    new.settle()
    account(new, "list", "-p", str(user.home.parent))
    for _ in range(2):
        merge(again, ident)
        for name, now in names.items():
            assert [mail.subject for mail in again.messages(f"{OLD}.{now}")] == [name.encode("ascii", "replace").decode()]
        assert sorted(mail.origin for mail in again.kept()) == sorted(f"{OLD}.{now}" for now in names.values())
    again.doveadm("lazy-expunge restore", "all")
    for now in names.values():
        assert "Gone" in [mail.subject for mail in again.messages(f"{OLD}.{now}")]


def test_parts_that_lie_apart(dovecot):
    name = "%{user}" if dovecot.target.new_settings else "%u"
    user, ident, before = with_old(dovecot, raw23=f"mail_location = {dovecot.format}:~/mail:INDEX=@MAIL@/index/{name}:CONTROL=@MAIL@/control/{name}\n",
                                   raw24=f"mail_path = ~/mail\nmail_index_path = @MAIL@/index/{name}\nmail_control_path = @MAIL@/control/{name}\n")
    merge(user, ident)
    assert_same(user, before)


def test_a_namespace_of_its_own_goes_along(dovecot):
    name = "%{user}" if dovecot.target.new_settings else "%u"
    server = dovecot.own(namespaces=(Namespace("archive", "Archive/", format=dovecot.format, path=f"@MAIL@/archive/{name}"),))
    user = server.user()
    user.append("Archive/2020", message(subject="Old one"), create=True)
    [old] = user.messages("Archive/2020")
    server.settle()
    ident = delete(user)
    user.deliver(message(subject="New"))
    server.settle()
    merge(user, ident)
    sep = separator(user)
    [mail] = user.messages(f"{OLD}{sep}Archive{sep}2020")
    assert mail.guid == old.guid


def test_a_storage_of_many_mailboxes(dovecot):
    user, ident, before = with_old(dovecot, **namespace_mode(dovecot.format))
    # the deleted account, as it is read, has no such namespace, and needs none
    done = user.server.doveadm("lazy-expunge", "account", "undelete", ident, "-m", OLD)
    assert b"Error" not in done.stderr, done
    user.server.settle()
    assert_same(user, before)
    merge(user, ident)
    assert_same(user, before)


def test_users_without_a_home(dovecot):
    user, ident, before = with_old(dovecot, home=False)
    merge(user, ident)
    assert_same(user, before)
    merge(user, ident)
    assert_same(user, before)


@pytest.mark.any_format
def test_what_is_refused(dovecot):
    server = dovecot.own()
    user, held = server.user(), server.user()
    for one in (user, held):
        fill(one)
    held.doveadm("lazy-expunge hold", "-N", "case-17")
    before = live(user), kept(user)
    ident, of_held = delete(user), delete(held)
    user.deliver(message(subject="New"))
    server.settle()
    assert "no mailbox's name" in account(server, "undelete", ident, "-m", "", code=64)
    assert "this is the expunge storage" in account(server, "undelete", ident, "-m", server.config.storage, code=64)
    assert "this is the expunge storage" in account(server, "undelete", ident, "-n", "-m", server.config.storage, code=64)
    for name in ("/x", "a//b", "x" * 300, "Old/"):
        for plan in ((), ("-n",)):
            assert f"-m {name}: there can be no mailbox of this name: " in account(server, "undelete", ident, *plan, "-m", name, code=64)
    assert "held by case-17" in account(server, "undelete", of_held, "-m", OLD, "-t", user.name, code=77)
    # what was refused has begun nothing, which could not be ended
    assert all((row["state"], row["needs"]) == ("deleted", "") for row in account(server, "list") if row["id"] in (ident, of_held))
    assert [mail.subject for mail in user.messages("INBOX")] == ["New"] and user.kept() == []
    # nothing stands in the way of bringing it back as a whole
    other = server.user()
    account(server, "undelete", ident, "-t", other.name)
    assert (live(other), kept(other)) == before


@pytest.mark.any_format
def test_a_name_that_no_namespace_has(dovecot):
    user = dovecot.own(prefix="INBOX/", lazy={"mailbox": "INBOX/Gone"}).user()
    for subject in ("Plan", "Old plan"):
        user.append("INBOX/Work", message(subject=subject), create=subject == "Plan")
    user.doveadm("expunge", "mailbox", "INBOX/Work", "subject", "Old plan")
    user.server.settle()
    ident = delete(user)
    for plan in ((), ("-n",)):
        error = account(user.server, "undelete", ident, *plan, "-m", OLD, code=64)
        assert f"-m {OLD}: no namespace of the user has such a name, but INBOX/{OLD} could be one" in error
    [row] = listed(user)
    assert (row["state"], row["needs"], user.kept()) == ("deleted", "", [])
    [row] = account(user.server, "undelete", ident, "-m", f"INBOX/{OLD}")
    assert int(row["copied"]) == 2 and [mail.origin for mail in user.kept()] == [f"INBOX/{OLD}/INBOX/Work"]
    assert [mail.subject for mail in user.messages(f"INBOX/{OLD}/INBOX/Work")] == ["Plan"]


@pytest.mark.any_format
def test_an_account_that_an_earlier_version_has_deleted_is_not_read(dovecot):
    user, ident, _ = with_old(dovecot)
    record = user.home.parent / DELETED / ident / "account"
    record.write_text("".join(line for line in record.read_text().splitlines(True)
                              if line.split("\t")[0] not in ("namespace", "setting", "storage")))
    assert "An earlier version" in merge(user, ident, code=65)
    assert [mail.subject for mail in user.messages("INBOX")] == ["New"]


@pytest.mark.any_format
def test_a_link_is_not_followed(dovecot):
    server = dovecot.own()
    user = server.user()
    fill(user)
    elsewhere = server.mail_root / "disk2" / user.name
    elsewhere.parent.mkdir()
    user.home.rename(elsewhere)
    user.home.symlink_to(elsewhere)
    server.own(elsewhere.parent)
    ident = delete(user)
    user.deliver(message(subject="New"))
    server.settle()
    assert "symbolic link" in merge(user, ident, code=65)
    assert [mail.subject for mail in user.messages("INBOX")] == ["New"]


CALLS = ("rename", "link", "unlink", "mkdir", "fdatasync", "fsync", "write", "pwrite64", "ftruncate", "openat")


def undated(mails):
    """What a kill has cut off may count as deleted later than it was, and is kept longer then."""
    return [mail[:3] + mail[4:] for mail in mails]


def at_call(server, words, call, what, number):
    result, text = doveadm_traced(server, ["-f", "json", "lazy-expunge", "account", *words], "-e", f"trace={call}",
                                  "-e", f"inject={call}:{what}:when={number}")
    return bool(re.search(r"\+\+\+ killed by SIGKILL" if "signal" in what else "INJECTED", text)), result


def test_at_each_call(dovecot, request):
    """Killed or failed at a call, and run again: each mail is there, once, and the deleted account is as it was."""
    server = dovecot.own()
    server.allow_log(r"^(?!.*(Panic|Assert|signal 11|signal 6))")
    user = server.user()
    user.fill("INBOX", [message(subject=f"Lunch {number}") for number in range(2)])
    user.append("Work", message(subject="Plan"), flags="\\Flagged word", create=True)
    user.append("Work", message(subject="Old plan"), flags="\\Flagged word")
    user.doveadm("expunge", "mailbox", "INBOX", "subject", "Lunch 0")
    user.doveadm("expunge", "mailbox", "Work", "subject", "Old plan")
    server.settle()
    mailboxes = ("INBOX", "Work")
    before = live(user, mailboxes), kept(user)
    ident = delete(user)
    faults = ["signal=SIGKILL"] + [f"error={name}" for name in (
        ("ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO") if request.config.getoption("every_fault") else ("ENOSPC",))]
    every = 1 if request.config.getoption("every_fault") else 5 if dovecot.target.name == targets.NATIVE else 13
    tries, start = 0, 0
    for what in faults:
        for call in CALLS:
            if call in ("openat", "rename", "unlink") and "signal" not in what:
                # Dovecot would wait for minutes for its own lock files, which it could neither rename nor remove
                continue
            start += 1
            step = every * (8 if call == "openat" else 1)
            number = 1 + start % step
            while True:
                target = server.user()
                words = ["undelete", ident, "-t", target.name, "-m", OLD]
                came, result = at_call(server, words, call, what, number)
                if not came:
                    assert result.code == 0, (call, number, str(result))
                    break
                tries += 1
                remove_dead_locks(target.home)
                [row] = account(server, "list")
                assert row["state"] in ("deleted", "merging"), row
                if row["state"] == "merging":
                    assert row["needs"].startswith("to be ended by: ")
                    words = shlex.split(row["needs"].removeprefix("to be ended by: "))[3:]
                again = account(server, words[0], *words[1:])
                assert again[0]["target"] == target.name
                server.settle()
                sep = separator(target)
                found = live(target, mailboxes, OLD + sep), kept(target, OLD + sep)
                assert found[0] == before[0] and all(mail[3] >= old[3] for mail, old in zip(found[1], before[1])), (call, what, number, found, before)
                assert undated(found[1]) == undated(before[1]), (call, what, number, found, before)
                number += step
    assert tries > 10
    [row] = account(server, "list")
    last = server.user()
    account(server, "undelete", ident, "-t", last.name)
    assert (live(last, mailboxes), kept(last)) == before
