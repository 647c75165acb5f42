"""Clean Debian systems, each a directory: bare ones and ones with some packages, made once and kept, and copies to work in."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from . import packages, places
from .sandbox import Sandbox

RELEASES = ("bookworm", "trixie", "forky")
SCRIPTS = Path("/usr/share/debootstrap/scripts")
ROOTS = places.CHROOTS / "clean"


class CannotMake(RuntimeError):
    """A root could not be made; the text says why."""


def bare(release, say=print):
    """The path of a minimal system of this Debian release. It is kept: work in a copy."""
    root = ROOTS / release / "bare"
    with places.locked(ROOTS / f".{release}-bare.lock"):
        if not (root / "etc/debian_version").exists():
            if os.geteuid() != 0:
                raise CannotMake(f"a chroot of {release} can only be made by root")
            _bootstrap(release, root, say)
    return root


def kept(release, purpose, names, say=print, base=None):
    """The path of a system that has these packages, and what base has (default: nothing), under the name of its purpose. It is kept."""
    root = ROOTS / release / purpose
    base = base or bare(release, say)
    wanted = "\n".join(names + [str(base), *(_stamp(base).read_text().splitlines() if _stamp(base).exists() else [])])
    with places.locked(ROOTS / f".{release}-{purpose}.lock"):
        stamp = _stamp(root)
        if not stamp.exists() or stamp.read_text() != wanted:
            say(f"Making a system of {release} for {purpose}")
            copy(base, root)
            install(root, names)
            stamp.write_text(wanted)
    return root


def _stamp(root):
    return root / "var/lib/lazy-expunge-packages"


@contextlib.contextmanager
def scratch(root, **options):
    """A sandbox in a copy of a root, which goes away with it; options as for Sandbox."""
    place = places.fresh_run_directory() / "root"
    try:
        copy(root, place)
        _stamp(place).unlink(missing_ok=True)
        with Sandbox(place, **options) as sandbox:
            yield sandbox
    finally:
        remove(place.parent)


def copy(root, place):
    """Make place a copy of root, and nothing else; one that was not finished does not have the name."""
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}.unfinished")
    remove(unfinished)
    remove(place)
    subprocess.run(["cp", "-a", "--reflink=auto", root, unfinished], check=True)
    unfinished.rename(place)


def remove(root):
    # on no account into something that is mounted there
    subprocess.run(["rm", "-rf", "--one-file-system", root], check=True)


def install(root, names):
    """Install packages, named as in a Depends line, from the release's mirror; no service is started."""
    _stamp(root).unlink(missing_ok=True)
    with Sandbox(root) as sandbox:
        apt(sandbox, "update")
        apt(sandbox, "satisfy", "-y", "--no-install-recommends", ", ".join(names))
        apt(sandbox, "clean")


def apt(sandbox, *arguments):
    """Run apt-get in a sandbox."""
    done = sandbox.run(["apt-get"] + packages.QUIET_APT + list(arguments), timeout=1800)
    if done.returncode != 0:
        raise CannotMake(f"apt-get {' '.join(arguments)} in {sandbox.root} failed:\n{_tail(done)}")


def _bootstrap(release, root, say):
    packages.install(packages.CHROOT, say)
    unfinished = root.with_name(".bare.unfinished")
    remove(unfinished)
    root.parent.mkdir(parents=True, exist_ok=True)
    script = release if (SCRIPTS / release).exists() else "sid"
    say(f"Making a bare system of {release} in {root}")
    # A sandbox of its own, so that nothing that is mounted for the bootstrap outlives it.
    with Sandbox() as sandbox:
        done = sandbox.run(["debootstrap", "--variant=minbase", release, unfinished, packages.mirror(), SCRIPTS / script],
                           timeout=1800)
    if done.returncode != 0:
        raise CannotMake(f"debootstrap of {release} failed:\n{_tail(done)}")
    policy = unfinished / "usr/sbin/policy-rc.d"
    policy.write_text(packages.POLICY)
    policy.chmod(0o755)
    shutil.copy("/etc/resolv.conf", unfinished / "etc/resolv.conf")
    unfinished.rename(root)


def _tail(done):
    return (done.stdout + done.stderr).decode(errors="replace")[-2000:]
