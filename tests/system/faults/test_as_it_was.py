"""Whatever was done before and is deleted after a time, in whatever way: restore --since that time makes each mailbox what it was then.

Also when restores are taken back in between, and once more when the last one was.

The steps come from a seed, which is printed; --seed repeats them, --seconds goes on longer.
"""

import json
import random
import time
from dataclasses import replace

import pytest

from harness import message, name, wait_for
from harness.dovecot.config import Mailbox

BOXES = (Mailbox("Trash", special_use="\\Trash", auto="create"),)
FOLDERS = ("INBOX", "Work", "Work/Old", "Archive")
# what 2.4.5 sets by itself, and then again when the user has taken it off
OF_DOVECOT = {"$HasAttachment", "$HasNoAttachment"}
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "own", "$Forwarded", "other")


def run(user, command, *arguments):
    done = user.server.doveadm("-f", "json", "lazy-expunge", command, "-u", user.name, *arguments, check=False)
    # nothing comes from there
    assert done.code in (0, 68), done
    return json.loads(done.stdout or b"[]")


class Account:
    """A user, whose steps are drawn from rng. What was done is in log."""

    def __init__(self, user, rng):
        self.user, self.rng, self.count, self.log = user, rng, 0, []
        with user.imap() as session:
            for folder in FOLDERS[1:]:
                session.ok(f"CREATE {name(folder)}")

    def state(self):
        """{folder: {subject: what a delete and a restore must keep}}"""
        return {folder: {mail.subject: replace(mail, keywords=mail.keywords - OF_DOVECOT).content for mail in self.user.messages(folder)}
                for folder in FOLDERS}

    def boxes(self):
        return set(FOLDERS) & set(self.user.mailboxes())

    def restores(self):
        """Numbers of those that have mails somewhere."""
        return {row["id"] for row in run(self.user, "deletions") if row["kind"] == "restore" and row["messages"] > 0}

    def restore(self, since, *origins):
        """Its rows, and its number if it put mail anywhere."""
        before = self.restores()
        rows = run(self.user, "restore", "--since", f"@{since}", *(("-o", *origins) if origins else ()), "ALL")
        return rows, next(iter(self.restores() - before), None)

    def take_back(self, restore):
        self.log.append(("taken back", restore))
        return run(self.user, "restore", "-U", restore)

    def subjects(self, folder):
        return {mail.subject for mail in self.user.messages(folder)}

    def flags(self):
        return " ".join(self.rng.sample(FLAGS, self.rng.randrange(4)))

    def some(self, session, folder):
        """UIDs of some mails of the folder, which is selected, as a set."""
        self.make(session, folder)
        session.select(folder)
        uids = session.search()
        return ",".join(map(str, self.rng.sample(uids, self.rng.randrange(1, len(uids) + 1)))) if uids else ""

    def make(self, session, folder):
        if folder != "INBOX":
            session(f"CREATE {name(folder)}")

    def step(self, what):
        folder = self.rng.choice(FOLDERS)
        self.log.append((what.__name__, folder))
        what(folder)

    # what adds, or changes what is there

    def append(self, folder):
        with self.user.imap() as session:
            self.make(session, folder)
            for _ in range(self.rng.randrange(1, 4)):
                self.count += 1
                session.append(folder, message(subject=f"mail {self.count}"), flags=self.flags())

    def copy(self, folder):
        """To another folder that does not have the mail."""
        target = self.rng.choice([one for one in FOLDERS if one != folder])
        with self.user.imap() as session:
            self.make(session, folder)
            self.make(session, target)
            there, here = self.subjects(target), [mail for mail in self.user.messages(folder)]
            uids = [str(mail.uid) for mail in here if mail.subject not in there and self.rng.random() < 0.7]
            if uids:
                session.select(folder)
                session.ok(f"UID COPY {','.join(uids)} {name(target)}")

    def store(self, folder):
        with self.user.imap() as session:
            uids = self.some(session, folder)
            if uids:
                session.ok(f"UID STORE {uids} FLAGS ({self.flags()})")

    # what deletes

    def expunge(self, folder):
        with self.user.imap() as session:
            uids = self.some(session, folder)
            if uids:
                session.ok(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
                session.ok(self.rng.choice(("EXPUNGE", f"UID EXPUNGE {uids}", "CLOSE")))

    def to_trash(self, folder, command="MOVE"):
        """What the Trash has already is deleted where it is."""
        trashed = self.subjects("Trash")
        with self.user.imap() as session:
            uids = self.some(session, folder).split(",")
            mails = {str(mail.uid): mail.subject for mail in self.user.messages(folder)}
            new = [uid for uid in uids if uid and mails[uid] not in trashed]
            if new and command == "COPY":
                session.ok(f"UID COPY {','.join(new)} Trash")
                session.delete(",".join(new))
            elif new:
                session.ok(f"UID MOVE {','.join(new)} Trash")

    def copy_to_trash(self, folder):
        self.to_trash(folder, "COPY")

    def empty_trash(self, folder=None):
        with self.user.imap("Trash") as session:
            if session.search():
                session.delete()

    def by_doveadm(self, folder):
        with self.user.imap() as session:
            self.make(session, folder)
        self.user.doveadm("expunge", "mailbox", folder, self.rng.choice(("all", "seen", "unseen")))

    def by_pop3(self, folder):
        if self.user.messages("INBOX"):
            session = self.user.pop3()
            session.dele(1)
            session.quit()

    def delete_mailbox(self, folder):
        if folder != "INBOX":
            with self.user.imap() as session:
                session(f"DELETE {name(folder)}")

    ADDING = (append, append, copy, copy, store)
    DELETING = (expunge, expunge, expunge, to_trash, copy_to_trash, empty_trash, by_doveadm, by_pop3, delete_mailbox)

    def steps(self, number, kinds):
        for _ in range(number):
            self.step(self.rng.choice(kinds).__get__(self))


def next_second():
    """The time of a deletion has no parts of a second."""
    now = int(time.time())
    wait_for(lambda: int(time.time()) > now, "the next second")
    return int(time.time())


@pytest.mark.parametrize("only_last", (False, True), ids=("all", "last"))
def test_everything_is_as_it_was(dovecot, seed, seconds, only_last):
    server = dovecot(mailboxes=BOXES, lazy={"only_last_instance": only_last})
    end, rounds = time.monotonic() + seconds, 0
    while rounds == 0 or time.monotonic() < end:
        rounds += 1
        account = Account(server.user(), random.Random(f"{seed} {rounds}"))
        account.steps(25, Account.ADDING * 2 + Account.DELETING)
        account.steps(4, (Account.append, Account.copy))
        account.empty_trash()
        before, boxes, since = account.state(), account.boxes(), next_second()
        account.log.append("that is how it was")
        account.steps(12, Account.DELETING)
        # all, or what is missing in one mailbox, of which the storage may have the mail for another
        for origin in account.rng.choice(((), (None,), FOLDERS, FOLDERS[::-1])):
            _, number = account.restore(since, *((origin,) if origin else ()))
            account.log.append(("restored meanwhile", origin))
            if number and account.rng.random() < 0.5:
                account.take_back(number)
            account.steps(8 if origin is None else 3, Account.DELETING)
        account.empty_trash()
        _, number = account.restore(since)
        assert account.state() == before and account.boxes() >= boxes, (rounds, account.log)
        assert account.restore(since) == ([], None)
        assert account.state() == before, (rounds, account.log)
        if number:
            taken = account.take_back(number)
            assert sum(row["restored"] for row in taken) > 0, (rounds, account.log, taken)
            assert not any(row["skipped"] or row["failed"] for row in taken), (rounds, account.log, taken)
            assert account.state() != before and account.restore(since)[1], (rounds, account.log)
            assert account.state() == before, (rounds, account.log)
    print(f"{rounds} rounds")


@pytest.fixture
def seed(request):
    value = request.config.getoption("seed") or str(random.SystemRandom().randrange(10 ** 9))
    print(f"--seed {value}")
    return value
