"""Output that cannot be written: whoever saves it must learn that it is not whole, and what was done stays done."""

import array
import fcntl
import json
import os
import re
import select
import subprocess
import termios

import pytest

from harness import wait_for
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox
from harness.dovecot.mail import message

pytestmark = pytest.mark.any_format

FORMS = ("table", "tab", "json", "flow", "pager")
EX_IOERR = 74
MAILS = 300
PIPE_SIZE = 4096


@pytest.fixture
def user(dovecot):
    user = dovecot(mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge_max_mails=MAILS - 1),)).user()
    user.fill("INBOX", MAILS)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    return user


def run(user, form, stdout, command, *arguments):
    """The exit code, and what is said on standard error."""
    process = user.server.start_doveadm("-f", form, "lazy-expunge", command, "-u", user.name, *arguments, stdout=stdout,
                                        stderr=subprocess.PIPE)
    said = process.communicate(timeout=60)[1].decode()
    return process.returncode, said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("command, arguments", [("list", ()), ("list", ("-l", "1")), ("status", ()), ("check", ()),
                                                ("restore", ("-n", "ALL")), ("maintain", ("-n",))])
def test_a_full_disk_is_an_error(user, form, command, arguments):
    with open("/dev/full", "wb") as full:
        code, said = run(user, form, full, command, *arguments)
    errors = [line for line in said.splitlines() if "The output could not be written" in line]
    assert len(errors) == 1 and f"lazy-expunge {command}: " in errors[0] and "No space left on device" in errors[0], said
    # check may have found something that is FAIL
    assert code in ((EX_IOERR, 1) if command == "check" else (EX_IOERR,)), said
    with open(user.server.root / "rows", "wb") as rows:
        assert "could not be written" not in run(user, form, rows, command, *arguments)[1]


@pytest.mark.parametrize("form", FORMS)
def test_what_was_done_stays_done(user, form):
    with open("/dev/full", "wb") as full:
        assert run(user, form, full, "maintain")[0] == EX_IOERR
        assert len(user.kept()) == MAILS - 1
        assert run(user, form, full, "restore", "ALL")[0] == EX_IOERR
    assert user.kept() == [] and len(user.messages()) == MAILS - 1


def environment(server):
    """What a sanitizer needs, as the beginning of a command line."""
    return ["env", *(f"{key}={value}" for key, value in server.preload.items())]


def failing(user, fault, form, command):
    """Exit code, rows and standard error of a command whose output, a file, has this fault."""
    rows = user.server.root / "rows"
    # nsenter looks at its standard output as well, so the shell within says what doveadm's exit code was
    told = ["sh", "-c", '"$@"; echo "exit code $?" >&2', "sh", *environment(user.server)]
    command = ["strace", "-f", "-o", "/dev/null", "-P", str(rows), "-e", "inject=" + fault, "--"] + user.server.sandbox.command(
        told + user.server.doveadm_command("-f", form, "lazy-expunge", command, "-u", user.name))
    with open(rows, "wb") as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, env=user.server.sandbox.environment, timeout=60)
    [code] = re.findall(r"^exit code (\d+)$", done.stderr.decode(), re.MULTILINE)
    return int(code), rows.read_text().splitlines(), done.stderr.decode()


@pytest.mark.parametrize("form", ["tab", "table"])
def test_a_disk_that_fills_up(user, form):
    code, rows, said = failing(user, "write,writev:error=ENOSPC:when=2+", form, "list")
    assert code == EX_IOERR and "The output could not be written: No space left on device" in said, said
    assert 1 < len(rows) < MAILS


@pytest.mark.parametrize("form", ["tab", "table"])
def test_a_disk_that_was_full_for_a_moment(user, form):
    code, rows, said = failing(user, "write,writev:error=ENOSPC:when=2", form, "list")
    assert code == EX_IOERR and "The output could not be written" in said, said


def test_a_disk_that_tells_when_the_file_is_closed(user):
    """As NFS does, when there is no room or no quota left."""
    code, _, said = failing(user, "close:error=EDQUOT", "table", "status")
    assert code == EX_IOERR and "The output could not be written: Disk quota exceeded" in said, said


@pytest.mark.parametrize("form", FORMS)
def test_a_reader_that_went_away_has_seen_enough(user, form):
    process = user.server.start_doveadm("-f", form, "lazy-expunge", "list", "-u", user.name, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
    process.stdout.close()
    assert (process.stderr.read(), process.wait(timeout=60)) == (b"", 0)
    process.stderr.close()


def unread(pipe):
    """How many bytes are in the pipe."""
    size = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, size)
    return size[0]


@pytest.mark.parametrize("form", FORMS)
def test_standard_output_that_does_not_block(user, form):
    """A slow reader that made its pipe so gets everything."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    os.set_blocking(writer, False)
    command = user.server.sandbox.command(
        environment(user.server) + user.server.doveadm_command("-f", form, "lazy-expunge", "list", "-u", user.name))
    process = subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE, env=user.server.sandbox.environment)
    wait_for(lambda: process.poll() is not None or not select.select([], [writer], [], 0)[1], "the pipe to be full")
    out = b""
    while process.poll() is None or unread(reader):
        if select.select([reader], [], [], 0.1)[0]:
            out += os.read(reader, PIPE_SIZE)
    assert (process.stderr.read(), process.returncode) == (b"", 0)
    process.stderr.close()
    assert not os.get_blocking(writer), "it must be as it was"
    os.close(writer)
    os.close(reader)
    if form == "json":
        assert len(json.loads(out)) == MAILS
    assert out.count(b"message ") == MAILS
