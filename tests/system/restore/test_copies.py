"""Every copy: a mail that was deleted in a mailbox while a copy lived comes back to that mailbox, from wherever it is."""

import json
from dataclasses import replace

import pytest

from harness import message, wait_for
from harness.dovecot.config import Mailbox, namespace_mode

BOXES = (Mailbox("Trash", special_use="\\Trash"),)
LAST = {"only_last_instance": True}
MODES = {"mailbox": lambda form: {}, "namespace": namespace_mode}


def server(dovecot, **fields):
    lazy = {**LAST, **fields.pop("lazy", {})}
    return dovecot(**{"mailboxes": BOXES, "lazy": lazy, **fields})


def run(user, command, *arguments, check=True):
    return user.server.doveadm("-f", "json", "lazy-expunge", command, "-u", user.name, *arguments, check=check)


def rows(user, command, *arguments):
    return json.loads(run(user, command, *arguments).stdout or b"[]")


def counted(user, *arguments):
    return {(row["origin"], row["target"]): (row["restored"], row["copied"], row["skipped"], row["failed"])
            for row in rows(user, "restore", *arguments)}


# what 2.4.5 sets by itself, and then again when the user has taken it off
OF_DOVECOT = {"$HasAttachment", "$HasNoAttachment"}


def content(user, mailbox):
    return sorted(replace(mail, keywords=mail.keywords - OF_DOVECOT).content for mail in user.messages(mailbox))


def subjects(user, mailbox):
    return sorted(mail.subject for mail in user.messages(mailbox))


def delete(user, mailbox, uids="1:*"):
    with user.imap(mailbox) as session:
        session.delete(uids)


def folder_with_copies(dovecot, **fields):
    """Work with five mails, of which two have copies in INBOX, with other flags there."""
    user = server(dovecot, **fields).user()
    user.fill("Work", [message(subject=f"mail {n}") for n in range(1, 6)], create=True, flags="\\Seen own")
    with user.imap("Work") as session:
        session.ok("UID COPY 1:2 INBOX")
        session.ok("UID STORE 2 FLAGS (\\Flagged \\Answered other $Forwarded)")
    with user.imap("INBOX") as session:
        session.ok("UID STORE 1:* FLAGS (\\Draft inbox)")
    return user


@pytest.mark.parametrize("mode", MODES)
def test_a_mailbox_comes_back_with_the_mails_that_live_elsewhere(dovecot, mode):
    user = folder_with_copies(dovecot, **MODES[mode](dovecot.format))
    before, inbox = content(user, "Work"), content(user, "INBOX")
    delete(user, "Work")
    assert len(user.kept()) == 3 and user.messages("Work") == []
    listed = {row["subject"]: row for row in rows(user, "list", "-o", "Work")}
    assert sorted(listed) == [f"mail {n}" for n in range(1, 6)] and {row["origin"] for row in listed.values()} == {"Work"}
    assert [listed[f"mail {n}"]["mailbox"] for n in (1, 2)] == ["INBOX", "INBOX"]
    assert listed["mail 3"]["mailbox"] != "INBOX"
    assert set(listed["mail 2"]["flags"].split()) >= {"\\Answered", "\\Flagged", "other", "$Forwarded"}
    assert "inbox" not in listed["mail 1"]["flags"]
    assert "Work, now in INBOX" in run_table(user, "list", "-o", "Work")
    # what lives is not in the list of what the storage has
    assert len(rows(user, "list")) == 3
    assert counted(user, "-n", "-o", "Work", "ALL") == {("Work", "Work"): (3, 2, 0, 0)} and user.messages("Work") == []
    assert counted(user, "-o", "Work", "ALL") == {("Work", "Work"): (3, 2, 0, 0)}
    assert content(user, "Work") == before and content(user, "INBOX") == inbox and user.kept() == []
    # again it changes nothing, also when the copies are moved out by now
    assert run(user, "restore", "-o", "Work", "ALL", check=False).code == 68
    with user.imap("Work") as session:
        session.ok("UID MOVE 1:* INBOX")
    assert rows(user, "restore", "ALL") == [] and user.messages("Work") == []


def run_table(user, *arguments):
    return user.server.doveadm("lazy-expunge", *arguments[:1], "-u", user.name, *arguments[1:]).stdout.decode()


