"""Mails with several copies in one account."""

from harness.dovecot.imap import name


def copies(user, number, *mailboxes):
    """Append this many mails to INBOX and copy them all to other mailboxes, INBOX too; their GUIDs, sorted."""
    user.fill("INBOX", number)
    with user.imap("INBOX") as session:
        for mailbox in mailboxes:
            session(f"CREATE {name(mailbox)}")
            session.ok(f"UID COPY 1:* {name(mailbox)}")
    return sorted({mail.guid for mail in user.messages()})
