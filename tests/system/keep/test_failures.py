"""When a mail cannot be kept it is not deleted, the client is told, and the log has one line with cause and remedy."""

import os
import signal

import pytest

from harness import ServerProblem, settings, wait_for
from harness.machines import build, targets
from harness.faults.inject import session_process, traced

REFUSED = r"Error: .*lazy_expunge"


def refused(session, command="EXPUNGE"):
    """The text of the NO to this command, after all mail was marked as deleted."""
    session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    answer = session(command)
    assert answer.status == "NO", f"{command} was answered with {answer}"
    assert answer.lines("EXPUNGE") == []
    return answer.text


def error_lines(server):
    return [line for line in server.log() if "lazy_expunge" in line and "Error:" in line]


def break_storage(user, storage="EXPUNGED"):
    """Put something in the storage's place that the user's processes cannot use."""
    if user.server.config.format == "maildir":
        place = user.mail_path / f".{storage}"
    else:
        place = user.mail_path / "mailboxes" / storage
    place.parent.mkdir(parents=True, exist_ok=True)
    place.mkdir()
    # not empty, for an empty directory can be removed and made anew
    (place / "something").mkdir()
    os.chmod(place, 0o700)


def unusable(dovecot, **lazy):
    server = dovecot.own(lazy=dict({"mailbox": "EXPUNGED"}, **lazy))
    user = server.user()
    user.fill("INBOX", 3)
    break_storage(user)
    return server, user


def test_a_storage_without_permission_refuses_the_delete(dovecot):
    server, user = unusable(dovecot)
    session = user.imap("INBOX")
    text = refused(session)
    assert len(text.split()) > 3
    session.logout()
    server.settle()
    server.expect_log("EXPUNGED")
    server.expect_log("ermission denied", required=False)
    lines = error_lines(server)
    assert len(lines) == 1, lines
    assert "EXPUNGED" in lines[0] and "lazy_expunge_on_failure" in lines[0]
    assert len(user.messages()) == 3


@pytest.mark.parametrize("way", ["pop3", "doveadm", "delete"])
def test_other_ways_are_refused_too(dovecot, way):
    server, user = unusable(dovecot)
    server.expect_log("", required=False)
    if way == "pop3":
        session = user.pop3()
        session.dele(1)
        with pytest.raises(Exception, match="-ERR"):
            session.quit()
        session.close()
    elif way == "doveadm":
        assert user.doveadm("expunge", "mailbox", "INBOX", "all", check=False).code != 0
    else:
        user.append("Work", create=True)
        with user.imap() as session:
            session.no("DELETE Work")
        assert len(user.messages("Work")) == 1
    server.settle()
    assert len(user.messages()) == 3


def test_move_works_although_the_storage_does_not(dovecot):
    server, user = unusable(dovecot)
    server.expect_log("ermission denied", required=False)
    with user.imap("INBOX") as session:
        session.ok("UID MOVE 1:* Trash")
    assert len(user.messages("Trash")) == 3