def test_all_folders_are_what_they_were(dovecot):
    """A mail in three mailboxes that goes from one after the other, and from the storage back to all three."""
    user = server(dovecot).user()
    user.fill("A", [message(subject="one")], create=True, flags="a")
    with user.imap("A") as session:
        for other in ("B", "C"):
            session(f"CREATE {other}")
            session.ok(f"UID COPY 1 {other}")
    for other in ("B", "C"):
        with user.imap(other) as session:
            session.ok(f"UID STORE 1 FLAGS (\\Seen {other.lower()})")
    before = {box: content(user, box) for box in "ABC"}
    for box in "ABC":
        delete(user, box)
    [kept] = user.kept()
    assert kept.origin == "C"
    [found] = rows(user, "list", "-o", "A")
    # 2.4.5 may add a keyword of its own
    assert (found["origin"], found["mailbox"], found["flags"].split()[0]) == ("A", ".EXPUNGED", "a")
    # of one alone: the storage keeps what belongs to the other
    assert counted(user, "-n", "-o", "A", "ALL") == {("A", "A"): (0, 1, 0, 0)}
    assert counted(user, "-o", "A", "ALL") == {("A", "A"): (0, 1, 0, 0)}
    assert content(user, "A") == before["A"] and len(user.kept()) == 1
    plan = counted(user, "-n", "ALL")
    assert plan == {("B", "B"): (0, 1, 0, 0), ("C", "C"): (1, 0, 0, 0)}
    assert counted(user, "ALL") == plan
    assert {box: content(user, box) for box in "ABC"} == before and user.kept() == []
    assert rows(user, "restore", "ALL") == []


def in_one_session(user):
    session = user.imap()

    def delete_in(box):
        session.select(box)
        session.delete()
        session.ok("UNSELECT")

    return delete_in


def in_sessions_of_their_own(user):
    return lambda box: delete(user, box)


def through_the_trash(user):
    def delete_in(box):
        with user.imap(box) as session:
            session("CREATE Trash")
            session.ok("UID MOVE 1:* Trash")
            session.select("Trash")
            session.delete()

    return delete_in


def of_deletion(user, origin):
    [found] = [row["id"] for row in rows(user, "deletions") if row["kind"] != "restore" and
               json.loads(run(user, "list", "-d", row["id"], "-o", origin, check=False).stdout or b"[]")]
    return found


@pytest.mark.parametrize("mode", MODES)
def test_a_mail_that_takes_the_place_of_another_in_the_storage(dovecot, mode):
    """It is kept of C, is back in A alone and goes there again: the storage has it once, and all come back."""
    for way in (in_one_session, in_sessions_of_their_own, through_the_trash):
        user = server(dovecot, **MODES[mode](dovecot.format)).user()
        user.fill("A", [message(subject="one")], create=True, flags="a")
        with user.imap("A") as session:
            for other in ("B", "C"):
                session(f"CREATE {other}")
                session.ok(f"UID COPY 1 {other}")
                session.select(other)
                session.ok(f"UID STORE 1 FLAGS (\\Seen \\Flagged {other.lower()})")
                session.select("A")
        before = {box: content(user, box) for box in "ABC"}
        delete_in = way(user)
        for box in "ABC":
            delete_in(box)
        deletion = of_deletion(user, "C")
        assert counted(user, "-o", "A", "ALL") == {("A", "A"): (0, 1, 0, 0)}
        delete_in("A")
        listed = {row["origin"]: row for row in rows(user, "list", "-o", "*")}
        assert sorted(listed) == ["A", "B", "C"] and of_deletion(user, "C") == deletion
        assert listed["C"]["via"] == ("Trash" if way is through_the_trash else "")
        assert {box: content(user, box) for box in "ABC"} == {box: [] for box in "ABC"}
        rows(user, "restore", "ALL")
        assert {box: content(user, box) for box in "ABC"} == before and user.kept() == []
        assert rows(user, "restore", "ALL") == []
        assert {box: content(user, box) for box in "ABC"} == before


def test_what_came_back_by_itself_is_not_doubled(dovecot):
    user = folder_with_copies(dovecot)
    with user.imap("Work") as session:
        session.delete("1:2")
        session.select("INBOX")
        session.ok("UID COPY 1 Work")
    assert [row["subject"] for row in rows(user, "list", "-o", "Work")] == ["mail 2"]
    assert counted(user, "ALL") == {("Work", "Work"): (0, 1, 0, 0)}
    assert subjects(user, "Work") == [f"mail {n}" for n in range(1, 6)]


