"""Sessions that do random things to one account at the same time, a record of the mails that it accepted, and a killer."""

import hashlib
import poplib
import random
import re
import smtplib
import subprocess
import threading
import time

from harness.faults.inject import lock_files, remove_dead_locks
from harness.dovecot.imap import Imap, Refused, name
from harness.dovecot.render import PASSWORD
from harness.dovecot.user import deliver, pop3

LASTING = ("INBOX", "Trash", "Work")
# How many other mailboxes there are at once: few, so that sessions meet in them.
LOOSE = 4
MARKER = re.compile(r"^X-Marker: (\S+)\r?$", re.MULTILINE)
# A session that ended, or an answer that was none: begin anew. What a mail's fate is then is not known.
ENDED = (Refused, OSError, EOFError, poplib.error_proto, smtplib.SMTPException, subprocess.TimeoutExpired)


class Names:
    """The names of the mailboxes that come and go, and who uses which.

    What plain Dovecot cannot do without a loss is left out, for it would hide what is looked for: a mailbox is renamed only while
    no client uses it (sdbox loses mail that is saved meanwhile), is used only when it is made, and never has the name of one
    that was there before (its indexes break when a third client still has the old one open).
    """

    def __init__(self):
        self._names, self._used, self._count, self._lock = [], {}, 0, threading.Lock()

    def use(self, rng, who):
        """One that a mail may go to or come from, until release()."""
        with self._lock:
            mailbox = rng.choice([*LASTING, *self._names])
            self._used.setdefault(who, set()).add(mailbox)
            return mailbox

    def release(self, who, selected=None):
        """The step is over; what stays in use is what is selected."""
        with self._lock:
            self._used[who] = {selected}

    def loose(self, rng):
        """One that may be deleted; None when there is none."""
        with self._lock:
            return rng.choice(self._names) if self._names else None

    def take(self, rng):
        """One that nobody uses, nor what is below it, and that nobody will use any more; None when there is none."""
        with self._lock:
            used = set().union(*self._used.values())
            unused = [one for one in self._names if not any(_is_within(name, one) for name in used)]
            if not unused:
                return None
            taken = rng.choice(unused)
            self._names = [one for one in self._names if not _is_within(one, taken)]
            return taken

    def fresh(self, rng, who):
        """One that was never there, sometimes below another, which is in use till release(); to be added when it is there."""
        with self._lock:
            self._count += 1
            if not self._names or rng.random() > 0.3:
                return f"M{self._count}"
            parent = rng.choice(self._names)
            self._used.setdefault(who, set()).add(parent)
            return f"{parent}/M{self._count}"

    def add(self, mailbox):
        with self._lock:
            self._names = self._names[-LOOSE + 1:] + [mailbox]


def _is_within(mailbox, parent):
    return mailbox is not None and (mailbox == parent or mailbox.startswith(parent + "/"))


def is_within_any(mailbox, parents):
    """Whether it is one of these mailboxes, or below one."""
    return any(_is_within(mailbox, parent) for parent in parents)


