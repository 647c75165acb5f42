"""One user of a server: sessions, deliveries, and a look into the mailboxes."""

import poplib
import smtplib
from dataclasses import replace

from harness.dovecot import mail
from harness.dovecot.imap import Imap, name
from harness.dovecot.render import PASSWORD
from harness.waiting import wait_for


class User:
    """A user that nobody used before, unless the name is given."""

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self._sessions = []

    def __str__(self):
        return self.name

    @property
    def home(self):
        """The home directory, as a path of this machine."""
        return self.server.mail_root / self.name

    @property
    def mail_path(self):
        return self.home / self.server.mail_directory

    # Sessions. They are closed at the end of the test when the test did not do it.

    def imap(self, select=None):
        """A session that is logged in, with this mailbox selected."""
        session = Imap("127.0.0.1", self.server.ports["imap"], self.name, PASSWORD)
        self._sessions.append(session)
        if select is not None:
            session.select(select)
        return session

    def pop3(self):
        """A poplib session that is logged in."""
        session = pop3(self.server, self.name)
        self._sessions.append(session)
        return session

    def close(self):
        for session in self._sessions:
            session.close()
        self._sessions = []

    # Filling mailboxes.

    def deliver(self, message=None, others=()):
        """One LMTP delivery to this user and these others, who may be of the same storage."""
        deliver(self.server, message or mail.message(), [self, *others])

    def append(self, mailbox="INBOX", message=None, flags="", date="", create=False):
        """Append one message through IMAP; returns its UID."""
        return self.fill(mailbox, [message or mail.message()], flags, date, create)[0]

    def fill(self, mailbox, messages, flags="", date="", create=False):
        """Append messages through one IMAP session; a number makes that many. Returns their UIDs."""
        if isinstance(messages, int):
            messages = [mail.message() for _ in range(messages)]
        with self.imap() as session:
            if create:
                session(f"CREATE {name(mailbox)}")
            return [session.append(mailbox, message, flags, date) for message in messages]

    # doveadm for this user.

    def doveadm(self, command, *arguments, **options):
        """doveadm <command> -u <user> <arguments>; command may have several words. See Server.doveadm()."""
        return self.server.doveadm(*command.split(), "-u", self.name, *arguments, **options)

    def messages(self, mailbox="INBOX", query=("all",), missing_ok=True):
        """The mails of a mailbox (or of a pattern of mailboxes), by doveadm, in its order; none where there is no mailbox."""
        def fetch():
            done = self.server.doveadm("-f", "pager", "fetch", "-u", self.name, mail.FIELDS, "mailbox", mailbox, *query, check=False)
            return None if _went_meanwhile(done) else done
        done = wait_for(fetch, f"the mails of {mailbox} to stay while they are fetched")
        if done.code not in ((0, 68) if missing_ok else (0,)):
            raise AssertionError(f"{done}")
        return mail.parse(done.stdout)

    def kept(self):
        """The mails in the storage; in namespace mode of all mailboxes below it, with their name there as the origin."""
        storage, separator = self.server.config.storage, self.server.storage_separator
        if not separator:
            return self.messages(storage)
        return [replace(found, origins=(found.mailbox.removeprefix(storage),)) for found in self.messages(storage + "*")]

    def mailboxes(self, *arguments):
        """The names of the mailboxes, as doveadm sees them."""
        return self.doveadm("mailbox list", *arguments).stdout.decode().splitlines()

    def sync(self, other_server, *arguments, command="sync"):
        """Replicate with the user of the same name on another server, over TCP; that User.

        dsync exits with 2 when it wants to be run again: on Maildir it does so when both sides have made a mailbox.
        """
        for _ in range(3):
            done = self.doveadm(command, *arguments, f"tcp:127.0.0.1:{other_server.ports['doveadm']}", check=False)
            if done.code != 2:
                break
        assert done.code == 0, str(done)
        return other_server.user(self.name)

    def make_virtual(self, name, text):
        """Make a virtual mailbox Virtual/<name> with these rules."""
        directory = self.home / "virtual" / name
        directory.mkdir(parents=True)
        (directory / "dovecot-virtual").write_text(text)
        self.server.own(self.home / "virtual")


def _went_meanwhile(done):
    """Whether doveadm fetch failed at nothing but mails that somebody, such as autoexpunge, expunged after it had listed them."""
    errors = done.stderr.decode(errors="replace").splitlines()
    return done.code == 75 and errors and all(line.endswith("Message was expunged") for line in errors)


def pop3(server, login):
    """A poplib session that is logged in by this name; who asks for it closes it."""
    session = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=60)
    session.user(login)
    session.pass_(PASSWORD)
    return session


def deliver(server, message, users):
    """One LMTP transaction to several users."""
    with smtplib.LMTP("127.0.0.1", server.ports["lmtp"], local_hostname="localhost") as client:
        client.ehlo()
        replies = [client.mail("sender@example.com")] + [client.rcpt(f"{user}@example.com") for user in users]
        # LMTP answers DATA once for each recipient; smtplib reads the first of these answers.
        replies.append(client.data(message))
        replies += [client.getreply() for _ in users[1:]]
    refused = [reply for reply in replies if reply[0] >= 300]
    if refused:
        raise AssertionError(f"LMTP refused: {refused}")
