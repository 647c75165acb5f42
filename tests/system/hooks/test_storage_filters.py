"""2.4: what the filters of a storage's mailbox or namespace say of it holds for that storage."""

import pytest

from harness.dovecot.config import Mailbox, Quota, namespace_mode, settings
from harness.dovecot.mail import message

pytestmark = pytest.mark.since("2.4")
ON = dict(hidden=True, protect=True)
OFF = dict(hidden=False, protect=False)


def filtered(dovecot, mode, outside, inside, **more):
    """A user of a server with these settings at top level, and those in the filter of the storage; the name of a kept mail's mailbox."""
    if mode == "mailbox":
        fields = dict(lazy=outside, mailboxes=(Mailbox("Trash", auto="create", special_use="\\Trash"), Mailbox(".EXPUNGED", lazy=settings(**inside))))
        storage = ".EXPUNGED"
    else:
        fields = namespace_mode(dovecot.format, **outside)
        [namespace] = fields["namespaces"]
        text = "".join(f"lazy_expunge_{key} = {'yes' if value else 'no'}\n" for key, value in inside.items())
        fields["namespaces"] = (type(namespace)(**dict(vars(namespace), raw24=text, list="yes", hidden=False)),)
        storage = ".EXPUNGED/INBOX"
    user = dovecot(**fields, **more).user()
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        session.delete("1:2")
    assert len(user.kept()) == 2
    return user, storage


def is_listed(user):
    with user.imap() as session:
        return any("EXPUNGED" in name for name in session.list())


def is_deleted_for_good(user, storage):
    before = len(user.kept())
    with user.imap(storage) as session:
        session("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
        session("EXPUNGE")
    return len(user.kept()) < before


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
@pytest.mark.parametrize("outside,inside,expected", [(OFF, ON, True), (ON, OFF, False), (OFF, OFF, False), (ON, {}, True)],
                         ids=["turned-on", "turned-off", "off", "on"])
def test_hidden_and_protect(dovecot, mode, outside, inside, expected):
    user, storage = filtered(dovecot, mode, outside, inside)
    assert is_listed(user) == (not expected)
    with user.imap("INBOX") as session:
        assert session("APPEND " + storage + " {}", message()).ok == (not expected)
    assert is_deleted_for_good(user, storage) == (not expected)


def test_one_of_two(dovecot):
    """Each storage by its own."""
    boxes = (Mailbox("Work", lazy=settings(mailbox="Gone")), Mailbox("Gone", lazy=settings(**ON)), Mailbox(".EXPUNGED", lazy=settings(**OFF)))
    user = dovecot(mailboxes=boxes).user()
    user.fill("Work", 2, create=True)
    user.fill("INBOX", 2)
    for name in ("Work", "INBOX"):
        with user.imap(name) as session:
            session.delete()
    with user.imap() as session:
        assert "Gone" not in session.list() and ".EXPUNGED" in session.list()
    for name, left in (("Gone", 2), (".EXPUNGED", 0)):
        with user.imap(name) as session:
            session("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
            session("EXPUNGE")
        assert len(user.messages(name)) == left


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
@pytest.mark.parametrize("outside,inside", [(True, False), (False, True)])
def test_quota_ignore(dovecot, mode, outside, inside):
    user, _ = filtered(dovecot, mode, dict(quota_ignore=outside), dict(quota_ignore=inside), quota=Quota(messages=100))
    user.doveadm("quota recalc")
    lines = user.doveadm("quota get").stdout.decode().splitlines()
    [count] = [line for line in lines if "MESSAGE" in line]
    assert count.split()[count.split().index("MESSAGE") + 1] == ("1" if inside else "3"), lines
