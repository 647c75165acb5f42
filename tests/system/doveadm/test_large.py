"""doveadm lazy-expunge list and export with many mails: rows come while it is at work, and memory does not grow with them."""

import json
import os
import subprocess

import pytest

from harness.measuring import accounts as bench_accounts
from harness.measuring.accounts import STORAGE, Account
from harness.dovecot.config import settings
from harness.dovecot.sandbox import process_stat

# tools/bench has a case of 100,000 on each format
pytestmark = pytest.mark.formats("sdbox")
MAILS = 10000
TICKS = os.sysconf("SC_CLK_TCK")
# Runs a command and says on standard error how much memory (KiB) and time (seconds) of the processor it took.
MEASURE = "import resource, subprocess, sys; status = subprocess.run(sys.argv[1:]).returncode; " \
    "used = resource.getrusage(resource.RUSAGE_CHILDREN); " \
    "print(used.ru_maxrss, used.ru_utime + used.ru_stime, file=sys.stderr); sys.exit(status)"


@pytest.fixture
def user(dovecot):
    user = dovecot.own(lazy=settings(mailbox=STORAGE, only_last_instance=False)).user()
    bench_accounts.copy(dovecot.target, dovecot.format, Account(inbox=200, storage=MAILS), user)
    # what a mailbox costs when it is opened for the first time is Dovecot's
    user.doveadm("mailbox status", "messages", STORAGE)
    return user


def command(user, form, *arguments, name="list"):
    return user.server.doveadm_command("-f", form, "lazy-expunge", name, "-u", user.name, *arguments)


def measured(user, form, *arguments, name="list"):
    """KiB, seconds and output of a whole list, or of another command."""
    done = subprocess.run(["/usr/bin/python3", "-c", MEASURE, *user.server.sandbox.command(command(user, form, *arguments, name=name))],
                          env=user.server.sandbox.environment, capture_output=True, check=True)
    memory, seconds = done.stderr.split()[-2:]
    return int(memory), float(seconds), done.stdout


def seconds_to_the_first_row(user, form):
    """Of the processor, which other programs on this machine do not change."""
    run = user.server.sandbox.popen(command(user, form), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with run.stdout:
        assert os.read(run.stdout.fileno(), 1)
        # the rest does not fit into the pipe: it is still there
        [pid] = user.server.processes("doveadm")
        _, fields = process_stat(pid)
        seconds = (int(fields[11]) + int(fields[12])) / TICKS
    run.wait(timeout=60)
    return seconds


@pytest.mark.parametrize("form", ["table", "tab", "json"])
def test_rows_come_while_it_is_at_work(user, form):
    one_row, _, _ = measured(user, form, "-l", "1")
    memory, seconds, out = measured(user, form)
    if form == "json":
        assert len({row["uid"] for row in json.loads(out)}) == MAILS
    else:
        assert out.count(b"\n") == 1 + MAILS
    assert memory - one_row < 8 * 1024, (one_row, memory)
    assert seconds_to_the_first_row(user, form) < seconds / 2


def test_an_archive_takes_no_memory_and_little_time(user):
    idle, _, _ = measured(user, "table", "-l", "1")
    path = user.server.root / "many.tar.gz"
    memory, seconds, out = measured(user, "json", "-w", str(path), name="export")
    [row] = json.loads(out)
    assert row["messages"] == MAILS and row["size"] == path.stat().st_size
    # of names alone, some hundred bytes for each mail
    assert memory - idle < 16 * 1024, (idle, memory)
    uids = [json_row["uid"] for json_row in json.loads(measured(user, "json", "-l", "10", "-c", "uid")[2])]
    loop = sum(seconds_of_a_fetch(user, uid) for uid in uids)
    assert 10 * seconds / MAILS < loop / len(uids), (seconds, loop)


def seconds_of_a_fetch(user, uid):
    """Of the processor, as a loop of doveadm fetch would take for this mail."""
    fetch = user.server.doveadm_command("fetch", "-u", user.name, "text", "mailbox", STORAGE, "uid", uid, asking=True)
    done = subprocess.run(["/usr/bin/python3", "-c", MEASURE, *user.server.sandbox.command(fetch)],
                          env=user.server.sandbox.environment, capture_output=True, check=True)
    return float(done.stderr.split()[-1])
