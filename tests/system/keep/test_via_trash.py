"""The folder before the Trash: what is deleted there has the mailbox that it was in before as its origin."""

import json
import os

import pytest

from harness import message, name, wait_for
from harness.dovecot.config import Mailbox, namespace_mode

BOXES = (Mailbox("Trash", special_use="\\Trash"), Mailbox("Junk", special_use="\\Junk"))


def rows(user, *arguments):
    done = user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name, *arguments)
    return {row["subject"]: (row["origin"], row["via"]) for row in json.loads(done.stdout or b"[]")}


def ways(user):
    """(origin, via) of each kept mail."""
    done = user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name)
    return [(row["origin"], row["via"]) for row in json.loads(done.stdout)]


def server(dovecot, **fields):
    return dovecot(**{"mailboxes": BOXES, **fields})


def filled(dovecot, mailbox="Work", subjects=("one",), **fields):
    user = server(dovecot, **fields).user()
    with user.imap() as session:
        for box in (mailbox, "Trash", "Junk", "Other"):
            session(f"CREATE {name(box)}")
    user.fill(mailbox, [message(subject=subject) for subject in subjects], flags="\\Seen own")
    return user


def empty(user, mailbox="Trash"):
    with user.imap(mailbox) as session:
        session.delete()


# What mail programs send to get a mail into the Trash, and to empty it.

def by_move(user, source, target="Trash"):
    with user.imap(source) as session:
        session.ok(f"UID MOVE 1:* {name(target)}")


def by_copy_and_expunge(user, source, target="Trash"):
    with user.imap(source) as session:
        session.ok(f"UID COPY 1:* {name(target)}")
        session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted \\Seen)")
        session.ok("EXPUNGE")


def by_copy_and_uid_expunge(user, source, target="Trash"):
    with user.imap(source) as session:
        session.ok(f"UID COPY 1:* {name(target)}")
        session.ok("UID STORE 1:* +FLAGS (\\Deleted)")
        session.ok("UID EXPUNGE 1:*")


def by_copy_and_close(user, source, target="Trash"):
    with user.imap(source) as session:
        session.ok(f"COPY 1:* {name(target)}")
        session.ok("STORE 1:* +FLAGS (\\Deleted)")
        session.ok("CLOSE")


def one_by_one(user, source, target="Trash"):
    with user.imap(source) as session:
        for uid in session.search():
            session.ok(f"UID COPY {uid} {name(target)}")
            session.ok(f"UID STORE {uid} FLAGS (\\Seen \\Deleted own)")
        session.ok("EXPUNGE")


def by_doveadm_move(user, source, target="Trash"):
    user.doveadm("move", target, "mailbox", source, "all")


def by_expunge(user):
    empty(user)


def by_close(user):
    with user.imap("Trash") as session:
        session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
        session.ok("CLOSE")


def by_uid_expunge(user):
    with user.imap("Trash") as session:
        session.ok("UID STORE 1:* +FLAGS (\\Deleted \\Seen)")
        session.ok("UID EXPUNGE 1:*")


# program: into the Trash, and the Trash emptied
CLIENTS = {"Thunderbird": (by_move, by_close), "Thunderbird without MOVE": (by_copy_and_close, by_expunge),
           "Outlook": (by_copy_and_expunge, by_expunge), "Apple Mail": (by_copy_and_uid_expunge, by_uid_expunge),
           "Roundcube": (by_move, by_uid_expunge), "K-9": (by_copy_and_uid_expunge, by_expunge), "like Gmail": (one_by_one, by_close),
           "doveadm": (by_doveadm_move, lambda user: user.doveadm("expunge", "mailbox", "Trash", "all"))}


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("client", CLIENTS)
def test_the_origin_is_the_mailbox_before_the_trash(dovecot, client, last):
    way, empty_it = CLIENTS[client]
    user = filled(dovecot, "Projects/Äpfel & Co", ("one", "two"), lazy={"only_last_instance": last})
    before = user.messages("Projects/Äpfel & Co")
    way(user, "Projects/Äpfel & Co")
    direct = set() if last or way in (by_move, by_doveadm_move) else {"one", "two"}
    assert set(rows(user)) == direct
    empty_it(user)
    found = rows(user, "-o", "Trash")
    assert found == {"one": ("Projects/Äpfel & Co", "Trash"), "two": ("Projects/Äpfel & Co", "Trash")}
    assert set(rows(user, "-o", "Projects/*")) == {"one", "two"}
    # for people, who see few columns, and for programs
    assert user.doveadm("lazy-expunge list").stdout.decode().count(" Projects/Äpfel & Co, via Trash ") == 2
    assert ", via" not in user.server.doveadm("-f", "tab", "lazy-expunge", "list", "-u", user.name).stdout.decode()
    user.doveadm("lazy-expunge restore", "-o", "Projects/Äpfel & Co", "ALL")
    back = user.messages("Projects/Äpfel & Co")
    assert [mail.subject for mail in back] == ["one", "two"] and user.kept() == []
    assert all(mail.origins == () and mail.keywords >= {"own"} for mail in back)
    assert [mail.guid for mail in back] == [mail.guid for mail in before]
    raw = user.server.doveadm("fetch", "-u", user.name, "flags", "mailbox", "Projects/*", "all").stdout
    assert b"$Expunged" not in raw


