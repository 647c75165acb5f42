"""Commands that are killed at any moment: nothing is lost, and the next run leaves things as if there had been one."""

import json
import os
import re
import subprocess
import time
from collections import Counter

import pytest

from harness.faults import inject as faults
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, namespace_mode
from harness.dovecot.mail import message

# What changes a file or a directory.
WRITING = ("write", "pwrite64", "writev", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat",
           "ftruncate", "symlink", "utimensat")

# So often a storage may be rebuilt until it is in order: what is killed in a row leaves more than one thing to mend.
REBUILDS = 3


def calls_in(trace):
    """How often each call is made by the process that makes it most: strace counts for each by itself, and a sanitizer has a
    process of its own."""
    counts = {}
    for (pid, call), count in Counter(re.findall(r"^(\d+) +(\w+)\(", trace, re.MULTILINE)).items():
        counts[call] = max(counts.get(call, 0), count)
    return counts


def calls_of(server, arguments):
    """How often doveadm makes each of these calls when nothing happens to it."""
    result, trace = faults.doveadm_traced(server, arguments, "-e", "trace=" + ",".join(WRITING))
    assert result.code == 0, result
    return calls_in(trace)


def killed(server, arguments, call, number):
    """Run doveadm and kill it at this call, unless it makes fewer of them this time."""
    command = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
    done, trace = faults.doveadm_traced(server, arguments, *command)
    assert "+++ killed by SIGKILL" in trace or calls_in(trace).get(call, 0) < number, f"not killed at {call} {number}: {done}"


def forget_locks(user):
    """A killed process leaves its dotlocks, and Dovecot waits some of them out. Let the time be over."""
    for pattern in ("*.newlock", "*.lock"):
        for path in user.home.rglob(pattern):
            if path.is_file() and "lazy-expunge" not in path.name:
                path.unlink()


def contents_after_purge(user, mailboxes):
    """What each mail is once nothing is there by chance: on mdbox purge removes what is not counted."""
    user.doveadm("purge", check=False)
    return [mail.content for mailbox in mailboxes for mail in user.messages(mailbox)] + [mail.content for mail in user.kept()]


def delete(user, mailbox):
    """Into the storage, and away with the mailbox."""
    user.doveadm("expunge", "mailbox", mailbox, "all")
    user.doveadm("mailbox delete", "-s", mailbox)


@pytest.mark.parametrize("home", [True, False])
def test_restore(dovecot, request, home):
    """Also for users without a home: what restore remembers for the next run is with their mail then."""
    server = dovecot.own(home=home)
    user = server.user()
    user.append("Work/Old", message(subject="once"), "\\Seen own", "02-Jan-2021 03:04:05 +0000", create=True)
    [before] = user.messages("Work/Old")
    arguments = ["lazy-expunge", "restore", "-u", user.name, "ALL"]
    delete(user, "Work/Old")
    calls = calls_of(server, arguments)
    assert sum(calls.values()) > 10
    first, step = faults.turn(request, dovecot)
    for call, count in calls.items():
        for number in range(first, count + 1, step):
            delete(user, "Work/Old")
            assert {mail.guid for mail in user.kept()} == {before.guid}
            killed(server, arguments, call, number)
            forget_locks(user)
            everywhere = {mail.guid for mail in user.messages("Work/Old") + user.kept()}
            assert everywhere == {before.guid}, f"killed at {call} {number}"
            for _ in range(REBUILDS):
                # a rebuild of mdbox gives back what had left the storage and was not purged, and that is kept
                if b"rebuilding indexes" not in server.doveadm(*arguments).stderr:
                    break
            assert [mail.content for mail in user.messages("Work/Old")] == [before.content], f"killed at {call} {number}"
            assert user.kept() == [], f"killed at {call} {number}"
            assert contents_after_purge(user, ["Work/Old"]) == [before.content], f"killed at {call} {number}, purged"
    server.expect_log(".", required=False)


@pytest.mark.parametrize("days", [1, 31])
def test_what_was_cut_off_waits_for_a_restore_of_its_mailbox(dovecot, days):
    """One of another mailbox, or one that has nothing to do, does not forget it; in a month it is forgotten."""
    server = dovecot.own()
    user = server.user()
    user.append("Work", message(subject="once"), "\\Seen own", create=True)
    user.append("INBOX", message(subject="other"))
    [before] = user.messages("Work")
    with user.imap("Work") as session:
        session.ok("COPY 1 INBOX")
        session.delete("1")
    # as a kill within the commit leaves it: there without its flags, and in the storage
    with user.imap("INBOX") as session:
        session.ok("MOVE 2 Work")
        session.delete("1")
        session.select("Work")
        session.ok("STORE 1 FLAGS ()")
    note = user.home / ".dovecot.lazy-expunge.restoring"
    note.write_text(f"{before.guid}\tWork\n")
    server.own(note)
    written = time.time() - days * 86400
    os.utime(note, (written, written))
    for origin in ("Other", "INBOX", "Work"):
        assert note.exists() and abs(note.stat().st_mtime - written) < 1
        server.doveadm("lazy-expunge", "restore", "-u", user.name, "-o", origin, "ALL", check=origin != "Other")
        if days == 31:
            break
    [mail] = user.messages("Work")
    assert (mail.guid, "\\Seen" in mail.flags, "own" in mail.keywords) == (before.guid, days == 1, days == 1)
    assert not note.exists()


