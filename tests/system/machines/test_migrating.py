"""doc/MIGRATING.md: each of its steps, with its commands and configurations as they are written there."""

import json
import re
import time
from dataclasses import replace

import pytest

from harness import message, places, wait_for
from harness.machines import targets
from harness.dovecot.config import Config, DEFAULT_MAILBOXES, Mailbox, Quota, namespace_mode, settings
from harness.dovecot.server import Server

TEXT = (places.SOURCE / "doc/MIGRATING.md").read_text()
SUBJECTS = {"INBOX": "Lunch", "Projects/Spring": "Offer", "Projects/Autumn": "Minutes"}
TRASH = DEFAULT_MAILBOXES[0]


def section(title):
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL).group(1)


def blocks(title, kind):
    """The fenced blocks of this kind in a section, without their indent."""
    found = re.findall(rf"^( *)```{kind}\n(.*?)^ *```$", section(title), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def commands(title):
    return [line for block in blocks(title, "sh") for line in block.splitlines()]


def run(user, line, codes=(0,)):
    """A command as it is written, for this user on her server; its output."""
    line = line.replace("-u anna", f"-u {user.name}").replace("convert-config", str(places.SOURCE / "tools/convert-config"))
    line = re.sub(r"\b(doveadm|doveconf) ", rf"\1 -c {user.server.conf} ", line)
    done = user.server.run(["sh", "-ec", line], check=False)
    assert done.code in codes, str(done)
    return done.stdout.decode()


def file_and_delete(user):
    """A mail in each mailbox, all deleted; what they were."""
    before = []
    for mailbox, subject in SUBJECTS.items():
        user.append(mailbox, message(subject=subject), "\\Flagged", create=mailbox != "INBOX")
        before += user.messages(mailbox)
        with user.imap(mailbox) as session:
            session.delete()
    return {mail.subject: mail for mail in before}


def stored(user, storage):
    """The mails in the storage. A pattern does not name the INBOX of a namespace, unless the plugin makes it."""
    if not storage.endswith("/"):
        return user.messages(storage)
    return [mail for mailbox in (*SUBJECTS, "Drafts", "Recovered") for mail in user.messages(storage + mailbox)]


def content(mail):
    return mail.content[:2] + (mail.keywords - {"$HasAttachment", "$HasNoAttachment"},) + mail.content[3:]


def assert_same(mails, before):
    """These mails are some of before, unchanged."""
    assert mails and all(content(mail) == content(before[mail.subject]) for mail in mails)


def after(dovecot, old, **fields):
    """A server of this test's target on the mail of a server that is stopped for it, and the user there."""
    [name] = [path.name for path in old.mail_root.iterdir()]
    old.close_sessions()
    old.settle()
    old.halt()
    server = dovecot.own(mail_root=old.mail_root, passwd_file=True, **fields)
    user = server.user(name)
    server.write_users([user])
    return user


def assert_expires(dovecot, user, line, storage, **fields):
    """With these fields, in which the retention is a second, the command (or the end of a session) removes what is in the storage."""
    newest = max(mail.saved for mail in stored(user, storage))
    wait_for(lambda: time.time() > newest + 1.1, "what is kept to be old enough")
    user = after(dovecot, user.server, **fields)
    assert stored(user, storage) != []
    if line:
        run(user, line)
    else:
        user.imap("INBOX").logout()
        user.server.settle()
    assert stored(user, storage) == []


def shortened(fields):
    """The fields with a retention of one second."""
    short = lambda boxes: tuple(replace(box, autoexpunge=box.autoexpunge and "1 s") for box in boxes)
    fields = dict(fields, mailboxes=short(fields.get("mailboxes", DEFAULT_MAILBOXES)))
    fields["namespaces"] = tuple(replace(one, mailboxes=short(one.mailboxes)) for one in fields.get("namespaces", ()))
    return fields


def test_no_step_is_left_out():
    titles = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    assert titles == [SHIPPED, UPGRADE, RELEASE, EARLIER, BACK]
    assert sum(len(blocks(title, "sh")) for title in titles) == len(re.findall(r"^ *```sh$", TEXT, re.MULTILINE))
    assert sum(len(blocks(title, f"dovecot {series}")) for title in titles for series in ("2.3", "2.4")) == \
        len(re.findall(r"^ *```dovecot", TEXT, re.MULTILINE)) == 3
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", TEXT)]
    assert links and all((places.SOURCE / "doc" / link).is_file() for link in links)


SHIPPED = "From the plugin that Dovecot ships"
# test_package.py goes this way, for it needs packages
RELEASE = "To the next release of Debian"


def test_from_the_shipped_plugin(dovecot):
    look, check, listing, restore, maintain = commands(SHIPPED)
    storage = Mailbox("EXPUNGED", autoexpunge="1 h")
    fields = dict(mailboxes=(TRASH, storage), lazy=settings(mailbox="EXPUNGED", only_last_instance=False))
    old = dovecot.own(plugin="shipped", **fields)
    there = old.user()
    before = file_and_delete(there)
    assert "messages=3" in run(there, look)

    user = after(dovecot, old, **fields)
    assert "FAIL" not in run(user, check)
    assert_same(user.messages("EXPUNGED"), before)
    assert all(subject in run(user, listing) for subject in SUBJECTS.values())
    run(user, restore)
    assert_same(user.messages("Recovered"), before)
    assert [mail.subject for mail in user.messages("Recovered")] == ["Offer"] and len(user.messages("EXPUNGED")) == 2
    with user.imap("Recovered") as session:
        session.delete()
    assert [mail.origin for mail in user.kept()] == [None, None, "Recovered"]
    assert_expires(dovecot, user, maintain, "EXPUNGED", **shortened(fields))


@pytest.mark.until("2.4")
def test_from_the_shipped_plugin_in_namespace_mode(dovecot):
    look, check, listing, restore, maintain = commands(SHIPPED)
    fields = namespace_mode(dovecot.format, only_last_instance=False)
    fields["lazy"] = settings(**fields["lazy"])
    old = dovecot.own(plugin="shipped", **fields)
    before = file_and_delete(old.user())
    [namespace] = fields["namespaces"]
    fields["namespaces"] = (replace(namespace, mailboxes=(Mailbox("*", autoexpunge="1 s"),)),)
    user = after(dovecot, old, **fields)
    assert "FAIL" not in run(user, check)
    assert_same(user.kept(), before)
    assert {mail.origin for mail in user.kept()} == set(SUBJECTS)
    assert all(subject in run(user, listing) for subject in SUBJECTS.values())
    run(user, restore.replace("-t Recovered ", ""))
    assert [mail.subject for mail in user.messages("Projects/Spring")] == ["Offer"]
    assert_same(user.messages("Projects/Spring"), before)
    assert_expires(dovecot, user, maintain, ".EXPUNGED/", **shortened(fields))


UPGRADE = "From Dovecot 2.3 to 2.4"


def old_fields(form, mode, plugin):
    """A server of 2.3 as its admin set it up: with excludes, quota and ACLs."""
    # the shipped plugin cannot use the other name on Maildir
    name = "EXPUNGED" if plugin == "shipped" and form == "maildir" else ".EXPUNGED"
    rights = (("owner", "rwstipekxa"),)
    lazy = dict(mailbox=name, only_last_instance=True, exclude=["\\Drafts"])
    fields = dict(quota=Quota(storage="10M"), mailboxes=(TRASH, Mailbox("Drafts", special_use="\\Drafts")))
    if mode == "namespace":
        fields.update(namespace_mode(form, name=name))
        [namespace] = fields["namespaces"]
        fields["namespaces"] = (replace(namespace, mailboxes=(Mailbox("*", autoexpunge="1 h", quota_ignore=True),)),)
        lazy["mailbox"] = name + "/"
        # with the right "l": autoexpunge of a pattern passes over what is not listed
        fields["acl"] = ((name + "/INBOX", (("owner", "lrwstipekxa"),)),)
    else:
        fields["mailboxes"] += (Mailbox(name, autoexpunge="1 h", autoexpunge_max_mails=1000, quota_ignore=True, acl=rights),)
    return dict(fields, lazy=settings(**lazy))


@pytest.mark.since("2.4")
@pytest.mark.parametrize("plugin", ["ours", pytest.param("shipped", marks=pytest.mark.formats("maildir"))])
@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_from_2_3(dovecot, mode, plugin):
    """The mail of a Dovecot 2.3, with what is kept, is opened by 2.4 with the configuration that was turned."""
    native = targets.get("native")
    if native.version >= (2, 4):
        pytest.skip("this machine has no Dovecot 2.3")
    doveconf, convert, check, listing, restore, maintain = commands(UPGRADE)
    fields = old_fields(dovecot.format, mode, plugin)
    old = Server(native, Config(format=dovecot.format, plugin=plugin, **fields), dovecot.variant)
    try:
        old.start()
        there = old.user()
        before = file_and_delete(there)
        there.append("Drafts", message(subject="a draft"), create=True)
        with there.imap("Drafts") as session:
            session.delete()
        storage = dict(fields["lazy"])["mailbox"]
        # the harness does not set excludes for the shipped plugin
        excluded = [] if plugin == "ours" else ["a draft"]
        assert sorted(mail.subject for mail in stored(there, storage)) == sorted([*SUBJECTS.values(), *excluded])
        # as they are written, in a directory of the old server
        run(there, f"cd {old.root}\n{doveconf}\n{convert}")
        text = (old.root / "90-lazy-expunge.conf").read_text()

        assert text.count("autoexpunge = 1 hours") == 1
        fields = dict(lazy=settings(), load_plugin=False, mailboxes=())
        user = after(dovecot, old, raw=text, **fields)
        assert "FAIL" not in run(user, check)
        kept = [mail for mail in stored(user, storage) if mail.subject in before]
        assert len(kept) == 3
        assert_same(kept, before)
        assert all(subject in run(user, listing) for subject in SUBJECTS.values())
        run(user, restore)
        knows = plugin == "ours" or mode == "namespace"
        target = "Projects/Spring" if knows else "INBOX"
        assert_same(user.messages(target), before)
        assert [mail.subject for mail in user.messages(target)] == ["Offer"]
        delete_again(user, target, storage, excluded)
        assert_expires(dovecot, user, maintain, storage, raw=text.replace("autoexpunge = 1 hours", "autoexpunge = 1 s"), **fields)
    finally:
        old.discard()


def delete_again(user, mailbox, storage, excluded):
    """What is deleted on 2.4 goes to the same storage, and Drafts are excluded as before."""
    with user.imap(mailbox) as session:
        session.delete()
        session.append("Drafts", message(subject="another draft"))
        session.select("Drafts")
        session.delete()
    subjects = [mail.subject for mail in stored(user, storage)]
    assert subjects.count("Offer") == 1 and ("another draft" in subjects) == bool(excluded)


EARLIER = "From an earlier 2.4 to 2.4.3 or later"


@pytest.mark.since("2.4.3")
@pytest.mark.parametrize("written", [True, False])
def test_from_an_earlier_2_4(dovecot, written):
    """With the line each copy is kept as before; without it sessions take the new default, and check tells."""
    [line] = blocks(EARLIER, "dovecot 2.4")
    server = dovecot.own(lazy=settings(mailbox=".EXPUNGED"), config_version="2.4.1", raw24=line if written else "")
    user = server.user()
    user.append()
    with user.imap("INBOX") as session:
        session.ok("COPY 1 Trash")
        session.delete()
    assert len(user.kept()) == (1 if written else 0)
    found = server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, check=False)
    [row] = [row for row in json.loads(found.stdout) if row["id"] == "last-instance"]
    assert ("each copy" in row["found"]) == written, row


