"""doveadm lazy-expunge maintain: retention, caps and housekeeping for users who never log in."""

import contextlib
import json
import os
import pty
import subprocess
import time
from collections import Counter

import pytest

from harness import wait_for
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, Namespace, Quota, namespace_mode, settings
from harness.faults.locks import locked
from harness.dovecot.mail import message
from harness.dovecot.retention import keep, maintain, retention, row, wait_until_old

AGE = "1s"
# long enough for mail to stay young while a few commands run
LONG_AGE = 20


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_age(dovecot, mode):
    age = f"{LONG_AGE}s"
    fields = retention(Mailbox(".EXPUNGED", autoexpunge=age))
    if mode == "namespace":
        fields = namespace_mode(dovecot.format, only_last_instance=False)
        [namespace] = fields["namespaces"]
        fields["namespaces"] = (Namespace(**{**namespace.__dict__, "mailboxes": (Mailbox("*", autoexpunge=age),)}),)
    user = dovecot(**fields).user()
    texts = keep(user, 3, "Work" if mode == "namespace" else "INBOX")
    wait_until_old(user, ".EXPUNGED" if mode == "mailbox" else ".EXPUNGED/Work", LONG_AGE)
    young = keep(user, 1)
    size = sum(map(len, texts))
    [planned], _ = maintain(user.server, "-u", user.name, "-n")
    assert planned == row(3, size) and len(user.kept()) == 4
    [done], _ = maintain(user.server, "-u", user.name)
    assert done == row(3, size)
    assert [len(mail.text.replace("\r\n", "\n").replace("\n", "\r\n")) for mail in user.kept()] == [len(young[0])]


@pytest.fixture
def hidden_by_acl(dovecot):
    """A user with a storage of two mailboxes with three mails each, one of which the user has no right to look up; one mail is to stay in each."""
    fields = namespace_mode(dovecot.format, only_last_instance=False)
    [namespace] = fields["namespaces"]
    fields["namespaces"] = (Namespace(**{**namespace.__dict__, "mailboxes": (Mailbox("*", autoexpunge_max_mails=1),)}),)
    user = dovecot(acl_enabled=True, **fields).user()
    for mailbox in ("Work", "Open"):
        keep(user, 3, mailbox)
    user.doveadm("acl set", ".EXPUNGED/Work", "owner", "read")
    return user


def in_storage(user):
    """How many mails are in each of its mailboxes. Doveadm's own commands do not see those that an ACL hides."""
    rows = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name).stdout)
    return dict(Counter(row["origin"] for row in rows))


def test_retention_does_not_ask_for_the_users_rights(hidden_by_acl):
    """Lookup among them: what is in the storage, and how long, is for the administrator to say."""
    user = hidden_by_acl
    [status] = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "status", "-u", user.name).stdout)
    assert status["messages"] == 6 and status["max_mails"] == 1
    [planned], _ = maintain(user.server, "-u", user.name, "-n")
    assert (planned["expunged"], planned["failed"]) == (4, 0) and in_storage(user) == {"Work": 3, "Open": 3}
    [done], _ = maintain(user.server, "-u", user.name)
    assert done == planned and in_storage(user) == {"Work": 1, "Open": 1}
    assert maintain(user.server, "-u", user.name)[0] == [row()]
    keep(user, 1, "Work")
    [after], _ = maintain(user.server, "-u", user.name)
    assert after["expunged"] == 1 and in_storage(user) == {"Work": 1, "Open": 1}


def test_nor_does_it_when_a_session_ends(hidden_by_acl):
    with hidden_by_acl.imap() as session:
        listed = session.list(".EXPUNGED/*")
        assert ".EXPUNGED/Open" in listed and ".EXPUNGED/Work" not in listed
    wait_for(lambda: in_storage(hidden_by_acl) == {"Work": 1, "Open": 1}, "retention")


@pytest.fixture(params=[(".EXP*", (".EXPUNGED", "Secret")), ("*", (".EXPUNGED", "Secret")), ("*", ("*",))],
                ids=lambda param: f"{param[0]}-{param[1][0]}")
