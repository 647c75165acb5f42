"""Sessions that meet in one mailbox, one of them held up at the account's lock."""

import contextlib

import pytest

from harness import wait_for
from harness.faults import chaos
from harness.faults.inject import session_process, traced
from harness.faults.locks import ACCOUNT, locked

LAST = {"mailbox": "EXPUNGED", "only_last_instance": True}


def account_locked(user):
    """Hold the account's lock, as a session that deletes does."""
    path = user.home / ACCOUNT
    user.append("Trash")
    with user.imap("Trash") as session:
        session.delete()
    return locked(path)


def test_an_expunge_held_up_while_its_mailbox_is_deleted_keeps_nothing_twice(dovecot):
    user = dovecot(lazy=LAST).user()
    uids = user.fill("Work", 3, create=True)
    guids = sorted(mail.guid for mail in user.messages("Work"))
    session, other = user.imap("Work"), user.imap()
    session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    with account_locked(user) as waiting:
        expunge = session.send(f"UID EXPUNGE {uids[0]}:{uids[-1]}")
        wait_for(lambda: waiting() == 1, "the EXPUNGE to wait for the lock")
        # the deletion waits for some seconds, and then keeps everything without the lock
        other.ok("DELETE Work")
        assert sorted(mail.guid for mail in user.kept() if mail.origin == "Work") == guids
    with contextlib.suppress(*chaos.ENDED):
        assert not session.finish(expunge).ok
    session.close()
    other.logout()
    assert sorted(mail.guid for mail in user.kept() if mail.origin == "Work") == guids
    user.server.settle()
    user.server.expect_log(r"No such file or directory|deleted under us|was deleted", required=False)


@contextlib.contextmanager
def list_locked(user):
    """Hold the lock of the mailbox list, as a RENAME does."""
    path = user.mail_path / "mailboxes.lock"
    path.touch()
    user.server.own(path)
    with locked(path) as waiting:
        yield waiting
        path.unlink()


def mailbox_directory(user, mailbox):
    return user.mail_path / (f".{mailbox}" if user.server.config.format == "maildir" else f"mailboxes/{mailbox}")


def test_a_delete_that_comes_second_to_a_rename_loses_nothing(dovecot):
    server = dovecot.own(lazy=LAST)
    user = server.user()
    user.fill("Work", 2, create=True)
    session = user.imap()
    with list_locked(user) as waiting:
        delete = session.send("DELETE Work")
        wait_for(lambda: waiting() == 1, "the DELETE to wait for the lock")
        mailbox_directory(user, "Work").rename(mailbox_directory(user, "Renamed"))
        user.fill("Renamed", 3)
        accepted = sorted(mail.guid for mail in user.messages("Renamed"))
        assert len(accepted) == 5
    with contextlib.suppress(*chaos.ENDED):
        session.finish(delete)
    session.close()
    server.settle()
    found = {mail.guid for mail in user.messages("*") + user.kept()}
    server.settle()
    server.expect_log(r"No such file or directory|deleted under us|was deleted|Unexpectedly lost", required=False)
    assert found == set(accepted)


def test_an_expunge_whose_mailbox_is_renamed_before_the_copy_loses_nothing(dovecot):
    server = dovecot.own(lazy=LAST)
    user = server.user()
    user.append("Trash")
    with user.imap("Trash") as session:
        session.delete()
    user.fill("Work", 3, create=True)
    accepted = sorted(mail.guid for mail in user.messages("Work"))
    session = user.imap("Work")
    session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    # mdbox copies within its map, and writes that first
    call = "pwrite64" if server.config.format == "mdbox" else "link,linkat"
    with traced(server, [session_process(server)], "-e", f"inject={call}:delay_enter=2000000:when=1") as output:
        expunge = session.send("EXPUNGE")
        wait_for(lambda: output.exists() and any(one in output.read_text() for one in ("link", "pwrite64")), "the copy to begin")
        mailbox_directory(user, "Work").rename(mailbox_directory(user, "Renamed"))
        with contextlib.suppress(*chaos.ENDED):
            session.finish(expunge)
    session.close()
    server.settle()
    found = {mail.guid for mail in user.messages("*") + user.kept() if mail.origin != "Trash"}
    server.settle()
    server.expect_log(r"No such file or directory|deleted under us|was deleted|Unexpectedly lost", required=False)
    assert found == set(accepted)


def test_a_rename_waits_for_an_expunge_that_keeps_mail(dovecot):
    user = dovecot(lazy=LAST).user()
    user.fill("Work", 3, create=True)
    with account_locked(user):
        user.server.settle()
        session = user.imap()
        with traced(user.server, [session_process(user.server)], "-e", "trace=fcntl") as calls:
            rename = session.send("RENAME Work Renamed")
            # it has the list's lock, and so asks again and again: were both to wait, the kernel could see a deadlock
            wait_for(lambda: calls.exists() and calls.read_text().count("EAGAIN") > 1, "the RENAME to want the lock")
        assert len(user.messages("Work")) == 3
    assert session.finish(rename).ok
    assert len(user.messages("Renamed")) == 3


@pytest.mark.parametrize("last", (True, False))
def test_two_sessions_that_move_a_mail_out_of_the_storage_move_it_once(dovecot, last):
    user = dovecot(lazy=dict(LAST, only_last_instance=last)).user()
    user.fill("INBOX", 2)
    user.append("Trash", create=True)
    with user.imap("INBOX") as session:
        session.delete("1:*")
    sessions = [user.imap("EXPUNGED"), user.imap("EXPUNGED")]
    with account_locked(user) as waiting:
        commands = [session.send("UID MOVE 1 INBOX") for session in sessions]
        wait_for(lambda: waiting() == 2, "both to wait for the lock")
    answers = [session.finish(command) for session, command in zip(sessions, commands)]
    assert sorted(answer.ok for answer in answers) == [False, True]
    assert any("EXPUNGEISSUED" in str(answer) for answer in answers)
    assert len(user.messages()) == 1 and len([mail for mail in user.kept() if mail.origin == "INBOX"]) == 1
