"""A storage is known by what it is on disk: under another spelling, in an alias or a second namespace, and never the INBOX itself."""

import json

import pytest

from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, Namespace
from harness.dovecot.mail import message

GUARDED = dict(hidden=True, protect=True, only_last_instance=False)


def row(server, user, *arguments, check=True):
    done = server.doveadm("-f", "json", "lazy-expunge", *arguments[:1], "-u", user.name, *arguments[1:], check=check)
    return done


def subjects(user, mailbox="INBOX"):
    return sorted(mail.subject for mail in user.messages(mailbox))


def delete_one(user, mailbox="INBOX", subject="gone"):
    user.append(mailbox, message(subject=subject), create=mailbox != "INBOX")
    user.doveadm("expunge", "mailbox", mailbox, "subject", subject)


# The INBOX as the storage

PATHS = {"maildir": "~/Maildir", "sdbox": "~/sdbox", "mdbox": "~/mdbox"}
STORES = {"maildir": "~/exp", "sdbox": "~/sdbox-exp", "mdbox": "~/mdbox-exp"}


def storage_namespace(dovecot, inbox=None, index=None):
    """A namespace as the storage. inbox: the path of the INBOX that it is told; index: where its index is."""
    form, path = dovecot.format, STORES[dovecot.format]
    location = f"{form}:{path}" + (f":INBOX={inbox}" if inbox else "") + (f":INDEX={index}:LISTINDEX=exp.list.index" if index else "")
    raw24 = f"mail_driver = {form}\nmail_path = {path}" + (f"\nmail_inbox_path = {inbox}" if inbox else "") + \
        (f"\nmail_index_path = {index}\nmailbox_list_index_prefix = exp.list.index" if index else "")
    return Namespace("expunged", ".EXPUNGED/", hidden=True, list="no", subscriptions=False, raw23=f"location = {location}",
                     raw24=raw24, mailboxes=(Mailbox("*", autoexpunge="7 days"),))


def inbox_path(dovecot):
    return {"maildir": "~/Maildir", "sdbox": "~/sdbox/mailboxes/INBOX/dbox-Mails", "mdbox": "~/mdbox/mailboxes/INBOX/dbox-Mails"}[dovecot.format]


@pytest.mark.since("2.4")
@pytest.mark.parametrize("kind", ["own", "elsewhere"])
def test_an_inherited_inbox_path_is_not_the_storage(dovecot, kind):
    """As with Debian's own 10-mail.conf, which has mail_inbox_path at top level."""
    path = "~/in" if kind == "elsewhere" else inbox_path(dovecot)
    server = dovecot.own(namespaces=(storage_namespace(dovecot),), lazy=dict(GUARDED, mailbox=".EXPUNGED/"),
                         raw24=f"mail_inbox_path = {path}")
    user = server.user()
    user.deliver(message(subject="alive"))
    assert user.kept() == []
    user.deliver(message(subject="gone"))
    with user.imap("INBOX") as session:
        session.delete("2")
        assert session.search() == [1]
    assert [mail.subject for mail in user.kept()] == ["gone"] and subjects(user) == ["alive"]
    server.doveadm("lazy-expunge", "maintain", "-u", user.name)
    server.doveadm("lazy-expunge", "restore", "-u", user.name, "ALL")
    assert subjects(user) == ["alive", "gone"] and user.kept() == []
    assert "FAIL" not in row(server, user, "check", check=False).stdout.decode().replace("FAILED", "")


SHARED = {
    "inbox": lambda dovecot: dict(namespace=storage_namespace(dovecot, inbox=inbox_path(dovecot)), said="has the INBOX itself"),
    "index": lambda dovecot: dict(namespace=storage_namespace(dovecot, index="~/index"), index="~/index", said="index files"),
}


