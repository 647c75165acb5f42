"""STATUS of the storage is right at once, although Dovecot's copy of it in the mailbox list's index is not written at each delete."""

import json

import pytest

STORAGE = ".EXPUNGED"
ITEMS = "MESSAGES UIDNEXT UNSEEN"
# STATUS is then read from the list's index, whatever the mailbox's own log says
VERY_DIRTY = "mailbox_list_index_very_dirty_syncs = yes"


def user_with_storage(dovecot, raw=""):
    """A user with six mails in INBOX and one in the storage, whose STATUS has been asked for."""
    user = dovecot(raw=raw).user()
    user.fill("INBOX", 7)
    with user.imap("INBOX") as session:
        session.delete("1")
    with user.imap() as session:
        session.select(STORAGE)
    with user.imap() as session:
        assert session.status(STORAGE, ITEMS) == expect(1)
    return user


@pytest.fixture
def user(dovecot):
    return user_with_storage(dovecot)


@pytest.fixture
def very_dirty_user(dovecot):
    return user_with_storage(dovecot, VERY_DIRTY)


def doveadm_status(user):
    words = user.doveadm("mailbox status", "messages uidnext unseen", STORAGE).stdout.decode().split()[1:]
    return {key.upper(): int(value) for key, value in (word.split("=") for word in words)}


def expect(count):
    return {"MESSAGES": count, "UIDNEXT": count + 1, "UNSEEN": count}


def assert_right_at_each_delete(user):
    watcher = user.imap()
    with user.imap("INBOX") as session:
        for count, uid in enumerate(range(2, 6), start=2):
            session.delete(str(uid))
            assert watcher.status(STORAGE, ITEMS) == expect(count)
            assert session.status(STORAGE, ITEMS) == expect(count)
            assert doveadm_status(user) == expect(count)
            [line] = watcher.ok(f'LIST "" {STORAGE} RETURN (STATUS (MESSAGES))').lines("STATUS")
            assert f"(MESSAGES {count})" in line
    watcher.logout()
    assert doveadm_status(user) == expect(5)


def assert_right_after_a_kill(user):
    session = user.imap("INBOX")
    session.delete("2")
    session.delete("3")
    user.server.expect_log("killed with signal 9")
    user.server.kill("imap")
    session.close()
    assert doveadm_status(user) == expect(3)
    with user.imap() as session:
        assert session.status(STORAGE, ITEMS) == expect(3)


def test_while_the_session_that_deletes_is_open(user):
    assert_right_at_each_delete(user)


def test_after_the_session_was_killed(user):
    assert_right_after_a_kill(user)


def test_when_the_list_index_was_up_to_date_with_an_older_state(user):
    """Each session leaves it so."""
    for count in range(2, 5):
        with user.imap("INBOX") as session:
            session.delete(str(count))
        assert doveadm_status(user) == expect(count)
        with user.imap() as session:
            assert session.status(STORAGE, ITEMS) == expect(count)


def test_of_a_hidden_storage(dovecot):
    """The list's index is not told of each mail, so its copy is old when the session has ended."""
    user = dovecot(lazy={"hidden": True}).user()
    user.fill("INBOX", 6)
    for count in range(1, 6):
        with user.imap("INBOX") as session:
            session.delete(str(count))
            assert session.status(STORAGE, ITEMS) == expect(count)
        user.server.settle()
        assert doveadm_status(user) == expect(count)
        with user.imap() as session:
            assert session.status(STORAGE, ITEMS) == expect(count)


@pytest.mark.formats("sdbox", "mdbox")
def test_with_very_dirty_syncs(very_dirty_user):
    assert_right_at_each_delete(very_dirty_user)


@pytest.mark.formats("sdbox", "mdbox")
def test_with_very_dirty_syncs_after_a_kill(very_dirty_user):
    assert_right_after_a_kill(very_dirty_user)


@pytest.mark.formats("maildir")
def test_with_very_dirty_syncs_it_is_right_once_the_storage_was_opened(very_dirty_user):
    """As for mail that another program delivers to a Maildir."""
    user = very_dirty_user
    with user.imap("INBOX") as session:
        session.delete("2:3")
    [row] = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "status", "-u", user.name).stdout)
    assert row["messages"] == 3
    with user.imap() as session:
        assert "* 3 EXISTS" in "\n".join(session.select(STORAGE).lines("EXISTS"))
        assert session.status("INBOX") == {"MESSAGES": 4}
    with user.imap() as session:
        assert session.status(STORAGE, ITEMS) == expect(3)
    assert doveadm_status(user) == expect(3)


@pytest.mark.formats("sdbox", "mdbox")
def test_notify_tells_when_the_session_ends(user):
    """Maildir: files that were linked in are not in the index before the storage is synced."""
    watcher = user.imap()
    watcher.ok(f"NOTIFY SET STATUS (mailboxes {STORAGE} (MessageNew MessageExpunge))")
    with user.imap("INBOX") as session:
        session.delete("2")
    assert "MESSAGES 2" in watcher.wait_untagged(f"STATUS {STORAGE}")
    watcher.logout()