def test_by_copy_to_the_trash(dovecot):
    """COPY and EXPUNGE leave the mail in the Trash: it is found by the mailbox that it is missed in."""
    user = server(dovecot).user()
    user.fill("Work", [message(subject=f"mail {n}") for n in (1, 2)], create=True, flags="own")
    before = content(user, "Work")
    with user.imap("Work") as session:
        session("CREATE Trash")
        session.ok("UID COPY 1:* Trash")
        session.delete("1:*")
    assert {(row["origin"], row["mailbox"], row["via"]) for row in rows(user, "list", "-o", "Work")} == {("Work", "Trash", "")}
    assert counted(user, "-o", "Work", "ALL") == {("Work", "Work"): (0, 2, 0, 0)}
    assert content(user, "Work") == before and len(user.messages("Trash")) == 2
    # deleted in the Trash while they live in Work: that is where they came from, so nothing is missed
    delete(user, "Trash")
    assert user.kept() == [] and rows(user, "restore", "ALL") == []
    assert content(user, "Work") == before and user.messages("Trash") == []


def test_a_deletion_has_the_mails_of_which_a_copy_lived(dovecot):
    user = folder_with_copies(dovecot)
    before = content(user, "Work")
    delete(user, "Work", "1,3")
    wait_for(lambda: rows(user, "deletions") and rows(user, "deletions")[0]["by"] != "", "the record")
    [first] = rows(user, "deletions")
    assert (first["messages"], first["there"], first["elsewhere"], first["restored"], first["expired"]) == (2, 1, 1, 0, 0)
    assert first["origins"] == "Work 2"
    delete(user, "Work", "2")
    second = next(row for row in rows(user, "deletions") if row["id"] != first["id"])
    assert (second["messages"], second["there"], second["elsewhere"]) == (1, 0, 1)
    assert rows(user, "deletions", "-d", second["id"]) == [second]
    assert {row["subject"] for row in rows(user, "list", "-d", first["id"])} == {"mail 1", "mail 3"}
    assert counted(user, "-d", first["id"]) == {("Work", "Work"): (1, 1, 0, 0)}
    assert subjects(user, "Work") == ["mail 1", "mail 3", "mail 4", "mail 5"]
    [after] = [row for row in rows(user, "deletions") if row["id"] == first["id"]]
    assert (after["there"], after["elsewhere"], after["restored"], after["expired"]) == (0, 0, 2, 0)
    # a restore is taken back as a whole, and can be done again
    restore = next(row for row in rows(user, "deletions") if row["kind"] == "restore")
    assert restore["messages"] == 2
    assert [(row["restored"], row["skipped"]) for row in rows(user, "restore", "-U", restore["id"])] == [(2, 0)]
    assert subjects(user, "Work") == ["mail 4", "mail 5"] and len(user.messages("INBOX")) == 2
    rows(user, "restore", "ALL")
    assert content(user, "Work") == before and user.kept() == []


def test_a_query_and_a_time_choose(dovecot):
    user = folder_with_copies(dovecot)
    delete(user, "Work", "1:2")
    assert [row["subject"] for row in rows(user, "list", "-o", "Work", "subject", "mail 2")] == ["mail 2"]
    assert rows(user, "restore", "-o", "Work", "--until", "yesterday", "ALL") == []
    assert counted(user, "subject", "mail 2") == {("Work", "Work"): (0, 1, 0, 0)}
    assert subjects(user, "Work") == ["mail 2", "mail 3", "mail 4", "mail 5"]
    # into another mailbox only what is said to be missed somewhere
    assert rows(user, "restore", "-t", "Elsewhere", "ALL") == []
    assert counted(user, "-t", "Elsewhere", "-o", "Work", "ALL") == {("Work", "Elsewhere"): (0, 1, 0, 0)}
    assert subjects(user, "Elsewhere") == ["mail 1"]


def test_the_plan_of_one_target_counts_a_mail_once(dovecot):
    """It is missed in two mailboxes, and the storage has it from a third."""
    user = server(dovecot).user()
    user.fill("A", [message(subject="one")], create=True)
    with user.imap("A") as session:
        for other in ("B", "C"):
            session(f"CREATE {other}")
            session.ok(f"UID COPY 1 {other}")
        for box in "AB":
            session.select(box)
            session.delete("1")
    some = ("-o", "A", "-o", "B", "-t", "All", "ALL")
    assert counted(user, "-n", *some) == {("A", "All"): (0, 1, 0, 0), ("B", "All"): (0, 0, 1, 0)}
    delete(user, "C")
    every = ("-o", "A", "-o", "B", "-o", "C", "-t", "All", "ALL")
    plan = counted(user, "-n", *every)
    assert plan == {("C", "All"): (1, 0, 0, 0)} and counted(user, *every) == plan
    assert subjects(user, "All") == ["one"]


def damage(user, mailbox):
    """Make it one that cannot be opened."""
    inside = "cur" if user.server.config.format == "maildir" else "dbox-Mails"
    [found] = [path for path in user.home.parent.rglob(inside) if mailbox in str(path)]
    found.rename(found.with_name("away"))
    found.write_text("no directory")


