"""Origins and users' keywords go wherever dsync takes a mail: to every format, to every version, there and back."""

import pytest

from harness import name
from harness.dovecot.config import FORMATS
from harness.dovecot.mail import message

# 2.3 counts 50 bytes for a keyword at most (mail_max_keyword_length), and the first 16 origins are keywords.
LONGEST_KEYWORD = "k" * 50
LONG = "Projects/A very long name of a customer, with more than fifty characters in it/Ünï 2026"
NAMES = ("INBOX", "Foo", "foo", "Work/Äpfel & Birnen", "x" * 35, "y" * 36, "ÜÜÜ " * 12 + "end", "Z" * 230, LONG)
MANY = tuple(f"Folder {number}" for number in range(20))
FLAGS = "\\Seen \\Flagged own $Label1 " + LONGEST_KEYWORD


def message_of(mailbox):
    return message(subject="from " + mailbox.encode("ascii", "replace").decode()[:60], body=mailbox + "\n")


def delete_from(user, mailboxes, flags=FLAGS):
    """A mail deleted from each, with keywords of the user's own."""
    with user.imap() as session:
        for mailbox in mailboxes:
            session(f"CREATE {name(mailbox)}")
            session.append(mailbox, message_of(mailbox), flags, "01-Jan-2021 00:00:00 +0000")
            session.select(mailbox)
            session.delete()


def facts(user):
    """What each kept mail must bring along. 2.4.5 adds keywords of its own to mail that is saved or first read."""
    return sorted((mail.guid, mail.origin, sorted(mail.flags - {"\\Recent"}), sorted(mail.keywords - {"$HasAttachment", "$HasNoAttachment"}),
                   mail.received, mail.saved, mail.text.replace("\r\n", "\n")) for mail in user.kept())


def origins(rows):
    return sorted(row[1] for row in rows)


def others(dovecot, request, form):
    """A server of each version that is tested, on this format: another one than the test's own."""
    return [dovecot(target=target, format=form, raw="# the other side\n") for target in request.config.dovecot_targets]


@pytest.mark.parametrize("there_format", FORMATS)
def test_a_backup_brings_origins_and_keywords_to_every_format_and_version(dovecot, request, there_format):
    user = dovecot().user()
    delete_from(user, [*MANY, *NAMES])
    before = facts(user)
    assert origins(before) == sorted([*MANY, *NAMES])
    assert all({"own", "$Label1", LONGEST_KEYWORD} <= set(row[3]) for row in before)
    for other in others(dovecot, request, there_format):
        there = user.sync(other, command="backup")
        assert facts(there) == before, other.target
        # once more, there is nothing to do
        user.sync(other, command="backup")
        assert facts(there) == before, other.target


@pytest.mark.parametrize("there_format", FORMATS)
def test_replicas_of_every_format_and_version_agree(dovecot, request, there_format):
    for other in others(dovecot, request, there_format):
        user = dovecot().user()
        delete_from(user, [*MANY, LONG])
        there = user.sync(other)
        delete_from(there, ["There", "there", "There/" + LONG, "INBOX"])
        for _ in range(2):
            user.sync(other)
            here = facts(user)
            assert origins(here) == sorted([*MANY, LONG, "There", "there", "There/" + LONG, "INBOX"]), other.target
            assert all({"own", "$Label1", LONGEST_KEYWORD} <= set(row[3]) for row in here)
            assert facts(there) == here, other.target


@pytest.mark.parametrize("there_format", FORMATS)
def test_what_was_carried_along_goes_back_to_where_it_was(dovecot, request, there_format):
    """There, and from there to here again, into an account that had nothing; then it is restored."""
    for other in others(dovecot, request, there_format):
        user = dovecot().user()
        delete_from(user, [*MANY[:17], LONG])
        before = facts(user)
        there = user.sync(other, command="backup")
        home = dovecot.own()
        back = there.sync(home, command="backup")
        assert facts(back) == before, other.target
        back.doveadm("lazy-expunge restore", "ALL")
        assert back.kept() == []
        for mailbox in [*MANY[:17], LONG]:
            [mail] = back.messages(mailbox)
            assert mail.origins == () and mail.keywords >= {"own", "$Label1", LONGEST_KEYWORD}


