"""Accounts whose parts lie apart: home, mail, indexes, control files, alternative storage and namespaces, each in its own place."""

import base64
import os
import random
import shutil

import pytest

from harness.dovecot.accounts import account, content, delete, fill, listed
from harness.dovecot.config import DEFAULT_MAILBOXES, Namespace, namespace_mode
from harness.dovecot.mail import message
from harness.faults.inject import doveadm_traced


def location(dovecot, path, **places):
    """Fields of Config that put the mail here, and places of it elsewhere."""
    form = dovecot.format
    old = "".join(f":{key.upper()}={value}" for key, value in places.items())
    names = {"index": "mail_index_path", "control": "mail_control_path", "alt": "mail_alt_path", "volatiledir": "mail_volatile_path"}
    new = [f"mail_path = {path.replace('%u', '%{user}')}"] + [
        f"{names[key]} = {value.replace('%u', '%{user}')}" for key, value in places.items()]
    return dict(raw23=f"mail_location = {form}:{path}{old}\n", raw24="\n".join(new) + "\n")


LAYOUTS = {
    "mail apart from the home": dict(path="@MAIL@/store/%u"),
    "indexes": dict(path="~/mail", index="@MAIL@/index/%u"),
    "control": dict(path="~/mail", control="@MAIL@/control/%u"),
    "everything apart": dict(path="@MAIL@/store/%u/mail", index="@MAIL@/index/%u", control="@MAIL@/control/%u",
                             volatiledir="@MAIL@/volatile/%u"),
    "in the home": dict(path="~/mail", index="~/index", control="~/control", volatiledir="~/volatile"),
    "storage in namespace mode": None,
}


