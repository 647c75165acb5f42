"""account rename: all of an account follows to the new name, and what others have of the old one does."""

import pytest

from harness.dovecot.accounts import account, content, delete, fill, listed
from harness.dovecot.mail import message

pytestmark = pytest.mark.any_format


def rename(user, new, *arguments):
    rows = account(user.server, "rename", "-u", user.name, *arguments, new.name)
    return {row["where"]: row["result"] for row in rows if row["what"] != "by hand"}, rows


def rights(owner, mailbox="Work"):
    with owner.imap() as session:
        return b" ".join(session.ok(f"GETACL {mailbox}").untagged).decode()


def test_all_of_it_follows(dovecot):
    server = dovecot.own()
    old, new = server.user(), server.user()
    fill(old)
    with old.imap() as session:
        session.ok("SUBSCRIBE Work")
    old.doveadm("lazy-expunge hold", "-N", "case-17")
    (old.home / "sieve").mkdir()
    (old.home / "sieve/filter.sieve").write_text("keep;\n")
    server.own(old.home / "sieve")
    before = content(old)
    server.settle()
    _, rows = rename(old, new, "-n")
    assert [row["result"] for row in rows if row["what"] == "account"] == ["to be moved"] and content(old) == before
    server.settle()
    _, rows = rename(old, new)
    assert [row["result"] for row in rows if row["what"] == "account"] == ["moved"]
    by_hand = {row["where"]: row["result"] for row in rows if row["what"] == "by hand"}
    for out_of_reach in ("userdb", "quota", "last_login", "sieve", "full-text", "lazy_expunge_catalog", "subscriptions", "SQL"):
        assert [result for where, result in by_hand.items() if out_of_reach in where and result], out_of_reach
    assert not old.home.exists() and content(new) == before
    assert (new.home / "sieve/filter.sieve").read_text() == "keep;\n"
    assert b"case-17" in new.doveadm("lazy-expunge holds").stdout
    with new.imap() as session:
        assert any(b"Work" in line for line in session.ok('LSUB "" *').untagged)
    new.doveadm("lazy-expunge restore", "ALL")
    assert len(new.messages("INBOX")) == 3
    assert account(server, "list") == []


def test_a_name_that_has_mail_is_refused(dovecot):
    server = dovecot()
    old, new = server.user(), server.user()
    fill(old)
    new.deliver(message(subject="Mine"))
    server.settle()
    before = content(old)
    error = account(server, "rename", "-u", old.name, new.name, code=65)
    assert f"{new.name} has mail" in error
    assert content(old) == before and [mail.subject for mail in new.messages()] == ["Mine"]
    assert "another name" in account(server, "rename", "-u", old.name, old.name, code=64)


def test_a_new_name_that_has_no_mail_gives_way(dovecot):
    server = dovecot()
    old, new = server.user(), server.user()
    fill(old)
    before = content(old)
    with new.imap("INBOX") as session:
        session.ok("CREATE Empty")
    server.settle()
    rename(old, new)
    assert content(new) == before
    [row] = listed(new)
    assert row["messages"] in ("0", 0)
    server.settle()
    account(server, "undelete", delete(new))
    assert content(new) == before


def shared(dovecot):
    server = dovecot.own(shared=True, passwd_file=True)
    old, new, owner, friend = [server.user() for _ in range(4)]
    server.write_users([old, new, owner, friend])
    for user in (old, owner):
        user.append("Work", message(subject=f"Of {user.name}"), create=True)
    with owner.imap() as session:
        session.ok(f"SETACL Work {old.name} lrs")
        session.ok(f"SETACL Work {friend.name} lr")
    with old.imap() as session:
        session.ok(f"SETACL Work {friend.name} lrs")
    server.settle()
    return server, old, new, owner, friend


def test_what_others_have_of_the_name_is_changed(dovecot):
    server, old, new, owner, friend = shared(dovecot)
    plan, _ = rename(old, new, "-n")
    assert sorted(set(plan.values())) == ["to be changed", "to be moved"] and len(plan) == 4
    assert old.name in rights(owner) and new.name not in rights(owner)
    server.settle()
    done, _ = rename(old, new)
    assert set(done) == set(plan) and sorted(set(done.values())) == ["changed", "moved"]
    assert new.name in rights(owner).split() and old.name not in rights(owner).split() and friend.name in rights(owner)
    with new.imap() as session:
        session.select(f"shared/{owner.name}/Work")
        assert session.search("ALL") != []
        assert any(f"shared/{owner.name}/Work".encode() in line for line in session.ok('LIST "" *').untagged)
    with friend.imap() as session:
        listing = b" ".join(session.ok('LIST "" *').untagged).decode()
        assert f"shared/{new.name}/Work" in listing and f"shared/{old.name}/" not in listing
        session.select(f"shared/{new.name}/Work")
    with owner.imap() as session:
        session.select("Work")


def test_what_cannot_be_changed_is_said_and_the_command_ends_it_later(dovecot):
    server, old, new, owner, _ = shared(dovecot)
    server.settle()
    [acl] = [path for path in owner.home.rglob("dovecot-acl") if f"user={old.name}" in path.read_text()]
    text = acl.read_text()
    acl.unlink()
    acl.mkdir()
    server.expect_log("dovecot-acl", required=False)
    error = account(server, "rename", "-u", old.name, new.name, code=75)
    assert "dovecot-acl" in error
    [row] = account(server, "list")
    assert row["state"] == "telling" and f"account rename -u {old.name} {new.name}" in row["needs"]
    acl.rmdir()
    acl.write_text(text)
    server.own(acl.parent)
    other = server.user()
    assert "on another way" in account(server, "rename", "-u", old.name, other.name, code=75)
    rename(old, new)
    assert new.name in rights(owner).split() and account(server, "list") == []