BACK = "Back to the plugin that Dovecot ships"


def shipped_configuration(dovecot):
    [text] = blocks(BACK, f"dovecot {'2.4' if dovecot.target.new_settings else '2.3'}")
    assert text.count("autoexpunge = 7 days") == 1
    return text


@pytest.mark.parametrize("when", ["before", pytest.param("afterwards", marks=pytest.mark.formats("maildir"))])
def test_back_to_the_shipped_plugin(dovecot, when):
    rename, rename_later, fetch, move, flags = commands(BACK)[:5]
    old = dovecot.own(lazy={"hidden": True, "protect": True, "only_last_instance": True})
    there = old.user()
    before = file_and_delete(there)
    if when == "before":
        run(there, rename)
    text = shipped_configuration(dovecot)
    fields = dict(plugin="shipped", lazy=settings(), load_plugin=False, mailboxes=())
    user = after(dovecot, old, raw=text, **fields)
    if when == "afterwards":
        assert "=2eEXPUNGED" in user.mailboxes()
        run(user, rename_later)
    kept = user.messages("EXPUNGED")
    assert len(kept) == 3 and {mail.origin for mail in kept} == set(SUBJECTS)
    assert_same(kept, before)
    assert "Expunged-From:Projects/Spring" in run(user, fetch) and "Offer" in run(user, fetch)

    run(user, move)
    run(user, flags)
    [back] = user.messages("Projects/Spring")
    assert back.origins == () and back.subject == "Offer"
    assert_same([back], before)
    with user.imap("Projects/Spring") as session:
        session.delete()
    assert len(user.messages("EXPUNGED")) == 3, "the shipped plugin keeps what is deleted in the same mailbox"
    assert_expires(dovecot, user, None, "EXPUNGED", raw=text.replace("autoexpunge = 7 days", "autoexpunge = 1 s"), **fields)