def trees(server):
    """All of the server's users' files but those among the deleted, which are not anybody's."""
    return {path.relative_to(server.mail_root) for path in server.mail_root.rglob("*")
            if ".lazy-expunge-deleted" not in path.parts and not path.is_dir()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(dovecot, layout):
    places = LAYOUTS[layout]
    server = dovecot.own(**(namespace_mode(dovecot.format) if places is None else location(dovecot, **places)))
    user, other = server.user(), server.user()
    for one in (user, other):
        fill(one)
    before, others = content(user), content(other)
    server.settle()
    ident = delete(user)
    assert not any(user.name in path.parts for path in trees(server))
    assert content(other) == others
    [row] = listed(user)
    assert row["needs"] == ""
    server.settle()
    account(server, "undelete", ident)
    assert content(user) == before and content(other) == others
    server.settle()
    again = delete(user)
    account(server, "undelete", again, "-t", f"{user.name}x")
    assert content(server.user(f"{user.name}x")) == before
    server.settle()
    account(server, "purge", delete(server.user(f"{user.name}x")))
    assert content(other) == others
    assert not any(user.name in part for path in trees(server) for part in path.parts)


def test_users_without_a_home(dovecot):
    server = dovecot.own(home=False)
    user = server.user()
    fill(user)
    before = content(user)
    server.settle()
    ident = delete(user)
    assert trees(server) == set()
    account(server, "undelete", ident)
    assert content(user) == before


def test_a_second_namespace_has_its_own_place(dovecot):
    path = "@MAIL@/archive/%u" if not dovecot.target.new_settings else "@MAIL@/archive/%{user}"
    server = dovecot.own(namespaces=(Namespace("archive", "Archive/", format=dovecot.format, path=path),))
    user = server.user()
    fill(user)
    user.append("Archive/2020", create=True)
    [old] = user.messages("Archive/2020")
    before = content(user)
    server.settle()
    ident = delete(user)
    assert trees(server) == set()
    account(server, "undelete", ident)
    assert content(user) == before
    assert [mail.guid for mail in user.messages("Archive/2020")] == [old.guid]


def test_virtual_users_of_domains(dovecot):
    """%d/%n: a directory a domain, in which an account of one name may be another's."""
    server = dovecot.own(passwd_file=True)
    one, same, new, last = (server.user(name) for name in ("anna@a.example", "anna@b.example", "anna.b@a.example", "anna@c.d.example"))
    homes = {user: server.mail_root / user.name.partition("@")[2] / user.name.partition("@")[0] for user in (one, same, new, last)}
    server.write_users([(user, {"home": str(home)}) for user, home in homes.items()])
    for user in (one, same):
        fill(user)
    before, others = content(one), content(same)
    server.settle()
    ident = delete(one)
    assert not homes[one].exists() and content(same) == others
    assert [row["user"] for row in account(server, "list", "-u", "*@a.example")] == [one.name]
    account(server, "undelete", ident)
    assert content(one) == before
    server.settle()
    account(server, "rename", "-u", one.name, new.name)
    assert content(new) == before and not homes[one].exists()
    server.settle()
    # into a domain that nobody had anything in
    account(server, "rename", "-u", new.name, last.name)
    assert content(last) == before and content(same) == others
    assert homes[last].parent.stat().st_uid == homes[same].parent.stat().st_uid == homes[same].stat().st_uid
    server.settle()
    [row] = account(server, "purge", delete(last))
    assert row["result"] == "gone" and not any("c.d.example" in path.parts for path in trees(server))
    assert content(same) == others


def test_each_part_stays_on_its_own_file_system(dovecot):
    """Indexes and a second namespace are on other file systems than the home: nothing is copied, and nothing is left behind."""
    name = "%{user}" if dovecot.target.new_settings else "%u"
    server = dovecot.own(**location(dovecot, "~/mail", index="@MAIL@/index/%u"), namespaces=(
        Namespace("archive", "Archive/", format=dovecot.format, path=f"@MAIL@/archive/{name}", index=f"@MAIL@/archive-index/{name}"),))
    disks = [server.mail_root / name for name in ("index", "archive")]
    inside = lambda *command: server.run(list(map(str, command))).stdout.decode()
    for disk in disks:
        inside("mkdir", disk)
        inside("mount", "-t", "tmpfs", "tmpfs", disk)
        inside("chown", "--reference", server.mail_root, disk)
    user, new = server.user(), server.user()
    fill(user)
    user.append("Archive/2020", message(subject="Old"), create=True)
    everything = lambda user: (content(user), [mail.content for mail in user.messages("Archive/2020")])
    before = everything(user)
    server.settle()
    # device and inode of each file
    files = lambda: sorted(inside("find", server.mail_root, "-type", "f", "-size", "+0", "-not", "-name", "account",
                                  "-not", "-name", "gate", "-printf", "%D %i\n").split("\n"))
    named = lambda user: inside("find", server.mail_root, "-path", f"*/{user.name}", "-not", "-path", "*/.lazy-expunge-deleted/*")
    as_it_was = files()
    ident = delete(user)
    assert named(user) == "" and files() == as_it_was
    for disk in disks:
        assert ident in inside("ls", disk / ".lazy-expunge-deleted")
    account(server, "undelete", ident)
    assert files() == as_it_was and everything(user) == before
    server.settle()
    account(server, "rename", "-u", user.name, new.name)
    assert everything(new) == before and named(user) == ""
    server.settle()
    [row] = account(server, "purge", delete(new))
    assert int(row["files"]) >= len(before[0][0]) and inside("find", server.mail_root, "-type", "f", "-path", f"*{new.name}*") == ""
    assert inside("find", *disks, "-type", "f") == ""


@pytest.mark.formats("sdbox", "mdbox")
def test_an_alternative_storage_goes_along(dovecot):
    server = dovecot.own(**location(dovecot, "~/mail", alt="@MAIL@/alt/%u"))
    user = server.user()
    fill(user)
    user.doveadm("altmove", "mailbox", "INBOX", "all")
    assert any("alt" in path.parts for path in trees(server))
    before = content(user)
    server.settle()
    ident = delete(user)
    assert trees(server) == set()
    new = f"{user.name}x"
    account(server, "undelete", ident, "-t", new)
    assert content(server.user(new)) == before
    [link] = (server.mail_root / new).rglob("dbox-alt-root")
    assert link.readlink() == server.mail_root / "alt" / new


def attachment(subject):
    """A mail of which dbox takes the attachment out."""
    part = base64.encodebytes(random.Random(subject).randbytes(6000)).replace(b"\n", b"\r\n")
    return (f"Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
            "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=a\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n").encode() + part + b"--x--\r\n"


@pytest.mark.formats("sdbox", "mdbox")
@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
def test_attachments_in_files_of_their_own(dovecot, shared):
    """They go along where the directory is the user's; one that all users have stays, also if it has a user's name by chance."""
    directory = "/common" if shared else "/%{user}" if dovecot.target.new_settings else "/%u"
    server = dovecot.own(raw23=f"mail_attachment_dir = @MAIL@//attach{directory}\nmail_attachment_min_size = 1000\n",
                         raw24=f"mail_ext_attachment_path = @MAIL@/attach{directory}\nmail_ext_attachment_min_size = 1000\n"
                               "mail_ext_attachment {\n  fs posix {\n  }\n}\n")
    (server.mail_root / "attach").mkdir()
    server.own(server.mail_root / "attach")
    one, other, new, last, target, common = (*(server.user() for _ in range(5)), server.user("common"))
    for user in (one, other, common):
        user.fill("INBOX", [attachment("Live"), attachment("Deleted")])
        user.doveadm("expunge", "mailbox", "INBOX", "subject", "Deleted")
    texts = lambda user, mailbox: sorted(mail.text for mail in user.messages(mailbox))
    live, kept = texts(one, "INBOX"), texts(one, ".EXPUNGED")
    assert "--x--" in live[0] and "--x--" in kept[0] and live != kept
    files = lambda: {path for path in (server.mail_root / "attach").rglob("*") if path.is_file()}
    server.settle()
    account(server, "rename", "-u", one.name, new.name)
    assert (texts(new, "INBOX"), texts(new, ".EXPUNGED")) == (live, kept)
    server.settle()
    mails = texts(common, "INBOX")
    ident = delete(common)
    account(server, "undelete", ident, "-t", target.name, "-m", "Common")
    assert texts(target, "Common/INBOX") == mails
    server.settle()
    server.doveadm("lazy-expunge", "account", "purge", ident)
    assert texts(new, "INBOX") == live
    server.settle()
    before = files()
    ident = delete(new)
    assert any(new.name in path.parts for path in files()) is False
    account(server, "undelete", ident, "-t", last.name, "-m", "Old")
    assert (texts(last, "Old/INBOX"), texts(last, ".EXPUNGED")) == (live, kept)
    server.settle()
    account(server, "undelete", ident)
    assert files() >= before and (texts(new, "INBOX"), texts(new, ".EXPUNGED")) == (live, kept)
    server.settle()
    ident = delete(new)
    done = server.doveadm("lazy-expunge", "account", "purge", ident)
    left = f"Warning: {ident}: Attachments that were taken out of its mails are left in {server.mail_root}/attach{directory}"
    assert (left in done.stderr.decode()) is shared and (files() >= before) is shared
    assert (texts(other, "INBOX"), texts(other, ".EXPUNGED")) == (live, kept)
    # as OPERATIONS says, for whose attachments are to go from the directory of all
    server.settle()
    before = files()
    other.doveadm("lazy-expunge erase", "all")
    assert len(before - files()) >= 2


@pytest.mark.parametrize("known", ["delivered", "deleted"])
def test_homes_below_a_home_are_not_taken_along(dovecot, known):
    """A user as all virtual users' mail belongs to, or as a customer whose mailboxes are users of their own."""
    server = dovecot.own(passwd_file=True)
    above, below = server.user("acme"), server.user("anna")
    home = server.mail_root / "acme"
    server.write_users([(above, {"home": str(home)}), (below, {"home": str(home / "mail/acme.example/anna")})])
    for user in (above, below):
        user.deliver()
    if known == "deleted":
        below.doveadm("expunge", "mailbox", "INBOX", "all")
    server.settle()
    for command in (("delete", "-u", above.name), ("rename", "-n", "-u", above.name, "acme.new")):
        error = account(server, *command, code=78)
        assert f"has what looks like another user's in it, {home}/mail/acme.example/anna" in error
    assert len(below.messages() if known == "delivered" else below.kept()) == 1
    # who says that it is his alone has it his way; the one below is another's by then
    ident = delete(below)
    assert (home / "mail/acme.example/.lazy-expunge-deleted").exists()
    account(server, "undelete", ident)


def test_system_users(dovecot):
    """The directories above belong to root, and each user has a uid."""
    server = dovecot.own(passwd_file=True)
    users = [server.user(), server.user()]
    server.write_users([(user, {"uid": str(61400 + number), "gid": "61400"}) for number, user in enumerate(users)])
    for number, user in enumerate(users):
        user.home.mkdir(mode=0o700)
        shutil.chown(user.home, 61400 + number, 61400)
    shutil.chown(server.mail_root, "root", "root")
    for user in users:
        user.deliver()
    server.settle()
    before = users[0].messages()
    ident = delete(users[0])
    assert not users[0].home.exists() and len(users[1].messages()) == 1
    # there is no home to which anything could be delivered, and root's directory stays closed
    assert (server.mail_root / ".lazy-expunge-deleted").stat().st_mode & 0o777 == 0o700
    account(server, "undelete", ident)
    assert [mail.guid for mail in users[0].messages()] == [mail.guid for mail in before]
    assert users[0].home.stat().st_uid == 61400
    # to somebody else nothing goes that is not that user's
    users[1].doveadm("expunge", "mailbox", "INBOX", "all")
    users[1].doveadm("expunge", "mailbox", ".EXPUNGED", "all")
    server.settle()
    refused = f"belongs to uid 61400, and {users[1].name} is uid 61401: give this uid the files (chown -R), or the user the other uid"
    for arguments in (("-n",), ()):
        assert refused in account(server, "rename", *arguments, "-u", users[0].name, users[1].name, code=65)
    assert [mail.guid for mail in users[0].messages()] == [mail.guid for mail in before]
    ident = delete(users[0])
    assert refused in account(server, "undelete", ident, "-t", users[1].name, code=65)
    assert "the target is uid 61401: -t brings" in account(server, "undelete", ident, "-m", "Old", "-t", users[1].name, code=65)
    lies = server.mail_root / ".lazy-expunge-deleted" / ident / "0"
    # what a group may do all with is only its members'
    for path in [lies, *lies.rglob("*")]:
        shutil.chown(path, group=61402)
        path.chmod(path.stat().st_mode | (0o070 if path.is_dir() else 0o060))
    assert refused in account(server, "undelete", "-n", ident, "-t", users[1].name, code=65)
    for path in [lies, *lies.rglob("*")]:
        shutil.chown(path, group=61400)
    account(server, "undelete", "-n", ident, "-t", users[1].name)
    # and this plugin's files are their owner's, without which nothing is kept or restored
    own = lies / ".dovecot.lazy-expunge.maintain"
    own.touch(mode=0o600)
    shutil.chown(own, 61400, 61400)
    assert f"{own} {refused}" in account(server, "undelete", "-n", ident, "-t", users[1].name, code=65)
    own.chmod(0o660)
    for path in [lies, *lies.rglob("*")]:
        shutil.chown(path, 61401)
        path.chmod(path.stat().st_mode & ~0o070)
    account(server, "undelete", ident, "-t", users[1].name)
    assert [mail.guid for mail in users[1].messages()] == [mail.guid for mail in before]


@pytest.mark.any_format
def test_a_users_link_to_the_mail_of_another_is_not_followed(dovecot):
    """Root would move it, and the name is in its path."""
    server = dovecot.own(passwd_file=True)
    one, other = server.user("joe@a.example"), server.user("joe@b.example")
    homes = [server.mail_root / user.name.partition("@")[2] / "joe" for user in (one, other)]
    server.write_users([(user, {"home": str(home), "uid": str(uid), "gid": "61400"})
                        for user, home, uid in zip((one, other), homes, (61400, 61401))])
    for home, uid in zip(homes, (61400, 61401)):
        home.mkdir(parents=True, mode=0o700)
        shutil.chown(home, uid, 61400)
    for user in (one, other):
        user.doveadm("save", input=b"Subject: mail\n\ntext\n")
    server.settle()
    [directory] = [path for path in homes[0].iterdir() if path.name == server.mail_directory]
    directory.rename(homes[0] / "old")
    directory.symlink_to(homes[1] / directory.name)
    os.lchown(directory, 61400, 61400)
    refused = account(server, "delete", "-u", one.name, code=78)
    assert "belongs to uid 61401, and a link that is not root's leads there: if it is this user's alone, say so with -y" in refused
    assert len(other.messages()) == 1


def test_a_link_in_the_place_of_the_home(dovecot):
    server = dovecot.own()
    user = server.user()
    fill(user)
    before = content(user)
    server.settle()
    elsewhere = server.mail_root / "disk2" / user.name
    elsewhere.parent.mkdir()
    user.home.rename(elsewhere)
    user.home.symlink_to(elsewhere)
    server.own(elsewhere.parent)
    ident = delete(user)
    assert not elsewhere.exists() and not user.home.is_symlink()
    account(server, "undelete", ident)
    assert user.home.is_symlink() and content(user) == before
    server.settle()
    [row] = account(server, "purge", delete(user))
    assert int(row["files"]) > 0 and trees(server) == set()


def test_what_is_mounted_is_not_taken(dovecot):
    server = dovecot.own()
    user = server.user()
    user.deliver()
    server.settle()
    inside = lambda *command: server.run(list(map(str, command)))
    inside("mount", "-t", "tmpfs", "tmpfs", user.home)
    error = account(server, "delete", "-u", user.name, code=78)
    assert "mounted" in error
    inside("umount", user.home)
    assert len(user.messages()) == 1


def test_the_number_of_calls_does_not_grow(dovecot):
    """A thousand mails take as many calls as one."""
    server = dovecot.own(mailboxes=DEFAULT_MAILBOXES)
    counts = []
    # the first one makes the directory in which they lie
    for number in (1, 1, 300):
        user = server.user()
        user.fill("INBOX", number)
        server.settle()
        _, text = doveadm_traced(server, ["lazy-expunge", "account", "delete", "-u", user.name],
                                 "-e", "trace=rename,renameat,renameat2,link,unlink,unlinkat,rmdir,mkdir", check=True)
        moved = [line for line in text.splitlines() if str(server.mail_root) in line]
        counts.append(len(moved))
        assert not any("cur/" in line or "u." in line for line in moved)
    assert counts[1] == counts[2] > 0
