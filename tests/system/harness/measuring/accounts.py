"""Accounts for measuring: filled once for each version and format, kept, and copied for each server that is measured.

Mail is written as a Maildir by hand, as a delivery agent would, and taken into other formats by doveadm import.
"""

import os
import re
import shutil
import time
from dataclasses import dataclass

from harness import places
from harness.places import locked
from harness.dovecot.config import NONE, Config
from harness.dovecot.render import GID, UID
from harness.dovecot.server import Server

STORAGE = "EXPUNGED"
SMALL = "Small"
ORIGIN_KEYWORD = "$Expunged-From:INBOX"
FIRST_TIME = 1_600_000_000
WORDS = ("the minutes of the meeting are attached please have a look before Friday and tell me what is missing "
         "otherwise I will send them to everyone on Monday").split()
# Where the format keeps one mail a file, of mailboxes other than INBOX. These files may be shared by hard links, as nobody rewrites
# them. INBOX is what cases delete from, where link counts matter.
LINKED_FILES = {"maildir": re.compile(r"/\.[^/]+/cur/"), "sdbox": re.compile(r"/mailboxes/(?!INBOX/)[^/]+/dbox-Mails/u\.")}


@dataclass(frozen=True)
class Account:
    """What an account has: mails in INBOX and in the storage, folders with as many mails each, mails in a small mailbox."""
    inbox: int = 0
    storage: int = 0
    folders: int = 0
    each: int = 0
    small: int = 0

    def __str__(self):
        return f"inbox{self.inbox}-storage{self.storage}-folders{self.folders}x{self.each}" + (f"-small{self.small}" if self.small else "")

    def mailboxes(self):
        """(name, number of mails, letter of a keyword) for each mailbox."""
        found = [("INBOX", self.inbox, "")]
        if self.storage:
            found.append((STORAGE, self.storage, "a"))
        if self.small:
            found.append((SMALL, self.small, ""))
        return found + [(f"Folder{number:02}", self.each, "") for number in range(self.folders)]


def prepared(target, form, account):
    """The home directory of such an account, made when it is missing. Not to be changed: copy it."""
    version = ".".join(map(str, target.version))
    home = places.WORK / "bench" / f"{version}-{form}" / str(account)
    with locked(home.with_name(home.name + ".lock")):
        if not home.exists():
            unfinished = home.with_name(home.name + ".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            _prepare(target, form, account, unfinished)
            unfinished.rename(home)
    return home


def _prepare(target, form, account, home):
    server = Server(target, Config(format=form, plugin=NONE, mailboxes=()))
    try:
        server.start()
        user = server.user("template")
        source = user.home / ("Maildir" if form == "maildir" else "import")
        for name, count, letter in account.mailboxes():
            _write_maildir(source if name == "INBOX" else source / f".{name}", count, letter)
        server.own(user.home)
        if form != "maildir":
            location = f"maildir:{source}"
            user.doveadm("import", "-s", location, "", "all", timeout=3600)
            shutil.rmtree(source)
        settle(user)
        shutil.copytree(user.home, home, copy_function=_copy_file)
        _copy_owner_and_times(user.home, home)
    finally:
        server.discard()


def settle(user):
    """Bring all indexes of the account up to date, with the cached fields that clients and retention use."""
    user.doveadm("search", "mailbox", "*", "savedbefore", "1d", timeout=3600)
    user.doveadm("index", "*", timeout=3600)


def copy(target, form, account, user):
    """Make the home of a user of a server a copy of the prepared account."""
    template = prepared(target, form, account)
    linked = LINKED_FILES.get(form)

    def copy_or_link(source, destination):
        if linked is not None and linked.search(str(source)):
            os.link(source, destination)
        else:
            _copy_file(source, destination)
    shutil.copytree(template, user.home, copy_function=copy_or_link)
    _copy_owner_and_times(template, user.home)


def _copy_file(source, destination):
    shutil.copyfile(source, destination)
    status = os.stat(source)
    os.utime(destination, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.chmod(destination, 0o600)
    os.chown(destination, UID, GID)


def _copy_owner_and_times(source, destination):
    """Directories need the time of the source's too: a Maildir's says whether it was changed since it was indexed."""
    for directory, _, _ in os.walk(source, topdown=False):
        copy_of = os.path.join(destination, os.path.relpath(directory, source))
        status = os.stat(directory)
        os.chown(copy_of, UID, GID)
        os.utime(copy_of, ns=(status.st_atime_ns, status.st_mtime_ns))


def _write_maildir(path, count, letter):
    for name in ("cur", "new", "tmp"):
        (path / name).mkdir(parents=True)
    if path.name.startswith("."):
        (path / "maildirfolder").touch()
    if letter:
        (path / "dovecot-keywords").write_text(f"0 {ORIGIN_KEYWORD}\n")
    seed = abs(hash_of(path.name))
    for number in range(count):
        text = message(seed, number)
        received = FIRST_TIME + number * 60
        base = f"{received}.M{number % 1000000}P{seed % 30000}.bench,S={len(text)},W={len(text) + text.count(b'%c' % 10)}"
        file = path / "cur" / f"{base}:2,S{letter}"
        with open(file, "wb") as out:
            out.write(text)
        os.utime(file, (received, received))
    # Dovecot believes a directory's time only when it is not of just now.
    past = time.time() - 3600
    for name in ("cur", "new", "tmp"):
        os.utime(path / name, (past, past))


def hash_of(text):
    """A number for a name, the same in every run."""
    return sum(ord(c) * 31 ** i for i, c in enumerate(text)) % 1_000_003


def message(seed, number):
    """A message of about 1 to 5 KiB."""
    lines = 10 + (seed + number * 7) % 50
    words = [WORDS[(seed + number + i) % len(WORDS)] for i in range(12)]
    body = (" ".join(words) + "\n") * lines
    return (f"Return-Path: <sender@example.com>\nDelivered-To: recipient@example.com\n"
            f"Received: from mail.example.com by host.example.com with LMTP id {seed}.{number};\n"
            f"\tTue, 01 Feb 2022 10:00:00 +0000\nFrom: Sender {number} <sender{number}@example.com>\n"
            f"To: recipient@example.com\nSubject: Message {number} of {seed}\nDate: Tue, 01 Feb 2022 10:00:00 +0000\n"
            f"Message-ID: <{seed}.{number}@example.com>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n"
            f"{body}").encode()
