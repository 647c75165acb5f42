"""Master users: support logs in as user*admin and deletes mail, which is the user's all the same."""

import contextlib

import pytest

from harness import message
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, namespace_mode
from harness.dovecot.imap import Imap
from harness.dovecot.render import PASSWORD
from harness.dovecot.user import pop3

pytestmark = pytest.mark.any_format

MASTER = "admin"
ALL_RIGHTS = "lrwstipekxa"
RAW23 = """\
passdb {
  driver = passwd-file
  args = @ROOT@/masters
  master = yes
}
"""
RAW24 = """\
passdb masters {
  driver = passwd-file
  passwd_file_path = @ROOT@/masters
  master = yes
}
"""
# What 2.3 does by itself.
ACL_USER24 = "acl_user = %{userdb:master_user | default('')}\n"
# With the acl plugin a master user has no rights but those that somebody gave: here those of the mailboxes that hold mail.
GRANTS = tuple((mailbox, ((f"user={MASTER}", ALL_RIGHTS),)) for mailbox in ("INBOX", "Work"))
ACLS = {"no-acl": {}, "acl": {"acl": GRANTS},
        "acl-storage": {"acl": GRANTS + ((".EXPUNGED", ((f"user={MASTER}", ALL_RIGHTS),)),)}}
MODES = ("mailbox", "namespace")


@pytest.fixture(params=sorted(ACLS))
def acl(request):
    return ACLS[request.param]


def make(dovecot, acl, mode="mailbox", **fields):
    """A user of a server on which admin is a master user."""
    if mode == "namespace":
        fields = namespace_mode(dovecot.format, only_last_instance=False)
    server = dovecot(files=(("masters", f"{MASTER}:{{PLAIN}}{PASSWORD}\n"),), raw="auth_master_user_separator = *\n", raw23=RAW23,
                     raw24=RAW24 + (ACL_USER24 if acl else ""), **acl, **fields)
    return server.user()


@contextlib.contextmanager
def master_imap(user, mailbox=None):
    with contextlib.closing(Imap("127.0.0.1", user.server.ports["imap"], f"{user.name}*{MASTER}", PASSWORD)) as session:
        if mailbox:
            session.select(mailbox)
        yield session
    user.server.settle()


def nothing_is_the_masters(user):
    return not (user.server.mail_root / MASTER).exists()


def contents(mails):
    return sorted(str(mail.content) for mail in mails)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("command", ["EXPUNGE", "CLOSE"])
def test_what_a_master_deletes_is_kept_for_the_user(dovecot, acl, mode, command):
    user = make(dovecot, acl, mode)
    user.fill("INBOX", 3, "\\Seen own")
    before = user.messages()
    with master_imap(user, "INBOX") as session:
        session.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        session.ok(command)
    assert [mail.guid for mail in user.messages()] == [before[2].guid]
    kept = user.kept()
    assert contents(kept) == contents(before[:2]) and [mail.origin for mail in kept] == ["INBOX"] * 2
    assert nothing_is_the_masters(user)
    user.doveadm("lazy-expunge restore", "ALL")
    assert contents(user.messages()) == contents(before) and user.kept() == []


def test_by_pop3(dovecot, acl):
    user = make(dovecot, acl)
    user.fill("INBOX", 2)
    before = user.messages()
    with contextlib.closing(pop3(user.server, f"{user.name}*{MASTER}")) as session:
        session.dele(1)
        session.quit()
    assert contents(user.kept()) == contents(before[:1]) and len(user.messages()) == 1
    assert nothing_is_the_masters(user)


@pytest.mark.parametrize("mode", MODES)
def test_a_mailbox_that_a_master_deletes(dovecot, acl, mode):
    user = make(dovecot, acl, mode)
    user.fill("Work", 2, create=True)
    before = user.messages("Work")
    with master_imap(user) as session:
        session.ok("DELETE Work")
    assert contents(user.kept()) == contents(before) and {mail.origin for mail in user.kept()} == {"Work"}
    user.doveadm("lazy-expunge restore", "ALL")
    assert contents(user.messages("Work")) == contents(before)


def test_the_last_instance(dovecot, acl):
    user = make(dovecot, acl, lazy={"only_last_instance": True})
    user.doveadm("mailbox create", "Work")
    user.fill("INBOX", 1)
    [before] = user.messages()
    with master_imap(user, "INBOX") as session:
        session.ok("COPY 1 Work")
        session.delete()
        # what the acl plugin does not list does not count
        assert user.messages() == [] and len(user.kept()) == (0 if "Work" in session.list() else 1)
        session.select("Work")
        session.delete()
    assert contents(user.kept()) == contents([before]) and nothing_is_the_masters(user)


def test_acls_are_those_of_the_master(dovecot):
    """As Dovecot has it, so that the tests above show what they are to show."""
    user = make(dovecot, ACLS["acl"])
    user.fill("INBOX", 1)
    with master_imap(user, "INBOX") as session:
        session.delete()
        session.no("SELECT .EXPUNGED")
        session.no("CREATE Mine")


def test_the_storage_is_protected_from_a_master(dovecot, acl):
    user = make(dovecot, acl, lazy={"protect": True})
    user.fill("INBOX", 2)
    with master_imap(user, "INBOX") as session:
        session.delete("1")
        session.no("APPEND .EXPUNGED {}", message())
        session.no("COPY 1 .EXPUNGED")
        session.no("DELETE .EXPUNGED")
        session.no("RENAME .EXPUNGED Mine")
        if session("SELECT .EXPUNGED").ok:
            session("STORE 1 +FLAGS.SILENT (\\Deleted)")
            assert session("EXPUNGE").lines("EXPUNGE") == []
    assert len(user.kept()) == 1


def test_the_storage_is_hidden_from_a_master(dovecot, acl):
    user = make(dovecot, acl, lazy={"hidden": True})
    user.fill("INBOX", 1)
    with master_imap(user, "INBOX") as session:
        session.delete()
        assert session.list() and ".EXPUNGED" not in session.list()
    assert len(user.kept()) == 1


def test_retention_at_the_end_of_a_masters_session(dovecot, acl):
    user = make(dovecot, acl, mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXP*", autoexpunge_max_mails=1),))
    user.fill("INBOX", 3)
    with master_imap(user, "INBOX") as session:
        session.delete()
    assert len(user.kept()) == 1
