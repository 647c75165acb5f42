"""A private mount, PID and UTS namespace, over the native system or a chroot.

Everything that runs a Dovecot runs in one of these: mounts made for it are seen by nobody else and go away by themselves,
and when the keeper dies the kernel ends every process inside.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import tempfile
from pathlib import Path

from harness.waiting import wait_for

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "DEBIAN_FRONTEND": "noninteractive",
}
# The child goes away with the process that made it, also when that is killed.
DIE_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"]


class Sandbox:
    """Processes started here see root as /, share paths at their own place, and binds laid over the system's.

    shared: directories of this machine that have the same path inside.
    binds: pairs (directory or file of this machine, absolute path inside the root that it covers).
    hostname: the name that the machine has inside.
    scratch: an empty directory; all that changes in root is then kept in memory, seen inside alone, and forgotten at the end.

    root is where files of the inside are found from outside, while the sandbox lives.
    """

    def __init__(self, root="/", shared=(), binds=(), environment=None, hostname=None, scratch=None):
        self._lower, self._scratch = Path(root), scratch
        self.root = Path(root) if scratch is None else Path(scratch) / "root"
        self.environment = dict(ENVIRONMENT, **(environment or {}))
        self._shared = [Path(path) for path in shared]
        script = self._script(self._shared, binds, hostname)
        self._keeper = subprocess.Popen(
            DIE_WITH_PARENT + ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "bash", "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.environment, start_new_session=True)
        if self._keeper.stdout.readline() != b"ready\n":
            message = self._keeper.stderr.read().decode(errors="replace")
            self._keeper.wait()
            raise RuntimeError(f"cannot make a private mount namespace in {root}: {message}")
        self.init = self._child_of(self._keeper.pid)
        self._sleeper = self._child_of(self.init)
        self._kept_inside = [_pid_inside(self.init), _pid_inside(self._sleeper)]
        if scratch is not None:
            self.root = Path(f"/proc/{self.init}/root")

    def _script(self, shared, binds, hostname):
        at = lambda path: shlex.quote(str(self.root) + str(path) if str(self.root) != "/" else str(path))
        lines = ["set -e", "mount --make-rprivate /"]
        if self._scratch is not None:
            lines += self._overlay()
        if str(self.root) != "/":
            lines.append(f"mount --rbind /dev {at('/dev')}")
            for path in shared:
                lines.append(f"mkdir -p {at(path)}")
                lines.append(f"mount --bind {shlex.quote(str(path))} {at(path)}")
        lines.append(f"mount -t proc proc {at('/proc')}")
        if hostname:
            lines.append(f"echo {shlex.quote(hostname)} >/proc/sys/kernel/hostname")
        for source, target in binds:
            lines.append(f"[ -e {at(target)} ] || touch {at(target)}")
            lines.append(f"mount --bind {shlex.quote(str(source))} {at(target)}")
        # bash stays as the first process and reaps what is left behind.
        inner = "ulimit -c unlimited; echo ready; sleep infinity; exit"
        lines.append(f"exec chroot {shlex.quote(str(self.root))} bash -c {shlex.quote(inner)}")
        return "\n".join(lines)

    def _overlay(self):
        place, lower = shlex.quote(str(self._scratch)), shlex.quote(str(self._lower))
        return [f"mount -t tmpfs -o mode=755 tmpfs {place}", f"mkdir {place}/changes {place}/work {place}/root",
                f"mount -t overlay -o lowerdir={lower},upperdir={place}/changes,workdir={place}/work overlay {place}/root"]

    @staticmethod
    def _child_of(pid):
        children = Path(f"/proc/{pid}/task/{pid}/children")
        return int(wait_for(lambda: children.read_text().split(), "the first process of the sandbox")[0])

    def command(self, argv):
        """argv as it is run from outside, entering the namespaces."""
        return ["nsenter", f"--target={self.init}", "--mount", "--pid", "--uts", "--root", "--wd", "--"] + [str(a) for a in argv]

    def popen(self, argv, environment=None, **options):
        """Start argv inside; options as for subprocess.Popen."""
        return subprocess.Popen(self.command(argv), env=dict(self.environment, **(environment or {})), **options)

    def run(self, argv, input=b"", timeout=600, environment=None):
        """Run argv inside and return the CompletedProcess, with bytes in stdout and stderr."""
        # A file, because doveadm -f json of 2.4 panics when a pipe is full.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(self.command(argv), input=input, stdout=output, stderr=subprocess.PIPE, timeout=timeout,
                                  env=dict(self.environment, **(environment or {})))
            output.seek(0)
            done.stdout = output.read()
        return done

    def processes(self, name=None):
        """PIDs, as this machine counts them, of the living processes inside, or of those with this name."""
        if self._keeper.poll() is not None:
            return []
        inside = os.readlink(f"/proc/{self.init}/ns/pid")
        return [pid for pid in _all_pids() if pid not in (self.init, self._sleeper) and _is_process(pid, inside, name)]

    def living(self):
        """Name and state (as in proc(5)) of each living process inside.

        Quicker than processes(), for it reads the /proc of the inside, in which PIDs are others.
        """
        if self._keeper.poll() is not None:
            return []
        found = []
        inside = f"/proc/{self.init}/root/proc"
        for pid in filter(str.isdigit, os.listdir(inside)):
            if pid not in self._kept_inside:
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    comm, (state, *_) = process_stat(pid, inside)
                    if state not in "ZX":
                        found.append((comm, state))
        return found

    @staticmethod
    def is_idle(pid):
        """Whether a process sleeps, waiting for something, or is gone."""
        try:
            return process_stat(pid)[1][0] in "SZX"
        except (FileNotFoundError, ProcessLookupError):
            return True

    def kill(self, name, signal_number=signal.SIGKILL):
        """Send a signal to all processes with this name inside, wait until they are gone if it is SIGKILL; the number killed."""
        pids = self.processes(name)
        for pid in pids:
            try:
                os.kill(pid, signal_number)
            except ProcessLookupError:
                pass
        if signal_number == signal.SIGKILL:
            wait_for(lambda: not set(pids) & set(self.processes(name)), f"{name} to be gone")
        return len(pids)

    def close(self):
        """End everything inside."""
        if self._keeper.poll() is None:
            try:
                os.kill(self.init, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._keeper.wait(timeout=30)
        self._keeper.stdout.close()
        self._keeper.stderr.close()
        if self.root != Path("/") and self._scratch is None:
            # the empty directories that were mounted on
            for path in self._shared:
                with contextlib.suppress(OSError):
                    os.rmdir(f"{self.root}{path}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _pid_inside(pid):
    """The PID of a process as those count that are in its namespace, as text."""
    return re.search(r"^NSpid:.*\b(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE).group(1)


def _all_pids():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _is_process(pid, namespace, name):
    """Whether pid lives in the PID namespace, is no zombie, and has this name."""
    try:
        if os.readlink(f"/proc/{pid}/ns/pid") != namespace:
            return False
        comm, (state, *_) = process_stat(pid)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return state not in "ZX" and (name is None or comm == name[:15])


def process_stat(pid, proc="/proc"):
    """Name of a process, and the fields of proc(5) after it, the state first."""
    comm, _, rest = Path(f"{proc}/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    return comm, rest.split()
