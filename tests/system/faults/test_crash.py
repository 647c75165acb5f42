"""A delete that is killed, or fails, at each of its system calls: the mail is in its mailbox or in the storage."""

import pytest

from harness.faults import crash

LAST = {"mailbox": "EXPUNGED", "only_last_instance": True}


@pytest.fixture
def faults(request):
    return crash.FAULTS if request.config.getoption("every_fault") else (crash.KILL, "ENOSPC")


def check(dovecot, way, warm, faults):
    outcomes = crash.at_each_step(dovecot.own(lazy=LAST, fsync="optimized"), way, warm, faults)
    print(crash.HEADING, *(outcome.row() for outcome in outcomes), sep="\n")
    assert not [text for outcome in outcomes for text in outcome.lost]
    assert all(outcome.tries >= 5 for outcome in outcomes), "strace injects no faults"


def test_a_delete_loses_nothing_at_any_step(dovecot, faults):
    check(dovecot, "expunge", True, faults)


def test_a_move_loses_nothing_at_any_step(dovecot, faults):
    check(dovecot, "move", True, faults)


def test_a_delete_of_one_of_two_copies_loses_nothing_at_any_step(dovecot):
    check(dovecot, "pass", True, (crash.KILL,))


def test_the_first_delete_of_an_account_loses_nothing_at_any_step(dovecot, faults):
    check(dovecot, "expunge", False, (crash.KILL,) if faults != crash.FAULTS else faults)
