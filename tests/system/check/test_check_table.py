"""A table of configurations, good and bad. What is deleted by each protocol is deleted for real, and check must say what then happened."""

import json
from dataclasses import dataclass, field, replace

import pytest

from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, Namespace, settings
from harness.dovecot.mail import message
from harness.waiting import wait_for

pytestmark = pytest.mark.any_format

# Old loses its older mails when a session or a delivery ends: that is what LMTP deletes.
OLD = Mailbox("Old", autoexpunge_max_mails=1)
MAILBOXES = DEFAULT_MAILBOXES + (OLD, Mailbox(".EXPUNGED"))
PROTOCOLS = ("lmtp", "imap", "pop3")
LAZY = dict(mailbox=".EXPUNGED", only_last_instance=False)


@dataclass(frozen=True)
class Row:
    """A configuration. lost: the protocols that delete for good, of INBOX (imap, pop3) or of Old (lmtp).

    work: whether imap keeps what is deleted from Work; None: as from INBOX. since, until: the versions of Dovecot that it is for.
    users: fields of the userdb for the user. files: what is in the configuration's files.
    """
    name: str
    lost: str = ""
    raw23: str = ""
    raw24: str = ""
    lazy: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict)
    users23: dict = field(default_factory=dict)
    users24: dict = field(default_factory=dict)
    work: bool = None
    since: str = ""
    until: str = ""

    def param(self):
        marks = [pytest.mark.since(self.since)] if self.since else []
        marks += [pytest.mark.until(self.until)] if self.until else []
        return pytest.param(self, id=self.name, marks=marks)


def for_protocol(name, text):
    indented = "".join(f"  {line}\n" for line in text.splitlines())
    return f"protocol {name} {{\n{indented}}}\n"


def plugin(text):
    return f"plugin {{\n  {text}\n}}"


def off(protocol):
    return dict(raw23=for_protocol(protocol, plugin("lazy_expunge =")), raw24=for_protocol(protocol, "lazy_expunge_mailbox ="))


def excluded(protocol, name):
    return dict(raw23=for_protocol(protocol, plugin(f"lazy_expunge_exclude = {name}")),
                raw24=for_protocol(protocol, f"lazy_expunge_exclude = {name}"))


def only_in(protocol):
    return dict(raw23=for_protocol(protocol, plugin("lazy_expunge = .EXPUNGED")),
                raw24=for_protocol(protocol, "lazy_expunge_mailbox = .EXPUNGED"), lazy={"mailbox": None})


