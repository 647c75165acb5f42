"""The schemas of conf.d: PostgreSQL through Dovecot's dict, and MySQL's as MariaDB takes it."""

import json

import pytest

from harness import places
from harness.dovecot.catalog import NEVER, Postgres, configuration, load_in_mariadb, now, schema
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox
from harness.dovecot.retention import keep, maintain

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


@pytest.mark.native
def test_the_schema_of_mysql(dovecot):
    place = places.fresh_run_directory()
    row = "INSERT INTO lazy_expunge (due,bytes,messages,username) VALUES ('{}','{}','1','{}') ON DUPLICATE KEY UPDATE due='{}',bytes='{}'"
    out = place / "out"
    statements = [row.format(NEVER, 9, "anna", NEVER, 9), row.format(5, 700, "Anna", 5, 700), row.format(6, 800, "anna", 6, 800),
                  f"SELECT users, messages, bytes, due_day, due_week FROM lazy_expunge_sums WHERE name = 'all' INTO OUTFILE '{out}'",
                  f"SELECT -bytes, username FROM lazy_expunge_top ORDER BY bytes_down LIMIT 1 INTO OUTFILE '{out}-top'"]
    text = "CREATE DATABASE le;\nUSE le;\n" + schema("mysql") + "".join(f"{statement};\n" for statement in statements)
    done = load_in_mariadb(place / "data", text)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    # names differ in case
    assert out.read_text().split() == ["2", "2", "1500", "2", "2"]
    assert (place / "out-top").read_text().split() == ["-800", "anna"]
