"""Builds of the plugin, one for each target and variant, kept and made again only where the source changed."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from harness import places
from harness.places import locked

# variant: (arguments of configure, environment of configure and make)
VARIANTS = {
    "gcc": (["--enable-werror"], {"CC": "gcc"}),
    "clang": (["--enable-werror"], {"CC": "clang"}),
    "sanitizers": (["--enable-werror", "--enable-sanitizers"], {"CC": "gcc"}),
}
_done = {}


class BuildFailed(RuntimeError):
    """The text has the step and the end of its output."""


def build(target, variant="gcc", say=lambda text: None):
    """Build, run the unit tests and install; returns the directory of the modules (what goes into the module directory)."""
    key = (target.name, variant)
    if key not in _done:
        try:
            _done[key] = _build(target, variant, say)
        except BuildFailed as failure:
            _done[key] = failure
    if isinstance(_done[key], BuildFailed):
        raise _done[key]
    return _done[key]


def _build(target, variant, say):
    home = places.build_root() / f"{target.name}-{variant}"
    with locked(home.with_name(home.name + ".lock")):
        files = source_files()
        stamp_file, stamp = home / "stamp", _stamp(target, files)
        modules = Path(str(home / "install") + str(target.module_dir))
        if stamp_file.exists() and stamp_file.read_text() == stamp:
            return modules
        say(f"Building for {target} with {variant}")
        stamp_file.unlink(missing_ok=True)
        reconfigure = _copy(files, home / "source") or not (home / "source/config.status").exists()
        shutil.rmtree(home / "install", ignore_errors=True)
        _run_steps(target, variant, home, _steps(variant, home, reconfigure))
        stamp_file.write_text(stamp)
        return modules


def _steps(variant, home, reconfigure):
    steps = [["make", f"-j{os.cpu_count()}"], ["make", "check"], ["make", "install", f"DESTDIR={home}/install"]]
    if reconfigure:
        steps = [["autoreconf", "-fi"], ["./configure"] + VARIANTS[variant][0]] + steps
    return steps


def _run_steps(target, variant, home, steps):
    environment = VARIANTS[variant][1]
    with open(home / "log", "wb") as log, target.sandbox(shared=[home]) as sandbox:
        for step in steps:
            command = ["sh", "-c", 'cd "$0" && exec "$@"', home / "source"] + step
            process = sandbox.popen(command, environment=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            if process.wait(timeout=900) != 0:
                if step[0] in ("autoreconf", "./configure"):
                    (home / "source/config.status").unlink(missing_ok=True)
                raise BuildFailed(f"{target}, {variant}: {' '.join(step)} failed ({home}/log)\n" + _end_of_log(home))


def distcheck(target):
    """make distcheck in the gcc build."""
    build(target)
    home = places.build_root() / f"{target.name}-gcc"
    with locked(home.with_name(home.name + ".lock")):
        _run_steps(target, "gcc", home, [["make", "distcheck"]])


def _end_of_log(home):
    text = (home / "log").read_text(errors="replace").splitlines()[-40:]
    unit = home / "source/test-suite.log"
    if any("test-suite.log" in line for line in text) and unit.exists():
        text += unit.read_text(errors="replace").splitlines()[-60:]
    return "\n".join(text)


def source_files():
    """The files of the source tree, by relative path: what git has or would add, else all but build products."""
    listing = subprocess.run(["git", "-c", "safe.directory=*", "-C", places.SOURCE, "ls-files", "-z", "--cached", "--others",
                              "--exclude-standard"], capture_output=True)
    if listing.returncode == 0:
        names = [os.fsdecode(name) for name in listing.stdout.split(b"\0") if name]
    else:
        names = [str(path.relative_to(places.SOURCE)) for path in places.SOURCE.rglob("*") if path.is_file()]
    return sorted({name for name in names if (places.SOURCE / name).is_file()})


def _matters(name):
    """Whether a change of this file can change what is built."""
    return not name.startswith(("contrib/roundcube/", "doc/pictures/", "findings/", "tests/system/", "tools/", "debian/", "rpm/", ".ci/", ".git/"))


def _stamp(target, files):
    digest = hashlib.sha256(f"{target}\n".encode())
    for name in filter(_matters, files):
        content = (places.SOURCE / name).read_bytes()
        digest.update(f"{name} {os.access(places.SOURCE / name, os.X_OK)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _copy(files, destination):
    """Make destination's copies of the files those of the source tree; whether what configure reads changed."""
    destination.mkdir(parents=True, exist_ok=True)
    listing = destination / ".files"
    before = set(listing.read_text().splitlines()) if listing.exists() else set()
    changed = before.symmetric_difference(files)
    for name in before - set(files):
        (destination / name).unlink(missing_ok=True)
    for name in files:
        source, copy = places.SOURCE / name, destination / name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            shutil.copymode(source, copy)
            changed.add(name)
    listing.write_text("\n".join(files))
    return any(name.endswith((".am", ".ac", ".in")) or name.startswith("m4/") for name in changed)
