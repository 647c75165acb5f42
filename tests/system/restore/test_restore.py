"""doveadm lazy-expunge restore: the mail comes back exactly as it was, once, whatever happens in between."""

import json

import pytest

from harness.dovecot.config import Quota, namespace_mode
from harness.dovecot.mail import message

MODES = ("mailbox", "namespace")


def mode_fields(mode, dovecot):
    return {} if mode == "mailbox" else namespace_mode(dovecot.format, only_last_instance=False)


def restore(user, *arguments, **options):
    """The rows that restore prints, and its standard error."""
    done = user.server.doveadm("-f", "json", "lazy-expunge", "restore", "-u", user.name, *arguments, **options)
    return json.loads(done.stdout), done.stderr.decode()


def row(origin, restored=0, skipped=0, failed=0, target=None):
    return {"origin": origin, "target": target or origin or "INBOX", "restored": restored, "copied": 0, "skipped": skipped,
            "failed": failed}


def delete_all(user, *mailboxes):
    for mailbox in mailboxes:
        with user.imap(mailbox) as session:
            session.delete()


@pytest.mark.parametrize("mode", MODES)
def test_a_mail_comes_back_as_it_was(dovecot, mode):
    user = dovecot(**mode_fields(mode, dovecot)).user()
    user.append("Work", message(subject="with flags"), "\\Seen \\Flagged \\Answered own $Label1", "02-Jan-2021 03:04:05 +0000",
                create=True)
    user.append("Work", message(subject="bytes", body="8 bit: \xe4\udcff\n.\n..\nFrom here\n"))
    user.append("INBOX", message(subject="inbox"), "\\Draft")
    before = {mailbox: user.messages(mailbox) for mailbox in ("INBOX", "Work")}
    delete_all(user, "INBOX", "Work")
    assert user.messages("INBOX") == user.messages("Work") == [] and len(user.kept()) == 3
    rows, _ = restore(user, "ALL")
    assert sorted(rows, key=lambda r: r["origin"]) == [row("INBOX", 1), row("Work", 2)]
    for mailbox, mails in before.items():
        back = user.messages(mailbox)
        assert [mail.content for mail in back] == [mail.content for mail in mails]
        assert all(mail.origins == () for mail in back)
    assert user.kept() == []


@pytest.mark.parametrize("mode", MODES)
def test_a_missing_mailbox_is_made_with_its_parents_and_subscribed(dovecot, mode):
    user = dovecot(**mode_fields(mode, dovecot)).user()
    user.append("A/B/Cölumn &", create=True)
    before = user.messages("A/B/Cölumn &")
    delete_all(user, "A/B/Cölumn &")
    with user.imap() as session:
        session.ok('DELETE "A/B/C&APY-lumn &-"')
        assert "A/B/Cölumn &" not in session.list()
    rows, _ = restore(user, "ALL")
    assert rows == [row("A/B/Cölumn &", 1)]
    assert [mail.content for mail in user.messages("A/B/Cölumn &")] == [mail.content for mail in before]
    with user.imap() as session:
        assert {"A", "A/B", "A/B/Cölumn &"} <= set(session.list())
        assert "A/B/Cölumn &" in session.list(command="LSUB")


def test_a_mail_that_is_in_the_target_is_cleared(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 2)
    with user.imap("INBOX") as session:
        session.ok("CREATE Work")
        session.ok("UID COPY 1:2 Work")
    before = user.messages("Work")
    delete_all(user, "INBOX")
    rows, _ = restore(user, "-t", "Work", "ALL")
    assert rows == [row("INBOX", skipped=2, target="Work")]
    assert user.messages("Work") == before and user.kept() == [] and user.messages() == []


def test_a_mail_that_is_kept_twice_comes_back_once(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 1)
    with user.imap("INBOX") as session:
        session.ok("CREATE Work")
        session.ok("UID COPY 1 Work")
    delete_all(user, "INBOX", "Work")
    assert len(user.kept()) == 2
    rows, _ = restore(user, "-t", "INBOX", "ALL")
    assert sorted((r["origin"], r["restored"], r["skipped"]) for r in rows) == [("INBOX", 1, 0), ("Work", 0, 1)]
    assert len(user.messages()) == 1 and user.kept() == []


