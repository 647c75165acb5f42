"""The catalog: a row a user, written at the end of sessions and by maintain, that nobody waits for."""

import json
import re
import signal
import smtplib

import pytest

from harness.dovecot.catalog import NEVER, now, with_catalog
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, namespace_mode, settings
from harness.dovecot.mail import message
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
    # POP3 writes at QUIT, and doveadm, too
    user.append()
    pop3, before = user.pop3(), len(user.kept())
    pop3.dele(len(pop3.list()[1]))
    pop3.quit()
    assert database.wait_row(user, lambda row: row["messages"] == before + 1)["bytes"] == sizes(user)
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
    # also where it should have gone already
    text = server.conf.read_text()
    server.conf.write_text(text.replace("autoexpunge = 7 days", "autoexpunge = 1s"))
    wait_for(lambda: now() > max(mail.saved for mail in user.kept()) + 1, "its time to be over")
    [(state, found, _)] = checked(server, user)
    assert state == "WARN" and "something is due at" in found
    server.conf.write_text(text)
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
    user, *fresh = (server.user() for _ in range(3))
    server.write_users([user, *fresh])
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
        for what in ("INSERT", "UPDATE"):
            database.run(f"CREATE TRIGGER full_{what} BEFORE {what} ON lazy_expunge BEGIN SELECT raise(ABORT, 'database or disk is full'); END")
    for number in range(2, 4):
        with user.imap("INBOX") as session:
            session.delete(str(number))
        fresh[number - 2].deliver()
        assert len(user.kept()) == number
    server.settle()
    server.kill("dict", signal.SIGCONT)
    warnings = [line for line in server.log() if "The catalog cannot be written" in line]
    assert sorted(re.search(r"(imap|lmtp)\(", line).group(1) for line in warnings) == ["imap", "imap", "lmtp", "lmtp"], warnings
    if fault == "hangs":
        maintain(server, "-A")
        assert database.row(user)["messages"] == 3


@pytest.mark.until("2.4")
def test_a_user_whose_catalog_cannot_be_opened_is_alone_with_that(dovecot):
    """One process delivers to several users while the dict service does not answer."""
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES + (Mailbox("INBOX", autoexpunge="30 days"),), passwd_file=True)
    first, anna, bert, carl, dora = (server.user() for _ in range(5))
    server.write_users([first, anna, bert, (carl, {"lazy_expunge_catalog": "bogus:x"}), dora])
    server.expect_log(WARNING)
    first.deliver()
    database.wait_row(first)
    wait_for(lambda: server.kill("dict", signal.SIGSTOP), "the dict service")
    with smtplib.LMTP("127.0.0.1", server.ports["lmtp"], local_hostname="localhost") as client:
        for users in ((anna,), (bert, carl), (dora,)):
            client.mail("sender@example.com")
            for user in users:
                client.rcpt(f"{user}@example.com")
            replies = [client.data(message())] + [client.getreply() for _ in users[1:]]
            assert [code for code, _ in replies] == [250] * len(users)
        server.kill("dict", signal.SIGCONT)
        for user in (anna, bert, dora):
            assert database.wait_row(user)["due"] > now() + 29 * DAY
    assert all(len(user.messages()) == 1 for user in (anna, bert, carl, dora)) and database.row(carl) is None
    server.settle()
    [warning] = [line for line in server.log() if "The catalog cannot be written" in line]
    assert "bogus" in warning


def test_a_hold_and_its_end_change_when_something_is_due(dovecot):
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES)
    user = server.user()
    keep(user, 1)
    due = database.row(user)["due"]
    user.doveadm("lazy-expunge hold", "-N", "case", "-e", "1d")
    assert database.row(user)["due"] <= now() + DAY < due
    user.doveadm("lazy-expunge release", "-N", "case", "-g", "0")
    database.run("UPDATE lazy_expunge SET due = ?", NEVER)
    user.doveadm("lazy-expunge hold", "-N", "other")
    assert database.row(user)["due"] == due
    database.run("UPDATE lazy_expunge SET due = ?", NEVER)
    user.doveadm("lazy-expunge release", "-N", "other", "-g", "0")
    assert database.row(user)["due"] == due


