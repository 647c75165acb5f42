"""check --live where nothing can be written: it fails, and leaves no mailbox behind."""

import json

import pytest

from harness.faults.full import small, take_all_bytes, take_all_inodes


@pytest.mark.parametrize("take", (take_all_bytes, take_all_inodes), ids=("bytes", "inodes"))
def test_a_full_disk(dovecot, take):
    with small() as disk:
        server = dovecot.own(mail_root=disk)
        user = server.user()
        user.fill("INBOX", 2)
        user.doveadm("expunge", "mailbox", "INBOX", "uid", "1")
        kept, before = [mail.content for mail in user.kept()], sorted(user.home.rglob("*"))
        take(disk)
        done = server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, "--live", check=False)
        [row] = [row for row in json.loads(done.stdout) if row["id"].startswith("live")]
        assert done.code == 1 and row["state"] == "FAIL" and "the disk is full" in row["found"] and "--make-room" in row["remedy"]
        assert [path for path in sorted(user.home.rglob("*")) if path not in before] == []
        assert not [name for name in user.mailboxes() if "probe" in name]
        assert [mail.content for mail in user.kept()] == kept and len(user.messages()) == 1