def test_the_plan_changes_nothing(dovecot):
    user = dovecot().user()
    user.fill("Gone", 2, create=True)
    user.fill("INBOX", 1)
    delete_all(user, "Gone", "INBOX")
    with user.imap() as session:
        session.ok("DELETE Gone")
    before = user.kept()
    rows, _ = restore(user, "-n", "ALL")
    assert sorted(rows, key=lambda r: r["origin"]) == [row("Gone", 2), row("INBOX", 1)]
    assert user.kept() == before and "Gone" not in user.mailboxes() and user.messages() == []


def test_a_query_and_an_origin_choose(dovecot):
    user = dovecot().user()
    user.append("INBOX", message(subject="one"))
    user.append("Work", message(subject="two"), create=True)
    user.append("Work", message(subject="three"))
    delete_all(user, "INBOX", "Work")
    rows, _ = restore(user, "-o", "Work", "subject", "two")
    assert rows == [row("Work", 1)]
    assert [mail.subject for mail in user.messages("Work")] == ["two"]
    assert sorted(mail.subject for mail in user.kept()) == ["one", "three"]
    rows, _ = restore(user, "-o", "W*", "ALL")
    assert rows == [row("Work", 1)]


def test_a_mail_without_an_origin_goes_to_the_inbox(dovecot):
    user = dovecot(lazy={"origin": False}).user()
    user.fill("Work", 3, create=True)
    before = user.messages("Work")
    delete_all(user, "Work")
    rows, said = restore(user, "-n", "1:2")
    assert rows == [row("", 2, target="INBOX")] and "2 mails do not say where they came from" in said
    rows, said = restore(user, "1:2")
    assert rows == [row("", 2, target="INBOX")] and "they are in INBOX" in said
    assert [mail.content for mail in user.messages()] == [mail.content for mail in before[:2]]
    rows, said = restore(user, "-t", "Found", "ALL")
    assert rows == [row("", 1, target="Found")] and "do not say" not in said


def test_mail_below_a_namespace_prefix_comes_back(dovecot):
    user = dovecot(prefix="INBOX.", separator=".", lazy={"mailbox": "INBOX.EXPUNGED"}).user()
    user.append("INBOX.Work.Old", create=True)
    before = user.messages("INBOX.Work.Old")
    delete_all(user, "INBOX.Work.Old")
    rows, _ = restore(user, "ALL")
    assert rows == [row("INBOX.Work.Old", 1)]
    assert [mail.content for mail in user.messages("INBOX.Work.Old")] == [mail.content for mail in before]


def test_over_quota_what_fits_is_restored(dovecot):
    user = dovecot(quota=Quota(storage="30k")).user()
    big, small = message(subject="big", body="x" * 20000 + "\n"), message(subject="small")
    user.append("INBOX", big)
    user.append("INBOX", small)
    delete_all(user, "INBOX")
    user.append("INBOX", message(subject="filler", body="x" * 20000 + "\n"))
    done = user.server.doveadm("-f", "json", "lazy-expunge", "restore", "-u", user.name, "ALL", check=False)
    assert json.loads(done.stdout) == [row("INBOX", 1, failed=1)]
    assert done.code == 73, done
    assert b"1 mails from INBOX stay in the expunge storage" in done.stderr and b"uota" in done.stderr
    assert sorted(mail.subject for mail in user.messages()) == ["filler", "small"]
    assert [mail.subject for mail in user.kept()] == ["big"]
    user.doveadm("expunge", "mailbox", "INBOX", "subject", "filler")
    rows, _ = restore(user, "subject", "big")
    assert rows == [row("INBOX", 1)] and [mail.subject for mail in user.kept()] == ["filler"]


