"""The configurations of conf.d: loaded as they are, and with each of their variants, and mail that is deleted is found."""

import re
import time

import pytest

from harness import Quota, message, places, wait_for
from harness.dovecot.config import settings
from harness.dovecot.render import MAIL_DIRECTORY

FILE = "90-lazy-expunge.conf"
ACL_FILE = "/etc/dovecot/lazy-expunge.acl"
VERSIONS = ("2.3", "2.4")


def text_of(version):
    return (places.SOURCE / "conf.d" / version / FILE).read_text()


def is_setting(line):
    """Whether a line that begins with # is one to be used without it, as the file's head says."""
    return re.match(r"#(?!#|\s?$| \S)", line) is not None


def variants(version):
    """{words before a group of settings that are commented out: the text with just that group uncommented}."""
    lines, found, begin = text_of(version).splitlines(), {}, None
    for number, line in enumerate(lines + [""]):
        inside = is_setting(line) or (begin is not None and line == "#")
        if inside and begin is None:
            begin = number
        elif not inside and begin is not None:
            name = re.sub(r"\W+", "-", " ".join(lines[begin].split()[:3])).strip("-") + f"-line-{begin + 1}"
            uncommented = [row[1:] if begin <= at < number else row for at, row in enumerate(lines)]
            found[name] = "\n".join(uncommented) + "\n"
            begin = None
    return found


def with_text(make, text, **fields):
    """A server, made by dovecot() or dovecot.own(), whose settings of lazy_expunge come from the file alone."""
    text = text.replace(ACL_FILE, "@ROOT@/lazy-expunge.acl")
    acl = (("lazy-expunge.acl", ".EXPUNGED owner rwstipekxa\n"),)
    return make(lazy=settings(), mailboxes=(), load_plugin=False, files=((FILE, text),) + acl, quota=Quota(storage="10M"), raw=f"!include @ROOT@/{FILE}", **fields)


def series(dovecot):
    return "2.4" if dovecot.target.new_settings else "2.3"


def kept(user, storage=".EXPUNGED"):
    return user.messages(storage)


def contents(mails):
    """What must be kept, sorted by GUID. Dovecot 2.4.5 adds keywords of its own when a mail is saved in another format or first read."""
    own = {"$HasAttachment", "$HasNoAttachment"}
    return sorted((mail.content[:2] + (mail.keywords - own,) + mail.content[3:] for mail in mails), key=lambda content: content[0])


def delete_in_every_way(user):
    """IMAP, POP3 and doveadm; returns what was deleted. LMTP only delivers."""
    user.deliver()
    user.fill("INBOX", 2, "\\Flagged")
    before = user.messages()
    with user.imap("INBOX") as session:
        session.delete("1")
    pop3 = user.pop3()
    pop3.dele(1)
    pop3.quit()
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    assert user.messages() == []
    return before


def assert_hidden_and_protected(user):
    before = len(kept(user))
    assert before > 0
    with user.imap() as session:
        assert not [mailbox for mailbox in session.list() if "EXPUNGED" in mailbox]
        session.select(".EXPUNGED")
        session.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)")
        assert session("EXPUNGE").lines("EXPUNGE") == []
        session.no('APPEND ".EXPUNGED" {}', message())
    assert len(kept(user)) == before


@pytest.mark.parametrize("separator", ["/", "."])
def test_as_it_is(dovecot, separator):
    user = with_text(dovecot, text_of(series(dovecot)), separator=separator).user()
    deleted = delete_in_every_way(user)
    assert contents(kept(user)) == contents(deleted)
    assert {mail.origin for mail in kept(user)} == {"INBOX"}
    assert_hidden_and_protected(user)


def test_a_protocol_with_plugins_of_its_own_keeps_too(dovecot):
    """On 2.3 a mail_plugins line in a protocol block hides what comes later: the file has to add to each."""
    before = {"2.3": "protocol %s {\n  mail_plugins = $mail_plugins imap_zlib\n}\n",
              "2.4": "protocol %s {\n  mail_plugins {\n    mail_compress = yes\n  }\n}\n"}[series(dovecot)]
    text = "".join(before % protocol for protocol in ("imap", "pop3", "lmtp")).replace("imap_zlib", "zlib")
    user = with_text(dovecot, text + text_of(series(dovecot))).user()
    deleted = delete_in_every_way(user)
    assert len(kept(user)) == len(deleted)


@pytest.mark.parametrize("separator", ["/", "."])
def test_its_retention_is_in_force(dovecot, separator):
    text = text_of(series(dovecot))
    assert text.count("\n    autoexpunge = 7 days\n") == 1 and text.count("\n    autoexpunge_max_mails = 100000\n") == 1
    assert text.count("\n    autoexpunge = 30 days\n") == 2
    text = text.replace("\n    autoexpunge = 7 days\n", "\n    autoexpunge = 2s\n").replace(" = 30 days\n", " = 2s\n")
    user = with_text(dovecot, text, separator=separator).user()
    for mailbox in ("Trash", "Junk"):
        user.append(mailbox, create=True)
        [mail] = user.messages(mailbox)
        wait_for(lambda: time.time() > mail.saved + 2.1, "the mail to be old enough")
        user.imap("INBOX").logout()
        wait_for(lambda: user.messages(mailbox) == [], f"{mailbox} to be emptied")
        wait_for(lambda: [one.guid for one in kept(user)] == [mail.guid], "what was in it to be kept")
        wait_for(lambda: time.time() > kept(user)[0].saved + 2.1, "what is kept to be old enough")
        user.imap("INBOX").logout()
        wait_for(lambda: kept(user) == [], "the storage to be emptied")


