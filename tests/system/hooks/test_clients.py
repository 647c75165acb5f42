"""Mail programs and the sequences of well-known ones: what they delete is in the storage once, says whence, and can be put back."""

import re

import pytest

from harness import message
from harness.dovecot import clients
from harness.dovecot.config import Mailbox

SUBJECTS = ["first", "second", "third"]
MAILBOXES = (Mailbox("Trash", auto="subscribe", special_use="\\Trash"), Mailbox(".EXPUNGED", autoexpunge="30d"))


@pytest.fixture
def user(dovecot):
    """A user as conf.d sets them up, with three mails in INBOX."""
    lazy = {"only_last_instance": True, "hidden": True, "protect": True}
    user = dovecot(lazy=lazy, mailboxes=MAILBOXES).user()
    for subject in SUBJECTS:
        user.deliver(message(subject=subject))
    return user


@pytest.fixture
def home(user, tmp_path):
    return clients.Home(user, tmp_path / "home")


def bare(mail):
    """What a delete keeps, without what clients themselves change: they may read a mail before they delete it."""
    return mail.guid, mail.received, mail.text


def assert_kept(user, before, origin="INBOX"):
    """These mails and no other are in the storage, from there, nowhere else, and restore puts them back."""
    everywhere = user.messages("*")
    assert {mail.guid for mail in before}.isdisjoint(mail.guid for mail in everywhere if mail.mailbox != ".EXPUNGED")
    kept = user.kept()
    assert sorted(map(bare, kept)) == sorted(map(bare, before))
    assert {mail.origin for mail in kept} == {origin}
    user.doveadm("lazy-expunge restore", "ALL")
    assert user.kept() == []
    back = {mail.guid: mail for mail in user.messages(origin)}
    assert all(bare(back[mail.guid]) == bare(mail) for mail in before)
    assert len(user.messages("*")) == len(SUBJECTS)


def near_files(home, directory):
    """Maildir files by subject."""
    files = [path for path in (home.path / directory).rglob("*") if path.is_file() and path.parent.name in ("cur", "new")]
    return {re.search(r"^Subject: (\S+)", path.read_text(), re.MULTILINE).group(1): path for path in files}


@pytest.mark.parametrize("program", ["mbsync", "offlineimap"])
def test_a_synchronizer_deletes_what_was_deleted_at_its_side(user, home, program):
    run, [first, second, third] = getattr(clients, program), user.messages()
    run(home)
    files = near_files(home, program)
    assert sorted(files) == sorted(SUBJECTS)
    assert not [path for path in (home.path / program).rglob("*") if "EXPUNGED" in path.name], "the storage is hidden"
    files["first"].unlink()
    files["third"].unlink()
    run(home)
    assert [mail.guid for mail in user.messages()] == [second.guid]
    assert_kept(user, [first, third])
    run(home)
    assert sorted(near_files(home, program)) == sorted(SUBJECTS), "what was restored comes back to the program, too"


@pytest.mark.parametrize("protocol", ["POP3", "IMAP"])
def test_fetchmail_empties_the_inbox(user, home, protocol):
    before = user.messages()
    clients.fetchmail(home, protocol)
    fetched = (home.path / "fetched").read_text()
    assert re.findall(r"^Subject: (\S+)", fetched, re.MULTILINE) == SUBJECTS
    assert_kept(user, before)


def test_neomutt_deletes_mails(user, home):
    before = user.messages()
    clients.neomutt(home, "INBOX", "<delete-pattern>~s second<enter><sync-mailbox><quit>")
    assert [mail.subject for mail in user.messages()] == ["first", "third"]
    assert_kept(user, [before[1]])


def test_neomutt_with_a_trash_keeps_once(user, home):
    """Deleted mail is copied to Trash first; the storage has it when it leaves Trash."""
    [first, second, third] = user.messages()
    clients.neomutt(home, "INBOX", "<delete-pattern>! ~s second<enter><sync-mailbox><quit>", 'set trash = "=Trash"')
    assert user.kept() == [] and [mail.subject for mail in user.messages("Trash")] == ["first", "third"]
    in_trash = user.messages("Trash")
    clients.neomutt(home, "Trash", "<delete-pattern>~A<enter><sync-mailbox><quit>", 'set trash = "=Trash"')
    assert user.messages("Trash") == [] and [mail.guid for mail in user.messages()] == [second.guid]
    assert_kept(user, in_trash, "INBOX")


def test_neomutt_saves_to_another_mailbox(user, home):
    """A move within the account keeps nothing."""
    user.doveadm("mailbox create", "Work")
    clients.neomutt(home, "INBOX", "<search>~s second<enter><save-message>=Work<enter><sync-mailbox><quit>")
    assert user.kept() == [] and [mail.subject for mail in user.messages("Work")] == ["second"]
    assert [mail.subject for mail in user.messages()] == ["first", "third"]


def test_curl_deletes_over_imap(user, home):
    before = user.messages()
    clients.curl_imap(home, "INBOX", "STORE 2 +FLAGS.SILENT (\\Deleted)", "EXPUNGE")
    assert [mail.subject for mail in user.messages()] == ["first", "third"]
    assert_kept(user, [before[1]])


def test_curl_deletes_over_pop3(user, home):
    before = user.messages()
    clients.curl_pop3(home, 1, 1)
    assert [mail.subject for mail in user.messages()] == ["third"]
    assert_kept(user, before[:2])


@pytest.mark.parametrize("expunge", ["UID EXPUNGE {uid}", "EXPUNGE", "CLOSE"])
def test_copy_store_expunge(user, expunge):
    """What Thunderbird does: delete puts a copy into Trash, compacting or emptying Trash expunges."""
    [first, second, third] = user.messages()
    with user.imap("INBOX") as session:
        session.ok("UID COPY 1,3 Trash")
        session.ok("UID STORE 1,3 +FLAGS (\\Seen \\Deleted)")
        session.ok(expunge.format(uid="1,3"))
    assert user.kept() == [] and [mail.subject for mail in user.messages("Trash")] == ["first", "third"]
    in_trash = user.messages("Trash")
    with user.imap("Trash") as session:
        session.ok("UID STORE 1:* +FLAGS (\\Deleted)")
        session.ok(expunge.format(uid="1:*"))
    assert [mail.guid for mail in user.messages()] == [second.guid]
    assert_kept(user, in_trash, "INBOX")


def test_move_and_uid_expunge(user):
    """What Outlook does: MOVE to Trash, and in Trash STORE and UID EXPUNGE of single mails."""
    [first, second, third] = user.messages()
    with user.imap("INBOX") as session:
        session.ok("UID MOVE 1 Trash")
        session.ok("UID MOVE 3 Trash")
    assert user.kept() == [] and [mail.guid for mail in user.messages("Trash")] == [first.guid, third.guid]
    in_trash = user.messages("Trash")
    with user.imap("Trash") as session:
        for uid in (1, 2):
            session.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
            assert session.ok(f"UID EXPUNGE {uid}").lines("EXPUNGE") == ["* 1 EXPUNGE"]
    assert [mail.guid for mail in user.messages()] == [second.guid]
    assert_kept(user, in_trash, "INBOX")


def test_deleting_at_once_without_a_trash(user):
    """Shift and Delete in both: STORE and UID EXPUNGE in INBOX."""
    before = user.messages()
    with user.imap("INBOX") as session:
        session.ok("UID STORE 2 +FLAGS.SILENT (\\Deleted \\Seen)")
        session.ok("UID EXPUNGE 2")
    assert_kept(user, [before[1]])
