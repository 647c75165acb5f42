"""Clean Debian systems, each a directory: bare ones and ones with some packages, made once and kept, and copies to work in."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from harness import places
from harness.machines import packages
from harness.dovecot.sandbox import Sandbox

RELEASES = ("bookworm", "trixie", "forky")
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
    """A sandbox over a root, whose changes go away with it; options as for Sandbox."""
    place = places.fresh_run_directory()
    try:
        with _over(root, place, options) as sandbox:
            _stamp(sandbox.root).unlink(missing_ok=True)
            yield sandbox
    finally:
        remove(place)


def _over(root, place, options):
    """The changes are kept in memory, or where this machine has no overlay file system, in a copy."""
    try:
        return Sandbox(root, scratch=place, **options)
    except RuntimeError:
        copy(root, place / "root")
        return Sandbox(place / "root", **options)


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
    satisfy = ["satisfy", "-y", "--no-install-recommends", ", ".join(names)]
    with Sandbox(root) as sandbox:
        try:
            apt(sandbox, *satisfy)
        except CannotMake:
            # the lists are those of the day when the bare system was made
            apt(sandbox, "update")
            apt(sandbox, *satisfy)
    # apt's own caches stay: those who work in a copy of this run it, too
    _remove_debs(root)


def _remove_debs(root):
    for deb in (root / "var/cache/apt/archives").glob("*.deb"):
        deb.unlink()


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
    say(f"Making a bare system of {release} in {root}")
    # What is written need not outlive a crash of this machine; and a release that moves may be served from a day that is past.
    options = ["--variant=minbase", "--skip=cleanup/apt", "--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Check-Valid-Until "false"',
               "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg"]
    # A sandbox of its own, so that nothing that is mounted meanwhile outlives it.
    with Sandbox() as sandbox:
        done = sandbox.run(["mmdebstrap", *options, release, unfinished, f"deb {packages.mirror()} {release} main"], timeout=1800)
    if done.returncode != 0:
        raise CannotMake(f"mmdebstrap of {release} failed:\n{_tail(done)}")
    _remove_debs(unfinished)
    policy = unfinished / "usr/sbin/policy-rc.d"
    policy.write_text(packages.POLICY)
    policy.chmod(0o755)
    shutil.copy("/etc/resolv.conf", unfinished / "etc/resolv.conf")
    unfinished.rename(root)


def _tail(done):
    return (done.stdout + done.stderr).decode(errors="replace")[-2000:]
