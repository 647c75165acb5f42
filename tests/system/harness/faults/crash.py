"""A delete that is killed, or whose system call fails, at each of its steps, one after the other.

The steps are the system calls that change something: of each kind the first, the second, the third ... until the delete makes
no more of them. After each one the mail must be in its mailbox or in the storage, and deleting it again must work.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from harness.dovecot import mail
from harness.faults.inject import remove_dead_locks, session_process, traced
from harness.dovecot.imap import Refused, name

CALLS = ("rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "write", "writev", "pwrite64", "pwritev",
         "fsync", "fdatasync", "ftruncate", "open", "openat", "mkdir", "mkdirat", "symlink")
KILL = "SIGKILL"
ERRORS = ("ENOSPC", "EDQUOT", "EIO", "EACCES", "EMFILE")
FAULTS = (KILL, *ERRORS)
ENDED = (Refused, OSError)


@dataclass
class Outcome:
    """What became of a row of tries. lost, twice: descriptions; doubled: how often the mail was in both places until it was
    deleted again; refused: how often the client was told so."""
    fault: str
    tries: int = 0
    refused: int = 0
    doubled: int = 0
    calls: Counter = field(default_factory=Counter)
    lost: list = field(default_factory=list)
    twice: list = field(default_factory=list)

    def row(self):
        return f"{self.fault:8} {self.tries:6} {len(self.lost):6} {len(self.twice):6} {self.doubled:8} {self.refused:8}"


HEADING = f"{'fault':8} {'tries':>6} {'lost':>6} {'twice':>6} {'doubled':>8} {'refused':>8}"


def prepare(server, way, warm):
    """A user with one mail to delete, and a session that is about to; warm: not for the first time."""
    user = server.user()
    session = user.imap()
    session.ok("CREATE Copies")
    if warm:
        session.append("INBOX", mail.message("before"))
        session.select()
        session.delete()
        if way == "move":
            session.append("INBOX", mail.message("before"))
            session.ok("UID MOVE 1:* Copies")
            session.select("Copies")
            session.delete()
            session.ok("CLOSE")
    session.append("INBOX", mail.message("the mail"))
    session.select()
    if way == "pass":
        session.ok("UID COPY 1:* Copies")
    if way != "move":
        session.ok("UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
    return user, session


def command(way):
    return "UID MOVE 1:* Copies" if way == "move" else "EXPUNGE"


def insist(function, user):
    """function(session), tried a few times with new sessions: after a crash Dovecot ends the one that finds what to repair,
    and refuses what it was about to do."""
    for _ in range(4):
        try:
            with user.imap() as session:
                return function(session)
        except ENDED as problem:
            ended = problem
    raise ended


def count(user):
    """How often the mail is live, and how often in the storage, with its body: an index may have what has no file."""
    def counted(session):
        counts = []
        for mailboxes in (("INBOX", "Copies"), (user.server.config.storage,)):
            found = 0
            for mailbox in mailboxes:
                answer = session(f"EXAMINE {name(mailbox)}")
                if answer.ok:
                    for uid in session.search('SUBJECT "the mail"'):
                        body = session.ok(f"UID FETCH {uid} BODY.PEEK[TEXT]").untagged
                        found += any(b"A line of text." in line for line in body)
                elif "NONEXISTENT" not in answer.text and "doesn't exist" not in answer.text:
                    raise Refused(f"{mailbox}: {answer.text}")
            counts.append(found)
        return counts
    return insist(counted, user)


def delete(user):
    """Delete what is live."""
    def deleted(session):
        for mailbox in ("INBOX", "Copies"):
            session.select(mailbox)
            if session.search():
                session.delete()
    insist(deleted, user)


def calls_made(server, way, warm):
    """How often the delete makes each call when nothing is wrong."""
    user, session = prepare(server, way, warm)
    with traced(server, [session_process(server)], "-e", "trace=" + ",".join(CALLS)) as output:
        session.ok(command(way))
    session.close()
    return Counter(re.findall(r"^\d+ +(\w+)\(", output.read_text(errors="replace"), re.MULTILINE))


def try_at(server, way, warm, fault, call, number, outcome):
    """One try; whether the fault came at all."""
    user, session = prepare(server, way, warm)
    inject = f"signal={KILL}" if fault == KILL else f"error={fault}"
    answered = None
    with traced(server, [session_process(server)], "-e", f"trace={call}", "-e", f"inject={call}:{inject}:when={number}") as output:
        try:
            answered = session(command(way)).ok
        except ENDED:
            pass
    session.close()
    text = output.read_text(errors="replace")
    output.unlink()
    if re.search(r'(dbox-Mails", O_RDONLY|fdatasync\().*INJECTED', text) and fault != KILL and _crashes_unsynced(server):
        server.expect_log(rf"imap\({user.name}\).*killed with signal 11", required=False)
        server.expect_report("SUMMARY: AddressSanitizer: SEGV .* in mail_set_critical")
    if answered is not None and "INJECTED" not in text:
        return False
    server.kill("imap")
    remove_dead_locks(user.home)
    outcome.tries += 1
    outcome.calls[call] += 1
    outcome.refused += answered is False
    what = f"{way}, {'warm' if warm else 'cold'}, {fault} at {call} {number}"
    live, kept = count(user)
    if live + kept == 0:
        outcome.lost.append(f"{what}: lost")
        return True
    outcome.doubled += live > 0 and kept > 0
    delete(user)
    live, kept = count(user)
    if (live, kept) != (0, 1):
        (outcome.twice if kept > 1 else outcome.lost).append(f"{what}: after a second delete {live} live, {kept} kept")
    return True


def at_each_step(server, way="expunge", warm=True, faults=(KILL,), calls=CALLS):
    """Run the delete once for each fault at each step; the Outcomes."""
    # Half-written logs and what repairs them are Dovecot's. So is one panic: sdbox forgets a view when the end of a commit fails.
    server.expect_log(r"^(?!.*(Panic|signal 11))|Panic: Leaked view for index", required=False)
    made = calls_made(server, way, warm)
    outcomes = []
    for fault in faults:
        outcome = Outcome(fault)
        for call in (call for call in calls if made[call]):
            if fault != KILL and not warm and call.startswith("unlink"):
                # the delete itself would wait for minutes for its own lock files, which it cannot remove
                continue
            number = 1
            while try_at(server, way, warm, fault, call, number, outcome):
                number += 1
        outcomes.append(outcome)
    return outcomes


def _crashes_unsynced(server):
    """Whether this Dovecot crashes after a COPY, without any plugin too, when it cannot open or sync the mailbox's directory: it
    reports that on a mail that is gone."""
    return server.config.format == "sdbox" or (server.config.format == "mdbox" and not server.target.new_settings)
