"""Origins of any number and length: they outlive the index, cost the same, travel with dsync, and are nobody's to spoil."""

import os
import re

import pytest

from harness import name

# The plugin gives a keyword to 16 origins, and a Maildir has letters for 26.
MANY = 40
LONG = "Projects/A very long name of a customer, with more than fifty characters in it/Ünï 2026"


def delete_from(user, mailboxes, flags="\\Seen own"):
    """A mail deleted from each; its subject is the mailbox's name."""
    with user.imap() as session:
        for mailbox in mailboxes:
            session(f"CREATE {name(mailbox)}")
            session.append(mailbox, b"Subject: " + mailbox.encode() + b"\r\n\r\nbody\r\n", flags)
            session.select(mailbox)
            session.delete()
        session.select("INBOX")


def lose_indexes(user):
    """Remove each index of the storage."""
    [directory] = [path for path in user.mail_path.rglob("*EXPUNGED") if path.is_dir()]
    lost = list(directory.rglob("dovecot.index*"))
    assert lost
    for path in lost:
        path.unlink()


def storage_files(user):
    [directory] = [path for path in user.mail_path.rglob("*EXPUNGED") if path.is_dir()]
    return [path.name for path in directory.rglob("cur/*")]


def folders(count=MANY):
    return [f"Folder {number}" for number in range(count)]


@pytest.mark.formats("maildir")
@pytest.mark.parametrize("count", [1, 16, 17, 26, 27, MANY])
def test_no_origin_is_lost_with_the_indexes_of_a_maildir(dovecot, count):
    user = dovecot().user()
    names = folders(count)
    delete_from(user, names)
    delete_from(user, names[-1:])
    lose_indexes(user)
    kept = user.kept()
    assert sorted((mail.subject, mail.origin) for mail in kept) == sorted((n, n) for n in [*names, names[-1]])
    user.doveadm("lazy-expunge restore", "ALL")
    assert [mail.subject for mail in user.messages(names[-1])] == [names[-1]] * 2 and user.messages("INBOX") == []


@pytest.mark.formats("maildir")
def test_keywords_of_the_users_own_do_not_take_the_place_of_origins(dovecot):
    user = dovecot(lazy={"protect": True}).user()
    user.deliver()
    with user.imap("INBOX") as session:
        session.delete()
        session.select(".EXPUNGED")
        for number in range(30):
            session.ok(f"UID STORE 1 +FLAGS (mine{number})")
    delete_from(user, folders(20))
    lose_indexes(user)
    assert sorted(mail.origin for mail in user.kept()) == sorted(["INBOX", *folders(20)])


def test_origins_outlive_a_rebuilt_index(dovecot):
    user = dovecot().user()
    delete_from(user, [*folders(), LONG])
    user.doveadm("force-resync", ".EXPUNGED")
    kept = user.kept()
    assert sorted(mail.origin for mail in kept) == sorted([*folders(), LONG])
    assert all("own" in mail.keywords for mail in kept)


def test_a_restore_puts_each_of_many_back(dovecot):
    user = dovecot().user()
    names = [*folders(), LONG]
    delete_from(user, names)
    user.doveadm("lazy-expunge restore", "ALL")
    for mailbox in names:
        [back] = user.messages(mailbox)
        assert back.subject == mailbox and back.keywords >= {"own"} and back.origins == ()
    assert user.kept() == []


def test_the_list_of_names_may_be_lost_and_must_not_stop_anybody(dovecot):
    """What is there instead is not believed: the names are those of the mailboxes."""
    user = dovecot().user()
    delete_from(user, folders())
    names = user.home / ".dovecot.lazy-expunge.origins"
    assert "Folder 39" in names.read_text().splitlines()
    names.unlink()
    assert sorted(mail.origin for mail in user.kept()) == sorted(folders())
    os.mkfifo(names)
    user.server.own(names)
    user.server.expect_log(r"dovecot\.lazy-expunge\.origins is not a regular file", required=False)
    assert sorted(mail.origin for mail in user.kept()) == sorted(folders())
    delete_from(user, ["Another"])
    assert len(user.kept()) == MANY + 1


def test_a_torn_name_takes_no_other_with_it(dovecot):
    user = dovecot().user()
    delete_from(user, folders(20))
    names = user.home / ".dovecot.lazy-expunge.origins"
    with names.open("ab") as file:
        file.write(b"Folder 3")
    delete_from(user, ["Another", LONG])
    for mailbox in ("Another", LONG):
        user.doveadm("mailbox delete", "-r", mailbox)
    assert {mail.origin for mail in user.kept()} == {*folders(20), "Another", LONG}


