"""One deletion as a whole: what a session deleted, listed, restored and taken back again."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from harness import message, name, wait_for
from harness.dovecot.config import Mailbox, Quota, namespace_mode
from harness.faults.inject import session_process, traced

BOXES = (Mailbox("Trash", special_use="\\Trash"),)
LAST = {"only_last_instance": True}
FILE = ".dovecot.lazy-expunge.deletions"


def run(user, command, *arguments, check=True):
    return user.server.doveadm("-f", "json", "lazy-expunge", command, "-u", user.name, *arguments, check=check)


def rows(user, command, *arguments):
    return json.loads(run(user, command, *arguments).stdout or b"[]")


def deletions(user, *arguments):
    return rows(user, "deletions", *arguments)


def subjects(user, mailbox):
    return sorted(mail.subject for mail in user.messages(mailbox))


def filled(dovecot, *mailboxes, **fields):
    """A user with mails "<mailbox> 1" to "<mailbox> 4" in each."""
    user = dovecot(**{"mailboxes": BOXES, **fields}).user()
    for mailbox in mailboxes:
        user.fill(mailbox, [message(subject=f"{mailbox} {n}") for n in range(1, 5)], create=mailbox != "INBOX", flags="\\Seen own")
    return user


def delete(user, mailbox, uids="1:*"):
    with user.imap(mailbox) as session:
        session.delete(uids)


MODES = {"mailbox": lambda form: {}, "namespace": namespace_mode}


@pytest.mark.parametrize("mode", MODES)
def test_a_session_is_a_deletion(dovecot, mode):
    user = filled(dovecot, "INBOX", "Work", **MODES[mode](dovecot.format))
    phone, desk = user.imap("INBOX"), user.imap("INBOX")
    phone.delete("1,2")
    desk.delete("3")
    phone.select("Work")
    phone.delete("1:3")
    phone.logout()
    desk.logout()
    wait_for(lambda: all(row["by"].startswith("imap") for row in deletions(user)), "records of the two sessions")
    found = {row["messages"]: row for row in deletions(user)}
    assert sorted(found) == [1, 5]
    five = found[5]
    assert five["kind"] == "deletion" and five["origins"] == "INBOX 2, Work 3" and five["by"].startswith("imap")
    assert five["address"] == "127.0.0.1" and five["session"]
    assert (five["there"], five["restored"], five["expired"]) == (5, 0, 0)
    assert five["bytes"] == sum(row["size"] for row in rows(user, "list", "-d", five["id"]))
    assert {row["subject"] for row in rows(user, "list", "-d", five["id"])} == {"INBOX 1", "INBOX 2", "Work 1", "Work 2", "Work 3"}
    plan = rows(user, "restore", "-n", "-d", five["id"])
    assert {(row["target"], row["restored"]) for row in plan} == {("INBOX", 2), ("Work", 3)} and len(user.kept()) == 6
    assert rows(user, "restore", "-d", five["id"]) == plan
    # what the other device deleted from the same mailbox at the same time stays deleted
    assert subjects(user, "INBOX") == ["INBOX 1", "INBOX 2", "INBOX 4"] and subjects(user, "Work") == [f"Work {n}" for n in range(1, 5)]
    after = {row["id"]: row for row in deletions(user)}
    assert (after[five["id"]]["there"], after[five["id"]]["restored"], after[five["id"]]["expired"]) == (0, 5, 0)
    assert after[found[1]["id"]]["there"] == 1


def test_a_restore_is_taken_back(dovecot):
    user = filled(dovecot, "INBOX", "Work")
    with user.imap("INBOX") as session:
        session.delete("1,2")
        session.select("Work")
        session.delete()
    before = sorted(mail.content + (mail.origin,) for mail in user.kept())
    [deletion] = deletions(user)
    run(user, "restore", "-d", deletion["id"])
    [restore] = [row for row in deletions(user) if row["kind"] == "restore"]
    assert restore["messages"] == 6 and sorted(restore["origins"].split(", ")) == ["INBOX 2", "Work 4"]
    assert restore["by"].startswith("doveadm") and restore["there"] is None
    plan = rows(user, "restore", "-n", "-U", restore["id"])
    assert {(row["origin"], row["restored"], row["skipped"]) for row in plan} == {("INBOX", 2, 0), ("Work", 4, 0)}
    assert user.kept() == [] and len(user.messages("Work")) == 4
    assert rows(user, "restore", "-U", restore["id"]) == plan
    assert sorted(mail.content + (mail.origin,) for mail in user.kept()) == before
    assert user.messages("Work") == [] and subjects(user, "INBOX") == ["INBOX 3", "INBOX 4"]
    [again] = [row for row in deletions(user) if row["kind"] == "deletion"]
    assert again["id"] == deletion["id"] and (again["there"], again["restored"], again["expired"]) == (6, 0, 0)


@pytest.mark.formats("sdbox", "mdbox")
def test_what_was_there_already_counts_once_however_often_it_is_tried(dovecot):
    """The batch fails with the mail that does not fit, and its mails are done one by one."""
    user = dovecot(quota=Quota(storage="30k")).user()
    user.fill("INBOX", [message(subject="one"), message(subject="two"), message(subject="big", body="x" * 20000 + "\n")])
    with user.imap("INBOX") as session:
        session.ok("CREATE Other")
        session.ok("UID COPY 1,2 Other")
        session.delete("1:3")
        session.select("Other")
        session.ok("UID COPY 1:2 INBOX")
    user.append("INBOX", message(subject="filler", body="x" * 20000 + "\n"))
    [before] = deletions(user)
    assert (before["messages"], before["there"]) == (3, 3)
    assert run(user, "restore", "ALL", check=False).code == 73
    [after] = [row for row in deletions(user) if row["kind"] == "deletion"]
    assert (after["messages"], after["there"], after["restored"], after["expired"]) == (3, 1, 2, 0)


def test_what_was_changed_since_is_not_taken_back(dovecot):
    user = filled(dovecot, "Work", mailboxes=BOXES)
    delete(user, "Work")
    run(user, "restore", "-t", "Recovered", "ALL")
    [restore] = [row for row in deletions(user) if row["kind"] == "restore"]
    with user.imap("Recovered") as session:
        [flagged] = session.search('SUBJECT "Work 1"')
        [moved] = session.search('SUBJECT "Work 2"')
        session.ok(f"UID STORE {flagged} +FLAGS (\\Flagged)")
        session.ok(f"UID MOVE {moved} INBOX")
    [row] = rows(user, "restore", "-U", restore["id"])
    assert (row["origin"], row["restored"], row["skipped"], row["failed"]) == ("Recovered", 2, 2, 0)
    assert subjects(user, "Recovered") == ["Work 1"] and subjects(user, "INBOX") == ["Work 2"]
    assert sorted((mail.subject, mail.origin) for mail in user.kept()) == [("Work 3", "Work"), ("Work 4", "Work")]


def test_mails_of_two_mailboxes_are_taken_back_from_one_each_with_its_origin(dovecot):
    """They have no keywords of their own: those of the origin are all that they get."""
    user = dovecot(mailboxes=BOXES).user()
    for mailbox in ("Work", "Home"):
        user.fill(mailbox, [message(subject=f"{mailbox} {n}") for n in (1, 2)], create=True)
        delete(user, mailbox)
    run(user, "restore", "-t", "Recovered", "ALL")
    [restore] = [row for row in deletions(user) if row["kind"] == "restore"]
    [row] = rows(user, "restore", "-U", restore["id"])
    assert (row["origin"], row["restored"], row["skipped"], row["failed"]) == ("Recovered", 4, 0, 0)
    kept = sorted((mail.subject, mail.origin) for mail in user.kept())
    assert kept == [("Home 1", "Home"), ("Home 2", "Home"), ("Work 1", "Work"), ("Work 2", "Work")]


def test_a_restore_is_taken_back_from_where_its_mailbox_is_now(dovecot):
    user = filled(dovecot, "Work", "Gone")
    for mailbox in ("Work", "Gone"):
        delete(user, mailbox)
    run(user, "restore", "ALL")
    before = sorted(mail.content for mail in user.messages("Work"))
    with user.imap() as session:
        session.ok("RENAME Work Arbeit")
        session.ok("DELETE Gone")
    [restore] = [row for row in deletions(user) if row["kind"] == "restore"]
    plan = rows(user, "restore", "-n", "-U", restore["id"])
    assert {(row["origin"], row["restored"], row["skipped"], row["failed"]) for row in plan} == {("Work", 4, 0, 0), ("Gone", 0, 4, 0)}
    assert rows(user, "restore", "-U", restore["id"]) == plan
    assert user.messages("Arbeit") == []
    assert sorted(mail.content for mail in user.kept() if mail.origin == "Work") == before


def test_who_deleted(dovecot):
    boxes = (Mailbox("Trash", special_use="\\Trash", autoexpunge="1s"),)
    user = filled(dovecot, "INBOX", "Work", mailboxes=boxes)
    delete(user, "Work", "1")
    user.doveadm("expunge", "mailbox", "Work", "subject", "Work 2")
    session = user.pop3()
    session.dele(1)
    session.quit()
    with user.imap("Work") as session:
        session.ok("CREATE Trash")
        session.ok("UID MOVE 3 Trash")
    wait_for(lambda: user.imap().logout() or "Work 3" in {row["subject"] for row in rows(user, "list")}, "autoexpunge")
    wait_for(lambda: len(deletions(user)) == 4, "four deletions")
    by = {row["by"].split(" ")[0]: row for row in deletions(user)}
    assert set(by) == {"imap", "doveadm", "pop3", "autoexpunge"}
    assert by["autoexpunge"]["origins"] == "Work 1" and by["pop3"]["origins"] == "INBOX 1"


def test_narrowed_and_limited(dovecot):
    user = filled(dovecot, "INBOX", "Work", "Projects/A")
    for mailbox in ("INBOX", "Work", "Projects/A"):
        delete(user, mailbox)
    assert len(deletions(user)) == 3 and len(deletions(user, "-l", "2")) == 2
    assert [row["origins"] for row in deletions(user, "-o", "Work")] == ["Work 4"]
    assert [row["origins"] for row in deletions(user, "-o", "Projects", "-R")] == ["Projects/A 4"]
    assert [row["origins"] for row in deletions(user, "subject", "INBOX 3")] == ["INBOX 4"]
    assert deletions(user, "--until", "2h") == []
    [row] = deletions(user, "-o", "Work")
    assert [one["id"] for one in deletions(user, "-d", row["id"])] == [row["id"]]


@pytest.mark.parametrize("wrong, text", [("xyz", "There is no deletion xyz"), ("0a1b2c3d", "There is no deletion 0a1b2c3d"),
                                         ("", "The deletion (-d) is empty")])
def test_a_deletion_that_is_none(dovecot, wrong, text):
    user = filled(dovecot, "Work")
    delete(user, "Work")
    for command in ("list", "restore"):
        done = run(user, command, "-d", wrong, check=False)
        assert done.code in (64, 68) and text in done.stderr.decode()
    done = run(user, "restore", "-U", wrong or "x", check=False)
    assert done.code == 68 and "There is no restore" in done.stderr.decode()
    done = run(user, "restore", "-U", "0a1b2c3d", "ALL", check=False)
    assert done.code == 64 and "-U takes a whole restore back" in done.stderr.decode()
    assert len(user.kept()) == 4


def test_a_session_adds_to_its_record_what_is_new(dovecot):
    """From one mailbox more costs what the first did, and the row has them all."""
    user = dovecot().user()
    names = [f"Folder{number:02}" for number in range(30)]
    for name in names:
        user.fill(name, 2, create=True)
    with user.imap() as session:
        for name in names + names[:1]:
            session.ok(f"SELECT {name}")
            session.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
            session.ok("EXPUNGE")
        session.ok("UNSELECT")
        lines = (user.home / FILE).read_text().splitlines()
        assert len(lines) == 31 and max(map(len, lines)) <= len(lines[0]) + 1
    [row] = deletions(user)
    assert row["messages"] == row["there"] == 31
    assert set(row["origins"].split(", ")) == {f"{name} {2 if name == names[0] else 1}" for name in names}
    # the older half went: the mails tell what it had
    (user.home / FILE).write_text("\n".join(lines[20:]) + "\n")
    [again] = deletions(user)
    assert again["messages"] == 31 and set(again["origins"].split(", ")) == set(row["origins"].split(", ")) and again["by"] == row["by"]


def test_a_lost_record_leaves_the_mails_together(dovecot):
    user = filled(dovecot, "INBOX", "Work")
    delete(user, "INBOX", "1,2")
    delete(user, "Work")
    (user.home / FILE).unlink()
    found = deletions(user)
    assert {(row["kind"], row["origins"], row["by"], row["expired"]) for row in found} == {("deletion", "INBOX 2", "", None),
                                                                                          ("deletion", "Work 4", "", None)}
    [work] = [row for row in found if row["origins"] == "Work 4"]
    run(user, "restore", "-d", work["id"])
    assert len(user.messages("Work")) == 4 and len(user.kept()) == 2


def test_without_numbers_it_is_a_guess(dovecot):
    """Mail of the shipped plugin, and of who records no origins."""
    user = filled(dovecot, "INBOX", "Work", lazy={"origin": False})
    delete(user, "Work")
    [row] = deletions(user)
    assert row["kind"] == "guess" and row["messages"] == row["there"] == 4 and row["id"].startswith("g") and row["origins"] == "? 4"
    assert len(rows(user, "list", "-d", row["id"])) == 4
    run(user, "restore", "-t", "Work", "-d", row["id"])
    assert len(user.messages("Work")) == 4


def test_a_mail_that_the_user_takes_out_is_not_expired(dovecot):
    user = filled(dovecot, "Work", lazy={"protect": True})
    delete(user, "Work")
    with user.imap(".EXPUNGED") as session:
        session.ok("UID MOVE 1:2 Work")
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "subject", "Work 3")
    [row] = deletions(user)
    assert (row["there"], row["restored"], row["expired"]) == (1, 2, 1)


def test_dsync_keeps_mails_together(dovecot):
    user = filled(dovecot, "INBOX", "Work")
    delete(user, "INBOX", "1,2")
    delete(user, "Work")
    there = user.sync(dovecot.own(mailboxes=BOXES), command="backup")
    assert {row["id"] for row in deletions(there)} == {row["id"] for row in deletions(user)}
    raw = user.server.doveadm("fetch", "-u", user.name, "flags", "mailbox", ".EXPUNGED", "all").stdout
    assert b"$Expunged-In" not in raw


@pytest.mark.formats("maildir")
def test_the_loss_of_a_maildirs_index_is_survived(dovecot):
    """Of what was linked: the first mail of each origin is saved, so that the origin gets a letter."""
    user = filled(dovecot, "INBOX", "Work")
    delete(user, "INBOX", "1")
    delete(user, "Work", "1")
    first = {row["id"] for row in deletions(user)}
    delete(user, "INBOX", "2,3")
    delete(user, "Work", "2:4")
    before = {row["id"]: row["there"] for row in deletions(user) if row["id"] not in first}
    assert sorted(before.values()) == [2, 3]
    [directory] = [path for path in user.mail_path.rglob("*EXPUNGED") if path.is_dir()]
    for path in directory.rglob("dovecot.index*"):
        path.unlink()
    user.kept()
    after = {row["id"]: row["there"] for row in deletions(user)}
    assert {ident: after.get(ident) for ident in before} == before


def test_a_file_of_records_that_is_none(dovecot):
    user = filled(dovecot, "Work")
    (user.home / FILE).mkdir()
    user.server.own(user.home / FILE)
    user.server.expect_log(r"What was deleted together (cannot be remembered|is not known): .*deletions", required=False)
    delete(user, "Work")
    assert len(user.kept()) == 4 and user.messages("Work") == []


def records(user):
    """The lines of the file by the number of their deletion."""
    lines = [line.split("\t") for line in (user.home / FILE).read_text().splitlines()]
    return {line[1]: line for line in lines if line[0] == "D"}


def old_copy(user):
    """A line that maintain takes out, which writes the file anew."""
    with open(user.home / FILE, "a") as file:
        file.write(f"C\tdeadbeef\tINBOX\t\t{int(time.time()) - 30 * 86400}\t{'ab' * 16}:\n")


KEPT_A_WEEK = BOXES + (Mailbox(".EXPUNGED", autoexpunge="7d"),)


@pytest.mark.any_format
def test_who_appends_while_the_file_is_written_anew_loses_nothing(dovecot):
    server = dovecot.own(mailboxes=KEPT_A_WEEK, lazy=LAST)
    user = server.user()
    user.fill("INBOX", 3)
    delete(user, "INBOX", "1")
    [first] = records(user)
    session = user.imap("INBOX")
    session.ok("UID STORE 2 +FLAGS.SILENT (\\Deleted)")
    process = session_process(server)
    path = user.home / FILE
    # between opening the file and writing to it
    with traced(server, [process], "-P", str(path), "-e", "trace=openat", "-e", "inject=openat:signal=SIGSTOP:when=1") as output:
        tag = session.send("EXPUNGE")
        tag = session.send("CLOSE")
        wait_for(lambda: "stopped by SIGSTOP" in output.read_text(errors="replace"), "the session to stop")
        old_copy(user)
        run(user, "maintain")
        assert "deadbeef" not in path.read_text() and list(records(user)) == [first]
        os.kill(process, signal.SIGCONT)
        session.finish(tag)
    session.logout()
    server.settle()
    assert len(records(user)) == 2 and path.read_text().count("\nD") == 1
    assert len(deletions(user)) == 2


@pytest.mark.any_format
def test_what_comes_just_before_the_file_is_replaced_comes_along(dovecot):
    server = dovecot.own(mailboxes=KEPT_A_WEEK, lazy=LAST)
    user = server.user()
    user.fill("INBOX", 3)
    delete(user, "INBOX", "1")
    path = user.home / FILE
    [(ident, line)] = records(user).items()
    old_copy(user)
    later = "\t".join([line[0], "0000000a", *line[2:]]) + "\n"
    half = "\t".join([line[0], "0000000b", *line[2:]]) + "\n"
    with open(path, "a") as file:
        file.write(half[:30])
    arguments = ("lazy-expunge", "maintain", "-u", user.name)
    output = server.root / "strace.maintain"
    # the new file is on disk, and has not its name yet
    preload = [word for key, value in server.preload.items() for word in ("-E", f"{key}={value}")]
    command = ["strace", "-f", *preload, "-o", str(output), "-e", "trace=fdatasync", "-e", "inject=fdatasync:signal=SIGSTOP:when=1", "--"]
    process = subprocess.Popen(command + server.sandbox.command(server.doveadm_command(*arguments, asking=True)),
                               env=server.sandbox.environment, stdin=subprocess.DEVNULL)
    # and nsenter, which waits for it, with it
    wait_for(lambda: output.exists() and output.read_text(errors="replace").count("stopped by SIGSTOP") == 2, "maintain to stop")
    assert "deadbeef" in path.read_text()
    with open(path, "a") as file:
        file.write(half[30:] + later)
    for stopped in re.findall(r"^(\d+) .*stopped by SIGSTOP", output.read_text(), re.M):
        os.kill(int(stopped), signal.SIGCONT)
    assert process.wait(timeout=60) == 0
    assert set(records(user)) == {ident, "0000000a", "0000000b"} and "deadbeef" not in path.read_text()


@pytest.mark.any_format
def test_what_a_crash_left_hides_no_lines_behind_it(dovecot):
    """Zeros in the place of a line, and a line that is longer than any that is written."""
    user = filled(dovecot, "Work", "Other", mailboxes=KEPT_A_WEEK, lazy=LAST)
    delete(user, "Work")
    with open(user.home / FILE, "a") as file:
        file.write("\0" * 64 + "\n" + "D\t0000000c\t" + "x" * 70000 + "\n" + "P\t0000000c\tOther\0p:comment=x\n")
    delete(user, "Other")
    before = records(user)
    both = {(row["origins"], row["messages"]) for row in deletions(user)}
    assert both == {("Work 4", 4), ("Other 4", 4)}
    assert [row["restored"] for row in rows(user, "restore", "-n", "-o", "Other", "ALL")] == [4]
    old_copy(user)
    run(user, "maintain")
    text = (user.home / FILE).read_text()
    assert "deadbeef" not in text and "\0" not in text and "comment" not in text
    assert records(user) == before
    assert {(row["origins"], row["messages"]) for row in deletions(user)} == both


def subscribed(user):
    return set(user.doveadm("mailbox list", "-s").stdout.decode().split())


def test_a_tree_that_was_deleted_comes_back_with_its_empty_mailboxes(dovecot):
    user = filled(dovecot, "Projects/A", "Old")
    with user.imap() as session:
        for mailbox in ("Projects", "Projects/Empty", "Projects/A/Deep"):
            session(f"CREATE {mailbox}")
        session.select("Projects/A")
        session.delete("1")
    user.doveadm("mailbox delete", "-r", "Projects")
    user.doveadm("mailbox delete", "Old")
    whole = next(row for row in deletions(user) if "Projects/Empty 0" in row["origins"])
    assert whole["messages"] == 3 and "Projects/A 3" in whole["origins"] and "Projects/A/Deep 0" in whole["origins"]
    plan = {row["target"] for row in rows(user, "restore", "-n", "-d", whole["id"])}
    assert plan >= {"Projects/A", "Projects/Empty", "Projects/A/Deep"} and "Projects/A" not in user.mailboxes()
    run(user, "restore", "-d", whole["id"])
    # without what had been expunged from it before
    assert subjects(user, "Projects/A") == ["Projects/A 2", "Projects/A 3", "Projects/A 4"]
    assert {"Projects/A", "Projects/Empty", "Projects/A/Deep"} <= subscribed(user) and "Old" not in subscribed(user)
    assert rows(user, "restore", "-o", "Old", "ALL")[0]["restored"] == 4
    user.doveadm("mailbox delete", "-r", "Projects")
    run(user, "restore", "-o", "Projects", "-R", "ALL")
    assert len(user.messages("Projects/A")) == 4 and {"Projects/Empty", "Projects/A/Deep"} <= subscribed(user)


def test_an_empty_mailbox_that_a_client_deleted(dovecot):
    user = filled(dovecot, "Work")
    with user.imap() as session:
        session.ok("CREATE Empty")
        session.ok("DELETE Empty")
    [row] = deletions(user)
    assert row["origins"] == "Empty 0" and row["messages"] == 0 and row["by"] == "imap (DELETE)"
    run(user, "restore", "-o", "Empty", "ALL")
    assert "Empty" in subscribed(user)
    assert rows(user, "restore", "-o", "Empty", "ALL") == []


TREE = ("Projects", "Projects/A", "Projects/A/Deep", "Projects/Empty")


@pytest.mark.parametrize("order", [TREE, TREE[::-1]], ids=("from above", "from below"))
def test_a_tree_that_a_client_deletes_mailbox_by_mailbox(dovecot, order):
    user = filled(dovecot, "Projects", "Projects/A", "Work", "ProjectsNew")
    with user.imap() as session:
        for mailbox in TREE[2:]:
            session.ok(f"CREATE {mailbox}")
        session.select("Projects/A")
        session.delete("1")
        session.ok("CLOSE")
        for mailbox in ("ProjectsNew", *order, "Work"):
            session.ok(f"DELETE {mailbox}")
    # those above may stay as names
    assert not {"Projects/A/Deep", "Projects/Empty"} & set(user.mailboxes())
    [whole] = [row for row in deletions(user) if "Projects/Empty 0" in row["origins"]]
    assert set(whole["origins"].split(", ")) == {"Projects 4", "Projects/A 3", "Projects/A/Deep 0", "Projects/Empty 0"}
    # some mails, and each tree
    assert len(deletions(user)) == 4
    run(user, "restore", "-d", whole["id"])
    assert len(user.messages("Projects")) == 4 and subjects(user, "Projects/A") == ["Projects/A 2", "Projects/A 3", "Projects/A 4"]
    assert set(TREE) <= subscribed(user) and not {"Work", "ProjectsNew"} & set(user.mailboxes())


def test_a_mailbox_that_is_deleted_again_is_another_deletion(dovecot):
    user = filled(dovecot, "Work")
    with user.imap() as session:
        session.ok("DELETE Work")
        session.ok("CREATE Work")
        session.append("Work", message(subject="new"))
        session.ok("DELETE Work")
    [row] = [row for row in deletions(user) if row["messages"] == 1]
    run(user, "restore", "-d", row["id"])
    assert subjects(user, "Work") == ["new"] and len(deletions(user)) == 3


def test_all_brings_mailboxes_without_mail_back(dovecot):
    """But for what the retention would have taken by now, and what has another name."""
    user = dovecot(mailboxes=(*BOXES, Mailbox(".EXPUNGED", autoexpunge="1d")), **METADATA).user()
    with user.imap() as session:
        for mailbox in ("Empty", "Full", "Renamed", "Old"):
            session.ok(f"CREATE {mailbox}")
        session.ok('SETMETADATA Empty (/private/comment "of my own")')
        session.append("Full", message(subject="one"))
        for mailbox in ("Empty", "Full", "Renamed", "Old"):
            session.ok(f"DELETE {mailbox}")
        session.ok("CREATE Renamed")
        session.ok("RENAME Renamed Now")
    path = user.home / FILE
    text = path.read_text()
    [old] = [line for line in text.splitlines() if line.endswith("\tb:Old")]
    fields = old.split("\t")
    fields[2:4] = [str(int(time) - 3 * 86400) for time in fields[2:4]]
    path.write_text(text.replace(old, "\t".join(fields)))
    before = user.mailboxes()
    assert rows(user, "restore", "subject", "nothing of the kind") == []
    assert {row["target"] for row in rows(user, "restore", "-n", "ALL")} == {"Empty", "Full"} and user.mailboxes() == before
    assert {(row["target"], row["restored"]) for row in rows(user, "restore", "ALL")} == {("Empty", 0), ("Full", 1)}
    assert set(user.mailboxes()) - set(before) == {"Empty", "Full"} and {"Empty", "Full"} <= subscribed(user)
    with user.imap() as session:
        assert "of my own" in str(session.ok("GETMETADATA Empty /private/comment").lines("METADATA"))
    assert rows(user, "restore", "ALL") == []
    # who is named comes back
    run(user, "restore", "-o", "Old", "-o", "Renamed", "ALL")
    assert {"Old", "Renamed"} <= subscribed(user)


METADATA = dict(raw23="mail_attribute_dict = file:%h/attributes\nprotocol imap {\n  imap_metadata = yes\n}\n",
                raw24="mail_attribute {\n  dict file {\n    path = ~/attributes\n  }\n}\nprotocol imap {\n  imap_metadata = yes\n}\n")


def rights(user, mailbox):
    done = user.server.doveadm("-f", "json", "acl", "get", "-u", user.name, mailbox)
    return sorted((row["id"], row["rights"]) for row in json.loads(done.stdout) if not row["global"])


def test_a_deleted_mailbox_comes_back_with_what_it_was_beside_its_mail(dovecot):
    """Special use, metadata, ACL, subscription, mailboxes below it; and not what had been expunged before."""
    user = dovecot(mailboxes=BOXES + (Mailbox("Work", special_use="\\Archive"),), acl_enabled=True, **METADATA).user()
    with user.imap() as session:
        session.ok("CREATE Work")
        session.ok('SETMETADATA Work (/private/comment "of my own")')
        for box in ("Work/Sub", "Work/Empty"):
            session.ok(f"CREATE {box}")
        for box in ("Work", "Work/Sub"):
            session.ok(f"SUBSCRIBE {box}")
    user.fill("Work", [message(subject=f"Work {n}") for n in range(1, 5)])
    user.fill("Work/Sub", [message(subject="Sub 1")])
    user.doveadm("acl set", "Work", "user=bob", "lookup", "read", "insert")
    user.doveadm("acl set", "Work", "anyone", "lookup")
    user.doveadm("acl set", "Work/Empty", "user=carol", "lookup")
    before = {box: rights(user, box) for box in ("Work", "Work/Sub", "Work/Empty")}
    assert ("user=bob", "insert lookup read") in before["Work"]
    delete(user, "Work", "1")
    user.doveadm("mailbox delete", "-r", "-s", "Work")
    deletion = next(row for row in deletions(user) if row["messages"] == 4)
    run(user, "restore", "-d", deletion["id"])
    assert subjects(user, "Work") == ["Work 2", "Work 3", "Work 4"] and subjects(user, "Work/Sub") == ["Sub 1"]
    assert {box: rights(user, box) for box in before} == before
    with user.imap() as session:
        listed = session.ok('LIST "" Work* RETURN (SPECIAL-USE SUBSCRIBED)').lines("LIST")
        assert len(listed) == 3
        [work] = [line for line in listed if line.split()[-1].strip('"') == "Work"]
        assert "\\Archive" in work and "\\Subscribed" in work
        assert "of my own" in session.ok("GETMETADATA Work /private/comment").lines("METADATA")[0]
    # a mailbox that is there is left as it is
    user.doveadm("acl delete", "Work", "user=bob")
    run(user, "restore", "-o", "Work", "ALL")
    assert "user=bob" not in dict(rights(user, "Work")) and len(user.messages("Work")) == 4


def test_nothing_of_an_earlier_mailbox_of_the_name_comes_back(dovecot):
    """It had no metadata, which an earlier one had. A key may have what ends one."""
    user = dovecot(mailboxes=BOXES, **METADATA).user()
    with user.imap() as session:
        for box in ("Work", "Other"):
            session.ok(f"CREATE {box}")
            session.ok(f'SETMETADATA {box} (/private/comment "of my own" "/private/vendor/x=y/z" "a=b")')
        session.ok("DELETE Work")
        session.ok("DELETE Other")
        session.ok("CREATE Work")
        session.append("Work", message(subject="new"))
        session.ok("DELETE Work")
    path = user.home / FILE
    wait_for(lambda: path.read_text().count("\nP\t") >= 3, "the last deletion to be written down")
    # as none is written
    path.write_text(path.read_text().replace("\tOther\tp:", "\tOther\tp:=x\tp:"))
    assert "\tOther\tp:=x\tp:" in path.read_text()
    run(user, "restore", "-o", "Work", "-o", "Other", "ALL")
    assert subjects(user, "Work") == ["new"]
    with user.imap() as session:
        assert "of my own" not in str(session.ok("GETMETADATA Work /private/comment").lines("METADATA"))
        found = str(session.ok('GETMETADATA Other (/private/comment "/private/vendor/x=y/z")').lines("METADATA"))
        assert "of my own" in found and "a=b" in found
