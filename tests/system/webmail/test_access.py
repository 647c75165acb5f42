"""Self-service in Roundcube for those who use a keyboard, a screen reader, a narrow screen, or have another time."""

import datetime
import zoneinfo

import pytest
from harness import message
from harness.webmail.server import NARROW
from harness.webmail.users import LAZY, delete, make

pytestmark = pytest.mark.formats("maildir")


@pytest.fixture
def user(dovecot, webmail):
    """Two deletions, of which the newer has two mails."""
    server = dovecot(lazy=LAZY)
    user = server.user()
    make(user, "Work")
    user.fill("INBOX", [message(subject="Minutes", sender="Rosa <rosa@example.com>")])
    user.fill("Work", [message(subject="Offer"), message(subject="Order")])
    delete(user)
    delete(user, "Work")
    webmail.configure(server)
    return user


def test_the_tab_key_goes_through_the_page_in_its_order(user, webmail):
    browser = webmail.browser().login(user).recover()
    newer, older = browser.groups()
    rows = lambda *subjects: [control for subject in subjects for control in (("checkbox", subject), ("button", subject))]
    group = lambda title, *subjects: [("checkbox", f"Select all of: {title}"), ("button", f"Restore all of it: {title}"), *rows(*subjects)]
    controls = browser.in_order()
    assert controls[0][1] == "How does this work?"
    assert controls[1:] == [
        ("searchbox", "Search"), ("combobox", "Search in"), ("combobox", "Deleted from"),
        (controls[4][0], "Deleted since"), (controls[5][0], "Deleted until"), ("button", "Search"), ("button", "Clear"),
        ("combobox", "Restore to"), ("button", "Restore all found (3)"),
        *group(newer, *browser.subjects()[:2]), *group(older, "Minutes")]


def test_what_a_screen_reader_says(user, webmail):
    from selenium.webdriver.common.keys import Keys
    webmail.configure(user.server, {"page_size": 1})
    browser = webmail.browser().login(user).recover()
    role = lambda selector: browser.one(selector).aria_role
    assert [role(selector) for selector in ("#lazy-expunge-form", "#lazy-expunge-status", "#lazy-expunge-pages", ".lazy-expunge-group h3",
                                            ".lazy-expunge-rows", ".lazy-expunge-rows li")] == \
        ["search", "status", "navigation", "heading", "list", "listitem"]
    assert browser.one("#lazy-expunge-pages").accessible_name == "Pages"
    assert browser.all("#lazy-expunge-progress-text")[0].get_attribute("role") == "status"
    browser.script("document.getElementById('lazy-expunge-progress').hidden = false; "
                   "document.getElementById('lazy-expunge-progress-text').textContent = '1 of 3 messages'")
    bar = browser.one("#lazy-expunge-progress progress")
    assert (bar.aria_role, bar.accessible_name) == ("progressbar", "1 of 3 messages")
    browser.script("document.getElementById('lazy-expunge-progress').hidden = true")
    assert browser.script("return document.querySelector('main, [role=main]').querySelectorAll('#lazy-expunge-list').length") == 1
    assert browser.texts("#lazy-expunge-status") == ["Messages found: 3"]
    # the list says that it is being read anew, and what is done is read out where it is
    assert browser.script("return document.getElementById('lazy-expunge-list').getAttribute('aria-busy')") == "false"
    for button, subjects, page in (("older", ["Minutes"], "Page 2 of 2"), ("newer", browser.subjects(), "Page 1 of 2")):
        browser.busy()
        browser.one(f"#lazy-expunge-{button}").send_keys(Keys.RETURN)
        assert browser.listed().subjects() == subjects and browser.one("#lazy-expunge-page").text == page
    browser.check("Offer")
    browser.restore()
    assert browser.driver.switch_to.active_element.text == "Restored"
    assert browser.script("return document.activeElement.closest('[aria-live=polite]').id") == "lazy-expunge-result"
    browser.undo()
    assert browser.driver.switch_to.active_element.text == "Deleted again: 1"


def test_the_preview_gives_the_focus_back(user, webmail):
    from selenium.webdriver.common.keys import Keys
    browser = webmail.browser().login(user).recover()
    browser.all(".lazy-expunge-subject")[1].send_keys(Keys.RETURN)
    frame = browser.one("iframe.lazy-expunge-preview")
    dialog = browser.one(".ui-dialog")
    assert dialog.aria_role == "dialog" and dialog.accessible_name == "Message preview" and frame.accessible_name == browser.subjects()[1]
    browser.wait(lambda: browser.script("return document.activeElement.closest('.ui-dialog') !== null"), "the focus in the dialog")
    browser.one(".ui-dialog button.cancel").send_keys(Keys.RETURN)
    browser.wait(lambda: not browser.all(".ui-dialog"), "the dialog to close")
    assert browser.driver.switch_to.active_element.text == browser.subjects()[1]


def test_a_narrow_screen_has_all_of_it(user, webmail):
    browser = webmail.browser(NARROW).login(user).recover()
    width = browser.script("return document.documentElement.clientWidth")
    outside = browser.script("return Array.from(document.querySelectorAll('.lazy-expunge-scroller *')).filter(function (e) {"
                             "var box = e.getBoundingClientRect(); return box.width && (box.left < 0 || box.right > arguments[0] + 1); }"
                             ".bind(null)).map(function (e) { return e.outerHTML.slice(0, 80); })".replace("arguments[0]", str(width)))
    assert outside == []
    browser.check("Offer")
    browser.restore()
    assert len(user.messages("Work")) == 1


def test_from_right_to_left_and_without_english(user, webmail):
    # a page that is still loading would write the language back
    browser = webmail.browser().login(user).recover()
    webmail.preferences(user, language="fa_IR")
    browser.driver.delete_all_cookies()
    browser.login(user).recover()
    assert browser.one("#layout-content").get_attribute("dir") == "rtl"
    assert "بازیابی پیام‌های حذف‌شده" in browser.one(".header-title").text
    # a name from left to right stands in the text as one piece
    assert "\u2068Work\u2069" in browser.groups()[0]
    browser.check("Minutes")
    assert browser.restore()[0] == "بازیابی شد"
    assert browser.undo()[0].startswith("دوباره حذف شد")


@pytest.mark.parametrize("zone", ("Asia/Kolkata", "Pacific/Honolulu"))
def test_times_and_days_are_those_of_the_user(dovecot, webmail, zone):
    server = dovecot(lazy=LAZY)
    user = server.user()
    user.fill("INBOX", 1)
    delete(user)
    [mail] = user.kept()
    when = datetime.datetime.fromtimestamp(mail.saved, zoneinfo.ZoneInfo(zone))
    webmail.configure(server, {"keep_days": 7})
    browser = webmail.browser().login(user).recover()
    webmail.preferences(user, timezone=zone, date_format="Y-m-d", time_format="H:i", prettydate=False)
    browser.driver.delete_all_cookies()
    browser.login(user).recover()
    assert browser.groups()[0].startswith(when.strftime("%Y-%m-%d %H:%M"))
    assert browser.texts(".lazy-expunge-until") == ["there until " + (when + datetime.timedelta(7)).strftime("%Y-%m-%d")]
    day = lambda days: (when + datetime.timedelta(days)).strftime("%Y-%m-%d")
    for since, until, wanted in ((day(0), day(0), 1), (day(1), "", 0), ("", day(-1), 0)):
        assert len(browser.filter(since=since, until=until).subjects()) == wanted
