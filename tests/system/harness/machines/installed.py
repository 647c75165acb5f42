"""A Debian system with Dovecot as Debian configures it, in which packages come and go."""

import contextlib
import re
import shutil
import socket
from pathlib import Path

from harness.machines import debs, packages, roots
from harness.dovecot.imap import Imap
from harness.ports import free_port
from harness.waiting import wait_for

MODULES = "/usr/lib/dovecot/modules"
PLUGIN = f"{MODULES}/lib02_lazy_expunge_plugin.so"
DIVERTED = f"{PLUGIN}.distrib"
PACKAGE = "dovecot-lazy-expunge"
SWITCH = "/etc/dovecot/conf.d/90-lazy-expunge.conf"
SETTINGS = "/etc/dovecot/conf.d/lazy-expunge.conf.ext"
LOCAL_SETTINGS = "/etc/dovecot/conf.d/lazy-expunge-local.conf.ext"
USER = "anna"

# What there is to differ from Debian's configuration, for a server on loopback whose users need no system account.
LOCAL = """
protocols = imap
listen = 127.0.0.1
ssl = no
first_valid_uid = 1
log_path = /var/log/dovecot.log
service imap-login {
  inet_listener imap {
    port = @PORT@
  }
  inet_listener imaps {
    port = 0
  }
}
"""
LOCAL_23 = """
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
passdb {
  driver = static
  args = password=pass
}
"""
USERDB_23 = """
userdb {
  driver = static
  args = uid=mail gid=mail home=/var/vmail/%n allow_all_users=yes
}
"""
LOCAL_24 = """
auth_allow_cleartext = yes
mail_driver = maildir
mail_home = /var/vmail/%{user | username}
mail_path = ~/Maildir
mail_inbox_path =
passdb static {
  password = pass
}
"""
USERDB_24 = """
userdb static {
  fields {
    uid = mail
    gid = mail
    home = /var/vmail/%{user | username}
  }
  allow_all_users = yes
}
"""
# What an administrator of the shipped plugin has.
SHIPPED_23 = """
mail_plugins = $mail_plugins lazy_expunge
plugin {
  lazy_expunge = EXPUNGED
}
"""
SHIPPED_24 = """
mail_plugins {
  lazy_expunge = yes
}
lazy_expunge_mailbox = EXPUNGED
"""


def serve_root(release, say=print):
    """A clean system with Dovecot from Debian."""
    return roots.kept(release, "serve", ["dovecot-imapd", "bash-completion"], say)


def serve_rpm_root(release, say=print):
    """The same with RPM, which knows of no package yet."""
    return roots.kept(release, "serve-rpm", ["rpm", "cpio", "libbsd0", "libarchive13 | libarchive13t64"], say, base=serve_root(release, say))


