"""doveadm lazy-expunge erase: mail goes for good, everywhere, and nothing of it is found afterwards."""

import json
import os
import re
import shutil
import subprocess
import time

import pytest

from harness.dovecot import beside, events
from harness.dovecot.config import DEFAULT_MAILBOXES, namespace_mode
from harness.dovecot.mail import message

MODES = ["mailbox", "namespace"]
MARK = "Application-of-Carol-4711"
BODY = "Confidential-text-0815"


def mode_fields(mode, dovecot, **lazy):
    if mode == "mailbox":
        return dict(lazy=lazy) if lazy else {}
    return namespace_mode(dovecot.format, **{"only_last_instance": False, **lazy})


def rows(user, *arguments, **options):
    """What erase prints, and the whole result."""
    done = user.server.doveadm("-f", "json", "lazy-expunge", "erase", "-u", user.name, *arguments, **options)
    return json.loads(done.stdout or b"[]"), done


def holders(paths, *words):
    """The files below these paths that have one of the words in them."""
    found = [subprocess.run(["grep", "-rlaF", word, *map(str, paths)], capture_output=True, text=True).stdout.split() for word in words]
    return sorted(sum(found, []))


# They name what was expunged until Dovecot writes them anew, which the report tells.
INDEX_LOGS = {"dovecot.index.log", "dovecot.index.log.2"}


def named_in(home, guid):
    """The files below home in whose name or content the GUID is: as text, or as the bytes that it says."""
    words = [guid.encode()] + ([bytes.fromhex(guid)] if re.fullmatch(r"[0-9a-f]{32}", guid) else [])
    return {path for path in home.rglob("*") if path.is_file() and any(word in path.name.encode() + path.read_bytes() for word in words)}


def scatter(user):
    """A mail with copies in several mailboxes and in the storage, read by clients, and others that are to stay."""
    user.deliver(message(subject=MARK, body=f"{BODY}\n", headers=f"X-Mark: {BODY}\n"))
    user.fill("INBOX", [message(subject=f"stays {number}") for number in range(3)])
    with user.imap("INBOX") as session:
        fetch = "FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (SUBJECT X-MARK)] BODY.PEEK[TEXT])"
        session("CREATE Work")
        session.ok(fetch)
        session.ok("COPY 1 Work")
        session.ok("COPY 1 Trash")
        # Left had it, and has its headers in a cache file
        session("CREATE Left")
        session.ok("COPY 1 Left")
        for mailbox in ("Work", "Trash", "Left"):
            session.select(mailbox)
            session.ok(fetch)
        session("MOVE 1 Work")
        session.select("INBOX")
        session.delete("1")
    user.doveadm("expunge", "mailbox", "INBOX", "subject", "stays 0")
    user.doveadm("lazy-expunge list", "all")
    user.server.settle()


@pytest.mark.parametrize("mode", MODES)
def test_nothing_of_a_mail_is_left(dovecot, mode):
    server = dovecot.own(debug=True, **mode_fields(mode, dovecot))
    user = server.user()
    scatter(user)
    assert holders([user.home], MARK) and holders([user.home], BODY)
    stay = sorted(mail.content for mailbox in ("INBOX", "Work", "Trash", "Left") for mail in user.messages(mailbox) if MARK not in mail.text)
    kept = sorted(mail.content for mail in user.kept() if MARK not in mail.text)
    assert len(stay) == 2 and len(kept) == 1
    plan, _ = rows(user, "-n", "subject", MARK)
    assert len(named_in(user.home, plan[0]["guid"])) >= 3
    assert {row["state"] for row in plan} == {"planned"} and len(user.messages("Work")) == 2 and holders([user.home], MARK)
    report = server.root / "evidence"
    report.mkdir(mode=0o700)
    found, done = rows(user, "-w", report / "erased.json", "-b", "auditor", "subject", MARK)
    assert found == [{**row, "state": "erased"} for row in plan]
    assert len({row["guid"] for row in found}) == 1 and {row["size"] for row in found} == {plan[0]["size"]}
    boxes = sorted(row["mailbox"] for row in found)
    assert boxes == sorted(["Work", "Work", "Trash"] + ([".EXPUNGED"] if mode == "mailbox" else [".EXPUNGED/INBOX"])), boxes
    server.settle()
    assert holders([user.home], MARK, BODY) == []
    assert {path.name for path in named_in(user.home, found[0]["guid"])} <= INDEX_LOGS
    assert any("index logs" in line for line in json.loads((report / "erased.json").read_text())["out_of_reach"])
    logs = [server.root / name for name in ("log", "info.log", "debug.log") if (server.root / name).exists()]
    assert holders(logs, BODY) == []
    assert b"Not reached: backups" in done.stderr
    assert sorted(mail.content for mailbox in ("INBOX", "Work", "Trash", "Left") for mail in user.messages(mailbox)) == stay
    assert sorted(mail.content for mail in user.kept()) == kept
    # the report: what was erased, and nothing of its content
    text = (report / "erased.json").read_text()
    told = json.loads(text)
    assert told["mails"] == found and told["by"] == "auditor" and told["user"] == user.name and len(told["out_of_reach"]) >= 4
    assert MARK not in text and BODY not in text and (report / "erased.json").stat().st_uid == 0
    # again: nothing is there
    again, done = rows(user, "subject", MARK)
    assert again == [] and b"No mail matches" in done.stderr


