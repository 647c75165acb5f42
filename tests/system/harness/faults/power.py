"""Sessions that work on accounts while the power of their file system is cut, and a look at what became of the mail."""

import os
import random
import re
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness.faults.chaos import ENDED, DoveadmClient, ImapClient, Ledger, LmtpClient, Names, Pop3Client, files_with
from harness.dovecot.config import NONE, OURS, Config
from harness.faults.inject import remove_dead_locks
from harness.dovecot.imap import Imap
from harness.dovecot.render import PASSWORD
from harness.dovecot.server import Server
from harness.dovecot.user import User

# How long sessions work before the cut, in seconds.
WORK = (0.3, 2.0)
FEWEST_MAILS = 5
# How often somebody tries to read.
READERS = 4
# In seconds. After five minutes Dovecot gives up a DELETE that did not end, and the mailbox is there again
# (MAILBOX_DELETE_RETRY_SECS of mail-storage.c, by the time of the mailbox's log).
DELETE_IS_GIVEN_UP = 600
MARKERS = re.compile(rb"^X-Marker: (\S+)", re.MULTILINE | re.IGNORECASE)


class Power:
    """A server whose mail lies on a device. round() cuts it once. plugin: OURS, or NONE for the same sessions without any, who
    then expunge only what nobody counts on."""

    def __init__(self, target, form, plugin, device, seed):
        self._target, self._plugin, self._device, self._seed = target, plugin, device, seed
        self._config = Config(format=form, plugin=plugin, fsync="optimized").with_lazy(mailbox="EXPUNGED", only_last_instance=True)
        self._server = None
        self._start()

    def _start(self):
        homes = self._device.place / "home"
        homes.mkdir(exist_ok=True)
        remove_dead_locks(homes)
        self._server = Server(self._target, self._config, mail_root=homes)
        self._server.own(homes)
        self._server.start()

    def discard(self):
        self._server.discard()

    def round(self, number, keep=None):
        """Let sessions work, cut the power at a random moment, start again; the Outcome.

        keep: a directory for copies of the homes in which mail is lost.
        """
        seed = f"{self._seed}-{number}"
        rng = random.Random(seed)
        accounts = [Account(self._server, f"power{number}{letter}", seed, self._plugin) for letter in "ab"]
        for account in accounts:
            account.begin(accounts[0].user)
        until = time.monotonic() + rng.uniform(*WORK)
        while time.monotonic() < until or any(len(account.ledger.accepted()) < FEWEST_MAILS for account in accounts):
            time.sleep(0.01)
        for account in accounts:
            account.before_cut()
        self._device.cut()
        for account in accounts:
            account.stop()
        self._server.discard()
        for account in accounts:
            account.join()
        self._device.bring_back()
        self._start()
        outcome = Outcome(cuts=1)
        for account in accounts:
            found = account.judge(User(self._server, account.user.name))
            if found.lost and keep:
                shutil.copytree(account.user.home, Path(keep) / f"{seed}-{account.user.name}", symlinks=True)
            outcome.add(found)
        return outcome


@dataclass
class Outcome:
    """What cuts did. mails: how many were durable; repaired: those that came only by a repair; lost, twice: descriptions."""
    cuts: int = 0
    mails: int = 0
    steps: int = 0
    repaired: int = 0
    lost: list = field(default_factory=list)
    twice: list = field(default_factory=list)

    def add(self, other):
        self.cuts += other.cuts
        self.mails += other.mails
        self.steps += other.steps
        self.repaired += other.repaired
        self.lost += other.lost
        self.twice += other.twice


