"""Self-service in Roundcube: what the administrator allows is told first, and holds at every call."""

import re

import pytest
from harness import message
from harness.webmail.server import PAGE
from harness.webmail.users import LAZY, delete

pytestmark = pytest.mark.formats("maildir")

CALLS = (("list", "GET"), ("more", "GET"), ("select", "GET"), ("preview", "GET"), ("restore", "POST"), ("undo", "POST"))


def anything(user):
    """What each of the calls asks for."""
    with user.imap() as session:
        [status] = session.ok("STATUS .EXPUNGED (UIDVALIDITY)").lines("STATUS")
    validity = re.search(r"UIDVALIDITY (\d+)", status).group(1)
    return dict(call=1, page=1, storage=".EXPUNGED", uids=1, uid=1, run="abc", target="", validity=validity)


def test_switched_off_for_a_user(dovecot, webmail):
    server = dovecot(lazy=LAZY)
    allowed, denied = server.user(), server.user()
    for user in (allowed, denied):
        user.fill("INBOX", [message(subject="Secret")])
        delete(user)
    webmail.configure(server, {"users": [f"!{denied.name}", "*"]})
    browser = webmail.browser().login(denied)
    assert not browser.all("a.lazy-expunge")
    browser.driver.get(webmail.url + "?_task=settings")
    assert browser.one("#settings-menu") and not browser.all("#settings-menu li.lazy-expunge")
    assert browser.recover().said() == "Your administrator has switched this page off for you."
    for call, method in CALLS:
        answer = browser.ask(call, method, **anything(denied))
        assert "Secret" not in answer and ("switched this page off" in answer or call == "preview"), call
    browser.driver.get(f"{webmail.url}{PAGE}.preview&_storage=.EXPUNGED&_uid=1")
    assert "switched this page off" in browser.one("[role=alert]").text and "Secret" not in browser.driver.page_source
    assert denied.messages() == [] and len(denied.kept()) == 1
    browser.driver.delete_all_cookies()
    assert len(browser.login(allowed).recover().subjects()) == 1


def test_how_many_at_once(dovecot, webmail):
    server = dovecot(lazy=LAZY)
    user = server.user()
    user.fill("INBOX", 5)
    delete(user)
    webmail.configure(server, {"max_restore": 3, "batch": 2})
    browser = webmail.browser().login(user).recover()
    assert "At most 3 messages can be restored at once." in browser.one(".lazy-expunge-limits").text
    browser.one("#lazy-expunge-found").click()
    browser.wait(lambda: "Choose fewer" in browser.one("#lazy-expunge-status").text, "the refusal")
    assert user.messages() == []
    # the server counts, whatever the browser says
    browser.script("rcmail.env.lazy_expunge.max = 0")
    lines = browser.restore("#lazy-expunge-found")
    assert lines[0] == "The restore was interrupted" and "At most 3 messages can be restored at once. Choose fewer." in lines
    assert len(user.messages()) == 2 and len(user.kept()) == 3
    assert len(browser.recover().subjects()) == 3
    browser.restore("#lazy-expunge-found")
    assert len(user.messages()) == 5


def test_how_far_back(dovecot, webmail):
    server = dovecot(lazy=LAZY)
    user = server.user()
    user.fill("INBOX", [message(subject="Secret")])
    delete(user)
    webmail.configure(server, {"max_age": 9, "keep_days": 30})
    webmail.set_clock("+8d")
    try:
        browser = webmail.browser().login(user).recover()
        assert browser.subjects() == ["Secret"] and "last 9 days" in browser.one(".lazy-expunge-limits").text
        # the list is as it was, and the server says no
        webmail.configure(server, {"max_age": 7, "keep_days": 30})
        browser.check("Secret")
        assert "Too old to be restored here: 1" in browser.restore()[1:]
        for call, method in CALLS:
            assert "Secret" not in browser.ask(call, method, **anything(user)), call
        assert '"count":0' in browser.ask("select", **anything(user)).replace("\\", "") and user.messages() == []
        assert browser.recover().subjects() == []
        assert browser.one(".lazy-expunge-old").text.startswith("1 older messages cannot be restored here.")
        assert len(user.kept()) == 1
    finally:
        webmail.set_clock()