@pytest.mark.formats("mdbox")
def test_back_from_namespace_mode(dovecot):
    away, move = commands(BACK)[-2:]
    fields = namespace_mode(dovecot.format, only_last_instance=False)
    old = dovecot.own(**fields)
    there = old.user()
    before = file_and_delete(there)
    if dovecot.target.new_settings:
        there.doveadm("mailbox create", "EXPUNGED")
        run(there, away)
        assert stored(there, ".EXPUNGED/") == []
    shipped = dict(plugin="shipped", namespaces=fields["namespaces"])
    if dovecot.target.new_settings:
        shipped.update(lazy=settings(), load_plugin=False, mailboxes=(), raw=shipped_configuration(dovecot))
    else:
        shipped.update(lazy=settings(**fields["lazy"]))
    user = after(dovecot, old, **shipped)
    source = "EXPUNGED" if dovecot.target.new_settings else ".EXPUNGED/"
    assert len(stored(user, source)) == 3
    assert_same(stored(user, source), before)
    if not dovecot.target.new_settings:
        run(user, move)
        assert_same(user.messages("Projects/Spring"), before)
        assert {mail.mailbox for mail in stored(user, ".EXPUNGED/")} == {".EXPUNGED/INBOX", ".EXPUNGED/Projects/Autumn"}
    user.append("Projects/Autumn", message(subject="Report"))
    with user.imap("Projects/Autumn") as session:
        session.delete()
    assert "Report" in [mail.subject for mail in stored(user, source)], "the shipped plugin keeps there, too"
