"""Self-service in Roundcube: what the administrator allows is told first, and holds at every call."""

import pytest
from harness import message
from test_webmail import LAZY, delete

pytestmark = pytest.mark.formats("maildir")


def test_switched_off_for_a_user(dovecot, webmail):
    server = dovecot(lazy=LAZY)
    allowed, denied = server.user(), server.user()
    for user in (allowed, denied):
        user.fill("INBOX", 1)
        delete(user)
    webmail.configure(server, {"users": [f"!{denied.name}", "*"]})
    browser = webmail.browser().login(denied)
    assert not browser.all("a.lazy-expunge")
    browser.driver.get(webmail.url + "?_task=settings")
    assert browser.one("#settings-menu") and not browser.all("#settings-menu li.lazy-expunge")
    assert browser.recover().said() == "Your administrator has switched this page off for you."
    answer = browser.driver.execute_async_script(
        "var done = arguments[0]; $.get('?_task=mail&_action=plugin.lazy_expunge.list&_remote=1', function (r) { done(JSON.stringify(r)); })")
    assert "switched this page off" in answer and "message" not in answer.partition("exec")[2].replace("messages", "")
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
    user.fill("INBOX", [message(subject="old")])
    delete(user)
    webmail.configure(server, {"max_age": 9, "keep_days": 30})
    webmail.set_clock("+8d")
    try:
        browser = webmail.browser().login(user).recover()
        assert browser.subjects() == ["old"] and "last 9 days" in browser.one(".lazy-expunge-limits").text
        # the list is as it was, and the server says no
        webmail.configure(server, {"max_age": 7, "keep_days": 30})
        browser.check("old")
        assert "Too old to be restored here: 1" in browser.restore()[1:]
        assert browser.recover().subjects() == []
        assert browser.one(".lazy-expunge-old").text.startswith("1 older messages cannot be restored here.")
        assert len(user.kept()) == 1
    finally:
        webmail.set_clock()
