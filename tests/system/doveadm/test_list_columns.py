"""The columns of list: which there are, which are shown, and that a mail is one line of a terminal."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios

import pytest

from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, namespace_mode
from harness.dovecot.mail import message

pytestmark = pytest.mark.any_format

SENT = DEFAULT_MAILBOXES + (Mailbox("Sent", auto="create", special_use="\\Sent"),)
ATTACHED = """\
--cut
Content-Type: text/plain

See the files.
--cut
Content-Type: application/pdf
Content-Disposition: attachment; filename="offer.pdf"

%PDF
--cut
Content-Type: message/rfc822
Content-Disposition: attachment

Subject: within
Content-Type: multipart/mixed; boundary=in

--in
Content-Type: image/png
Content-Disposition: inline; filename=picture.png

PNG
--in--

--cut
Content-Type: text/plain
Content-Disposition: inline

no file
--cut--
"""


def fields(mode, dovecot, mailboxes=SENT):
    return dict(mailboxes=mailboxes) if mode == "mailbox" else \
        dict(namespace_mode(dovecot.format, only_last_instance=False), mailboxes=mailboxes)


def delete(user, mailbox):
    user.doveadm("expunge", "mailbox", mailbox, "all")


def rows(user, *arguments):
    return json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name, *arguments).stdout)


def table(user, *arguments):
    """The words of the lines."""
    return [line.split() for line in user.doveadm("lazy-expunge list", *arguments).stdout.decode().splitlines()]


def on_terminal(user, columns, *arguments):
    """What a terminal of so many columns gets, in lines."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    run = user.server.start_doveadm("lazy-expunge", "list", "-u", user.name, *arguments, stdin=subprocess.DEVNULL, stdout=inside,
                                    stderr=subprocess.PIPE)
    os.close(inside)
    shown = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            # EIO: the other side is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(terminal)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 0 and errors == b"", errors
    return shown.decode().splitlines()


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_recipients_attachments_and_holds(dovecot, mode):
    user = dovecot(**fields(mode, dovecot)).user()
    user.append("INBOX", message(to="Anna <anna@example.com>, \"Bob, B.\" <bob@example.com>", body=ATTACHED,
                                 headers="MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=cut\n"))
    user.append("INBOX", message(subject="plain"))
    user.append("INBOX", b"Subject: headless\r\nContent-Type: multipart/mixed\r\n\r\nbroken\r\n")
    delete(user, "INBOX")
    user.doveadm("lazy-expunge hold", "-N", "case-1", "subject", "plain")
    found = {row["subject"]: row for row in rows(user)}
    first, plain, headless = found.pop("plain"), None, found.pop("headless")
    plain, [first] = first, found.values()
    assert first["to"] == "Anna <anna@example.com>, \"Bob, B.\" <bob@example.com>"
    # the pdf, and the picture within the mail that is attached
    assert (first["attachments"], first["held"]) == (2, "")
    assert (plain["to"], plain["attachments"], plain["held"]) == ("recipient@example.com", 0, "case-1")
    assert (headless["to"], headless["from"], headless["attachments"]) == ("", "", 0)
    [tab] = [line for line in user.server.doveadm("-f", "tab", "lazy-expunge", "list", "-u", user.name, "subject", "plain")
             .stdout.decode().splitlines()[1:]]
    assert tab.split("\t")[-3:] == ["case-1", "recipient@example.com", "0"]


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_sent_mail_shows_to_whom_it_went(dovecot, mode):
    user = dovecot(**fields(mode, dovecot)).user()
    for mailbox in ("INBOX", "Sent"):
        user.append(mailbox, message(subject=f"of-{mailbox}", sender=f"by-{mailbox}@example.com", to=f"for-{mailbox}@example.com"))
        delete(user, mailbox)
    head, *lines = table(user)
    assert head == ["deleted", "origin", "from", "subject", "size", "uid"]
    assert sorted(line[2:-3] for line in lines) == [["INBOX", "by-INBOX@example.com"], ["Sent", "To:", "for-Sent@example.com"]]
    # what is asked for is what it is, and so is what programs read
    asked = table(user, "-c", "origin,from,to")[1:]
    assert sorted(asked) == [[box, f"by-{box}@example.com", f"for-{box}@example.com"] for box in ("INBOX", "Sent")]
    assert {row["origin"]: (row["from"], row["to"]) for row in rows(user)} == \
        {box: (f"by-{box}@example.com", f"for-{box}@example.com") for box in ("INBOX", "Sent")}
    assert "by-Sent@example.com" in user.doveadm("lazy-expunge list", "-v").stdout.decode()


