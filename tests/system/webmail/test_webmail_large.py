"""Self-service in Roundcube with a storage of some size: what the first page asks of the server does not grow with it."""

import re

import pytest
from harness import message, wait_for
from harness.webmail.server import IMAP_DEBUG
from harness.webmail.users import LAZY, delete

MANY = 600


def ended(sessions):
    """The commands of the session that has listed the storage, when it is over."""
    return next((commands for commands in sessions if any("SAVEDATE" in command for command in commands)
                 and commands[-1].startswith("LOGOUT")), None)


@pytest.mark.formats("maildir")
def test_the_first_page_asks_as_often_however_much_there_is(dovecot, webmail):
    server = dovecot(lazy=LAZY)
    few, many = server.user(), server.user()
    few.fill("INBOX", 2)
    many.fill("INBOX", [message(subject=f"Number {n}") for n in range(MANY)])
    asked = []
    browser = webmail.browser()
    for user in (few, many):
        delete(user)
        webmail.configure(server, raw=IMAP_DEBUG)
        browser.driver.delete_all_cookies()
        browser.login(user)
        webmail.forget_imap_commands()
        browser.ask("list")
        asked.append(wait_for(lambda: ended(webmail.imap_commands()), "the end of the session that lists"))
    few, many = [[re.match(r"(?:UID )?\w+", command).group(0) for command in commands] for commands in asked]
    assert few == many and many.count("UID FETCH") == 3, "of all, the facts; of those shown, the facts and the headers"
    assert len(many) < 15
    browser.recover()
    assert browser.groups()[0].endswith(f"{MANY} messages from Inbox") and len(browser.subjects()) == 5
