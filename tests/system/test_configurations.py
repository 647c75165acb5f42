"""The configurations that the project ships are loaded as they are, and keep mail."""

import pytest

from harness import places
from harness.config import settings


def shipped_configuration(dovecot):
    directory = "2.4" if dovecot.target.new_settings else "2.3"
    return (places.SOURCE / "conf.d" / directory / "90-lazy-expunge.conf").read_text()


def test_the_shipped_configuration_keeps_mail(dovecot):
    text = shipped_configuration(dovecot)
    user = dovecot(lazy=settings(), mailboxes=(), load_plugin=False, raw=text).user()
    user.fill("INBOX", 3, "\\Seen")
    before = user.messages()
    with user.imap("INBOX") as session:
        session.delete("1:2")
        assert not [mailbox for mailbox in session.list() if "EXPUNGED" in mailbox], "it hides the storage"
        session.select(".EXPUNGED")
        session.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
        session.no("EXPUNGE")
    assert [(mail.guid, mail.origin) for mail in user.messages(".EXPUNGED")] == [(mail.guid, "INBOX") for mail in before[:2]]


@pytest.mark.parametrize("line", ["autoexpunge", "autoexpunge_max_mails", "100000"])
def test_the_shipped_configuration_sets_retention(dovecot, line):
    active = [row for row in shipped_configuration(dovecot).splitlines() if not row.lstrip().startswith("#")]
    assert any(line in row for row in active)
