"""Messages: made for tests, and read back with everything that must survive a delete."""

import itertools
import re
from dataclasses import dataclass

FIELDS = "mailbox uid guid flags date.received.unixtime date.saved.unixtime size.physical text"
ORIGIN = "$Expunged-From:"
VIA = "$Expunged-Via:"
_numbers = itertools.count(1)


def message(subject=None, body="A line of text.\n", sender="sender@example.com", to="recipient@example.com", headers=""):
    """The bytes of a message with CRLF; a subject of its own when none is given."""
    number = next(_numbers)
    subject = subject if subject is not None else f"message {number}"
    text = (f"From: {sender}\nTo: {to}\nSubject: {subject}\nDate: Mon, 02 Jan 2023 03:04:05 +0000\n"
            f"Message-ID: <{number}.test@example.com>\n{headers}\n{body}")
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Mail:
    """One mail as doveadm sees it. flags: system flags; keywords: the others but the origin's; times in Unix seconds."""
    mailbox: str
    uid: int
    guid: str
    flags: frozenset
    keywords: frozenset
    received: int
    saved: int
    size: int
    text: str
    origins: tuple

    @property
    def origin(self):
        """The mailbox that it was deleted from, None when it does not say."""
        if len(self.origins) > 1:
            raise AssertionError(f"uid {self.uid} of {self.mailbox} has {len(self.origins)} origins: {self.origins}")
        return self.origins[0] if self.origins else None

    @property
    def subject(self):
        match = re.search(r"^Subject: (.*?)\r?$", self.text, re.MULTILINE)
        return match.group(1) if match else ""

    @property
    def content(self):
        """What a delete must keep: compare this of before with this of after. \\Deleted and \\Recent do not count."""
        return (self.guid, self.flags - {"\\Deleted", "\\Recent"}, self.keywords, self.received, self.text)


def parse(output):
    """Mails from the output of doveadm -f pager fetch with FIELDS (with -f json doveadm of 2.4 panics now and then)."""
    pages = output.decode("utf-8", "surrogateescape").split("\f\n")
    return [_mail(_row(page)) for page in pages if page]


def _row(page):
    head, _, text = page.partition("\ntext:\n")
    row = dict(line.partition(": ")[::2] for line in head.split("\n"))
    return dict(row, text=text)


def _mail(row):
    words = row["flags"].split()
    flags = frozenset(word for word in words if word.startswith("\\"))
    origins = tuple(decode_origin(word) for word in words if word.startswith(ORIGIN))
    keywords = frozenset(word for word in words if not word.startswith(("\\", ORIGIN, VIA)))
    return Mail(row["mailbox"], int(row["uid"]), row["guid"], flags, keywords, int(row["date.received.unixtime"]),
                int(row["date.saved.unixtime"]), int(row["size.physical"]), row["text"], origins)


def decode_origin(keyword):
    """The mailbox name that a keyword of origin stands for."""
    raw = keyword.removeprefix(ORIGIN).encode("utf-8", "surrogateescape")
    return re.sub(rb"=([0-9A-Fa-f]{2})", lambda match: bytes([int(match.group(1), 16)]), raw).decode("utf-8", "surrogateescape")
