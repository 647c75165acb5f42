"""What the same work costs beside Cyrus IMAP, which keeps what was expunged in the mailbox itself (tools/bench --peer cyrus).

Commands: time on a CPU of the processes that are run. Sessions: of all processes of the server, or of that of the session.
"""

import contextlib
import functools
import time
from dataclasses import dataclass

from harness.dovecot.config import Mailbox
from harness.measuring import peer_cyrus
from harness.measuring.accounts import STORAGE, Account
from harness.measuring.cases import case, delete_last, in_turn, measure_delete, remove, timed, timed_command, timed_program
from harness.measuring.cases_admin import AUTOEXPUNGE, server_of_many, settle
from harness.measuring.servers import server_on_cpu, times_on_cpu

SIZES, QUICK = (30000, 100000), (50,)
BOTH = ("cyrus", "ours")
# with what Dovecot itself takes
SESSIONS = ("cyrus", "none", "ours")
INBOX = 200
NOTE = ".dovecot.lazy-expunge.maintain"
# What was kept so long ago is due with the shortest retention.
DUE_SECONDS = 2
peer_case = functools.partial(case, peer="cyrus")


def _account(size):
    return Account(inbox=INBOX, storage=size)


@peer_case("list of what is kept, where nobody has read headers (Cyrus: unexpunge -l)", SIZES, "kept mails",
           (*BOTH, "ours-again", "ours-after"), 3, QUICK)
def peer_list(servers, size, samples, rounds):
    with peer_cyrus.started(_account(size)) as cyrus:
        for _, name in in_turn(samples, rounds):
            if name == "cyrus":
                taken, cpu = timed_program(lambda: _list_cyrus(cyrus, size))
                samples.add(name, taken, cpu=cpu)
            elif name != "ours-again":
                _list_ours(servers, size, samples, name)


def _list_cyrus(cyrus, size):
    _expect(cyrus.run("unexpunge", "-l", _mailbox()).count(b"UID: "), size)


def _list_ours(servers, size, samples, name):
    """ours: of a fresh account, and ours-again with it; ours-after: maintain ran."""
    user = servers.account("ours", _account(size), mailboxes=AUTOEXPUNGE)
    _forget_headers(user)
    if name == "ours-after":
        user.doveadm("lazy-expunge maintain", timeout=3600)
    for series in (name, "ours-again") if name == "ours" else (name,):
        taken, cpu = timed_program(lambda: _expect(_rows(user), size))
        if series in samples.times:
            samples.add(series, taken, cpu=cpu)
    remove(user)


def _forget_headers(user):
    """As if the storage had mail of which nobody has read a header: Dovecot caches some of those that it imports."""
    caches = list(user.home.glob(f"**/*{STORAGE}*/**/dovecot.index.cache"))
    _expect(len(caches), 1)
    caches[0].unlink()


def _rows(user):
    """The number of mails that list shows, in a table below a head."""
    return max(len(user.doveadm("lazy-expunge list", timeout=3600).stdout.splitlines()) - 1, 0)


