"""lazy_expunge_exclude: which mailboxes are not protected."""

import pytest

from harness import Mailbox
from harness.dovecot.config import DEFAULT_MAILBOXES, settings

pytestmark = pytest.mark.any_format

JUNK = Mailbox("Spam", special_use="\\Junk")


def kept_after_delete_in(user, mailbox):
    user.append(mailbox, create=True)
    with user.imap(mailbox) as session:
        session.delete()
    return len(user.kept()) == 1


@pytest.mark.parametrize("patterns,mailbox,excluded", [
    (["Trash"], "Trash", True), (["Trash"], "INBOX", False), (["Trash"], "Trash2", False),
    (["\\Trash"], "Trash", True), (["\\Junk"], "Spam", True), (["\\junk"], "Spam", True), (["\\Junk"], "Trash", False),
    (["Lists/*"], "Lists/a/b", True), (["Lists/*"], "Lists", False), (["List?"], "Lists", True), (["*"], "INBOX", True),
    (["one", "two words", "three"], "one", True), (["one", "two words", "three"], "two words", True),
    (["one", "two words", "three"], "three", True), (["one", "two words", "three"], "four", False),
    (["Entwürfe"], "Entwürfe", True),
])
def test_patterns(dovecot, patterns, mailbox, excluded):
    server = dovecot(lazy={"exclude": patterns}, mailboxes=DEFAULT_MAILBOXES + (JUNK,))
    if patterns == ["*"]:
        server.expect_log("lazy_expunge_exclude", required=False)
    user = server.user()
    assert kept_after_delete_in(user, mailbox) != excluded
    assert user.messages(mailbox) == []


@pytest.mark.parametrize("pattern", ["INBOX/Work", "Work", "INBOX/W*"])
def test_names_with_and_without_the_namespace_prefix(dovecot, pattern):
    user = dovecot(prefix="INBOX/", lazy={"mailbox": "INBOX/EXPUNGED", "exclude": [pattern]}).user()
    assert not kept_after_delete_in(user, "INBOX/Work")
    assert kept_after_delete_in(user, "INBOX/Other")


@pytest.mark.since("2.4")
def test_an_empty_storage_in_a_mailbox_filter_excludes_the_mailbox(dovecot):
    mailboxes = DEFAULT_MAILBOXES + (Mailbox("Work", lazy=settings(mailbox="")),)
    user = dovecot(mailboxes=mailboxes).user()
    assert not kept_after_delete_in(user, "Work")
    assert kept_after_delete_in(user, "INBOX")


@pytest.mark.since("2.4")
def test_an_empty_storage_in_a_namespace_filter_excludes_the_namespace(dovecot):
    from harness import Namespace
    other = Namespace("other", "Other/", format="maildir", path="~/other", raw24="lazy_expunge_mailbox =")
    user = dovecot(namespaces=(other,)).user()
    assert not kept_after_delete_in(user, "Other/Work")
    assert kept_after_delete_in(user, "Work")


def test_all_mailboxes_excluded_is_a_warning(dovecot):
    server = dovecot.own(lazy={"exclude": ["*"]})
    server.expect_log("Warning: .*lazy_expunge")
    user = server.user()
    user.deliver()
    assert len(user.messages()) == 1