@pytest.mark.parametrize("mode", MODES)
def test_copies_that_do_not_match_go_too(dovecot, mode):
    """The copy in Work is flagged otherwise; it is the same mail."""
    server = dovecot(**mode_fields(mode, dovecot))
    user = server.user()
    user.append("INBOX", message(subject=MARK), "\\Flagged")
    with user.imap("INBOX") as session:
        session("CREATE Work")
        session.ok("COPY 1 Work")
        session.select("Work")
        session.ok("STORE 1 -FLAGS (\\Flagged)")
    everything, _ = rows(user, "-n")
    found, _ = rows(user, "flagged")
    assert sorted(row["mailbox"] for row in found) == ["INBOX", "Work"]
    assert everything == [{**row, "state": "planned"} for row in found]
    assert user.messages("INBOX") == user.messages("Work") == user.kept() == []


def test_only_last_instance_and_protect(dovecot):
    server = dovecot(lazy={"only_last_instance": True, "protect": True, "hidden": True})
    user = server.user()
    scatter(user)
    found, _ = rows(user, "subject", MARK)
    assert {row["state"] for row in found} == {"erased"} and holders([user.home], MARK, BODY) == []


@pytest.mark.parametrize("query", [(), ("subject", MARK)])
def test_held_mail_is_refused_by_name(dovecot, query):
    server = dovecot()
    user = server.user()
    scatter(user)
    user.append("Work", message(subject="free"))
    user.doveadm("lazy-expunge hold", "-N", "case-17", *query)
    before = {mailbox: len(user.messages(mailbox)) for mailbox in ("INBOX", "Work", "Trash", ".EXPUNGED")}
    for arguments in (("-n",), ()):
        found, done = rows(user, *arguments, "subject", MARK, check=False)
        assert done.code == 77 and b"held (case-17): release the hold first" in done.stderr, done
        assert {row["state"] for row in found} == {"held"} and {row["held"] for row in found} == {"case-17"}
    assert {mailbox: len(user.messages(mailbox)) for mailbox in before} == before
    # the others go
    found, done = rows(user, "subject", MARK, "or", "subject", "free", check=False)
    assert sorted(row["state"] for row in found) == ["erased" if query else "held"] + ["held"] * 4
    assert len(user.messages("Work")) == before["Work"] - bool(query)
    user.doveadm("lazy-expunge release", "-N", "case-17", "-g", "0")
    found, done = rows(user, "subject", MARK)
    assert {row["state"] for row in found} == {"erased"}
    # what an administrator has written is not the mail's
    own = {str(user.home / ".dovecot.lazy-expunge.holds")} if query else set()
    assert set(holders([user.home], MARK, BODY)) == own


def test_one_copy_that_is_held_holds_all(dovecot):
    """A hold goes by the flags of one copy."""
    user = dovecot().user()
    user.append("INBOX", message(subject=MARK))
    with user.imap("INBOX") as session:
        session("CREATE Work")
        session.ok("COPY 1 Work")
        session.select("Work")
        session.ok("STORE 1 +FLAGS (\\Flagged)")
    user.doveadm("lazy-expunge hold", "-N", "flags", "flagged")
    found, done = rows(user, "subject", MARK, check=False)
    assert done.code == 77 and sorted((row["mailbox"], row["state"], row["held"]) for row in found) == \
        [("INBOX", "held", ""), ("Work", "held", "flags")]
    assert len(user.messages("INBOX")) == len(user.messages("Work")) == 1