def test_a_mailbox_that_cannot_be_read_is_left_out(dovecot):
    user = server(dovecot).user()
    user.fill("INBOX", [message(subject=f"mail {n}") for n in range(1, 5)])
    with user.imap("INBOX") as session:
        for other in ("Other", "Damaged"):
            session(f"CREATE {other}")
        session.ok("UID COPY 1:2 Other")
        session.ok("UID COPY 2:3 Damaged")
        session.select("Damaged")
        session.delete("1")
        session.select("INBOX")
        session.delete("1,4")
    damage(user, "Damaged")
    user.server.expect_log("Damaged", required=False)
    listed = run(user, "list", "-o", "INBOX", check=False)
    assert listed.code == 75 and b"Warning: Copies in a mailbox are not found" in listed.stderr and b"Damaged" in listed.stderr
    assert sorted(row["subject"] for row in json.loads(listed.stdout)) == ["mail 1", "mail 4"]
    done = run(user, "restore", "ALL", check=False)
    assert done.code == 75 and b"Warning: Copies in a mailbox are not found" in done.stderr
    assert [(row["target"], row["restored"], row["copied"], row["failed"]) for row in json.loads(done.stdout)] == [("INBOX", 1, 1, 0)]
    assert subjects(user, "INBOX") == [f"mail {n}" for n in range(1, 5)]


def test_what_is_not_copied_is_not_said_to_be_in_the_storage(dovecot):
    user = folder_with_copies(dovecot)
    delete(user, "Work", "1:2")
    for options in (("-n",), ()):
        done = run(user, "restore", *options, "-o", "Work", "-t", "a//b", "ALL", check=False)
        assert b"Error: 2 mails from Work cannot be copied from where they live: " in done.stderr
        assert done.code == 64 and b"expunge storage" not in done.stderr
        assert [row["failed"] for row in json.loads(done.stdout)] == [2]


@pytest.mark.any_format
def test_many_mailboxes_with_copies(dovecot):
    """There are more of them than files that a process may have open."""
    user = server(dovecot).user()
    user.fill("INBOX", [message(subject=f"mail {n:02}") for n in range(60)])
    before = subjects(user, "INBOX")
    with user.imap("INBOX") as session:
        for n in range(60):
            session(f"CREATE F{n}")
            session.ok(f"UID COPY {n + 1} F{n}")
        session.delete("1:*")
    limited = ["sh", "-c", 'ulimit -n 100; exec "$@"', "limited"]

    def few(command, *arguments):
        command = user.server.doveadm_command("-f", "json", "lazy-expunge", command, "-u", user.name, *arguments)
        return json.loads(user.server.run(limited + [str(word) for word in command]).stdout)

    assert sorted(row["subject"] for row in few("list", "-o", "INBOX")) == before
    [row] = few("restore", "-o", "INBOX", "ALL")
    # a copy that is not found in time is none, and the mail is kept
    assert row["copied"] > 40 and row["copied"] + row["restored"] == 60, row
    assert row["failed"] == 0 and subjects(user, "INBOX") == before
    # each batch says what is back when it is done
    lines = (user.home / ".dovecot.lazy-expunge.deletions").read_text().splitlines()
    assert len([line for line in lines if line.startswith("X\tINBOX\t")]) == row["copied"]


@pytest.mark.any_format
def test_a_file_that_is_full_forgets_the_oldest_copies_first(dovecot):
    """What was deleted together is known longer than the many hints beside it."""
    user = folder_with_copies(dovecot)
    delete(user, "Work", "3")
    file = user.home / ".dovecot.lazy-expunge.deletions"
    wait_for(lambda: file.exists() and file.read_text().startswith("D\t"), "the record")
    first = file.read_text()
    ident = first.split("\t")[1]
    with open(file, "a") as written:
        for n in range(70_000):
            written.write(f"C\t{ident}\tWork\t\t{1_600_000_000 + n}\t{n:032x}:S\n")
    assert file.stat().st_size > 4 << 20
    delete(user, "Work", "4")
    wait_for(lambda: file.stat().st_size < 3 << 20, "a shorter file")
    text = file.read_text()
    assert text.startswith(first) and text.count("D\t") == 2 and len(text) > 1 << 20
    [lost] = {f"{n:032x}" in text for n in range(1000)}
    [kept] = {f"{n:032x}" in text for n in range(69_000, 70_000)}
    assert kept and not lost


