"""Debian's Roundcube with the plugin of this tree, under PHP's own server on loopback, and Debian's Chromium to look at it."""

import contextlib
import json
import re
import subprocess
from pathlib import Path

from harness import places
from harness.machines import packages, roots
from harness.ports import free_ports
from harness.waiting import wait_for

# releases whose Roundcube is tried, and those with every test; on the others those that are marked each_webmail: forky has the Roundcube of
# trixie with other libraries and another browser
RELEASES = ("bookworm", "trixie", "forky")
WHOLE = ("bookworm", "trixie")
PLUGIN = "contrib/roundcube/lazy_expunge"
HOME = "/usr/share/roundcube/plugins/lazy_expunge"
INSTALLED = "/var/lib/roundcube"
LOG = "/var/log/roundcube/errors.log"
IMAP_LOG = "/var/log/roundcube/imap.log"
IMAP_DEBUG = "$config['imap_debug'] = true;\n"
DATABASE = "/var/lib/test.db"
PAGE = "?_task=mail&_action=plugin.lazy_expunge"
WIDE, NARROW = (1200, 900), (420, 800)

CONFIG = """<?php
$config = [];
$config['db_dsnw'] = 'sqlite:///@DATABASE@?mode=0640';
$config['imap_host'] = '127.0.0.1:@PORT@';
$config['des_key'] = 'abcdefghijklmnopqrstuvwx';
$config['plugins'] = ['lazy_expunge'];
$config['skin'] = 'elastic';
$config['enable_spellcheck'] = false;
$config['log_driver'] = 'file';
$config['login_rate_limit'] = 0;
$config['language'] = 'en_US';
$config['timezone'] = 'UTC';
$config['default_charset'] = 'UTF-8';
"""


def root(release, say=print):
    """A system with all of it; raises roots.CannotMake."""
    return roots.kept(release, "webmail", packages.webmail(release), say)


def release_of(target):
    """The Debian release of a target, and so of the Roundcube that goes with it."""
    return packages.native_codename() if target.name == "native" else target.name


