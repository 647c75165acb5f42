"""Where sessions are not the ordinary ones: hibernation, users without a home, the LMTP delivery user, several protocols."""

from harness import wait_for


def test_a_session_that_hibernated_deletes_as_before(dovecot):
    user = dovecot(hibernate=True).user()
    user.fill("INBOX", 3)
    user.server.settle()
    session = user.imap("INBOX")
    session.delete("1")
    for uid in (2, 3):
        tag = session.idle()
        wait_for(lambda: not user.server.processes("imap"), "the session to hibernate")
        assert session.done(tag).ok
        session.delete(str(uid))
    session.logout()
    assert [mail.origin for mail in user.kept()] == ["INBOX"] * 3 and user.messages() == []


def test_users_without_a_home(dovecot):
    user = dovecot(home=False, lazy={"only_last_instance": True}).user()
    user.deliver()
    [before] = user.messages()
    with user.imap("INBOX") as session:
        session.delete()
    assert [mail.content for mail in user.kept()] == [before.content]


def test_delivery_to_many_users_leaves_no_storage_behind(dovecot):
    server = dovecot()
    users = [server.user() for _ in range(5)]
    users[0].deliver(others=users[1:])
    for user in users:
        assert len(user.messages()) == 1 and ".EXPUNGED" not in user.mailboxes()


def test_a_protocol_that_does_not_load_the_plugin_deletes_for_good(dovecot):
    """What the shipped plugin does as well: there is nothing that could do otherwise."""
    user = dovecot(lazy_in_protocols=("imap", "doveadm")).user()
    user.fill("INBOX", 2)
    session = user.pop3()
    session.dele(1)
    session.quit()
    with user.imap("INBOX") as imap:
        imap.delete()
    assert len(user.kept()) == 1


def test_commands_without_a_mailbox_open(dovecot):
    user = dovecot().user()
    with user.imap() as session:
        for command in ("NOOP", "CAPABILITY", 'LIST "" *', "STATUS INBOX (MESSAGES)", "NAMESPACE"):
            session.ok(command)
    user.pop3().quit()
