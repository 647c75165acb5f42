"""Accounts that are deleted, brought back and renamed at random while clients deliver to them; and where each mail is afterwards."""

import random
import shlex
import threading
from collections import Counter

from harness.dovecot.accounts import account
from harness.dovecot.mail import message
from harness.faults.crash import ENDED

# What sessions say that an account is taken from; that somebody is refused is as it should be. In a new mdbox two processes of Dovecot may
# wait for each other's locks, and one ends then, with a plugin or without one (1 in 1,796 new users who got mail by LMTP and by IMAP at once).
NO_CRASH = r"^(?!.*(Panic(?!: fcntl\(.*Resource deadlock avoided)|Assert|assert|signal 11))"


class Client(threading.Thread):
    """Delivers mail to the users, one after the other, until it is told to stop. certain: those that were accepted."""

    def __init__(self, users, who, seed):
        super().__init__()
        self.users, self.who, self.random = users, who, random.Random(f"{seed} {who}")
        self.stop = threading.Event()
        self.certain, self.perhaps = [], []

    def run(self):
        while not self.stop.is_set():
            subject = f"{self.who} {len(self.certain) + len(self.perhaps)}"
            try:
                self.send(self.random.choice(self.users), subject)
                self.certain.append(subject)
            except (*ENDED, AssertionError, EOFError):
                self.perhaps.append(subject)

    def send(self, user, subject):
        if self.who == "lmtp":
            user.deliver(message(subject=subject))
            return
        with user.imap() as session:
            session.append("INBOX", message(subject=subject))


def next_command(users, choice, deleted, first):
    """The words of what an administrator does next, first a delete, which nothing refuses. deleted: the ids of deleted accounts."""
    kind = "delete" if first else choice.choice(("delete", "undelete", "undelete", "rename"))
    if kind == "delete":
        return ["delete", "-u", choice.choice(users).name]
    if kind == "undelete" and deleted:
        return ["undelete", choice.choice(deleted), "-t", choice.choice(users).name]
    old, new = choice.sample(users, 2)
    return ["rename", "-u", old.name, new.name]


def one_step(server, users, choice, first):
    """Do it; its name. What is refused is no matter."""
    deleted = [row["id"] for row in account(server, "list") if row["state"] == "deleted"]
    words = next_command(users, choice, deleted, first)
    done = server.doveadm("lazy-expunge", "account", *words, check=False)
    assert done.code in (0, 65, 68, 75), str(done)
    return words[0] if done.code == 0 else f"{words[0]} refused"


def end_open_steps(server, users):
    """Run what account list names; users: more are added where mail came to the target of a step."""
    for row in account(server, "list"):
        if row["needs"]:
            words = shlex.split(row["needs"].removeprefix("to be ended by: "))[1:]
            done = server.doveadm(*words, check=False)
            if b"name another user" in done.stderr:
                # mail came to the target after it had been begun
                users.append(server.user())
                words = words + ["-t", users[-1].name] if "undelete" in words and "-t" not in words else words[:-1] + [users[-1].name]
                done = server.doveadm(*words)
            assert done.code == 0, str(done)


def subjects_of(user):
    return [mail.subject for mail in user.messages("INBOX")]


def all_subjects(server, users, read=subjects_of):
    """How often each mail is there, in all accounts, those among the deleted brought to users of their own. read: (user) -> subjects.

    Where Dovecot ended itself over a new mdbox (see NO_CRASH), the mail that its LMTP was saving may be twice in that account, with a
    plugin or without one: it counts once there (1 in 2,500 users without a plugin).
    """
    once = set if any("Resource deadlock avoided" in line for line in server.log()) else list
    for row in account(server, "list"):
        assert row["state"] == "deleted" and row["needs"] == "", row
        users.append(server.user())
        account(server, "undelete", row["id"], "-t", users[-1].name)
    return Counter(subject for user in users for subject in once(read(user)))