def hidden_by_acl_from_a_wildcard(dovecot, request):
    """A user whose storage, one mailbox, is hidden by an ACL, and has its retention by a wildcard alone. A mailbox with two mails is hidden as well."""
    pattern, hidden = request.param
    mailboxes = DEFAULT_MAILBOXES + (Mailbox(pattern, autoexpunge_max_mails=1),)
    rights = {".EXPUNGED": ""}
    acl = tuple((mailbox, (("owner", rights.get(mailbox, "rwstipekxa")),)) for mailbox in hidden)
    user = dovecot(mailboxes=mailboxes, acl=acl).user()
    user.doveadm("mailbox create", "Secret")
    for _ in range(2):
        user.doveadm("save", "-m", "Secret", input=message())
    keep(user, 3)
    yield user
    # what is no storage is found as far as the user's rights go
    assert len(user.messages("Secret")) == 2


def test_a_wildcard_reaches_the_storage_that_an_acl_hides(hidden_by_acl_from_a_wildcard):
    user = hidden_by_acl_from_a_wildcard
    [status] = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "status", "-u", user.name).stdout)
    assert status["messages"] == 3 and status["max_mails"] == 1
    newest = user.kept()[-1].guid
    [planned], _ = maintain(user.server, "-u", user.name, "-n")
    assert (planned["expunged"], planned["failed"]) == (2, 0) and len(user.kept()) == 3
    [done], _ = maintain(user.server, "-u", user.name)
    assert done == planned and [mail.guid for mail in user.kept()] == [newest]
    assert maintain(user.server, "-u", user.name)[0] == [row()]
    # what the last run remembers does not hide it either
    keep(user, 1)
    [after], _ = maintain(user.server, "-u", user.name)
    assert after["expunged"] == 1 and len(user.kept()) == 1


def test_so_does_the_end_of_a_session(hidden_by_acl_from_a_wildcard):
    user = hidden_by_acl_from_a_wildcard
    with user.imap() as session:
        assert ".EXPUNGED" not in session.list()
    wait_for(lambda: len(user.kept()) == 1, "retention")


def test_count(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=2))).user()
    texts = keep(user, 5)
    newest = [mail.guid for mail in user.kept()][3:]
    [done], _ = maintain(user.server, "-u", user.name)
    assert done == row(3, sum(map(len, texts[:3])))
    assert [mail.guid for mail in user.kept()] == newest
    assert maintain(user.server, "-u", user.name)[0] == [row()]


@pytest.mark.parametrize("over", [0, 1])
def test_the_byte_cap_is_exact(dovecot, over):
    texts = [message(body="x" * size + "\n") for size in (500, 40, 700, 30)]
    cap = sum(map(len, texts[1:])) - over
    user = dovecot.own(**retention(max_storage=str(cap))).user()
    keep(user, texts)
    expected = 1 + over
    guids = [mail.guid for mail in user.kept()]
    [planned], _ = maintain(user.server, "-u", user.name, "-n")
    assert planned == row(expected, sum(map(len, texts[:expected])))
    [done], _ = maintain(user.server, "-u", user.name)
    assert done == planned
    assert [mail.guid for mail in user.kept()] == guids[expected:]


def test_the_byte_cap_over_a_tree_takes_the_oldest(dovecot):
    fields = namespace_mode(dovecot.format, only_last_instance=False, max_storage="1000")
    user = dovecot(**fields).user()
    for mailbox in ("b", "a", "c"):
        keep(user, [message(subject=mailbox, body="x" * 300 + "\n")], mailbox)
        second = int(time.time())
        wait_for(lambda: int(time.time()) > second, "the next second")
    maintain(user.server, "-u", user.name)
    assert sorted(mail.subject for mail in user.kept()) == ["a", "c"]


