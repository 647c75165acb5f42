"""Accounts that are deleted, brought back, renamed and made anew at random while clients work: each accepted mail is in exactly one.

The steps come from a seed, which is printed; --seed repeats them (not their timing), --seconds goes on longer.
"""

import random
import time
from collections import Counter

import pytest

from harness.dovecot.accounts import two_parts
from harness.faults.account_chaos import NO_CRASH, Client, all_subjects, end_open_steps, one_step


def done(steps):
    return sum(number for step, number in steps.items() if "refused" not in step)


@pytest.mark.parametrize("separate", [False, True], ids=["one-part", "two-parts"])
def test_each_accepted_mail_is_in_exactly_one_account(dovecot, request, seconds, separate):
    seed = request.config.getoption("seed") or str(random.SystemRandom().randrange(10 ** 9))
    print(f"--seed {seed}")
    fields = two_parts(dovecot) if separate else {}
    server = dovecot.own(**fields)
    server.allow_log(NO_CRASH)
    users = [server.user() for _ in range(3)]
    clients = [Client(users, who, seed) for who in ("lmtp", "imap")]
    for client in clients:
        client.start()
    choice, end, steps = random.Random(seed), time.monotonic() + 3 * seconds, Counter()
    try:
        # a delete is refused, too, as long as nothing came to the account
        while time.monotonic() < end or not done(steps) and time.monotonic() < end + 60:
            steps[one_step(server, users, choice, not done(steps))] += 1
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
    assert certain and done(steps) > 0