def test_mail_that_comes_to_a_mailbox_with_a_retention_is_written_when_that_changes_something(dovecot):
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES + (Mailbox("INBOX", autoexpunge="30 days"),))
    user = server.user()
    user.deliver()
    assert database.wait_row(user)["due"] == user.messages()[0].saved + 30 * DAY
    database.run("DELETE FROM lazy_expunge")
    user.deliver()
    server.settle()
    assert database.users() == [] and len(user.messages()) == 2


def test_a_guest_of_a_shared_mailbox_gets_no_row(dovecot):
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES, shared=True)
    owner, guest = server.user(), server.user()
    owner.fill("Work", 2, create=True)
    owner.doveadm("acl set", "Work", f"user={guest}", "lookup", "read", "write", "write-seen", "write-deleted", "expunge")
    with guest.imap(f"shared/{owner}/Work") as session:
        session.delete("1")
    server.settle()
    assert len(owner.kept()) == 1 and database.users() == []
    with owner.imap("Work") as session:
        session.delete("1:*")
    assert database.wait_row(owner)["messages"] == 2
    server.settle()
    assert database.users() == [owner.name]


@pytest.mark.since("2.4")
def test_the_cap_of_one_mailbox_counts_for_what_is_due(dovecot):
    small = Mailbox(".EXPUNGED", autoexpunge="7 days", lazy=settings(max_storage="1k"))
    server, database = with_catalog(dovecot, mailboxes=tuple(m for m in MAILBOXES if m.name != ".EXPUNGED") + (small,), passwd_file=True)
    user, other = server.user(), server.user()
    server.write_users([user, other])
    keep(user, [b"Subject: x\r\n\r\n" + b"x" * 700 + b"\r\n"] * 2)
    keep(other, [b"Subject: x\r\n\r\n" + b"x" * 700 + b"\r\n"])
    assert database.row(user)["due"] <= now() < database.row(other)["due"]
    maintain(server, "-A", "-D")
    assert (len(user.kept()), len(other.kept())) == (1, 1)
    assert database.row(user)["due"] == user.kept()[0].saved + 7 * DAY


def test_figures_that_cannot_be_read_are_a_failure_in_the_row(dovecot):
    mode = namespace_mode(dovecot.format)
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES[:1], passwd_file=True, **mode)
    user = server.user()
    server.write_users([user])
    for name in ("INBOX", "Work"):
        keep(user, 2, name)
    maintain(server, "-A")
    before = database.row(user)
    assert (before["messages"], before["failed"]) == (4, 0)
    broken = [path for path in user.home.rglob("*") if re.match(r"dovecot\.index|cur$", path.name) and
              "Work" in str(path) and "expunged" in str(path).lower()]
    assert broken
    for number, path in enumerate(broken):
        path.rename(server.root / f"broken-{number}")
        path.symlink_to(path)
    server.allow_log("Too many levels of symbolic links")
    for _ in range(2):
        maintain(server, "-A", check=False)
        row = database.row(user)
        assert row["failed"] >= 1 and (row["messages"], row["due"]) == (before["messages"], before["due"])


def test_a_row_that_cannot_be_written_is_lost_alone(dovecot):
    """The others of its transaction are sent once more, one by one."""
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES, passwd_file=True)
    users = [server.user() for _ in range(6)]
    server.write_users(users)
    for user in users:
        keep(user, 1)
    database.run("DELETE FROM lazy_expunge")
    bad = (users[0], users[3])
    for what in ("INSERT", "UPDATE"):
        database.run(f"CREATE TRIGGER bad_{what} BEFORE {what} ON lazy_expunge WHEN NEW.username IN ('{bad[0]}', '{bad[1]}')"
                     " BEGIN SELECT raise(ABORT, 'no such row'); END")
    server.allow_log("dict")
    rows, done = maintain(server, "-A")
    assert [row["failed"] for row in rows] == [0] * 6
    assert database.users() == sorted(user.name for user in users if user not in bad)
    said = re.findall(r"The catalog cannot be written: user (\S+): .*\. Mail is kept", done.stderr.decode())
    assert said == [user.name for user in bad], str(done)
    database.run("DROP TRIGGER bad_INSERT")
    assert b"cannot be written" not in maintain(server, "-A")[1].stderr and len(database.users()) == 6


