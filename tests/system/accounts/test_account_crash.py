"""Account commands that are killed, or whose system call fails, at each of their steps, one after the other.

After each the account is whole under its name, or whole among the deleted, or account list names the command that ends it; and it
does.
"""

import re
import shlex

import pytest

from harness.dovecot.accounts import DELETED, account, content, two_parts
from harness.dovecot.mail import message
from harness.faults.inject import doveadm_traced, turn

CALLS = ("rename", "renameat2", "link", "unlink", "unlinkat", "mkdir", "rmdir", "symlink", "fdatasync", "write")
KILL = "SIGKILL"
ERRORS = ("ENOSPC", "EDQUOT", "EACCES", "EXDEV", "EROFS", "EIO")


def steps(request, dovecot):
    """(fault, first, step): at which calls it is tried, each if all are asked for. The calls of the commands are the same on each
    Dovecot and with each format, and an end is worse than a failure."""
    first, step = turn(request, dovecot)
    if request.config.getoption("every_fault"):
        return [(fault, first, step) for fault in (KILL, *ERRORS)]
    if dovecot.format != "mdbox":
        return [(KILL, first, 8)]
    return [(KILL, first, step), ("EACCES", first, 2 * step)]


class Account:
    """One user's account in two parts, which is deleted and brought back over and over."""

    def __init__(self, dovecot):
        self.server = dovecot.own(**two_parts(dovecot))
        self.user, self.other = self.server.user(), self.server.user()
        self.fill()
        self.expected = content(self.user)
        self.ident = None

    def fill(self):
        self.user.deliver(message(subject="Lunch"))
        self.server.settle()

    def rows(self):
        """All but what had no mail and gave way."""
        return [row for row in account(self.server, "list") if row["needs"] or row["messages"] not in ("0", 0)]

    def left_behind(self):
        """What has the user's name, but for what a kill leaves: locks, and at the very last step the directory without anything in it."""
        return [path for path in self.server.mail_root.rglob("*") if self.user.name in path.name and not path.name.startswith(".lock.")
                and not (path.parent.name == DELETED and path.is_dir() and not any(path.iterdir()))]

    def is_whole(self, user):
        done = user.doveadm("mailbox status", "messages", "INBOX", check=False)
        return done.code == 0 and content(user) == self.expected

    def end(self):
        """Run the command that the list names, if one is open; the row that is left, or None."""
        for row in self.rows():
            if row["needs"]:
                words = shlex.split(row["needs"].removeprefix("to be ended by: "))
                assert words[:3] == ["doveadm", "lazy-expunge", "account"], row
                self.server.doveadm(*words[1:])
        rows = self.rows()
        assert len(rows) <= 1 and all(row["state"] == "deleted" and row["needs"] == "" for row in rows), rows
        return rows[0] if rows else None

    def delete(self):
        self.ident = account(self.server, "delete", "-u", self.user.name)[0]["id"]

    def bring_back(self):
        account(self.server, "undelete", self.ident)
        assert self.is_whole(self.user)


def after_delete(one):
    row = one.end()
    if row is None:
        assert one.is_whole(one.user)
        one.delete()
    else:
        one.ident = row["id"]
    one.bring_back()


def after_undelete(one):
    if one.end() is not None:
        one.bring_back()
    assert one.is_whole(one.user)
    one.delete()


def after_rename(one):
    assert one.end() is None
    if one.is_whole(one.user):
        account(one.server, "rename", "-u", one.user.name, one.other.name)
    assert one.is_whole(one.other)
    one.user, one.other = one.other, one.user


def after_purge(one):
    row = one.end()
    if row is not None:
        account(one.server, "purge", row["id"])
    assert one.rows() == [] and one.left_behind() == []
    one.fill()
    one.expected = content(one.user)
    one.delete()


COMMANDS = {
    "delete": (lambda one: ["delete", "-u", one.user.name], after_delete, False),
    "undelete": (lambda one: ["undelete", one.ident], after_undelete, True),
    "rename": (lambda one: ["rename", "-u", one.user.name, one.other.name], after_rename, False),
    "purge": (lambda one: ["purge", one.ident], after_purge, True),
}


def injected(one, words, call, fault, number, beside=()):
    """Run the command with the fault at this call of the kind; whether it came to it."""
    what = f"signal={KILL}" if fault == KILL else f"error={fault}"
    result, text = doveadm_traced(one.server, ["-f", "json", "lazy-expunge", "account", *words], "-e", f"trace={call}{',renameat2' if beside else ''}",
                                  *beside, "-e", f"inject={call}:{what}:when={number}")
    return bool(re.search(r"\+\+\+ killed by SIGKILL" if fault == KILL else "INJECTED", text)), result


@pytest.mark.parametrize("command", COMMANDS)
def test_at_each_call(dovecot, request, command):
    words, after, deleted = COMMANDS[command]
    one = Account(dovecot)
    one.server.expect_log("Killed with signal|killed with signal", required=False)
    if deleted:
        one.delete()
    tries = 0
    for fault, first, step in steps(request, dovecot):
        for call in CALLS:
            number = first
            while True:
                came, result = injected(one, words(one), call, fault, number)
                assert came or result.code == 0, (call, fault, number, str(result))
                after(one)
                if not came:
                    break
                number += step
                tries += 1
    print(f"{command}: {tries} faults")
    assert tries > (10 if step == 1 else 3)


CANNOT_EXCHANGE = ("-e", "inject=renameat2:error=EINVAL")


@pytest.mark.formats("mdbox")
@pytest.mark.parametrize("command", ("delete", "undelete", "rename"))
def test_a_file_system_that_cannot_exchange_names(dovecot, request, command):
    """The commands take more steps there, and are killed at each: the end is the same."""
    words, after, deleted = COMMANDS[command]
    one = Account(dovecot)
    one.server.expect_log("Killed with signal|killed with signal", required=False)
    if deleted:
        one.delete()
    tries, (first, step) = 0, turn(request, dovecot)
    for call in ("rename", "link", "unlink"):
        number = first
        while True:
            came, result = injected(one, words(one), call, KILL, number, CANNOT_EXCHANGE)
            assert came or result.code == 0, (call, number, str(result))
            after(one)
            if not came:
                break
            number += step
            tries += 1
    assert tries * step > 5