def test_a_mailbox_that_was_renamed_gets_its_copies(dovecot):
    user = folder_with_copies(dovecot)
    before = content(user, "Work")
    with user.imap("Work") as session:
        session.delete("1:2")
        session.select("INBOX")
        session.ok("RENAME Work Office")
    assert counted(user, "ALL") == {("Work", "Office"): (0, 2, 0, 0)}
    assert content(user, "Office") == before


def test_a_deleted_mailbox_comes_back_with_its_copies(dovecot):
    user = folder_with_copies(dovecot)
    before = content(user, "Work")
    with user.imap("INBOX") as session:
        session.ok("DELETE Work")
    [deletion] = rows(user, "deletions")
    assert (deletion["messages"], deletion["there"], deletion["elsewhere"]) == (5, 3, 2)
    assert counted(user, "-d", deletion["id"]) == {("Work", "Work"): (3, 2, 0, 0)}
    assert content(user, "Work") == before


def test_without_the_hint_all_that_is_kept_comes_back(dovecot):
    user = folder_with_copies(dovecot)
    delete(user, "Work")
    for file in user.home.glob(".dovecot.lazy-expunge.deletions"):
        file.unlink()
    assert counted(user, "-o", "Work", "ALL") == {("Work", "Work"): (3, 0, 0, 0)}
    assert len(user.messages("INBOX")) == 2


def test_what_the_retention_would_have_taken_is_forgotten(dovecot):
    boxes = BOXES + (Mailbox(".EXPUNGED", autoexpunge="3s"),)
    user = folder_with_copies(dovecot, mailboxes=boxes)
    delete(user, "Work", "1:2")
    assert len(rows(user, "list", "-o", "Work")) == 2
    wait_for(lambda: run(user, "list", "-o", "Work", check=False).code == 68, "the end of the retention")
    assert rows(user, "restore", "ALL") == []
    run(user, "maintain")
    assert "\nC\t" not in "\n" + (user.home / ".dovecot.lazy-expunge.deletions").read_text()


def test_erased_mail_leaves_no_hint(dovecot):
    user = folder_with_copies(dovecot)
    delete(user, "Work", "1:2")
    run(user, "erase", "subject", "mail 1")
    text = (user.home / ".dovecot.lazy-expunge.deletions").read_text()
    [line] = [line for line in text.splitlines() if line.startswith("C\t")]
    assert line.count(":") == 1
    assert counted(user, "ALL") == {("Work", "Work"): (0, 1, 0, 0)}


@pytest.mark.any_format
def test_names_that_no_mailbox_can_have_are_passed_over(dovecot):
    """A client can give a mail any keyword, and a crash leave any bytes in a file; Dovecot takes no name that is not UTF-8."""
    user = folder_with_copies(dovecot)
    delete(user, "Work", "1:2")
    with user.imap("INBOX") as session:
        session("CREATE .EXPUNGED")
        session.append(".EXPUNGED", message(subject="odd"), "$Expunged-From:W=E4rk $Expunged-Via:W=E4rk")
    file = user.home / ".dovecot.lazy-expunge.deletions"
    before = file.read_bytes()
    ident = before.split(b"\t")[1].decode()
    odd = ("\tW\udce4rk\t", "\tWork\tW\udce4rk\t", "\tb:W\udce4rk\tm:1:W\udce4rk\tm:")
    for line in before.decode().splitlines():
        for place, name in (("\tWork\t\t", odd[0] + "\t"), ("\tWork\t\t", odd[1]), ("\tm:", odd[2])):
            if place in line:
                with open(file, "a", errors="surrogateescape") as written:
                    written.write(line.replace(place, name) + "\n")
    assert file.read_bytes().count(b"W\xe4rk") >= 4
    (user.home / ".dovecot.lazy-expunge.restored").write_bytes(f"U\t{ident}\t1\t1:1\t0\t{ident}\tW".encode() + b"\xe4rk\t\t\n")
    user.server.own(user.home / ".dovecot.lazy-expunge.restored")
    assert [row["origin"] for row in rows(user, "list")] == [""]
    assert [row["origin"] for row in rows(user, "list", "-o", "Work")] == ["Work", "Work"]
    assert [row["elsewhere"] for row in rows(user, "deletions") if row["id"] == ident] == [2]
    run(user, "restore", "-U", ident, "-n", check=False)
    for plan in (("-n",), ()):
        done = {(row["origin"], row["target"]) for row in rows(user, "restore", *plan, "-d", ident)}
        assert done == {("Work", "Work")}
        assert counted(user, *plan, "ALL")[("", "INBOX")][0] == 1
    run(user, "maintain")
    assert subjects(user, "Work") == [f"mail {n}" for n in range(1, 6)] and "odd" in subjects(user, "INBOX")