@pytest.mark.until("2.4")
def test_users_of_several_catalogs_are_written_to_theirs(dovecot):
    """One process does users whose settings name different dicts."""
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES + (Mailbox("INBOX", autoexpunge="30 days"),), passwd_file=True)
    users = [server.user() for _ in range(4)]
    # the same dict by another URI, and one that is not there
    others = ("proxy:dict:lazy_expunge", "proxy:nowhere:lazy_expunge")
    server.write_users([users[0], (users[1], {"lazy_expunge_catalog": others[0]}), (users[2], {"lazy_expunge_catalog": others[1]}), users[3]])
    for user in users:
        user.deliver()
    server.settle()
    database.run("DELETE FROM lazy_expunge")
    done = maintain(server, "-A")[1]
    assert database.users() == sorted(user.name for user in (users[0], users[1], users[3])), str(done)
    [said] = re.findall(r"The catalog cannot be written: .*nowhere.*", done.stderr.decode())
    database.run("DELETE FROM lazy_expunge")
    server.expect_log(WARNING)
    with smtplib.LMTP("127.0.0.1", server.ports["lmtp"], local_hostname="localhost") as client:
        client.mail("sender@example.com")
        for user in users:
            user.doveadm("expunge", "mailbox", "INBOX", "all")
            client.rcpt(f"{user}@example.com")
        database.run("DELETE FROM lazy_expunge")
        assert [client.data(message())[0]] + [client.getreply()[0] for _ in users[1:]] == [250] * 4
        assert all(database.wait_row(user) for user in (users[0], users[1], users[3]))


@pytest.mark.until("2.4")
@pytest.mark.any_format
def test_each_user_has_a_catalog_of_its_own(dovecot):
    """More than are open at once: the administrator's commands wait for room, a session's row is left out with a warning."""
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES + (Mailbox("INBOX", autoexpunge="30 days"),), passwd_file=True)
    users = [server.user() for _ in range(40)]
    base = server.root / "run"
    for number in range(len(users)):
        (base / f"dict-{number}").symlink_to("dict")
    server.write_users([(user, {"lazy_expunge_catalog": f"proxy:dict-{number}:lazy_expunge"}) for number, user in enumerate(users)])
    # each user has something that goes some time
    for user in users:
        user.append()
    database.run("DELETE FROM lazy_expunge")
    _, done = maintain(server, "-A")
    assert database.users() == sorted(user.name for user in users) and done.stderr == b"", str(done)
    server.expect_log(WARNING + ": too many catalogs are being written at once")
    empty(server, users, database)
    users[0].deliver(message(), users[1:])
    wait_for(lambda: len(database.users()) >= 16, "the rows of those for whom there is room")
    # for one after the other there is
    empty(server, users, database)
    for user in users:
        user.deliver()
        database.wait_row(user)


def empty(server, users, database):
    """The first mail that comes then changes a user's row."""
    for user in users:
        user.doveadm("expunge", "mailbox", "INBOX", "all")
    server.settle()
    database.run("DELETE FROM lazy_expunge")


def test_names_of_users_of_any_letters(dovecot):
    server, database = with_catalog(dovecot, mailboxes=MAILBOXES, passwd_file=True,
                                    change=lambda text: text.replace("service dict {", "auth_username_chars =\nservice dict {", 1))
    users = [server.user(f"n/{name}") for name in ("a/b", "a|b", "a%d=x")]
    server.write_users(users)
    for user in users:
        keep(user, 1)
    # the dict leaves the name as a key has it
    stored = [user.name.replace("/", "\\|") for user in users]
    assert database.users() == sorted(stored)
    database.run("UPDATE lazy_expunge SET due = 1, messages = 7")
    rows, done = maintain(server, "-A", "-D")
    assert sorted(row["username"] for row in rows) == sorted(user.name for user in users) and done.stderr == b"", str(done)
    assert database.run("SELECT sum(messages) FROM lazy_expunge") == [(len(users),)] and database.users() == sorted(stored)
    [row] = json.loads(server.doveadm("-f", "json", "lazy-expunge", "status", "-c", "-u", users[0].name).stdout)
    assert row["messages"] == 1
