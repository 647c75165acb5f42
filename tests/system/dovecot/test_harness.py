"""The harness itself: delivery, clients, configuration and the watch over the log, without this plugin."""

from pathlib import Path

import pytest

from harness import Config, Mailbox, Namespace, Quota, ServerProblem, message, settings
from harness.dovecot.config import NONE, SHIPPED
from harness.faults.inject import session_process, traced
from harness.places import fresh_run_directory
from harness.machines.roots import remove
from harness.dovecot.sandbox import Sandbox
from harness.dovecot.server import Server

pytestmark = pytest.mark.any_format

SHIPPED_EXPUNGED = settings(mailbox="EXPUNGED")


def test_lmtp_delivers_to_several_users_and_imap_pop3_and_doveadm_agree(dovecot):
    server = dovecot(plugin=NONE)
    first, second = server.user(), server.user()
    text = message(subject="to both")
    first.deliver(text, others=[second])
    for user in (first, second):
        assert [mail.subject for mail in user.messages()] == ["to both"]
        with user.imap("INBOX") as session:
            assert session.search() == [1]
            assert b"Subject: to both" in b"".join(session.ok("FETCH 1 BODY.PEEK[]").untagged)
        pop3 = user.pop3()
        assert pop3.stat()[0] == 1
        pop3.quit()


def test_messages_show_what_was_appended(dovecot):
    user = dovecot(plugin=NONE).user()
    user.append("Work/Ä & Ö", message(subject="dated"), "\\Seen \\Flagged label", "02-Feb-2020 02:02:02 +0000", create=True)
    [mail] = user.messages("Work/Ä & Ö")
    assert mail.flags >= {"\\Seen", "\\Flagged"} and "label" in mail.keywords
    assert mail.received == 1580608922
    assert mail.guid and mail.saved > mail.received and mail.size > 100
    with user.imap() as session:
        assert "Work/Ä & Ö" in session.list()


def test_without_a_plugin_an_expunged_mail_is_gone(dovecot):
    user = dovecot(plugin=NONE, lazy=SHIPPED_EXPUNGED).user()
    user.deliver()
    with user.imap("INBOX") as session:
        assert session.delete().lines("EXPUNGE") == ["* 1 EXPUNGE"]
    assert user.messages() == [] and user.kept() == []


def test_the_shipped_plugin_keeps_an_expunged_mail(dovecot):
    user = dovecot(plugin=SHIPPED, lazy=SHIPPED_EXPUNGED).user()
    user.append(flags="\\Answered word", date="01-Jan-2021 00:00:00 +0000")
    [before] = user.messages()
    with user.imap("INBOX") as session:
        session.delete()
    [kept] = user.kept()
    assert kept.content == before.content and kept.origin is None


EVERYTHING = dict(quota=Quota(storage="10M", messages=100), acl_enabled=True, virtual=True, shared=True, compress="gz",
                  crypt=True, acl=(("Locked", (("owner", "lr"),)),),
                  mailboxes=(Mailbox("Trash", auto="create", special_use="\\Trash", autoexpunge="30d",
                                     autoexpunge_max_mails=10, quota_ignore=True),))


@pytest.mark.parametrize("change", [
    {}, EVERYTHING, dict(layout="fs"), dict(separator="."), dict(prefix="INBOX."), dict(prefix="INBOX/"),
    dict(hibernate=True), dict(home=False), dict(listescape="^"), dict(debug=True),
    dict(namespaces=(Namespace("extra", "Extra/", format="maildir", path="~/extra", hidden=True, list="no"),)),
], ids=["plain", "everything", "fs", "dot", "prefix-dot", "prefix-slash", "hibernate", "no-home", "listescape", "debug",
        "namespace"])
def test_configurations_start_and_take_mail(dovecot, change):
    change = dict(change, separator="." if change.get("prefix") == "INBOX." else change.get("separator", "/"))
    user = dovecot(plugin=NONE, **change).user()
    user.deliver()
    assert len(user.messages()) == 1
    with user.imap("INBOX") as session:
        assert session.search() == [1]
        assert session.append(change.get("prefix", "") + "Trash", message()) == 1


@pytest.mark.formats("mdbox", "sdbox")
def test_two_namespaces_share_one_storage_by_mailboxdir(dovecot):
    other = Namespace("other", "Other/", mailboxdir="other", listindex="dovecot.list.other")
    user = dovecot(plugin=NONE, namespaces=(other,)).user()
    user.append("INBOX")
    user.append("Other/INBOX", create=True)
    assert (user.mail_path / "mailboxes").is_dir() and (user.mail_path / "other").is_dir()


