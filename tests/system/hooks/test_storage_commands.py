"""doveadm's own commands, told to act on the storage itself: what is kept is there afterwards, with all that belongs to it."""

import shutil
import time

import pytest

from harness import Namespace, message, name, wait_for

LONG = "Projects/A very long name of a customer, with more than fifty characters in it/Ünï 2026"
FROM = ("INBOX", *(f"Folder {number}" for number in range(18)), LONG)
OF_DOVECOT = {"$HasAttachment", "$HasNoAttachment"}


def fill(user):
    """Mail of more mailboxes than have a keyword, with a keyword of the user's own."""
    with user.imap() as session:
        for mailbox in FROM:
            session(f"CREATE {name(mailbox)}")
            session.append(mailbox, message(subject="of " + mailbox.encode("ascii", "replace").decode()), "\\Seen own",
                           "01-Jan-2021 00:00:00 +0000")
            session.select(mailbox)
            session.delete()
    return facts(user)


def facts(user, mailbox=None):
    return sorted((mail.guid, mail.origin, mail.flags - {"\\Recent"}, mail.keywords - OF_DOVECOT, mail.received, mail.text)
                  for mail in (user.messages(mailbox) if mailbox else user.kept()))


def restore_all(user, before):
    user.doveadm("lazy-expunge restore", "ALL")
    assert user.kept() == []
    for mailbox in FROM:
        assert len(user.messages(mailbox)) == 1, mailbox


HARMLESS = {
    "deduplicate": ("deduplicate", "mailbox", ".EXPUNGED"),
    "altmove": ("altmove", "mailbox", ".EXPUNGED", "all"),
    "index": ("index", ".EXPUNGED"),
    "purge": ("purge",),
    "force-resync": ("force-resync", ".EXPUNGED"),
    "uid validity": ("mailbox update", "--uid-validity", "4711", ".EXPUNGED"),
    "guid": ("mailbox update", "--mailbox-guid", "0123456789abcdef0123456789abcdef", ".EXPUNGED"),
    "next uid": ("mailbox update", "--min-next-uid", "1000", ".EXPUNGED"),
    "modseq": ("mailbox update", "--min-highest-modseq", "100000", ".EXPUNGED"),
    "cache purge": ("mailbox cache purge", ".EXPUNGED"),
    "cache decision": ("mailbox cache decision", "--all", "--decision", "no", ".EXPUNGED"),
    "flags": ("flags add", "later", "mailbox", ".EXPUNGED", "uid", "99999"),
    "move onto itself": ("move", ".EXPUNGED", "mailbox", ".EXPUNGED", "all"),
    "subscribe": ("mailbox subscribe", ".EXPUNGED"),
    "path": ("mailbox path", ".EXPUNGED"),
}


@pytest.mark.parametrize("command", HARMLESS)
def test_commands_that_are_about_the_mailbox_leave_its_mail(dovecot, command):
    user = dovecot().user()
    before = fill(user)
    open_before = user.imap("INBOX")
    if command == "force-resync":
        # on mdbox it repairs all mailboxes, and ends sessions that have one open
        open_before("UNSELECT")
    done = user.doveadm(*HARMLESS[command], check=False)
    assert done.code in (0, 64, 65, 75), done
    assert facts(user) == before, done
    # a session that was open, and a new one, go on keeping
    user.deliver(message(subject="later"))
    open_before.select("INBOX")
    open_before.delete()
    user.deliver(message(subject="later still"))
    with user.imap("INBOX") as session:
        session.delete()
    assert {mail.subject for mail in user.kept()} >= {"later", "later still"} and len(user.kept()) == len(before) + 2
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "subject", "later")
    restore_all(user, before)


def test_origins_outlive_a_purge_of_the_cache_and_a_rebuilt_index(dovecot):
    """Dovecot drops fields from the cache that nobody has used for long."""
    user = dovecot(raw="mail_cache_unaccessed_field_drop = 1s\n").user()
    before = fill(user)
    began = time.time()
    wait_for(lambda: time.time() > began + 3.1, "the fields to be old")
    user.doveadm("mailbox cache purge", ".EXPUNGED")
    user.doveadm("force-resync", ".EXPUNGED")
    assert [row[:2] for row in facts(user)] == [row[:2] for row in before]


