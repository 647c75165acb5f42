"""Every way in which a mail can be deleted ends in the storage, and nothing else does."""

import re

import pytest

from harness import Mailbox, Refused, message, name, wait_for
from harness.faults.inject import remove_dead_locks


def flagged(session, uids="1:*"):
    session.ok(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")


def by_expunge(user):
    with user.imap("INBOX") as session:
        flagged(session, "2")
        assert session.ok("EXPUNGE").lines("EXPUNGE") == ["* 2 EXPUNGE"]


def by_uid_expunge(user):
    with user.imap("INBOX") as session:
        flagged(session)
        assert session.ok("UID EXPUNGE 2").lines("EXPUNGE") == ["* 2 EXPUNGE"]
        session.ok("UID STORE 1:* -FLAGS.SILENT (\\Deleted)")


def by_close(user):
    with user.imap("INBOX") as session:
        flagged(session, "2")
        assert session.ok("CLOSE").untagged == []


def by_pop3(user):
    session = user.pop3()
    session.dele(2)
    session.quit()


def by_doveadm(user):
    user.doveadm("expunge", "mailbox", "INBOX", "uid", "2")


@pytest.mark.parametrize("way", [by_expunge, by_uid_expunge, by_close, by_pop3, by_doveadm], ids=lambda way: way.__name__)
@pytest.mark.parametrize("last", [False, True], ids=["all", "last"])
def test_a_deleted_mail_is_kept(dovecot, way, last):
    user = dovecot(lazy={"only_last_instance": last}).user()
    user.fill("INBOX", 3, "\\Answered $Forwarded word", "01-Jan-2021 00:00:00 +0000")
    before = user.messages()
    way(user)
    assert [mail.uid for mail in user.messages()] == [1, 3]
    [kept] = user.kept()
    assert kept.content == before[1].content
    assert "\\Deleted" not in kept.flags
    assert kept.origin == "INBOX"


def test_pop3_without_quit_deletes_nothing(dovecot):
    user = dovecot().user()
    user.deliver()
    session = user.pop3()
    session.dele(1)
    session.close()
    user.server.settle()
    assert len(user.messages()) == 1 and user.kept() == []


def test_all_mails_of_one_expunge_are_kept_in_their_order(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 50)
    before = user.messages()
    with user.imap("INBOX") as session:
        assert len(session.delete("1:40").lines("EXPUNGE")) == 40
    assert [mail.content for mail in user.kept()] == [mail.content for mail in before[:40]]
    assert [mail.content for mail in user.messages()] == [mail.content for mail in before[40:]]


def test_move_keeps_nothing(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 2, "\\Seen")
    before = user.messages()
    with user.imap("INBOX") as session:
        session.ok("UID MOVE 1:2 Trash")
    assert [mail.content for mail in user.messages("Trash")] == [mail.content for mail in before]
    assert user.messages() == [] and user.kept() == []


def test_doveadm_move_keeps_nothing(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 2)
    user.doveadm("move", "Trash", "mailbox", "INBOX", "all")
    assert len(user.messages("Trash")) == 2 and user.messages() == [] and user.kept() == []


def test_moved_and_then_expunged_is_kept_once_with_its_first_mailbox(dovecot):
    user = dovecot().user()
    user.deliver()
    [before] = user.messages()
    with user.imap("INBOX") as session:
        session.ok("UID MOVE 1 Trash")
        session.select("Trash")
        session.delete()
    [kept] = user.kept()
    assert (kept.guid, kept.origin) == (before.guid, "INBOX")


@pytest.mark.since("2.4")
def test_replace_keeps_what_it_replaces(dovecot):
    user = dovecot().user()
    user.append(message=message(subject="old"))
    [before] = user.messages()
    with user.imap("INBOX") as session:
        session.ok("UID REPLACE 1 INBOX {}", message(subject="new"))
    assert [mail.subject for mail in user.messages()] == ["new"]
    assert [mail.content for mail in user.kept()] == [before.content]


@pytest.mark.parametrize("mailbox", ["Work", "Work/Deep/er", "Ärger & Co"])
@pytest.mark.parametrize("tool", ["imap", "doveadm"])
def test_deleting_a_mailbox_keeps_its_mail(dovecot, mailbox, tool):
    user = dovecot().user()
    user.fill(mailbox, 3, "\\Seen", create=True)
    before = user.messages(mailbox)
    if tool == "imap":
        with user.imap() as session:
            session.ok(f"DELETE {name(mailbox)}")
            assert mailbox not in session.list()
    else:
        user.doveadm("mailbox delete", mailbox)
    kept = user.kept()
    assert [mail.content for mail in kept] == [mail.content for mail in before]
    assert {mail.origin for mail in kept} == {mailbox}


@pytest.mark.parametrize("tool", ["imap", "doveadm"])
def test_a_mailbox_whose_mail_cannot_be_kept_says_why(dovecot, tool):
    """The mailbox and its mail stay."""
    server = dovecot.own(raw23="plugin {\n  lazy_expunge_only_last_instance = maybe\n}\n",
                         raw24="lazy_expunge_mailbox = EXPUNGED/%{event:mailbox | lower}\n")
    server.allow_log("No mail can be deleted until this is corrected|because it cannot be kept|Can't delete mailbox Work/Sub: ")
    user = server.user()
    user.fill("Work/Sub", 2, create=True)
    why = "Mail cannot be deleted: the server's lazy_expunge settings are in error"
    if tool == "imap":
        with user.imap() as session:
            assert why in session.no("DELETE Work/Sub").text
    else:
        done = user.doveadm("mailbox delete", "Work/Sub", check=False)
        assert done.code != 0 and f"Can't delete mailbox Work/Sub: {why}" in done.stderr.decode(), done
    assert len(user.messages("Work/Sub")) == 2


def test_deleting_mailboxes_recursively_keeps_their_mail(dovecot):
    user = dovecot().user()
    for mailbox in ("Top", "Top/a", "Top/b"):
        user.fill(mailbox, 2, create=True)
    user.doveadm("mailbox delete", "-r", "Top")
    assert sorted(mail.origin for mail in user.kept()) == ["Top", "Top", "Top/a", "Top/a", "Top/b", "Top/b"]


TRASH_OF_TWO = (Mailbox("Trash", auto="create", special_use="\\Trash", autoexpunge="30d", autoexpunge_max_mails=2),)


def test_autoexpunge_of_another_mailbox_keeps_its_mail(dovecot):
    user = dovecot(mailboxes=TRASH_OF_TWO).user()
    with user.imap() as session:
        for _ in range(5):
            session.append("Trash", message())
    wait_for(lambda: len(user.messages("Trash")) == 2, "autoexpunge")
    assert [mail.origin for mail in user.kept()] == ["Trash"] * 3


def test_expunge_in_a_virtual_mailbox_keeps_the_mail_once(dovecot):
    user = dovecot(virtual=True).user()
    user.fill("INBOX", 2)
    user.append("Work", create=True)
    work = user.messages("Work")
    user.make_virtual("All", "INBOX\nWork\n  all\n")
    with user.imap("Virtual/All") as session:
        [uid] = session.search("SUBJECT " + name(work[0].subject))
        session.delete(str(uid))
    [kept] = user.kept()
    assert (kept.content, kept.origin) == (work[0].content, "Work")
    assert user.messages("Work") == [] and len(user.messages()) == 2


@pytest.mark.parametrize("command", ["sync", "backup"])
def test_a_replicated_pair_does_not_multiply_what_is_kept(dovecot, command):
    first, second = dovecot.own(), dovecot.own()
    here = first.user()
    here.fill("INBOX", 7)
    there = here.sync(second, command=command)
    with here.imap("INBOX") as session:
        session.delete("2:6")
    for _ in range(3):
        here.sync(second, command=command)
    if command == "sync":
        there.sync(first)
    expected = sorted(mail.guid for mail in here.kept())
    assert len(expected) == 5
    assert sorted(mail.guid for mail in there.kept()) == expected
    assert [len(user.messages()) for user in (here, there)] == [2, 2]
    assert {mail.origin for mail in there.kept()} == {"INBOX"}


def test_deletes_on_both_sides_of_a_replicated_pair_are_kept_once(dovecot):
    first, second = dovecot.own(), dovecot.own()
    here = first.user()
    here.fill("INBOX", 7)
    # Dovecot 2.3 never merges two Maildirs of one name that were made on both sides before the first sync: one makes it.
    with here.imap("INBOX") as session:
        session.delete("7")
    there = here.sync(second)
    # Not as many on one side as on the other: dsync would take two mailboxes with equal counters for the same state.
    for user, commands in ((here, ["1:2"]), (there, ["3", "4", "5"])):
        with user.imap("INBOX") as session:
            for uids in commands:
                session.delete(uids)
    for _ in range(3):
        here.sync(second)
        there.sync(first)
    for user in (here, there):
        assert len(user.kept()) == 6 and len({mail.guid for mail in user.kept()}) == 6
        assert len(user.messages()) == 1


@pytest.mark.parametrize("shared", [True, False], ids=["kept", "not-kept"])
def test_a_delete_in_a_shared_mailbox_is_kept_for_its_owner(dovecot, shared):
    server = dovecot(shared=True, lazy={"shared": shared})
    owner, guest = server.user(), server.user()
    owner.fill("Common", 2, create=True)
    before = owner.messages("Common")
    owner.doveadm("acl set", "Common", f"user={guest}", "lookup", "read", "write", "write-deleted", "expunge")
    with guest.imap() as session:
        session.select(f"shared/{owner}/Common")
        session.delete("1")
    assert [mail.uid for mail in owner.messages("Common")] == [2]
    assert [(mail.content, mail.origin) for mail in owner.kept()] == ([(before[0].content, "Common")] if shared else [])
    assert guest.kept() == []


def test_doveadm_expunges_the_storage_for_good(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 3)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "savedbefore", "1d")
    assert len(user.kept()) == 3
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "uid", "1")
    assert len(user.kept()) == 2
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "savedsince", "1d")
    assert user.kept() == []


