"""What others may do with a storage: nothing by default, what its own ACL says, and a MOVE out leaves nothing behind."""

import json

import pytest

from harness import message, name
from harness.dovecot.config import Mailbox
from harness.faults.inject import session_process, traced

FROM_INBOX = dict(raw23="plugin {\n  acl_defaults_from_inbox = yes\n}\n", raw24="acl_defaults_from_inbox = yes\n")
READ = ("lookup", "read")
FULL = ("lookup", "read", "write", "write-seen", "write-deleted", "insert", "expunge", "create", "delete")
CLOSED = [{"hidden": True}, {"protect": True}, {"hidden": True, "protect": True}]


def pair(dovecot, lazy, storage=".EXPUNGED", rights=FULL, **fields):
    """An owner with two kept mails, and a guest who has these rights in the owner's INBOX; the storage's name for the guest."""
    server = dovecot(shared=True, lazy=dict(lazy, mailbox=storage), **fields)
    owner, guest = server.user(), server.user()
    owner.append("INBOX", message(subject="inbox"))
    owner.doveadm("acl set", "INBOX", f"user={guest}", *rights)
    owner.fill("Secret", 2, create=True)
    with owner.imap("Secret") as session:
        session.delete()
    assert len(owner.messages(storage)) == 2
    return owner, guest, f"shared/{owner}/{storage}"


def acl_row(user):
    rows = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, check=False).stdout)
    [found] = [row for row in rows if row["id"] == "acl"]
    return found


def sees(session, mailbox):
    return any(mailbox in found for found in session.list())


@pytest.mark.parametrize("lazy", CLOSED, ids=lambda lazy: "-".join(lazy))
def test_who_reads_the_inbox_does_not_read_the_storage(dovecot, lazy):
    owner, guest, storage = pair(dovecot, lazy, **FROM_INBOX)
    with guest.imap() as session:
        session.select(f"shared/{owner}/INBOX")
        assert not sees(session, "EXPUNGED")
        for command in ("SELECT {}", "EXAMINE {}", "STATUS {} (MESSAGES)", "MYRIGHTS {}", "DELETE {}", "RENAME {} Mine", "CREATE {}"):
            answer = session.no(command.format(name(storage)))
            assert "=2e" not in answer.text
        session.select(f"shared/{owner}/INBOX")
        session.no(f"COPY 1 {name(storage)}")
        session.no(f"APPEND {name(storage)} {{}}", message())
    assert len(owner.kept()) == 2 and "Mine" not in guest.mailboxes()
    assert "INBOX" not in acl_row(owner)["found"]


def test_open_it_goes_by_the_acl(dovecot):
    owner, guest, storage = pair(dovecot, {}, **FROM_INBOX)
    with guest.imap() as session:
        session.ok(f"SELECT {name(storage)}")
    assert "have them there (acl_defaults_from_inbox)" in acl_row(owner)["found"] and acl_row(owner)["state"] == "WARN"
    # of the guest's own INBOX nobody else has rights
    assert "INBOX" not in acl_row(guest)["found"]


def test_an_acl_of_its_own_holds(dovecot):
    owner, guest, storage = pair(dovecot, {"protect": True})
    with guest.imap() as session:
        session.no(f"SELECT {name(storage)}")
    owner.doveadm("acl set", ".EXPUNGED", f"user={guest}", *READ)
    with guest.imap() as session:
        session.ok(f"SELECT {name(storage)}")
        assert len(session.search()) == 2


def test_whose_mail_it_is_decides_about_holds(dovecot):
    """A guest with all rights in a storage that is open removes nothing that its owner's hold covers, and nothing by a hold of his own."""
    owner, guest, storage = pair(dovecot, {}, **FROM_INBOX)
    guest.doveadm("lazy-expunge hold", "-N", "of the guest")
    owner.doveadm("lazy-expunge hold", "-N", "of the owner")
    with guest.imap(storage) as session:
        session.ok("STORE 1 +FLAGS (\\Deleted)")
        session("EXPUNGE")
        session.no("MOVE 2 INBOX")
        assert len(session.search()) == 2
    with guest.imap() as session:
        session.no(f"DELETE {name(storage)}")
    done = guest.doveadm("expunge", "mailbox", storage, "all", check=False)
    assert done.code == 77 and b"hold of the owner" in done.stderr
    assert len(owner.kept()) == 2 and guest.messages() == []
    owner.doveadm("lazy-expunge release", "-N", "of the owner", "-g", "0")
    with guest.imap(storage) as session:
        session("EXPUNGE")
    assert len(owner.kept()) == 1


