"""tools/demo --webmail: it prints an address and a log-in with which a user gets to the page, and ends when Enter is pressed."""

import builtins
import re
import sys
import types

import pytest
from harness import places, wait_for
from harness.webmail import server as webmails
from harness.webmail.users import LAZY


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.syspath_prepend(str(places.SOURCE / "tools/front"))
    import demo
    yield demo
    sys.modules.pop("demo")


@pytest.mark.native
@pytest.mark.formats("maildir")
def test_what_is_printed_works_until_enter(dovecot, webmail, demo, monkeypatch, capsys):
    seen = {}

    def enter(prompt):
        """Do what the text says, and press Enter."""
        said = capsys.readouterr().out
        [seen["url"]] = re.findall(r"^   (http://127\.0\.0\.1:\d+/)$", said, re.MULTILINE)
        [(user, password)] = re.findall(r"log in as (\S+) with the password (\S+)", said)
        [page] = re.findall(r"^   Recover deleted messages: (\S+)$", said, re.MULTILINE)
        assert "Enter" in prompt and password == demo.PASSWORD
        browser = webmail.browser()
        monkeypatch.setattr(browser, "webmail", types.SimpleNamespace(url=seen["url"]))
        browser.login(types.SimpleNamespace(name=user)).recover(page[len(seen["url"]):])
        seen["subjects"] = browser.subjects()
        browser.restore("#lazy-expunge-found")
        return ""

    monkeypatch.setattr(builtins, "input", enter)
    server = dovecot.own(lazy=LAZY)
    # the browser comes with a Roundcube of its own, which is asked whether it answers
    webmail.configure(server)
    demo._webmail(server)
    assert {"Offer for the garden", "Which trees go where"} <= set(seen["subjects"])
    [anna] = [user for user in server._users if user.name == "anna"]
    assert len(anna.messages()) == 12 and len(anna.messages(demo.MAILBOX)) == 2 and anna.kept() == []
    wait_for(lambda: not webmails._answers(seen["url"]), "the address to be free again")