def test_many_users_and_their_copies(dovecot):
    server = dovecot.own(passwd_file=True)
    users = [server.user() for _ in range(3)]
    server.write_users(users)
    users[0].deliver(message(subject=MARK, body=BODY), [users[1]])
    users[2].append("INBOX", message(subject="other"))
    done = server.doveadm("-f", "json", "lazy-expunge", "erase", "-n", "-A", "subject", MARK)
    counted = [(row["username"], row["state"]) for row in json.loads(done.stdout)]
    assert counted == [(user.name, "planned") for user in users[:2]]
    report = server.root / "evidence"
    report.mkdir(mode=0o700)
    done = server.doveadm("-f", "json", "lazy-expunge", "erase", "-A", "-w", report / "of-%u.json", "subject", MARK)
    assert [row["state"] for row in json.loads(done.stdout)] == ["erased"] * 2
    assert holders([user.home for user in users], MARK, BODY) == [] and len(users[2].messages()) == 1
    assert sorted(os.listdir(report)) == sorted(f"of-{user.name}.json" for user in users)
    assert not [path for user in users for path in user.home.rglob("*") if path.stat().st_uid == 0]


@pytest.mark.parametrize("mode", MODES)
def test_a_report_names_no_error_where_there_was_none(dovecot, mode):
    """Of a mail that went through the Trash there are records in more than one place, not all of which have it any more."""
    server = dovecot.own(**mode_fields(mode, dovecot))
    user = server.user()
    user.fill("INBOX", [message(subject=MARK), message(subject="stays")])
    with user.imap("INBOX") as session:
        session.ok("UID MOVE 1 Trash")
        session.select("Trash")
        session.delete("1")
    server.settle()
    report = server.root / "evidence"
    report.mkdir(mode=0o700)
    found, _ = rows(user, "-w", report / "erased.json", "subject", MARK)
    assert [row["state"] for row in found] == ["erased"]
    written = json.loads((report / "erased.json").read_text())
    assert "error" not in written and [row["guid"] for row in written["mails"]] == [row["guid"] for row in found]


def test_what_a_killed_restore_has_written_down(dovecot):
    user = dovecot().user()
    user.append("INBOX", message(subject=MARK))
    [mail] = user.messages()
    path = user.home / ".dovecot.lazy-expunge.restoring"
    path.write_text(f"{mail.guid}\nanother\n")
    os.chown(path, user.home.stat().st_uid, user.home.stat().st_gid)
    rows(user, "subject", MARK)
    assert path.read_text() == "another\n"
    user.append("INBOX", message(subject=MARK))
    rows(user, "subject", MARK)
    assert path.read_text() == "another\n"


OURS = (".dovecot.lazy-expunge.trail", ".dovecot.lazy-expunge.restored")


def lines(user, name):
    """The lines of one of our files, in fields."""
    return [line.split("\t") for line in (user.home / name).read_text().splitlines()]


def test_what_our_own_records_say_of_it(dovecot):
    """Where it was before the Trash, and where a restore has put it; what they say of others stays, and goes on to be of use."""
    user = dovecot(mailboxes=DEFAULT_MAILBOXES).user()
    user.append("Work", message(subject="stays 1"), create=True)
    user.append("Work", message(subject=MARK))
    user.append("Work", message(subject="stays 2"))
    with user.imap("Work") as session:
        session.ok("UID MOVE 1:3 Trash")
        # it comes back, and the Trash has had it under one number more
        session.select("Trash")
        session.ok("UID MOVE 2 Work")
        session.select("Work")
        session.ok("UID COPY 4 Trash")
    trail, restored = OURS
    assert [line[3] for line in lines(user, trail)] == ["1:3", "4:4"]
    # the same mails, deleted elsewhere and restored
    for subject in ("stays 3", MARK, "stays 4"):
        user.append("Kept", message(subject=subject), "\\Flagged own", create=True)
    user.doveadm("expunge", "mailbox", "Kept", "all")
    user.doveadm("lazy-expunge restore", "-o", "Kept", "all")
    assert [line[3] for line in lines(user, restored)] == ["4:6"]
    trash = {mail.subject: mail.uid for mail in user.messages("Trash")}
    found, _ = rows(user, "subject", MARK)
    assert {row["state"] for row in found} == {"erased"} and len(found) == 4 - 1
    assert [line[3] for line in lines(user, trail)] == ["1:1", "3:3"]
    assert [line[3] for line in lines(user, restored)] == ["4:4", "6:6"]
    assert all(line[-1] == "own" for line in lines(user, restored))
    # the others: the origin is known, and the restore is taken back
    user.doveadm("expunge", "mailbox", "Trash", "uid", str(trash["stays 1"]))
    assert [(mail.subject, mail.origin) for mail in user.kept()] == [("stays 1", "Work")]
    user.doveadm("lazy-expunge restore", "-U", lines(user, restored)[0][1])
    assert sorted(mail.subject for mail in user.kept()) == ["stays 1", "stays 3", "stays 4"]


