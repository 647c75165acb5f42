"""A private Cyrus IMAP on loopback, with folders of its own, in a system of Debian that has its package.

It keeps expunged mail, as it does by default (expunge_mode: delayed). Mail stores are filled once, through IMAP, kept, and copied for each
server that is measured.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from harness import places
from harness.dovecot.imap import Imap, name
from harness.dovecot.sandbox import Sandbox
from harness.dovecot.server import HOSTNAME
from harness.machines import packages, roots
from harness.measuring import accounts
from harness.places import locked
from harness.ports import free_port
from harness.waiting import wait_for

RELEASE = "trixie"
PROGRAMS = "/usr/lib/cyrus/bin"
ADMIN, PASSWORD, REALM = "cyrus", "pass", "localhost"
BATCH = 100
# As in Debian's cyrus.conf: an imapd serves so many sessions one after another. Nothing but imapd runs.
SERVICES = """\
START {{
  recover cmd="{programs}/ctl_cyrusdb -C {root}/imapd.conf -r"
}}
SERVICES {{
  imap cmd="imapd -C {root}/imapd.conf -U 30" listen="127.0.0.1:{port}" proto="tcp4" prefork=0 maxchild=100
}}
EVENTS {{
}}
"""
OPTIONS = """\
configdirectory: {root}/config
defaultpartition: default
partition-default: {root}/spool
proc_path: {root}/proc
mboxname_lockpath: {root}/lock
idlesocket: {root}/idle
lmtpsocket: {root}/lmtp
notifysocket: {root}/notify
sievedir: {root}/sieve
master_pid_file: {root}/master.pid
master_ready_file: {root}/master.ready
servername: localhost
admins: cyrus
unixhierarchysep: yes
virtdomains: off
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {root}/config/sasldb2
sasl_mech_list: PLAIN
expunge_mode: delayed
delete_mode: delayed
"""


def system(say=print):
    """The path of a system with Cyrus IMAP, made when it is missing. Raises RuntimeError when it cannot be."""
    try:
        return roots.kept(RELEASE, "cyrus", packages.CYRUS, say)
    except roots.CannotMake as reason:
        raise RuntimeError(f"Cyrus IMAP of Debian {RELEASE} cannot be had: {reason}") from reason


def version():
    """Of the package, without Debian's part: 3.10.2."""
    with Sandbox(system()) as sandbox:
        done = sandbox.run(["dpkg-query", "-W", "-f", "${source:Upstream-Version}", "cyrus-imapd"])
    return done.stdout.decode().partition("+")[0].partition("~")[0]


