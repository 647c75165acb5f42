"""An account that is taken away while a delivery is at any step of its commit: nothing goes from under it, and it is there, once."""

import contextlib
import fcntl
import itertools
import os
import signal
import smtplib
import threading

import pytest

from harness import wait_for
from harness.dovecot.accounts import DELETED, account, two_parts
from harness.dovecot.mail import message
from harness.faults.account_chaos import all_subjects, end_open_steps
from harness.faults.inject import doveadm_traced, session_process, traced

# what a commit makes, of which each kind is counted by itself
CALLS = ("fdatasync", "write", "rename", "link")
WAITING = ("nanosleep(", "clock_nanosleep(")


class Delivery(threading.Thread):
    """One mail to the user by LMTP, in a session that is open already."""

    def __init__(self, user, subject):
        super().__init__()
        self.user, self.subject, self.reply = user, subject, None
        self.client = smtplib.LMTP("127.0.0.1", user.server.ports["lmtp"], local_hostname="localhost", timeout=120)
        self.client.ehlo()
        self.process = session_process(user.server, "lmtp")

    def run(self):
        try:
            self.client.mail("sender@example.com")
            self.client.rcpt(f"{self.user}@example.com")
            self.reply = self.client.data(message(subject=self.subject))
            self.client.quit()
        except (smtplib.SMTPException, OSError):
            self.client.close()

    @property
    def accepted(self):
        return self.reply is not None and self.reply[0] < 300


class Delete(threading.Thread):
    """account delete of the user, of which one can see that it waits, or that it has taken something."""

    def __init__(self, user):
        super().__init__()
        self.user, self.done = user, None

    def run(self):
        self.done, _ = doveadm_traced(self.user.server, ["lazy-expunge", "account", "delete", "-u", self.user.name],
                                      "-e", "trace=nanosleep,clock_nanosleep,renameat2")

    def waits_or_took(self):
        output = self.user.server.root / "strace.doveadm"
        text = output.read_text(errors="replace") if output.exists() else ""
        return any(call in text for call in (*WAITING, "renameat2("))


def open_files(process):
    for descriptor in os.listdir(f"/proc/{process}/fd"):
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(f"/proc/{process}/fd/{descriptor}")


def deliver_and_delete(user, call, step):
    """Deliver, and delete the account at this call of it; (whether there is such a call, the mails that were accepted)."""
    delivery, reached = Delivery(user, f"{call} {step}"), False
    with traced(user.server, [delivery.process], "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGSTOP:when={step}") as output:
        stopped = lambda: "stopped by SIGSTOP" in output.read_text(errors="replace")
        delivery.start()
        wait_for(lambda: stopped() or not delivery.is_alive(), "the delivery to stop or to end")
        if stopped():
            reached, delete = True, Delete(user)
            (user.server.root / "strace.doveadm").unlink(missing_ok=True)
            delete.start()
            wait_for(lambda: delete.waits_or_took() or not delete.is_alive(), "the account to be taken, or to be waited for")
            os.kill(delivery.process, signal.SIGCONT)
            delete.join()
            assert delete.done.code == 0, str(delete.done)
        delivery.join()
    # it may have come to the step after its answer
    with contextlib.suppress(ProcessLookupError):
        os.kill(delivery.process, signal.SIGCONT)
    return reached, [delivery.subject] if delivery.accepted else []


@pytest.mark.parametrize("separate", [False, pytest.param(True, marks=pytest.mark.any_format)], ids=["one-part", "two-parts"])
def test_what_is_being_delivered_while_an_account_is_taken_is_there_once(dovecot, separate):
    fields = two_parts(dovecot) if separate else {}
    server = dovecot.own(fsync="optimized", **fields)
    # a delivery that had opened nothing yet
    server.allow_log(r"Error: .*(Not a directory|Root directory is a file|Failed to autocreate mailbox|The account is being moved)")
    users, accepted, steps = [], [], 0
    for call in CALLS:
        for step in itertools.count(1):
            user = server.user()
            users.append(user)
            user.deliver(message(subject=f"before {call} {step}"))
            server.settle()
            reached, more = deliver_and_delete(user, call, step)
            accepted += [f"before {call} {step}", *more]
            if not reached:
                break
            steps += 1
    server.settle()
    end_open_steps(server, users)
    found = all_subjects(server, users)
    print(f"{steps} steps, {len(accepted) - steps - len(CALLS)} of them accepted")
    assert {subject: found[subject] for subject in accepted if found[subject] != 1} == {}
    assert all(number == 1 for number in found.values())
    assert steps > 5 and len(accepted) > steps + len(CALLS)


@contextlib.contextmanager
def locked_by_dotlock(log):
    """As another host has it, of whose processes nobody here knows."""
    dotlock = log.with_name(f"{log.name}.lock")
    dotlock.write_text("1:elsewhere.example.com")
    yield
    dotlock.unlink()


