"""mdbox counts a copy after it has written it: killed in between, nothing may get lost when the other copy goes for good."""

import contextlib

import pytest

from harness import crash
from harness.faults import session_process, traced

LAST = {"mailbox": "EXPUNGED", "only_last_instance": True}
pytestmark = pytest.mark.formats("mdbox")


@pytest.mark.parametrize("way", ["expunge", "move"])
def test_what_is_live_survives_the_end_of_its_copy(dovecot, way):
    server = dovecot.own(lazy=LAST)
    server.expect_log(r"^(?!.*(Panic|signal 11))", required=False)
    copies = {"expunge": "EXPUNGED", "move": "Copies"}[way]
    in_both = 0
    for number in range(1, 30):
        user, session = crash.prepare(server, way, True)
        answer = None
        with traced(server, [session_process(server)], "-e", "trace=write,pwrite64",
                    "-e", f"inject=write,pwrite64:signal=SIGKILL:when={number}"), contextlib.suppress(*crash.ENDED):
            answer = session(crash.command(way))
        session.close()
        server.settle()
        if answer:
            break
        live, copied = ([mail for mail in user.messages(box) if mail.subject == "the mail"] for box in ("INBOX", copies))
        in_both += bool(live and copied)
        user.doveadm("expunge", "mailbox", copies, "all", check=False)
        user.doveadm("purge", check=False)
        after = [mail for mail in user.messages() if mail.subject == "the mail"]
        assert [mail.text for mail in after] == [mail.text for mail in live], f"killed at write {number}"
        assert all("A line of text." in mail.text for mail in after)
        assert not list(user.home.rglob("*.unclean"))
    assert number > 5 and in_both > 0
