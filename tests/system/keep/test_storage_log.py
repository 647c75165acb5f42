"""The transaction log of the storage's index, which is read by everything that opens the storage."""

import pytest

MOST = 128 * 1024


@pytest.mark.formats("sdbox", "mdbox")
def test_it_does_not_grow_however_many_deletes_come_at_once(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 1000)
    with user.imap("INBOX") as session:
        for _ in range(1000):
            session.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
            session.ok("EXPUNGE")
    [log] = [path for path in user.mail_path.rglob("dovecot.index.log") if "EXPUNGED" in str(path)]
    assert log.stat().st_size < MOST and log.with_name("dovecot.index.log.2").stat().st_size < MOST + 1024
    kept = user.kept()
    assert len(kept) == 1000 and {mail.origin for mail in kept} == {"INBOX"}
    assert [mail.uid for mail in kept] == list(range(1, 1001))
