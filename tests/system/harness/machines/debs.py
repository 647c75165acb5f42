"""The Debian packages: built with dpkg-buildpackage in a copy of a clean system, and looked at by lintian."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness import places
from harness.machines import build, roots

# what a release adds to the version, so that each sorts after that of the release before it
SUFFIX = {"bookworm": "~deb12", "trixie": "~deb13", "forky": "~deb14"}
NAME = "dovecot-lazy-expunge"
BUILT = "/build"


class PackageFailed(RuntimeError):
    """A package was not built, or is not as it should be; the text has the end of the output."""


@dataclass(frozen=True)
class Package:
    """What was built for a release, in a directory of its own."""
    release: str
    directory: Path

    @property
    def changes(self):
        return self._only(f"{NAME}_*.changes")

    @property
    def deb(self):
        return self._only(f"{NAME}_*.deb")

    def _only(self, pattern):
        [path] = self.directory.glob(pattern)
        return path


def checked(sandbox, argv, **options):
    """Run argv, which must succeed; returns its output as text."""
    done = sandbox.run(argv, **options)
    text = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != 0:
        raise PackageFailed(f"{' '.join(map(str, argv))} failed in {sandbox.root}:\n{text[-6000:]}")
    return text


def build_depends():
    """What debian/control says that building needs, without profiles."""
    control = (places.SOURCE / "debian/control").read_text()
    field = re.search(r"^Build-Depends:(.*?)^\S", control, re.MULTILINE | re.DOTALL).group(1)
    names = [re.sub(r"<.*?>", "", name).strip() for name in field.split(",")]
    return [name for name in names if name]


def build_root(release, say=print):
    """A system with what the package says it needs to be built, and nothing else."""
    return roots.kept(release, "build", ["build-essential"] + build_depends(), say)


def tools_root(release, say=print):
    """The same with rpmbuild, and with what looks at packages."""
    return roots.kept(release, "tools", ["lintian", "rpm", "rpmlint"], say, base=build_root(release, say))


def version(release):
    """The version of the package for this release."""
    entry = (places.SOURCE / "debian/changelog").read_text().splitlines()[0]
    return re.match(r"\S+ \((.*?)\)", entry).group(1) + SUFFIX[release]


def copy_source(place):
    """Copy the files of the source tree, without build products, to this directory."""
    for name in build.source_files():
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(places.SOURCE / name, target)
        shutil.copymode(places.SOURCE / name, target)


def make(release, out, say=print):
    """Build source and binary packages for the release; what came of it goes to out, where no other is. Returns the Package."""
    root = build_root(release, say)
    say(f"{release}: dpkg-buildpackage")
    with roots.scratch(root) as sandbox:
        tree = Path(f"{sandbox.root}{BUILT}/{NAME}-{version(release)}")
        copy_source(tree)
        _set_version(tree / "debian/changelog", release)
        inside = f"{BUILT}/{tree.name}"
        log = checked(sandbox, ["sh", "-c", 'cd "$0" && exec dpkg-buildpackage -us -uc', inside], timeout=900)
        shutil.rmtree(tree)
        shutil.copytree(tree.parent, out, dirs_exist_ok=True)
    (out / "build.log").write_text(log)
    return Package(release, out)


def _set_version(changelog, release):
    text = changelog.read_text()
    head = re.match(r"(\S+) \((.*?)\) \S+;", text)
    changelog.write_text(f"{head.group(1)} ({version(release)}) {release};" + text[head.end():])


def lint(package, say=print):
    """lintian has no error and no warning; returns what it says at all."""
    root = tools_root(package.release, say)
    say(f"{package.release}: lintian")
    with roots.scratch(root, shared=[package.directory]) as sandbox:
        # lintian does not want to be root
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env", "HOME=/tmp"]
        return checked(sandbox, user + ["lintian", "-i", "--fail-on", "error,warning", package.changes])


def repack(sandbox, deb, new, replace, change=None):
    """Make from a .deb file another, in which each text of the control file is replaced as said; paths are those inside.

    change(directory) may alter its files.
    """
    tree = Path(f"{sandbox.root}/repack")
    subprocess.run(["rm", "-rf", tree], check=True)
    checked(sandbox, ["dpkg-deb", "-R", deb, "/repack"])
    control = tree / "DEBIAN/control"
    text = control.read_text()
    for old, by in replace.items():
        text = text.replace(old, by)
    control.write_text(text)
    if change:
        change(tree)
    Path(f"{sandbox.root}{new}").parent.mkdir(exist_ok=True)
    checked(sandbox, ["dpkg-deb", "-Znone", "-b", "/repack", new])
