"""The pictures of README and doc/WEBMAIL.md: taken of the page as it is, and looked at for what must not be on any screen."""

import struct

import pytest

from harness import message, places
from harness.webmail.server import NARROW, WIDE

LAZY = {"only_last_instance": True, "hidden": True, "protect": True}
SETTINGS = {"keep_days": 7, "max_restore": 2000}
# (folder, who, subject, flags), as they are deleted one folder after the other
MAILS = (("INBOX", "Rosa Pons <rosa@example.com>", "Minutes of the meeting", "\\Seen"),
         ("INBOX", "Ali Reza <ali@example.com>", "دعوت به جلسه", ""),
         ("Projects/Spring", "Garden Ltd <offers@example.com>", "Offer for the garden", "\\Seen"),
         ("Projects/Spring", "Garden Ltd <offers@example.com>", "Which trees go where", "\\Seen"),
         ("Projects/Spring", "Jan Vos <jan@example.com>", "Lunch on Friday?", ""))


def user_with_history(server):
    user = server.user()
    for folder in ("INBOX", "Projects/Spring", "Sent"):
        if folder != "INBOX":
            with user.imap() as session:
                session(f'CREATE "{folder}"')
                session.ok(f'SUBSCRIBE "{folder}"')
    for folder, who, subject, flags in MAILS:
        user.fill(folder, [message(subject=subject, sender=who)], flags)
    user.fill("Sent", [message(subject="Invoice, once more", to="Kim Novak <kim@example.com>")], "\\Seen")
    user.fill("INBOX", [message(subject=f"Newsletter {n}", sender="News <news@example.com>") for n in range(1, 13)], "\\Seen")
    for folder in ("INBOX", "Sent", "Projects/Spring"):
        with user.imap(folder) as session:
            session.delete("1:*")
    with user.imap() as session:
        session.ok('DELETE "Projects/Spring"')
    return user


def overflows(browser):
    """Whether the page is wider than the window."""
    return browser.script("var s = document.querySelector('.lazy-expunge-scroller'); return s.scrollWidth > s.clientWidth + 1 || "
                          "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1")


def size_of(path):
    with path.open("rb") as file:
        return struct.unpack(">II", file.read(24)[16:])


@pytest.mark.native
@pytest.mark.formats("maildir")
def test_the_page_on_wide_narrow_and_right_to_left_screens(dovecot, webmail, tmp_path, pytestconfig):
    pictures = places.SOURCE / "doc/pictures" if pytestconfig.getoption("pictures") else tmp_path
    server = dovecot(lazy=LAZY)
    user = user_with_history(server)
    webmail.configure(server, SETTINGS)
    browser = webmail.browser(WIDE).login(user).recover()
    browser.check("Offer for the garden")
    assert not overflows(browser)
    browser.picture(pictures / "webmail-wide.png")

    browser.resize(NARROW)
    browser.recover()
    assert not overflows(browser)
    browser.picture(pictures / "webmail-narrow.png")

    webmail.preferences(user, language="fa_IR")
    browser.driver.delete_all_cookies()
    browser.resize(WIDE)
    browser.login(user).recover()
    assert browser.script("return getComputedStyle(document.querySelector('.lazy-expunge-group')).direction") == "rtl"
    box = browser.one(".lazy-expunge-group header input")
    assert box.rect["x"] > browser.one(".lazy-expunge-group h3").rect["x"], "the box stands before the title, which is right of it"
    assert not overflows(browser)
    browser.picture(pictures / "webmail-right-to-left.png")
    for path in pictures.glob("webmail-*.png"):
        width, height = size_of(path)
        assert width > 300 and height > 500 and path.stat().st_size < 200_000