@pytest.mark.parametrize("there_format", FORMATS)
def test_within_one_process_to_another_location(dovecot, there_format):
    """doveadm backup to a location copies from mailbox to mailbox; and from there back to an empty account."""
    server = dovecot()
    user = server.user()
    delete_from(user, [*MANY, *NAMES])
    before = [row[:5] + row[6:] for row in facts(user)]
    place = f"{there_format}:{user.home}/copy"
    for _ in range(2):
        user.doveadm("backup", place)
    back = server.user()
    back.doveadm("backup", "-R", place)
    assert [row[:5] + row[6:] for row in facts(back)] == before
    # deleted here, and synced both ways
    delete_from(user, ["Another", "Another/" + LONG])
    for _ in range(2):
        user.doveadm("sync", place)
    assert origins(facts(user)) == sorted([*MANY, *NAMES, "Another", "Another/" + LONG])
    again = server.user()
    again.doveadm("backup", "-R", place)
    assert [row[:5] + row[6:] for row in facts(again)] == [row[:5] + row[6:] for row in facts(user)]


@pytest.mark.parametrize("there_format", FORMATS)
def test_over_a_remote_command(dovecot, there_format):
    """doveadm backup to another doveadm, and from it into an empty account."""
    server = dovecot()
    user = server.user()
    delete_from(user, [*MANY, *NAMES])
    before = facts(user)
    place = ["-o", f"mail_driver={there_format}", "-o", f"mail_path={user.home}/copy"] if dovecot.target.new_settings else \
        ["-o", f"mail_location={there_format}:{user.home}/copy"]
    for command, flags, one in (("backup", [], user), ("sync", [], user), ("backup", ["-R"], server.user())):
        one.doveadm(command, *flags, "doveadm", "-c", server.conf, *place, "dsync-server", "-u", user.name)
        assert facts(one) == before, command


# Mail that was kept before there were numbers: its origin is a keyword, of any length.

def keyword(mailbox, exact=False):
    """As the first version wrote it; exact: where another name differs in case."""
    escaped = lambda byte: byte <= 0x20 or byte >= 0x7f or byte in b'(){ %*"\\]=' or (exact and chr(byte).isalpha())
    return "$Expunged-From:" + "".join(f"={byte:02X}" if escaped(byte) else chr(byte) for byte in mailbox.encode())


def kept_before(dovecot):
    """A user in whose storage mail lies as the first version and the shipped plugin have left it."""
    old = dovecot.own(plugin="none", lazy=dict.fromkeys(("mailbox", "only_last_instance")), raw="mail_max_keyword_length = 500\n")
    user = old.user()
    with user.imap() as session:
        session("CREATE EXPUNGED")
        for mailbox in ("INBOX", "Foo", LONG, *MANY):
            session.append("EXPUNGED", message_of(mailbox), f"{FLAGS} {keyword(mailbox)}")
        session.append("EXPUNGED", message_of("foo"), f"{FLAGS} {keyword('foo', exact=True)}")
        session.append("EXPUNGED", message_of("nowhere"), FLAGS)
    new = dovecot.own(mail_root=old.mail_root, lazy={"mailbox": "EXPUNGED"})
    return new.user(user.name)


BEFORE = sorted(["INBOX", "Foo", "foo", LONG, *MANY])


def test_what_the_first_version_kept_is_read_and_restored(dovecot):
    user = kept_before(dovecot)
    kept = user.kept()
    assert sorted(mail.origin for mail in kept if mail.origin is not None) == BEFORE and len(kept) == len(BEFORE) + 1
    user.append("New", create=True)
    with user.imap("New") as session:
        session.delete()
    user.doveadm("force-resync", "EXPUNGED")
    assert sorted(mail.origin for mail in user.kept() if mail.origin is not None) == sorted([*BEFORE, "New"])
    user.doveadm("lazy-expunge restore", "-o", LONG, "ALL")
    [back] = user.messages(LONG)
    assert back.origins == () and back.keywords >= {"own", "$Label1", LONGEST_KEYWORD}


@pytest.mark.parametrize("command", ["backup", "sync"])
def test_what_the_first_version_kept_goes_along_with_dsync(dovecot, request, command):
    for target in request.config.dovecot_targets:
        user = kept_before(dovecot)
        other = dovecot(target=target, lazy={"mailbox": "EXPUNGED"})
        there = user.sync(other, command=command)
        for one in (user, there):
            kept = one.kept()
            assert sorted(mail.origin for mail in kept if mail.origin is not None) == BEFORE, target
            assert len(kept) == len(BEFORE) + 1
            assert all(mail.keywords >= {"own", "$Label1", LONGEST_KEYWORD} for mail in kept)
        if command == "sync":
            with there.imap("EXPUNGED") as session:
                session.ok("UID STORE 1:* +FLAGS (later)")
            user.sync(other)
            assert sorted(mail.origin for mail in user.kept() if mail.origin is not None) == BEFORE
            assert all("later" in mail.keywords for mail in user.kept())