@pytest.mark.parametrize("what", ["index", pytest.param("inbox", marks=pytest.mark.until("2.4"))])
def test_where_source_and_storage_are_one_all_mail_is_left_alone(dovecot, what):
    case = SHARED[what](dovecot)
    server = dovecot.own(namespaces=(case["namespace"],), lazy=dict(GUARDED, mailbox=".EXPUNGED/", max_storage="1"),
                         index=case.get("index", ""))
    server.allow_log("No mail can be deleted until this is corrected|cannot be the storage|Rebuilding index")
    user = server.user()
    for subject in ("one", "two"):
        user.deliver(message(subject=subject))
    with user.imap("INBOX") as session:
        session.ok("STORE 1 +FLAGS (\\Deleted)")
        session.no("EXPUNGE")
    for command in (["maintain"], ["restore", "ALL"], ["list", "ALL"], ["status"]):
        done = row(server, user, *command, check=False)
        assert done.code != 0 and case["said"] in done.stderr.decode(), (command, done)
    done = row(server, user, "check", check=False)
    found = {each["id"]: each["remedy"] for each in json.loads(done.stdout) if each["state"] == "FAIL" and case["said"] in each["found"]}
    assert done.code != 0 and {"storage", "protocol-doveadm"} <= set(found), done.stdout
    assert found["protocol-doveadm"] == found["protocol-imap"] == found["storage"] and "trailing separator" not in found["storage"]
    assert subjects(user) == ["one", "two"]


@pytest.mark.until("2.4")
def test_the_inbox_by_its_name_is_no_storage(dovecot):
    server = dovecot.own(lazy=dict(mailbox="INBOX"))
    server.allow_log("No mail can be deleted until this is corrected|cannot be the storage")
    user = server.user()
    user.deliver(message(subject="one"))
    with user.imap("INBOX") as session:
        session.ok("STORE 1 +FLAGS (\\Deleted)")
        session.no("EXPUNGE")
    assert subjects(user) == ["one"]


# Other names of the storage

def second(dovecot, **fields):
    """A second namespace over the location of the INBOX."""
    return Namespace("dup", "Dup/", format=dovecot.format, path=PATHS[dovecot.format], subscriptions=False, **fields)


@pytest.mark.parametrize("storage", ["EXPUNGED", ".EXPUNGED"])
def test_a_second_namespace_neither_shows_the_storage_nor_lets_it_be_changed(dovecot, storage):
    server = dovecot(namespaces=(second(dovecot),), lazy=dict(GUARDED, mailbox=storage))
    user = server.user()
    delete_one(user)
    with user.imap() as session:
        assert not [name for name in session.list() if "EXPUNGED" in name]
        name = "Dup/" + (storage if dovecot.format != "maildir" else storage.replace(".", "=2e"))
        if session(f"SELECT {name}").ok:
            session.ok("STORE 1 +FLAGS (\\Deleted)")
            session("EXPUNGE")
            session.ok("UNSELECT")
        session.no(f"DELETE {name}")
        session.no(f"RENAME {name} Dup/other")
    assert [mail.subject for mail in user.kept()] == ["gone"]


def test_restore_does_not_go_into_what_shows_the_storage(dovecot):
    server = dovecot(namespaces=(second(dovecot),), lazy=dict(GUARDED, mailbox="EXPUNGED"))
    user = server.user()
    delete_one(user)
    for arguments in (["-n"], []):
        done = row(server, user, "restore", *arguments, "-t", "Dup/EXPUNGED", "ALL", check=False)
        assert done.code == 64, done
    assert [mail.subject for mail in user.kept()] == ["gone"]


def test_restore_does_not_go_into_a_virtual_mailbox_with_the_storage(dovecot):
    server = dovecot(virtual=True)
    user = server.user()
    delete_one(user)
    user.make_virtual("All", "*\n  all\n")
    for arguments in (["-n"], []):
        done = row(server, user, "restore", *arguments, "-t", "Virtual/All", "ALL", check=False)
        assert done.code == 64 and "Virtual/All shows the expunge storage" in done.stderr.decode(), done
    assert [mail.subject for mail in user.kept()] == ["gone"]


@pytest.mark.formats("maildir")
def test_another_spelling_is_the_storage_still(dovecot):
    server = dovecot(lazy=dict(GUARDED, mailbox=".EXPUNGED"), raw23="mail_location = maildir:~/Maildir:BROKENCHAR=^",
                     raw24="mailbox_list_visible_escape_char = ^")
    user = server.user()
    delete_one(user)
    spelled = "=2e^45XPUNGED"
    with user.imap() as session:
        session.ok(f"SELECT {spelled}")
        session.ok("STORE 1 +FLAGS ($Expunged-From:forged \\Deleted)")
        session("EXPUNGE")
        session.ok("UNSELECT")
        session.no(f"RENAME {spelled} away")
        session.no(f"DELETE {spelled}")
        session.no(f"APPEND {spelled} () {{}}", message())
    [kept] = user.kept()
    assert (kept.subject, kept.origin) == ("gone", "INBOX")


