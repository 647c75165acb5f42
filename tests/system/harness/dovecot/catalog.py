"""The catalog in tests: the configuration of conf.d with a database of the test's own."""

import sqlite3
import time

from harness import places
from harness.dovecot.config import OURS
from harness.waiting import wait_for

FILE = "93-lazy-expunge-catalog.conf"
MAPS = "lazy-expunge-catalog.conf.ext"
DATABASE = "/var/lib/dovecot/lazy-expunge/catalog.sqlite"
FIELDS = ("due", "messages", "bytes", "oldest", "newest", "held", "maintained", "failed", "server")
NEVER = 99999999999


def schema(name):
    return (places.SOURCE / "conf.d/catalog" / f"{name}.sql").read_text()


def configuration(target, change=lambda text: text):
    """Fields of Config: the files of conf.d, with the database in the server's directory. change: of each text."""
    directory = places.SOURCE / "conf.d" / ("2.4" if target.new_settings else "2.3")
    names = [FILE] if target.new_settings else [FILE, MAPS]
    replaced = lambda text: change(text).replace(DATABASE, "@ROOT@/catalog/catalog.sqlite").replace(
        f"/etc/dovecot/{MAPS}", f"@ROOT@/{MAPS}").replace("    user = vmail\n    mode = 0600\n", "    mode = 0666\n")
    return dict(files=tuple((name, replaced((directory / name).read_text())) for name in names), raw=f"!include @ROOT@/{FILE}",
                plugin=OURS)


class Sqlite:
    """The database file of a server. Give prepare to dovecot.own()."""

    def __init__(self):
        self.path = None

    def prepare(self, server):
        directory = server.root / "catalog"
        directory.mkdir()
        self.path = directory / "catalog.sqlite"
        with self._connect() as connection:
            connection.executescript(schema("sqlite"))
        for path in [directory, *directory.iterdir()]:
            path.chmod(0o777)

    def _connect(self):
        return sqlite3.connect(self.path, timeout=30)

    def run(self, text, *values):
        connection = self._connect()
        with connection:
            rows = connection.execute(text, values).fetchall()
        connection.close()
        return rows

    def row(self, user):
        """The row as {field: value}, None if there is none."""
        rows = self.run(f"SELECT {', '.join(FIELDS)} FROM lazy_expunge WHERE username = ?", user.name)
        return dict(zip(FIELDS, rows[0])) if rows else None

    def users(self):
        return [name for name, in self.run("SELECT username FROM lazy_expunge ORDER BY username")]

    def wait_row(self, user, condition=lambda row: True):
        return wait_for(lambda: (row := self.row(user)) is not None and condition(row) and row, f"the row of {user.name}")


def with_catalog(dovecot, prepare=None, change=lambda text: text, **fields):
    """(a server of the test's own, its database)"""
    database = Sqlite()

    def prepare_all(server):
        database.prepare(server)
        if prepare:
            prepare(server)
    return dovecot.own(prepare=prepare_all, **configuration(dovecot.target, change), **fields), database


def now():
    return int(time.time())
