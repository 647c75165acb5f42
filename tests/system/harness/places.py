"""Where things lie on disk: the source tree, chroots, builds and running servers."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

SOURCE = Path(os.environ.get("LAZY_EXPUNGE_SOURCE") or Path(__file__).resolve().parents[3])
WORK = Path(os.environ.get("LAZY_EXPUNGE_WORK", "/var/tmp/dovecot-lazy-expunge"))
CHROOTS = Path(os.environ.get("LAZY_EXPUNGE_CHROOTS", WORK / "chroots"))


@contextlib.contextmanager
def locked(path):
    """Only one process at a time is in here for this path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def move_work(path):
    """Build and run below this directory from now on."""
    global WORK
    WORK = Path(path)


def build_root():
    """The directory of the builds of this source tree; other trees have their own."""
    digest = hashlib.sha256(os.fsencode(SOURCE)).hexdigest()[:8]
    return WORK / "build" / digest


def tools():
    """The directory of programs that are not installed on this machine."""
    return WORK / "tools"


def fresh_run_directory():
    """A new, empty directory for one server; its path is short, for the sake of sockets' names."""
    run = WORK / "run"
    run.mkdir(parents=True, exist_ok=True)
    os.chmod(run, 0o755)
    path = Path(tempfile.mkdtemp(dir=run, prefix=""))
    os.chmod(path, 0o755)
    return path


def remove_old_runs(days=1):
    """Remove what servers of failed tests left behind some time ago."""
    before = time.time() - days * 86400
    for path in (WORK / "run").glob("*"):
        if path.is_dir() and path.stat().st_mtime < before:
            shutil.rmtree(path, ignore_errors=True)