@pytest.mark.until("2.4")
@pytest.mark.parametrize("variant", variants("2.3"))
def test_variant_of_2_3(dovecot, variant):
    assert_variant_keeps(dovecot, variants("2.3")[variant])


@pytest.mark.since("2.4")
@pytest.mark.parametrize("variant", variants("2.4"))
def test_variant_of_2_4(dovecot, variant):
    assert_variant_keeps(dovecot, variants("2.4")[variant])


def storage_of(text):
    """The mailbox into which the INBOX's mail goes."""
    return ".EXPUNGED/INBOX" if re.search(r"^ *lazy_expunge(_mailbox)? = \.EXPUNGED/(%\{event:mailbox\})?$", text, re.MULTILINE) else ".EXPUNGED"


def with_namespaces(version):
    """The file as it is, and its variants that have a namespace as the storage."""
    return {"as it is": text_of(version),
            **{name: text for name, text in variants(version).items() if storage_of(text) != ".EXPUNGED"}}


DEBIANS = ("10-mail.conf", "15-lda.conf", "15-mailboxes.conf", "20-imap.conf", "20-lmtp.conf", "20-pop3.conf", "90-acl.conf", "90-quota.conf")


def debians_own(dovecot):
    """Debian's own configuration files of the release that concern mail, with the format of the test for mbox and the spool within the
    user's home, as an administrator has them."""
    text = "".join((dovecot.target.root / "usr/share/dovecot/conf.d" / name).read_text() for name in DEBIANS)
    path = f"~/{MAIL_DIRECTORY[dovecot.format]}"
    for old, new in (("mail_driver = mbox", f"mail_driver = {dovecot.format}"), ("mail_path = %{home}/mail", f"mail_path = {path}"),
                     ("mail_home = /home/%{user | username}\n", ""), ("mail_inbox_path = /var/mail/%{user}", "mail_inbox_path = ~/spool"),
                     ("mail_location = mbox:~/mail:INBOX=/var/mail/%u", f"mail_location = {dovecot.format}:{path}:INBOX=~/spool")):
        assert (old in text) == (("mail_location" in old) != dovecot.target.new_settings), old
        text = text.replace(old, new)
    return text


def assert_variant_keeps_upon(dovecot, text):
    """The same on top of Debian's files, where mail that nobody has deleted stays what it is."""
    user = with_text(dovecot, debians_own(dovecot) + text).user()
    storage = storage_of(text)
    user.deliver(message(subject="alive"))
    assert kept(user, storage) == [] and (user.home / "spool").is_dir()
    deleted = delete_in_every_way(user)
    assert contents(kept(user, storage)) == contents(deleted)
    user.deliver(message(subject="alive again"))
    user.doveadm("lazy-expunge restore", "all")
    assert [mail.subject for mail in user.messages()][0] == "alive again" and kept(user, storage) == []
    assert len(user.messages()) == len(deleted) + 1


@pytest.mark.until("2.4")
@pytest.mark.parametrize("variant", with_namespaces("2.3"))
def test_variant_of_2_3_upon_debians_files(dovecot, variant):
    assert_variant_keeps_upon(dovecot, with_namespaces("2.3")[variant])


@pytest.mark.since("2.4")
@pytest.mark.parametrize("variant", with_namespaces("2.4"))
def test_variant_of_2_4_upon_debians_files(dovecot, variant):
    assert_variant_keeps_upon(dovecot, with_namespaces("2.4")[variant])


def assert_variant_keeps(dovecot, text):
    user = with_text(dovecot, text).user()
    storage = storage_of(text)
    deleted = delete_in_every_way(user)
    assert contents(kept(user, storage)) == contents(deleted)
    with user.imap() as session:
        assert not [mailbox for mailbox in session.list() if "EXPUNGED" in mailbox], "each variant hides the storage"
    if storage != ".EXPUNGED":
        assert_retention_removes(dovecot, user, text.replace(" = 7 days\n", " = 1s\n"), storage)


def assert_retention_removes(dovecot, user, text, storage):
    """The same user on a server with this text, whose retention is short."""
    newest = max(mail.saved for mail in kept(user, storage))
    wait_for(lambda: time.time() > newest + 1.1, "what is kept to be old enough")
    other = with_text(dovecot.own, text, mail_root=user.server.mail_root).user(user.name)
    other.imap("INBOX").logout()
    wait_for(lambda: kept(other, storage) == [], "the storage to be emptied")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_setting_is_in_it(version):
    names = re.findall(r"\b(lazy_expunge\w*) =", text_of(version))
    wanted = ["", "_only_last_instance", "_exclude", "_quota_ignore", "_hidden", "_protect", "_origin", "_shared", "_max_storage",
              "_on_failure", "_hold", "_look_mails", "_look_time", "_look_remember", "_look_age", "_account_keep"]
    if version == "2.4":
        wanted[0] = "_mailbox"
    assert {f"lazy_expunge{name}" for name in wanted} <= set(names)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_variants_are_found(version):
    """The test of variants is one of variants that exist: quota twice, ACL, two namespaces, and the settings."""
    assert len(variants(version)) >= 6
    assert all(line in text for text in variants(version).values() for line in text_of(version).splitlines()
               if line and not line.startswith("#"))
