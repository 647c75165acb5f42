"""Faults: system calls that fail or kill, by strace, and a look at the system calls that a process makes."""

import contextlib
import subprocess
import time

from harness.machines.targets import CHROOTED, NATIVE
from harness.waiting import wait_for


def turn(request, dovecot):
    """(first, step): at which calls a test tries a fault that could come at any. At each with --every-fault, else at a third of them, and on
    each Dovecot at another third: the plugin's calls are the same there."""
    names = (NATIVE, *CHROOTED)
    return (1, 1) if request.config.getoption("every_fault") else (1 + names.index(dovecot.target.name), len(names))


@contextlib.contextmanager
def traced(server, pids, *arguments):
    """Run strace on these processes of the server while this lasts; yields the path of its output.

    arguments are strace's, such as "-e", "inject=renameat2,rename:error=ENOSPC:when=2".
    """
    output = server.root / f"strace.{min(pids)}"
    targets = [word for pid in pids for word in ("-p", str(pid))]
    process = subprocess.Popen(["strace", "-f", "-o", str(output), *arguments, *targets], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        line = process.stderr.readline()
        if b"attached" not in line:
            raise RuntimeError("strace: " + (line + process.stderr.read()).decode(errors="replace"))
        yield output
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=10)
        process.stderr.close()


def doveadm_traced(server, arguments, *strace_arguments, check=False):
    """Run doveadm with these arguments under strace (with its inject= faults); returns (Result, output of strace).

    It asks the server for the configuration, so that all calls are its own and none of doveconf. With trace= in the arguments only
    those calls stop it, but where a signal is to be injected: strace forgets that when it filters calls by --seccomp-bpf.
    """
    quick = [] if any("signal=" in str(argument) for argument in strace_arguments) else ["--seccomp-bpf"]
    output = server.root / "strace.doveadm"
    environment = [word for key, value in server.preload.items() for word in ("-E", f"{key}={value}")]
    command = ["strace", "-f", *quick, "-o", str(output), *environment, *strace_arguments, "--"] + server.sandbox.command(
        server.doveadm_command(*arguments, asking=True))
    done = subprocess.run(command, capture_output=True, env=server.sandbox.environment, timeout=120)
    from harness.dovecot.server import Result
    result = Result(done.returncode, done.stdout, done.stderr, command)
    if check and result.code != 0:
        raise AssertionError(str(result))
    return result, output.read_text(errors="replace")


def session_process(server, name="imap"):
    """The PID of the only process with this name, the one that serves the session which the test has open; those of sessions
    before may be ending."""
    def only():
        pids = server.processes(name)
        return pids[0] if len(pids) == 1 else None
    return wait_for(only, f"one process {name}")


def lock_files(path, seconds=0):
    """Those of Dovecot's lock files below this path that have been there for so long."""
    found = []
    for pattern in ("dovecot-uidlist.lock", "dovecot-keywords.lock", "*.newlock"):
        for lock in path.rglob(pattern):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - lock.stat().st_mtime >= seconds:
                    found.append(lock)
    return found


def remove_dead_locks(path):
    """Remove the lock files below this path, where nobody lives who could hold one.

    Dovecot waits for minutes for each that its owner could not remove, or did not live to write its PID into.
    """
    for lock in lock_files(path):
        lock.unlink()