class Account:
    """A user, the clients that work on it, and the record of what they were told is safe."""

    def __init__(self, server, name, seed, plugin):
        self.user, self.plain = User(server, name), plugin == NONE
        self.ledger = Ledger(f"{seed}.{name}")
        self._seed, self._workers, self._durable, self._held = f"{seed}-{name}", [], None, None

    def begin(self, other):
        names = Names()
        arguments = lambda index: (self.user, self.ledger, names, self._seed, index, float("inf"))
        if self.plain:
            kinds = [PlainImapClient, PlainImapClient, PlainDoveadmClient]
        else:
            kinds = [PowerImapClient, PowerImapClient, Pop3Client, PowerDoveadmClient]
        self._workers = [kind(*arguments(index)) for index, kind in enumerate(kinds)]
        self._workers.append(LmtpClient(*arguments(0), other=other))
        for worker in self._workers:
            worker.start()

    def before_cut(self):
        self._durable, self._held = self.ledger.accepted(), self._holds()

    def _holds(self):
        return set().union(*(getattr(worker, "holds", ()) for worker in self._workers))

    def stop(self):
        for worker in self._workers:
            worker.deadline = 0

    def join(self):
        for worker in self._workers:
            worker.join(120)
        hung = [worker for worker in self._workers if worker.is_alive()]
        failures = [worker.failure for worker in self._workers if worker.failure]
        if hung or failures:
            raise AssertionError(f"clients hang: {hung}, or failed: {failures}")

    def judge(self, user):
        """What the user has after the cut: as it is, then some minutes later and after Dovecot's own repair."""
        as_it_is, _ = read(user)
        _let_time_pass(user)
        resync(user)
        repaired, problem = read(user)
        expected = self._durable & self.ledger.accepted()
        before, after = (self.ledger.whole(mails) for mails in (as_it_is, repaired))
        outcome = Outcome(mails=len(expected), steps=sum(worker.steps for worker in self._workers))
        outcome.lost = [f"{user.name}: {marker} is lost{' by the repair' * (marker in before)}; files with it: "
                        f"{files_with(user, marker)}; the last problem: {problem}" for marker in sorted(expected - after)]
        gone = _holds_not_in_force(user, self._held & self._holds())
        outcome.lost += [f"{user.name}: the hold {hold} is forgotten" for hold in sorted(gone)]
        outcome.repaired = len((expected & after) - before)
        outcome.twice = [f"{user.name}: {marker} is in the storage {count} times"
                         for marker, count in sorted(self.ledger.kept_twice(as_it_is, user).items())]
        return outcome


def resync(user):
    """Dovecot's own repair of all mailboxes."""
    # one that finds something broken may not come to the others
    for mailbox in ("*", *_on_disk(user)):
        user.doveadm("force-resync", mailbox, check=False)


def _holds_not_in_force(user, holds):
    """Those of these holds that hold nothing. A list of holds that cannot be read holds everything."""
    if not holds:
        return set()
    listed = user.server.doveadm("-f", "tab", "lazy-expunge", "holds", "-u", user.name, check=False).stdout.decode()
    states = dict(line.split("\t")[:2] for line in listed.splitlines()[1:])
    return set() if "unreadable" in states.values() else {hold for hold in holds if states.get(hold) != "held"}


def _let_time_pass(user):
    """A mailbox that was being deleted cannot be opened until the deletion is given up."""
    for log in user.mail_path.rglob("dovecot.index.log"):
        then = log.stat().st_mtime - DELETE_IS_GIVEN_UP
        os.utime(log, (then, then))


@dataclass(frozen=True)
class Found:
    """A mail that was read."""
    mailbox: str
    uid: int
    text: str


def read(user):
    """(all mails that a client can read, those in the storage too; the last thing that one was told instead)."""
    found, problems = [], []
    mailboxes = _tried(user, problems, lambda session: session.list()) or []
    whole = _tried(user, problems, lambda session: {of: _fetched(_examined(session, of), "1:*") for of in mailboxes}, tries=1) or {}
    for mailbox, texts in whole.items():
        found += [Found(mailbox, uid, text) for uid, text in texts.items()]
    for mailbox in {*mailboxes, *_on_disk(user)}.difference(whole):
        uids = _tried(user, problems, lambda session, of=mailbox: _examined(session, of).search()) or []
        texts = _tried(user, problems, lambda session, of=mailbox: _fetched(_examined(session, of), "1:*"), tries=1) if uids else {}
        for uid in uids:
            # one that cannot be read ends the answer of those after it
            text = (texts or _tried(user, problems, lambda session, of=mailbox, one=uid: _fetched(_examined(session, of), one)) or {}).get(uid)
            if text is not None:
                found.append(Found(mailbox, uid, text))
    return found, problems[-1] if problems else ""


