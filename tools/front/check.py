"""tools/check: everything that must hold before a change goes in.

Installs the Debian packages it needs (starting no service and leaving /etc/dovecot alone), makes the chroots that are missing,
builds, runs the unit tests and then the system tests; most of those of the native Dovecot with a build that has
AddressSanitizer and UndefinedBehaviorSanitizer. With CI=true in the environment it also builds with clang, runs cppcheck,
make distcheck, the fuzzers and the benchmarks in their quick mode, and a chroot of trixie that cannot be made is a failure.
"""

import argparse
import functools
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from harness import places
from front import package
from harness.machines import build, packages, roots, targets
from harness.webmail import server as webmail

# A release that moves may be unable to be made on some day; this one must be there.
REQUIRED = ("native", "trixie")
FUZZ_SECONDS = 6
# What runs with sanitizers on formats that are not its turn, too: (formats, what pytest is to take).
SANITIZED_TOO = ("maildir,sdbox", ("instances/test_last_instance.py", "formats/test_maildir.py"))


def main():
    parser = argparse.ArgumentParser(prog="tools/check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the native Dovecot only")
    parser.add_argument("--targets", help="comma-separated: native, trixie, forky")
    parser.add_argument("--formats", help="comma-separated: maildir, sdbox, mdbox")
    parser.add_argument("--variant", default="gcc", choices=sorted(build.VARIANTS), help="the build that the system tests run")
    parser.add_argument("--whole", action="store_true", help="each system test on each format of each Dovecot: without it the formats "
                        "of most are dealt out to the Dovecots (see --spread of the tests)")
    parser.add_argument("--packages", action="store_true", help="build and test the Debian and RPM packages, too: see tools/package")
    parser.add_argument("--seconds", type=float, help="how long each property test looks for a counterexample")
    parser.add_argument("names", nargs="*", help="only system tests with one of these in their name")
    arguments = parser.parse_args()
    ci = os.environ.get("CI", "").lower() in ("true", "1", "yes")
    if os.geteuid() != 0:
        sys.exit("tools/check needs root: it installs packages, makes mount namespaces and runs private Dovecots")
    try:
        sys.exit(_check(arguments, ci))
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"tools/check: {error}")


def _check(arguments, ci):
    packages.install(packages.HOST + packages.DOVECOT + packages.BUILD + packages.TESTS + packages.CLIENTS +
                     packages.BROWSER_TESTS + packages.DICTS + packages.NATIVE_DICTS + packages.DATABASES +
                     packages.beside(packages.native_codename()) + (packages.ANALYSIS if ci else []), _say)
    packages.promtool(places.tools(), _say)
    places.remove_old_runs()
    wanted = [targets.NATIVE] if arguments.quick else (arguments.targets or "").split(",") if arguments.targets \
        else targets.default_names()
    found, not_run = _targets(wanted, arguments.variant)
    if not found:
        raise RuntimeError("no Dovecot to test")
    without_webmail = _webmails(found)
    sanitized = arguments.variant == "gcc" and not (arguments.quick or arguments.names or arguments.targets or arguments.formats)
    steps = _analyses(found) if ci else []
    if sanitized:
        steps.append(functools.partial(_build_sanitized, targets.get(targets.NATIVE)))
    _side_by_side(steps)
    if arguments.packages:
        not_run.update(_packages(found))
    code = _pytest(arguments, found, not_run | without_webmail, sanitized)
    if sanitized:
        code = _sanitized(targets.get(targets.NATIVE), found) or code
    missing = [name for name in not_run if name in REQUIRED]
    return code or (1 if ci and missing else 0)


def _targets(names, variant):
    """Those that can be made, with the plugin built for them, and {name: why not} of the others."""
    if set(names) - {targets.NATIVE}:
        # here, because two at once would be in each other's way
        packages.install(packages.CHROOT, _say)
    found, not_run = {}, {}

    def make(name):
        try:
            target = targets.get(name)
        except RuntimeError as error:
            not_run[name] = str(error)
            _say(f"{name} cannot be made: {error}")
            return
        _say(f"{target}: build and unit tests ({variant})")
        build.build(target, variant, _say)
        found[name] = target
    _side_by_side([functools.partial(make, name) for name in names])
    return [found[name] for name in names if name in found], not_run


def _webmails(found):
    """Make the systems with Roundcube and a browser; {what: why not} for the summary, and the tests of those are skipped."""
    packages.install(packages.CHROOT, _say)
    not_run = {}
    for release in {webmail.release_of(target) for target in found} & set(webmail.RELEASES):
        try:
            webmail.root(release, _say)
        except roots.CannotMake as reason:
            not_run[f"webmail of {release}"] = str(reason)
            _say(f"the webmail of {release} cannot be made: {reason}")
    return not_run