class Ledger:
    """The mails that the account has accepted, exactly: a mail enters when the server has said that it has it."""

    def __init__(self, seed):
        self.seed = seed
        self._bodies, self._forgotten = {}, set()
        self._lock = threading.Lock()

    def message(self, rng, who, number):
        """(marker, bytes) of a mail that nothing else is equal to."""
        marker = f"{self.seed}.{who}.{number}"
        lines = [f"line {line} of {marker}" for line in range(rng.choice((1, 2, 20, 200)))]
        text = "\r\n".join(["From: sender@example.com", "To: recipient@example.com", f"Subject: {marker}",
                            f"Message-ID: <{marker}@example.com>", f"X-Marker: {marker}", "", *lines, ""])
        return marker, text.encode()

    def accept(self, marker, message):
        with self._lock:
            self._bodies[marker] = _body_digest(message.decode())

    def forget(self, marker):
        """It is about to be removed for good."""
        with self._lock:
            self._forgotten.add(marker)

    def accepted(self):
        """The markers of what is accepted by now and not forgotten."""
        with self._lock:
            return set(self._bodies) - self._forgotten

    def whole(self, mails):
        """The markers of those of these mails that are what was accepted."""
        return {_marker(mail) for mail in mails if self._bodies.get(_marker(mail)) == _body_digest(mail.text)}

    def kept_twice(self, mails, user):
        """{marker: how often} of those that are in the storage more than once and nowhere else."""
        live, kept = set(), {}
        for mail in mails:
            if _in_storage(user, mail.mailbox):
                kept.setdefault(_marker(mail), set()).add((mail.mailbox, mail.uid))
            else:
                live.add(_marker(mail))
        return {marker: len(places) for marker, places in kept.items() if len(places) > 1 and marker not in live}

    def __len__(self):
        return len(self._bodies)

    def judge(self, user):
        """(accepted mails that are nowhere, or not whole; those that are in the storage more than once and nowhere else)."""
        # Dovecot repairs what it finds broken, and fails the command that has found it
        user.doveadm("fetch", "text", "mailbox", "*", "all", check=False)
        live, kept = {}, {}
        for mail in user.messages("*"):
            place = kept if _in_storage(user, mail.mailbox) else live
            place.setdefault(_marker(mail), {})[mail.mailbox, mail.uid] = mail
        for mail in user.kept():
            kept.setdefault(_marker(mail), {})[mail.mailbox, mail.uid] = mail
        lost = []
        for marker, digest in sorted(self._bodies.items()):
            found = [*live.get(marker, {}).values(), *kept.get(marker, {}).values()]
            if not found:
                lost.append(f"{marker} is lost; files with it: {files_with(user, marker)}")
            elif any(_body_digest(mail.text) != digest for mail in found):
                lost.append(f"{marker} is not what was accepted")
        twice = [f"{marker} is in the storage as {[(m.mailbox, m.uid, m.guid, m.origin, m.saved) for m in mails.values()]}"
                 for marker, mails in sorted(kept.items()) if len(mails) > 1 and marker not in live]
        return lost, twice


def _in_storage(user, mailbox):
    storage = user.server.config.storage
    return mailbox == storage or bool(user.server.storage_separator) and mailbox.startswith(storage)


def files_with(user, marker):
    """The files of the account in which the mail's text is, as the last trace of a mail that cannot be found."""
    text = f"X-Marker: {marker}\r".encode(), f"X-Marker: {marker}\n".encode()
    files = [path for path in user.home.rglob("*") if path.is_file() and any(one in path.read_bytes() for one in text)]
    return [str(path.relative_to(user.home)) for path in files]


def _marker(mail):
    match = MARKER.search(mail.text)
    return match.group(1) if match else f"no marker, uid {mail.uid} of {mail.mailbox}"


def _body_digest(text):
    return hashlib.sha256(text.replace("\r\n", "\n").partition("\n\n")[2].rstrip("\n").encode()).hexdigest()


class Worker(threading.Thread):
    """One client: does steps until the deadline, and begins a new session whenever one ends."""

    def __init__(self, user, ledger, names, seed, index, deadline):
        super().__init__(daemon=True)
        self.user, self.ledger, self.names, self.deadline = user, ledger, names, deadline
        self.who = f"{type(self).__name__.lower()}{index}"
        self.rng = random.Random(f"{seed}-{self.who}")
        self.steps, self.ended, self.failure, self.selected = 0, 0, None, None
        # the mailboxes that it told the server to delete or to rename, under both names
        self.gone = set()
        self._mails = 0

    def run(self):
        session = None
        try:
            while time.monotonic() < self.deadline:
                try:
                    session = session or self.begin()
                    session = self.step(session)
                    self.names.release(self, self.selected)
                    self.steps += 1
                except ENDED:
                    self.ended += 1
                    self.end(session)
                    session = self.selected = None
                    self.names.release(self)
                    # a server that is starting again refuses: let it
                    time.sleep(0.02)
            self.finish(session)
        except ENDED:
            self.ended += 1
        except BaseException as problem:
            self.failure = problem
            raise
        finally:
            self.end(session)
            self.names.release(self)

    def mail(self):
        self._mails += 1
        return self.ledger.message(self.rng, self.who, self._mails)

    def mailbox(self):
        return self.names.use(self.rng, self)

    def choose(self, weights):
        return self.rng.choices(list(weights), list(weights.values()))[0]

    def some(self, things):
        """One, a few, or all of these."""
        things = list(things)
        count = self.rng.choice((1, 1, 2, 5, len(things)))
        return self.rng.sample(things, min(count, len(things)))

    # What each kind of client does. step() returns the session, or None to begin anew.

    def begin(self):
        return self

    def step(self, session):
        raise NotImplementedError

    def finish(self, session):
        """The deadline has come."""

    def end(self, session):
        """The session is no more; close what it holds."""


