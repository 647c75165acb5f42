"""The Dovecots that tests run on: the native one and those in chroots."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from harness.machines import chroots, packages
from harness.dovecot.sandbox import Sandbox

NATIVE = "native"
CHROOTED = ("trixie", "forky")


@dataclass(frozen=True)
class Target:
    """One Dovecot: name (native, or the codename of a chroot), its root, version and module directory."""
    name: str
    root: Path
    version: tuple
    module_dir: Path

    @property
    def new_settings(self):
        """Whether its configuration has the syntax of 2.4."""
        return self.version >= (2, 4)

    def sandbox(self, **options):
        return Sandbox(self.root, **options)

    def __str__(self):
        return f"{self.name} (Dovecot {'.'.join(map(str, self.version))})"


def default_names():
    """native, and the releases that this machine is not."""
    return [NATIVE] + [name for name in CHROOTED if name != packages.native_codename()]


@functools.lru_cache(maxsize=None)
def get(name):
    """The target of this name, made when it is missing. Raises RuntimeError when it cannot be."""
    root = Path("/") if name == NATIVE else chroots.ensure(name)
    with Sandbox(root) as sandbox:
        version = sandbox.run(["dovecot", "--version"])
        modules = sandbox.run(["sh", "-c", ". /usr/lib/dovecot/dovecot-config && echo $dovecot_moduledir"])
    match = re.match(rb"(\d+)\.(\d+)\.(\d+)", version.stdout)
    if version.returncode != 0 or not match:
        raise RuntimeError(f"{name} has no working Dovecot: {(version.stdout + version.stderr).decode(errors='replace')}")
    module_dir = modules.stdout.decode().strip()
    if not module_dir:
        raise RuntimeError(f"{name} has no dovecot-config (the package dovecot-dev)")
    return Target(name, root, tuple(map(int, match.groups())), Path(module_dir))