@pytest.mark.parametrize("mailbox", ["Work", "Foo", "foo", LONG, "ÜÜÜ " * 12 + "end"])
def test_dsync_carries_origins_of_any_length(dovecot, mailbox):
    user = dovecot().user()
    delete_from(user, ["Foo", "foo", mailbox], flags="\\Seen own $Label1")
    other = dovecot.own()
    there = user.sync(other, command="backup")
    before, after = user.kept(), there.kept()
    assert [mail.content for mail in after] == [mail.content for mail in before]
    assert [mail.origin for mail in after] == [mail.origin for mail in before]
    assert sorted(mail.origin for mail in after) == sorted(["Foo", "foo", mailbox])
    assert all({"own", "$Label1"} <= mail.keywords for mail in after)


def test_replication_of_many_origins_comes_to_rest(dovecot):
    """Each side deletes, both have all, and a further run changes nothing."""
    user = dovecot().user()
    other = dovecot.own()
    delete_from(user, [*folders(20), LONG])
    there = user.sync(other)
    delete_from(there, ["There", "There/" + LONG])
    for _ in range(2):
        user.sync(other)
        expected = sorted([*folders(20), LONG, "There", "There/" + LONG])
        for side in (user, there):
            assert sorted(mail.origin for mail in side.kept()) == expected
            assert all("own" in mail.keywords for mail in side.kept())
    with user.imap(".EXPUNGED") as session:
        session.ok("UID STORE 1:* +FLAGS (later \\Flagged)")
    user.sync(other)
    assert sorted(mail.origin for mail in there.kept()) == expected
    assert all({"own", "later"} <= mail.keywords and "\\Flagged" in mail.flags for mail in there.kept())


def test_what_arrived_where_the_plugin_is_not_loaded_is_read_later(dovecot):
    user = dovecot(lazy={"mailbox": "EXPUNGED"}).user()
    delete_from(user, ["Work", LONG])
    bare = dovecot.own(plugin="none", lazy=dict.fromkeys(("mailbox", "only_last_instance")))
    there = user.sync(bare, command="backup")
    mails = there.messages("EXPUNGED")
    assert len(mails) == 2 and all("own" in mail.keywords for mail in mails)
    again = dovecot.own(mail_root=bare.mail_root, lazy={"mailbox": "EXPUNGED"}).user(there.name)
    assert sorted(mail.origin for mail in again.kept()) == sorted(["Work", LONG])


def test_a_user_cannot_forge_or_take_off_an_origin_that_is_a_number(dovecot):
    user = dovecot(lazy={"protect": True}).user()
    delete_from(user, [*folders(17), LONG])
    with user.imap(".EXPUNGED") as session:
        session("UID STORE 1:* +FLAGS ($Expunged-From:INBOX)")
        session("UID STORE 1:* +FLAGS ($Expunged-Part:1/1:inbox)")
        for line in session.ok("UID FETCH 1:* FLAGS").lines("FETCH"):
            uid, flags = re.search(r"UID (\d+)", line).group(1), re.search(r"FLAGS \((.*?)\)", line).group(1)
            assert "$Expunged-From:" in flags and "$Expunged-Part" not in flags
            session.ok(f"UID STORE {uid} FLAGS ({flags.replace(chr(92) + 'Recent', '')})")
        session.ok("UID STORE 1:* FLAGS (\\Flagged)")
    kept = user.kept()
    assert sorted(mail.origin for mail in kept) == sorted([*folders(17), LONG])
    assert all(mail.keywords <= {"$HasNoAttachment"} for mail in kept)


@pytest.mark.parametrize("mailbox", ["Folder 0", LONG])
def test_mail_that_leaves_the_storage_has_no_origin_any_more(dovecot, mailbox):
    user = dovecot().user()
    delete_from(user, [*folders(17), mailbox])
    with user.imap(".EXPUNGED") as session:
        session.ok("UID COPY 18 INBOX")
        session.ok("UID MOVE 18 INBOX")
    back = user.messages()
    assert len(back) == 2 and {mail.origins for mail in back} == {()}
    assert all(mail.keywords >= {"own"} for mail in back)
    with user.imap("INBOX") as session:
        session.delete()
    assert [mail.origin for mail in user.kept()][17:] == ["INBOX"] * 2


