"""The look for other copies of a mail: what is said of it, its figures, and its bounds."""

import pytest

from harness import places, wait_for
from harness.dovecot import events
from harness.dovecot.mail import message
from harness.dovecot.measured import Measured

LAST = {"only_last_instance": True}


def server_of(dovecot, **lazy):
    return dovecot(**events.exporting(dovecot.target), lazy=dict(LAST, **lazy))


def looks(user, number):
    """The events of looks of this user, when there are so many."""
    return wait_for(lambda: (found := events.read(user.server, user, looks=True)) and len(found) >= number and found, f"{number} looks")


def copied(server, mails=3):
    """A user with mails in INBOX that are in Work, too, and a session in INBOX."""
    user = server.user()
    user.fill("INBOX", mails)
    session = user.imap("INBOX")
    session.ok("CREATE Work")
    session.ok("COPY 1:* Work")
    return user, session


def test_a_look_that_reads_and_one_that_remembers(dovecot):
    user, session = copied(server_of(dovecot))
    session.delete("1")
    session.delete("2")
    first, second = looks(user, 2)
    for look in (first, second):
        assert (look["verdict"], look["found_by"], look["mailbox"], look["cut_short"]) == ("other-instance", "reading", "INBOX", "no")
        assert look["duration"] > 0 and look["user"] == user.name and len(look["session"]) > 5
    assert first["mails_read"] >= 3 and first["mailboxes_opened"] >= 1 and first["remembered"] == "no"
    assert second["mails_read"] == 0 and second["mailboxes_opened"] == 1 and second["remembered"] == "yes"


def test_a_look_that_need_not_read(dovecot):
    user = server_of(dovecot).user()
    user.append()
    with user.imap("INBOX") as session:
        session.delete()
    [look] = looks(user, 1)
    assert (look["verdict"], look["cut_short"], look["remembered"]) == ("last-instance", "no", "no")
    assert (look["found_by"], look["mails_read"], look["mailboxes_opened"]) == ("refcount", 0, 0)


def test_nothing_is_said_where_every_mail_is_kept(dovecot):
    user = dovecot(**events.exporting(dovecot.target)).user()
    user.append()
    with user.imap("INBOX") as session:
        session.delete()
    [event] = events.wait(user, "mail_kept")
    assert events.read(user.server, user, looks=True) == []


def test_a_look_that_may_not_read_enough_is_cut_short_and_keeps(dovecot):
    """The copy is the oldest of 60 mails; ten a look get there step by step, for what was read is remembered."""
    user, session = copied(server_of(dovecot, look_mails=10, look_time="10s"), mails=6)
    user.fill("Work", 60)
    session.delete("1")
    [look] = looks(user, 1)
    assert (look["verdict"], look["cut_short"], look["mails_read"]) == ("last-instance", "yes", 10)
    assert len(user.kept()) == 1
    for number in range(2, 7):
        session.delete(str(number))
        looks(user, number)
    assert [look["mails_read"] for look in looks(user, 6)[1:]] == [10] * 5
    assert len(user.kept()) == 6


def test_a_session_remembers_no_more_than_it_may(dovecot):
    user, session = copied(server_of(dovecot, look_remember=1000, look_time="10s"), mails=2)
    user.fill("Work", 1100)
    session.delete("1")
    session.delete("2")
    first, second = looks(user, 2)
    assert (first["cut_short"], first["mails_read"]) == ("yes", 1000)
    assert (second["cut_short"], second["mails_read"]) == ("yes", 0)


@pytest.mark.formats("maildir")
def test_what_was_read_is_forgotten_when_it_is_old(dovecot):
    user, session = copied(server_of(dovecot, look_age="1s"), mails=400)
    session.delete("1")
    count = 1

    def read_anew():
        nonlocal count
        count += 1
        session.delete(str(count))
        last = looks(user, count)[-1]
        return last["mails_read"] > 0 and last["remembered"] == "no"
    wait_for(read_anew, "a look that reads anew", interval=0.1)
    assert user.kept() == []


@pytest.mark.until("2.4")
@pytest.mark.parametrize("setting,value", (("look_mails", "0"), ("look_mails", "20000000"), ("look_time", "0ms"), ("look_time", "20s"),
                                           ("look_remember", "999")))
def test_a_bound_out_of_range_is_an_error_and_nothing_is_deleted(dovecot, setting, value):
    refused(dovecot, setting, value)


@pytest.mark.since("2.4")
@pytest.mark.parametrize("setting,value", (("look_mails", "0"), ("look_time", "20s"), ("look_remember", "999")))
def test_a_bound_out_of_range_is_an_error_on_2_4_too(dovecot, setting, value):
    refused(dovecot, setting, value)


def refused(dovecot, setting, value):
    server = dovecot(lazy=dict(LAST, **{setting: value}))
    server.expect_log(rf"Error: .*lazy_expunge_{setting} = \d+(ms)?: the value must be from")
    user = server.user()
    user.append()
    with user.imap("INBOX") as session:
        session.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        session("EXPUNGE")
    server.settle()
    assert len(user.messages()) == 1


def test_figures(dovecot):
    measured = Measured(dovecot, lazy=LAST)
    measured.wait(look_total=0, look_cut_short_total=0, look_remembered_total=0, look_mails_read_total=0)
    user = measured.user
    user.fill("INBOX", [message(), message(), message()])
    session = user.imap("INBOX")
    session.ok("CREATE Work")
    session.ok("COPY 1:2 Work")
    for uid in "123":
        session.delete(uid)
    series = measured.wait(look_total=3, look_remembered_total=1, look_cut_short_total=0,
                           **{'look_by_verdict_total{found_by="reading",verdict="other-instance"}': 2,
                              'look_by_verdict_total{found_by="refcount",verdict="last-instance"}': 1})
    assert series["look_mails_read_total"] >= 2 and series["look_mailboxes_opened_total"] >= 2
    assert 0 < series["look_duration_seconds_total"] < 60


def test_the_documents_name_the_bounds_with_their_defaults():
    header = (places.SOURCE / "src/core/setting-values.h").read_text()
    readme = (places.SOURCE / "README.md").read_text()
    for name, default, shown in (("MAILS", "20000", "20000, 250 ms"), ("MSECS", "250", "20000, 250 ms"), ("REMEMBER", "400000", "400000, 0")):
        assert f"#define LAZY_EXPUNGE_LOOK_{name} {default}\n" in header and shown in readme
