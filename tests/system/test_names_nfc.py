"""Names that are not in NFC, as a Mac writes them. Dovecot renames such a mailbox from 2.4.5 on, while it lists it."""

import json
import unicodedata

import pytest

from harness.config import namespace_mode
from harness.mail import message

NFC = "Übung"
NFD = unicodedata.normalize("NFD", NFC)
assert NFC != NFD and len(NFD) == 6
MODES = ("mailbox", "namespace")
NORMALIZES = (2, 4, 5)


def mode_fields(mode, dovecot):
    return {} if mode == "mailbox" else namespace_mode(dovecot.format, only_last_instance=False)


@pytest.fixture
def pair(dovecot):
    """Two servers of one mail store: the first leaves names as they are, as every Dovecot did before 2.4.2."""
    def start(**fields):
        raw = fields.pop("raw24", "")
        new = dovecot.own(raw24=raw, **fields)
        if dovecot.version < NORMALIZES:
            return new, new
        old = dovecot.own(raw24=raw + "\nmailbox_list_normalize_names_to_nfc = no", mail_root=new.mail_root, **fields)
        return old, new
    return start


def shown(dovecot, name):
    """A name as this version shows it."""
    return unicodedata.normalize("NFC", name) if dovecot.version >= NORMALIZES else name


def delete_one(user, mailbox, subject="one"):
    user.append(mailbox, message(subject=subject), create=True)
    user.doveadm("expunge", "mailbox", mailbox, "all")


def restore(user, *arguments):
    done = user.server.doveadm("-f", "json", "lazy-expunge", "restore", "-u", user.name, *(arguments or ("ALL",)))
    rows = json.loads(done.stdout)
    assert all(row["failed"] == 0 for row in rows), rows
    return sorted((row["origin"], row["target"], row["restored"]) for row in rows)


FIRST = ("LIST", "SELECT", "STATUS", "mailbox list", "expunge", "delete", "restore -n")


def act(user, first, name):
    if first == "LIST":
        with user.imap() as session:
            session.list()
    elif first == "SELECT":
        with user.imap(name) as session:
            assert session.search() == [2]
    elif first == "STATUS":
        with user.imap() as session:
            assert session.status(name, "MESSAGES") == {"MESSAGES": 1}
    elif first == "mailbox list":
        user.mailboxes()
    elif first == "expunge":
        user.doveadm("expunge", "mailbox", "Eltern/*", "all")
    elif first == "delete":
        user.doveadm("mailbox delete", name)
    else:
        assert [row[2] for row in restore(user, "-n", "ALL")] == [1]


@pytest.mark.parametrize("mode", MODES)
def test_whatever_comes_first_nothing_dies(dovecot, pair, mode):
    """Dovecot renames the mailbox within each of these, and our hook runs within that."""
    old, new = pair(**mode_fields(mode, dovecot))
    name = "Eltern/" + NFD
    for first in FIRST:
        user = old.user()
        delete_one(user, name)
        user.append(name, message(subject="stays"))
        user.append(NFD, message(subject="above"), create=True)
        user = new.user(user.name)
        act(user, first, name)
        assert shown(dovecot, NFD) in user.mailboxes(), first
        kept = {"expunge": 2, "delete": 2}.get(first, 1)
        assert sum(row[2] for row in restore(user)) == kept, first
        assert sorted(mail.subject for mail in user.messages(shown(dovecot, name))) == ["one", "stays"], first
        assert [mail.subject for mail in user.messages(shown(dovecot, NFD))] == ["above"], first
        assert user.kept() == [], first
