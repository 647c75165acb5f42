"""mdbox counts a copy after it has written it: killed in between, nothing may get lost when the other copy goes for good."""

import contextlib
import shutil

import pytest

from harness import message
from harness.faults import crash
from harness.faults.inject import session_process, traced

LAST = {"mailbox": "EXPUNGED", "only_last_instance": True}
pytestmark = pytest.mark.formats("mdbox")


class Aside:
    """Another session of the user, which has the storage open, and deletes mails of its own."""

    def __init__(self, user):
        user.fill("INBOX", 2)
        self.session = user.imap("INBOX")
        self.uids = self.session.search()
        self.delete()

    def delete(self):
        uid = self.uids.pop()
        self.session.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
        self.session.ok(f"UID EXPUNGE {uid}")


def cut(server, way, call, number, aside):
    """Kill the session that deletes at its n-th such call. The user, whether the delete was done first, and whether the session
    aside went on."""
    user, session = crash.prepare(server, way, True)
    answer, went_on, process = None, False, session_process(server)
    other = Aside(user) if aside else None
    with traced(server, [process], "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}"), \
            contextlib.suppress(*crash.ENDED):
        answer = session(crash.command(way))
    session.close()
    if aside:
        # Dovecot ends the session that finds what to repair
        with contextlib.suppress(*crash.ENDED):
            other.delete()
            went_on = True
        other.session.close()
    server.settle()
    return user, answer is not None, went_on


@pytest.mark.parametrize("aside", [False, True], ids=["alone", "aside"])
@pytest.mark.parametrize("way", ["expunge", "move"])
def test_what_is_live_survives_the_end_of_its_copy(dovecot, way, aside):
    server = dovecot.own(lazy=LAST)
    server.expect_log(r"^(?!.*(Panic|signal 11))", required=False)
    copies = {"expunge": "EXPUNGED", "move": "Copies"}[way]
    in_both = sessions_that_went_on = 0
    tries = []
    # strace counts each kind of call by itself
    for call in ("write", "pwrite64"):
        for number in range(1, 30):
            user, done, went_on = cut(server, way, call, number, aside)
            sessions_that_went_on += went_on
            if done:
                break
            tries.append(call)
            live, copied = ([mail for mail in user.messages(box) if mail.subject == "the mail"] for box in ("INBOX", copies))
            in_both += bool(live and copied)
            user.doveadm("expunge", "mailbox", copies, "all", check=False)
            user.doveadm("purge", check=False)
            after = [mail for mail in user.messages() if mail.subject == "the mail"]
            assert [mail.text for mail in after] == [mail.text for mail in live], f"killed at {call} {number}"
            assert all("A line of text." in mail.text for mail in after)
            assert not list(user.home.rglob("*.unclean"))
    assert tries.count("write") > 5 and "pwrite64" in tries and in_both > 0 and (sessions_that_went_on > 0) == aside


def cut_power(server, way, number):
    """Kill the session that deletes at its n-th flush, and leave the log of the mailbox that has got the copy as a power cut may
    (RELIABILITY.md). The user, and whether the delete was done first."""
    user, session = crash.prepare(server, way, True)
    answer = None
    with traced(server, [session_process(server)], "-e", "trace=fdatasync", "-e", f"inject=fdatasync:signal=SIGKILL:when={number}"), \
            contextlib.suppress(*crash.ENDED):
        answer = session(crash.command(way))
    session.close()
    server.settle()
    copies = "EXPUNGED" if way == "expunge" else "Copies"
    with (user.mail_path / f"mailboxes/{copies}/dbox-Mails/dovecot.index.log").open("ab") as log:
        log.write(bytes(40))
    return user, answer is not None


def visit(user, by):
    """The first that somebody does after it."""
    if by == "imap":
        with contextlib.suppress(*crash.ENDED), user.imap() as session:
            session.select()
    else:
        # what Dovecot cannot save now is not its sender's loss
        with contextlib.suppress(AssertionError):
            user.deliver(message("another"))
    user.server.settle()


def what_is_left(server, way, by):
    """The text of the mail, where it is left, for each flush at which the delete was killed."""
    server.expect_log(r"^(?!.*(Panic|signal 11))", required=False)
    left, done = [], False
    while not done:
        user, done = cut_power(server, way, len(left) + 1)
        visit(user, by)
        for mailbox in ("*", "INBOX", "Copies", "EXPUNGED"):
            user.doveadm("force-resync", mailbox, check=False)
        left.append([mail.text for mail in user.messages("*") if mail.subject == "the mail"])
    return left


@pytest.mark.parametrize("by", ["imap", "lmtp"])
@pytest.mark.parametrize("way", ["expunge", "move", "pass"])
def test_what_is_cut_off_within_an_expunge_is_not_expunged_twice(dovecot, way, by):
    left = what_is_left(dovecot.own(lazy=LAST, fsync="optimized"), way, by)
    assert len(left) > 2
    for number, texts in enumerate(left, 1):
        assert texts and all("A line of text." in text for text in texts), f"killed at flush {number}"


@pytest.mark.parametrize("by", ["imap", "lmtp"])
def test_without_a_plugin_it_is(dovecot, by):
    """Should this fail, Dovecot does it by itself."""
    left = what_is_left(dovecot.own(plugin="none", fsync="optimized"), "pass", by)
    assert [] in left and left[-1] != []


def make_mark(user):
    """The mark that a commit leaves behind which is killed."""
    mark = user.mail_path / "dovecot.lazy-expunge.unclean"
    mark.touch()
    shutil.chown(mark, user.mail_path.stat().st_uid, user.mail_path.stat().st_gid)
    return mark


def accepted(user):
    """Where each mail is, live and kept."""
    return sorted((mail.mailbox, mail.guid, mail.text) for mail in user.messages("*") + user.kept())


def overwrite(path, content):
    """Write over a file that others have open, in its place."""
    with path.open("r+b") as file:
        file.write(content)


def test_a_session_leaves_the_mark_of_a_commit_that_was_killed(dovecot):
    server = dovecot.own(lazy=LAST)
    server.expect_log("ebuild", required=False)
    user = server.user()
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        session.delete("*")
        assert not list(user.home.rglob("*.unclean"))
        mark = make_mark(user)
        session.delete("*")
        assert mark.exists()
    assert len(user.messages()) == 1 and len(user.kept()) == 2
    assert not mark.exists()


def test_a_session_that_rebuilds_the_storage_asks_for_no_repair_meanwhile(dovecot):
    """Dovecot opens each mailbox of the storage to rebuild it, and panics at a rebuild within a rebuild."""
    server = dovecot.own(lazy=LAST)
    server.expect_log(r"^(?!.*(Panic|signal))", required=False)
    user = server.user()
    user.fill("INBOX", 3)
    user.fill("Work", 2, create=True)
    with user.imap("INBOX") as session:
        session.delete("*")
    before = accepted(user)
    server.settle()
    session = user.imap("INBOX")
    [file] = user.mail_path.glob("storage/m.*")
    sound = file.read_bytes()
    overwrite(file, sound.replace(b"\1\2", b"xx"))
    assert not session("SEARCH BODY nothing").ok
    overwrite(file, sound)
    mark = make_mark(user)
    with contextlib.suppress(*crash.ENDED):
        session("NOOP")
        session.logout()
    session.close()
    server.settle()
    assert any("rebuilding indexes" in line for line in server.log())
    assert accepted(user) == before
    assert not mark.exists()