class ImapClient(Worker):
    STEPS = {"append": 8, "select": 5, "copy": 6, "move": 5, "expunge": 6, "close": 3, "restore": 2, "create": 2, "rename": 1,
             "delete": 1, "noop": 3, "logout": 1}

    def begin(self):
        session = Imap("127.0.0.1", self.user.server.ports["imap"], self.user.name, PASSWORD)
        self.selected = None
        return session

    def end(self, session):
        if session is not None:
            session.close()

    def finish(self, session):
        if session is not None:
            session.logout()

    def step(self, session):
        return getattr(self, "_do_" + self.choose(self.STEPS))(session)

    def _uids(self, session):
        if self.selected is None:
            self._do_select(session)
        if self.selected is None:
            return []
        return self.some(session.search())

    def _set(self, uids):
        return ",".join(map(str, uids))

    def _do_append(self, session):
        marker, message = self.mail()
        if session(f"APPEND {name(self.mailbox())} {{}}", message).ok:
            self.ledger.accept(marker, message)
        return session

    def _do_select(self, session, mailbox=None):
        mailbox = mailbox or self.mailbox()
        self.selected = mailbox if session(f"SELECT {name(mailbox)}").ok else None
        return session

    def _do_copy(self, session, command="COPY"):
        uids = self._uids(session)
        if uids:
            session(f"UID {command} {self._set(uids)} {name(self.mailbox())}")
        return session

    def _do_move(self, session):
        return self._do_copy(session, "MOVE")

    def _do_expunge(self, session):
        uids = self._uids(session)
        if uids:
            session(f"UID STORE {self._set(uids)} +FLAGS.SILENT (\\Deleted)")
            session(self.rng.choice(("EXPUNGE", f"UID EXPUNGE {self._set(uids)}")))
        return session

    def _do_close(self, session):
        uids = self._uids(session)
        if uids:
            session(f"UID STORE {self._set(uids)} +FLAGS.SILENT (\\Deleted)")
        if self.selected is not None:
            session("CLOSE")
            self.selected = None
        return session

    def _do_restore(self, session):
        """Take mail out of the storage, as a user can; an expunge there would be for good."""
        storage = self.user.server.config.storage
        if self.user.server.storage_separator:
            storage += self.mailbox()
        self._do_select(session, storage)
        if self.selected is not None:
            self._do_copy(session, self.rng.choice(("COPY", "MOVE")))
            session("UNSELECT")
        self.selected = None
        return session

    def _do_create(self, session):
        new = self.names.fresh(self.rng, self)
        if session(f"CREATE {name(new)}").ok:
            self.names.add(new)
        return session

    def _do_rename(self, session):
        old = self.names.take(self.rng)
        if old:
            new = self.names.fresh(self.rng, self)
            self.gone |= {old, new}
            self.names.add(new if session(f"RENAME {name(old)} {name(new)}").ok else old)
        return session

    def _do_delete(self, session):
        old = self.names.loose(self.rng)
        if old:
            self.gone.add(old)
            session(f"DELETE {name(old)}")
        return session

    def _do_noop(self, session):
        session("NOOP")
        return session

    def _do_logout(self, session):
        session.logout()
        self.selected = None
        return None


class Pop3Client(Worker):
    def begin(self):
        return pop3(self.user.server, self.user.name)

    def end(self, session):
        if session is not None:
            session.close()

    def step(self, session):
        count = session.stat()[0]
        if count:
            for number in self.some(range(1, count + 1)):
                session.dele(number)
        session.quit()
        return None


class LmtpClient(Worker):
    """Delivers to the user alone, and to another user of the same storage as well, which links the mails."""

    def __init__(self, *arguments, other):
        super().__init__(*arguments)
        self._other = other

    def step(self, session):
        marker, message = self.mail()
        users = [self.user] + ([self._other] if self.rng.random() < 0.5 else [])
        try:
            deliver(self.user.server, message, users)
        except AssertionError as refused:
            raise Refused(str(refused)) from None
        self.ledger.accept(marker, message)
        return session