def _side_by_side(steps):
    """Call these functions, as many at once as there are processors. When all are done, what failed is one RuntimeError."""
    failures = []

    def guarded(step):
        try:
            step()
        except (RuntimeError, subprocess.CalledProcessError) as failure:
            failures.append(str(failure))
            _say(f"FAILED: {failure}")
    with ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
        list(pool.map(guarded, steps))
    if failures:
        raise RuntimeError("\n".join(failures))


def _packages(found):
    """Build the packages of the releases that the targets are; {target: why not} of those that cannot be."""
    releases = {packages.native_codename() if target.name == targets.NATIVE else target.name: target.name for target in found}
    not_made = package.make([release for release in releases if release in roots.RELEASES], places.build_root() / "packages", say=_say)
    return {releases[release]: f"its package: {reason}" for release, reason in not_made.items()}


def _analyses(found):
    """What CI does beside the tests, the longest first: functions that can run side by side."""
    steps = [functools.partial(step, found[0]) for step in (_bench, _peer, _fuzz, _distcheck, _clang, _cppcheck)]
    return steps[:1] + [functools.partial(_calls, found[1:])] * bool(found[1:]) + steps[1:]


def _cppcheck(target):
    _run("cppcheck", ["cppcheck", "--quiet", "--error-exitcode=1", "--enable=warning,performance,portability", "--inline-suppr",
                      "--suppress=missingInclude", "--include=tools/cppcheck-dovecot.h", f"-j{os.cpu_count()}", "src"])


def _clang(target):
    _say(f"{target}: build and unit tests (clang)")
    build.build(target, "clang", _say)


def _distcheck(target):
    _say(f"{target}: make distcheck")
    build.distcheck(target)


def _fuzz(target):
    _run(f"fuzzing, {FUZZ_SECONDS} seconds each", ["tests/fuzz/run", str(FUZZ_SECONDS)])


def _bench(target):
    with tempfile.TemporaryDirectory() as results:
        _run("the benchmarks work (their times mean nothing here)", ["tools/bench", "--quick", "--out", results])


def _peer(target):
    with tempfile.TemporaryDirectory() as results:
        _run("the benchmarks beside Cyrus IMAP work", ["tools/bench", "--peer", "cyrus", "--quick", "--out", results])


def _calls(others):
    """The first Dovecot's table of calls is held by _bench()."""
    names = ",".join(target.name for target in others)
    with tempfile.TemporaryDirectory() as results:
        _run(f"system calls on {names}", ["tools/bench", "--cases", "calls", "--targets", names, "--out", results])


def _run(what, command):
    """Run a command that must succeed; what it prints comes in one piece when it is done, since others run meanwhile."""
    _say(f"{what}: begins")
    done = subprocess.run(command, cwd=places.SOURCE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    _say(f"{what}: {'done' if done.returncode == 0 else 'FAILED'}\n" + done.stdout.decode(errors="replace").rstrip())
    if done.returncode != 0:
        raise RuntimeError(f"{what}: {command[0]} failed with exit code {done.returncode}")


def _build_sanitized(target):
    _say(f"{target}: build and unit tests (sanitizers)")
    build.build(target, "sanitizers", _say)


def _sanitized(target, found):
    _say(f"{target}: system tests (sanitizers)")
    formats, paths = SANITIZED_TOO
    code = _run_pytest("sanitizers", [target], ["--formats", formats, *paths])
    among = ",".join(other.name for other in found)
    return _run_pytest("sanitizers", [target], ["--part", "sanitized", "--spread", "--among", among]) or code


def _run_pytest(variant, found, more):
    # more than there are processors, for tests wait most of their time
    workers = max(4, (os.cpu_count() or 1) * 3)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", str(workers),
               "--dist", "loadgroup", "--variant", variant, "--targets", ",".join(target.name for target in found)] + more
    sys.stdout.flush()
    return subprocess.run(command, cwd=places.SOURCE / "tests/system", stdin=subprocess.DEVNULL).returncode


def _pytest(arguments, found, not_run, sanitized):
    command = []
    if arguments.formats:
        command += ["--formats", arguments.formats]
    if not arguments.whole:
        command.append("--spread")
        if sanitized:
            command += ["--part", "plain"]
    if arguments.packages:
        # in one word, or pytest takes the directory for that of the tests
        command.append(f"--packages={places.build_root() / 'packages'}")
    if arguments.seconds is not None:
        command += ["--seconds", str(arguments.seconds)]
    if arguments.names:
        command += ["-k", " or ".join(arguments.names)]
    for name, reason in not_run.items():
        command += ["--not-run", f"{name}: {reason.splitlines()[0]}"]
    return _run_pytest(arguments.variant, found, command)


def _say(text):
    print(f"-- {text}", flush=True)


if __name__ == "__main__":
    main()