def _on_disk(user):
    """The mailboxes that are there, also those that the list has lost: it is not flushed."""
    if user.server.config.format == "maildir":
        return {"INBOX"} | {path.parent.name[1:].replace(".", "/") for path in user.mail_path.glob(".*/cur")}
    root = user.mail_path / "mailboxes"
    return {"INBOX"} | {str(path.parent.relative_to(root)) for path in root.rglob("dbox-Mails")}


def _tried(user, problems, read, tries=READERS):
    """read(session), in another session when Dovecot has found something broken and ends the first; None if none succeeds."""
    for _ in range(tries):
        try:
            with user.imap() as session:
                return read(session)
        except ENDED as problem:
            problems.append(str(problem))
    return None


def _examined(session, mailbox):
    session.select(mailbox, "EXAMINE")
    return session


def _fetched(session, uids):
    """{UID: text}"""
    texts = {}
    for line in session.ok(f"UID FETCH {uids} BODY.PEEK[]").untagged:
        match = re.match(rb"\* \d+ FETCH \(.*?UID (\d+).*?BODY\[\] \{(\d+)\}\r\n", line, re.DOTALL)
        if match:
            texts[int(match.group(1))] = line[match.end():match.end() + int(match.group(2))].decode(errors="replace")
    return texts


class PowerImapClient(ImapClient):
    STEPS = {"append": 8, "select": 3, "copy": 5, "move": 6, "expunge": 6, "close": 3, "empty": 2, "restore": 2, "create": 1,
             "delete": 1, "noop": 1, "logout": 2}

    def _do_empty(self, session):
        self._do_select(session, "Trash")
        uids = session.search() if self.selected else []
        if uids:
            session(f"UID STORE {self._set(uids)} +FLAGS.SILENT (\\Deleted)")
            session("EXPUNGE")
        return session


class PlainImapClient(PowerImapClient):
    """Without a plugin nothing brings back what is expunged, so that it counts no more."""

    STEPS = {step: weight for step, weight in PowerImapClient.STEPS.items() if step not in ("restore", "delete")}

    def begin(self):
        super().begin().close()
        return ForgettingImap(self.ledger, "127.0.0.1", self.user.server.ports["imap"], self.user.name, PASSWORD)


class ForgettingImap(Imap):
    """A session in which what is flagged \\Deleted is no longer counted on, from before that."""

    def __init__(self, ledger, *arguments):
        super().__init__(*arguments)
        self._ledger = ledger

    def __call__(self, command, *literals):
        words = command.split()
        if words[:2] == ["UID", "STORE"] and "(\\Deleted)" in words:
            answer = super().__call__(f"UID FETCH {words[2]} BODY.PEEK[HEADER.FIELDS (X-MARKER)]")
            for marker in MARKERS.findall(b"\n".join(answer.untagged)):
                self._ledger.forget(marker.decode())
        return super().__call__(command, *literals)


class PowerDoveadmClient(DoveadmClient):
    STEPS = {"expunge": 4, "move": 3, "save": 3, "purge": 1, "restore": 5, "maintain": 2, "hold": 1, "release": 1}
    # few, so that one is set again and released while another is in force
    HOLDS = ("one", "other")

    def __init__(self, *arguments):
        super().__init__(*arguments)
        # those that are in force
        self.holds = set()

    def _do_restore(self):
        self._run("lazy-expunge restore", *self._query())

    def _do_maintain(self):
        self._run("lazy-expunge maintain")

    def _do_hold(self):
        hold = self.rng.choice(self.HOLDS)
        if self._run("lazy-expunge hold", "-N", hold, *self.rng.choice(((), ("subject", self.ledger.seed)))) == 0:
            self.holds.add(hold)

    def _do_release(self):
        hold = self.rng.choice(self.HOLDS)
        self.holds.discard(hold)
        self._run("lazy-expunge release", "-N", hold, "-g", "0")


class PlainDoveadmClient(DoveadmClient):
    STEPS = {"move": 3, "copy": 2, "save": 3, "purge": 1}


PLUGINS = (OURS, NONE)