@pytest.mark.formats("maildir")
def test_file_names_of_few_origins_are_those_of_any_maildir(dovecot):
    """Only what has no letter is marked: the others are as they were, and as other programs write them."""
    user = dovecot().user()
    delete_from(user, folders(17))
    delete_from(user, folders(17))
    marked = [fname for fname in storage_files(user) if re.search(r":2,\w*,o[0-9a-f]{16}$", fname)]
    assert 2 <= len(marked) <= 2 + 16
    assert len(storage_files(user)) == 34


# The list of names.

DAY = 24 * 3600


def names_of(user):
    return user.home / ".dovecot.lazy-expunge.origins"


def lines_of(user):
    """{name: since when nothing needs it, as text}, "" where something does."""
    return {name: since for name, _, since in (line.partition("\t") for line in names_of(user).read_text().splitlines())}


def add_names(user, count, since=""):
    with names_of(user).open("a") as file:
        file.write("".join(f"Project {number} of years ago, with a name that is long{since}\n" for number in range(count)))


def maintain(user):
    """A run that is not idle, for something was deleted since the last one."""
    delete_from(user, ["Folder 17"])
    user.doveadm("lazy-expunge maintain")


def test_names_that_nothing_needs_go_a_day_after_that_was_seen(dovecot):
    user = dovecot().user()
    delete_from(user, [*folders(20), LONG])
    user.doveadm("mailbox delete", "Folder 19")
    user.doveadm("mailbox create", "Old one")
    user.doveadm("mailbox rename", "Old one", "New one")
    names_of(user).open("a").write("INBOX\nOld one\nNew one\n")
    add_names(user, 2000)
    needed = {"INBOX", "Old one", "New one", "Folder 17", "Folder 18", "Folder 19", LONG}
    maintain(user)
    lines = lines_of(user)
    assert len(lines) > 2000 and needed <= set(lines)
    assert {name for name, since in lines.items() if since == ""} == needed | {name for name in lines if name.startswith("Folder")}
    # a day later, but one that somebody has added again, and one of which mail was deleted
    text = re.sub(r"\t(\d+)", lambda since: f"\t{int(since.group(1)) - DAY - 1}", names_of(user).read_text())
    names_of(user).write_text(text + "Project 7 of years ago, with a name that is long\n")
    delete_from(user, ["Project 8 of years ago, with a name that is long"])
    user.doveadm("mailbox delete", "-r", "Project 8 of years ago, with a name that is long")
    before = names_of(user).stat()
    maintain(user)
    lines = lines_of(user)
    left = {name[:9] for name in lines if name.startswith("Project ")}
    assert left == {"Project 7", "Project 8"} and needed <= set(lines)
    assert names_of(user).stat().st_size < before.st_size / 20
    assert {mail.origin for mail in user.kept()} == {*folders(20), LONG, "Project 8 of years ago, with a name that is long"}


def test_a_small_list_of_names_is_left_alone(dovecot):
    user = dovecot().user()
    delete_from(user, folders(20))
    add_names(user, 100)
    before = names_of(user).read_text()
    maintain(user)
    assert names_of(user).read_text() == before


def test_a_list_of_names_that_is_full_is_shortened_by_maintain(dovecot):
    user = dovecot().user()
    delete_from(user, folders(20))
    add_names(user, 160_000, since="\t1700000000")
    assert names_of(user).stat().st_size > 8 << 20
    user.server.expect_log(r"dovecot\.lazy-expunge\.origins has reached its limit of 8388608 bytes")
    delete_from(user, ["Another"])
    assert "Another" in {mail.origin for mail in user.kept()}
    maintain(user)
    assert len(lines_of(user)) < 100
    delete_from(user, ["Yet another"])
    user.doveadm("mailbox delete", "-r", "Yet another")
    assert "Yet another" in {mail.origin for mail in user.kept()}


def test_a_session_sees_that_the_list_of_names_is_another_one(dovecot):
    """It knows the name from before, and writes it down once more."""
    user = dovecot().user()
    delete_from(user, folders(17))
    with user.imap() as session:
        for number in range(2):
            session("CREATE Seventeenth")
            session.append("Seventeenth", f"Subject: {number}\r\n\r\nbody\r\n".encode())
            session.select("Seventeenth")
            session.delete()
            session.select("INBOX")
            assert "Seventeenth" in lines_of(user)
            names_of(user).rename(user.home / f"origins.{number}")
            names_of(user).write_text("Something\n")
            user.server.own(names_of(user))
        session.select(".EXPUNGED")
        session.append("INBOX", b"Subject: x\r\n\r\nbody\r\n")
        session.select("Seventeenth")
        session.append("Seventeenth", b"Subject: y\r\n\r\nbody\r\n")
        session("NOOP")
        session.delete()
    assert "Seventeenth" in lines_of(user)
