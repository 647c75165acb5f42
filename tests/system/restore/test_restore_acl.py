"""doveadm lazy-expunge restore puts mail where the user might put it, and believes what can be true. -I asks for no rights."""

import json

import pytest

from harness.dovecot.config import Mailbox, Namespace
from harness.dovecot.mail import message

FULL = ("lookup", "read", "write", "write-seen", "write-deleted", "insert", "expunge", "create")


def restore(user, *arguments):
    """The exit status, and how many mails were restored and failed; the plan is the same."""
    results = []
    for options in (["-n"], []):
        done = user.server.doveadm("-f", "json", "lazy-expunge", "restore", "-u", user.name, *options, *arguments, "ALL", check=False)
        rows = json.loads(done.stdout or "[]")
        results.append((done.code, [row["restored"] for row in rows], [row["failed"] for row in rows]))
    assert results[0][1:] == results[1][1:] and (results[0][0] == 0) == (results[1][0] == 0), results
    return results[1]


def keep(user, subject="mail", origin=None):
    """One kept mail; origin: what the user writes on it himself."""
    user.doveadm("save", input=message(subject=subject))
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    if origin:
        user.doveadm("expunge", "mailbox", ".EXPUNGED", "all")
        user.append(".EXPUNGED", message(subject=subject), f"$Expunged-From:{origin}")
        assert [mail.origin for mail in user.kept()] == [origin]


def subjects(user, mailbox="INBOX"):
    return [mail.subject for mail in user.messages(mailbox)]


@pytest.fixture
def pair(dovecot):
    """Two users, each with a shared mailbox root."""
    server = dovecot(shared=True)
    return server.user(), server.user()


def test_an_origin_in_another_account_is_not_believed(pair):
    user, other = pair
    other.append("INBOX", message(subject="own"))
    keep(user, origin=f"shared/{other}/INBOX")
    code, restored, failed = restore(user)
    assert (code, restored, failed) == (77, [0], [1])
    assert subjects(other) == ["own"] and len(user.kept()) == 1
    # nor where the user might put mail: what is deleted there is kept in the other account
    other.doveadm("acl set", "INBOX", f"user={user}", *FULL)
    assert restore(user)[0] == 77 and subjects(other) == ["own"]
    assert restore(user, "-t", f"shared/{other}/INBOX") == (0, [1], [0])
    assert sorted(subjects(other)) == ["mail", "own"] and user.kept() == []


def test_a_target_in_another_account_needs_the_rights(pair):
    user, other = pair
    other.append("INBOX", message(subject="own"))
    other.append("Common", message(subject="own"), create=True)
    keep(user)
    for target in ("INBOX", "Common", "New", "Common/New"):
        assert restore(user, "-t", f"shared/{other}/{target}")[0] != 0
    # reading alone is not enough
    other.doveadm("acl set", "Common", f"user={user}", "lookup", "read")
    assert restore(user, "-t", f"shared/{other}/Common")[0] == 77
    assert sorted(other.mailboxes()) == ["Common", "INBOX", "Trash"] and len(user.kept()) == 1
    assert subjects(other) == subjects(other, "Common") == ["own"]
    other.doveadm("acl set", "Common", f"user={user}", *FULL)
    assert restore(user, "-t", f"shared/{other}/Common") == (0, [1], [0])
    assert sorted(subjects(other, "Common")) == ["mail", "own"]


def test_with_the_option_no_rights_are_asked_for(pair):
    user, other = pair
    other.append("INBOX", message(subject="own"))
    keep(user, "first", f"shared/{other}/INBOX")
    assert restore(user, "-I") == (0, [1], [0])
    assert sorted(subjects(other)) == ["first", "own"]
    keep(user, "second")
    assert restore(user, "-I", "-t", f"shared/{other}/New") == (0, [1], [0])
    assert subjects(other, "New") == ["second"]


def test_public_mailboxes_take_mail_of_who_may_write_there(dovecot):
    rights = {"Mine": (("anyone", "lrwstipekx"),), "News": (("anyone", "lr"),)}
    # 2.4 has them in the blocks of the namespace, 2.3 in a file
    public = Namespace("public", "Public/", format=dovecot.format, path="@ROOT@/public/mail", type="public", subscriptions=False,
                       mailboxes=tuple(Mailbox(name, acl=acl) for name, acl in rights.items()))
    def make_public(server):
        (server.root / "public").mkdir()
        server.own(server.root / "public")
    server = dovecot.own(acl_enabled=True, namespaces=(public,), prepare=make_public,
                         acl=tuple((f"Public/{name}", acl) for name, acl in rights.items()))
    user = server.user()
    for name in ("Mine", "News"):
        keep(user, "seed")
        assert restore(user, "-I", "-t", f"Public/{name}")[0] == 0
    keep(user, "first", "Public/News")
    assert restore(user)[0] == 77 and subjects(user, "Public/News") == ["seed"] and len(user.kept()) == 1
    assert restore(user, "-t", "Public/Announcements")[0] == 77
    assert "Public/Announcements" not in user.mailboxes()
    assert restore(user, "-I")[0] == 0 and subjects(user, "Public/News") == ["seed", "first"]
    user.append("Public/Mine", message(subject="mine"))
    with user.imap("Public/Mine") as session:
        session.delete("2")
    assert [mail.origin for mail in user.kept()] == ["Public/Mine"]
    assert restore(user) == (0, [1], [0]) and subjects(user, "Public/Mine") == ["seed", "mine"]


def test_a_virtual_mailbox_is_no_origin(dovecot):
    user = dovecot(virtual=True).user()
    user.append("INBOX", message(subject="live"))
    user.append("Work", message(subject="work"), create=True)
    user.make_virtual("Mine", "!INBOX\n  all\n")
    user.append(".EXPUNGED", message(), "$Expunged-From:Virtual/Mine", create=True)
    assert restore(user) == (77, [0], [1])
    user.append(".EXPUNGED", message(), "$Expunged-From:Virtual/New")
    assert restore(user) == (77, [0, 0], [1, 1])


def test_namespace_mode_believes_as_little(dovecot):
    from harness.dovecot.config import namespace_mode
    server = dovecot(shared=True, **namespace_mode(dovecot.format))
    user, other = server.user(), server.user()
    other.append("INBOX", message(subject="own"))
    forged = f".EXPUNGED/shared/{other}/INBOX"
    with user.imap() as session:
        session.ok(f"CREATE {forged}")
        session.append(forged, message(subject="forged"))
    code, restored, failed = restore(user)
    assert (code, restored, failed) == (77, [0], [1]) and subjects(other) == ["own"]