ALL = "lmtp imap pop3"
TABLE = [
    Row("sound"),
    Row("set-nowhere", ALL, lazy={"mailbox": None}),
    *[Row(f"{name}-turns-it-off", name, **off(name)) for name in PROTOCOLS],
    *[Row(f"{name}-excludes-all", name, **excluded(name, "*")) for name in PROTOCOLS],
    Row("only-doveadm-has-it", ALL, **only_in("doveadm")),
    Row("only-imap-has-it", "lmtp pop3", **only_in("imap")),
    Row("capitals", ALL, raw23=plugin("LAZY_EXPUNGE = .EXPUNGED") + "\n", lazy={"mailbox": None}, until="2.4"),
    Row("inbox-is-excluded", "imap pop3", lazy={"exclude": ["INBOX"]}, work=True),
    Row("inbox-by-a-wildcard", "imap pop3", lazy={"exclude": ["I*"]}, work=True),
    Row("inbox-by-another-wildcard", "imap pop3", lazy={"exclude": ["?NBO*"]}, work=True),
    Row("work-is-excluded", lazy={"exclude": ["Work"]}, work=False),
    Row("imap-excludes-work", work=False, **excluded("imap", "Work")),
    Row("old-is-excluded", "lmtp", lazy={"exclude": ["Old"]}),
    Row("inbox-has-a-block", "imap pop3", fields=dict(mailboxes=MAILBOXES + (Mailbox("INBOX", raw24="lazy_expunge_mailbox ="),)),
        work=True, since="2.4"),
    Row("work-has-a-block", fields=dict(mailboxes=MAILBOXES + (Mailbox("Work", raw24="lazy_expunge_mailbox ="),)), work=False, since="2.4"),
    Row("a-namespace-of-imap-alone", "imap", raw24=for_protocol("imap", "namespace inbox {\n  lazy_expunge_mailbox =\n}"), since="2.4"),
    Row("a-mailbox-of-pop3-alone", "pop3", raw24=for_protocol(
        "pop3", "namespace inbox {\n  mailbox INBOX {\n    lazy_expunge_mailbox =\n  }\n}"), since="2.4"),
    Row("imap-has-its-own-plugins", "imap", raw23=for_protocol("imap", "mail_plugins = quota"), raw24=for_protocol("imap", "mail_plugins = quota")),
    Row("plugins-of-a-file", raw23="mail_plugins = <@ROOT@/plugins\n", until="2.4",
        fields=dict(load_plugin=False, files=(("plugins", "lazy_expunge quota"),))),
    Row("plugins-of-a-file-without-it", ALL, raw23="mail_plugins = <@ROOT@/plugins\n", until="2.4",
        fields=dict(load_plugin=False, files=(("plugins", "quota"),))),
    Row("the-userdb-turns-it-off", ALL, fields=dict(passwd_file=True), users24={"lazy_expunge_mailbox": ""}, since="2.4"),
    # an empty field of a userdb is none
    Row("the-userdb-has-an-empty-field", fields=dict(passwd_file=True), users23={"lazy_expunge": ""}, until="2.4"),
    Row("the-userdb-turns-it-on", fields=dict(passwd_file=True), lazy={"mailbox": None},
        users23={"lazy_expunge": ".EXPUNGED"}, users24={"lazy_expunge_mailbox": ".EXPUNGED"}),
    Row("the-userdb-goes-before-a-protocol", fields=dict(passwd_file=True), **off("imap"), users23={"lazy_expunge": ".EXPUNGED"}, until="2.4"),
    Row("a-protocol-goes-before-the-userdb", "imap", fields=dict(passwd_file=True), **off("imap"),
        users24={"lazy_expunge_mailbox": ".EXPUNGED"}, since="2.4", until="2.4.5"),
    Row("the-userdb-goes-before-a-protocol-again", fields=dict(passwd_file=True), **off("imap"),
        users24={"lazy_expunge_mailbox": ".EXPUNGED"}, since="2.4.5"),
    Row("the-userdb-takes-the-plugin", ALL, fields=dict(passwd_file=True),
        users23={"mail_plugins": "quota"}, users24={"mail_plugins/lazy_expunge": "no"}),
    Row("the-storage-of-imap-is-another", raw23=for_protocol("imap", plugin("lazy_expunge = Elsewhere")),
        raw24=for_protocol("imap", "lazy_expunge_mailbox = Elsewhere")),
]
# What is kept where doveadm does not look is FAIL, though it is kept.
KEPT_ELSEWHERE = {"the-storage-of-imap-is-another": {"imap"}, "only-imap-has-it": {"imap"}}


def rows_of(user, *arguments):
    done = user.server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, *arguments, check=False)
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert done.code == (1 if any(row["state"] == "FAIL" for row in rows.values()) else 0), done
    return rows


def exists_somewhere(user, subject):
    return any(found.subject == subject for found in user.messages("*"))


def delete_by(user, protocol, tag):
    """Delete one mail as this protocol does; whether it is anywhere in the account afterwards."""
    subject = f"{tag}-{protocol}"
    if protocol == "lmtp":
        user.doveadm("save", "-m", "Old", input=message(subject=subject))
        user.doveadm("save", "-m", "Old", input=message(subject=f"{subject}-newer"))
        user.deliver(message(subject=f"{subject}-delivered"))
        user.server.settle()
        assert [found.subject for found in user.messages("Old")] == [f"{subject}-newer"]
        user.doveadm("expunge", "mailbox", "INBOX", "all")
    else:
        user.doveadm("save", "-m", "INBOX", input=message(subject=subject))
        if protocol == "imap":
            with user.imap("INBOX") as session:
                session.delete()
        else:
            session = user.pop3()
            session.dele(1)
            session.quit()
        wait_for(lambda: not user.messages("INBOX"), "the mail to go")
    return exists_somewhere(user, subject)


