"""Accounts that are deleted, brought back, renamed and made anew at random while clients work: each accepted mail is in exactly one.

The steps come from a seed, which is printed; --seed repeats them (not their timing), --seconds goes on longer.
"""

import random
import shlex
import threading
import time
from collections import Counter

import pytest

from harness.dovecot.accounts import account
from harness.dovecot.mail import message
from harness.faults.crash import ENDED

# What sessions say that an account is taken from; that somebody is refused is as it should be.
NO_CRASH = r"^(?!.*(Panic|Assert|assert|signal 11|signal 6))"


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


def one_step(server, users, choice, first):
    """What an administrator does next, first a delete, which nothing refuses; what is refused is no matter."""
    deleted = [row for row in account(server, "list") if row["state"] == "deleted"]
    kind = "delete" if first else choice.choice(("delete", "undelete", "undelete", "rename"))
    if kind == "delete":
        words = ["delete", "-u", choice.choice(users).name]
    elif kind == "undelete" and deleted:
        words = ["undelete", choice.choice(deleted)["id"], "-t", choice.choice(users).name]
    else:
        old, new = choice.sample(users, 2)
        words = ["rename", "-u", old.name, new.name]
    done = server.doveadm("lazy-expunge", "account", *words, check=False)
    assert done.code in (0, 65, 68, 75), str(done)
    return words[0] if done.code == 0 else f"{words[0]} refused"


def end_open_steps(server, users):
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


def all_subjects(server, users):
    """Of all accounts, those among the deleted brought to users of their own."""
    for row in account(server, "list"):
        assert row["state"] == "deleted" and row["needs"] == "", row
        users.append(server.user())
        account(server, "undelete", row["id"], "-t", users[-1].name)
    return Counter(mail.subject for user in users for mail in user.messages("INBOX"))


@pytest.mark.parametrize("separate", [False, True], ids=["one-part", "two-parts"])
def test_each_accepted_mail_is_in_exactly_one_account(dovecot, request, seconds, separate):
    seed = request.config.getoption("seed") or str(random.SystemRandom().randrange(10 ** 9))
    print(f"--seed {seed}")
    index = "%{user}" if dovecot.target.new_settings else "%u"
    fields = dict(raw23=f"mail_location = {dovecot.format}:~/mail:INDEX=@MAIL@/index/{index}\n",
                  raw24=f"mail_path = ~/mail\nmail_index_path = @MAIL@/index/{index}\n") if separate else {}
    server = dovecot.own(**fields)
    server.allow_log(NO_CRASH)
    users = [server.user() for _ in range(3)]
    clients = [Client(users, who, seed) for who in ("lmtp", "imap")]
    for client in clients:
        client.start()
    choice, end, steps = random.Random(seed), time.monotonic() + 3 * seconds, Counter()
    try:
        while time.monotonic() < end:
            steps[one_step(server, users, choice, not steps)] += 1
    finally:
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join()
    server.settle()
    end_open_steps(server, users)
    found = all_subjects(server, users)
    certain = [subject for client in clients for subject in client.certain]
    print(f"{len(certain)} mails accepted, {sum(len(client.perhaps) for client in clients)} refused; {dict(steps)}")
    assert [subject for subject in certain if found[subject] != 1] == []
    assert all(number == 1 for number in found.values())
    assert certain and sum(number for step, number in steps.items() if "refused" not in step) > 0