def test_several_folders_in_one_trash(dovecot):
    user = filled(dovecot, "A", ("a1", "a2"))
    user.fill("Other", [message(subject="o1")])
    user.fill("INBOX", [message(subject="i1")])
    user.fill("Trash", [message(subject="filed there")])
    for mailbox in ("A", "Other", "INBOX"):
        by_move(user, mailbox)
    empty(user)
    assert rows(user) == {"a1": ("A", "Trash"), "a2": ("A", "Trash"), "o1": ("Other", "Trash"), "i1": ("INBOX", "Trash"),
                          "filed there": ("Trash", "")}
    user.doveadm("lazy-expunge restore", "ALL")
    assert {m.subject for m in user.messages("A")} == {"a1", "a2"} and {m.subject for m in user.messages("Trash")} == {"filed there"}


@pytest.mark.parametrize("way", [by_move, by_copy_and_expunge], ids=lambda way: way.__name__)
def test_through_two_of_them(dovecot, way):
    user = filled(dovecot)
    way(user, "Work", "Junk")
    way(user, "Junk", "Trash")
    empty(user)
    # a COPY leaves mail that is deleted by itself
    direct = [] if way is by_move else [("Work", ""), ("Work", "Junk")]
    assert sorted(ways(user)) == sorted([("Work", "Trash"), *direct])


def test_brought_back_by_the_user_and_deleted_elsewhere(dovecot):
    user = filled(dovecot)
    by_move(user, "Work")
    by_move(user, "Trash", "Other")
    empty(user, "Other")
    assert rows(user) == {"one": ("Other", "")}
    with user.imap(".EXPUNGED") as session:
        session.ok("UID MOVE 1 Trash")
    empty(user)
    assert rows(user) == {"one": ("Other", "Trash")}


def test_moved_on_and_deleted_again(dovecot):
    """Restored, moved to the Trash from elsewhere: each time the last way counts."""
    user = filled(dovecot)
    by_move(user, "Work")
    empty(user)
    user.doveadm("lazy-expunge restore", "ALL")
    by_move(user, "Work", "Other")
    by_move(user, "Other")
    empty(user)
    assert rows(user) == {"one": ("Other", "Trash")}
    user.doveadm("lazy-expunge restore", "-t", "Trash", "ALL")
    assert [mail.subject for mail in user.messages("Trash")] == ["one"]


@pytest.mark.parametrize("by", ["maintain", "autoexpunge", "doveadm expunge", "mailbox delete", "imap DELETE"])
def test_whoever_empties_the_trash(dovecot, by):
    boxes = (Mailbox("Trash", special_use="\\Trash", autoexpunge="1s"), BOXES[1]) if by in ("maintain", "autoexpunge") else BOXES
    user = filled(dovecot, mailboxes=boxes)
    by_move(user, "Work")
    if by == "maintain":
        wait_for(lambda: user.doveadm("lazy-expunge maintain") and rows(user), "retention")
    elif by == "autoexpunge":
        wait_for(lambda: user.imap().logout() or rows(user), "autoexpunge")
    elif by == "doveadm expunge":
        user.doveadm("expunge", "mailbox", "Trash", "all")
    elif by == "mailbox delete":
        user.doveadm("mailbox delete", "-r", "Trash")
    elif by == "imap DELETE":
        with user.imap() as session:
            session.ok("DELETE Trash")
    assert rows(user) == {"one": ("Work", "Trash")}


