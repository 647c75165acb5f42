"""doveadm lazy-expunge import: an archive of export comes back as it was, and none that is not whole."""

import hashlib
import json
import os

import pytest

from harness.dovecot.archives import HOSTILE, export, hostile, pack, place, unpack
from harness.dovecot.config import FORMATS, Quota, namespace_mode
from harness.dovecot.mail import message
from harness.machines import targets

pytestmark = pytest.mark.any_format

MODES = ["mailbox", "namespace"]
OWN = {"$HasAttachment", "$HasNoAttachment"}


def delete(user, mailbox):
    user.doveadm("expunge", "mailbox", mailbox, "all")


def fields(mode, form):
    return {} if mode == "mailbox" else namespace_mode(form, only_last_instance=False)


def rows(user, path, *arguments, **options):
    """{mailbox: (imported, skipped)} as import prints them."""
    done = user.server.doveadm("-f", "json", "lazy-expunge", "import", "-u", user.name, *arguments, path, **options)
    return {row["mailbox"]: (row["imported"], row["skipped"]) for row in json.loads(done.stdout or b"[]")}, done


def facts(mail):
    """What must come back of a mail."""
    return (mail.guid, mail.flags - {"\\Recent"}, mail.keywords - OWN, mail.received, mail.text.replace("\r\n", "\n"))


def kept(user):
    return sorted((mail.origin or "", mail.saved, *facts(mail)) for mail in user.kept())


def fill(user):
    """Mails of several mailboxes, one of them through the Trash, one large."""
    user.append("Work/\u00c4pfel".encode("utf-7").decode(), message(subject="one"), "\\Seen \\Flagged own $Label", "02-Jan-2021 03:04:05 +0000",
                create=True)
    user.append("INBOX", message(subject="large", body="line of text\n" * 40000), date="03-Jan-2021 00:00:00 +0000")
    user.append("INBOX", message(subject="binned"), "\\Answered")
    with user.imap("INBOX") as session:
        session.ok("MOVE 2 Trash")
    for mailbox in user.mailboxes():
        if mailbox in ("INBOX", "Trash") or mailbox.startswith("Work/"):
            delete(user, mailbox)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMATS)
def test_into_another_account(dovecot, mode, form):
    """Of another format, and of another storage mode."""
    here = dovecot(**fields(mode, dovecot.format)).user()
    fill(here)
    path = place(here.server, f"{here.name}.zip")
    assert export(here, path)["messages"] == 3
    before = kept(here)
    assert len(before) == 3
    other = MODES[1 - MODES.index(mode)] if form == dovecot.format else mode
    server = dovecot(dovecot.config(format=form, **fields(other, form)))
    there = server.user()
    copy = place(server, path.name)
    copy.write_bytes(path.read_bytes())
    imported, _ = rows(there, copy)
    assert sum(count for count, _ in imported.values()) == 3 and not any(skipped for _, skipped in imported.values())
    if other == mode:
        assert kept(there) == before
    else:
        # the mailbox of namespace mode is the Trash, and what it went through is in it
        assert [row[2:] for row in sorted(kept(there), key=lambda row: row[2])] == [row[2:] for row in sorted(before, key=lambda row: row[2])]
    assert listing_of(there) == listing_of(here)
    # again: nothing twice
    imported, _ = rows(there, copy)
    assert not any(count for count, _ in imported.values()) and sum(skipped for _, skipped in imported.values()) == 3
    # and it goes back to where it was
    there.doveadm("lazy-expunge restore", "ALL")
    assert kept(there) == [] and len(there.messages("INBOX")) == 2