def test_a_mail_is_one_line_of_a_terminal(dovecot):
    user = dovecot(mailboxes=SENT).user()
    for number in range(3):
        user.append("Projects/A long name of a project/Spring", create=True, message=message(
            subject=f"A subject that is much longer than a terminal is wide, {number} " * 2,
            sender="Somebody With A Rather Long Name <somebody.with.a.long.address@department.example.com>"))
    delete(user, "Projects/*")
    for columns in (80, 100, 60):
        head, *lines = on_terminal(user, columns)
        assert head.split() == ["deleted", "origin", "from", "subject", "size", "uid"]
        assert len(lines) == 3 and all(len(line) <= columns for line in (head, *lines)), lines
        # the day and its time, the number of the mail
        assert {int(line.split()[-1]) for line in lines} == {row["uid"] for row in rows(user)}
        assert all(line[4] == line[7] == "-" and line[13] == ":" for line in lines)
    assert max(len(line) for line in on_terminal(user, 80)) == 80


def test_columns_are_chosen(dovecot):
    server = dovecot()
    user = server.user()
    user.append("INBOX", message(subject="one"))
    delete(user, "INBOX")
    [whole] = rows(user)
    for names in ("subject", "guid,uid,subject", "held,attachments", ",".join(whole)):
        [row] = rows(user, "-c", names)
        assert list(row) == names.split(",") and row == {name: whole[name] for name in row}
        head, _ = user.server.doveadm("-f", "tab", "lazy-expunge", "list", "-u", user.name, "--columns", names).stdout.decode().splitlines()
        assert head == names.replace(",", "\t")
        assert table(user, "-c", names)[0] == names.split(",")
    # also through a server
    server.expect_log("Executing command|exited", required=False)
    done = server.doveadm("-f", "json", "lazy-expunge", "list", "-S", server.root / "run/doveadm-server", "-u", user.name, "-c", "subject,to")
    assert json.loads(done.stdout) == [{"subject": "one", "to": "recipient@example.com"}]


def test_the_user_comes_first_over_several(dovecot):
    server = dovecot.own(passwd_file=True)
    users = [server.user() for _ in range(2)]
    server.write_users(users)
    for user in users:
        user.append("INBOX", message(subject="one"))
        delete(user, "INBOX")
    for arguments, titles in (((), ["deleted", "origin", "from", "subject", "size", "uid"]), (("-c", "uid,subject"), ["uid", "subject"])):
        head, *lines = server.doveadm("lazy-expunge", "list", "-A", *arguments).stdout.decode().splitlines()
        assert head.split()[1:] == titles and head.split()[0].lower() == "username"
        assert sorted(line.split()[0] for line in lines) == sorted(user.name for user in users)


@pytest.mark.parametrize("names, text", [
    ("colour", "-c: there is no column colour; there are uid, mailbox, guid, "),
    ("", "-c: there is no column ; there are uid, "),
    ("uid,,to", "-c: there is no column ; there are "),
    ("uid,to,uid", "-c: the column uid is there twice"),
])
def test_a_bad_column(dovecot, names, text):
    user = dovecot().user()
    user.append()
    delete(user, "INBOX")
    done = user.doveadm("lazy-expunge list", "-c", names, check=False)
    assert done.code == 64 and text in done.stderr.decode() and done.stdout == b"", done
