"""status -c: the fleet, from the catalog."""

import json
import re
import shutil

import pytest

from harness import places
from harness.dovecot.catalog import FIELDS, NEVER, now, with_catalog

pytestmark = pytest.mark.any_format

DAY = 24 * 60 * 60


def status(server, *arguments, check=True):
    done = server.doveadm("-f", "json", "lazy-expunge", "status", "-c", *arguments, check=check)
    return json.loads(done.stdout or "[]"), done


def gauges(server):
    script = server.root / "gauges"
    shutil.copy(places.SOURCE / "contrib/prometheus/lazy-expunge-gauges", script)
    return server.run(["env", f"DOVEADM=doveadm -c {server.conf}", "sh", script, "-c"]).stdout.decode()


def test_sums_and_the_first_of_an_order(dovecot):
    server, database = with_catalog(dovecot, passwd_file=True)
    anna, bert, carl = (server.user() for _ in range(3))
    server.write_users([anna, bert, carl])
    begin = now()
    for user, values in ((anna, (begin - 5, 3, 7000, begin - 14 * DAY, begin - DAY, 1, begin - 9, 0, "one")),
                         (bert, (begin + 3 * DAY, 9, 100, begin - 60, begin - 60, 0, begin - 8, 2, "two")),
                         (carl, (NEVER, 0, 0, 0, 0, 0, begin - 7, 0, "two"))):
        fields = [field for field in FIELDS if field != "holds"]
        database.run(f"INSERT INTO lazy_expunge (username, {', '.join(fields)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", user.name, *values)
    [total], done = status(server, "-A")
    assert done.stderr == b"" and total["username"] == "TOTAL"
    sums = {key: total[key] for key in ("users", "messages", "bytes", "held", "failed", "due_day", "due_week")}
    assert sums == dict(users=3, messages=12, bytes=7100, held=1, failed=1, due_day=1, due_week=2)
    # 7,000 bytes in two weeks are 3,500 a week; what is younger than a day counts as of a day
    assert 4190 <= total["week_bytes"] <= 4210
    assert total["oldest"] is not None and total["newest"] is not None
    for order, expected in (("bytes", [anna, bert]), ("messages", [bert, anna]), ("oldest", [anna, bert])):
        rows, _ = status(server, "-A", "-s", order, "-l", "2")
        assert [row["username"] for row in rows] == [user.name for user in expected] + ["TOTAL"]
    assert [row["username"] for row in status(server, "-A", "-s", "oldest")[0]] == [anna.name, bert.name, "TOTAL"]
    first = status(server, "-A", "-s", "bytes", "-l", "1")[0][0]
    assert (first["messages"], first["bytes"], first["held"], first["server"], first["due_day"]) == (3, 7000, 1, "one", 1)
    # monitoring
    text = gauges(server)
    values = dict(re.findall(r"^lazy_expunge_catalog_(\w+) (\d+)$", text, re.MULTILINE))
    dashboard = (places.SOURCE / "contrib/grafana/lazy-expunge.json").read_text()
    assert set(re.findall(r"lazy_expunge_catalog_(\w+)", dashboard)) == set(values), "the dashboard shows all of it, and nothing else"
    week_bytes = int(values.pop("week_bytes"))
    assert {name: int(value) for name, value in values.items()} == sums and 4190 <= week_bytes <= 4210
    # one user
    [row], _ = status(server, "-u", bert.name)
    assert (row["messages"], row["failed"], row["server"], row["due_week"]) == (9, 2, "two", 1)
    rows, done = status(server, "-u", server.user().name, check=False)
    assert rows == []
    # the sums are over all: not what was asked for, with a mask or a file
    (server.root / "names").write_text(f"{bert}\n")
    (server.root / "names").chmod(0o644)
    for arguments in (("-u", f"{bert.name[:-1]}*"), ("-F", server.root / "names"), ("-F", server.root / "names", "-s", "bytes")):
        rows, done = status(server, *arguments, check=False)
        assert (rows, done.code) == ([], 64) and b"-c has the figures of one user" in done.stderr, str(done)
    # and nobody was visited
    assert not any(user.home.exists() for user in (anna, carl))


def test_it_needs_a_catalog(dovecot):
    server = dovecot(passwd_file=True)
    server.write_users([])
    done = status(server, "-A", check=False)[1]
    assert done.code == 78 and b"lazy_expunge_catalog is not set" in done.stderr, str(done)
    done = status(server, "-A", "-v", check=False)[1]
    assert done.code == 64 and b"-v and -c" in done.stderr, str(done)