class Installed:
    """Runs in a sandbox of a copy of a system that has dovecot-imapd. Paths are those inside."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.new_settings = self.run("dovecot", "--version").startswith("2.4")
        self._port = free_port()
        self._prepare()

    def _prepare(self):
        # PAM would be asked first, and knows no user
        auth = self.path("/etc/dovecot/conf.d/10-auth.conf")
        auth.write_text(re.sub(r"^!include auth-system", "#!include auth-system", auth.read_text(), flags=re.MULTILINE))
        self.configure()
        self.path("/var/vmail").mkdir(exist_ok=True)
        self.run("chown", "mail:mail", "/var/vmail")
        policy = self.path("/usr/sbin/policy-rc.d")
        policy.write_text('#!/bin/sh\necho "$@" >>/var/log/policy-rc.d\nexit 101\n')

    def configure(self, *texts, userdb=None):
        """Make local.conf the settings of a server on loopback, and these. userdb: another one than that which knows everybody."""
        local = LOCAL.replace("@PORT@", str(self._port)) + (LOCAL_24 if self.new_settings else LOCAL_23)
        local += userdb or (USERDB_24 if self.new_settings else USERDB_23)
        self.path("/etc/dovecot/local.conf").write_text(local + "".join(texts))

    def configure_shipped(self, *texts):
        """The settings of an administrator of the shipped plugin, and these."""
        self.configure(SHIPPED_24 if self.new_settings else SHIPPED_23, *texts)

    def turn_on(self):
        """What the file of the package tells the administrator to do."""
        switch = self.path(SWITCH)
        lines = switch.read_text().splitlines()
        [commented] = [line for line in lines if line.startswith("#!")]
        switch.write_text("\n".join(line[1:] if line == commented else line for line in lines) + "\n")

    # -- files and commands

    def path(self, inside):
        return Path(f"{self.sandbox.root}{inside}")

    def run(self, *argv):
        """Run a command that must succeed; returns its output."""
        return debs.checked(self.sandbox, argv)

    def attempt(self, *argv):
        """Run a command that may fail; returns its exit code and output."""
        done = self.sandbox.run(argv)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def put(self, file):
        """Bring a file in; returns its path inside."""
        inside = f"/root/{file.name}"
        shutil.copy(file, self.path(inside))
        return inside

    def apt(self, *arguments):
        roots.apt(self.sandbox, "-y", "--no-install-recommends", *arguments)

    def add_release(self, release):
        """Let apt know what another release has."""
        self.path(f"/etc/apt/sources.list.d/{release}.list").write_text(f"deb {packages.mirror()} {release} main\n")
        self.apt("update")

    def doveconf(self):
        """The configuration in force, without what doveconf says of the system."""
        return "\n".join(line for line in self.run("doveconf", "-n").splitlines() if not line.startswith("#"))

    def modules_of_the_name(self):
        """What Dovecot finds when it loads the plugin."""
        return sorted(path.name for path in self.path(MODULES).glob("*lazy_expunge_plugin.so"))

    def diversions(self):
        return [line for line in self.run("dpkg-divert", "--list").splitlines() if "lazy_expunge" in line]

    def bytes(self, inside):
        return self.path(inside).read_bytes()

    def leftovers(self):
        """Files of the package that are there, under any of its names, but for Dovecot's own."""
        names = self.run("find", "/etc", "/usr", "/lib", "/var/lib", "-xdev", "-name", "*lazy[-_]expunge*").splitlines()
        return sorted(set(name for name in names if name != PLUGIN))

    def restarts_asked_for(self):
        """Whether a restart of Dovecot was asked for since the last call."""
        log = self.path("/var/log/policy-rc.d")
        text = log.read_text() if log.exists() else ""
        log.unlink(missing_ok=True)
        return "dovecot (restart)" in text or "dovecot restart" in text

    # -- Dovecot at work

    @contextlib.contextmanager
    def running(self, errors=False):
        """Dovecot runs while this lasts, and logs no error unless errors are expected."""
        self.path("/var/log/dovecot.log").unlink(missing_ok=True)
        self._launch()
        try:
            wait_for(self._answers, "Dovecot to answer")
            yield
        finally:
            self.run("doveadm", "stop")
            wait_for(lambda: not self.sandbox.processes("dovecot"), "Dovecot to stop")
            problems = [line for line in self.path("/var/log/dovecot.log").read_text().splitlines()
                        if re.search(r"(Error|Panic|Fatal|Warning):", line) and "Killed with signal 15" not in line]
            if problems and not errors:
                raise AssertionError("\n".join(problems))

    def start(self):
        """Start Dovecot, and wait until it greets."""
        self._launch()
        wait_for(self._answers, "Dovecot to answer")

    def _launch(self):
        # the daemon would hold a pipe open
        self.run("sh", "-c", "dovecot >/var/log/start.log 2>&1 || { cat /var/log/start.log; exit 1; }")

    def deletes(self, mailbox):
        """Start Dovecot, delete a mail by IMAP and stop; returns the UIDs that came into this mailbox by it."""
        with self.running():
            before = self.uids(mailbox)
            if not self.delete_one():
                raise AssertionError("the mail was not deleted")
            return sorted(set(self.uids(mailbox)) - set(before))

    def delete_one(self):
        """Append a mail to INBOX and delete all that is there, in a new session; whether nothing is left. Dovecot must be running."""
        with Imap("127.0.0.1", self._port, USER, "pass") as session:
            session.append("INBOX", b"Subject: one\r\n\r\nbody\r\n")
            session.select("INBOX")
            session("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
            session("UID EXPUNGE 1:*")
            return session.search() == []

    def kept(self):
        """Start Dovecot, list what the plugin kept, and stop; returns the origins, the newest first."""
        with self.running():
            head, *rows = self.run("doveadm", "-f", "tab", "lazy-expunge", "list", "-u", USER).splitlines()
        return [row.split("\t")[head.split("\t").index("origin")] for row in rows]

    def uids(self, mailbox):
        """The UIDs in a mailbox, none where there is no such mailbox. Dovecot must be running."""
        if mailbox not in self.run("doveadm", "mailbox", "list", "-u", USER).split():
            return []
        output = self.run("doveadm", "-f", "flow", "fetch", "-u", USER, "uid", "mailbox", mailbox)
        return re.findall(r"^uid=(\d+)", output, re.MULTILINE)

    def _answers(self):
        """Whether a login process greets: one that has not come so far complains when Dovecot stops."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=5) as connection:
                return connection.recv(4) == b"* OK"
        except OSError:
            return False
