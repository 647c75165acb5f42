"""Events: what is said of each mail, and that nothing is said of what did not happen."""

import re

import pytest

from harness import places, wait_for
from harness.dovecot import events
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, namespace_mode
from harness.dovecot.mail import message

COMMON = {"user", "mailbox", "cause"}


def server_of(dovecot, own=False, **fields):
    return (dovecot.own if own else dovecot)(**events.exporting(dovecot.target), **fields)


def exporting_some(target, events_filter):
    """As events.exporting(), but only those of the plugin's events that match this filter too."""
    return {"raw": events.exporting(target)["raw"].replace("category=lazy_expunge", f"category=lazy_expunge AND {events_filter}")}


def told(user, *names):
    """The events of the user, which must be these."""
    return events.wait(user, *names)


def assert_fields(event, **expected):
    assert {key: event.get(key) for key in expected} == expected, event


def assert_is_of(event, mail, **expected):
    """The event has the mail's GUID, UID and size, and these fields."""
    assert_fields(event, guid=mail.guid, uid=mail.uid, size=mail.size, **expected)


def storage_with(*retention, **kwargs):
    return dict(mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", **kwargs),))


def keep(user, number=1, mailbox="INBOX"):
    """Put mails into the storage by doveadm; forgets nothing of what is said of that."""
    for _ in range(number):
        user.doveadm("save", "-m", mailbox, input=message())
    user.doveadm("expunge", "mailbox", mailbox, "all")


def test_kept(dovecot):
    user = server_of(dovecot).user()
    user.append("Work", create=True)
    [mail] = user.messages("Work")
    with user.imap("Work") as session:
        session.delete()
    [event] = told(user, "mail_kept")
    assert_is_of(event, mail, user=user.name, mailbox="Work", origin="Work", storage=".EXPUNGED", cause="deleted")
    assert len(event["session"]) > 5 and event["duration"] > 0 and event["remote_ip"] == "127.0.0.1"
    assert event.get("error") is None


def test_kept_told_to_who_listens_to_some_alone(dovecot):
    wanted = exporting_some(dovecot.target, "(uid=2 OR uid=4)")
    user = dovecot(**wanted).user()
    user.fill("INBOX", 5)
    mails = user.messages()
    with user.imap("INBOX") as session:
        session.delete("1:5")
        user.append()
        session.ok("NOOP")
        session.delete()
    kept = told(user, "mail_kept", "mail_kept")
    for event, mail in zip(kept, (mails[1], mails[3]), strict=True):
        assert_is_of(event, mail, cause="deleted")
    assert len(user.kept()) == 6


def test_the_last_instance_is_kept_and_the_others_pass(dovecot):
    user = server_of(dovecot, lazy={"only_last_instance": True}).user()
    user.append()
    [mail] = user.messages()
    with user.imap("INBOX") as session:
        session.ok("COPY 1 Trash")
        session.delete()
        session.select("Trash")
        session.delete()
    passed, kept = told(user, "mail_passed", "mail_kept")
    assert_is_of(passed, mail, mailbox="INBOX", cause="other-instance")
    assert_fields(kept, guid=mail.guid, mailbox="Trash", origin="INBOX", cause="last-instance")


def test_passed_because_it_is_excluded(dovecot):
    user = server_of(dovecot, lazy={"exclude": ["Spam*"]}).user()
    user.append("Spammed", create=True)
    [mail] = user.messages("Spammed")
    with user.imap("Spammed") as session:
        session.delete()
    [event] = told(user, "mail_passed")
    assert_is_of(event, mail, user=user.name, mailbox="Spammed", cause="excluded")


def test_a_move_and_a_copy_are_no_deletes(dovecot):
    user = server_of(dovecot).user()
    user.fill("INBOX", 2)
    with user.imap("INBOX") as session:
        session.ok("MOVE 1 Trash")
        session.ok("COPY 1 Trash")
        session.delete()
    [event] = told(user, "mail_kept")
    assert event["uid"] == 2


def break_storage(user):
    """Something in the storage's place that cannot be used."""
    place = user.mail_path / ".EXPUNGED" if user.server.config.format == "maildir" else user.mail_path / "mailboxes/EXPUNGED"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.mkdir(0o700)
    (place / "something").mkdir()


@pytest.mark.parametrize("on_failure", ["refuse", "expunge"])
def test_a_storage_that_fails(dovecot, on_failure):
    server = server_of(dovecot, own=True, lazy={"mailbox": "EXPUNGED", "on_failure": on_failure})
    user = server.user()
    user.append()
    break_storage(user)
    server.expect_log("EXPUNGED")
    server.expect_log("ermission denied", required=False)
    with user.imap("INBOX") as session:
        session.ok("STORE 1 +FLAGS (\\Deleted)")
        answer = session("EXPUNGE")
    assert answer.ok == (on_failure == "expunge")
    [event] = told(user, "mail_refused" if on_failure == "refuse" else "mail_lost")
    assert_fields(event, user=user.name, mailbox="INBOX", uid=1, cause="storage")
    assert "EXPUNGED" in event["error"] and len(event["session"]) > 5
    assert event.get("mails") == (1 if on_failure == "refuse" else None)


def test_refused_because_of_a_setting(dovecot):
    server = server_of(dovecot, own=True, lazy={"mailbox": "Nowhere/"})
    user = server.user()
    user.append()
    server.expect_log("lazy_expunge")
    with user.imap("INBOX") as session:
        session.ok("STORE 1 +FLAGS (\\Deleted)")
        assert session("EXPUNGE").status == "NO"
    [event] = told(user, "mail_refused")
    assert_fields(event, user=user.name, mailbox="INBOX", uid=1, mails=1)
    assert event["cause"] in ("settings", "storage") and "Nowhere" in event["error"]


def test_refused_because_the_storage_is_protected(dovecot):
    user = server_of(dovecot, lazy={"protect": True}).user()
    keep(user)
    with user.imap(".EXPUNGED") as session:
        session.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        session("EXPUNGE")
    _, event = told(user, "mail_kept", "mail_refused")
    assert_fields(event, user=user.name, mailbox=".EXPUNGED", uid=1, mails=1, cause="protected")


def test_restored(dovecot):
    user = server_of(dovecot).user()
    user.doveadm("mailbox create", "Work")
    keep(user, mailbox="Work")
    [mail] = user.kept()
    user.doveadm("lazy-expunge restore", "-n", "all")
    user.doveadm("lazy-expunge restore", "all")
    _, event = told(user, "mail_kept", "mail_restored")
    assert_is_of(event, mail, user=user.name, mailbox="Work", origin="Work", storage=".EXPUNGED", cause="restore")
    assert "lazy_expunge:restore" in event["reason_code"]


def test_restored_where_it_is_already(dovecot):
    user = server_of(dovecot).user()
    user.append()
    with user.imap("INBOX") as session:
        session.ok("COPY 1 Trash")
        session.delete()
    [mail] = user.kept()
    done = user.doveadm("lazy-expunge restore", "-t", "Trash", "all")
    assert done.stdout.split()[-2:] == [b"1", b"0"]
    _, event = told(user, "mail_kept", "mail_restored")
    assert_is_of(event, mail, mailbox="Trash", origin="INBOX", cause="present")


@pytest.mark.parametrize("command, cause", [("MOVE", "move"), ("COPY", "copy")])
def test_a_user_takes_mail_out(dovecot, command, cause):
    user = server_of(dovecot).user()
    keep(user)
    [mail] = user.kept()
    with user.imap(".EXPUNGED") as session:
        session.ok(f"{command} 1 Trash")
    _, event = told(user, "mail_kept", "mail_restored")
    assert_is_of(event, mail, user=user.name, mailbox="Trash", origin="INBOX", storage=".EXPUNGED", cause=cause)
    assert event["remote_ip"] == "127.0.0.1"


def assert_expired(user, mail, cause, others=("mail_kept",)):
    found = told(user, *others, "mail_expired")
    [event] = [event for event in found if event.name == "mail_expired"]
    assert_is_of(event, mail, user=user.name, mailbox=".EXPUNGED", storage=".EXPUNGED", origin="INBOX", cause=cause)
    return event


def test_expired_at_the_end_of_a_session(dovecot):
    user = server_of(dovecot, **storage_with(autoexpunge_max_mails=1)).user()
    keep(user, 2)
    mail = user.kept()[0]
    user.imap("INBOX").logout()
    user.server.settle()
    event = assert_expired(user, mail, "autoexpunge", ("mail_kept",) * 2)
    assert len(event["session"]) > 5 and "storage:autoexpunge" in event["reason_code"]


def test_expired_by_maintain(dovecot):
    user = server_of(dovecot, **storage_with(autoexpunge_max_mails=1)).user()
    keep(user, 2)
    mail = user.kept()[0]
    user.doveadm("lazy-expunge maintain", "-n")
    user.doveadm("lazy-expunge maintain")
    assert_expired(user, mail, "maintain", ("mail_kept", "mail_kept", "maintain_finished"))
    finished = events.read(user.server, user)[-1]
    assert finished.name == "maintain_finished"
    assert_fields(finished, user=user.name, mails=1, bytes=len(mail.text.replace("\r\n", "\n").replace("\n", "\r\n")), failed=0,
                  error=None)
    assert finished["duration"] > 0 and finished.get("uid") is None


def test_expired_by_the_cap(dovecot):
    user = server_of(dovecot, lazy={"max_storage": "300"}).user()
    keep(user, 2)
    mail = user.kept()[0]
    user.doveadm("lazy-expunge maintain")
    event = assert_expired(user, mail, "cap", ("mail_kept", "mail_kept", "maintain_finished"))
    assert "lazy_expunge:maintain" in event["reason_code"]


@pytest.mark.parametrize("command", [["expunge", "mailbox", ".EXPUNGED", "all"], ["mailbox", "delete", ".EXPUNGED"]],
                         ids=lambda words: words[0])
def test_expired_by_doveadm(dovecot, command):
    user = server_of(dovecot).user()
    keep(user)
    [mail] = user.kept()
    if command[0] == "expunge":
        user.doveadm("expunge", *command[1:])
    else:
        user.doveadm("mailbox delete", ".EXPUNGED")
    assert_expired(user, mail, "doveadm")


def test_expired_by_the_user(dovecot):
    user = server_of(dovecot).user()
    keep(user)
    [mail] = user.kept()
    with user.imap(".EXPUNGED") as session:
        session.delete()
    assert_expired(user, mail, "user")


def test_expired_because_a_newer_copy_is_kept(dovecot):
    user = server_of(dovecot, lazy={"only_last_instance": True}).user()
    user.append()
    with user.imap("INBOX") as session:
        session.delete()
    [mail] = user.kept()
    with user.imap(".EXPUNGED") as session:
        session.ok("COPY 1 INBOX")
        session.select("INBOX")
        session.delete()
    assert len(user.kept()) == 1
    assert_expired(user, mail, "superseded", ("mail_kept", "mail_restored", "mail_kept"))


def test_expired_by_the_probe_of_check(dovecot):
    user = server_of(dovecot, **storage_with(autoexpunge="30d")).user()
    user.doveadm("lazy-expunge check", "--live", check=False)
    user.server.settle()
    assert user.kept() == []
    # there and back, and again deleted, by doveadm; once deleted by each protocol
    wait_for(lambda: {event.name for event in events.read(user.server, user)} >= {"mail_kept", "mail_restored", "mail_expired"},
             "what is said of the probe")
    said = events.read(user.server, user)
    assert len([event for event in said if event.name == "mail_restored"]) == 1
    assert {event["cause"] for event in said if event.name == "mail_expired"} == {"check"}


def test_dsync_tells_of_what_it_removes(dovecot):
    first = server_of(dovecot, own=True)
    here = first.user()
    second = server_of(dovecot, own=True)
    keep(here, 2)
    there = here.sync(second)
    [old, _] = there.kept()
    here.doveadm("expunge", "mailbox", ".EXPUNGED", "uid", "1")
    here.sync(second)
    assert len(there.kept()) == 1
    expired = wait_for(lambda: [event for event in events.read(second, there) if event.name == "mail_expired"],
                       "what the other side has removed")
    assert len(expired) == 1
    assert_fields(expired[0], guid=old.guid, mailbox=".EXPUNGED", origin="INBOX", cause="dsync")


def test_maintain_that_fails(dovecot):
    server = server_of(dovecot, own=True, **storage_with(autoexpunge_max_mails=1))
    user = server.user()
    keep(user, 2)
    place = next(path for path in user.home.rglob("*EXPUNGED*") if path.is_dir())
    place.rename(place.parent / "aside")
    place.write_text("")
    user.doveadm("lazy-expunge maintain", check=False)
    event = wait_for(lambda: [event for event in events.read(server, user) if event.name == "maintain_finished"], "the event")[0]
    assert event["failed"] >= 1 and event["mails"] == 0 and len(event["error"]) > 10


def test_in_namespace_mode(dovecot):
    fields = namespace_mode(dovecot.format, only_last_instance=False)
    user = server_of(dovecot, **fields).user()
    user.append("Work", create=True)
    with user.imap("Work") as session:
        session.delete()
    user.doveadm("lazy-expunge restore", "all")
    user.doveadm("expunge", "mailbox", "Work", "all")
    user.doveadm("expunge", "mailbox", ".EXPUNGED/Work", "all")
    kept, restored, again, expired = told(user, "mail_kept", "mail_restored", "mail_kept", "mail_expired")
    for event in (kept, restored, again, expired):
        assert_fields(event, origin="Work", storage=".EXPUNGED/Work")
    assert (kept["mailbox"], restored["mailbox"], expired["mailbox"]) == ("Work", "Work", ".EXPUNGED/Work")


def test_more_than_one_transaction(dovecot):
    """Dovecot 2.3 loses what a process has not sent when it ends: so this one is still there."""
    user = server_of(dovecot).user()
    with user.imap("INBOX") as session:
        tags = [session.send("APPEND INBOX {}", message(body="")) for _ in range(1200)]
        assert all(session.finish(tag).ok for tag in tags)
        session.delete()
        wait_for(lambda: len(events.read(user.server, user)) == 1200, "1200 events", seconds=30)
    assert {event["uid"] for event in events.read(user.server, user)} == set(range(1, 1201))


def make_unreadable(user, uid):
    """A directory in the place of a mail's file."""
    files = sorted(path for path in user.mail_path.rglob("*") if path.is_file() and
                   (path.parent in (user.mail_path / "cur", user.mail_path / "new") or re.fullmatch(r"u\.\d+", path.name)
                    and "INBOX" in str(path)))
    assert len(files) == 2, files
    files[uid - 1].unlink()
    files[uid - 1].mkdir()
    (files[uid - 1] / "something").mkdir()


@pytest.mark.formats("maildir", "sdbox")
def test_nothing_is_said_of_what_is_rolled_back(dovecot):
    """The first mail could be kept, the second could not: neither was."""
    server = server_of(dovecot, own=True, lazy={"exclude": ["Spam"]})
    user = server.user()
    user.fill("INBOX", 2)
    keep(user, 1, "Trash")
    make_unreadable(user, 2)
    server.expect_log("", required=False)
    session = user.imap("INBOX")
    session.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
    assert session("EXPUNGE").status == "NO"
    session.close()
    server.settle()
    assert len(user.kept()) == 1
    _, event = told(user, "mail_kept", "mail_refused")
    assert_fields(event, mailbox="INBOX", uid=2, cause="storage")


# The document.

DOC = places.SOURCE / "doc/EVENTS.md"


def events_source():
    return "".join(path.read_text() for path in (places.SOURCE / "src/events").glob("*.c"))


def names_in_source():
    text = events_source()
    text += "".join(path.read_text() for path in (places.SOURCE / "src/doveadm").glob("*account*.c"))
    return set(re.findall(r'"(lazy_expunge_(?:mail|maintain|run|hold|look|account)_\w+)"', text))


def fields_in_source():
    return set(re.findall(r'add_(?:str|int)\("(\w+)"', events_source()))


def causes_in_source():
    policy = (places.SOURCE / "src/core/policy.c").read_text()
    used = set(re.findall(r'return "([\w-]+)";', policy)) - {"virtual", "gone", "moved", "storage"}
    mail = (places.SOURCE / "src/hooks/mail.c").read_text()
    used |= set(re.findall(r'(?:return|\?|:) "([\w-]+)"', mail))
    used |= set(re.findall(r'batch_tell\(batch, "(\w+)"\)', (places.SOURCE / "src/restore/batch.c").read_text()))
    return used | {"move", "copy", "storage"}


def test_the_document_has_every_event_field_and_cause():
    text = DOC.read_text()
    assert len(names_in_source()) == 16 and len(fields_in_source()) >= 10 and len(causes_in_source()) >= 17
    for word in names_in_source() | fields_in_source() | causes_in_source():
        assert f"`{word}`" in text, word
    assert set(re.findall(r"`(lazy_expunge_(?:mail|maintain|run|hold|look|account)_(?!mails`|keep`)\w+)`", text)) == names_in_source()