def test_restore_of_copies(dovecot):
    """Two mailboxes, some of whose mails live elsewhere: no mail comes back twice, and what came back can be taken back."""
    server = dovecot.own(lazy={"only_last_instance": True})
    boxes = ("Work", "Work/Old")
    arguments = ["lazy-expunge", "restore", "-u", "", "ALL"]

    def deleted():
        user = server.user()
        arguments[3] = user.name
        for box in boxes:
            user.fill(box, [message(subject=f"{box} {n}") for n in range(4)], create=True, flags="\\Seen own")
            with user.imap(box) as session:
                session.ok("UID COPY 1:2 INBOX")
        before = contents(user, *boxes, "INBOX")
        for box in boxes:
            user.doveadm("expunge", "mailbox", box, "all")
        assert contents(user, *boxes) == [] and len(user.kept()) == 4
        return user, before

    def contents(user, *mailboxes):
        return sorted((mailbox, mail.content) for mailbox in mailboxes for mail in user.messages(mailbox))

    def restores(user):
        done = server.doveadm("-f", "json", "lazy-expunge", "deletions", "-u", user.name, check=False)
        return [row["id"] for row in json.loads(done.stdout or b"[]") if row["kind"] == "restore" and row["messages"]]

    deleted()
    for call, count in calls_of(server, arguments).items():
        if call not in ("write", "pwrite64", "link", "rename"):
            continue
        for number in sorted({count // 2, count * 3 // 4} - {0}):
            at = f"killed at {call} {number} of {count}"
            user, before = deleted()
            killed(server, arguments, call, number)
            forget_locks(user)
            back = contents(user, *boxes)
            assert len({(box, content[0]) for box, content in back}) == len(back), at
            # the second batch begins after the first was written down
            assert len({box for box, _ in back}) < 2 or restores(user), at
            for restore in restores(user):
                server.doveadm("lazy-expunge", "restore", "-u", user.name, "-U", restore)
                assert not restores(user), at
            if dovecot.format != "mdbox":
                assert set(contents(user, *boxes)) <= set(back), at
            for _ in range(REBUILDS):
                if b"rebuilding indexes" not in server.doveadm(*arguments).stderr:
                    break
            assert contents(user, *boxes, "INBOX") == before and user.kept() == [], at
            server.doveadm(*arguments)
            assert contents(user, *boxes, "INBOX") == before, at
    server.expect_log(".", required=False)


def test_maintain(dovecot):
    server = dovecot.own(mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge_max_mails=1),))
    user = server.user()
    arguments = ["lazy-expunge", "maintain", "-u", user.name]

    def fill():
        user.doveadm("expunge", "mailbox", ".EXPUNGED", "all", check=False)
        for number in range(3):
            user.doveadm("save", input=message(subject=str(number)))
        user.doveadm("expunge", "mailbox", "INBOX", "all")
        assert len(user.kept()) == 3

    fill()
    calls = calls_of(server, arguments)
    for call, count in calls.items():
        # the first, the last, and some between
        for number in sorted({1, 2, count // 2 or 1, max(count - 1, 1), count}):
            fill()
            killed(server, arguments, call, number)
            forget_locks(user)
            assert [mail.subject for mail in user.kept()][-1:] == ["2"], f"killed at {call} {number}"
            rows = json.loads(server.doveadm("-f", "json", *arguments).stdout)
            assert [mail.subject for mail in user.kept()] == ["2"], f"killed at {call} {number}"
            assert rows[0]["failed"] == 0
            [content] = contents_after_purge(user, [])
            assert "A line of text." in content[-1], f"killed at {call} {number}, purged"
    server.expect_log(".", required=False)


def states(server, user):
    """{name: state} of the holds, which can be read."""
    return {row["name"]: row["state"] for row in json.loads(server.doveadm("-f", "json", "lazy-expunge", "holds", "-u", user.name).stdout or b"[]")}


@pytest.mark.parametrize("home", [True, False])
def test_hold_and_release(dovecot, request, home):
    """The file is what it was or what it is to be, and nothing goes that is held."""
    server = dovecot.own(home=home, mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge_max_mails=1),))
    user = server.user()
    hold = ["lazy-expunge", "hold", "-u", user.name, "-N"]
    server.doveadm(*hold, "first", "subject", "Evidence")
    for subject in ("Evidence", "Lunch", "Offer"):
        user.doveadm("save", input=message(subject=subject))
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    release = ["lazy-expunge", "release", "-u", user.name, "-g", "0", "-N"]
    counts = {"set": calls_of(server, [*hold, "second"]), "released": calls_of(server, [*release, "second"])}
    assert all(sum(calls.values()) >= 3 for calls in counts.values()), counts
    names = iter(map(str, range(10000)))
    first, step = faults.turn(request, dovecot)
    for what, calls in counts.items():
        for call, count in calls.items():
            for number in range(first, count + 1, step):
                where, name = f"{what}, killed at {call} {number}", next(names)
                if what == "released":
                    server.doveadm(*hold, name)
                arguments = [*(hold if what == "set" else release), name]
                killed(server, arguments, call, number)
                forget_locks(user)
                after = states(server, user)
                assert after["first"] == "held" and after.get(name) in ((None, "held") if what == "set" else ("held", "released")), where
                # again: it is done
                if after.get(name) != ("held" if what == "set" else "released"):
                    server.doveadm(*arguments)
                assert states(server, user)[name] == ("held" if what == "set" else "released"), where
                # while a hold without a query is in force nothing goes
                if what == "set":
                    user.doveadm("lazy-expunge maintain")
                    assert len(user.kept()) == 3, where
                    server.doveadm(*release, name)
    user.doveadm("lazy-expunge maintain")
    assert [mail.subject for mail in user.kept()] == ["Evidence", "Offer"]
    server.expect_log(".", required=False)


