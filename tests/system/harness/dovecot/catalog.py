"""The catalog in tests: the configuration of conf.d with a database of the test's own."""

import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

from harness import places
from harness.dovecot.config import OURS
from harness.ports import free_port
from harness.waiting import wait_for

FILE = "93-lazy-expunge-catalog.conf"
MAPS = "lazy-expunge-catalog.conf.ext"
DATABASE = "/var/lib/dovecot/lazy-expunge/catalog.sqlite"
FIELDS = ("due", "messages", "bytes", "oldest", "newest", "held", "holds", "maintained", "failed", "server")
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
        # it stays, and so do the files beside the database: made anew by root they would be closed to others for a moment
        self._held = self._connect()
        with self._held:
            self._held.executescript(schema("sqlite"))
            self._held.execute("SELECT count(*) FROM lazy_expunge").fetchall()
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


class Postgres:
    """A PostgreSQL of the test's own: in a directory of its own, on loopback, without anything of the system's cluster."""

    def __init__(self, place):
        self._place, self.port = place, free_port()
        [self._programs] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
        place.mkdir(mode=0o700)
        shutil.chown(place, "postgres", "postgres")
        self._run("initdb", "-D", place / "data", "-U", "lazy_expunge", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self._server = subprocess.Popen(self._command(
            "postgres", "-D", place / "data", "-p", self.port, "-k", place, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
            stdin=subprocess.DEVNULL, stdout=open(place / "log", "wb"), stderr=subprocess.STDOUT, cwd="/")
        wait_for(lambda: self._try("-d", "postgres", "-c", "SELECT 1").returncode == 0, "PostgreSQL to answer", seconds=60)
        self._try("-d", "postgres", "-c", "CREATE DATABASE lazy_expunge", check=True)
        self.run(schema("postgresql"))

    def _command(self, program, *arguments):
        return ["setpriv", "--pdeathsig", "KILL", "--reuid", "postgres", "--regid", "postgres", "--clear-groups",
                str(self._programs / program), *map(str, arguments)]

    def _run(self, *arguments):
        subprocess.run(self._command(*arguments), check=True, capture_output=True, cwd="/")

    def _try(self, *arguments, input=b"", check=False):
        return subprocess.run([str(self._programs / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "lazy_expunge", "-qAt",
                               "-v", "ON_ERROR_STOP=1", *arguments], input=input, capture_output=True, check=check)

    def run(self, text):
        """Rows of the last statement, each a list of texts."""
        done = self._try("-d", "lazy_expunge", input=text.encode())
        if done.returncode != 0:
            raise AssertionError(done.stderr.decode())
        return [line.split("|") for line in done.stdout.decode().splitlines()]

    def change(self, text):
        """A configuration of conf.d, made one for this database."""
        text = text.replace(f"connect = {DATABASE}\n", f"connect = host=127.0.0.1 port={self.port} dbname=lazy_expunge user=lazy_expunge\n")
        text = text.replace("sqlite:/etc", "pgsql:/etc").replace("proxy::lazy_expunge", "proxy:dict-async:lazy_expunge")
        text = text.replace("service dict {\n  unix_listener dict {", "service dict-async {\n  unix_listener dict-async {")
        text = text.replace("    name = lazy_expunge\n", "    name = lazy_expunge\n    socket_path = dict-async\n", 1)
        text = text.replace("    sql_driver = sqlite\n", "    sql_driver = pgsql\n").replace(
            f"    sqlite_path = {DATABASE}\n", "    pgsql lazy_expunge {\n      parameters {\n        host = 127.0.0.1\n"
            f"        port = {self.port}\n        dbname = lazy_expunge\n        user = lazy_expunge\n      }}\n    }}\n")
        return text

    def row(self, user):
        rows = self.run(f"SELECT {', '.join(FIELDS)} FROM lazy_expunge WHERE username = '{user.name}'")
        return {name: value if name == "server" else int(value) for name, value in zip(FIELDS, rows[0])} if rows else None

    def wait_row(self, user, condition=lambda row: True):
        return wait_for(lambda: (row := self.row(user)) is not None and condition(row) and row, f"the row of {user.name}")

    def stop(self):
        self._server.send_signal(signal.SIGINT)
        self._server.wait(timeout=30)


class MariaDb:
    """A MariaDB of the test's own, by a socket alone. What is in its tables is read when it has stopped."""

    def __init__(self, place):
        self._data, self._log, self.socket, self._server = place / "data", place / "log", place / "socket", None
        place.mkdir()
        self._data.mkdir()
        self.run("CREATE DATABASE lazy_expunge;\nUSE lazy_expunge;\n" + schema("mysql"))

    def _command(self, *arguments):
        return ["mariadbd", "--no-defaults", "--skip-grant-tables", f"--datadir={self._data}", "--user=root", f"--tmpdir={self._data}",
                *map(str, arguments)]

    def run(self, text):
        """While it does not serve."""
        done = subprocess.run(self._command("--bootstrap"), input=text.encode(), capture_output=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr.decode()[-2000:])

    def select(self, text):
        """Rows of a SELECT, each a list of texts."""
        out = self._log.with_name("out")
        out.unlink(missing_ok=True)
        self.run(f"USE lazy_expunge;\n{text} INTO OUTFILE '{out}';\n")
        return [line.split("\t") for line in out.read_text().splitlines()]

    def start(self):
        self._server = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self._command("--skip-networking", f"--socket={self.socket}",
                                                                                         f"--pid-file={self._log}.pid")],
                                        stdin=subprocess.DEVNULL, stdout=open(self._log, "wb"), stderr=subprocess.STDOUT, cwd="/")
        wait_for(self._answers, "MariaDB to answer", seconds=60)

    def _answers(self):
        if self._server.poll() is not None:
            raise AssertionError(self._log.read_text()[-2000:])
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket)) == 0 and client.recv(1) != b""

    def change(self, text):
        """A configuration of conf.d for 2.3, made one for this database."""
        return text.replace(f"connect = {DATABASE}\n", f"connect = host={self.socket} dbname=lazy_expunge user=root\n").replace(
            "sqlite:/etc", "mysql:/etc")

    def stop(self):
        if self._server is not None and self._server.poll() is None:
            self._server.terminate()
            self._server.wait(timeout=60)
