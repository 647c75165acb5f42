"""A restore beside a delete: what a delete puts into the storage while it is under way is not taken for restored."""

import subprocess

import pytest

from harness import wait_for
from harness.faults.inject import session_process, traced
from harness.faults.locks import ACCOUNT, lock_lines


def log_of_inbox(user):
    directory = "" if user.server.config.format == "maildir" else "mailboxes/INBOX/dbox-Mails"
    return user.mail_path / directory / "dovecot.index.log"


@pytest.mark.parametrize("only_last", [True, False], ids=["last", "all"])
def test_a_restore_while_a_delete_is_between_its_commits_loses_nothing(dovecot, only_last):
    user = dovecot(lazy={"mailbox": "EXPUNGED", "only_last_instance": only_last}).user()
    user.append("Trash")
    user.doveadm("expunge", "mailbox", "Trash", "all")
    user.append(flags="\\Deleted")
    [before] = user.messages()
    session = user.imap("INBOX")
    # as the process sees it, and as strace does
    log = log_of_inbox(user)
    paths = [word for path in {log, user.server.target.root / log.relative_to("/")} for word in ("-P", str(path))]
    with traced(user.server, [session_process(user.server)], *paths, "-e", "trace=fcntl",
                "-e", "inject=fcntl:delay_enter=60000000:when=1") as calls:
        expunge = session.send("EXPUNGE")
        wait_for(lambda: calls.exists() and "SETLK" in calls.read_text(), "the delete to want the lock of the mailbox's log")
        # it is in both now
        assert before.guid in {mail.guid for mail in user.kept()} & {mail.guid for mail in user.messages()}
        restore = user.server.start_doveadm("lazy-expunge", "restore", "-u", user.name, "mailbox", "EXPUNGED", "guid", before.guid,
                                            stdout=subprocess.PIPE)
        wait_for(lambda: any("->" in line for line in lock_lines(user.home / ACCOUNT)), "the restore to want the account's lock")
    # the delete goes on
    assert session.finish(expunge).ok
    output, _ = restore.communicate(timeout=60)
    assert restore.returncode == 0, output
    assert [mail.content for mail in user.messages()] == [before.content]
    assert before.guid not in {mail.guid for mail in user.kept()}
