"""Debian chroots that hold the Dovecot versions which this machine does not have: made once, then kept."""

import contextlib
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from . import packages, places
from .sandbox import Sandbox

SCRIPTS = Path("/usr/share/debootstrap/scripts")
PACKAGES = packages.DOVECOT + packages.BUILD + ["gcc", "clang"]


class CannotMake(RuntimeError):
    """A chroot could not be made; the text says why."""


@contextlib.contextmanager
def locked(path):
    """Only one process at a time is in here for this path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure(codename, say=print):
    """The path of the chroot of this Debian release, with everything in it that building and running need."""
    root = places.CHROOTS / codename
    with locked(places.CHROOTS / f".{codename}.lock"):
        stamp = root / "var/lib/lazy-expunge-packages"
        wanted = PACKAGES + packages.beside(codename)
        if stamp.exists() and set(wanted) <= set(stamp.read_text().split("\n")):
            return root
        if os.geteuid() != 0:
            raise CannotMake(f"a chroot of {codename} can only be made by root")
        if not (root / "etc/debian_version").exists():
            _bootstrap(codename, root, say)
        _install(codename, root, wanted, say)
        stamp.write_text("\n".join(wanted))
    return root


def _bootstrap(codename, root, say):
    packages.install(packages.CHROOT, say)
    unfinished = root.with_name(f".{codename}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    script = codename if (SCRIPTS / codename).exists() else "sid"
    say(f"Making a chroot of {codename} in {root}")
    # A sandbox of its own, so that nothing that is mounted for the bootstrap outlives it.
    with Sandbox() as sandbox:
        done = sandbox.run(["debootstrap", "--variant=minbase", codename, unfinished, packages.mirror(), SCRIPTS / script],
                           timeout=1800)
    if done.returncode != 0:
        raise CannotMake(f"debootstrap of {codename} failed:\n{_tail(done)}")
    unfinished.rename(root)


def _install(codename, root, wanted, say):
    say(f"Installing Dovecot and what building needs in the chroot of {codename}")
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text(packages.POLICY)
    policy.chmod(0o755)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    with Sandbox(root) as sandbox:
        for arguments in (["update"], ["install", "-y", "--no-install-recommends"] + wanted):
            done = sandbox.run(["apt-get"] + packages.QUIET_APT + arguments, timeout=1800)
            if done.returncode != 0:
                raise CannotMake(f"apt-get {arguments[0]} in the chroot of {codename} failed:\n{_tail(done)}")


def _tail(done):
    return (done.stdout + done.stderr).decode(errors="replace")[-2000:]