@pytest.mark.parametrize("home", [True, False])
def test_two_restores_at_once(dovecot, home):
    user = dovecot(home=home).user()
    user.fill("INBOX", 40)
    before = user.messages()
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    runs = [user.server.start_doveadm("lazy-expunge", "restore", "-u", user.name, "ALL", stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE) for _ in range(3)]
    for run in runs:
        run.communicate(timeout=60)
        assert run.returncode == 0
    assert sorted(mail.guid for mail in user.messages()) == sorted(mail.guid for mail in before) and user.kept() == []


SECRET = "Confidential-text-0815"


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_erase(dovecot, request, mode):
    """Killed anywhere and run again: nothing of the mail is left, others are as they were, and the report has each copy."""
    server = dovecot.own(**namespace_mode(dovecot.format) if mode == "namespace" else {})
    storage = ".EXPUNGED" if mode == "mailbox" else ".EXPUNGED/INBOX"
    user = server.user()
    report = server.root / "evidence"
    report.mkdir(mode=0o700)

    def query(name="erased.json"):
        return ["lazy-expunge", "erase", "-u", user.name, "-w", str(report / name), "subject", "secret"]

    def scatter():
        user.append("INBOX", message(subject="secret", body=f"{SECRET}\n"))
        with user.imap("INBOX") as session:
            session.ok("FETCH 1:* (ENVELOPE BODY.PEEK[TEXT])")
            for _ in range(2):
                session.ok("COPY * Work")
            session.delete("*")

    def others():
        return sorted(mail.content for mailbox in ("INBOX", "Work") for mail in user.messages(mailbox) if mail.subject != "secret")

    user.append("INBOX", message(subject="stays"))
    user.append("Work", message(subject="stays, too"), create=True)
    stay = others()
    scatter()
    calls = calls_of(server, query("first"))
    first, step = faults.turn(request, dovecot)
    done = 0
    for call, count in calls.items():
        for number in range(first, count + 1, step):
            at = f"killed at {call} {number}"
            scatter()
            guids = {mail.guid for mail in user.messages("Work") if mail.subject == "secret"}
            killed(server, query(f"killed-{call}-{number}"), call, number)
            forget_locks(user)
            for run in range(1 + REBUILDS):
                # a rebuild of mdbox may give the mail back, which is an error that says so
                again = server.doveadm(*query(f"again-{call}-{number}-{run}"), check=False)
                if again.code != 75:
                    break
            assert again.code == 0 and b"Panic" not in again.stderr, (at, again)
            left = subprocess.run(["grep", "-rlaF", SECRET, str(user.home)], capture_output=True, text=True).stdout.split()
            assert left == [], at
            assert others() == stay, at
            reports = [report / f"killed-{call}-{number}", report / f"again-{call}-{number}-{run}"]
            told = [json.loads(path.read_text()) for path in reports if path.exists()]
            copies = [mail for each in told for mail in each["mails"] if mail["state"] == "erased"]
            assert {mail["guid"] for mail in copies} == guids, at
            boxes = Counter(mail["mailbox"] for mail in told[0]["mails"])
            # and what a rebuild of mdbox gave back
            assert boxes["Work"] >= 2 and boxes[storage] >= 1, (at, told)
            done += 1
    assert done > 10
    server.expect_log(".", required=False)
