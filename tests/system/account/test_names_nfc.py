"""Names that are not in NFC, as a Mac writes them. Dovecot renames such a mailbox from 2.4.5 on, while it lists it."""

import json
import unicodedata

import pytest

from harness import wait_for
from harness.dovecot.imap import encode_utf7 as mutf7
from harness.dovecot.config import Mailbox, namespace_mode
from harness.dovecot.mail import message

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


def listed(user, *arguments):
    done = user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name, *(arguments or ("ALL",)))
    return sorted((row["origin"], row["subject"]) for row in json.loads(done.stdout))


def origins_of_status(user):
    done = user.server.doveadm("-f", "json", "lazy-expunge", "status", "-v", "-u", user.name)
    return sorted(row["origin"] for row in json.loads(done.stdout))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.since("2.4.5")
def test_an_origin_of_before_is_found_and_shown_by_its_name_of_now(pair, dovecot, mode):
    old, new = pair(**mode_fields(mode, dovecot))
    user = old.user()
    delete_one(user, NFD, "before")
    user = new.user(user.name)
    assert NFC in user.mailboxes()
    delete_one(user, NFC, "after")
    both = [(NFC, "after"), (NFC, "before")]
    assert listed(user) == listed(user, "-o", NFC, "ALL") == listed(user, "-o", NFD, "ALL") == listed(user, "-o", "Ü*", "ALL") == both
    assert origins_of_status(user) == [NFC]
    assert restore(user, "-n", "ALL") == restore(user) == [(NFC, NFC, 2)]
    assert [mail.subject for mail in user.messages(NFC)] == ["before", "after"] and user.kept() == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.since("2.4.5")
def test_with_both_spellings_mail_goes_back_to_the_mailbox_that_it_came_from(pair, dovecot, mode):
    old, new = pair(**mode_fields(mode, dovecot))
    user = old.user()
    for name, subject in ((NFD, "decomposed"), (NFC, "composed")):
        user.append(name, message(subject="stays " + subject), create=True)
        delete_one(user, name, subject)
        user.doveadm("lazy-expunge restore", "subject", "stays")
    assert sorted(origin for origin, _ in listed(user)) == sorted([NFD, NFC])
    user = new.user(user.name)
    [other] = [name for name in user.mailboxes() if name.startswith(NFC + "-")]
    assert sorted(restore(user)) == [(NFC, NFC, 1), (NFC, other, 1)]
    assert sorted(mail.subject for mail in user.messages(NFC)) == ["composed", "stays composed"]
    assert sorted(mail.subject for mail in user.messages(other)) == ["decomposed", "stays decomposed"]


STORAGE = unicodedata.normalize("NFD", ".Gelöscht")


def respell(user, old, new):
    """Give the mailbox's directory another spelling, as if another version had made it."""
    [found] = [path for path in user.mail_path.rglob("*") if path.is_dir() and path.name.endswith(mutf7(old))]
    found.rename(found.with_name(found.name.removesuffix(mutf7(old)) + mutf7(new)))
    for path in user.mail_path.glob("dovecot.list.index*"):
        path.unlink()


@pytest.mark.parametrize("first", ["list", "mailbox list", "LIST", "EXPUNGE"])
@pytest.mark.parametrize("name", [".Gelöscht", "Gelöscht"])
@pytest.mark.since("2.4.5")
def test_a_storage_in_another_spelling_is_the_same_storage(dovecot, first, name):
    user = dovecot(lazy=dict(mailbox=unicodedata.normalize("NFD", name), hidden=True, protect=True, only_last_instance=False)).user()
    delete_one(user, "INBOX", "before")
    assert [found for found in user.mailboxes() if "Gel" in found] == [name]
    respell(user, "Gelöscht", unicodedata.normalize("NFD", "Gelöscht"))
    if first == "list":
        assert listed(user) == [("INBOX", "before")]
    elif first == "mailbox list":
        assert name in user.mailboxes()
    elif first == "LIST":
        with user.imap() as session:
            assert not [found for found in session.list() if "Gel" in found]
    user.append("INBOX", message(subject="after"))
    with user.imap("INBOX") as session:
        session.delete()
    assert listed(user) == [("INBOX", "after"), ("INBOX", "before")]
    assert [found for found in user.mailboxes() if "Gel" in found] == [name]
    assert sum(row[2] for row in restore(user)) == 2


@pytest.mark.since("2.4")
@pytest.mark.until("2.4.5")
def test_from_2_4_1_to_2_4_5_and_back(dovecot, request):
    """One mail store, and a configuration whose names are not normalized: the storage, its retention, an exclude, a mailbox."""
    later = [target for target in request.config.dovecot_targets if target.version >= NORMALIZES]
    if not later:
        pytest.skip("needs a Dovecot 2.4.5 beside this one")
    name, excluded = "Eltern/" + NFD, unicodedata.normalize("NFD", "Fürs Altpapier")

    def fields(retention):
        return dict(lazy=dict(mailbox=STORAGE, hidden=True, protect=True, exclude=[excluded], only_last_instance=False),
                    mailboxes=(Mailbox(STORAGE, autoexpunge=retention),))

    def storages(user):
        return [name for name in user.mailboxes() if "Gel" in name]

    old = dovecot.own(**fields("7 days"))
    user = old.user()
    delete_one(user, name, "one")
    delete_one(user, excluded, "not kept")
    assert storages(user) == [STORAGE]
    old.halt()
    new = dovecot.own(mail_root=old.mail_root, target=later[0], **fields("7 days"))
    user = new.user(user.name)
    assert listed(user) == [("Eltern/" + NFC, "one")] and "Eltern/" + NFC in user.mailboxes()
    delete_one(user, "Eltern/" + NFC, "two")
    delete_one(user, excluded, "not kept")
    new.doveadm("lazy-expunge", "maintain", "-u", user.name)
    assert listed(user) == [("Eltern/" + NFC, "one"), ("Eltern/" + NFC, "two")]
    assert storages(user) == [unicodedata.normalize("NFC", STORAGE)]
    new.halt()
    old.restart()
    user = old.user(user.name)
    assert sorted(subject for _, subject in listed(user)) == ["one", "two"]
    assert storages(user) == [STORAGE]
    delete_one(user, "Eltern/" + NFC, "three")
    assert {row[1] for row in restore(user, "-n", "ALL")} == {"Eltern/" + NFC}
    old.halt()
    short = dovecot.own(mail_root=old.mail_root, target=later[0], **fields("1s"))
    user = short.user(user.name)
    wait_for(lambda: short.doveadm("lazy-expunge", "maintain", "-u", user.name) and listed(user) == [], "retention to remove all")
