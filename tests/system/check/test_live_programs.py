"""check -L that begins imap and pop3 themselves, as it does where it stays root: over several users."""

import json

import pytest


@pytest.mark.any_format
def test_live_of_several_users(dovecot):
    server = dovecot.own(passwd_file=True)
    users = [server.user() for _ in range(2)]
    server.write_users(users)
    for user in users:
        user.deliver()
    done = server.doveadm("-f", "json", "lazy-expunge", "check", "-L", "-A", check=False)
    live = {row["id"]: row["state"] for row in json.loads(done.stdout) if row["id"].startswith("live")}
    assert {"live", "live-imap", "live-pop3", "live-lmtp", "live-lda"} <= set(live) and set(live.values()) == {"OK"}, done