def test_acl_rows_hold(dovecot):
    user = dovecot(plugin=NONE, acl=(("Locked", (("owner", "lr"),)),)).user()
    user.doveadm("mailbox create", "Locked")
    with user.imap() as session:
        assert "NOPERM" in session.no('APPEND "Locked" {}', message()).text


def test_shared_namespace_shows_another_users_mailbox(dovecot):
    server = dovecot(plugin=NONE, shared=True)
    owner, guest = server.user(), server.user()
    owner.append("Common", create=True)
    owner.doveadm("acl set", "Common", f"user={guest}", "lookup", "read")
    with guest.imap() as session:
        session.select(f"shared/{owner}/Common")
        assert len(session.search()) == 1


def test_virtual_mailbox_shows_all_mail(dovecot):
    user = dovecot(plugin=NONE, virtual=True).user()
    user.fill("INBOX", 2)
    user.append("Trash")
    user.make_virtual("All", "*\n-Virtual/*\n  all\n")
    with user.imap("Virtual/All") as session:
        assert len(session.search()) == 3


def test_sync_replicates_to_another_server(dovecot):
    first, second = dovecot.own(plugin=NONE), dovecot.own(plugin=NONE)
    here = first.user()
    here.fill("INBOX", 3)
    there = here.sync(second)
    assert len(there.messages()) == 3
    assert [mail.guid for mail in there.messages()] == [mail.guid for mail in here.messages()]


def test_two_servers_share_a_mail_store_and_a_killed_one_restarts(dovecot):
    first = dovecot.own(plugin=NONE)
    user = first.user()
    user.deliver()
    second = dovecot.own(plugin=NONE, mail_root=first.mail_root)
    assert len(second.user(user.name).messages()) == 1
    session = user.imap("INBOX")
    assert first.kill("imap") == 1
    session.close()
    first.restart()
    user.deliver()
    assert len(second.user(user.name).messages()) == 2
    first.expect_log("killed with signal 9", required=False)


def test_strace_injects_a_fault_into_a_session(dovecot):
    server = dovecot.own(plugin=NONE)
    user = server.user()
    session = user.imap("INBOX")
    with traced(server, [session_process(server)], "-e", "trace=%file", "-e", "inject=%file:error=EACCES") as output:
        session('CREATE "x"')
    assert "EACCES" in output.read_text() and "(INJECTED)" in output.read_text()
    server.expect_log("Permission denied")
    server.expect_log("", required=False)


def test_hibernated_session_wakes_up(dovecot):
    user = dovecot(plugin=NONE, hibernate=True).user()
    session = user.imap("INBOX")
    tag = session.idle()
    server = user.server
    from harness import wait_for
    wait_for(lambda: not server.processes("imap"), "the session to hibernate")
    user.deliver()
    assert session.wait_untagged(r"\* 1 EXISTS")
    assert session.done(tag).ok


def test_an_error_in_the_log_is_found(dovecot):
    server = Server(dovecot.target, Config(format=dovecot.format, plugin=NONE)).start()
    user = server.user()
    user.deliver()
    inbox = user.home / server.mail_directory
    (inbox / "dovecot.index.log").write_bytes(b"\x01" * 100) if inbox.exists() else None
    session = user.imap()
    server.kill("imap")
    session.close()
    with pytest.raises(ServerProblem, match="killed with signal 9"):
        server.stop()
    server.discard()


def test_a_configuration_that_does_not_start_says_why(dovecot):
    with pytest.raises(ServerProblem, match="no_such_setting"):
        dovecot.own(plugin=NONE, raw="no_such_setting = 1")


def test_a_scratch_system_forgets_its_changes():
    place, name = fresh_run_directory(), "/etc/of-a-scratch-system"
    passwords = Path("/etc/passwd").read_bytes()
    try:
        with Sandbox("/", scratch=place) as sandbox:
            done = sandbox.run(["sh", "-c", f"echo new >{name} && rm /etc/passwd && mkdir /etc/some && rm -r /etc/apt"])
            assert done.returncode == 0, done.stderr
            assert Path(f"{sandbox.root}{name}").read_text() == "new\n"
            assert not Path(f"{sandbox.root}/etc/passwd").exists()
        assert not Path(name).exists() and Path("/etc/passwd").read_bytes() == passwords and Path("/etc/apt").is_dir()
        assert list(place.iterdir()) == []
    finally:
        remove(place)