def test_through_all_versions_and_back(dovecot):
    """From one version of Dovecot to the next, each in another format, and home again: nothing of a mail has changed."""
    others = [targets.get(name) for name in targets.default_names() if name != dovecot.target.name]
    here = dovecot().user()
    fill(here)
    before = kept(here)
    assert len(before) == 3
    first = FORMATS.index(dovecot.format)
    for number, target in enumerate([*others, dovecot.target], 1):
        path = place(here.server, f"{here.name}.{('zip', 'tar.zst', 'tar.gz')[number % 3]}")
        assert export(here, path)["messages"] == 3
        form = FORMATS[(first + number) % len(FORMATS)]
        there = dovecot(dovecot.config(format=form), target=target).user()
        copy = place(there.server, path.name)
        copy.write_bytes(path.read_bytes())
        assert there.server.doveadm("lazy-expunge", "verify", copy).code == 0
        imported, _ = rows(there, copy)
        assert sum(count for count, _ in imported.values()) == 3
        assert kept(there) == before and listing_of(there) == listing_of(here), (str(target), form)
        here = there
    assert here.server.target is dovecot.target


def listing_of(user):
    listed = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name).stdout)
    names = ("guid", "origin", "via", "deleted", "received", "subject", "size")
    return sorted([row[name] for name in names] for row in listed)


def test_into_a_mailbox(dovecot):
    server = dovecot()
    here, there = server.user(), server.user()
    fill(here)
    path = place(server, f"{here.name}.tar.gz")
    export(here, path)
    there.append("INBOX", message(subject="mine"))
    assert rows(there, path, "-t", "Evidence/2021")[0] == {"Evidence/2021": (3, 0)}
    assert sorted(facts(mail) for mail in there.messages("Evidence/2021")) == sorted(facts(mail) for mail in here.kept())
    assert not any(mail.origins for mail in there.messages("Evidence/2021")) and there.kept() == []
    assert rows(there, path, "-t", "Evidence/2021")[0] == {"Evidence/2021": (0, 3)}
    assert [mail.subject for mail in there.messages()] == ["mine"]
    # what went meanwhile comes again
    there.doveadm("expunge", "mailbox", "Evidence/2021", "subject", "one")
    assert rows(there, path, "-t", "Evidence/2021")[0] == {"Evidence/2021": (1, 2)}
    done = rows(there, path, "-t", ".EXPUNGED", check=False)[1]
    assert done.code == 64 and b"is the expunge storage" in done.stderr


def test_mail_that_was_not_deleted_is_kept_with_its_mailbox(dovecot):
    server = dovecot()
    here, there = server.user(), server.user()
    here.append("Work", message(subject="alive"), "\\Seen", create=True)
    path = place(server, f"{here.name}.tar")
    assert export(here, path, "-a")["messages"] == 1
    assert rows(there, path)[0] == {".EXPUNGED": (1, 0)}
    [mail] = there.kept()
    assert mail.origin == "Work" and facts(mail) == facts(here.messages("Work")[0])
    there.doveadm("lazy-expunge restore", "ALL")
    assert [facts(mail) for mail in there.messages("Work")] == [facts(mail) for mail in here.messages("Work")]


def test_copies_of_a_mail_from_several_mailboxes_are_each_there(dovecot):
    server = dovecot()
    here, there = server.user(), server.user()
    here.append("INBOX", message(subject="twice"))
    with here.imap("INBOX") as session:
        session("CREATE Work")
        session.ok("COPY 1 Work")
    for mailbox in ("INBOX", "Work"):
        delete(here, mailbox)
    path = place(server, f"{here.name}.zip")
    export(here, path)
    rows(there, path)
    assert sorted(mail.origin for mail in there.kept()) == ["INBOX", "Work"]


def test_many_mails(dovecot):
    """More than one commit takes."""
    server = dovecot()
    here, there = server.user(), server.user()
    here.fill("INBOX", 1100)
    delete(here, "INBOX")
    path = place(server, f"{here.name}.tar.zst")
    assert export(here, path)["messages"] == 1100
    assert rows(there, path)[0] == {".EXPUNGED": (1100, 0)}
    assert kept(there) == kept(here)


