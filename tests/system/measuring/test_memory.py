"""A session that deletes much mail loses no memory: valgrind looks at the process of an IMAP session on the native Dovecot.

--deletes 10000 lets it delete that many mails.
"""

import subprocess

import pytest

from harness import message, wait_for

# valgrind is installed beside the native Dovecot alone
pytestmark = pytest.mark.native
ROUND = 100
PROCESS = "memcheck-amd64-linux"[:15]
VALGRIND = """service imap {
  executable = /usr/bin/valgrind --quiet --vgdb=no --leak-check=full --show-leak-kinds=definite,indirect --num-callers=30 \
--log-file=@ROOT@/valgrind/%p /usr/lib/dovecot/imap
}
default_vsz_limit = 0
# modules stay loaded, so that their functions have names in the report
import_environment = $import_environment GDB=1 TMPDIR=@ROOT@/tmp"""
LEAK = """#include <stdlib.h>
void *volatile leaked;
__attribute__((constructor)) void lazy_expunge_leak(void) { leaked = malloc(12345); leaked = NULL; }
"""


def delete_many(session, rounds):
    """Append and delete mails, of each round ten one by one and the others at once."""
    mail = message("one of many")
    for _ in range(rounds):
        session.ok("APPEND INBOX" + " () {}" * ROUND, *[mail] * ROUND)
        session.ok("NOOP")
        for _ in range(10):
            session.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
            session.ok("EXPUNGE")
        session.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        session.ok("EXPUNGE")
    assert session.search() == []


def make_leak(server):
    """A library that leaks in each process that loads it."""
    source, library = server.root / "leak.c", server.root / "leak.so"
    source.write_text(LEAK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-g", "-o", library, source], check=True)


def report(dovecot, deletes, environment="", also=lambda server: None):
    """What valgrind says of a session that deletes so many mails; how many are kept."""
    def prepare(server):
        # valgrind's temporary files have their names from the PID, which processes of other servers have too
        for name in ("valgrind", "tmp"):
            (server.root / name).mkdir()
            (server.root / name).chmod(0o777)
        also(server)
    server = dovecot.own(lazy={"mailbox": "EXPUNGED", "only_last_instance": True}, raw=VALGRIND + environment, prepare=prepare)
    user = server.user()
    with user.imap("INBOX") as session:
        assert server.processes(PROCESS), "the session runs under valgrind"
        delete_many(session, deletes // ROUND)
    wait_for(lambda: not server.processes(PROCESS), "valgrind's report", seconds=120)
    return "\n".join(path.read_text(errors="replace") for path in (server.root / "valgrind").iterdir()), len(user.kept())


@pytest.mark.formats("sdbox")
def test_valgrind_finds_what_is_leaked(dovecot):
    text, _ = report(dovecot, ROUND, " LD_PRELOAD=@ROOT@/leak.so", make_leak)
    assert "definitely lost" in text and "lazy_expunge_leak" in text


def test_a_session_that_deletes_much_mail_leaks_nothing(dovecot, request):
    deletes = request.config.getoption("deletes")
    text, kept = report(dovecot, deletes)
    assert kept == deletes
    found = [block for block in text.split("\n\n") if "lazy_expunge" in block or "lazy-expunge" in block]
    assert not found, "\n".join(found)
