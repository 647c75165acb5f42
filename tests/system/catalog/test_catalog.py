"""The catalog: a row a user, written at the end of sessions and by maintain, that nobody waits for."""

import json
import re
import signal

import pytest

from harness.dovecot.catalog import NEVER, now, with_catalog
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox
from harness.dovecot.retention import keep, maintain
from harness.waiting import wait_for

pytestmark = pytest.mark.any_format

DAY = 24 * 60 * 60
MAILBOXES = tuple(m for m in DEFAULT_MAILBOXES if m.name != "Trash") + (
    Mailbox(".EXPUNGED", autoexpunge="7 days"), Mailbox("Trash", auto="create", special_use="\\Trash", autoexpunge="2 days"))
WARNING = r"Warning: .*lazy_expunge: The catalog cannot be written"


def sizes(user):
    """What status says, which reads the mails."""
    [row] = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "status", "-u", user.name).stdout)
    return row["bytes"]


def test_a_session_that_kept_or_took_mail_writes_the_row_at_its_end(dovecot):
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES)
    user, other = server.user(), server.user()
    user.fill("INBOX", 3)
    begin = now()
    session = user.imap("INBOX")
    session.delete("1:2")
    assert database.row(user) is None
    session.logout()
    row = database.wait_row(user)
    kept = user.kept()
    assert (row["messages"], row["bytes"], row["held"], row["maintained"]) == (2, sizes(user), 0, 0) and len(kept) == 2
    assert row["oldest"] == min(mail.saved for mail in kept) and begin <= row["newest"] <= now()
    assert row["due"] == row["oldest"] + 7 * DAY and row["server"] == server.hostname
    # what is only read is not written, and what leaves the storage is
    other.append()
    other.imap("INBOX").logout()
    with user.imap(".EXPUNGED") as session:
        session.ok("UID MOVE 1 INBOX")
    assert database.wait_row(user, lambda row: row["messages"] == 1)["bytes"] == sizes(user)
    # mail in the Trash is due before that
    user.deliver()
    with user.imap("INBOX") as session:
        session.ok("UID COPY 1:* Trash")
    [first, *_] = user.messages("Trash")
    assert database.wait_row(user, lambda row: row["due"] < now() + 3 * DAY)["due"] == first.saved + 2 * DAY
    # doveadm writes, too, and POP3
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    assert database.row(user)["messages"] == len(user.kept())
    # a server of doveadm's, which lives on, writes before the command is over
    user.append()
    user.doveadm("expunge", "-S", server.root / "run/doveadm-server", "mailbox", "INBOX", "all")
    assert database.row(user)["messages"] == len(user.kept())
    assert database.users() == [user.name]


def test_maintain_writes_all_and_says_so_again_when_nothing_changed(dovecot):
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES, passwd_file=True)
    users = [server.user() for _ in range(3)]
    server.write_users(users)
    keep(users[0], 2)
    keep(users[1], 1)
    users[1].doveadm("lazy-expunge hold", "-N", "case")
    database.run("DELETE FROM lazy_expunge")
    begin = now()
    maintain(server, "-A")
    first, held = database.row(users[0]), database.row(users[1])
    assert (first["messages"], first["bytes"], first["failed"]) == (2, sizes(users[0]), 0) and begin <= first["maintained"] <= now()
    assert first["newest"] == max(mail.saved for mail in users[0].kept())
    assert held["held"] == 1 and database.row(users[2]) is None
    # a lost catalog comes back although nobody has anything to do
    wait_for(lambda: now() > first["maintained"] + 1, "another second")
    maintain(server, "-A")
    wait_for(lambda: now() > first["maintained"] + 2, "another second")
    database.run("DELETE FROM lazy_expunge")
    maintain(server, "-A", "-j", "2")
    again = database.row(users[0])
    assert again.pop("maintained") > first.pop("maintained") and again == first
    assert {name: row for name, row in database.row(users[1]).items() if name != "maintained"} == {
        name: row for name, row in held.items() if name != "maintained"}


def checked(server, user):
    rows = json.loads(server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, check=False).stdout)
    return [(row["state"], row["found"], row["remedy"]) for row in rows if row["id"] == "catalog"]


def test_check_looks_whether_it_can_be_used_and_how_far_behind_it_is(dovecot):
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES)
    user = server.user()
    user.append()
    [(state, found, _)] = checked(server, user)
    assert (state, found) == ("OK", "read and written; no row, as nothing was kept")
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    [(state, found, _)] = checked(server, user)
    assert (state, found) == ("OK", "read and written; the row is what the storage has")
    database.run("UPDATE lazy_expunge SET due = ?", NEVER)
    [(state, found, _)] = checked(server, user)
    assert state == "WARN" and "something is due at" in found
    database.run("UPDATE lazy_expunge SET messages = 7")
    [(state, found, remedy)] = checked(server, user)
    assert state == "WARN" and found.startswith("behind: the row has 7 mails of ") and "maintain" in remedy
    maintain(server, "-u", user.name)
    assert checked(server, user)[0][0] == "OK"
    database.run("DELETE FROM lazy_expunge")
    assert [row[:2] for row in checked(server, user)] == [("WARN", "the user has no row")]
    server.allow_log("dict")
    database.run("ALTER TABLE lazy_expunge RENAME TO gone")
    [(state, found, _)] = checked(server, user)
    assert state == "WARN" and "The catalog cannot be" in found
    # and nothing where none is set
    assert checked(dovecot(), dovecot().user()) == []


@pytest.mark.parametrize("fault", ("hangs", "refuses", "full"))
def test_nothing_waits_for_a_catalog_that_does_not_answer(dovecot, fault):
    """Deletes, log-outs and deliveries go on; each process says it once, and maintain mends it."""
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES + (Mailbox("INBOX", autoexpunge="30 days"),), passwd_file=True)
    user = server.user()
    server.write_users([user])
    user.fill("INBOX", 6)
    with user.imap("INBOX") as session:
        session.delete("1")
    assert database.wait_row(user, lambda row: row["messages"] == 1)
    server.expect_log(WARNING)
    server.allow_log("dict")
    if fault == "hangs":
        wait_for(lambda: server.kill("dict", signal.SIGSTOP), "the dict service")
    elif fault == "refuses":
        database.run("ALTER TABLE lazy_expunge RENAME COLUMN due TO gone")
    else:
        database.run("CREATE TRIGGER full BEFORE UPDATE ON lazy_expunge BEGIN SELECT raise(ABORT, 'database or disk is full'); END")
    for number in range(2, 4):
        with user.imap("INBOX") as session:
            session.delete(str(number))
        user.deliver()
        assert len(user.kept()) == number
    server.settle()
    server.kill("dict", signal.SIGCONT)
    warnings = [line for line in server.log() if "The catalog cannot be written" in line]
    assert sorted(re.search(r"(imap|lmtp)\(", line).group(1) for line in warnings) == ["imap", "imap", "lmtp", "lmtp"], warnings
    if fault == "hangs":
        maintain(server, "-A")
        assert database.row(user)["messages"] == 3