def test_records_of_what_is_not_there_any_more(dovecot):
    """A line that was cut off, one of a later version, a mailbox that is gone, and another one of its name."""
    user = dovecot().user()
    user.append("INBOX", message(subject=MARK))
    user.append("Work", message(subject="stays"), create=True)
    [mail] = user.messages("Work")
    path = user.home / OURS[0]
    validity = json.loads(user.server.doveadm("-f", "json", "mailbox", "status", "-u", user.name, "uidvalidity", "Work").stdout)[0]["uidvalidity"]
    stays = [f"T\t1\t{validity}\t{mail.uid}:{mail.uid}\tWork\tINBOX\t.", "X\tof\ta later version"]
    path.write_text("\n".join([f"T\t1\t{validity}\t1:9\tGone\tINBOX\t.", stays[0].replace(f"{mail.uid}:{mail.uid}", "1:4000000000"),
                               "T\t1\t7\t1:9\tWork\tINBOX\t.", stays[1], "T\t1\t7\t1:9\tWo"]))
    user.server.own(path)
    rows(user, "subject", MARK)
    assert path.read_text().splitlines() == stays


def test_records_that_cannot_be_written(dovecot):
    user = dovecot().user()
    user.append("INBOX", message(subject=MARK))
    path = user.home / OURS[1]
    path.mkdir()
    found, done = rows(user, "subject", MARK, check=False)
    assert done.code == 75 and str(path).encode() in done.stderr and [row["state"] for row in found] == ["failed"]
    # the mail is gone, and the next run ends the work
    path.rmdir()
    path.write_text("U\t0a1b2c3d\t7\t1:1\t0\t00000000\tINBOX\tINBOX\t\n")
    user.server.own(path)
    found, done = rows(user, "-n", "subject", MARK)
    assert [row["state"] for row in found] == ["planned"] and path.read_text()
    found, done = rows(user, "subject", MARK)
    assert [row["state"] for row in found] == ["erased"] and b"1 of these copies were taken by an erase that was cut off" in done.stderr
    assert path.read_text() == ""
    # also when nothing matches
    path.write_text("U\t0a1b2c3d\t7\t1:1\t0\t00000000\tINBOX\tINBOX\t\n")
    found, done = rows(user, "subject", MARK)
    assert found == [] and b"No mail matches" in done.stderr and path.read_text() == ""


NOTE = ".dovecot.lazy-expunge.erasing"


def cut_off(user):
    """An erase that could not come to its end: its mail is gone. Returns the row of it."""
    user.append("INBOX", message(subject=MARK))
    blocked = user.home / OURS[1]
    blocked.mkdir()
    [row], done = rows(user, "subject", MARK, check=False)
    assert done.code == 75 and row["state"] == "failed" and user.messages() == []
    blocked.rmdir()
    return row


def test_an_erase_that_was_cut_off(dovecot):
    """check names it, a plan changes nothing, and one with another query completes it."""
    server = dovecot()
    user = server.user()
    row = cut_off(user)
    note = user.home / NOTE
    written = note.read_bytes()

    def found_by_check():
        done = server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, check=False)
        return [each["state"] for each in json.loads(done.stdout) if each["id"] == "erase"]
    assert found_by_check() == ["WARN"]
    assert rows(user, "-n", "subject", "nothing")[0] == [{**row, "state": "planned"}] and note.read_bytes() == written
    # a copy that somebody brings back, as from a backup, is of the same mail; one that is held stays, and is not asked for again
    user.append("INBOX", message(subject="other"))
    [other] = user.messages()
    note.write_text(note.read_text() + f"{other.guid}\tINBOX\t{other.uid}\t7\n")
    user.doveadm("lazy-expunge hold", "-N", "case", "subject", "other")
    found, done = rows(user, "subject", "nothing", check=False)
    assert sorted(each["state"] for each in found) == ["erased", "held"] and done.code == 77
    assert not note.exists() and found_by_check() == [] and user.messages() == [other]


def test_what_was_cut_off_is_forgotten_after_30_days(dovecot):
    user = dovecot().user()
    cut_off(user)
    note = user.home / NOTE
    old = time.time() - 31 * 86400
    os.utime(note, (old, old))
    assert rows(user, "-n", "subject", MARK)[0] == []
    assert rows(user, "subject", MARK)[0] == []


