"""Beside all the other plugins that Debian has for Dovecot, in one configuration: the whole job, and what they do together."""

import json
import re

import pytest

from harness import message, wait_for
from harness.dovecot import beside

WORD = "unmistakable"
ON_2_3, ON_2_4 = pytest.mark.until("2.4"), pytest.mark.since("2.4")
# Each backend of full-text search that Debian has for a version: one of them on all formats, the others on one.
BACKENDS = [pytest.param("xapian", marks=ON_2_3, id="xapian"),
            pytest.param("xapian", marks=(ON_2_4, pytest.mark.formats("maildir")), id="xapian-on-2.4"),
            pytest.param("flatcurve", marks=ON_2_4, id="flatcurve"),
            pytest.param("solr", marks=pytest.mark.formats("maildir"), id="solr"),
            pytest.param("lucene", marks=(ON_2_3, pytest.mark.formats("sdbox")), id="lucene")]
# Dovecot 2.4.5 adds these when it first reads a mail.
OF_DOVECOT = {"$HasAttachment", "$HasNoAttachment"}


def start(dovecot, fts, storage="mailbox"):
    """A server with all of them."""
    server = dovecot(beside.config(dovecot.version, dovecot.format, fts, storage))
    # the indexer may still read the mailbox that "check --live" makes and deletes
    server.allow_log("indexer-worker.*lazy-expunge-probe-")
    # one that is at work when the server is stopped
    server.allow_log("indexer-worker.*([Dd]isconnected unexpectedly|[Uu]nexpectedly disconnected)")
    if fts in beside.CHATTER:
        server.allow_log(beside.CHATTER[fts])
    return server


def usual(dovecot):
    """The backend that is tried on all formats."""
    return "flatcurve" if dovecot.version >= (2, 4) else "xapian"


def content(mail):
    """What a delete must keep."""
    return mail.content[:2] + (mail.keywords - OF_DOVECOT,) + mail.content[3:]


def used(user):
    """Messages that the quota counts."""
    lines = user.doveadm("quota get").stdout.decode().splitlines()
    return int(next(re.search(r"MESSAGE\s+(\d+)", line).group(1) for line in lines if "MESSAGE" in line))


def cloned(user):
    """Messages that quota_clone has written down."""
    path = user.home / "quota-clone"
    text = path.read_text() if path.exists() else ""
    found = re.search(r"^priv/quota/messages\n(\d+)", text, re.MULTILINE)
    return int(found.group(1)) if found else None


def search(user, mailbox):
    """Subjects of the mails in which IMAP's SEARCH, that is full-text search, finds the word."""
    with user.imap(mailbox) as session:
        uids = session.search(f"BODY {WORD}")
    return sorted(mail.subject for mail in user.messages(mailbox) if mail.uid in uids)


def rows(user, command, *arguments):
    done = user.server.doveadm("-f", "json", "lazy-expunge", command, "-u", user.name, *arguments, check=False)
    return json.loads(done.stdout), done


def delete_by_imap(user, mailbox, subject):
    with user.imap(mailbox) as session:
        [uid] = session.search(f"SUBJECT {subject}")
        session.delete(str(uid))


@pytest.mark.parametrize("fts", BACKENDS)
def test_the_whole_job(dovecot, fts):
    do_the_whole_job(dovecot, fts, "mailbox")


@pytest.mark.formats("mdbox")
def test_the_whole_job_with_a_namespace(dovecot):
    """Not with lucene: it opens a mailbox of a namespace's name, and indexes nothing where there is none."""
    do_the_whole_job(dovecot, usual(dovecot), "namespace")


def do_the_whole_job(dovecot, fts, storage):
    user = start(dovecot, fts, storage).user()
    for subject in ("imap", "pop3", "virtual", "work", "stays"):
        user.deliver(message(subject=subject, body=f"The {WORD} text of {subject}.\n"))
    user.make_virtual("All", "INBOX\nWork\n  all\n")
    before = {mail.subject: mail for mailbox in ("INBOX", "Work") for mail in user.messages(mailbox)}
    assert before["work"].mailbox == "Work", "Sieve filed it"
    assert used(user) == 5

    delete_by_imap(user, "INBOX", "imap")
    session = user.pop3()
    [number] = [at + 1 for at in range(4 - 1) if b"Subject: pop3" in b"\n".join(session.top(at + 1, 0)[1])]
    session.dele(number)
    session.quit()
    delete_by_imap(user, "Virtual/All", "virtual")
    delete_by_imap(user, "Work", "work")
    copy_and_delete_the_copy(user)

    assert [mail.subject for mail in user.messages()] == ["stays"] and user.messages("Work") == []
    kept = {mail.subject: mail for mail in user.kept()}
    assert sorted(kept) == ["imap", "pop3", "virtual", "work"] and len(user.kept()) == 4
    assert all(content(kept[subject]) == content(before[subject]) for subject in kept)
    assert {subject: mail.origin for subject, mail in kept.items()} == \
        {"imap": "INBOX", "pop3": "INBOX", "virtual": "INBOX", "work": "Work"}
    assert used(user) == 1
    wait_for(lambda: cloned(user) == 1, "quota_clone to write what the quota counts")
    with user.imap() as session:
        for command in ("LIST", "LSUB"):
            assert not [mailbox for mailbox in session.list(command=command) if "EXPUNGED" in mailbox]

    # another process may be indexing at the same time
    wait_for(lambda: sorted(row["origin"] for row in rows(user, "list", "body", WORD)[0]) == ["INBOX", "INBOX", "INBOX", "Work"],
             "all to be found by a word of the text")
    user.doveadm("lazy-expunge restore", "ALL")
    # the copy, too, of the one that stays
    [again] = [mail for mail in user.messages("Work") if mail.subject == "stays"]
    user.doveadm("expunge", "mailbox", "Work", "uid", str(again.uid))
    back = {mail.subject: mail for mailbox in ("INBOX", "Work") for mail in user.messages(mailbox)}
    assert user.kept() == [] and {name: content(mail) for name, mail in back.items()} == \
        {name: content(mail) for name, mail in before.items()}
    assert used(user) == 5
    wait_for(lambda: search(user, "INBOX") == ["imap", "pop3", "stays", "virtual"] and search(user, "Work") == ["work"],
             "all that is restored to be found")

    user.doveadm("lazy-expunge maintain")
    found, done = rows(user, "check", "--live")
    assert done.code == 0 and {row["state"] for row in found} == {"OK"}, done
    wait_for(lambda: logged(user, "expunge") >= 4, "mail_log to have written of the deletes")


