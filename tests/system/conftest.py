"""pytest: targets and formats as parameters, servers shared by tests, and their logs checked after each test."""

import os
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from harness.machines import roots, targets
from harness.webmail import server as webmails_of
from harness.dovecot.config import FORMATS, Config
from harness.machines.debs import Package
from harness.dovecot.server import HOSTNAME, Server, ServerProblem

LIVE_SERVERS = 8
# What these are about is the ways of mail on each format: these are dealt out but to the native Dovecot, which has all.
NEVER_SPREAD = ("faults", "formats")
# What has groups that take long.
LONG = ("webmail", "machines", "accounts", "faults")
# What does not run with sanitizers. Valgrind and they exclude each other, and what is about documents, packages, Roundcube or the
# harness has no more of the plugin's code than the rest.
NOT_SANITIZED = ("measuring", "machines", "webmail", "documents", "dovecot",
                 # of time and memory; with libraries in C++ whose exceptions a sanitizer that is preloaded does not know
                 "doveadm/test_large.py", "hooks/test_beside_others.py",
                 # what it begins gets no library that is preloaded
                 "check/test_live_programs.py",
                 # these kill what they run, or have builds of their own
                 "faults/test_power_cut.py", "faults/test_power_model.py",
                 "accounts/test_account_crash.py", "accounts/test_account_commit.py")


def pytest_addoption(parser):
    group = parser.getgroup("dovecot")
    group.addoption("--targets", default="", help="comma-separated: native, trixie, forky (default: all), or none")
    group.addoption("--formats", default=",".join(FORMATS), help="comma-separated: maildir, sdbox, mdbox")
    group.addoption("--variant", default="gcc", help="the build under test: gcc, clang or sanitizers")
    group.addoption("--not-run", action="append", default=[], help="a target that is not run, and why, for the summary")
    group.addoption("--packages", help="a directory of built packages, one below it for each release: test these, too")
    group.addoption("--seconds", type=float, default=2.0, help="how long each property test looks for a counterexample")
    group.addoption("--seed", default="", help="the seed of the property tests (default: another each time, printed)")
    group.addoption("--deletes", type=int, default=200, help="how many mails the test of memory deletes in one session")
    group.addoption("--pictures", action="store_true", help="take the pictures of doc/pictures anew")
    group.addoption("--roundcube", type=Path, help="a Roundcube as its release's archive has it: the webmail's tests run on it, not on Debian's")
    group.addoption("--whole-webmail", action="store_true", help="the webmail's tests all on each release's Roundcube")
    group.addoption("--spread", action="store_true", help="each test's formats dealt out to the Dovecots that it runs on, so that it has "
                    "each format once and each Dovecot at least once; but the native one has all of "
                    f"{', '.join(NEVER_SPREAD)}")
    group.addoption("--among", default="", help="comma-separated: targets to which --spread deals, if others than --targets have a run of their own")
    group.addoption("--part", default="", choices=["", "plain", "sanitized"],
                    help="only the tests that run with sanitizers, on the native Dovecot, if they do not run without them; or all others")
    group.addoption("--every-fault", action="store_true", help="the crash tests with all kinds of faults, not the two main ones")


def pytest_configure(config):
    config.addinivalue_line("markers", "since(version): only on targets with this Dovecot version or a later one")
    config.addinivalue_line("markers", "until(version): only on targets with a Dovecot before this version")
    config.addinivalue_line("markers", "formats(*names): only on these mail formats")
    config.addinivalue_line("markers", "any_format: it is not about formats, and runs on one of them for each target, another for each; with "
                            "--spread on the native Dovecot and one of the others")
    config.addinivalue_line("markers", "releases(*names): only with the packages of these releases of Debian")
    config.addinivalue_line("markers", "native: only on the native Dovecot")
    config.addinivalue_line("markers", "each_webmail: also with the Roundcube of releases on which few such tests run")
    if os.geteuid() != 0:
        raise pytest.UsageError("system tests need root: they make mount namespaces and run a private Dovecot")
    names = config.getoption("targets").split(",") if config.getoption("targets") else targets.default_names()
    names = [] if names == ["none"] else names
    if config.getoption("packages") and not _built(config):
        raise pytest.UsageError(f"no packages in {config.getoption('packages')}")
    config.dovecot_targets = [targets.get(name) for name in names]


def pytest_report_header(config):
    return "targets: " + ", ".join(map(str, config.dovecot_targets))


