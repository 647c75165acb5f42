"""Mails go back in batches, and one that cannot does not hold up the others."""

import json

import pytest

from harness.dovecot.config import Quota
from harness.dovecot.mail import message
from harness.faults.inject import doveadm_traced

MAILS = 64


@pytest.mark.formats("sdbox", "mdbox")
def test_one_mail_that_does_not_fit_costs_few_commits(dovecot):
    """The batch fails with it, and its halves are tried then: not each mail alone."""
    user = dovecot(fsync="optimized", quota=Quota(storage="140k")).user()
    mails = [message(subject=f"small {number}") for number in range(MAILS)]
    mails[MAILS // 3] = message(subject="big", body=("x" * 70 + "\n") * 1440)
    user.fill("INBOX", mails)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    user.append("INBOX", message(subject="filler", body=("x" * 70 + "\n") * 865))
    done, calls = doveadm_traced(user.server, ["-f", "json", "lazy-expunge", "restore", "-u", user.name, "ALL"], "-e", "trace=fdatasync,fsync")
    [row] = json.loads(done.stdout)
    assert done.code == 73 and (row["restored"], row["failed"]) == (MAILS - 1, 1), done
    [kept] = user.kept()
    assert "Subject: big" in kept.text
    assert len(user.messages("INBOX")) == MAILS
    # at most five flushes each, of some ten batches
    assert 0 < calls.count("sync(") < MAILS