class Cyrus:
    """The server. store: a directory with config and spool that becomes its own, from prepared(); None: an empty one."""

    master_name = "cyrmaster"

    def __init__(self, store=None):
        self.root = places.fresh_run_directory()
        self.port = self._master = None
        self.sandbox = self._make_sandbox()
        for directory in ("config", "spool"):
            if store:
                _copy(store / directory, self.root / directory)
            else:
                (self.root / directory).mkdir()
        for directory in ("proc", "lock", "sieve"):
            (self.root / directory).mkdir()
        (self.root / "imapd.conf").write_text(OPTIONS.format(root=self.root))
        if not store:
            self.add_passwords([ADMIN])

    def _make_sandbox(self):
        hosts = self.root / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {HOSTNAME} {HOSTNAME}.example.com\n")
        return Sandbox(system(), shared=[self.root], binds=[(hosts, "/etc/hosts")], hostname=HOSTNAME)

    def start(self):
        self.port = free_port()
        (self.root / "cyrus.conf").write_text(SERVICES.format(programs=PROGRAMS, root=self.root, port=self.port))
        self._run(["chown", "-R", f"{ADMIN}:mail", *(self.root / part for part in ("config", "spool", "proc", "lock", "sieve"))])
        # At its end it sends SIGTERM to its process group, where a Dovecot could have processes with the same UID.
        command = ["cyrmaster", "-C", self.root / "imapd.conf", "-M", self.root / "cyrus.conf", "-p", self.root / "master.pid",
                   "-L", self.root / "log"]
        self._master = self.sandbox.popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                          start_new_session=True)
        wait_for(self._answers, f"Cyrus IMAP to start (see {self.root / 'log'})", seconds=60)
        return self

    def _answers(self):
        try:
            with Imap("127.0.0.1", self.port) as session:
                return session.greeting.startswith(b"* OK")
        except OSError:
            return False

    def imap(self, user, select=None):
        """A session of this user."""
        session = Imap("127.0.0.1", self.port, user, PASSWORD, timeout=600)
        if select is not None:
            session.select(select)
        return session

    def run(self, program, *arguments):
        """Run one of Cyrus' own programs; what it prints, as bytes."""
        return self._run([f"{PROGRAMS}/{program}", "-C", self.root / "imapd.conf", *arguments])

    def _run(self, command, **options):
        done = self.sandbox.run(command, timeout=3600, **options)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')[-2000:]}")
        return done.stdout

    def processes(self, name=None):
        """PIDs of its processes, as this machine counts them."""
        return self.sandbox.processes(name)

    def add_passwords(self, users):
        """Let these users log in."""
        path = self.root / "config/sasldb2"
        script = 'for user; do printf %%s %s | saslpasswd2 -p -c -f %s -u %s "$user" || exit 1; done' % (PASSWORD, path, REALM)
        self._run(["sh", "-c", script, "sh", *users])

    def add_users(self, users, account):
        """New users with what an account has: storage is what was expunged from INBOX."""
        self.add_passwords(users)
        with self.imap(ADMIN) as session:
            for user in users:
                session.ok(f"CREATE {name('user/' + user)}")
        for user in users:
            with self.imap(user, "INBOX") as session:
                _append(session, account.storage, accounts.STORAGE)
                if account.storage:
                    session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
                    session.ok("EXPUNGE")
                _append(session, account.inbox, "INBOX")

    def size(self):
        """Bytes of all files of all users."""
        paths = [path for place in ("spool", "config/user") for path in (self.root / place).rglob("*")]
        return sum(path.stat().st_size for path in paths if path.is_file())

    def halt(self):
        """End its processes, so that its files are whole."""
        for pid in self.processes(self.master_name):
            os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not self.processes(), "Cyrus IMAP to end", seconds=60)

    def discard(self):
        self.sandbox.close()
        if self._master is not None:
            self._master.wait(timeout=30)
        shutil.rmtree(self.root, ignore_errors=True)


def _append(session, count, mailbox):
    seed = accounts.hash_of(mailbox)
    for first in range(0, count, BATCH):
        mails = [accounts.message(seed, number).replace(b"\n", b"\r\n") for number in range(first, min(first + BATCH, count))]
        session.ok("APPEND INBOX" + " {}" * len(mails), *mails)


def user_names(users):
    return [f"many{number}" for number in range(users)]


@contextlib.contextmanager
def started(account, users=1):
    """A running server that has so many users with such an account, a copy of the prepared one."""
    server = Cyrus(prepared(account, users))
    try:
        yield server.start()
    finally:
        server.discard()


def prepared(account, users):
    """The directory with the mail store, made when it is missing. Not to be changed."""
    store = places.WORK / "bench" / f"cyrus-{version()}" / f"users{users}-{account}"
    with locked(store.with_name(store.name + ".lock")):
        if not store.exists():
            server = Cyrus()
            try:
                server.start().add_users(user_names(users), account)
                server.halt()
                unfinished = store.with_name(store.name + ".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                for directory in ("config", "spool"):
                    _copy(server.root / directory, unfinished / directory)
                unfinished.rename(store)
            finally:
                server.discard()
    return store


def _copy(source, destination):
    """Nobody rewrites the file of a mail, N. with a number: those are shared by hard links."""
    def copy_or_link(one, other):
        if Path(one).name.removesuffix(".").isdigit():
            os.link(one, other)
        else:
            shutil.copy2(one, other)
    shutil.copytree(source, destination, copy_function=copy_or_link)