@pytest.mark.parametrize("row", [row.param() for row in TABLE])
def test_check_says_what_is_true(dovecot, row):
    series = "2.3" if dovecot.version < (2, 4) else "2.4"
    lazy = {key: value for key, value in dict(LAZY, **row.lazy).items() if value is not None}
    server = dovecot.own(**dict(dict(mailboxes=MAILBOXES), **row.fields), lazy=settings(**lazy), raw23=row.raw23, raw24=row.raw24)
    server.expect_log("lazy_expunge_exclude names every mailbox", required=False)
    user = server.user()
    if server.config.passwd_file:
        server.write_users([(user, row.users23 if series == "2.3" else row.users24)])
    for name in ("Work", "Old"):
        user.doveadm("mailbox create", name)
    lost = {protocol for protocol in PROTOCOLS if not delete_by(user, protocol, row.name)}
    assert lost == set(row.lost.split())
    user.doveadm("save", "-m", "Work", input=message(subject="work"))
    with user.imap("Work") as session:
        session.delete()
    kept = exists_somewhere(user, "work")
    assert kept == (("imap" not in lost) if row.work is None else row.work)
    rows = rows_of(user)
    said = {protocol: rows[f"protocol-{protocol}"] for protocol in PROTOCOLS}
    failed = {protocol for protocol in ("imap", "pop3") if said[protocol]["state"] == "FAIL"}
    assert failed == (lost & {"imap", "pop3"}) | KEPT_ELSEWHERE.get(row.name, set()), said
    # of LMTP's Old check says by name that it is not protected
    assert (said["lmtp"]["state"] == "FAIL" or "Old" in said["lmtp"]["found"]) == ("lmtp" in lost) or said["lmtp"]["state"] == "FAIL", said
    before = user.mailboxes()
    live = rows_of(user, "--live")
    # where doveadm knows no storage, there is none to look into
    if "live" in live:
        failed_live = {protocol for protocol in ("imap", "pop3") if live[f"live-{protocol}"]["state"] == "FAIL"}
        assert failed_live == failed, live
    assert user.mailboxes() == before and not [found for found in user.messages("*") if "probe" in found.subject]
    if row.work is False:
        assert "Work" in said["imap"]["found"] and "not" in said["imap"]["found"], said


# What users see of the storage, and what they can do there.

@dataclass(frozen=True)
class Seen(Row):
    """hidden: imap does not list the storage. protected: what a user deletes there is not gone. unknown: check cannot know, and says why.

    storage: the mailbox that has what is kept of INBOX.
    """
    hidden: bool = False
    protected: bool = False
    unknown: bool = False
    storage: str = ".EXPUNGED"


ON, OFF = dict(hidden=True, protect=True), dict(hidden=False, protect=False)


def words(lazy, indent=0):
    return "\n".join(f"{' ' * indent}lazy_expunge_{key} = {'yes' if value else 'no'}" for key, value in lazy.items())


def block(head, text):
    return f"{head} {{\n{text}\n}}\n"


def for_one(protocol, lazy):
    return dict(raw23=for_protocol(protocol, block("plugin", words(lazy, 2))), raw24=for_protocol(protocol, words(lazy)))