@pytest.mark.formats("sdbox")
@pytest.mark.parametrize("before, count", [(0, 3), (0, 40), (300, 40)], ids=["few", "many", "many-of-more"])
def test_a_saved_file_that_goes_before_the_expunge_refuses_the_delete(dovecot, before, count):
    server = dovecot.own(lazy={"mailbox": "EXPUNGED"}, fsync="optimized")
    user = server.user()
    user.fill("INBOX", before + 1)
    session = user.imap("INBOX")
    session.delete()
    user.fill("INBOX", count)
    session.select()
    session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    process = session_process(server)
    storage = user.mail_path / "mailboxes/EXPUNGED/dbox-Mails"
    # of the storage's log, and of its directory, with which the commit ends
    with traced(server, [process], "-e", "trace=fdatasync", "-e", "inject=fdatasync:signal=SIGSTOP:when=2") as output:
        tag = session.send("EXPUNGE")
        wait_for(lambda: "stopped by SIGSTOP" in output.read_text(errors="replace"), "the process to stop")
        saved = sorted(storage.glob("u.*"), key=lambda path: int(path.suffix[1:]))
        assert len(saved) == before + 1 + count
        gone = saved[-count // 2]
        gone.unlink()
        os.kill(process, signal.SIGCONT)
        answer = session.finish(tag)
    assert answer.status == "NO" and answer.lines("EXPUNGE") == []
    session.logout()
    server.settle()
    server.expect_log(f"UID {gone.suffix[1:]}: Saved mail is gone")
    assert len(user.messages()) == count


def test_on_failure_expunge_lets_it_through_with_a_warning_for_each_mail(dovecot):
    server, user = unusable(dovecot, on_failure="expunge")
    with user.imap("INBOX") as session:
        assert len(session.delete().lines("EXPUNGE")) == 3
    server.settle()
    server.expect_log("", required=False)
    warnings = [line for line in server.log() if "Warning:" in line and "lazy_expunge" in line]
    assert len(warnings) == 3, server.log()
    assert user.messages() == []


@pytest.mark.parametrize("storage", [".EXPUNGED/", "Nowhere/"])
def test_a_storage_that_cannot_be_refuses_the_delete(dovecot, storage):
    server = dovecot.own(lazy={"mailbox": storage})
    user = server.user()
    server.expect_log(REFUSED)
    user.fill("INBOX", 2)
    session = user.imap("INBOX")
    text = refused(session)
    assert len(text.split()) > 3
    session.logout()
    assert any(storage.strip("./") in line for line in error_lines(server))
    assert len(user.messages()) == 2


BAD_VALUES = [("only_last_instance", "maybe"), ("quota_ignore", "2"), ("hidden", "perhaps"), ("protect", "on-sundays"),
              ("origin", "x"), ("shared", "-"), ("max_storage", "lots"), ("on_failure", "panic"),
              ("look_mails", "many"), ("look_time", "soon"), ("look_remember", "all"), ("look_age", "ever"),
              ("account_keep", "ever")]


@pytest.mark.until("2.4")
def test_a_storage_that_is_a_path_refuses_the_delete(dovecot):
    server = dovecot(lazy={"mailbox": "../outside"})
    server.expect_log(r"Error: .*lazy_expunge = \.\./outside")
    user = server.user()
    user.fill("INBOX", 2)
    with user.imap("INBOX") as session:
        refused(session)
    server.settle()
    assert len(user.messages()) == 2


@pytest.mark.since("2.4")
def test_a_storage_that_is_a_path_keeps_dovecot_from_starting(dovecot):
    with pytest.raises(ServerProblem, match="lazy_expunge_mailbox = ../outside"):
        dovecot.own(lazy={"mailbox": "../outside"})


@pytest.mark.until("2.4")
@pytest.mark.parametrize("setting,value", BAD_VALUES)
def test_a_bad_value_is_an_error_and_nothing_is_deleted(dovecot, setting, value):
    server = dovecot(lazy={setting: value, "mailbox": "EXPUNGED"})
    server.expect_log(rf"Error: .*lazy_expunge_{setting}.*{value}")
    user = server.user()
    user.fill("INBOX", 2)
    session = user.imap("INBOX")
    refused(session)
    session.logout()
    server.settle()
    assert len(user.messages()) == 2


@pytest.mark.since("2.4")
@pytest.mark.parametrize("setting,value", BAD_VALUES)
def test_a_bad_value_keeps_dovecot_from_starting(dovecot, setting, value):
    with pytest.raises(ServerProblem, match=f"lazy_expunge_{setting}") as problem:
        dovecot.own(lazy={setting: value})
    assert value in str(problem.value)


@pytest.mark.since("2.4")
def test_without_the_settings_module_nothing_is_deleted(dovecot):
    server = dovecot.own(lazy=settings(mailbox="EXPUNGED"), without_modules=("settings/*lazy_expunge*",))
    server.expect_log("", required=False)
    user = server.user()
    user.append()
    session = user.imap("INBOX")
    refused(session)
    session.logout()
    assert error_lines(server)
    assert len(user.messages()) == 1


@pytest.mark.since("2.4")
def test_with_a_settings_module_of_another_version_nothing_is_deleted(dovecot):
    others = [name for name in targets.default_names() if name not in (targets.NATIVE, dovecot.target.name)]
    other = targets.get(others[0])

    def exchange(server):
        for path in build.build(other).glob("settings/*lazy_expunge*"):
            if path.suffix == ".so":
                (server.root / "modules/settings" / path.name).write_bytes(path.read_bytes())
    try:
        server = dovecot.own(lazy=settings(mailbox="EXPUNGED"), prepare=exchange)
    except ServerProblem as problem:
        assert "lazy_expunge" in str(problem), "it does not even start, and says why"
        return
    server.expect_log("", required=False)
    user = server.user()
    try:
        user.append()
        with user.imap("INBOX") as session:
            refused(session)
    except (OSError, AssertionError) as problem:
        assert "answered with" not in str(problem), problem
    assert any("lazy_expunge" in line for line in server.log())


def test_loaded_but_unset_is_quiet_but_for_debug(dovecot):
    server = dovecot.own(lazy=settings(), debug=True)
    user = server.user()
    user.append()
    with user.imap("INBOX") as session:
        session.delete()
    server.settle()
    assert user.messages() == []
    assert not [line for line in server.info_log() if "lazy_expunge" in line]
    assert [line for line in server.debug_log() if "lazy_expunge" in line]