@pytest.mark.since("2.4")
def test_byte_caps_of_filters(dovecot):
    """One for the storage of a mailbox, another for the rest."""
    fields = retention(Mailbox("Work", lazy=settings(mailbox=".WORK")), Mailbox(".WORK", lazy=settings(max_storage="1000")),
                       max_storage="2000")
    user = dovecot(**fields).user()
    texts = [message(body="x" * 580 + "\n") for _ in range(4)]
    keep(user, texts, "Work")
    keep(user, texts)
    [planned], _ = maintain(user.server, "-u", user.name, "-n")
    [done], _ = maintain(user.server, "-u", user.name)
    assert done == planned and done["expunged"] == 3 + 2, done
    assert len(user.messages(".WORK")) == 1 and len(user.messages(".EXPUNGED")) == 2
    assert maintain(user.server, "-u", user.name)[0] == [row()]


@pytest.mark.since("2.4")
def test_a_byte_cap_of_the_storages_mailbox_alone(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", lazy=settings(max_storage="1000")))).user()
    texts = keep(user, [message(body="x" * 600 + "\n") for _ in range(3)])
    [status] = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "status", "-u", user.name).stdout)
    assert (status["max_storage"], status["next_by"], status["next_uid"]) == (1000, "lazy_expunge_max_storage", 1), status
    assert maintain(user.server, "-u", user.name)[0] == [row(2, sum(map(len, texts[:2])))]


@pytest.mark.since("2.4")
def test_a_byte_cap_that_is_new_in_a_filter_is_seen(dovecot):
    """Although the run before found nothing to do, and nothing of the mail has changed."""
    block = dict(name=".EXPUNGED", autoexpunge="30d")
    before = dovecot.own(**retention(Mailbox(**block)))
    user = before.user()
    keep(user, [message(body="x" * 600 + "\n") for _ in range(3)])
    assert maintain(before, "-u", user.name)[0] == maintain(before, "-u", user.name)[0] == [row()]
    after = dovecot.own(mail_root=before.mail_root, **retention(Mailbox(**block, lazy=settings(max_storage="1000"))))
    assert maintain(after, "-u", user.name)[0][0]["expunged"] == 2 and len(user.kept()) == 1


@pytest.mark.since("2.4")
def test_byte_caps_of_the_storages_namespace(dovecot):
    """That of the namespace is over its mailboxes together, that of a mailbox over this alone."""
    fields = namespace_mode(dovecot.format, only_last_instance=False)
    [namespace] = fields["namespaces"]
    fields["namespaces"] = (Namespace(**{**namespace.__dict__, "raw24": "lazy_expunge_max_storage = 2000\n",
                                         "mailboxes": (Mailbox("Big", lazy=settings(max_storage="3000")),)}),)
    user = dovecot(**fields).user()
    for mailbox in ("Big", "a", "b"):
        for number in range(4 if mailbox == "Big" else 2):
            keep(user, [message(subject=f"{mailbox}{number}", body="x" * 580 + "\n")], mailbox)
    before = {mail.subject: mail.saved for mail in user.kept() if mail.origin != "Big"}
    maintain(user.server, "-u", user.name)
    assert len(user.messages(".EXPUNGED/Big")) == 4
    kept = {mail.subject for mail in user.kept() if mail.origin != "Big"}
    # times are in seconds: those of one second are equally old
    assert len(kept) == 2
    assert max(before[gone] for gone in before.keys() - kept) <= min(before[subject] for subject in kept)


def test_different_mailboxes_have_different_retentions(dovecot):
    user = dovecot(**retention(Mailbox("Trash", auto="create", special_use="\\Trash", autoexpunge=AGE),
                               Mailbox("Junk", autoexpunge_max_mails=1), Mailbox(".EXPUNGED", autoexpunge="30d"))).user()
    user.doveadm("mailbox create", "Junk")
    for mailbox, number in (("Trash", 2), ("Junk", 3), ("INBOX", 2)):
        for _ in range(number):
            user.doveadm("save", "-m", mailbox, input=message())
    wait_until_old(user, "Trash")
    [done], _ = maintain(user.server, "-u", user.name)
    assert done["expunged"] == 4 and done["failed"] == 0
    assert [len(user.messages(mailbox)) for mailbox in ("Trash", "Junk", "INBOX", ".EXPUNGED")] == [0, 1, 2, 4]
    assert sorted(mail.origin for mail in user.kept()) == ["Junk", "Junk", "Trash", "Trash"]


