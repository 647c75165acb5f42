"""An IMAP client that keeps the untagged responses as they came, in their order."""

import base64
import re
import socket
from dataclasses import dataclass, field


class Refused(AssertionError):
    """A command was answered with NO or BAD, or the connection ended."""


@dataclass
class Response:
    """One command's answer. untagged: each with literals in place and without the end of line."""
    status: str
    text: str
    untagged: list = field(default_factory=list)

    @property
    def ok(self):
        return self.status == "OK"

    def lines(self, keyword):
        """Untagged responses of this kind, as text: EXPUNGE, LIST, FETCH, ..."""
        pattern = re.compile(rb"\* (?:\d+ )?" + keyword.encode() + rb"(?: |$)", re.IGNORECASE)
        return [line.decode("utf-8", "surrogateescape") for line in self.untagged if pattern.match(line)]


class Imap:
    """One session. Commands are text, in which mailbox names are quoted with name()."""

    def __init__(self, host, port, user=None, password=None, timeout=60):
        self._socket = socket.create_connection((host, port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self._count = 0
        self._unread = []
        self.greeting = self._read_response()
        if user is not None:
            self.ok(f"LOGIN {name(user)} {name(password)}")

    def send(self, command, *literals):
        """Send a command without waiting, each {} in it replaced by a literal of these bytes; returns its tag."""
        self._count += 1
        tag = f"a{self._count}"
        parts = command.split("{}")
        if len(parts) != len(literals) + 1:
            raise ValueError("the number of literals is another than that of {}")
        data = f"{tag} {parts[0]}".encode()
        for literal, part in zip(literals, parts[1:]):
            data += b"{%d+}\r\n" % len(literal) + literal + part.encode()
        self._socket.sendall(data + b"\r\n")
        return tag

    def finish(self, tag):
        """The Response to the command that was sent with this tag."""
        untagged, self._unread = self._unread, []
        while True:
            line = self._read_response()
            if line.startswith(tag.encode() + b" "):
                status, _, text = line[len(tag) + 1:].decode("utf-8", "replace").partition(" ")
                return Response(status.upper(), text, untagged)
            untagged.append(line)

    def __call__(self, command, *literals):
        """Run a command, whatever the answer."""
        return self.finish(self.send(command, *literals))

    def ok(self, command, *literals):
        """Run a command that must be answered with OK."""
        response = self(command, *literals)
        if not response.ok:
            raise Refused(f"{command[:200]}: {response.status} {response.text}")
        return response

    def no(self, command, *literals):
        """Run a command that must be answered with NO; returns the Response."""
        response = self(command, *literals)
        if response.status != "NO":
            raise AssertionError(f"{command[:200]}: {response.status} {response.text}, and not NO")
        return response

    def wait_untagged(self, pattern, seconds=10):
        """Read until an untagged response matches, as for NOTIFY and IDLE; returns it as text."""
        self._socket.settimeout(seconds)
        while True:
            line = self._read_response()
            self._unread.append(line)
            if re.search(pattern, line.decode("utf-8", "replace")):
                return line.decode("utf-8", "replace")

    def idle(self):
        """Begin IDLE; end it with done(tag)."""
        tag = self.send("IDLE")
        while not (line := self._read_response()).startswith(b"+"):
            self._unread.append(line)
        return tag

    def done(self, tag):
        self._socket.sendall(b"DONE\r\n")
        return self.finish(tag)

    # What tests do all the time.

    def select(self, mailbox="INBOX", command="SELECT"):
        return self.ok(f"{command} {name(mailbox)}")

    def append(self, mailbox, message, flags="", date=""):
        """APPEND; date as in '"01-Jan-2020 10:00:00 +0000"'; returns the UID."""
        date = f' "{date}"' if date else ""
        response = self.ok(f"APPEND {name(mailbox)} ({flags}){date} {{}}", message)
        match = re.search(r"APPENDUID \d+ (\d+)", response.text)
        return int(match.group(1)) if match else None

    def search(self, query="ALL"):
        """UIDs in the selected mailbox."""
        found = self.ok(f"UID SEARCH {query}").lines("SEARCH")
        return [int(uid) for line in found for uid in line.split()[2:]]

    def delete(self, uids="1:*"):
        """Mark and expunge these UIDs; the Response to UID EXPUNGE."""
        self.ok(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
        return self.ok(f"UID EXPUNGE {uids}")

    def list(self, pattern="*", command="LIST"):
        """Names of mailboxes, decoded."""
        return [decode_name(line) for line in self.ok(f'{command} "" {name(pattern)}').lines(command.split()[0])]

    def status(self, mailbox, items="MESSAGES"):
        """STATUS as a dictionary of numbers."""
        line = self.ok(f"STATUS {name(mailbox)} ({items})").lines("STATUS")[0]
        words = line[line.rindex("(") + 1:line.rindex(")")].split()
        return {key: int(value) for key, value in zip(words[::2], words[1::2])}

    def logout(self):
        """LOGOUT and wait for the server to hang up."""
        self.ok("LOGOUT")
        while self._file.read(4096):
            pass
        self.close()

    def close(self):
        """Hang up without a word."""
        try:
            self._file.close()
            self._socket.close()
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None and self._socket.fileno() >= 0:
            self.logout()
        else:
            self.close()

    def _read_response(self):
        data = b""
        while True:
            line = self._file.readline()
            if not line.endswith(b"\n"):
                raise Refused(f"the server hung up after {(data + line)[-200:]!r}")
            data += line
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if not literal:
                return data[:-2]
            data += self._file.read(int(literal.group(1)))


def name(text):
    """A mailbox name (or another string) as a command takes it: quoted, in modified UTF-7."""
    return '"' + encode_utf7(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def encode_utf7(text):
    """IMAP's modified UTF-7."""
    def shifted(match):
        encoded = base64.b64encode(match.group(0).encode("utf-16-be")).rstrip(b"=")
        return "&" + encoded.decode().replace("/", ",") + "-"
    return re.sub(r"[^\x20-\x7e]+", shifted, text.replace("&", "&-"))


def decode_utf7(text):
    """The text behind IMAP's modified UTF-7."""
    def plain(match):
        encoded = match.group(1).replace(",", "/")
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-16-be") if encoded else "&"
    return re.sub(r"&([^-]*)-", plain, text)


def decode_name(line):
    """The mailbox name of a LIST or LSUB response."""
    match = re.match(r'\* \w+ \([^)]*\) (?:NIL|"(?:[^"\\]|\\.)*") (.*)$', line, re.DOTALL)
    raw = match.group(1)
    if raw.startswith("{"):
        raw = raw.partition("\r\n")[2]
    elif raw.startswith('"'):
        raw = re.sub(r"\\(.)", r"\1", re.match(r'"((?:[^"\\]|\\.)*)"', raw).group(1))
    return decode_utf7(raw)