class Webmail:
    """A Roundcube of a release. configure() says for which Dovecot, and how the plugin is set."""

    def __init__(self, release, tree=None):
        """tree: a Roundcube as its release's archive has it, which then takes the place of Debian's."""
        self.release = release
        self._stack = contextlib.ExitStack()
        plugin = places.SOURCE / PLUGIN
        self.sandbox = self._stack.enter_context(roots.scratch(root(release), shared=[plugin] + ([tree] if tree else [])))
        self.sandbox.environment["PHP_CLI_SERVER_WORKERS"] = "4"
        # what a clock that is set leaves there is gone with the sandbox
        self._run("mount", "-t", "tmpfs", "tmpfs", "/dev/shm")
        # the driver looks for its browser on localhost
        self._write("/etc/hosts", "127.0.0.1 localhost\n")
        self._run("rm", "-rf", HOME)
        if tree:
            self._install(tree, plugin)
        else:
            self._run("cp", "-r", plugin, HOME)
            self._run("ln", "-sfn", HOME, f"{INSTALLED}/plugins/lazy_expunge")
        self._run("sh", "-c", f"sqlite3 {DATABASE} <{tree or '/usr/share/roundcube'}/SQL/sqlite.initial.sql")
        ports = free_ports(["web", "driver"])
        self.url = f"http://127.0.0.1:{ports['web']}/"
        self._driver_url = f"http://127.0.0.1:{ports['driver']}"
        self._later = ""
        self._php = self._start_php()
        self._driver = self._start("chromedriver", f"--port={ports['driver']}", "--allowed-ips=127.0.0.1")
        self._browsers, self._idle = [], []
        self._seen = 0
        # parts of lines that errors() passes over
        self.allowed = ()

    def _install(self, tree, plugin):
        """Another Roundcube where Debian's is, with Debian's places for its settings and its log. Its plugin is a directory of its own:
        files that a link leads out of the tree to are not served by 1.7."""
        self._run("mv", INSTALLED, f"{INSTALLED}.debian")
        self._run("cp", "-r", tree, INSTALLED)
        self._run("cp", "-r", plugin, f"{INSTALLED}/plugins/lazy_expunge")
        # relative, as it is followed from outside, too
        self._run("ln", "-s", f"../../../..{INSTALLED}/plugins/lazy_expunge", HOME)
        self._run("ln", "-s", "/etc/roundcube/config.inc.php", f"{INSTALLED}/config/config.inc.php")
        self._run("rm", "-rf", f"{INSTALLED}/logs")
        self._run("ln", "-s", "/var/log/roundcube", f"{INSTALLED}/logs")

    def configure(self, server=None, settings=None, raw="", port=None):
        """For this Dovecot (or port). settings: of the plugin, without lazy_expunge_. raw: more PHP for Roundcube's own configuration."""
        text = CONFIG.replace("@DATABASE@", DATABASE).replace("@PORT@", str(port or server.ports["imap"]))
        self._write("/etc/roundcube/config.inc.php", text + raw)
        lines = [f"$config['lazy_expunge_{name}'] = json_decode('{json.dumps(value)}', true);\n" for name, value in (settings or {}).items()]
        self._write(f"{HOME}/config.inc.php", "<?php\n$config = [];\n" + "".join(lines))

    def set_clock(self, later=""):
        """PHP's clock from now on: "+10d" is ten days ahead, "" the machine's."""
        if later != self._later:
            self._later = later
            self._kill_php()
            self._php = self._start_php()

    def _start_php(self):
        # the library without its program, which fails where one of it was killed before
        clock = ["env", "LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1", f"FAKETIME={self._later}"] if self._later else []
        port = self.url.rpartition(":")[2].rstrip("/")
        return self._start(*clock, "php", "-d", "memory_limit=128M", "-d", "opcache.revalidate_freq=0",
                           "-S", f"127.0.0.1:{port}", "-t", f"{INSTALLED}/public_html")

    def _kill_php(self):
        self.sandbox.kill("php")
        self._php.wait()

    def preferences(self, user, **changed):
        """Set preferences of a user who has logged in before, such as language="fa_IR"."""
        for name, value in changed.items():
            if name == "language":
                self.query(f"UPDATE users SET language = '{value}' WHERE username = '{user.name}'")
            else:
                self._run("php", "-r", _SET_PREFERENCE, DATABASE, user.name, name, json.dumps(value))

    def query(self, sql):
        return self._run("sqlite3", DATABASE, sql)

    def browser(self, size=WIDE):
        """Another browser that knows nothing of former ones; forget_browsers() ends its use."""
        from harness.webmail.browser import Browser
        self.wait_until_it_answers()
        if self._idle:
            browser = self._idle.pop()
            browser.resize(size)
        else:
            wait_for(lambda: _answers(self._driver_url + "/status"), "the browser's driver to answer", seconds=60)
            browser = Browser(self, self._driver_url, size)
        self._browsers.append(browser)
        return browser

    def wait_until_it_answers(self):
        wait_for(lambda: _answers(self.url), "PHP's server to answer", seconds=60)

    def forget_browsers(self):
        """Log out everywhere. One is kept for later: starting it is what takes longest."""
        for browser in self._browsers:
            if not self._idle and browser.forget():
                self._idle.append(browser)
            else:
                browser.close()
        self._browsers = []

    def errors(self):
        """What Roundcube and PHP logged since the last call."""
        path = Path(f"{self.sandbox.root}{LOG}")
        text = path.read_text(errors="replace") if path.exists() else ""
        text, self._seen = text[self._seen:], len(text)
        return [line for line in text.splitlines() if line.strip() and not any(part in line for part in self.allowed)]

    def imap_commands(self):
        """The IMAP commands that were sent since they were forgotten, with raw=IMAP_DEBUG: a list for each session."""
        path = Path(f"{self.sandbox.root}{IMAP_LOG}")
        sessions = {}
        for session, command in re.findall(r"\[(\w+)\] C: A\d+ (.*)", path.read_text(errors="replace") if path.exists() else ""):
            sessions.setdefault(session, []).append(command)
        return list(sessions.values())

    def forget_imap_commands(self):
        Path(f"{self.sandbox.root}{IMAP_LOG}").unlink(missing_ok=True)

    def close(self):
        for browser in self._browsers + self._idle:
            browser.close()
        self._stack.close()
        self._php.wait()
        self._driver.wait()

    def php(self, *arguments):
        """Run a PHP program in the system; returns (exit code, output)."""
        done = self.sandbox.run(list(arguments))
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def _write(self, path, text):
        Path(f"{self.sandbox.root}{path}").unlink(missing_ok=True)
        Path(f"{self.sandbox.root}{path}").write_text(text)

    def _start(self, *command):
        return self.sandbox.popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _run(self, *command):
        code, output = self.php(*command)
        if code != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: {output}")
        return output


_SET_PREFERENCE = """
[, $file, $user, $name, $value] = $argv;
$db = new PDO("sqlite:$file");
$row = $db->query("SELECT preferences FROM users WHERE username = " . $db->quote($user))->fetchColumn();
$all = $row ? unserialize($row) : [];
$all[$name] = json_decode($value, true);
$db->exec("UPDATE users SET preferences = " . $db->quote(serialize($all)) . " WHERE username = " . $db->quote($user));
"""


def _answers(url):
    import urllib.error
    import urllib.request
    try:
        urllib.request.urlopen(url, timeout=10).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