@pytest.mark.formats("mdbox")
def test_freed_blocks_come_back(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge=AGE))).user()
    keep(user, [message(body=("x" * 70 + "\n") * 15000) for _ in range(3)])
    wait_until_old(user)
    size = lambda: int(subprocess.run(["du", "-s", user.home], capture_output=True, check=True).stdout.split()[0])
    before = size()
    maintain(user.server, "-u", user.name)
    assert before > 3000 and size() < before - 3000


def test_connected_clients_and_quota_follow(dovecot):
    user = dovecot(quota=Quota(storage="100M"), **retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=1),
                                                             quota_ignore=False)).user()
    keep(user, 3)
    quota = lambda: [line.split()[3] for line in user.doveadm("quota get").stdout.decode().splitlines() if "MESSAGE" in line]
    assert quota() == ["3"]
    with user.imap(".EXPUNGED") as session:
        maintain(user.server, "-u", user.name)
        assert len(session.ok("NOOP").lines("EXPUNGE")) == 2 and session.search() == [3]
    assert quota() == ["1"]


def test_a_second_run_skips_the_user(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=1))).user()
    keep(user, 3)
    lock = user.home / ".dovecot.lazy-expunge-maintain.lock"
    lock.touch()
    user.server.own(lock)
    with locked(lock):
        [done], result = maintain(user.server, "-u", user.name)
        assert done == row(skipped=1) and b"another maintain of this user is running" in result.stderr
        assert len(user.kept()) == 3
    assert maintain(user.server, "-u", user.name)[0][0]["expunged"] == 2


def test_who_never_had_mail_is_no_failure(dovecot):
    """Users of the system's services are in a userdb passwd, with a home that cannot be made."""
    server = dovecot.own(passwd_file=True, **retention(Mailbox(".EXPUNGED", autoexpunge="30d"),
                                                       Mailbox("Trash", special_use="\\Trash", autoexpunge="7d")))
    nobody, user, new = server.user(), server.user(), server.user()
    server.write_users([(nobody, {"home": "/nonexistent"}), (new, {"home": server.root / "homes" / "later"}), user])
    keep(user, 1)
    rows, done = maintain(server, "-A")
    assert done.stderr == b"" and [(found.pop("username"), found) for found in rows] == [(one.name, row()) for one in (nobody, new, user)]
    assert not (server.root / "homes").exists()
    done = server.doveadm("-f", "json", "lazy-expunge", "check", "-A", check=False)
    assert "never had mail" in next(found["found"] for found in json.loads(done.stdout) if found["id"] == "home"), done
    assert maintain(server, "-n", "-A")[1].stderr == b""