class DoveadmClient(Worker):
    STEPS = {"expunge": 4, "copy": 3, "move": 3, "save": 3, "create": 1, "rename": 1, "delete": 1, "purge": 1}

    def step(self, session):
        getattr(self, "_do_" + self.choose(self.STEPS))()
        return session

    def _run(self, command, *arguments, input=b""):
        """Run it, and return its exit code, whatever that is: it may be killed."""
        server = self.user.server
        words = command.split()
        return server.sandbox.run(server.doveadm_command(*words, "-u", self.user.name, *arguments), input=input, timeout=120,
                                  environment=server.preload).returncode

    def _query(self):
        number = self.rng.randint(1, 60)
        return self.rng.choice((["all"], ["uid", f"{number}:{number + 10}"], ["uid", str(number)], ["1:3"]))

    def _do_expunge(self):
        self._run("expunge", "mailbox", self.mailbox(), *self._query())

    def _do_copy(self, command="copy"):
        self._run(command, self.mailbox(), "mailbox", self.mailbox(), *self._query())

    def _do_move(self):
        self._do_copy("move")

    def _do_save(self):
        marker, message = self.mail()
        if self._run("save", "-m", self.mailbox(), input=message) == 0:
            self.ledger.accept(marker, message)

    def _do_create(self):
        new = self.names.fresh(self.rng, self)
        if self._run("mailbox create", new) == 0:
            self.names.add(new)

    def _do_rename(self):
        old = self.names.take(self.rng)
        if old:
            new = self.names.fresh(self.rng, self)
            self.gone |= {old, new}
            self.names.add(new if self._run("mailbox rename", old, new) == 0 else old)

    def _do_delete(self):
        old = self.names.loose(self.rng)
        if old:
            self.gone.add(old)
            self._run("mailbox delete", old)

    def _do_purge(self):
        self._run("purge")


class Killer(threading.Thread):
    """Kills random processes of the server, and now and then all of it, until the deadline."""

    VICTIMS = ("imap", "imap", "imap", "pop3", "lmtp", "doveadm")

    def __init__(self, server, seed, deadline):
        super().__init__(daemon=True)
        self.server, self.deadline = server, deadline
        self.rng = random.Random(f"{seed}-killer")
        self.killed, self.restarts, self.failure = 0, 0, None

    def run(self):
        try:
            while time.monotonic() < self.deadline:
                old = set(self.server.processes())
                time.sleep(self.rng.uniform(0.02, 0.2))
                if self.rng.random() < 0.06:
                    self.restart()
                    continue
                name = self.rng.choice(self.VICTIMS)
                # one that dies as it starts makes the master hold back the whole service for seconds
                pids = [pid for pid in self.server.processes(name) if pid in old or name == "doveadm"]
                if pids:
                    self.killed += self.server.kill_process(self.rng.choice(pids))
        except BaseException as problem:
            self.failure = problem
            raise

    def restart(self):
        self.server.kill_all()
        remove_dead_locks(self.server.mail_root)
        self.server.start()
        self.restarts += 1


def run(user, other, seed, seconds, kill=False, imap=4, pop3=1, lmtp=1, doveadm=1):
    """Let clients of all kinds work on the user's account for that long; returns (Ledger, workers, Killer or None)."""
    ledger, names = Ledger(seed), Names()
    deadline = time.monotonic() + seconds
    arguments = lambda index: (user, ledger, names, seed, index, deadline)
    workers = [ImapClient(*arguments(index)) for index in range(imap)]
    workers += [Pop3Client(*arguments(index)) for index in range(pop3)]
    workers += [LmtpClient(*arguments(index), other=other) for index in range(lmtp)]
    workers += [DoveadmClient(*arguments(index)) for index in range(doveadm)]
    killer = Killer(user.server, seed, deadline) if kill else None
    threads = workers + ([killer] if killer else [])
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, deadline + 20 - time.monotonic()))
    if killer and any(thread.is_alive() for thread in threads) and lock_files(user.server.mail_root, 15):
        # a killed process has left it, and Dovecot would wait for minutes
        killer.restart()
    for thread in threads:
        thread.join(120)
    hung = [thread for thread in threads if thread.is_alive()]
    failures = [thread.failure for thread in threads if thread.failure]
    if hung or failures:
        raise AssertionError(f"clients hang: {hung}, or failed: {failures}")
    return ledger, workers, killer