@pytest.mark.parametrize("command", ["copy", "move"])
def test_what_an_administrator_takes_out_has_no_origin(dovecot, command):
    user = dovecot().user()
    before = fill(user)
    user.doveadm("mailbox create", "Recovered")
    user.doveadm(command, "Recovered", "mailbox", ".EXPUNGED", "all")
    assert sorted(row[:1] + row[2:] for row in facts(user, "Recovered")) == sorted(row[:1] + row[2:] for row in before)
    assert all(mail.origins == () for mail in user.messages("Recovered"))
    assert facts(user) == (before if command == "copy" else [])


def test_a_mail_that_is_moved_into_the_storage_is_there_once(dovecot):
    user = dovecot().user()
    user.deliver(message(subject="moved"))
    user.doveadm("mailbox create", ".EXPUNGED", check=False)
    user.doveadm("move", ".EXPUNGED", "mailbox", "INBOX", "all")
    assert [mail.subject for mail in user.kept()] == ["moved"] and user.messages() == []
    assert b"moved" in user.doveadm("lazy-expunge list", "ALL").stdout
    user.doveadm("lazy-expunge restore", "ALL")
    assert [mail.subject for mail in user.messages()] == ["moved"]


@pytest.mark.parametrize("arguments", [("EXPUNGED", "mailbox", "Dup/EXPUNGED"), ("Dup/EXPUNGED", "mailbox", "EXPUNGED")])
def test_a_move_between_two_names_of_the_storage_loses_nothing(dovecot, arguments):
    path = {"maildir": "~/Maildir", "sdbox": "~/sdbox", "mdbox": "~/mdbox"}[dovecot.format]
    dup = Namespace("dup", "Dup/", format=dovecot.format, path=path, subscriptions=False)
    user = dovecot(namespaces=(dup,), lazy={"mailbox": "EXPUNGED"}).user()
    before = fill(user)
    user.doveadm("move", *arguments, "all", check=False)
    after = user.messages("EXPUNGED")
    assert sorted({mail.guid for mail in after}) == sorted(row[0] for row in before)
    assert {mail.origin for mail in after} == set(FROM)


def test_import_of_an_archived_account_brings_what_was_kept(dovecot):
    """Its files, with the list of names beside them, into an account of its own format."""
    server = dovecot(lazy={"mailbox": "EXPUNGED"})
    user, other = server.user(), server.user()
    before = fill(user)
    server.settle()
    other.deliver(message(subject="mine"))
    place = other.home / "archive"
    shutil.copytree(user.mail_path, place)
    if (user.home / ".dovecot.lazy-expunge.origins").exists():
        shutil.copy(user.home / ".dovecot.lazy-expunge.origins", other.home)
    server.own(other.home)
    other.doveadm("import", f"{dovecot.format}:{place}", "", "all")
    assert [row[:2] + row[3:] for row in facts(other)] == [row[:2] + row[3:] for row in before]


@pytest.mark.parametrize("protect", [False, True])
def test_deleting_the_parent_of_the_storage_with_all_below_it(dovecot, protect):
    """doveadm mailbox delete -r names the parent, and not the storage, which has the parent's mail then."""
    user = dovecot(lazy={"mailbox": "Parent/Gone", "protect": protect}).user()
    user.append("Parent", message(subject="of the parent"), create=True)
    user.append("Parent/Child", message(subject="of the child"), create=True)
    user.append("INBOX", message(subject="gone"))
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    done = user.doveadm("mailbox delete", "-r", "Parent", check=False)
    assert done.code != 0 and b"doveadm expunge" in done.stderr
    there = [mail.subject for mailbox in ("Parent", "Parent/Child", "Parent/Gone") for mail in user.messages(mailbox)]
    assert sorted(there) == ["gone", "of the child", "of the parent"]
    # as it says
    user.doveadm("expunge", "mailbox", "Parent/Gone", "all")
    user.doveadm("mailbox delete", "Parent/Gone")
    assert "Parent/Gone" not in user.mailboxes()