def pytest_terminal_summary(terminalreporter, config):
    for reason in config.getoption("not_run"):
        terminalreporter.write_line(f"NOT RUN: {reason}", yellow=True)
    skipped = {str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", ())}
    for reason in sorted(reason for reason in skipped if reason.startswith(("webmail of ", "power cuts: ", "package for "))):
        terminalreporter.write_line(f"NOT RUN: {reason}", yellow=True)


def pytest_generate_tests(metafunc):
    if "dovecot" in metafunc.fixturenames:
        formats = metafunc.config.getoption("formats").split(",")
        pairs = [(target, form) for target in metafunc.config.dovecot_targets for form in formats]
        metafunc.parametrize("dovecot", pairs, indirect=True, ids=[f"{target.name}-{form}" for target, form in pairs])
    if "package" in metafunc.fixturenames:
        marks = [mark.args for mark in metafunc.definition.iter_markers("releases")]
        built = [package for package in _built(metafunc.config) if all(package.release in names for names in marks)]
        metafunc.parametrize("package", built, indirect=True, ids=[package.release for package in built])


def _built(config):
    return [Package(path.parent.name, path.parent) for path in sorted(Path(config.getoption("packages") or os.devnull).glob("*/*.changes"))]


def pytest_collection_modifyitems(config, items):
    """Leave out what does not exist on a version or format; keep a file's tests of one target and format on one worker."""
    kept, dropped = [], []
    for item in items:
        pair = item.callspec.params.get("dovecot") if hasattr(item, "callspec") else None
        with_webmail = "webmail" in getattr(item, "fixturenames", ())
        if with_webmail and isinstance(pair, tuple) and not _has_webmail(config, item, webmails_of.release_of(pair[0])):
            dropped.append(item)
            continue
        if pair is not None and (not isinstance(pair, tuple) or not _exists(item, *pair) or not _is_of_part(config, item, *pair)
                                 or not _is_its_turn(config, item, *pair)):
            dropped.append(item)
            continue
        if pair is None and config.getoption("part") == "sanitized" or \
                "package" in getattr(item, "fixturenames", ()) and not config.getoption("packages"):
            dropped.append(item)
            continue
        if pair is not None:
            # one webmail and one browser at a time for each target
            group = f"webmail-{pair[0].name}" if with_webmail else f"{item.path.stem}-{pair[0].name}-{pair[1]}"
            item.add_marker(pytest.mark.xdist_group(group))
        kept.append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    # what takes long goes first, or one worker has it when the others are done
    items[:] = sorted(kept, key=lambda item: item.path.relative_to(Path(__file__).parent).parts[0] not in LONG)


def _has_webmail(config, item, release):
    if release in webmails_of.RELEASES and (config.getoption("whole_webmail") or any(item.iter_markers("each_webmail"))):
        return True
    there = [webmails_of.release_of(target) for target in config.dovecot_targets]
    whole = [one for one in webmails_of.WHOLE if one in there]
    if config.getoption("spread"):
        # one after the other has a test
        whole = whole[zlib.crc32(item.originalname.encode()) % len(whole):][:1] if whole else []
    return release in whole


def _exists(item, target, form):
    version = lambda mark: tuple(map(int, mark.args[0].split(".")))
    return all(target.version >= version(mark) for mark in item.iter_markers("since")) and \
        all(target.version < version(mark) for mark in item.iter_markers("until")) and \
        all(form in mark.args for mark in item.iter_markers("formats")) and \
        (target.name == targets.NATIVE or not any(item.iter_markers("native")))


def _is_of_part(config, item, target, form):
    path = item.path.relative_to(Path(__file__).parent)
    sanitized = target.name == targets.NATIVE and (form == "mdbox" or path.parts[0] not in NEVER_SPREAD) and \
        not any(path.is_relative_to(one) for one in NOT_SANITIZED)
    return not config.getoption("part") or sanitized == (config.getoption("part") == "sanitized")


def _is_its_turn(config, item, target, form):
    """Whether a test is to run on this format of this target, if not on all: over the targets and parameters it has all formats."""
    one_each = any(item.iter_markers("any_format"))
    stays = not config.getoption("spread") or target.name == targets.NATIVE and item.path.parent.name in NEVER_SPREAD
    if not one_each and stays:
        return True
    among = [targets.get(name) for name in config.getoption("among").split(",") if name] or config.dovecot_targets
    hands = [[form for form in config.getoption("formats").split(",") if _exists(item, one, form)] for one in among]
    at = [one.name for one in among].index(target.name)
    number = zlib.crc32((item.originalname + item.callspec.id.replace(f"{target.name}-{form}", "")).encode())
    if one_each:
        others = [index for index, one in enumerate(among) if one.name != targets.NATIVE and hands[index]]
        by_turns = config.getoption("spread") and at in others and any(hand for index, hand in enumerate(hands) if index not in others)
        return form == hands[at][(number + at) % len(hands[at])] and (not by_turns or at == others[number // 3 % len(others)])
    # a target without any is not one of those that have to have one
    return form in _dealt([hand for hand in hands if hand], number)[sum(1 for hand in hands[:at] if hand)]


def _dealt(hands, number):
    """What each of hands, lists of formats, keeps, if each format is to be with one of them and none is to be without."""
    formats = [form for form in FORMATS if any(form in hand for hand in hands)]
    kept = [[] for _ in hands]
    for index, form in enumerate(formats):
        holders = [at for at, hand in enumerate(hands) if form in hand]
        kept[min(holders, key=lambda at: (len(kept[at]), (at + number + index) % len(hands)))].append(form)
    return [mine or hand[number % len(hand):][:1] for mine, hand in zip(kept, hands)]


class Servers:
    """The servers of one worker, by target, variant and configuration; the one not used for longest makes room."""

    def __init__(self):
        self._servers = {}

    def get(self, target, config, variant):
        key = (target, config, variant)
        server = self._servers.pop(key, None)
        if server is None:
            while len(self._servers) >= LIVE_SERVERS:
                self._servers.pop(next(iter(self._servers))).stop()
            server = Server(target, config, variant).start()
        self._servers[key] = server
        return server

    def drop(self, server):
        """Forget a server that is no good for another test."""
        self._servers = {key: other for key, other in self._servers.items() if other is not server}
        server.discard()

    def stop(self):
        problems = []
        for server in self._servers.values():
            try:
                server.stop()
            except AssertionError as problem:
                problems.append(str(problem))
        self._servers = {}
        if problems:
            raise ServerProblem("\n".join(problems))


class Dovecot:
    """What a test gets: call it with fields of Config for a server of the test's target and format.

    lazy as a dictionary changes single settings of lazy_expunge (None removes one), settings() replaces all.
    """

    def __init__(self, servers, target, form, variant):
        self._servers, self.target, self.format, self.variant = servers, target, form, variant
        self._used, self._own = [], []

    @property
    def version(self):
        return self.target.version

    def config(self, lazy=None, **fields):
        """A Config of the test's format."""
        config = replace(Config(format=self.format), **fields)
        if isinstance(lazy, dict):
            return config.with_lazy(**lazy)
        return config if lazy is None else replace(config, lazy=lazy)

    def __call__(self, config=None, target=None, **fields):
        """A running server, shared with the other tests that have the same configuration; use fresh users in it.

        target: of another version than the test's own.
        """
        server = self._servers.get(target or self.target, config or self.config(**fields), self.variant)
        if server not in self._used:
            self._used.append(server)
        return server

    def own(self, config=None, mail_root=None, hostname=HOSTNAME, prepare=None, target=None, **fields):
        """A running server for this test alone, which may be killed and restarted. prepare(server) comes before the start.
        target: a Target, if it is to be another Dovecot than the test's."""
        server = Server(target or self.target, config or self.config(**fields), self.variant, mail_root, hostname)
        try:
            if prepare:
                prepare(server)
            server.start()
        except BaseException:
            server.discard()
            raise
        self._own.append(server)
        return server

    def user(self, **fields):
        """A fresh user of a server with this configuration."""
        return self(**fields).user()

    def finish(self):
        """Close what is open, and return what went wrong in the servers, each a line."""
        problems = []
        for server in self._used:
            server.close_sessions()
            try:
                server.settle()
                problems += server.take_problems()
            except (AssertionError, OSError) as problem:
                problems += [str(problem)] + server.take_problems()
                self._servers.drop(server)
        for server in self._own:
            server.close_sessions()
            try:
                server.stop()
            except (AssertionError, OSError) as problem:
                problems.append(str(problem))
                server.discard()
        return problems


@pytest.fixture(scope="session")
def servers():
    all_servers = Servers()
    yield all_servers
    all_servers.stop()


@pytest.fixture
def dovecot(request, servers):
    """A Dovecot object for each target and format."""
    target, form = request.param
    context = Dovecot(servers, target, form, request.config.getoption("variant"))
    yield context
    problems = context.finish()
    if problems:
        pytest.fail("after the test:\n" + "\n".join(problems), pytrace=False)


@pytest.fixture(scope="session")
def webmails(request):
    """Makes the Webmail of a release once for this worker, or says why there is none."""
    found = {}

    def of(release):
        if release not in found:
            try:
                found[release] = webmails_of.Webmail(release, request.config.getoption("roundcube"))
            except (roots.CannotMake, ImportError) as reason:
                found[release] = f"webmail of {release}: {str(reason).splitlines()[0]}"
        return found[release]

    yield of
    for webmail in found.values():
        if not isinstance(webmail, str):
            webmail.close()


@pytest.fixture
def webmail(dovecot, webmails):
    """Roundcube of the target's release; at the end of the test its log must be empty."""
    webmail = webmails(webmails_of.release_of(dovecot.target))
    if isinstance(webmail, str):
        pytest.skip(webmail)
    webmail.allowed = ()
    webmail.errors()
    yield webmail
    webmail.forget_browsers()
    errors = webmail.errors()
    if errors:
        pytest.fail("Roundcube logged:\n" + "\n".join(errors), pytrace=False)


@pytest.fixture
def package(request):
    """The Package of each release that was built."""
    return request.param


@pytest.fixture
def seconds(request):
    """How long a property test may look for a counterexample."""
    return request.config.getoption("seconds")