def test_the_users_of_a_systems_services_are_no_error_for_any_command(dovecot):
    """Debian's userdb passwd lists nobody, with a home that he could not make."""
    server = dovecot.own(passwd_file=True, **retention(Mailbox(".EXPUNGED", autoexpunge="30d")))
    user, new = server.user(), server.user()
    server.write_users([user, (new, {"home": server.root / "mail" / "later"})])
    keep(user, 2)
    users = server.root / "users"
    users.write_text(users.read_text() + "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin:\n"
                     "network:x:65532:65532:network:/:/usr/sbin/nologin:\n"
                     "programs:x:65531:65531:programs:/usr/lib:/usr/sbin/nologin:\n")
    services = 3
    # sdbox and mdbox look for an alternative storage there before anybody can ask
    if dovecot.format == "maildir":
        services = 4
        users.write_text(users.read_text() + "daemon:x:65533:65533:daemon:/dev/null:/usr/sbin/nologin:\n")
    wait_for(lambda: server.doveadm("user", "daemon" if services == 4 else "programs", check=False).code == 0, "userdb to read its file")
    for command in ("maintain", "check", "check -q", "status", "status -s bytes -l 20", "list", "deletions", "holds", "restore -n ALL", "erase -n ALL",
                    f"export -w {server.root}/shared/%u.tar", "maintain -n", "hold -N case", "holds", "release -N case"):
        name, *arguments = command.split()
        done = server.doveadm("-f", "json", "lazy-expunge", name, "-A", *arguments)
        assert done.code == 0 and b"rror" not in done.stderr, done
        if command == "hold -N case":
            # of him there is nothing to be held, and who may get mail is held
            assert [row["username"] for row in json.loads(done.stdout)] == [user.name, new.name]
            assert done.stderr.count(b"Not held: the user never had mail") == done.stderr.count(b"\n") == services
        else:
            assert done.stderr == b"", done
    assert not os.path.exists("/nonexistent")


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_dovecots_own_commands_pass_over_who_has_no_storage(dovecot, mode):
    """Dovecot 2.3 alone ends with 68, and a line, at each user who has not got the mailbox."""
    name, fields = ".EXPUNGED", {}
    if mode == "namespace":
        name, fields = ".EXPUNGED/INBOX", namespace_mode(dovecot.format, only_last_instance=False)
    server = dovecot.own(passwd_file=True, **fields)
    nobody, fresh, user = server.user(), server.user(), server.user()
    server.write_users([(nobody, {"home": "/nonexistent"}), fresh, user])
    fresh.fill("INBOX", 1)
    keep(user, 2)
    for command in (("search", "-A"), ("fetch", "-A", "uid"), ("expunge", "-A"), ("expunge", "-u", fresh.name), ("search", "-u", nobody.name)):
        done = server.doveadm(*command, "mailbox", name, "uid", "1", check=False)
        assert (done.code, done.stderr) == (0, b""), done
        assert command[0] == "expunge" or (user.name.encode() in done.stdout or b"uid: 1" in done.stdout or "-u" in command), done
    assert [mail.uid for mail in user.kept()] == [2] and len(fresh.messages()) == 1
    assert not [mailbox for mailbox in fresh.mailboxes() if "EXPUNGED" in mailbox.replace("EXPUNGED/", "")], "none is made for it"
    # one user has others of the storage's mailboxes: the name is misspelt, which 2.3 says
    if mode == "namespace":
        done = server.doveadm("search", "-u", user.name, "mailbox", ".EXPUNGED/INBXO", "all", check=False)
        assert (done.code != 0) == (dovecot.version < (2, 4)), done
    # what is no storage is asked for by mistake, as ever
    done = server.doveadm("expunge", "-A", "mailbox", "EXPUNGD", "all", check=False)
    assert (done.code != 0) == (dovecot.version < (2, 4)), done
    assert len(user.kept()) == 1


@pytest.mark.parametrize("home", [True, False])
def test_two_runs_at_once(dovecot, home):
    """Real processes: the second comes while the first is at work."""
    # Dovecot 2.3 asks for all users although it has a list
    server = dovecot.own(home=home, **retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=1)))
    server.expect_log("Trying to iterate users, but userdbs don't support it", required=False)
    user, other = server.user(), server.user()
    for one in (user, other):
        keep(one, 3)
    listing = server.root / "list"
    listing.write_text(f"{user.name}\n{other.name}\n")
    lock = user.home / ".dovecot.lazy-expunge-maintain.lock" if home else user.mail_path / "dovecot.lazy-expunge-maintain.lock"
    [log] = [path for path in user.home.rglob("dovecot.index.log") if "EXPUNGED" in str(path)]
    # the first has to wait for this before it can expunge
    with locked(log):
        first = server.start_doveadm("-f", "json", "lazy-expunge", "maintain", "-u", user.name, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for(lock.exists, "the first run to be at work", seconds=60)
        rows, done = maintain(server, "-F", listing)
        assert first.poll() is None and lock.exists()
    out, _ = first.communicate(timeout=60)
    by_user = {found.pop("username"): found for found in rows}
    assert by_user[user.name] == row(skipped=1) and by_user[other.name]["expunged"] == 2
    assert b"Skipped: another maintain of this user is running" in done.stderr and done.code == 0
    [found] = json.loads(out)
    assert first.returncode == 0 and found["expunged"] == 2 and found["skipped"] == 0
    assert len(user.kept()) == len(other.kept()) == 1
    assert maintain(server, "-u", user.name)[0] == [row()]


def test_progress_on_a_terminal(dovecot):
    """Standard error is a terminal: a line that is written over, and gone at the end."""
    server = dovecot.own(passwd_file=True, **retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=1)))
    users = [server.user() for _ in range(3)]
    server.write_users(users)
    terminal, inside = pty.openpty()
    with open(terminal, "rb", buffering=0) as screen:
        try:
            run = server.start_doveadm("-f", "json", "lazy-expunge", "maintain", "-A", stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=inside)
            out, _ = run.communicate(timeout=60)
        finally:
            os.close(inside)
        assert run.returncode == 0 and len(json.loads(out)) == 3
        shown = b""
        with contextlib.suppress(OSError):
            # EIO: the other side is closed
            while chunk := screen.read(4096):
                shown += chunk
    clear = b"\r\x1b[K"
    assert shown == b"".join(clear + b"%d users done" % number + clear for number in (1, 2, 3)), shown
    # and nothing where there is none
    done = server.doveadm("-f", "json", "lazy-expunge", "maintain", "-A")
    assert done.stderr == b""


