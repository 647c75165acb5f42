"""Debian chroots that hold the Dovecot versions which this machine does not have: made once, then kept."""

from harness import places
from harness.machines import packages, roots
from harness.places import locked

PACKAGES = packages.DOVECOT + packages.DICTS + packages.BUILD + ["gcc", "clang"]


def ensure(codename, say=print):
    """The path of the chroot of this Debian release, with everything in it that building and running need."""
    root = places.CHROOTS / codename
    with locked(places.CHROOTS / f".{codename}.lock"):
        stamp = root / "var/lib/lazy-expunge-packages"
        wanted = PACKAGES + packages.beside(codename)
        if stamp.exists() and set(wanted) <= set(stamp.read_text().split("\n")):
            return root
        if not (root / "etc/debian_version").exists():
            roots.copy(roots.bare(codename, say), root)
        say(f"Installing Dovecot and what building and testing need in the chroot of {codename}")
        roots.install(root, wanted)
        stamp.write_text("\n".join(wanted))
    return root
