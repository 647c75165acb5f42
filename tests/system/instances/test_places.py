"""Where another copy may lie, and whether it is an instance: one that is not the user's own, is broken, or goes away meanwhile."""

import pytest

from harness import Namespace, Quota, message, name

LAST = {"mailbox": "EXPUNGED", "only_last_instance": True}


def guids(mails):
    return sorted(mail.guid for mail in mails)


def test_a_copy_in_another_users_mailbox_is_no_instance(dovecot):
    server = dovecot(shared=True, lazy=LAST)
    owner, user = server.user(), server.user()
    with owner.imap() as session:
        session.ok("CREATE Common")
    owner.doveadm("acl set", "Common", f"user={user}", "lookup", "read", "write", "write-deleted", "insert", "expunge")
    user.fill("INBOX", 3)
    before = guids(user.messages())
    with user.imap("INBOX") as session:
        session.ok(f"UID COPY 1:* {name(f'shared/{owner}/Common')}")
        session.delete()
    assert guids(user.kept()) == before
    assert len(owner.messages("Common")) == 3 and owner.kept() == []
    with user.imap() as session:
        session.select(f"shared/{owner}/Common")
        session.delete()
    assert guids(owner.kept()) == before, "and the owner's is the owner's last"


def test_a_copy_in_a_public_mailbox_is_no_instance(dovecot):
    def make_public(server):
        (server.root / "public").mkdir()
        server.own(server.root / "public")
    public = Namespace("public", "Public/", format=dovecot.format, path="@ROOT@/public/mail", type="public", subscriptions=False)
    user = dovecot.own(lazy=LAST, namespaces=(public,), prepare=make_public).user()
    user.fill("INBOX", 3)
    before = guids(user.messages())
    with user.imap("INBOX") as session:
        session.ok("CREATE Public/Common")
        session.ok("UID COPY 1:* Public/Common")
        session.delete()
    assert guids(user.kept()) == before
    assert len(user.messages("Public/Common")) == 3


def test_a_mailbox_that_is_deleted_between_two_looks(dovecot):
    """The first look has found its copies there, and remembers that."""
    user = dovecot(lazy=LAST).user()
    user.fill("INBOX", 4)
    before = user.messages()
    with user.imap("INBOX") as session:
        session.ok("CREATE Work")
        session.ok("UID COPY 1:* Work")
        session.delete("1:2")
        assert user.kept() == []
        user.doveadm("mailbox delete", "Work")
        assert guids(user.kept()) == guids(before[:2]), "the last of those that were deleted"
        session.delete("3:4")
    assert guids(user.kept()) == guids(before)


def test_a_mailbox_that_is_deleted_while_its_copies_are_looked_for(dovecot):
    server = dovecot.own(lazy=LAST)
    user = server.user()
    user.fill("INBOX", 40)
    before = guids(user.messages())
    with user.imap("INBOX") as session:
        for box in ("Work", "Copies"):
            session.ok(f"CREATE {box}")
            session.ok(f"UID COPY 1:* {box}")
        session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        others = {box: user.imap() for box in ("Work", "Copies")}
        tag = session.send("EXPUNGE")
        tags = {box: other.send(f"DELETE {box}") for box, other in others.items()}
        answers = [session.finish(tag)] + [others[box].finish(tag) for box, tag in tags.items()]
        assert all(answer.ok for answer in answers), answers
    kept = guids(user.kept())
    assert kept == before, "each once, whoever was first"


@pytest.mark.parametrize("broken", ["garbage", "empty", "missing"])
def test_a_mailbox_with_broken_indexes(dovecot, broken):
    """What Dovecot can repair counts, what it cannot does not: each mail is live or kept."""
    server = dovecot.own(lazy=LAST)
    user = server.user()
    other = server.user()
    for _ in range(3):
        user.deliver(others=[other])
    before = user.messages()
    with user.imap("INBOX") as session:
        session.ok("CREATE Work")
        session.ok("UID COPY 1:* Work")
    [work] = [path for path in user.mail_path.rglob("*") if path.name in ("Work", ".Work") and path.is_dir()]
    indexes = [path for path in work.rglob("dovecot.index*")]
    assert indexes
    for path in indexes:
        if broken == "missing":
            path.unlink()
        else:
            path.write_bytes(b"garbage " * 500 if broken == "garbage" else b"")
    with user.imap("INBOX") as session:
        assert len(session.delete().lines("EXPUNGE")) == 3
    server.settle()
    server.expect_log(r"^(?!.*(Panic|signal 11))", required=False)
    # the first one repairs, and may be told that the mailbox has changed
    user.doveadm("fetch", "text", "mailbox", "Work", "all", check=False)
    live = [mail for mail in user.messages("Work") if "A line of text." in mail.text]
    found = {mail.guid for mail in live + user.kept()}
    assert sorted(found) == guids(before)
    with user.imap("Work") as session:
        if session.search():
            session.delete()
    assert {mail.guid for mail in user.kept()} == set(guids(before))


@pytest.mark.parametrize("ignore", [True, False], ids=["ignored", "counted"])
def test_at_a_full_quota_a_delete_or_move_is_done_or_refused(dovecot, ignore):
    user = dovecot(quota=Quota(messages=6), lazy=dict(LAST, quota_ignore=ignore)).user()
    user.fill("INBOX", 3)
    before = guids(user.messages())
    with user.imap("INBOX") as session:
        session.ok("CREATE Work")
        session.ok("UID COPY 1:* Work")
        assert "OVERQUOTA" in session.no("APPEND INBOX {}", message()).text
        answer = session("UID MOVE 1 Moved") if session.ok("CREATE Moved") else None
        places = [len(user.messages(box)) for box in ("INBOX", "Moved")]
        assert places == ([2, 1] if answer.ok else [3, 0]) and user.kept() == []
        if answer.ok:
            session.select("Moved")
            session.ok("UID MOVE 1 INBOX")
            session.select("INBOX")
        assert len(session.delete().lines("EXPUNGE")) == 3
        assert user.kept() == []
        session.select("Work")
        assert len(session.delete().lines("EXPUNGE")) == 3
    assert guids(user.kept()) == before
    user.fill("INBOX", 3)
    done = user.doveadm("lazy-expunge restore", "-t", "INBOX", "all", check=False)
    if not ignore:
        assert done.code == 0 and user.kept() == [] and len(user.messages()) == 6
    assert set(guids(user.messages() + user.kept())) >= set(before)
