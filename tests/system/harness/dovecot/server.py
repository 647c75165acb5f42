"""A private Dovecot: made, started, watched and stopped."""

import functools
import itertools
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from harness import places
from harness.machines.build import build
from harness.dovecot.config import OURS
from harness.ports import free_ports
from harness.dovecot.render import GID, MAIL_DIRECTORY, PASSWORD, PORTS, UID, render
from harness.dovecot.user import User
from harness.waiting import wait_for

# What is no problem in any test: this is how servers are stopped, and what the master says on a machine that is busy.
# The last three: Dovecot was stopped while an auth worker listed the users for a command that had ended before, or while a process
# began and asked for its configuration.
ALWAYS_EXPECTED = re.compile(r"master: Warning: (Killed with signal \d+ \(by pid=\d+ uid=0 |Time moved forwards? by 0\.\d+ seconds)|"
                             r"auth: Error: auth-worker: (Aborted LIST request for |net_connect_unix\(auth-worker\) failed: Connection refused)|"
                             r": Fatal: (Failed to read|Error reading) configuration: .* failed: Connection reset by peer")
HOSTNAME = "mail"
SESSION_PROCESSES = ("imap", "pop3", "lmtp")


class ServerProblem(AssertionError):
    """The server did not start, or logged what it must not."""


@dataclass
class Result:
    """What a command did."""
    code: int
    stdout: bytes
    stderr: bytes
    command: list

    def __str__(self):
        text = (self.stdout[-3000:] + b"\n" + self.stderr[-3000:]).decode(errors="replace").strip()
        return f"{' '.join(map(str, self.command))}: exit code {self.code}\n{text}"


