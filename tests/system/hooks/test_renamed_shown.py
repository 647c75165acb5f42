"""Users' sessions are told the name now of a mailbox that was renamed since its mail was kept, by a keyword that is nowhere stored."""

import re

import pytest

from harness import message, name
from harness.dovecot.config import namespace_mode

NOW = "$Expunged-Now:"

# What 2.4.5 sets when mail is saved.
OF_DOVECOT = {"$HasAttachment", "$HasNoAttachment"}


def start(dovecot, mode="mailbox", **fields):
    return dovecot(**(fields if mode == "mailbox" else dict(fields, **namespace_mode(dovecot.format, only_last_instance=False)))).user()


def keep(user, mailbox, subject="one", flags=""):
    user.append(mailbox, message(subject=subject), flags=flags, create=mailbox not in user.mailboxes())
    user.doveadm("expunge", "mailbox", mailbox, "all")


def shown(user, storage=".EXPUNGED"):
    """For each mail of a mailbox of the storage, what the user is told: the name now, None without."""
    with user.imap(storage) as session:
        lines = session.ok("FETCH 1:* (FLAGS)").lines("FETCH")
    found = [re.search(re.escape(NOW) + r"([^ )]+)", line) for line in lines]
    return [match and re.sub("=([0-9A-F]{2})", lambda hex: chr(int(hex.group(1), 16)), match.group(1)) for match in found]


@pytest.mark.parametrize("mode", ("mailbox", "namespace"))
def test_the_name_now_is_told(dovecot, mode):
    user = start(dovecot, mode)
    storage = user.server.config.storage
    below = "" if mode == "mailbox" else "Work"
    keep(user, "Work")
    assert shown(user, storage + below) == [None]
    with user.imap() as session:
        session.ok("RENAME Work Middle")
        session.ok(f"RENAME Middle {name('Archive/The end')}")
    assert shown(user, storage + below) == ["Archive/The end"]
    # a mailbox of the name is the one that is meant
    user.doveadm("mailbox create", "Work")
    assert shown(user, storage + below) == [None]


def test_it_is_nowhere_stored(dovecot):
    user = start(dovecot)
    keep(user, "Work", flags="\\Seen word")
    user.doveadm("mailbox rename", "Work", "Archive")
    with user.imap(".EXPUNGED") as session:
        assert NOW + "Archive" in session.ok("FETCH 1 (FLAGS)").lines("FETCH")[0]
        # a program that sends back all flags that it was shown, and one that sets what it likes
        session.ok(f"STORE 1 FLAGS (\\Seen word $Expunged-From:Work {NOW}Archive)")
        session.ok(f"STORE 1 +FLAGS ({NOW}Elsewhere)")
        assert session.ok("FETCH 1 (FLAGS)").lines("FETCH")[0].count(NOW) == 1
    [mail] = user.kept()
    assert mail.origin == "Work" and mail.keywords - OF_DOVECOT == {"word"}
    with user.imap(".EXPUNGED") as session:
        session.ok("FETCH 1 (FLAGS)")
        session.ok("COPY 1 Archive")
        session.ok("FETCH 1 (FLAGS)")
        session.ok("MOVE 1 INBOX")
    for mailbox in ("Archive", "INBOX"):
        [mail] = user.messages(mailbox)
        assert mail.keywords - OF_DOVECOT == {"word"} and mail.origins == ()


def test_a_replica_does_not_get_it(dovecot):
    server, other = dovecot.own(), dovecot.own()
    user = server.user()
    keep(user, "Work")
    user.doveadm("mailbox rename", "Work", "Archive")
    assert shown(user) == ["Archive"]
    [mail] = user.sync(other).kept()
    assert mail.origin == "Work" and mail.keywords - OF_DOVECOT == set()


@pytest.mark.any_format
def test_one_name_for_two_mailboxes_in_turn(dovecot):
    """Each mail is told where its own mailbox is, in the case that its name has."""
    user = start(dovecot)
    keep(user, "Work", "first")
    user.doveadm("mailbox rename", "Work", "foo")
    path = user.home / ".dovecot.lazy-expunge.renames"
    [mail] = user.kept()
    # as if it had been a minute ago
    line = path.read_text().rstrip("\n").split("\t")
    path.write_text("\t".join([str(mail.saved), *line[1:]]) + "\n")
    from harness import wait_for
    import time
    wait_for(lambda: time.time() > mail.saved + 1, "the next deletion to be later than the rename")
    keep(user, "Work", "second")
    user.doveadm("mailbox rename", "Work", "Foo")
    assert shown(user) == ["foo", "Foo"]


@pytest.mark.any_format
def test_what_is_gone_and_what_must_not_be_restored_to(dovecot):
    user = start(dovecot)
    keep(user, "Gone")
    user.doveadm("mailbox rename", "Gone", "Away")
    user.doveadm("mailbox delete", "Away")
    assert shown(user) == ["Away"], "as for doveadm, it is its last name"
    keep(user, "Thrown")
    user.doveadm("mailbox rename", "Thrown", "Trash/Thrown")
    assert shown(user) == ["Away", None]


@pytest.mark.any_format
def test_what_an_administrator_took_out_of_sight_is_not_named(dovecot):
    user = start(dovecot, acl=(("Hidden*", (("owner", ""),)),))
    keep(user, "Work")
    keep(user, "Other")
    user.doveadm("mailbox rename", "Work", "Hidden things")
    user.doveadm("mailbox rename", "Other", "Seen")
    assert shown(user) == [None, "Seen"]