def test_the_parent_of_the_storage_in_an_alias_is_not_renamed(dovecot):
    alias = Namespace("alias", "Alias/", subscriptions=False, raw23="alias_for =\nlist = no", raw24="alias_for =\nlist = no")
    server = dovecot(namespaces=(alias,), lazy=dict(GUARDED, mailbox="Parent/Gone"))
    user = server.user()
    user.append("Parent", message(subject="in the parent"), create=True)
    delete_one(user)
    with user.imap() as session:
        for name in ("Parent", "Alias/Parent"):
            session.no(f"RENAME {name} Other")
    assert [mail.subject for mail in user.kept()] == ["gone"]


@pytest.mark.until("2.4")
@pytest.mark.formats("maildir", "sdbox")
def test_a_link_of_the_mailbox_alias_plugin_is_the_storage_still(dovecot):
    server = dovecot(mail_plugins=("mailbox_alias",), lazy=dict(GUARDED, mailbox="EXPUNGED"),
                     raw23="plugin {\n  mailbox_alias_old = EXPUNGED\n  mailbox_alias_new = Rubbish\n}")
    user = server.user()
    delete_one(user)
    before = [(mail.uid, mail.subject, mail.origin) for mail in user.kept()]
    with user.imap() as session:
        session("CREATE Rubbish")
        assert "Rubbish" not in session.list()
        if session("SELECT Rubbish").ok:
            session.ok("STORE 1 +FLAGS (\\Deleted)")
            session("EXPUNGE")
            session.ok("UNSELECT")
        session("DELETE Rubbish")
    assert [(mail.uid, mail.subject, mail.origin) for mail in user.kept()] == before == [(1, "gone", "INBOX")]


@pytest.mark.since("2.4")
@pytest.mark.formats("sdbox", "mdbox")
def test_a_path_is_the_storage_still(dovecot):
    """Maildir++ takes no path with a dot in it, and 2.3 does not survive one of dbox."""
    raw = "mail_full_filesystem_access = yes"
    server = dovecot(lazy=dict(GUARDED, mailbox="EXPUNGED"), raw=raw)
    user = server.user()
    delete_one(user)
    path = user.mail_path / "mailboxes/EXPUNGED/dbox-Mails"
    with user.imap() as session:
        session.ok(f"SELECT {path}")
        session.ok("STORE 1 +FLAGS (\\Deleted)")
        session("EXPUNGE")
        session.ok("UNSELECT")
        session.no(f"DELETE {path}")
    assert [mail.subject for mail in user.kept()] == ["gone"]


@pytest.mark.any_format
@pytest.mark.parametrize("prefix", ["INBOX/", "mail/"])
def test_a_name_without_the_prefix_that_all_namespaces_have(dovecot, prefix):
    """Nothing can be deleted until it is written as it must be, and that is said."""
    places = dict(raw23=f"namespace inbox {{\n  prefix = {prefix}\n  separator = /\n}}", raw24=f"namespace inbox {{\n  prefix = {prefix}\n  separator = /\n}}")
    server = dovecot.own(lazy={"mailbox": "EXPUNGED"}, mailboxes=(), **places)
    server.expect_log("no namespace has a mailbox of this name", required=False)
    user = server.user()
    user.deliver()
    with user.imap("INBOX") as session:
        session("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        assert not session("UID EXPUNGE 1:*").ok
    assert len(user.messages("INBOX")) == 1
    done = server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, check=False)
    row = {row["id"]: row for row in json.loads(done.stdout)}["storage"]
    assert done.code == 1 and row["state"] == "FAIL" and f"write {prefix}EXPUNGED" in row["found"], row
    assert row["remedy"] == "write the name with the prefix of its namespace"
    assert server.doveadm("lazy-expunge", "list", "-u", user.name, check=False).code == 78