def locked_by(call):
    @contextlib.contextmanager
    def locked(log):
        with open(log, "r+") as file:
            call(file, fcntl.LOCK_EX)
            yield
    return locked


LOCKED = {"fcntl": locked_by(fcntl.lockf), "flock": locked_by(fcntl.flock), "dotlock": locked_by_dotlock}


@pytest.mark.formats("mdbox")
@pytest.mark.parametrize("method", LOCKED)
def test_an_account_is_not_taken_while_the_map_of_its_mdbox_is_locked(dovecot, method):
    server = dovecot(raw="mmap_disable = yes\nlock_method = dotlock") if method == "dotlock" else dovecot()
    user = server.user()
    user.deliver(message(subject="Lunch"))
    server.settle()
    with LOCKED[method](user.mail_path / "storage/dovecot.map.index.log"):
        delete = Delete(user)
        delete.start()
        wait_for(lambda: delete.waits_or_took() or not delete.is_alive(), "the account to be taken, or to be waited for")
        assert user.mail_path.is_dir()
    delete.join()
    assert delete.done.code == 0, str(delete.done)
    assert not user.home.exists() and (user.home.parent / DELETED).is_dir()
    [row] = account(server, "list", "-u", user.name)
    assert row["user"] == user.name
    account(server, "undelete", row["id"])
    assert [mail.subject for mail in user.messages()] == ["Lunch"] and list(user.mail_path.rglob("*.lock")) == []


@pytest.mark.formats("mdbox")
def test_a_dotlock_whose_process_is_dead_keeps_no_account(dovecot):
    server = dovecot(raw="mmap_disable = yes\nlock_method = dotlock")
    user = server.user()
    user.deliver(message(subject="Lunch"))
    server.settle()
    hostname = server.sandbox.run(["hostname"]).stdout.decode().strip()
    (user.mail_path / "storage/dovecot.map.index.log.lock").write_text(f"4194303:{hostname}")
    [row] = account(server, "delete", "-u", user.name)
    account(server, "undelete", row["id"])
    assert [mail.subject for mail in user.messages()] == ["Lunch"] and list(user.mail_path.rglob("*.lock")) == []


@pytest.mark.formats("mdbox")
def test_what_is_no_log_in_the_place_of_the_map_keeps_no_account(dovecot):
    """A user may put a link, a directory or a pipe there; root follows no link, and waits for nothing."""
    server = dovecot.own()
    other = server.user()
    other.deliver(message(subject="Mine"))
    target = other.mail_path / "storage/dovecot.map.index.log"
    for put in (lambda log: log.symlink_to(target), lambda log: log.symlink_to(log), lambda log: log.mkdir(), os.mkfifo):
        user = server.user()
        user.deliver(message(subject="Lunch"))
        server.settle()
        log = user.mail_path / "storage/dovecot.map.index.log"
        log.rename(log.with_name("aside"))
        put(log)
        with open(target, "r+") as file:
            # whoever followed the link would wait for this
            fcntl.lockf(file, fcntl.LOCK_EX)
            [row] = account(server, "delete", "-u", user.name)
        assert not user.home.exists()
        account(server, "undelete", row["id"])
        log.rmdir() if log.is_dir() and not log.is_symlink() else log.unlink()
        log.with_name("aside").rename(log)
        assert [mail.subject for mail in user.messages()] == ["Lunch"]
    assert [mail.subject for mail in other.messages()] == ["Mine"]


@pytest.mark.formats("mdbox")
def test_a_map_that_two_paths_lead_to_is_locked_once(dovecot):
    server = dovecot.own()
    user = server.user()
    user.deliver(message(subject="Lunch"))
    server.settle()
    elsewhere = server.mail_root / "disk" / user.name
    elsewhere.parent.mkdir()
    user.mail_path.rename(elsewhere)
    user.mail_path.symlink_to(elsewhere)
    [row] = account(server, "delete", "-u", user.name)
    assert not user.home.exists() and not elsewhere.exists()
    account(server, "undelete", row["id"])
    assert [mail.subject for mail in user.messages()] == ["Lunch"] and user.mail_path.is_symlink()


@pytest.mark.any_format
def test_a_process_that_waits_for_its_next_client_is_nobody_at_work(dovecot):
    unlimited = ("restart_request_count = unlimited" if dovecot.target.new_settings else "service_count = 0")
    raw = f"service imap {{\n  process_limit = 5\n  {unlimited}\n}}\n"
    server = dovecot.own(raw23=raw, raw24=raw)
    user = server.user()
    user.deliver(message(subject="Lunch"))
    with user.imap("INBOX"):
        process = session_process(server)
    wait_for(lambda: not any(str(user.home) in path for path in open_files(process)), "the session to end")
    assert os.readlink(f"/proc/{process}/cwd").endswith(str(user.home))
    [row] = account(server, "delete", "-u", user.name)
    assert row["user"] == user.name
