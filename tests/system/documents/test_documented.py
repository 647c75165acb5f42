"""What the documents say of Dovecot's own ways around a deleted mail is so: each statement by running it."""

import re
import shutil
import subprocess
import time

import pytest

from harness import Mailbox, message, name, places, wait_for
from harness.dovecot import beside
from harness.dovecot.config import DEFAULT_MAILBOXES

pytestmark = pytest.mark.any_format

OPERATIONS = (places.SOURCE / "doc/OPERATIONS.md").read_text()
RETENTION = DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge="1s"),)


def old_enough(user):
    newest = max(mail.saved for mail in user.kept())
    wait_for(lambda: time.time() > newest + 2.1, "the mail to be old enough")


# Backup.

def delete_from_many(user):
    with user.imap() as session:
        for number in range(20):
            mailbox = f"Folder {number}"
            session(f"CREATE {name(mailbox)}")
            session.append(mailbox, message(subject=mailbox), f"\\Seen \\Flagged own{number % 3}")
            session.select(mailbox)
            session.delete()


def copy_without_indexes(user, other):
    """As a backup that leaves the indexes out, with what lies in the home, put back for another user."""
    shutil.copytree(user.home, other.home, ignore=shutil.ignore_patterns("dovecot.index*", "dovecot.list.index*", "dovecot.map.index*"))
    user.server.own(other.home)


@pytest.mark.formats("maildir")
def test_a_copy_of_a_maildir_without_indexes_has_flags_keywords_and_origins(dovecot):
    server = dovecot()
    user, other = server.user(), server.user()
    delete_from_many(user)
    server.settle()
    copy_without_indexes(user, other)
    facts = lambda one: sorted((mail.guid, mail.origin, mail.flags - {"\\Recent"}, mail.keywords, mail.text) for mail in one.kept())
    assert facts(other) == facts(user) and len(facts(user)) == 20
    assert min(mail.saved for mail in other.kept()) >= max(mail.saved for mail in user.kept())


@pytest.mark.formats("maildir")
def test_a_maildir_has_letters_for_26_keywords_and_the_others_are_in_the_index_alone(dovecot):
    server = dovecot()
    user, other = server.user(), server.user()
    user.append(flags=" ".join(f"own{number:02}" for number in range(30)))
    with user.imap("INBOX") as session:
        session.delete()
    server.settle()
    copy_without_indexes(user, other)
    [kept], [back] = user.kept(), other.kept()
    assert len(kept.keywords) == 30 and 20 <= len(back.keywords) <= 26 and back.keywords < kept.keywords
    assert back.origin == kept.origin == "INBOX"


@pytest.mark.formats("sdbox")
def test_a_copy_of_an_sdbox_without_indexes_has_lost_them(dovecot):
    server = dovecot()
    user, other = server.user(), server.user()
    delete_from_many(user)
    server.settle()
    copy_without_indexes(user, other)
    server.allow_log("")
    other.doveadm("force-resync", ".EXPUNGED", check=False)
    kept = other.kept()
    assert len(kept) == 20 and all(mail.keywords - {"$HasNoAttachment"} == set() and mail.origins == () for mail in kept)


# Erasing.

WORD = "quxblorpzag"


def files_with(user, word):
    done = subprocess.run(["grep", "-rlaF", word, str(user.home)], capture_output=True, text=True)
    return done.stdout.split()


def test_a_full_text_index_forgets_a_word_when_it_is_optimized(dovecot):
    """By the commands of OPERATIONS; Debian has xapian for 2.3, and flatcurve for 2.4."""
    new = dovecot.target.new_settings
    backend = "flatcurve" if new else "xapian"
    raw = beside.FTS_RAW["2.4" if new else "2.3"].format(backend=backend).replace("fts_autoindex = yes", "fts_autoindex = no")
    server = dovecot(mail_plugins=("fts", f"fts_{backend}"), raw=raw)
    server.allow_log(beside.CHATTER["xapian"])
    user = server.user()
    user.deliver(message(subject="secret", body=f"The word {WORD} is in it.\n"))
    user.fill("INBOX", 3)
    user.doveadm("index", "INBOX")
    indexed = wait_for(lambda: [path for path in files_with(user, WORD) if re.search("xapian|flatcurve", path)], "the word to be indexed")
    assert indexed
    user.doveadm("expunge", "mailbox", "INBOX", "subject", "secret")
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "all")
    user.doveadm("purge")
    assert files_with(user, WORD) != [], "the mail is gone, and the index has the word"
    user.doveadm("fts rescan")
    if not new:
        assert files_with(user, WORD) == [], "xapian's begins anew"
    assert "doveadm fts optimize -u anna" in OPERATIONS
    user.doveadm("index", "INBOX")
    user.doveadm("fts optimize")
    assert files_with(user, WORD) == []
    assert len(user.messages()) == 3


# Retention.