def test_deletes_of_a_guest_are_kept_there(dovecot):
    owner, guest, storage = pair(dovecot, {"hidden": True, "protect": True}, **FROM_INBOX)
    with guest.imap(f"shared/{owner}/INBOX") as session:
        session.delete()
    assert len(owner.kept()) == 3 and owner.messages() == []


def test_the_acl_of_the_parent_is_not_inherited(dovecot):
    server = dovecot(shared=True, lazy={"mailbox": "Parent/Gone", "protect": True})
    owner, guest = server.user(), server.user()
    owner.append("Parent", message(), create=True)
    owner.doveadm("acl set", "Parent", f"user={guest}", *FULL)
    owner.append("INBOX", message())
    with owner.imap("INBOX") as session:
        session.delete()
    assert len(owner.messages("Parent/Gone")) == 1
    with guest.imap() as session:
        session.ok(f"SELECT {name(f'shared/{owner}/Parent')}")
        session.no(f"SELECT {name(f'shared/{owner}/Parent/Gone')}")


@pytest.mark.formats("sdbox")
def test_the_acl_of_the_parent_is_not_inherited_when_the_new_storage_cannot_be_synced(dovecot):
    server = dovecot(shared=True, lazy={"mailbox": "Parent/Gone", "protect": True}, fsync="optimized")
    owner, guest = server.user(), server.user()
    owner.append("Parent", message(), create=True)
    owner.doveadm("acl set", "Parent", f"user={guest}", *FULL)
    owner.append("INBOX", message())
    server.settle()
    server.expect_log(r"fdatasync(_path)?\(.*Input/output error", required=False)
    with owner.imap("INBOX") as session:
        session.ok("STORE 1 +FLAGS (\\Deleted)")
        with traced(server, [session_process(server)], "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO") as output:
            session.no("EXPUNGE")
            assert "INJECTED" in output.read_text()
        session.ok("EXPUNGE")
    assert len(owner.messages("Parent/Gone")) == 1
    with guest.imap() as session:
        session.no(f"SELECT {name(f'shared/{owner}/Parent/Gone')}")


@pytest.mark.parametrize("target", ["INBOX", "Work"])
def test_a_move_out_of_anothers_protected_storage_leaves_no_copies(dovecot, target):
    owner, guest, storage = pair(dovecot, {"protect": True})
    owner.doveadm("acl set", ".EXPUNGED", f"user={guest}", *FULL)
    guest.append("Work", message(subject="own"), create=True)
    before = len(guest.messages(target))
    with guest.imap(storage) as session:
        for command in (f"UID MOVE 1 {target}", f"MOVE 1:2 {target}"):
            answer = session.no(command)
            assert "account" in answer.text
    assert len(guest.messages(target)) == before and len(owner.kept()) == 2
    with guest.imap(storage) as session:
        session.ok(f"UID COPY 1 {target}")
    assert len(guest.messages(target)) == before + 1 and len(owner.kept()) == 2
    with owner.imap(".EXPUNGED") as session:
        session.ok("UID MOVE 1 INBOX")
    assert len(owner.kept()) == 1


@pytest.mark.parametrize("count", ["1", "1:2"])
def test_a_refused_move_of_held_mail_leaves_no_copies(dovecot, count):
    user = dovecot(lazy={"exclude": ["Junk"]}, mailboxes=(Mailbox("Junk", auto="create"),)).user()
    user.fill("INBOX", 2)
    with user.imap("INBOX") as session:
        session.delete()
    user.doveadm("lazy-expunge hold", "-N", "case")
    with user.imap(".EXPUNGED") as session:
        for _ in range(2):
            session.no(f"UID MOVE {count} Junk")
    assert user.messages("Junk") == [] and len(user.kept()) == 2


@pytest.mark.since("2.4")
@pytest.mark.parametrize("target", [".EXPUNGED", "INBOX"])
def test_replace_in_a_protected_storage_is_refused(dovecot, target):
    """As what is only forbidden: without an error in the log, and with nothing saved."""
    user = dovecot(lazy={"protect": True}).user()
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        session.delete("1:2")
        session.select(".EXPUNGED")
        for command in (f"REPLACE 1 {target} {{}}", f"UID REPLACE 2 {target} {{}}"):
            answer = session.no(command, message())
            assert "storage" in answer.text and "nternal" not in answer.text
            assert not [line for line in answer.untagged if b"nternal" in line]
    assert len(user.kept()) == 2 and len(user.messages()) == 1


