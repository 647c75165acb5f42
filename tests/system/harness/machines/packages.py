"""Debian packages: what building and testing needs, installed without starting any service."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

DOVECOT = ["dovecot-core", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd"]
# the databases of the catalog, for Dovecot's dict
DICTS = ["dovecot-sqlite", "dovecot-pgsql"]
BUILD = ["dovecot-dev", "gcc", "libc6-dev", "make", "autoconf", "automake", "libtool", "pkgconf", "check", "libarchive-dev", "libbsd-dev",
         "libssl-dev", "xz-utils"]
ANALYSIS = ["clang", "libclang-rt-dev", "cppcheck"]
HOST = ["python3", "util-linux", "git"]
# systemd and cron check the syntax of the schedule; neither is started. unzip and zstd read archives of export
TESTS = ["python3-pytest", "python3-pytest-xdist", "strace", "valgrind", "man-db", "systemd", "cron", "unzip", "zstd"]
# drives the browser of the webmail's tests; browser and webmail are in a system of their own
BROWSER_TESTS = ["python3-selenium"]
# databases that tests start with files of their own; nothing of the system's is started
DATABASES = ["postgresql", "mariadb-server-core"]
# and what asks one of them alone, which only the native Dovecot is tried with
NATIVE_DICTS = ["dovecot-mysql"]
# mail programs that delete mail in tests
CLIENTS = ["curl", "fetchmail", "isync", "neomutt", "offlineimap3"]
CHROOT = ["mmdebstrap", "debian-archive-keyring"]
# what tools/bench --peer cyrus measures, in a system of its own; the second and third for passwords, the last lest a mail server comes along
CYRUS = ["cyrus-imapd", "sasl2-bin", "libsasl2-modules-db", "msmtp-mta"]

POLICY = "#!/bin/sh\nexit 101\n"
QUIET_APT = ["-o", "Acquire::Check-Valid-Until=false", "-o", "DPkg::Lock::Timeout=600", "-o", "Dpkg::Use-Pty=0", "-q"]


def beside(codename):
    """The plugins of this Debian release that tests load beside the one under test."""
    return ["dovecot-sieve", "dovecot-fts-xapian", "dovecot-solr", "dovecot-lucene" if codename == "bookworm" else "dovecot-flatcurve"]


def webmail(codename):
    """Roundcube, a browser and what looks at PHP, of this Debian release. php-cgi is there lest a web server with PHP comes along."""
    analysis = ["php-codesniffer"] if codename == "bookworm" else []
    return ["roundcube-core", "roundcube-sqlite3", "roundcube-plugins", "php-cli", "php-cgi", "chromium", "chromium-driver",
            "fonts-dejavu-core", "fonts-noto-core", "faketime", *analysis]


def missing(names):
    """Those of the packages that are not installed on this machine."""
    def installed(name):
        query = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name], capture_output=True)
        return query.stdout == b"installed"
    return [name for name in names if not installed(name)]


@contextlib.contextmanager
def no_services(root="/"):
    """While this lasts, no package that is installed under root may start a service."""
    policy = Path(root) / "usr/sbin/policy-rc.d"
    before = policy.read_bytes() if policy.exists() else None
    mode = policy.stat().st_mode & 0o7777 if before is not None else 0o755
    try:
        policy.write_text(POLICY)
        policy.chmod(0o755)
        yield
    finally:
        if before is None:
            policy.unlink(missing_ok=True)
        else:
            policy.write_bytes(before)
            policy.chmod(mode)


def install(names, say=print):
    """Install what is missing on this machine. Raises RuntimeError with the command to run when that is not possible."""
    wanted = missing(names)
    if not wanted:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends"] + wanted
    if os.geteuid() != 0:
        raise RuntimeError("packages are missing; as root, run: " + " ".join(command))
    say("Installing " + " ".join(wanted))
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")
    with no_services():
        done = _apt(["install", "-y", "--no-install-recommends"] + wanted, environment)
        if done.returncode != 0:
            _apt(["update"], environment)
            done = _apt(["install", "-y", "--no-install-recommends"] + wanted, environment)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout.decode(errors='replace')[-2000:]}")


def program(name, package, path, place, say=print):
    """The path of a program: the installed one, or that of the package, unpacked alone into the directory place.

    For a package that brings a service or much else along. path is the program's in the package.
    """
    found = shutil.which(name) or place / name
    place.mkdir(parents=True, exist_ok=True)
    with open(place / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if Path(found).exists():
            return Path(found)
        say(f"Unpacking {name} of the package {package}")
        with tempfile.TemporaryDirectory(dir=place) as directory:
            # apt downloads as a user of its own
            os.chmod(directory, 0o777)
            _download(package, directory)
            [archive] = Path(directory).glob("*.deb")
            tar = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE)
            subprocess.run(["tar", "-x", "-C", directory, f"./{path}"], stdin=tar.stdout, check=True)
            tar.stdout.close()
            tar.wait()
            os.rename(Path(directory) / path, found)
    return Path(found)


def _download(package, directory):
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    for command in (["download", package], ["update"], ["download", package]):
        done = _apt(command, environment, directory)
        if done.returncode == 0 and command[0] == "download":
            return
    raise RuntimeError(f"apt-get download {package} failed:\n{done.stdout.decode(errors='replace')[-2000:]}")


def promtool(place, say=print):
    """Prometheus' checker of rules and queries."""
    return program("promtool", "prometheus", "usr/bin/promtool", place, say)


def _apt(arguments, environment, directory=None):
    return subprocess.run(["apt-get"] + QUIET_APT + arguments, env=environment, cwd=directory, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def mirror():
    """The Debian mirror that apt of this machine uses."""
    listing = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)"], capture_output=True, text=True)
    release = _os_release().get("VERSION_CODENAME", "")
    sites = [line.split()[0] for line in listing.stdout.splitlines() if line.split()[1:] == [release]]
    if not sites:
        raise RuntimeError("apt of this machine names no Debian mirror (run apt-get update)")
    return sites[0]


def native_codename():
    return _os_release().get("VERSION_CODENAME", "")


def _os_release():
    pairs = (line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return {key: value.strip('"') for key, value in pairs}