def test_retention_does_not_run_when_a_hibernated_connection_breaks(dovecot):
    server = dovecot(hibernate=True, mailboxes=RETENTION)
    user = server.user()
    user.deliver()
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    server.settle()
    old_enough(user)
    session = user.imap("INBOX")
    session.idle()
    wait_for(lambda: not server.processes("imap"), "the session to hibernate")
    session.close()
    wait_for(lambda: any(user.name in line and "imap-hibernate" in line and "isconnected" in line or "onnection closed" in line
                         for line in server.info_log()), "the hibernated session to end")
    server.settle()
    assert len(user.kept()) == 1
    # one that a process serves, and that breaks in the same way
    session = user.imap("INBOX")
    session.close()
    server.settle()
    assert user.kept() == []


def test_savedsince_without_a_unit_is_a_unix_time(dovecot):
    user = dovecot().user()
    user.deliver()
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    found = lambda *query: len(user.doveadm("search", "mailbox", ".EXPUNGED", *query).stdout.splitlines())
    assert (found("savedsince", "7"), found("savedbefore", "7"), found("savedsince", "7d"), found("savedbefore", "7d")) == (1, 0, 1, 0)


def test_expunge_of_not_a_mailbox_takes_the_storage(dovecot):
    user = dovecot(lazy={"hidden": True, "protect": True}).user()
    user.deliver()
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    user.deliver()
    user.append("Work", create=True)
    user.doveadm("expunge", "not", "mailbox", "INBOX", "not", "mailbox", ".EXPUNGED", "all")
    assert sorted(mail.origin for mail in user.kept()) == ["INBOX", "Work"] and user.messages("Work") == []
    user.doveadm("expunge", "not", "mailbox", "INBOX", "all")
    assert user.kept() == [] and len(user.messages("INBOX")) == 1


LAST_LOGIN = dict(raw23="plugin {\n  last_login_dict = file:%h/last-login\n  last_login_key = last-login\n}\n",
                  raw24="last_login {\n  dict file {\n    path = %{home}/last-login\n  }\n}\nlast_login_key = last-login\n")


def test_last_login_everywhere_is_set_by_each_command(dovecot):
    user = dovecot(mail_plugins=("last_login",), **LAST_LOGIN).user()
    user.deliver()
    place = user.home / "last-login"
    for command in (["search", "all"], ["lazy-expunge maintain"]):
        place.unlink(missing_ok=True)
        user.doveadm(*command)
        assert place.exists(), command


def test_last_login_of_a_protocol_is_set_by_that_alone(dovecot):
    load = {False: "protocol imap {\n  mail_plugins = $mail_plugins last_login\n}\n",
            True: "protocol imap {\n  mail_plugins {\n    last_login = yes\n  }\n}\n"}[dovecot.target.new_settings]
    user = dovecot(raw=load, **LAST_LOGIN).user()
    user.deliver()
    place = user.home / "last-login"
    user.doveadm("search", "all")
    user.doveadm("lazy-expunge maintain")
    assert not place.exists()
    user.imap().logout()
    user.server.settle()
    assert place.exists()


# sdbox with an alternative storage.

@pytest.mark.formats("sdbox")
def test_mail_of_the_alternative_storage_is_kept_in_the_primary_one(dovecot):
    user = dovecot(raw23="mail_location = sdbox:~/sdbox:ALT=~/alt", raw24="mail_alt_path = ~/alt").user()
    user.deliver()
    user.doveadm("altmove", "mailbox", "INBOX", "all")
    mails = lambda below: sorted(path.relative_to(user.home) for path in (user.home / below).rglob("u.*"))
    assert mails("sdbox") == [] and len(mails("alt")) == 1
    with user.imap("INBOX") as session:
        session.delete()
    assert len(user.kept()) == 1 and mails("alt") == [] and len(mails("sdbox")) == 1
    user.doveadm("altmove", "mailbox", ".EXPUNGED", "all")
    assert len(user.kept()) == 1 and mails("alt") == [] and len(mails("sdbox")) == 1


# Figures.

def test_counters_begin_at_0_at_a_reload(dovecot):
    metric = "metric kept {\n  filter = event=lazy_expunge_mail_kept\n}\n"
    server = dovecot.own(raw=metric)
    user = server.user()

    def count():
        # while it is reloaded nobody answers
        done = server.doveadm("stats", "dump", check=False)
        rows = [line.split("\t") for line in done.stdout.decode().splitlines()] if done.code == 0 else [[]]
        return {row[0]: row[rows[0].index("count")] for row in rows[1:]}.get("kept")
    user.deliver()
    with user.imap("INBOX") as session:
        session.delete()
    wait_for(lambda: count() == "1", "the delete to be counted")
    server.expect_log("SIGHUP received - reloading configuration")
    server.doveadm("reload")
    wait_for(lambda: count() == "0", "the counter to begin anew")
    assert len(user.kept()) == 1