def test_an_unprotected_storage_can_be_emptied_by_its_user(dovecot):
    user = dovecot(lazy={"protect": False}, virtual=True).user()
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        session.delete()
        session.select(".EXPUNGED")
        session.delete("1")
        assert len(session.search()) == 2
    user.make_virtual("Kept", ".EXPUNGED\n  all\n")
    with user.imap("Virtual/Kept") as session:
        session.delete()
    assert user.kept() == []


def _normal(line):
    """A response without UIDVALIDITY, which is the time."""
    return re.sub(rb"(UIDVALIDITY|COPYUID) \d+", rb"\1", line)


def test_clients_see_the_same_as_without_the_plugin(dovecot):
    """The same script, with and without the plugin: all responses are equal, but for what differs in any two runs."""
    script = ["SELECT INBOX", "STORE 2,4 +FLAGS (\\Deleted)", "EXPUNGE", "NOOP", "FETCH 1:* (UID FLAGS)",
              "UID STORE 1 +FLAGS (\\Deleted)", "UID EXPUNGE 1", "STATUS Trash (MESSAGES UNSEEN)", "UID MOVE 3 Trash", "NOOP",
              "STORE 1 +FLAGS.SILENT (\\Deleted)", "CLOSE", "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)",
              "STATUS Trash (MESSAGES UNSEEN UIDNEXT)", "DELETE Trash", 'LSUB "" *', "SELECT Trash"]
    transcripts = []
    for server in (dovecot(plugin="none"), dovecot(lazy={"hidden": True})):
        user = server.user()
        user.fill("INBOX", 6)
        with user.imap() as session:
            answers = [session(command) for command in script]
        transcripts.append([(answer.status, [_normal(line) for line in answer.untagged]) for answer in answers])
    for command, without, with_plugin in zip(script, *transcripts):
        assert with_plugin == without, command


def test_a_session_that_dies_in_the_middle_loses_nothing(dovecot):
    server = dovecot.own()
    user = server.user()
    user.fill("INBOX", 200)
    guids = {mail.guid for mail in user.messages()}
    session = user.imap("INBOX")
    session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    session.send("EXPUNGE")
    server.kill("imap")
    remove_dead_locks(user.home)
    try:
        session("NOOP")
    except (Refused, OSError):
        pass
    server.expect_log("killed with signal 9")
    server.expect_log("", required=False)
    assert {mail.guid for mail in user.messages() + user.kept()} == guids


@pytest.mark.parametrize("options", [(), ("-Z",), ("-r", "-Z"), ("-r",)], ids="".join)
def test_a_mailbox_deleted_by_doveadm_is_kept_whatever_the_options(dovecot, options):
    user = dovecot().user()
    user.fill("Work", 2, create=True)
    before = user.messages("Work")
    user.doveadm("mailbox delete", *options, "Work")
    assert "Work" not in user.mailboxes()
    assert [mail.content for mail in user.kept()] == [mail.content for mail in before]
