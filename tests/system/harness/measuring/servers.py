"""The servers that are measured side by side, and what one of them takes and costs."""

import contextlib
import os
import resource
import shutil
import time
from dataclasses import replace
from pathlib import Path

from harness.measuring import accounts
from harness.dovecot import catalog
from harness.dovecot.config import NONE, OURS, SHIPPED, Config, Mailbox, settings
from harness.dovecot.sandbox import Sandbox, process_stat
from harness.dovecot.server import Server

# series: plugin, only_last_instance. copy, small, open: without a plugin the client itself does what cases.BEFORE has: what Dovecot
# takes for it. ours-…: the accounts are others (cases_holds), or what was done with them before (cases_peer).
SERIES = {
    "none": (NONE, False),
    "open": (NONE, False),
    "small": (NONE, False),
    "copy": (NONE, False),
    "shipped": (SHIPPED, False),
    "ours": (OURS, False),
    "ours-fewer": (OURS, False),
    "ours-flag": (OURS, False),
    "ours-header": (OURS, False),
    "ours-read": (OURS, False),
    "ours-catalog": (OURS, False),
    "ours-due": (OURS, False),
    "ours-jobs2": (OURS, False),
    "ours-jobs4": (OURS, False),
    "ours-again": (OURS, False),
    "ours-after": (OURS, False),
    "ours-restored": (OURS, False),
    "ours-new": (OURS, False),
    "ours-noted": (OURS, False),
    "shipped-last": (SHIPPED, True),
    "ours-last": (OURS, True),
}


# As conf.d has it: what the shipped plugin does not know.
OWN_SETTINGS = {OURS: dict(hidden=True, protect=True)}


class Servers:
    """The servers of one target and format, started when first asked for."""

    def __init__(self, target, form, fsync, variant="gcc"):
        self.target, self.form, self.fsync, self.variant = target, form, fsync, variant
        self._servers, self._databases = {}, {}

    def get(self, series, **fields):
        """A running server for a series, with other fields of Config if given."""
        key = (series, tuple(sorted(fields.items())))
        if key not in self._servers:
            server = Server(self.target, self.config(series, **fields), self.variant)
            if series == "ours-catalog":
                self._databases[server] = catalog.Sqlite()
                self._databases[server].prepare(server)
            self._servers[key] = server.start()
        return self._servers[key]

    def config(self, series, **fields):
        plugin, last = SERIES[series]
        config = Config(format=self.form, plugin=plugin, fsync=self.fsync, raw="mail_max_userip_connections = 100",
                        lazy=settings(mailbox=accounts.STORAGE, only_last_instance=last, **OWN_SETTINGS.get(plugin, {})),
                        mailboxes=(Mailbox("Trash", auto="create", special_use="\\Trash"),))
        if series == "ours-catalog":
            own = catalog.configuration(self.target)
            config = replace(config, files=own["files"], raw=config.raw + "\n" + own["raw"])
        return replace(config, **fields)

    def database(self, server):
        """The catalog of a server of the series ours-catalog."""
        return self._databases[server]

    def account(self, series, account, **fields):
        """A fresh user of the series' server with a copy of this account."""
        user = self.get(series, **fields).user()
        accounts.copy(self.target, self.form, account, user)
        return user

    def has_command(self, series):
        """Whether doveadm lazy-expunge exists in the series' build."""
        return bool(list((self.get(series).root / "modules/doveadm").glob("lib*_doveadm_lazy_expunge_plugin.so")))

    def check(self):
        """Fail if a server logged a warning or an error: its times would mean nothing."""
        problems = [line for server in self._servers.values() for line in server.take_problems()]
        if problems:
            raise RuntimeError("the servers logged:\n" + "\n".join(problems[:20]))

    def forget_users(self):
        """Hang up, and free the space of the accounts that a case has used."""
        for server in self._servers.values():
            server.close_sessions()
            server.settle()
            for home in server.mail_root.iterdir():
                shutil.rmtree(home)

    def discard(self):
        for server in self._servers.values():
            server.close_sessions()
            server.discard()
        self._servers = {}


def peak_memory(user, name="imap"):
    """The most memory that the user's process with this name had, in KiB: VmHWM. None when it has none."""
    peaks = []
    for pid in user.server.processes(name):
        try:
            if user.name.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
                continue
            status = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        peaks += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")]
    return max(peaks, default=None)


def time_on_cpu(user, name="imap"):
    """Milliseconds that the user's processes with this name have been on a CPU, once they wait for the next command."""
    return sum(_settled_time(pid) for pid in user.server.processes(name)
               if user.name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes())


def _settled_time(pid):
    deadline = time.monotonic() + 5
    while not Sandbox.is_idle(pid) and time.monotonic() < deadline:
        time.sleep(0.0005)
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def children_on_cpu():
    """Milliseconds that the commands which this process has run have been on a CPU."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def ended_on_cpu(server):
    """Milliseconds that the server's processes which have ended have been on a CPU. The kernel counts them in steps of 10."""
    fields = process_stat(_master(server))[1]
    return (int(fields[13]) + int(fields[14])) * 1000 / os.sysconf("SC_CLK_TCK")


def server_on_cpu(server):
    """Milliseconds that all processes of the server have been on a CPU, those that have ended in steps of 10."""
    return ended_on_cpu(server) + sum(times_on_cpu(server).values())


def times_on_cpu(server, name=None):
    """{PID: milliseconds on a CPU} of the server's processes, or of those with this name, once they wait for what comes next."""
    found = {}
    for pid in server.processes(name):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[pid] = _settled_time(pid)
    return found


def _master(server):
    """The PID of the server's master. A child that it has just forked has its name, too, until it executes its program."""
    pids = server.processes(server.master_name)
    for pid in pids:
        try:
            parent = int(process_stat(pid)[1][1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent not in pids:
            return pid
    raise RuntimeError("the server has no master")