def test_the_last_run_is_recorded(dovecot):
    user = dovecot(**retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=1))).user()
    texts = keep(user, 3)
    before = int(time.time())
    maintain(user.server, "-u", user.name)
    stamp = dict(line.split() for line in (user.home / ".dovecot.lazy-expunge.maintain").read_text().splitlines())
    assert before <= int(stamp["time"]) <= time.time()
    assert (stamp["expunged"], stamp["bytes"], stamp["failed"]) == ("2", str(sum(map(len, texts[:2]))), "0")


def test_one_users_failure_does_not_stop_the_others(dovecot):
    server = dovecot.own(passwd_file=True, **retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=1)))
    users, closed = [server.user() for _ in range(3)], server.user()
    server.write_users([closed, *users])
    for user in (closed, *users):
        keep(user, 2)
    # the second user's storage is no mailbox any more
    kept = next(path for path in users[1].home.rglob("*EXPUNGED*") if path.is_dir())
    os.rename(kept, kept.parent / "aside")
    kept.write_text("")
    # a home that is not the user's has one cause, and one line
    owner = closed.home.stat()
    os.chown(closed.home, 0, 0)
    closed.home.chmod(0o700)
    rows, done = maintain(server, "-A", check=False)
    assert done.code == 75, done
    # sdbox and mdbox look for an alternative storage before anybody can ask
    lines = [line for line in done.stderr.decode().splitlines() if f"({closed.name})" in line and "dbox-alt-root" not in line]
    assert len(lines) == 1 and f"The home cannot be entered: stat({closed.home}/.) failed: Permission denied" in lines[0], lines
    [failed] = [row.pop("failed") for row in rows if row["username"] == closed.name]
    assert failed == 1
    os.chown(closed.home, owner.st_uid, owner.st_gid)
    assert len(closed.kept()) == 2
    by_user = {row.pop("username"): row for row in rows}
    assert by_user[users[0].name]["expunged"] == by_user[users[2].name]["expunged"] == 1
    assert by_user[users[1].name]["failed"] >= 1 and b"EXPUNGED" in done.stderr
    assert len(users[0].kept()) == len(users[2].kept()) == 1


def test_users_without_the_plugin_have_their_other_retentions(dovecot):
    """Also where the layout does not allow the storage's name without it."""
    server = dovecot.own(passwd_file=True, mailboxes=(Mailbox("Trash", auto="create", special_use="\\Trash", autoexpunge_max_mails=1),
                                                      Mailbox(".EXPUNGED", autoexpunge_max_mails=1)))
    plain, off = server.user(), server.user()
    offs = [{"mail_plugins": "quota"}] if dovecot.version < (2, 4) else [{"mail_plugins/lazy_expunge": "no"}, {"lazy_expunge_mailbox": ""}]
    for fields in offs:
        server.write_users([plain, (off, fields)])
        for user in (plain, off):
            for _ in range(3):
                user.doveadm("save", "-m", "Trash", input=message())
        for plan in (("-n",), ()):
            rows, done = maintain(server, "-A", *plan)
            [row] = [row for row in rows if row["username"] == off.name]
            assert (row["expunged"], row["failed"]) == (2, 0) and not any(row["failed"] for row in rows), done
        assert len(off.messages("Trash")) == len(plain.messages("Trash")) == 1
        assert [mailbox for mailbox in off.mailboxes() if "EXPUNGED" in mailbox] == []
        for user in (plain, off):
            user.doveadm("expunge", "mailbox", "Trash", "all")
    # Dovecot's own retention says so for a name that it does not know
    server.expect_log("autoexpunge.*not allowed in mailbox name", required=False)


