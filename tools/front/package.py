"""tools/package: Debian packages for every release, and RPM packages, built in clean systems and tested.

For each release of Debian: dpkg-buildpackage in a system that has what debian/control asks for and nothing else, lintian, and the
life of the package in a clean system with Debian's Dovecot (tests/system/machines/test_package.py). The RPM package is built with Debian's
rpm, and its scripts are tried with a Dovecot made of RPM packages. The systems are made with mmdebstrap when they are missing.
"""

import argparse
import functools
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import places
from harness.machines import debs, installed, packages, roots, rpms


def main():
    parser = argparse.ArgumentParser(prog="tools/package", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--releases", default=",".join(roots.RELEASES), help="comma-separated: bookworm, trixie, forky")
    parser.add_argument("--out", type=Path, default=places.SOURCE / "packages", help="where the packages go (default: packages)")
    parser.add_argument("--no-rpm", action="store_true", help="Debian packages only")
    parser.add_argument("--no-tests", action="store_true", help="build and look at the packages, but do not install them")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("tools/package needs root: it makes clean systems and builds in them")
    try:
        sys.exit(_package(arguments))
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"tools/package: {error}")


def _package(arguments):
    packages.install(packages.HOST + packages.TESTS + packages.CHROOT, _say)
    out = arguments.out.resolve()
    not_made = make(arguments.releases.split(","), out, rpm=not arguments.no_rpm, tests=not arguments.no_tests)
    if not_made:
        raise RuntimeError("\n".join(not_made.values()))
    if arguments.no_tests:
        return 0
    _say("the life of the packages")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", str(max(2, os.cpu_count() or 2)), "--targets", "none",
               f"--packages={out}", "machines/test_package.py", "machines/test_package_webmail.py"] + ([] if arguments.no_rpm else ["machines/test_package_rpm.py"])
    return subprocess.run(command, cwd=places.SOURCE / "tests/system", stdin=subprocess.DEVNULL).returncode


def make(releases, out, rpm=True, say=None, tests=True):
    """Build and look at the packages of these releases, each in a directory of its name below out; tests: they will be tested.

    Returns {release: why} of those for which no clean system could be made. A package that is not as it should be is a RuntimeError.
    """
    say = say or _say
    unknown = set(releases) - set(roots.RELEASES)
    if unknown:
        raise RuntimeError(f"unknown release {', '.join(sorted(unknown))}: there are {', '.join(roots.RELEASES)}")
    not_made, failures = {}, []

    def deb(release):
        package = debs.make(release, out / release, say)
        (package.directory / "lintian.log").write_text(debs.lint(package, say))

    def rpm_package(release):
        rpms.make(release, out / release / "rpm", say)

    def guarded(step, release):
        try:
            if release not in not_made:
                step(release)
        except roots.CannotMake as reason:
            not_made[release] = str(reason)
        except debs.PackageFailed as failure:
            failures.append(f"{release}: {failure}")

    for release in releases:
        shutil.rmtree(out / release, ignore_errors=True)
    # the systems for the tests, too, while a processor has nothing else to do
    needed = [installed.serve_root] * tests + [installed.serve_rpm_root] * (tests and rpm)
    steps = [deb] + [rpm_package] * rpm + [functools.partial(make_root, say=say) for make_root in needed]
    with ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
        list(pool.map(guarded, *zip(*((step, release) for step in steps for release in releases))))
    if failures:
        raise debs.PackageFailed("\n".join(failures))
    return not_made


def _say(text):
    print(f"-- {text}", flush=True)


if __name__ == "__main__":
    main()
