"""account list -A where userdb cannot list its users: those of the catalog are asked."""

import pytest

from harness.dovecot.accounts import account, delete
from harness.dovecot.catalog import with_catalog
from harness.dovecot.retention import maintain

pytestmark = pytest.mark.any_format
CANNOT = r"(userdb list|Iteration|iterate|user listing)"


def test_accounts_are_found_by_the_users_of_the_catalog(dovecot):
    # the userdb is static: it knows any name, and no list
    server, _ = with_catalog(dovecot)
    server.allow_log(CANNOT)
    users = [server.user() for _ in range(3)]
    for user in users:
        user.deliver()
        maintain(server, "-u", user.name)
    server.settle()
    ident = delete(users[0])
    (server.root / "run/lazy-expunge-accounts").unlink()
    assert account(server, "list") == []
    done = server.doveadm("-f", "json", "lazy-expunge", "account", "list", "-A")
    assert ident.encode() in done.stdout and b"userdb cannot list its users: the " in done.stderr, str(done)
    # and is remembered again
    assert [row["id"] for row in account(server, "list")] == [ident]


def test_without_a_catalog_it_is_an_error(dovecot):
    server = dovecot.own()
    server.allow_log(CANNOT)
    done = server.doveadm("lazy-expunge", "account", "list", "-A", check=False)
    assert done.code == 75 and b"The users cannot be listed" in done.stderr, str(done)