@peer_case("restore of one mail (Cyrus: unexpunge -u)", SIZES, "kept mails", BOTH, 20, QUICK)
def peer_restore(servers, size, samples, rounds):
    user = servers.account("ours", _account(size))
    with peer_cyrus.started(_account(size)) as cyrus:
        restore = {"cyrus": lambda uid: cyrus.run("unexpunge", "-d", "-u", _mailbox(), uid),
                   "ours": lambda uid: user.doveadm("lazy-expunge restore", "uid", uid, timeout=3600)}
        done = 0
        for number, name in in_turn(samples, min(rounds, size - 1)):
            taken, cpu = timed_program(lambda: restore[name](str(1 + number * (size // (rounds + 1) or 1))))
            samples.add(name, taken, cpu=cpu)
            done = number + 1
        for session in (cyrus.imap(_user()), user.imap()):
            _expect(session.status("INBOX")["MESSAGES"], INBOX + done)
            session.logout()
    remove(user)


@peer_case("EXPUNGE of one mail in a fresh session: an ordinary one, one that was restored before, one of a mailbox new to the storage",
           SIZES, "kept mails", ("ours", "ours-restored", "ours-new"), 20, QUICK)
def peer_delete(servers, size, samples, rounds):
    """Of this plugin alone."""
    users = {name: servers.account("ours", _account(size)) for name in samples.times}
    for user in users.values():
        with user.imap("INBOX") as session:
            delete_last(session)
    for number, name in in_turn(samples, min(rounds, size - 1)):
        user, mailbox = users[name], "INBOX"
        if name == "ours-restored":
            user.doveadm("lazy-expunge restore", "uid", str(1 + number))
        elif name == "ours-new":
            mailbox = f"New{number}"
            user.append(mailbox, create=True)
        user.server.settle()
        with user.imap(mailbox) as session:
            measure_delete(samples, name, session, user)
    for user in users.values():
        remove(user)


@peer_case("a whole session: log-in, SELECT, STORE and EXPUNGE of one mail, LOGOUT; on a CPU the mean of all processes of the server", SIZES,
           "kept mails", SESSIONS, 100, QUICK)
def peer_session(servers, size, samples, rounds):
    def work(begin):
        with begin("INBOX") as session:
            delete_last(session)
    _sessions(servers, size, samples, min(rounds, INBOX - 10), work)


def _sessions(servers, size, samples, rounds, work):
    """work(begin): a session from its beginning, begin() makes it. The CPU time is that of everything in the server until it has ended."""
    with _each(servers, size, samples) as each:
        for one in each.values():
            work(one.begin)
        cpu = {name: -one.on_cpu() for name, one in each.items()}
        for _, name in in_turn(samples, rounds):
            samples.add(name, timed(work, each[name].begin))
        for name, one in each.items():
            samples.add_mean_cpu(name, cpu[name] + one.on_cpu())


def _one_command(servers, size, samples, rounds, command, *literals):
    """One command in a fresh session that has logged in; the CPU time is that of the session's process."""
    with _each(servers, size, samples) as each:
        for _, name in in_turn(samples, rounds):
            one = each[name]
            one.settle()
            with one.begin() as session:
                before = times_on_cpu(one.server, one.process)
                taken = timed(session.ok, command, *literals)
                after = times_on_cpu(one.server, one.process)
                samples.add(name, taken, cpu=sum(used - before.get(pid, 0) for pid, used in after.items()))


@dataclass(frozen=True)
class _Measured:
    """Whose sessions are measured: begin(mailbox=None) makes one, process is the name of what serves it, settle() waits until all have ended."""
    server: object
    begin: object
    process: str
    settle: object

    def on_cpu(self):
        self.settle()
        return server_on_cpu(self.server)


@contextlib.contextmanager
def _each(servers, size, samples):
    """{series: _Measured}, each with such an account."""
    with peer_cyrus.started(_account(size)) as cyrus:
        users = {name: servers.account(name, _account(size)) for name in samples.times if name != "cyrus"}
        each = {name: _Measured(user.server, user.imap, "imap", user.server.settle) for name, user in users.items()}
        yield {"cyrus": _Measured(cyrus, functools.partial(cyrus.imap, _user()), "imapd", lambda: None), **each}
        for user in users.values():
            remove(user)


@peer_case("SELECT in a fresh session", SIZES, "kept mails", SESSIONS, 30, QUICK)
def peer_select(servers, size, samples, rounds):
    _one_command(servers, size, samples, rounds, "SELECT INBOX")


@peer_case("STATUS in a fresh session", SIZES, "kept mails", SESSIONS, 30, QUICK)
def peer_status(servers, size, samples, rounds):
    _one_command(servers, size, samples, rounds, "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)")


@peer_case("APPEND of one mail in a fresh session", SIZES, "kept mails", SESSIONS, 30, QUICK)
def peer_append(servers, size, samples, rounds):
    mail = b"From: a@example.com\r\nSubject: one\r\n\r\n" + b"One more line of text.\r\n" * 80
    _one_command(servers, size, samples, rounds, "APPEND INBOX {}", mail)


@peer_case("maintain of all users with nothing due, without what maintain noted of them and with it (Cyrus: cyr_expire)", (300,), "users",
           (*BOTH, "ours-noted"), 5, (3,))
def peer_maintain(servers, size, samples, rounds):
    server = server_of_many(servers, "ours", size)
    with peer_cyrus.started(Account(inbox=10, storage=100), users=size) as cyrus:
        run = lambda name: cyrus.run("cyr_expire", "-E", "4", "-X", "20000") if name == "cyrus" else \
            server.doveadm("lazy-expunge", "maintain", "-A", timeout=3600)
        for _ in range(3):
            settle(size)
            for name in BOTH:
                run(name)
        for _, name in in_turn(samples, rounds):
            if name == "ours":
                _forget(server, size)
            elif name == "ours-noted":
                settle(size)
                run("ours")
            taken, cpu = timed_program(lambda: run(name))
            samples.add(name, taken, cpu=cpu)


def _forget(server, users):
    notes = list(server.mail_root.glob(f"*/{NOTE}"))
    _expect(len(notes), users)
    for note in notes:
        note.unlink()


@peer_case("maintain that takes away all that is kept (Cyrus: cyr_expire), and what is left below the account", (10000,), "kept mails", BOTH, 3,
           (50,))
def peer_left(servers, size, samples, rounds):
    due = (Mailbox(STORAGE, autoexpunge="1s"),)
    for _, name in in_turn(samples, rounds):
        if name == "cyrus":
            with peer_cyrus.started(Account(storage=size)) as cyrus:
                time.sleep(DUE_SECONDS)
                taken, cpu = timed_program(lambda: cyrus.run("cyr_expire", "-E", "4", "-X", "0"))
                _expect(cyrus.run("unexpunge", "-l", _mailbox()).count(b"UID: "), 0)
                left = cyrus.size()
        else:
            user = servers.account("ours", Account(storage=size), mailboxes=due)
            time.sleep(DUE_SECONDS)
            taken, cpu = timed_command(user, "lazy-expunge maintain")
            _expect(_rows(user), 0)
            left = sum(path.stat().st_size for path in user.home.rglob("*") if path.is_file())
            remove(user)
        samples.add(name, taken, cpu=cpu)
        samples.left[name].append(left)


def _user():
    return peer_cyrus.user_names(1)[0]


def _mailbox():
    return f"user/{_user()}"


def _expect(found, wanted):
    if found != wanted:
        raise AssertionError(f"found {found} and not {wanted}")