def test_over_the_quota(dovecot):
    server = dovecot(quota=Quota(storage="100k"))
    here, there = server.user(), server.user()
    here.fill("INBOX", [message(body="x" * 30000) for _ in range(2)])
    delete(here, "INBOX")
    path = place(server, f"{here.name}.zip")
    export(here, path)
    # the storage does not count
    there.fill("INBOX", [message(body="x" * 30000) for _ in range(2)])
    assert rows(there, path)[0] == {".EXPUNGED": (2, 0)}
    done = rows(there, path, "-t", "INBOX", check=False)[1]
    assert done.code == 73 and b"Cannot save to INBOX" in done.stderr, done
    assert len(there.messages()) <= 3


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_whole(dovecot, kind):
    server = dovecot()
    user = server.user()
    path = hostile(place(server, f"{kind}.tar"), kind)
    done = rows(user, path, check=False)[1]
    assert done.code == 65 and str(path).encode() in done.stderr, done
    assert user.kept() == [] and "Evidence" not in user.mailboxes()


def summed(files):
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items() if name != "SHA256SUMS")
    return {**files, "SHA256SUMS": sums.encode()}


@pytest.mark.parametrize("change, text", [
    (lambda files: {**files, next(iter(files)): b"Subject: other\r\n\r\n"}, "is changed"),
    (lambda files: {name: content for name, content in files.items() if not name.endswith(".eml")}, "is missing"),
    (lambda files: {**files, "INBOX/more.eml": b"x"}, "INBOX/more.eml is added"),
    (lambda files: summed({**files, "manifest.json": files["manifest.json"].replace(b'"guid":"', b'"guid":"../')}), "its GUID cannot be"),
    (lambda files: summed({**files, "manifest.json": files["manifest.json"].replace(b'"guid":"', b'"guid":"a\\nb')}), "its GUID cannot be"),
    (lambda files: summed({**files, "manifest.json": files["manifest.json"].replace(b'"flags":[', b'"flags":["\\\\Evil"],"x":[')}),
     "it has a flag that there is not"),
    (lambda files: summed({**files, "manifest.json": files["manifest.json"].replace(b'"keywords":[', b'"keywords":["a b"],"x":[')}),
     "it has a keyword that cannot be"),
    (lambda files: summed({**files, "manifest.json": files["manifest.json"].replace(b'"size":', b'"size":1')}), "is changed"),
])
def test_an_archive_that_is_not_whole_is_refused_whole(dovecot, change, text):
    server = dovecot()
    here, there = server.user(), server.user()
    here.append("INBOX", message(subject="only"))
    delete(here, "INBOX")
    path = place(server, f"{here.name}.tar")
    export(here, path)
    files = unpack(path)
    broken = pack(place(server, f"{here.name}-broken.tar"), change(files))
    done = rows(there, broken, check=False)[1]
    assert done.code == 65 and text in done.stderr.decode() and "nothing is imported" in done.stderr.decode(), done
    assert there.kept() == []


@pytest.mark.parametrize("arguments, code, text", [
    ((), 64, "The name of an archive is needed"),
    (("/no/such.zip",), 66, "open(/no/such.zip) failed: No such file or directory"),
    (("-t", "", "/no/such.zip"), 64, "The target (-t) is empty"),
    (("/dev/null",), 65, "/dev/null: this is no regular file"),
])
def test_bad_input(dovecot, arguments, code, text):
    user = dovecot().user()
    done = user.doveadm("lazy-expunge import", *arguments, check=False)
    assert done.code == code and text in done.stderr.decode(), done


def test_one_user_and_only_here(dovecot):
    server = dovecot.own(passwd_file=True)
    users = [server.user() for _ in range(2)]
    server.write_users(users)
    fill(users[0])
    path = place(server, "x.zip")
    export(users[0], path)
    os.chmod(path.parent, 0o700)
    done = server.doveadm("lazy-expunge", "import", "-A", path, check=False)
    assert done.code == 64 and b"An archive is imported for one user: -u" in done.stderr and users[1].kept() == []
    server.expect_log("import works only on the command line", required=False)
    server.expect_log("Executing command|exited", required=False)
    done = server.doveadm("lazy-expunge", "import", "-S", server.root / "run/doveadm-server", "-u", users[1].name, path, check=False)
    assert done.code == 64 and users[1].kept() == []