def test_a_folder_that_was_renamed_while_its_mail_was_in_the_trash(dovecot):
    user = filled(dovecot)
    by_move(user, "Work")
    user.doveadm("mailbox rename", "Work", "Play")
    empty(user)
    assert rows(user) == {"one": ("Play", "Trash")}
    user.doveadm("lazy-expunge restore", "ALL")
    assert [mail.subject for mail in user.messages("Play")] == ["one"]


SIEVE_23 = """\
protocol imap {
  mail_plugins = $mail_plugins imap_sieve
}
plugin {
  sieve_plugins = sieve_imapsieve
  imapsieve_mailbox1_name = Other
  imapsieve_mailbox1_causes = COPY
  imapsieve_mailbox1_before = file:@ROOT@/shared/trash.sieve
}
"""
SIEVE_24 = """\
protocol imap {
  mail_plugins {
    imap_sieve = yes
  }
}
sieve_plugins {
  sieve_imapsieve = yes
}
"""
SIEVE_24_OTHER = """\
sieve_script trash {
  type = before
  cause = copy
  path = @ROOT@/shared/trash.sieve
}
"""


def test_what_a_sieve_script_files_from_another_mailbox(dovecot):
    boxes = (*BOXES, Mailbox("Other", raw24=SIEVE_24_OTHER))
    files = (("shared/trash.sieve", 'require ["fileinto"];\nfileinto "Trash";\n'),)
    user = filled(dovecot, mailboxes=boxes, raw23=SIEVE_23, raw24=SIEVE_24, files=files)
    by_move(user, "Work", "Other")
    assert [mail.subject for mail in user.messages("Trash")] == ["one"]
    empty(user)
    assert ("Other", "Trash") in rows(user, "-o", "Trash").values()


def test_namespace_mode_too(dovecot):
    user = filled(dovecot, **namespace_mode(dovecot.format))
    by_move(user, "Work")
    empty(user)
    assert rows(user) == {"one": ("Work", "Trash")}
    user.doveadm("lazy-expunge restore", "ALL")
    assert [mail.subject for mail in user.messages("Work")] == ["one"] and user.kept() == []


def test_clients_see_nothing_of_it_in_the_trash(dovecot):
    user = filled(dovecot)
    by_move(user, "Work")
    with user.imap("Trash") as session:
        assert "$" not in " ".join(session.ok("FETCH 1 FLAGS").lines("FETCH")).replace("$HasNoAttachment", "")


def test_a_lost_or_spoiled_record_loses_nothing_but_the_folder(dovecot):
    user = filled(dovecot, subjects=("one", "two"))
    with user.imap("Work") as session:
        session.ok("UID MOVE 1 Trash")
    trail = user.home / ".dovecot.lazy-expunge.trail"
    trail.write_bytes(b"T\t1\t2\n" + trail.read_bytes()[:-3])
    with user.imap("Work") as session:
        session.ok("UID MOVE 2 Trash")
    empty(user)
    assert rows(user) == {"two": ("Work", "Trash"), "one": ("Trash", "")}
    trail.unlink()
    os.mkfifo(trail)
    user.server.own(trail)
    user.server.expect_log(r"dovecot\.lazy-expunge\.trail is not a regular file: remove it")
    user.fill("Work", [message(subject="three")])
    by_move(user, "Work")
    empty(user)
    assert rows(user)["three"] == ("Trash", "")


def test_forty_folders_and_the_loss_of_the_index(dovecot):
    user = filled(dovecot, "F0", ("F0",))
    for number in range(1, 30):
        user.fill(f"F{number}", [message(subject=f"F{number}")], create=True)
    for number in range(30):
        by_move(user, f"F{number}")
    empty(user)
    assert rows(user) == {f"F{number}": (f"F{number}", "Trash") for number in range(30)}
    if dovecot.format == "maildir":
        [directory] = [path for path in user.mail_path.rglob("*EXPUNGED") if path.is_dir()]
        for path in directory.rglob("dovecot.index*"):
            path.unlink()
        assert {subject: origin for subject, (origin, _) in rows(user).items()} == {f"F{n}": f"F{n}" for n in range(30)}


def test_dsync_carries_the_way(dovecot):
    user = filled(dovecot)
    by_move(user, "Work")
    empty(user)
    there = user.sync(dovecot.own(mailboxes=BOXES), command="backup")
    assert rows(there) == {"one": ("Work", "Trash")}