@pytest.mark.parametrize("mode", MODES)
def test_the_plan_says_what_does_not_fit(dovecot, mode):
    """And the restore then does what the plan has said."""
    user = dovecot(quota=Quota(storage="30k"), **mode_fields(mode, dovecot)).user()
    texts = {subject: message(subject=subject, body="x" * size + "\n")
             for subject, size in (("a", 8000), ("b", 20000), ("c", 7000), ("d", 20), ("e", 9000))}
    for subject, mailbox in zip(texts, ("INBOX", "INBOX", "Gone", "Gone", "Last")):
        user.append(mailbox, texts[subject], create=mailbox != "INBOX")
        user.doveadm("expunge", "mailbox", mailbox, "all")
    user.doveadm("mailbox delete", "Gone")
    user.append("INBOX", message(subject="filler", body="x" * 10000 + "\n"))

    def result(*arguments):
        done = user.server.doveadm("-f", "json", "lazy-expunge", "restore", "-u", user.name, *arguments, check=False)
        assert done.code == 73, done
        return sorted(json.loads(done.stdout), key=lambda r: r["origin"]), done.stderr.decode()

    before = [mail.content for mail in user.kept()]
    planned, said = result("-n", "ALL")
    # in the order of deletion, as long as there is room
    assert sum(r["restored"] for r in planned) == 3 and sum(r["failed"] for r in planned) == 2
    assert "would stay in the expunge storage" in said and "uota" in said
    assert [mail.content for mail in user.kept()] == before and "Gone" not in user.mailboxes()
    done, said = result("ALL")
    assert done == planned and "mails from INBOX stay in" in said
    assert len(user.kept()) == 2


def test_the_plan_of_a_storage_that_counts_needs_no_room(dovecot):
    user = dovecot(quota=Quota(storage="30k"), lazy={"quota_ignore": False}).user()
    user.append("INBOX", message(body="x" * 20000 + "\n"))
    delete_all(user, "INBOX")
    assert restore(user, "-n", "ALL")[0] == [row("INBOX", 1)]
    assert restore(user, "ALL")[0] == [row("INBOX", 1)] and len(user.messages()) == 1


def test_the_plan_without_a_limit(dovecot):
    user = dovecot(quota=Quota(messages=100)).user()
    user.fill("INBOX", 3)
    delete_all(user, "INBOX")
    assert restore(user, "-n", "ALL")[0] == [row("INBOX", 3)]


def test_many_mails_are_restored_in_order(dovecot):
    user = dovecot().user()
    user.fill("INBOX", [message(subject=str(number)) for number in range(1200)])
    before = user.messages()
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    rows, _ = restore(user, "ALL")
    assert rows == [row("INBOX", 1200)]
    assert [mail.content for mail in user.messages()] == [mail.content for mail in before] and user.kept() == []


def test_connected_clients_see_what_is_restored(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 1)
    delete_all(user, "INBOX")
    with user.imap("INBOX") as session, user.imap(".EXPUNGED") as storage:
        restore(user, "ALL")
        assert "* 1 EXISTS" in session.ok("NOOP").lines("EXISTS")
        assert storage.ok("NOOP").lines("EXPUNGE") == ["* 1 EXPUNGE"]


@pytest.mark.parametrize("arguments,code,text", [
    ((), 64, "A search query is needed: lazy-expunge restore ALL takes everything"),
    (("-o", "INBOX"), 64, "A search query is needed"),
    (("-o", "Nowhere", "ALL"), 68, "comes from Nowhere"),
    (("-t", "", "ALL"), 64, "The target (-t) is empty"),
    (("-t", ".EXPUNGED", "ALL"), 64, ".EXPUNGED is the expunge storage"),
    (("-t", "a//b", "ALL"), 64, "stay in the expunge storage"),
    (("nonsense",), 64, "Unknown argument"),
])
def test_bad_input_changes_nothing(dovecot, arguments, code, text):
    user = dovecot().user()
    user.fill("INBOX", 1)
    delete_all(user, "INBOX")
    before, mailboxes = user.kept(), user.mailboxes()
    done = user.doveadm("lazy-expunge restore", *arguments, check=False)
    assert done.code == code and text in done.stderr.decode(), done
    assert user.kept() == before and user.messages() == [] and user.mailboxes() == mailboxes


def test_a_query_that_matches_nothing(dovecot):
    user = dovecot().user()
    user.fill("INBOX", 1)
    delete_all(user, "INBOX")
    rows, said = restore(user, "subject", "nothing-like-it")
    assert rows == [] and "No mail in the expunge storage matches" in said and len(user.kept()) == 1
