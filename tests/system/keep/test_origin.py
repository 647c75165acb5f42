"""The origin of kept mail: any mailbox name is recorded and read back exactly, and it goes when the mail leaves."""

import re

import pytest

from harness import name

NAMES = ["INBOX", "with space", 'with "quotes"', "100%", "all*", "you & me", "a=b", "=41", "back\\slash", "tilde~", "(paren)",
         "{brace}", "]bracket[", "Entwürfe", "日本語", "😀", "a/b/c/d/e/f/g/h", "x" * 200, "Ünï " * 20 + "end", "inbox-like", "$dollar",
         "UPPER", "upper", "Upper"]


def test_every_name_is_read_back_exactly(dovecot):
    user = dovecot().user()
    names = [n for n in NAMES]
    for mailbox in names:
        user.append(mailbox, create=True)
        with user.imap(mailbox) as session:
            session.delete()
    assert [mail.origin for mail in user.kept()] == names


def test_a_name_with_control_characters_is_read_back_exactly(dovecot):
    """No command makes such a mailbox, but a server before this one may have."""
    user = dovecot().user()
    user.append("placeholder", create=True)
    directory = user.mail_path if dovecot.format == "maildir" else user.mail_path / "mailboxes"
    dot = "." if dovecot.format == "maildir" else ""
    (directory / f"{dot}placeholder").rename(directory / f"{dot}a&AAE-b&AH8-c")
    mailbox = "a\x01b\x7fc"
    with user.imap(mailbox) as session:
        session.delete()
    assert [mail.origin for mail in user.kept()] == [mailbox]


def test_two_hundred_origins_in_one_storage(dovecot):
    user = dovecot().user()
    names = [f"Folder {number}" for number in range(200)]
    with user.imap() as session:
        for mailbox in names:
            session.ok(f"CREATE {name(mailbox)}")
            session.append(mailbox, b"Subject: " + mailbox.encode() + b"\r\n\r\nbody\r\n", "\\Seen own")
            session.select(mailbox)
            session.delete()
    kept = user.kept()
    assert [mail.origin for mail in kept] == names
    assert [mail.subject for mail in kept] == names
    assert all("own" in mail.keywords for mail in kept)


def test_a_mailbox_below_a_namespace_prefix_is_named_as_its_user_names_it(dovecot):
    user = dovecot(prefix="INBOX.", separator=".", lazy={"mailbox": "INBOX.EXPUNGED"}).user()
    user.append("INBOX.Work.Old", create=True)
    with user.imap("INBOX.Work.Old") as session:
        session.delete()
    assert [mail.origin for mail in user.kept()] == ["INBOX.Work.Old"]


@pytest.mark.parametrize("command", ["COPY", "MOVE", "doveadm copy", "doveadm move"])
def test_the_origin_goes_when_the_mail_leaves(dovecot, command):
    user = dovecot().user()
    user.append("Work", flags="\\Flagged own", create=True)
    [before] = user.messages("Work")
    with user.imap("Work") as session:
        session.delete()
    if command.startswith("doveadm"):
        user.doveadm(command.split()[1], "Work", "mailbox", ".EXPUNGED", "all")
    else:
        with user.imap(".EXPUNGED") as session:
            session.ok(f"UID {command} 1 Work")
    [back] = user.messages("Work")
    assert back.origins == () and back.content == before.content
    assert len(user.kept()) == (0 if "move" in command.lower() else 1)


def test_a_mail_that_is_deleted_again_has_its_new_origin_alone(dovecot):
    user = dovecot().user()
    user.append("First", create=True)
    with user.imap("First") as session:
        session.delete()
        session.select(".EXPUNGED")
        session.ok("CREATE Second")
        session.ok("UID MOVE 1 Second")
        session.select("Second")
        session.delete()
    assert [mail.origins for mail in user.kept()] == [("Second",)]


def test_no_origin_is_recorded_when_it_is_off(dovecot):
    user = dovecot(lazy={"origin": False}).user()
    user.deliver()
    with user.imap("INBOX") as session:
        session.delete()
    [kept] = user.kept()
    assert kept.origins == ()


def test_doveadm_search_finds_mail_by_its_origin(dovecot):
    user = dovecot().user()
    for mailbox in ("INBOX", "Work"):
        user.fill(mailbox, 2, create=True)
        with user.imap(mailbox) as session:
            session.delete()
    found = user.doveadm("search", "mailbox", ".EXPUNGED", "keyword", "$Expunged-From:Work").stdout.decode().splitlines()
    assert len(found) == 2


def test_the_keyword_is_one_that_a_client_can_name(dovecot):
    user = dovecot().user()
    user.append('A (b) "c"', create=True)
    with user.imap('A (b) "c"') as session:
        session.delete()
        session.select(".EXPUNGED")
        flags = session.ok("FETCH 1 FLAGS").lines("FETCH")[0]
        keyword = re.search(r"\$Expunged-From:[^ )]+", flags).group(0)
        assert session.search(f"KEYWORD {keyword}") == [1]
