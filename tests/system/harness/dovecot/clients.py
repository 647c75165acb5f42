"""Mail programs of Debian, run on this machine against a private server. Each has a home of its own and a time to live."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from pathlib import Path

from harness.dovecot.render import PASSWORD

SECONDS = 60


class ClientFailed(AssertionError):
    """A mail program ended with an error, or did not end."""


class Home:
    """What one user's mail programs have on their side: a home directory, and the account on the server."""

    def __init__(self, user, path):
        self.user, self.path = user, Path(path)
        self.imap_port, self.pop3_port = user.server.ports["imap"], user.server.ports["pop3"]
        self.path.mkdir(parents=True, exist_ok=True)

    def write(self, name, text, mode=0o600):
        """Write a file below the home; @USER@, @PASSWORD@, @IMAP@, @POP3@ and @HOME@ are replaced in it."""
        for key, value in (("USER", self.user.name), ("PASSWORD", PASSWORD), ("IMAP", self.imap_port), ("POP3", self.pop3_port),
                           ("HOME", self.path)):
            text = text.replace(f"@{key}@", str(value))
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    @property
    def environment(self):
        return {"HOME": str(self.path), "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TERM": "xterm",
                "TZ": "UTC"}

    def run(self, *command, codes=(0,)):
        """Run a program; returns its output. Its exit code must be one of these."""
        done = subprocess.run([str(word) for word in command], env=self.environment, cwd=self.path, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)
        text = done.stdout.decode(errors="replace")
        if done.returncode not in codes:
            raise ClientFailed(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{text[-3000:]}")
        return text

    def run_on_terminal(self, *command):
        """Run a program that wants a terminal, until it ends."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.path)
            os.execvpe(str(command[0]), [str(word) for word in command], self.environment)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        output, deadline = b"", time.monotonic() + SECONDS
        try:
            while time.monotonic() < deadline:
                if select.select([terminal], [], [], 0.5)[0]:
                    try:
                        data = os.read(terminal, 65536)
                    except OSError:
                        data = b""
                    if not data:
                        break
                    output += data
            else:
                os.kill(pid, 9)
        finally:
            os.close(terminal)
            _, status = os.waitpid(pid, 0)
        if status != 0:
            raise ClientFailed(f"{' '.join(map(str, command))}: status {status}\n{output[-3000:].decode(errors='replace')}")
        return output.decode(errors="replace")


def mbsync(home):
    """Synchronize all mailboxes both ways with a Maildir, and expunge on both sides."""
    home.write(".mbsyncrc", """\
IMAPStore far
Host 127.0.0.1
Port @IMAP@
User @USER@
Pass @PASSWORD@
SSLType None
AuthMechs LOGIN

MaildirStore near
Path @HOME@/mbsync/
Inbox @HOME@/mbsync/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Near
Expunge Both
Sync All
SyncState *
""")
    (home.path / "mbsync").mkdir(exist_ok=True)
    return home.run("mbsync", "-a")


def offlineimap(home):
    """Synchronize all mailboxes both ways with a Maildir."""
    home.write(".offlineimaprc", """\
[general]
accounts = test
metadata = @HOME@/offlineimap-state
maxsyncaccounts = 1

[Account test]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = @HOME@/offlineimap

[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = @IMAP@
remoteuser = @USER@
remotepass = @PASSWORD@
ssl = no
starttls = no
maxconnections = 1
""")
    return home.run("offlineimap", "-o", "-1", "-u", "basic")


def fetchmail(home, protocol):
    """Fetch all mail from INBOX into the file fetched, and delete it on the server. protocol: POP3 or IMAP."""
    port = home.pop3_port if protocol == "POP3" else home.imap_port
    home.write(".fetchmailrc", f"""\
poll 127.0.0.1 protocol {protocol} service {port} auth password
  username "@USER@" password "@PASSWORD@" fetchall sslproto ""
  mda "cat >>@HOME@/fetched"
""")
    return home.run("fetchmail", "--nosyslog", "--nodetach", "--pidfile", home.path / "fetchmail.pid")


def neomutt(home, mailbox, keys, *settings):
    """Open a mailbox on a terminal, with these settings, and type these keys; the last must leave the program."""
    home.write(".neomuttrc", """\
set folder = "imap://@USER@@127.0.0.1:@IMAP@/"
set imap_user = "@USER@"
set imap_pass = "@PASSWORD@"
set ssl_starttls = no
set ssl_force_tls = no
set imap_authenticators = "login"
set delete = yes
set quit = yes
set confirm_append = no
set wait_key = no
set sort = mailbox-order
set header_cache = ""
set mail_check = 600
set sleep_time = 0
""" + "".join(line + "\n" for line in settings))
    return home.run_on_terminal("neomutt", "-F", home.path / ".neomuttrc", "-f", f"={mailbox}", "-e", f'push "{keys}"')


def curl_imap(home, mailbox, *commands):
    """Send these commands in one session that has the mailbox selected."""
    words = []
    for command in commands:
        words += (["--next"] if words else []) + ["-sS", "-u", f"{home.user.name}:{PASSWORD}", "-X", command,
                                                  f"imap://127.0.0.1:{home.imap_port}/{mailbox}"]
    return home.run("curl", *words)


def curl_pop3(home, *numbers):
    """Delete the mails of these numbers, each in a session of its own."""
    for number in numbers:
        home.run("curl", "-sS", "-u", f"{home.user.name}:{PASSWORD}", "-I", "-X", f"DELE {number}",
                 f"pop3://127.0.0.1:{home.pop3_port}/")
