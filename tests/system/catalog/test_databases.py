"""The schemas of conf.d: PostgreSQL and MySQL through Dovecot's dict."""

import json

import pytest

from harness import places
from harness.dovecot.catalog import MariaDb, Postgres, configuration, now
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox
from harness.dovecot.retention import keep, maintain
from harness.waiting import wait_for

pytestmark = pytest.mark.any_format


@pytest.fixture
def postgres():
    place = places.fresh_run_directory()
    place.chmod(0o755)
    database = Postgres(place / "postgresql")
    yield database
    database.stop()


def test_postgresql(dovecot, postgres):
    server = dovecot.own(**configuration(dovecot.target, postgres.change), passwd_file=True,
                         mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge="7 days", autoexpunge_max_mails=2),))
    anna, bert = server.user(), server.user()
    server.write_users([anna, bert])
    for user in (anna, bert):
        user.fill("INBOX", 3)
        with user.imap("INBOX") as session:
            session.delete("1")
        assert postgres.wait_row(user)["messages"] == 1
    keep(anna, 2, "Work")
    row = postgres.wait_row(anna, lambda row: row["messages"] == 3)
    assert row["due"] <= now() and row["maintained"] == 0
    postgres.run("UPDATE lazy_expunge SET maintained = due")
    [done, *rest], _ = maintain(server, "-A", "-D")
    assert (done["username"], done["expunged"], rest) == (anna.name, 1, [])
    assert postgres.row(anna)["messages"] == 2 and postgres.row(anna)["failed"] == 0
    rows = json.loads(server.doveadm("-f", "json", "lazy-expunge", "status", "-A", "-c", "-s", "bytes", "-l", "1").stdout)
    assert [(row["username"], row["messages"], row["users"]) for row in rows] == [(anna.name, 2, 1), ("TOTAL", 3, 2)]
    assert rows[1]["bytes"] == postgres.row(anna)["bytes"] + postgres.row(bert)["bytes"] and rows[1]["due_week"] == 2
    # while it is away nothing fails, and its rows are made again
    postgres.run("DELETE FROM lazy_expunge")
    server.write_users([bert])
    maintain(server, "-A")
    assert (postgres.row(bert)["messages"], postgres.row(anna)) == (1, None)


@pytest.fixture
def mariadb():
    place = places.fresh_run_directory()
    place.chmod(0o755)
    database = MariaDb(place / "mariadb")
    yield database
    database.stop()


@pytest.mark.native
def test_mysql(dovecot, mariadb):
    """Of the databases that speak so MariaDB. Names of users differ in case."""
    mariadb.start()
    server = dovecot.own(**configuration(dovecot.target, mariadb.change), passwd_file=True,
                         mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge="7 days", autoexpunge_max_mails=2),))
    anna, bert = server.user("mari-anna"), server.user("maria")
    server.write_users([anna, bert])
    for user in (anna, bert):
        user.fill("INBOX", 3)
    with bert.imap("INBOX") as session:
        session.delete("1")
    status = lambda *arguments: json.loads(server.doveadm("-f", "json", "lazy-expunge", "status", "-A", "-c", *arguments).stdout)
    wait_for(lambda: status()[0]["users"] == 1, "the row of the session")
    keep(anna, 3, "Work")
    anna.doveadm("lazy-expunge hold", "-N", "case", "to", "nobody")
    done, run = maintain(server, "-A", "-D")
    assert {row["username"]: row["expunged"] for row in done} == {anna.name: 1, bert.name: 0} and run.stderr == b""
    rows = status("-s", "messages", "-l", "1")
    assert [(row["username"], row["messages"], row["users"]) for row in rows] == [(anna.name, 2, 1), ("TOTAL", 3, 2)]
    assert rows[1]["due_week"] == 2 and rows[0]["server"] == server.hostname
    held = json.loads(server.doveadm("-f", "json", "lazy-expunge", "holds", "-A", "-c").stdout)
    assert [(row["username"], row["name"]) for row in held] == [(anna.name, "case")]
    server.stop()
    mariadb.stop()
    mariadb.run("USE lazy_expunge;\nINSERT INTO lazy_expunge (username, bytes) VALUES ('MARIA', 1000000) "
                "ON DUPLICATE KEY UPDATE bytes='1';\n")
    assert mariadb.select("SELECT username, messages, holds, failed FROM lazy_expunge ORDER BY username") == [
        ["MARIA", "0", "0", "0"], [anna.name, "2", "1", "0"], [bert.name, "1", "0", "0"]]
    assert mariadb.select("SELECT -bytes, username FROM lazy_expunge_top ORDER BY bytes_down LIMIT 1") == [["-1000000", "MARIA"]]
