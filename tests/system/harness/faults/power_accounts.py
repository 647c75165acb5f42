"""The power of a file system is cut while accounts are deleted, brought back and renamed on it, and mail is delivered to them."""

import random
import re
import threading
import time

from harness.faults.account_chaos import Client, all_subjects, end_open_steps, next_command
from harness.dovecot.accounts import account
from harness.dovecot.config import OURS, Config
from harness.faults.inject import remove_dead_locks
from harness.faults import power
from harness.faults.power import Outcome
from harness.dovecot.server import Server, ServerProblem
from harness.dovecot.user import User
from harness.waiting import wait_for

# How long the administrator works before the cut, in seconds.
WORK = (0.3, 3.0)
FEWEST_MAILS = 3
USERS = "abc"
SUBJECT = re.compile(r"^Subject: ((?:lmtp|imap) \d+)\r?$", re.MULTILINE)


class PowerAccounts:
    """A server whose mail lies on a device, as its record of accounts does. round() cuts it once."""

    def __init__(self, target, form, plugin, device, seed):
        assert plugin == OURS
        self._target, self._device, self._seed = target, device, seed
        self._config = Config(format=form, plugin=plugin, fsync="optimized")
        self._server = None
        self._start()

    def _start(self):
        homes = self._device.place / "home"
        new = not homes.exists()
        homes.mkdir(exist_ok=True)
        remove_dead_locks(homes)
        self._server = Server(self._target, self._config, mail_root=homes)
        if new:
            self._server.own(homes)
        self._server.start()

    def discard(self):
        self._server.discard()

    def round(self, number, keep=None):
        """Let them work, cut the power at a random moment, start again, end what is open; the Outcome."""
        seed = f"{self._seed}-{number}"
        names = [f"power{number}{letter}" for letter in USERS]
        users = [User(self._server, name) for name in names]
        clients = [Client(users, who, seed) for who in ("lmtp", "imap")]
        administrator = Administrator(self._server, users, seed)
        workers = (*clients, administrator)
        for worker in workers:
            worker.start()
        try:
            until = time.monotonic() + random.Random(seed).uniform(*WORK)
            wait_for(lambda: time.monotonic() > until and administrator.steps and
                     all(len(client.certain) >= FEWEST_MAILS for client in clients), "everybody to have done something", seconds=120)
            durable = [subject for client in clients for subject in client.certain]
            self._device.cut()
        finally:
            for worker in workers:
                worker.stop.set()
        self._server.discard()
        for worker in workers:
            worker.join(120)
            assert not worker.is_alive(), f"{worker} hangs"
        self._device.bring_back()
        self._start()
        return self._judge([User(self._server, name) for name in names], durable, administrator.steps)

    def _judge(self, users, durable, steps):
        """Each mail is in one account, when what is open has been ended."""
        # Dovecot's list of places is of the server that is gone
        account(self._server, "list", "-p", str(self._server.mail_root))
        # of accounts of earlier rounds nothing is left
        end_open_steps(self._server, users)
        before = set()
        found = all_subjects(self._server, users, lambda user: _subjects(user, before))
        outcome = Outcome(cuts=1, mails=len(durable), steps=steps)
        outcome.repaired = len({subject for subject in durable if found[subject]} - before)
        outcome.lost = [f"{users[0].name}: {subject} is lost" for subject in durable if found[subject] == 0]
        outcome.twice = [f"{users[0].name}: {subject} is in {count} accounts" for subject, count in found.items() if count > 1]
        for user in users:
            user.doveadm("expunge", "mailbox", "*", "all", check=False)
            account(self._server, "delete", "-u", user.name, check=False)
        for row in account(self._server, "list"):
            account(self._server, "purge", row["id"])
        return outcome


def _subjects(user, before):
    """Of the user's mails that can be read after Dovecot's own repair; those that could be read before it are added to before."""
    before.update(_read(user))
    user.doveadm("force-resync", "INBOX", check=False)
    return _read(user)


def _read(user):
    return [subject for mail in power.read(user)[0] for subject in SUBJECT.findall(mail.text)]


class Administrator(threading.Thread):
    """Deletes, brings back and renames the users until it is told to stop. steps: how many of that were done."""

    def __init__(self, server, users, seed):
        super().__init__()
        self._server, self._users, self._random = server, users, random.Random(seed)
        self.stop, self.steps = threading.Event(), 0

    def run(self):
        while not self.stop.is_set():
            try:
                deleted = [row["id"] for row in account(self._server, "list", check=False) if row["state"] == "deleted"]
                words = next_command(self._users, self._random, deleted, not self.steps)
                self.steps += self._server.doveadm("lazy-expunge", "account", *words, check=False).code == 0
            except (ServerProblem, OSError):
                # the power is gone, and the server with it
                if not self.stop.wait(1):
                    raise