def copy_and_delete_the_copy(user):
    """IMAP Sieve runs for the copy; that it goes again is no loss, and nothing is kept."""
    with user.imap("INBOX") as session:
        session.ok("UID COPY {} Work".format(session.search("SUBJECT stays")[0]))
    [copy] = user.messages("Work")
    assert "copied" in copy.keywords, "IMAP Sieve has run"
    delete_by_imap(user, "Work", "stays")


def logged(user, event):
    """How many lines of mail_log there are for this user and event."""
    return sum(f"({user.name})" in line and f" {event}: box=" in line for line in user.server.info_log())


def test_what_trash_makes_room_with_is_kept(dovecot):
    """The trash plugin expunges when the quota is full; that is a delete like any other."""
    user = start(dovecot, usual(dovecot)).user()
    user.fill("Trash", [message(subject="in trash")])
    user.fill("INBOX", 49)
    [before] = user.messages("Trash")
    user.deliver(message(subject="one too many"))
    assert user.messages("Trash") == [] and user.messages()[-1].subject == "one too many"
    assert [(content(mail), mail.origin) for mail in user.kept()] == [(content(before), "Trash")]
    assert used(user) == 50


def test_both_sides_of_dsync_have_them_all(dovecot):
    one = start(dovecot, usual(dovecot))
    other = dovecot.own(one.config)
    here = one.user()
    for subject in ("first", "second", "third"):
        here.deliver(message(subject=subject))
    there = here.sync(other)
    for user, subject in ((here, "first"), (there, "second")):
        delete_by_imap(user, "INBOX", subject)
        here.sync(other)
    for user in (here, there):
        assert [mail.subject for mail in user.messages()] == ["third"]
        assert sorted((mail.subject, mail.origin) for mail in user.kept()) == [("first", "INBOX"), ("second", "INBOX")]
        assert used(user) == 1


@pytest.mark.until("2.4")
def test_replication(dovecot):
    """The replication plugin and the replicator, which 2.4 has not: what is deleted here is kept once on either side."""
    plain = beside.config(dovecot.version, dovecot.format, "xapian", passwd_file=True)
    other = dovecot.own(plain)
    raw = REPLICATOR + f"plugin {{\n  mail_replica = tcp:127.0.0.1:{other.ports['doveadm']}\n}}\n"
    one = dovecot.own(beside.config(dovecot.version, dovecot.format, "xapian", raw=raw, more_plugins=("replication",),
                                    passwd_file=True))
    here, there = one.user("replicated"), other.user("replicated")
    one.write_users([here])
    other.write_users([there])
    for subject in ("first", "second"):
        here.deliver(message(subject=subject))
    wait_for(lambda: has_replicated(here) or replicate_now(here), "the first sync", seconds=90, interval=1)
    wait_for(lambda: len(there.messages()) == 2 or replicate_now(here), "the deliveries to be replicated", seconds=90, interval=1)
    delete_by_imap(here, "INBOX", "first")
    wait_for(lambda: [mail.subject for mail in there.kept()] == ["first"] and len(there.messages()) == 1 or replicate_now(here),
             "the delete to be replicated", seconds=90, interval=1)
    here.doveadm("sync", f"tcp:127.0.0.1:{other.ports['doveadm']}")
    for user in (here, there):
        assert [mail.subject for mail in user.messages()] == ["second"]
        assert [(mail.subject, mail.origin) for mail in user.kept()] == [("first", "INBOX")]


def has_replicated(user):
    """Whether a sync of this user has succeeded.

    To look at the other side would make an INBOX there, and 2.3.19 does not get over two INBOXes with different GUIDs.
    """
    table = user.server.doveadm("-f", "tab", "replicator", "status", user.name).stdout.decode()
    names, *rows = [line.split("\t") for line in table.splitlines()]
    return any(dict(zip(names, row))["success sync"] != "-" for row in rows)


def replicate_now(user):
    """A sync that failed once, as when both sides make a mailbox, is tried again only after five minutes: ask for it."""
    user.server.doveadm("replicator", "replicate", user.name)


REPLICATOR = """\
service replicator {
  process_min_avail = 1
  unix_listener replicator-doveadm {
    mode = 0666
  }
}
service aggregator {
  fifo_listener replication-notify-fifo {
    mode = 0666
  }
  unix_listener replication-notify {
    mode = 0666
  }
}
replication_dsync_parameters = -d -l 30 -U
"""