@pytest.mark.parametrize("odd", ["directory", "long line"])
def test_a_note_that_is_none(dovecot, odd):
    """Nothing is erased by half: whoever ran it removes the file first."""
    user = dovecot().user()
    user.append("INBOX", message(subject=MARK))
    note = user.home / NOTE
    if odd == "directory":
        note.mkdir()
    else:
        note.write_bytes(b"x" * 9000)
    user.server.own(note)
    found, done = rows(user, "subject", MARK, check=False)
    assert found == [] and done.code == 75 and str(note).encode() in done.stderr and len(user.messages()) == 1


@pytest.mark.formats("sdbox")
def test_files_that_a_killed_session_has_left(dovecot):
    """sdbox: a process that is killed between the commit and the removal of the files leaves them, and nothing looks at them again."""
    server = dovecot.own()
    user = server.user()
    user.append("INBOX", message(subject=MARK, body=f"{BODY}\n"))
    user.append("INBOX", message(subject="stays", body="also there\n"))
    boxes = user.home / "sdbox/mailboxes/INBOX/dbox-Mails"
    for name in ("u.1", "u.2"):
        shutil.copy2(boxes / name, boxes / f"left-{name}")
    with user.imap("INBOX") as session:
        session("CREATE Work")
        session.ok("COPY 1:2 Work")
        session.ok("MOVE 1:2 Work")
    for name in ("u.1", "u.2"):
        (boxes / f"left-{name}").rename(boxes / name)
        server.own(boxes / name)
    found, _ = rows(user, "subject", MARK)
    assert {row["mailbox"] for row in found} == {"Work"} and {row["state"] for row in found} == {"erased"}
    assert holders([user.home], MARK, BODY) == [] and not (boxes / "u.1").exists() and (boxes / "u.2").exists()


def test_the_events(dovecot):
    user = dovecot(**events.exporting(dovecot.target)).user()
    user.append("INBOX", message(subject=MARK))
    user.append("Work", message(subject=MARK), create=True)
    user.doveadm("expunge", "mailbox", "Work", "all")
    [living], [kept] = user.messages(), user.kept()
    rows(user, "subject", MARK)
    _, passed, expired = events.wait(user, "mail_kept", "mail_passed", "mail_expired")
    assert (passed["guid"], passed["mailbox"], passed["cause"]) == (living.guid, "INBOX", "erase")
    assert (expired["guid"], expired["storage"], expired["cause"]) == (kept.guid, ".EXPUNGED", "erase")


def test_full_text_indexes(dovecot):
    backend = "xapian" if not dovecot.target.new_settings else "flatcurve"
    config = beside.config(dovecot.version, dovecot.format, backend)
    server = dovecot.own(config)
    server.expect_log(beside.CHATTER.get(backend, "fts"), required=False)
    user = server.user()
    user.deliver(message(subject=MARK, body=f"{BODY} zweitausendfuenfhundert\n"))
    user.append("INBOX", message(subject="stays"))
    assert user.doveadm("search", "mailbox", "INBOX", "body", "zweitausendfuenfhundert").stdout
    found, _ = rows(user, "subject", MARK)
    assert [row["state"] for row in found] == ["erased"]
    assert user.doveadm("search", "mailbox", "INBOX", "body", "zweitausendfuenfhundert").stdout == b""
    assert holders([user.home], MARK, BODY) == []


@pytest.mark.parametrize("arguments, code, text", [
    ((), 64, "A search query is needed: lazy-expunge erase ALL takes everything"),
    (("nonsense",), 64, "Unknown argument"),
    (("-w", "-", "all"), 64, "-w: the report needs a name"),
    (("-w", "", "all"), 64, "-w: the report needs a name"),
    (("-w", "/no/such/place/x", "all"), 73, "-w /no/such/place/x: open(/no/such/place) failed"),
])
def test_bad_input(dovecot, arguments, code, text):
    user = dovecot().user()
    user.append()
    done = user.doveadm("lazy-expunge erase", *arguments, check=False)
    assert done.code == code and text in done.stderr.decode(), done
    assert len(user.messages()) == 1


def test_through_a_server(dovecot):
    server = dovecot()
    user = server.user()
    user.append("INBOX", message(subject=MARK))
    server.expect_log("Executing command|exited", required=False)
    server.expect_log("-w works only on the command line", required=False)
    socket = server.root / "run/doveadm-server"
    done = server.doveadm("lazy-expunge", "erase", "-S", socket, "-u", user.name, "-w", server.root / "x", "subject", MARK, check=False)
    assert done.code == 64 and not (server.root / "x").exists() and len(user.messages()) == 1
    done = server.doveadm("-f", "json", "lazy-expunge", "erase", "-S", socket, "-u", user.name, "subject", MARK)
    assert [row["state"] for row in json.loads(done.stdout)] == ["erased"] and user.messages() == []