def test_a_users_own_retention_from_the_userdb(dovecot):
    server = dovecot.own(passwd_file=True, **retention(Mailbox(".EXPUNGED", autoexpunge="30d", autoexpunge_max_mails=100)))
    plain, strict = server.user(), server.user()
    server.write_users([plain, (strict, {"namespace/inbox/mailbox/.EXPUNGED/autoexpunge_max_mails": "1"})])
    for user in (plain, strict):
        keep(user, 3)
    rows, _ = maintain(server, "-A")
    assert {row["username"]: row["expunged"] for row in rows} == {plain.name: 0, strict.name: 2}
    assert (len(plain.kept()), len(strict.kept())) == (3, 1)


@pytest.mark.formats("sdbox")
def test_a_thousand_users(dovecot):
    server = dovecot.own(passwd_file=True, **retention(Mailbox(".EXPUNGED", autoexpunge_max_mails=1)))
    users = [server.user() for _ in range(1000)]
    server.write_users(users)
    busy = users[::100]
    for user in busy:
        keep(user, 2)
    rows, _ = maintain(server, "-A")
    assert len(rows) == 1000
    assert {row["username"] for row in rows if row["expunged"] == 1} == {user.name for user in busy}
    assert sum(row["expunged"] for row in rows) == len(busy) and not any(row["failed"] for row in rows)


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_users_who_never_got_mail(dovecot, mode):
    """They have no directory yet, and need none to be done."""
    fields = retention(Mailbox(".EXPUNGED", autoexpunge="30d"))
    if mode == "namespace":
        fields = namespace_mode(dovecot.format, only_last_instance=False)
        fields["mailboxes"] = ()
    server = dovecot.own(passwd_file=True, **fields)
    users = [server.user() for _ in range(3)]
    server.write_users(users)
    keep(users[1], 1)
    for _ in range(2):
        rows, done = maintain(server, "-A")
        assert done.code == 0 and not done.stderr, done
        assert [(each["username"], each["failed"]) for each in rows] == [(user.name, 0) for user in users]
    # a check looks at mailboxes, and may make directories for it
    for _ in range(2):
        done = server.doveadm("-f", "json", "lazy-expunge", "check", "-A", check=False)
        found = [each for each in json.loads(done.stdout) if each["id"] == "maintain"]
        assert found and [each for each in found if each["state"] != "OK"] == [], found
        maintain(server, "-A")


@pytest.mark.formats("maildir", "sdbox")
def test_files_that_are_touched_stay_as_old_as_they_are(dovecot):
    """As by a backup with hard links, which renews the ctime of all files."""
    user = dovecot(**retention(Mailbox("Trash", auto="create", special_use="\\Trash", autoexpunge="30d"))).user()
    for _ in range(3):
        user.doveadm("save", "-m", "Trash", input=message())
    saved = time.time()

    def found():
        [row] = [row for row in json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, check=False).stdout) if row["id"] == "save-dates"]
        return row

    assert found()["state"] == "WARN" and "Trash" in found()["found"]
    maintain(user.server, "-u", user.name)
    assert found()["state"] == "OK"
    wait_for(lambda: time.time() >= saved + 2, "another second")
    for path in user.home.rglob("*"):
        if path.is_file() and "Trash" in str(path):
            path.chmod(path.stat().st_mode)
    assert len(user.messages("Trash")) == 3 and all(mail.saved <= saved for mail in user.messages("Trash"))
