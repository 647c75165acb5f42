"""What users of the webmail have done before."""

from harness.dovecot.imap import name

LAZY = {"only_last_instance": True, "hidden": True, "protect": True}


def delete(user, folder="INBOX", uids="1:*"):
    with user.imap(folder) as session:
        session.delete(uids)


def make(user, *folders):
    with user.imap() as session:
        for folder in folders:
            session.ok(f"CREATE {name(folder)}")
            session.ok(f"SUBSCRIBE {name(folder)}")
