"""A Maildir is deleted while somebody who opened it before saves a mail: who is told that it is saved finds it."""

import contextlib
import subprocess

import pytest

from harness import message, wait_for
from harness.faults.inject import session_process, traced

pytestmark = pytest.mark.formats("maildir")
RENAME, RMDIR = "rename,renameat,renameat2", "rmdir"


@contextlib.contextmanager
def saved_while_deleted(user, call, directory=""):
    """A mail is saved to Work, and held up as it is about to come into the Maildir; Work is deleted, and held up at its first such
    call on Work's directory, or this one within; then the mail goes on, and when it has come to an end, the deletion.
    Yields (whether the mail is saved, what waits for the answer to the DELETE).
    """
    server, work = user.server, user.mail_path / ".Work"
    deleter = user.imap()
    deleting = session_process(server)
    saving = server.start_doveadm("save", "-u", user.name, "-m", "Work", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
    with contextlib.ExitStack() as held:
        saves = held.enter_context(traced(server, [session_process(server, "doveadm")], *_hold_up(RENAME)))
        # somebody else looks for mail: who saves then leaves the index alone
        lock = work / "dovecot-uidlist.lock"
        lock.touch()
        server.own(lock)
        saving.stdin.write(message("late"))
        saving.stdin.close()
        _wait_for_call(saves, "/new/")
        lock.unlink()
        with traced(server, [deleting], "-P", str(work / directory), *_hold_up(call)) as calls:
            delete = deleter.send("DELETE Work")
            _wait_for_call(calls, str(work / directory))
            held.close()
            saved = saving.wait(timeout=60) == 0
    yield saved, lambda: deleter.finish(delete)
    server.expect_log("No such file or directory|deleted under us", required=False)


def _hold_up(call):
    """Arguments of strace: the first such call waits until strace ends."""
    return "-e", f"trace={call}", "-e", f"inject={call}:delay_enter=60000000:when=1"


def _wait_for_call(output, path):
    wait_for(lambda: output.exists() and path in output.read_text(), f"a call with {path}")


def account(dovecot, **fields):
    user = dovecot(lazy={"mailbox": "EXPUNGED"}, **fields).user()
    user.fill("Work", 2, create=True)
    return user


def subjects(mails):
    return sorted(mail.subject for mail in mails)


def test_a_mail_that_comes_when_the_directory_goes_is_refused(dovecot):
    user = account(dovecot)
    before = subjects(user.messages("Work"))
    with saved_while_deleted(user, RENAME) as (saved, deleted):
        assert not saved
        assert deleted().ok
    assert subjects(user.kept()) == before
    assert "Work" not in user.mailboxes()
    assert not (user.mail_path / ".Work").exists()


def test_a_mail_that_comes_after_the_last_look_keeps_the_mailbox(dovecot):
    user = account(dovecot)
    before = subjects(user.messages("Work"))
    with saved_while_deleted(user, RMDIR, "new") as (saved, deleted):
        assert saved
        answer = deleted()
        assert answer.status == "NO" and "Mail has come" in answer.text, answer.text
    assert subjects(user.kept()) == before
    assert subjects(user.messages("Work")) == ["late"]
    # and all is as it was before
    user.append("Work", message("later"))
    with user.imap() as session:
        session.ok("DELETE Work")
    assert subjects(user.kept()) == sorted([*before, "late", "later"])


def test_what_is_no_mail_does_not_keep_a_mailbox(dovecot):
    user = account(dovecot)
    (user.mail_path / ".Work/cur/.nfs0001").touch()
    with user.imap() as session:
        session.ok("DELETE Work")
    assert "Work" not in user.mailboxes() and len(user.kept()) == 2


@pytest.mark.parametrize("layout", ["fs", "index"])
def test_mailboxes_are_deleted_in_each_layout(dovecot, layout):
    user = account(dovecot, layout=layout)
    user.fill("Work/Old", 1, create=True)
    with user.imap() as session:
        session.ok("DELETE Work/Old")
        session.ok("DELETE Work")
    assert not [one for one in user.mailboxes() if one.startswith("Work")] and len(user.kept()) == 3


def test_a_mailbox_that_cannot_be_deleted_still_takes_mail(dovecot):
    user = account(dovecot)
    user.append()
    assert user.doveadm("mailbox delete", "INBOX", check=False).code != 0
    user.append(message=message("after"))
    user.deliver(message("delivered"))
    assert subjects(user.messages()) == ["after", "delivered"] and len(user.kept()) == 1
