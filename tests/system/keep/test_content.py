"""What a delete must keep: flags, keywords, dates, GUID and bytes, also with plugins that change the stored form."""

import pytest

from harness import message

MESSAGES = {
    "plain": message(body="text\n"),
    "empty-body": message(body=""),
    "no-header": b"\r\nonly a body\r\n",
    "empty-line-at-end": message(body="a\n\n\n"),
    "no-newline-at-end": message(body="a\nb"),
    "8bit": message(subject="Grüße", body="Zeile mit Umlauten äöü\n"),
    "invalid-utf8": message(body="bytes \udcff\udcfe here\n"),
    "long-line": message(body="x" * 100000 + "\n"),
    "large": message(body=("0123456789" * 7 + "\n") * 20000),
    "mime": message(headers="MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n",
                    body="--b\nContent-Type: text/plain\n\none\n--b\nContent-Type: application/octet-stream\n"
                         "Content-Transfer-Encoding: base64\n\nAAECAw==\n--b--\n"),
    "dots": message(body=".\n..\n.a\n"),
}


@pytest.mark.parametrize("stored", [{}, {"compress": "gz"}, {"crypt": True}, {"compress": "gz", "crypt": True}],
                         ids=["plain", "compress", "crypt", "compress-crypt"])
def test_every_message_is_kept_byte_for_byte(dovecot, stored):
    user = dovecot(**stored).user()
    user.fill("INBOX", MESSAGES.values())
    before = user.messages()
    assert len(before) == len(MESSAGES)
    with user.imap("INBOX") as session:
        session.delete()
    assert [mail.content for mail in user.kept()] == [mail.content for mail in before]
    with user.imap() as session:
        session.select(".EXPUNGED")
        for uid, text in enumerate(MESSAGES.values(), 1):
            assert text in b"".join(session.ok(f"UID FETCH {uid} BODY.PEEK[]").untagged)


@pytest.mark.parametrize("flags", ["", "\\Seen", "\\Answered \\Flagged \\Draft \\Seen", "$MDNSent $Forwarded", "a b c d e f",
                                   "\\Seen \\Deleted own"])
def test_flags_and_keywords_are_kept(dovecot, flags):
    user = dovecot().user()
    user.append(flags=flags)
    [before] = user.messages()
    with user.imap("INBOX") as session:
        session.delete()
    [kept] = user.kept()
    expected = {flag for flag in flags.split() if flag.startswith("\\")} - {"\\Deleted"}
    assert kept.flags - {"\\Recent"} == expected
    assert kept.keywords == before.keywords >= {flag for flag in flags.split() if not flag.startswith("\\")}


@pytest.mark.parametrize("date", ["01-Jan-1990 00:00:00 +0000", "29-Feb-2024 23:59:59 +1400", "01-Jan-2037 12:00:00 -0800"])
def test_the_internal_date_is_kept_and_the_save_date_is_the_deletion(dovecot, date):
    user = dovecot().user()
    user.append(date=date)
    [before] = user.messages()
    with user.imap("INBOX") as session:
        session.delete()
    [kept] = user.kept()
    assert kept.received == before.received
    assert kept.saved >= before.saved > 1600000000


def test_each_mail_of_many_keeps_its_own_keywords(dovecot):
    user = dovecot().user()
    given = ["", "", "own", "", "\\Seen other own", "\\Flagged", "", "other", ""]
    for flags in given:
        user.append("INBOX", flags=flags)
    before = user.messages()

    def content(mail):
        return mail.guid, mail.flags - {"\\Recent"}, mail.keywords
    with user.imap("INBOX") as session:
        session.delete()
    kept = user.kept()
    assert all(mail.keywords >= {word for word in flags.split() if word[0] != "\\"} for mail, flags in zip(before, given, strict=True))
    assert len({mail.keywords for mail in before}) == 4
    assert [content(mail) for mail in kept] == [content(mail) for mail in before]
    assert {mail.origin for mail in kept} == {"INBOX"}


def test_many_keywords_are_kept(dovecot):
    """More than a maildir's file names can hold."""
    user = dovecot().user()
    words = [f"word{number}" for number in range(40)]
    user.append(flags=" ".join(words))
    with user.imap("INBOX") as session:
        session.delete()
    [kept] = user.kept()
    assert kept.keywords >= set(words) and kept.origin == "INBOX"