class Server:
    """mail_root: users' homes, to share with another server. variant: of the build (gcc, clang, sanitizers).

    hostname: another one for each server that shares a mail store, for what locks by files with a PID of the host.
    """

    master_name = "dovecot"

    def __init__(self, target, config, variant="gcc", mail_root=None, hostname=HOSTNAME):
        self.target, self.config, self.variant = target, config, variant
        self.root = places.fresh_run_directory()
        self.mail_root = Path(mail_root or self.root / "mail")
        self.mail_directory = MAIL_DIRECTORY[config.format]
        self.hostname = hostname
        self.ports = {}
        self._names = itertools.count(1)
        self._users = []
        self._written_users = {}
        self._prefix = re.sub("[^a-z0-9]", "", self.root.name.lower())
        self._expected = []
        self._allowed = {}
        self._expected_reports = []
        self._log_offset = 0
        self._master = None
        for directory in ("mail", "shared", "run"):
            (self.root / directory).mkdir(mode=0o755, exist_ok=True)
        self.own(self.root / "mail")
        self.own(self.root / "shared")
        self.sandbox = self._make_sandbox()
        self._write_files()

    # Names of things.

    @property
    def conf(self):
        return self.root / "dovecot.conf"

    @property
    def storage_separator(self):
        """The separator at the end of the storage's name, "" when it is one mailbox."""
        storage = self.config.storage
        return storage[-1] if storage and storage[-1] in "/." and len(storage) > 1 else ""

    def user(self, name=None):
        """A user whom no test used before."""
        user = User(self, name or f"{self._prefix}u{next(self._names)}")
        self._users.append(user)
        return user

    def close_sessions(self):
        """Hang up what users still have open."""
        for user in self._users:
            user.close()
        self._users = []

    def own(self, path):
        """Give a directory and all in it to the users' UID."""
        for entry in [path, *path.rglob("*")]:
            os.chown(entry, UID, GID)

    def write_users(self, users):
        """With passwd_file: these users exist, each a User or (User, {field: value}) with fields of the userdb.

        A server that runs knows them at the return. Dovecot looks at the file at most once a second, and takes it for the one
        that it has read when the second of its change and its size are the same.
        """
        pairs = [user if isinstance(user, tuple) else (user, {}) for user in users]
        now = {user.name: {key: str(value) for key, value in fields.items()} for user, fields in pairs}
        path, before = self.root / "users", self._written_users
        changed_at = max(int(time.time()), int(path.stat().st_mtime) + 1 if path.exists() else 0)
        fresh = path.with_suffix(".new")
        fresh.write_text("".join(f"{name}:::::::{' '.join(f'userdb_{key}={value}' for key, value in fields.items())}\n"
                                 for name, fields in now.items()))
        fresh.chmod(0o644)
        os.utime(fresh, (changed_at, changed_at))
        fresh.replace(path)
        self._written_users = now
        differs = next((name for name in {**before, **now} if before.get(name) != now.get(name)), None)
        if differs is not None and self._config_socket():
            wait_for(lambda: self._userdb_has(differs, before.get(differs, {}), now.get(differs)), f"the userdb to know {differs} anew")

    def _userdb_has(self, name, before, fields):
        """Whether the server knows this user with these fields and without others that it had before; None: not at all."""
        result = self.doveadm("user", name, check=False)
        if result.code != 0 or fields is None:
            return result.code != 0 and fields is None
        known = dict(line.split("\t", 1) for line in result.stdout.decode().splitlines() if "\t" in line)
        # 2.4 shows paths as they are for the user
        return all(known.get(key, "").endswith(value.removeprefix("~")) for key, value in fields.items()) and \
            not (before.keys() - fields.keys()) & known.keys()

    def write_passdb(self, protocol, rows):
        """With passdb_file: rows (user's name, {field: value}) for a protocol (imap, pop3, doveadm)."""
        path = self.root / f"passdb.{protocol}"
        path.write_text("".join(f"{name}:{{PLAIN}}{PASSWORD}::::::{' '.join(f'{key}={value}' for key, value in fields.items())}\n"
                                for name, fields in rows))
        path.chmod(0o644)

    # Starting and stopping.

    def start(self):
        # one that was killed leaves its PID behind, which another process may have by now
        (self.root / "run/master.pid").unlink(missing_ok=True)
        for _ in range(5):
            self.ports = free_ports(PORTS)
            self.conf.write_text(render(self.config, self.target.version, self.root, self.ports, self.mail_root,
                                        self.preload))
            self._master = self.sandbox.popen(["dovecot", "-F", "-c", self.conf], environment=self.preload,
                                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if self._came_up():
                return self
            error = self._master.stderr.read().decode(errors="replace") + self._log_text()
            if "Address already in use" not in error:
                break
            self._log_path.unlink(missing_ok=True)
        self.sandbox.close()
        raise ServerProblem(f"Dovecot of {self.target} did not start with {self.conf}:\n{error[-4000:]}")

    def _came_up(self):
        def answers():
            if self._master.poll() is not None:
                return "exited"
            return "up" if set(self.ports.values()) <= _listening_ports() else None
        return wait_for(answers, "Dovecot to start", seconds=60) == "up"

    def stop(self):
        """Stop it, and fail on what it must not have logged or left behind."""
        self._signal_master(signal.SIGTERM)
        wait_for(self._only_an_idle_log_left, "processes to end", seconds=30)
        self.sandbox.close()
        problems = self.take_problems()
        if problems:
            raise ServerProblem("the log has:\n" + "\n".join(problems) + f"\n(see {self.root})")
        shutil.rmtree(self.root, ignore_errors=True)

    def halt(self, signal_number=signal.SIGTERM):
        """Stop the processes and keep everything else, for restart()."""
        if self._master is None:
            return
        self._signal_master(signal_number)
        self._master.wait(timeout=30)
        self._master.stderr.close()
        self._master = None
        # dovecot's children go by themselves when it is gone.
        wait_for(lambda: not self._any_lives(*SESSION_PROCESSES, "log"), "processes to end", seconds=30)

    def _signal_master(self, signal_number):
        for pid in self.sandbox.processes("dovecot"):
            os.kill(pid, signal_number)

    def _only_an_idle_log_left(self):
        """Whether all that could write to the log is gone, and the log process, which 2.3 keeps for a second, has read it."""
        living = self.sandbox.living()
        return all(name in ("dovecot", "log") for name, _ in living) and _is_log_idle(living)

    def restart(self, signal_number=signal.SIGTERM):
        """Stop (or kill, with SIGKILL) and start again with the same files; the ports change."""
        self.halt(signal_number)
        return self.start()

    def discard(self):
        """End everything now, without a look at the log."""
        self.sandbox.close()
        shutil.rmtree(self.root, ignore_errors=True)

    # Running things.

    def doveadm_command(self, *arguments, asking=False):
        """The command line of doveadm as it is run in the server's sandbox.

        asking: it asks the running server for the configuration, which spares it doveconf: on 2.4 that takes two thirds of its time.
        """
        conf = self._config_socket() if asking else None
        return ["doveadm", "-c", str(conf or self.conf), *map(str, arguments)]

    def _config_socket(self):
        """Where the server gives out the configuration that it was started with; None if it does not run."""
        path = self.root / "run" / "config"
        return path if self._master is not None and self._master.poll() is None and path.is_socket() else None

    def doveadm(self, *arguments, input=b"", check=True, timeout=120):
        """Run doveadm in the sandbox; returns a Result. check: fail on another exit code than 0.

        The plugin's commands read the configuration from its file, Dovecot's own ask the running server. Not import, which reads it
        once more when it has become the user, who must not ask.
        """
        command = self.doveadm_command(*arguments, asking=not {"lazy-expunge", "import"}.intersection(arguments))
        return self.run(command, input=input, check=check, timeout=timeout)

    def start_doveadm(self, *arguments, **options):
        """Start doveadm in the sandbox, and return its Popen. options: of Popen."""
        return self.sandbox.popen(self.doveadm_command(*arguments), environment=self.preload, **options)

    def run(self, command, input=b"", check=True, timeout=120):
        """Run a command in the sandbox (and in the chroot)."""
        done = self.sandbox.run(command, input=input, timeout=timeout, environment=self.preload)
        result = Result(done.returncode, done.stdout, done.stderr, command)
        if check and result.code != 0:
            raise AssertionError(str(result))
        if re.search(rb"Panic:|Fatal: master|killed with signal", result.stderr) or result.code < 0 or result.code > 128:
            raise ServerProblem(f"crashed: {result}")
        return result

    def kill(self, name, signal_number=signal.SIGKILL):
        """Kill the server's processes with this name (imap, lmtp, doveadm, ...); the number killed."""
        return self.sandbox.kill(name, signal_number)

    def kill_process(self, pid):
        """Kill one of processes(); the number killed (0 if it ended before)."""
        self._wait_for_reports()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return 0
        wait_for(lambda: pid not in self.processes(), f"process {pid} to be gone")
        return 1

    def kill_all(self):
        """End all of the server's processes at once, as a machine that crashes does; start() begins anew."""
        if self._master is None:
            return
        self._wait_for_reports()
        wait_for(self._kill_what_lives, "all processes to be gone", seconds=30)
        self._master.wait(timeout=30)
        self._master.stderr.close()
        self._master = None
        # the next master would wait for this one's, and say so
        (self.root / "run" / "instances.lock").unlink(missing_ok=True)

    def _kill_what_lives(self):
        """Kill what lives now; whether that was nothing."""
        pids = self.processes()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not pids

    def processes(self, name=None):
        """PIDs of this server's processes, as this machine counts them (for strace -p)."""
        return self.sandbox.processes(name)

    def settle(self):
        """Wait until every session's process of this server has ended, so that what they do at the end is done."""
        wait_for(lambda: not self._any_lives(*SESSION_PROCESSES), "sessions to end", seconds=30)

    def _any_lives(self, *names):
        return any(name in names for name, _ in self.sandbox.living())

    # The log. Warnings and worse go to one file, everything else to another.

    @property
    def _log_path(self):
        return self.root / "log"

    def _log_text(self):
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    def log(self):
        """Lines of warnings and errors since the beginning of the test, all that processes have said by now."""
        wait_for(lambda: _is_log_idle(self.sandbox.living()), "the log to be written")
        return self._log_text()[self._log_offset:].splitlines()

    def info_log(self):
        path = self.root / "info.log"
        return path.read_text(errors="replace").splitlines() if path.exists() else []

    def debug_log(self):
        path = self.root / "debug.log"
        return path.read_text(errors="replace").splitlines() if path.exists() else []

    def expect_log(self, pattern, required=True):
        """Lines of the log that match this are no failure in this test; one must come if required."""
        self._expected.append((re.compile(pattern), required))

    def allow_log(self, pattern):
        """Lines of the log that match this are never a failure of this server, also when they come after a test."""
        self._allowed[pattern] = re.compile(pattern)

    def expect_report(self, pattern):
        """A sanitizer's report that matches this is no failure: for faults that are Dovecot's own."""
        self._expected_reports.append(re.compile(pattern))

    def wait_log(self, pattern, seconds=10):
        """Wait for a line of the log since the beginning of the test; returns it. It must be expected as well."""
        return wait_for(lambda: next((line for line in self.log() if re.search(pattern, line)), None),
                        f"{pattern} in the log", seconds)

    def take_problems(self):
        """What went wrong since the last call, each a line; forgets what was expected."""
        lines = self.log()
        self._log_offset = len(self._log_text())
        expected = [ALWAYS_EXPECTED, *self._allowed.values()] + [pattern for pattern, _ in self._expected]
        problems = [line for line in lines if not any(pattern.search(line) for pattern in expected)]
        problems += [f"nothing in the log matches {pattern.pattern}" for pattern, required in self._expected
                     if required and not any(pattern.search(line) for line in lines)]
        for place in (self.root, self.root / "run", *self.root.glob("mail/*")):
            problems += [f"a core file: {path}" for path in place.glob("core*") if path.is_file()]
        problems += [f"{path}:\n{text[:4000]}" for path, text in self._reports().items()
                     if not any(pattern.search(text) for pattern in self._expected_reports)]
        self._expected = []
        return problems

    def _reports(self):
        """The sanitizer's reports: {path: text}."""
        return {path: path.read_text(errors="replace") for path in self.root.glob("sanitizer/*")}

    def _wait_for_reports(self):
        """A process that is killed while it writes a report would not say where the fault is."""
        wait_for(lambda: all("ABORTING" in text for text in self._reports().values() if "AddressSanitizer" in text),
                 "a sanitizer's report to be written", seconds=30)

    # What lies under it.

    def _make_sandbox(self):
        # Dovecot looks up the name of its host: this one is found without asking any name server.
        hosts = self.root / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {self.hostname} {self.hostname}.example.com\n")
        binds = [(self._module_tree(), self.target.module_dir), (hosts, "/etc/hosts")]
        shared = [self.root] + ([self.mail_root] if self.root not in self.mail_root.parents else [])
        return self.target.sandbox(shared=shared, binds=binds, hostname=self.hostname)

    def _module_tree(self):
        """A copy of the system's modules with those under test in place of the shipped ones."""
        tree = self.root / "modules"
        shutil.copytree(f"{self.target.root}/{self.target.module_dir}", tree, symlinks=True)
        if self.config.plugin == OURS:
            shutil.copytree(build(self.target, self.variant), tree, symlinks=True, dirs_exist_ok=True)
        for pattern in self.config.without_modules:
            for path in list(tree.glob(pattern)):
                path.unlink()
        return tree

    @functools.cached_property
    def preload(self):
        """The environment that a sanitizer needs."""
        if self.variant != "sanitizers":
            return {}
        reports = self.root / "sanitizer"
        if not reports.exists():
            reports.mkdir()
            reports.chmod(0o777)
        library = self.sandbox.run(["gcc", "-print-file-name=libasan.so"]).stdout.decode().strip()
        library = self.sandbox.run(["readlink", "-f", library]).stdout.decode().strip()
        options = f"detect_leaks=0:log_path={reports}/report:verify_asan_link_order=0"
        needed = {"LD_PRELOAD": library, "ASAN_OPTIONS": options,
                  "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={reports}/report"}
        # also by a doveadm that is run by doveadm, which else takes nothing of its environment along
        return {**needed, "DOVECOT_PRESERVE_ENVS": " ".join(needed)}

    def _write_files(self):
        from harness.dovecot.render23 import acl_rows
        for name, text in self.config.files:
            (self.root / name).write_text(text.replace("@ROOT@", str(self.root)))
        rows = acl_rows(self.config)
        if rows and not self.target.new_settings:
            (self.root / "acl").write_text("".join(f'"{name}" {who} {rights}'.rstrip() + "\n" for name, who, rights in rows))
        if self.config.passwd_file:
            self.write_users([])
        if self.config.crypt:
            key, public = self.root / "crypt.pem", self.root / "crypt-public.pem"
            self.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key])
            self.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public])
            key.chmod(0o644)


def _is_log_idle(living):
    """Whether the log process, if there is one, sleeps: it has read all that was written to it."""
    return all(state == "S" for name, state in living if name == "log")


def _listening_ports():
    """The TCP ports of this machine on which somebody listens."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}