@pytest.mark.since("2.4")
def test_replace_works_elsewhere(dovecot):
    user = dovecot(lazy={"protect": True}).user()
    user.fill("INBOX", 1)
    with user.imap("INBOX") as session:
        session.ok("REPLACE 1 INBOX {}", message(subject="new"))
    assert [mail.subject for mail in user.messages()] == ["new"] and len(user.kept()) == 1


METADATA = dict(raw23="mail_attribute_dict = file:%h/attributes\nprotocol imap {\n  imap_metadata = yes\n}\n",
                raw24="mail_attribute {\n  dict file {\n    path = ~/attributes\n  }\n}\nprotocol imap {\n  imap_metadata = yes\n}\n")


@pytest.mark.parametrize("fields", [{}, {"separator": "."}, {"prefix": "Box/", "lazy": {"mailbox": "Box/.EXPUNGED"}}], ids=["plain", "dot", "prefix"])
def test_clients_see_its_own_name_alone(dovecot, fields):
    storage = fields.get("prefix", "") + ".EXPUNGED"
    server = dovecot(**fields, **METADATA)
    user = server.user()
    with user.imap() as session:
        for command in (f"SELECT {storage}", f"STATUS {storage} (MESSAGES)", f"DELETE {storage}", f"RENAME {storage} Other"):
            answer = session(command)
            assert "=2e" not in answer.text, (command, answer)
    user.fill("INBOX", 2)
    with user.imap("INBOX") as session:
        session.delete()
    with user.imap() as session:
        session.ok("ENABLE CONDSTORE QRESYNC")
        session.ok(f"SELECT {storage}")
        answer = session.ok("UID FETCH 1:* (X-MAILBOX)")
        assert len(answer.lines("FETCH")) == 2 and all("EXPUNGED" in line and "=2e" not in line for line in answer.lines("FETCH"))
        session.ok(f'SETMETADATA {storage} (/private/comment "mine")')
        for command in (f"GETMETADATA {storage} /private/comment", f"GETMETADATA (DEPTH infinity) {storage} /private"):
            answer = session.ok(command)
            assert answer.lines("METADATA") and all(".EXPUNGED" in line and "=2e" not in line for line in answer.lines("METADATA"))
        session.ok("ENABLE CONDSTORE")
        session.ok("NOOP")
        for command in (f"CREATE {storage}", f"RENAME {storage} INBOX", f"APPEND {storage} () {{}}"):
            answer = session(command, *([message()] if "{}" in command else []))
            assert "=2e" not in answer.text, (command, answer)


def rights_of(session, command, storage):
    """The letters that this command says the user has, without those that are of RFC 2086 alone."""
    [line] = session.ok(f"{command} {storage}").lines(command.replace("GET", ""))
    return set(line.split()[-1]) - set("cd")


@pytest.mark.parametrize("explicit", [False, True], ids=["default", "explicit"])
@pytest.mark.parametrize("protect", [False, True], ids=["open", "protected"])
def test_rights_that_are_shown_are_those_that_hold(dovecot, protect, explicit):
    user = dovecot(acl_enabled=True, lazy={"protect": protect}).user()
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        session.delete("1:2")
    if explicit:
        user.doveadm("acl set", ".EXPUNGED", "owner", *FULL, "post", "admin")
    with user.imap() as session:
        for _ in range(2):
            for command in ("MYRIGHTS", "GETACL"):
                expected = set("lrwstipekxa") - (set("ipekx") if protect else set())
                assert rights_of(session, command, ".EXPUNGED") == expected, command
                assert rights_of(session, command, "INBOX") == set("lrwstipekxa"), command
            if dovecot.version >= (2, 4):
                shown = session.ok('LIST "" * RETURN (MYRIGHTS)').lines("MYRIGHTS")
                assert {line.split()[2].strip('"'): set(line.split()[-1]) - set("cd") for line in shown if "Trash" not in line} == {
                    ".EXPUNGED": expected, "INBOX": set("lrwstipekxa")}
            # what is shown does not change what can be done
            session.select(".EXPUNGED")
            session.ok("UID MOVE 1:* INBOX")
            session.select("INBOX")
            session.delete()
            session.ok("UNSELECT")
    assert len(user.kept()) == 3