def filtered(**lazy):
    return dict(fields=dict(mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", lazy=settings(**lazy)),)), since="2.4")


def namespace(**fields):
    space = replace(Namespace("expunged", "Gone/", separator="/", format="maildir", path="~/gone", list="yes"), **fields)
    return dict(fields=dict(namespaces=(space,)), storage="Gone/INBOX")


def tree(inside, **lazy):
    """EXPUNGED/%{event:mailbox}, with a filter for all its mailboxes."""
    text = "lazy_expunge_mailbox = EXPUNGED/%{event:mailbox}\n" + block("namespace inbox", block("  mailbox EXPUNGED/*", words(inside, 4)))
    return dict(raw24=text, lazy=dict(lazy, mailbox=None), storage="EXPUNGED/INBOX", since="2.4")


def acl(rights, **more):
    return dict(fields=dict(acl=((".EXPUNGED", (("owner", rights),)),)), **more)


def without_acl(protocol):
    return dict(raw23=for_protocol(protocol, "mail_plugins = lazy_expunge"),
                raw24=for_protocol(protocol, "mail_plugins/acl = no\nmail_plugins/imap_acl = no"))


INBOX_HAS_BOTH = block("namespace inbox", words(ON, 2))
SEEN = [
    Seen("open"),
    Seen("both", lazy=ON, hidden=True, protected=True),
    Seen("hidden", lazy=dict(hidden=True), hidden=True),
    Seen("protected", lazy=dict(protect=True), protected=True),
    Seen("imap-has-neither", lazy=ON, **for_one("imap", OFF)),
    Seen("imap-does-not-hide", lazy=ON, protected=True, **for_one("imap", dict(hidden=False))),
    Seen("imap-does-not-protect", lazy=ON, hidden=True, **for_one("imap", dict(protect=False))),
    Seen("imap-alone-has-both", hidden=True, protected=True, **for_one("imap", ON)),
    Seen("doveadm-alone-has-both", **for_one("doveadm", ON)),
    Seen("a-mailbox-has-both", hidden=True, protected=True, **filtered(**ON)),
    Seen("a-mailbox-has-neither", lazy=ON, **filtered(**OFF)),
    Seen("a-mailbox-is-not-hidden", lazy=ON, protected=True, **filtered(hidden=False)),
    Seen("the-namespace-of-the-inbox-has-both", raw24=INBOX_HAS_BOTH, hidden=True, protected=True, since="2.4"),
    Seen("a-mailbox-goes-before-the-namespace", raw24=INBOX_HAS_BOTH, **filtered(**OFF)),
    Seen("a-namespace", lazy=dict(mailbox="Gone/"), **namespace()),
    Seen("a-namespace-with-both", lazy=dict(ON, mailbox="Gone/"), hidden=True, protected=True, **namespace()),
    Seen("a-namespace-that-is-not-listed", lazy=dict(mailbox="Gone/"), hidden=True, **namespace(list="no", hidden=True)),
    Seen("a-namespace-that-has-both-in-its-block", lazy=dict(mailbox="Gone/"), hidden=True, protected=True, since="2.4",
         **namespace(raw24=words(ON))),
    Seen("a-namespace-that-has-neither-in-its-block", lazy=dict(ON, mailbox="Gone/"), since="2.4", **namespace(raw24=words(OFF))),
    Seen("a-tree", **tree({})),
    Seen("a-tree-with-both", hidden=True, protected=True, **tree(ON)),
    Seen("a-tree-with-neither", **tree(OFF, **ON)),
    Seen("acl-leaves-nothing", hidden=True, protected=True, **acl("")),
    Seen("acl-hides", hidden=True, **acl("rwstipekxa")),
    Seen("acl-does-not-let-delete", protected=True, **acl("lrwsip")),
    Seen("acl-leaves-all", **acl("lrwstipekxa")),
    Seen("acl-leaves-all-and-both-are-set", lazy=ON, hidden=True, protected=True, **acl("lrwstipekxa")),
    Seen("imap-has-no-acl", **acl("", **without_acl("imap"))),
    Seen("imap-alone-has-acl", hidden=True, protected=True, unknown=True, **acl("", **without_acl("doveadm"))),
]


def is_protected(user, storage):
    """A user tries to delete what is kept; whether it is there afterwards."""
    with user.imap() as session:
        if session(f"SELECT {storage}").status == "OK":
            session("STORE 1:* +FLAGS.SILENT (\\Deleted)")
            session("EXPUNGE")
            session("UNSELECT")
        else:
            session(f"DELETE {storage}")
    return len(user.messages(storage)) == 2


@pytest.mark.parametrize("row", [row.param() for row in SEEN])
def test_check_says_what_users_see(dovecot, row):
    lazy = {key: value for key, value in dict(LAZY, **row.lazy).items() if value is not None}
    user = dovecot.own(**row.fields, lazy=settings(**lazy), raw23=row.raw23, raw24=row.raw24).user()
    user.fill("INBOX", 2)
    with user.imap("INBOX") as session:
        session.delete("1:2")
    assert len(user.messages(row.storage)) == 2
    rows = rows_of(user)
    with user.imap() as session:
        # nor what is above it
        listed = [name for name in session.list() if row.storage.split("/")[0] in name]
    assert (listed == []) == row.hidden, listed
    assert is_protected(user, row.storage) == row.protected
    assert (rows["hidden"]["state"], rows["protected"]["state"]) == tuple(
        "OK" if well and not row.unknown else "WARN" for well in (row.hidden, row.protected)), rows
    if row.unknown:
        assert "ACLs" in rows["hidden"]["found"] and "ACLs" in rows["protected"]["found"]
    assert rows["protocol-imap"]["state"] == "OK" and not [found for found in rows.values() if found["state"] == "FAIL"], rows
