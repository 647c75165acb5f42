"""holds -c: only users of whom the catalog knows holds are visited, and it is said how far behind that can be."""

import json

import pytest

from harness.dovecot.catalog import now, with_catalog
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox
from harness.dovecot.retention import keep, maintain

pytestmark = pytest.mark.any_format


def holds(server, *arguments, check=True):
    done = server.doveadm("-f", "json", "lazy-expunge", "holds", *arguments, check=check)
    return [(row["username"], row["name"]) for row in json.loads(done.stdout or "[]")], done


def test_only_who_has_holds_by_the_catalog_is_visited(dovecot):
    server, database = with_catalog(dovecot, passwd_file=True, mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge="7 days"),))
    anna, bert, carl, dora, gone = users = [server.user() for _ in range(5)]
    server.write_users([anna, bert, (carl, {"lazy_expunge_hold": "yes"}), dora, gone])
    keep(bert, 1)
    # of a hold that keeps no mail yet, too, of one that is over, and of the setting
    for user in (anna, bert, dora, gone):
        user.append()
        user.doveadm("lazy-expunge hold", "-N", "case")
    bert.doveadm("lazy-expunge release", "-N", "case", "-g", "0")
    carl.append()
    everybody, _ = holds(server, "-A")
    assert sorted(everybody) == [(anna.name, "case"), (bert.name, "case"), (carl.name, "lazy_expunge_hold"), (dora.name, "case"), (gone.name, "case")]
    rows, done = holds(server, "-A", "-c")
    # what the catalog does not know of is not there: that is what -c is for, and it says so
    assert sorted(rows) == [row for row in sorted(everybody) if row[0] != carl.name]
    assert f"4 of {len(database.users())} users of the catalog have holds".encode() in done.stderr and b"never: without -c" in done.stderr, str(done)
    maintain(server, "-A")
    rows, done = holds(server, "-A", "-c")
    assert sorted(rows) == sorted(everybody) and b"never" not in done.stderr
    # visited: what is printed is what is so now, and nobody else is asked
    database.run("UPDATE lazy_expunge SET holds = 0 WHERE username IN (?, ?)", dora.name, carl.name)
    assert holds(server, "-u", f"*{anna.name[1:]}", "-c")[0] == [(anna.name, "case")]
    server.write_users([anna, bert, carl, dora])
    database.run("UPDATE lazy_expunge SET username = 'nobody' WHERE username = ?", gone.name)
    rows, done = holds(server, "-A", "-c", check=False)
    assert sorted(rows) == [(anna.name, "case"), (bert.name, "case")] and b"nobody: The catalog has holds of this user" in done.stderr, str(done)
    assert database.row(anna)["holds"] == 1 and database.row(anna)["maintained"] > now() - 600


def test_it_needs_a_catalog_and_all_users(dovecot):
    server = dovecot(passwd_file=True)
    server.write_users([])
    done = holds(server, "-A", "-c", check=False)[1]
    assert done.code == 78 and b"lazy_expunge_catalog is not set" in done.stderr, str(done)
    done = holds(server, "-u", server.user().name, "-c", check=False)[1]
    assert done.code == 64 and b"it is for -A" in done.stderr, str(done)
