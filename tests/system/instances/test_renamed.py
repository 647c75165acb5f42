"""A mailbox that another session renames while this one has it selected is the same mailbox under another name."""

import contextlib

from harness import name
from harness.faults import chaos

LAST = {"mailbox": "EXPUNGED", "only_last_instance": True}


def test_a_mailbox_renamed_under_the_session_is_no_other_instance(dovecot):
    server = dovecot.own(lazy=LAST)
    user = server.user()
    other_user = server.user()
    with user.imap() as session:
        session.ok("CREATE Work")
    # linked into two accounts, so that the count of links does not tell
    for _ in range(3):
        user.deliver(others=[other_user])
    with user.imap("INBOX") as session:
        session.ok("UID MOVE 1:* Work")
    with user.imap("Work") as other:
        other.ok("CREATE Copies")
        other.ok("UID COPY 1:* Copies")
        other.select("Copies")
        session = user.imap("Work")
        other.ok(f"RENAME Work {name('Renamed')}")
        other.delete()
    assert user.kept() == [], "the instances in the renamed mailbox live"
    before = sorted(mail.guid for mail in user.messages("Renamed"))
    # whatever is answered, each mail is where it was or in the storage
    with contextlib.suppress(*chaos.ENDED):
        session("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        session("EXPUNGE")
    session.close()
    server.settle()
    server.expect_log(r"lazy_expunge: Mail was not deleted|No such file or directory|dbox: Unexpectedly lost", required=False)
    user.doveadm("fetch", "text", "mailbox", "*", "all", check=False)
    found = {mail.guid for mail in user.messages("*") + user.kept()}
    assert found == set(before)
