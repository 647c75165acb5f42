"""Sessions that delete the copies of the same mails at the same time, in every way in which that is done."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.dovecot.instances import copies

LAST = {"mailbox": "EXPUNGED", "only_last_instance": True}


def mark(session):
    session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")


def expunge(user, box, begin):
    with user.imap(box) as session:
        mark(session)
        begin()
        session.ok("EXPUNGE")


def close(user, box, begin):
    with user.imap(box) as session:
        mark(session)
        begin()
        session.ok("CLOSE")


def copy_and_expunge(user, box, begin):
    with user.imap(box) as session:
        begin()
        session("UID COPY 1:* Copied")
        session.delete()


def move(user, box, begin):
    with user.imap(box) as session:
        begin()
        # NO when another session has taken the mails
        session("UID MOVE 1:* Moved")


def by_way_of_trash(user, box, begin):
    """As clients do that know no MOVE; then Trash is emptied."""
    with user.imap(box) as session:
        begin()
        session("UID COPY 1:* Trash")
        session.delete()
        session.select("Trash")
        session.delete()


def all_through_a_virtual_mailbox(user, box, begin):
    with user.imap("Virtual/All") as session:
        mark(session)
        begin()
        # NO when a mailbox behind it failed
        session("EXPUNGE")


def all_by_doveadm(user, box, begin):
    begin()
    assert user.doveadm("expunge", "(", "mailbox", "INBOX", "or", "mailbox", "Box*", ")", "all", check=False).code in (0, 75)


WAYS = (expunge, close, copy_and_expunge, move, by_way_of_trash, all_through_a_virtual_mailbox, all_by_doveadm)
# What deletes more than the copies in one mailbox.
OF_ALL = (all_through_a_virtual_mailbox, all_by_doveadm)
PAIRS = tuple(itertools.combinations_with_replacement(WAYS, 2))
FOURS = tuple(itertools.combinations(WAYS, 4))
# All, and one of them twice.
EIGHTS = tuple(WAYS + (way,) for way in WAYS)


def names(ways):
    return "+".join(way.__name__ for way in ways)


def run_together(user, ways, mails, each):
    """One session for each way, each in a mailbox of its own that has each mail so often. Returns the GUIDs of the mails."""
    boxes = ["INBOX"] + [f"Box{number}" for number in range(1, len(ways))]
    guids = copies(user, mails, *boxes[1:] * each, *["INBOX"] * (each - 1))
    with user.imap() as session:
        for box in ("Copied", "Moved", "Trash"):
            session(f"CREATE {box}")
    user.make_virtual("All", "INBOX\nBox*\n  all\n")
    barrier = threading.Barrier(len(ways), timeout=60)
    with ThreadPoolExecutor(len(ways)) as sessions:
        running = [sessions.submit(way, user, box, barrier.wait) for way, box in zip(ways, boxes)]
        for one in running:
            one.result()
    return guids


def check(user, ways, guids):
    """Each mail is there; and in the storage once, unless it is live."""
    user.server.settle()
    live = {mail.guid for mail in user.messages("*", ("not", "mailbox", LAST["mailbox"]))}
    kept = [mail.guid for mail in user.kept()]
    assert sorted(live | set(kept)) == guids, f"lost: {names(ways)}"
    assert len(kept) == len(set(kept)), f"kept twice: {names(ways)}"
    if not set(ways) & set(OF_ALL):
        assert not live & set(kept), f"kept although it is live: {names(ways)}"
    if not set(ways) & {copy_and_expunge, move}:
        assert sorted(kept) == guids, f"not kept: {names(ways)}"


@pytest.mark.parametrize("together", [PAIRS, FOURS, EIGHTS], ids=["2", "4", "8"])
def test_sessions_that_delete_the_copies_together(dovecot, together):
    server = dovecot.own(lazy=LAST, virtual=True)
    for ways in together:
        user = server.user()
        check(user, ways, run_together(user, ways, mails=3, each=1))


@pytest.mark.parametrize("ways", [(expunge, expunge), (close, expunge, move, by_way_of_trash), WAYS + (expunge,)], ids=["2", "4", "8"])
def test_sessions_that_delete_more_than_a_batch_together(dovecot, ways):
    """1,200 mails in each mailbox, all of them twice: an EXPUNGE is several transactions."""
    user = dovecot.own(lazy=LAST, virtual=True).user()
    check(user, ways, run_together(user, ways, mails=600, each=2))
