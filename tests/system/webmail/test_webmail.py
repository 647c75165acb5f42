"""Self-service in Roundcube: users find their deleted mail and look at it, in a real browser."""

import datetime
import re
from dataclasses import replace

import pytest
from harness import message, places
from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, namespace_mode, settings
from harness.webmail.users import LAZY, delete, make


@pytest.mark.each_webmail
def test_a_deleted_mail_is_found_and_restored(dovecot, webmail):
    server = dovecot(lazy=LAZY)
    user = server.user()
    user.fill("INBOX", [message(subject="Minutes of the meeting")], "\\Seen word", "01-Jan-2021 00:00:00 +0000")
    [before] = user.messages()
    delete(user)
    webmail.configure(server)
    browser = webmail.browser().login(user).recover()
    assert browser.subjects() == ["Minutes of the meeting"]
    browser.check("Minutes of the meeting")
    assert browser.restore()[:2] == ["Restored", "Restored: 1 to Inbox"]
    [after] = user.messages()
    assert after.content == before.content and after.origins == () and user.kept() == []


GUIDE = dict(re.findall(r"^```dovecot (\S+)\n(.*?)^```$", (places.SOURCE / "doc/WEBMAIL.md").read_text(), re.MULTILINE | re.DOTALL))


@pytest.mark.formats("maildir")
def test_the_guide_s_configuration(dovecot, webmail):
    assert set(GUIDE) == {"2.3", "2.4"}
    server = dovecot(lazy=settings(), mailboxes=(), load_plugin=False, raw=GUIDE["2.4" if dovecot.target.new_settings else "2.3"])
    user = server.user()
    user.fill("INBOX", [message(subject="Minutes")])
    delete(user)
    webmail.configure(server)
    assert webmail.browser().login(user).recover().subjects() == ["Minutes"]


NAMES = {
    "dot": dict(separator="."),
    "prefix": dict(prefix="INBOX.", separator=".", lazy=dict(LAZY, mailbox="INBOX.EXPUNGED")),
    "prefix and dot": dict(prefix="INBOX.", separator=".", lazy=dict(LAZY, mailbox="INBOX..EXPUNGED")),
    "other name": dict(lazy=dict(LAZY, mailbox="Deleted Items/Gone")),
}


@pytest.mark.formats("maildir", "mdbox")
@pytest.mark.parametrize("kind", NAMES)
def test_names_and_separators(dovecot, webmail, kind):
    fields = dict({"lazy": LAZY}, **NAMES[kind])
    server = dovecot(**fields)
    user = server.user()
    separator, prefix = server.config.separator, server.config.prefix
    folder = f"{prefix}Work{separator}Blå"
    make(user, folder)
    user.fill(folder, [message(subject="Plans")])
    delete(user, folder)
    webmail.configure(server, {"storage": server.config.storage})
    browser = webmail.browser().login(user).recover()
    assert [title.partition("from ")[2] for title in browser.groups()] == [f"Work{separator}Blå"]
    browser.restore(".lazy-expunge-restore-group")
    assert len(user.messages(folder)) == 1 and user.kept() == []


NAMESPACES = {"listed": dict(), "hidden": dict(hidden=True), "other separator": dict(separator=".", storage_separator="/", hidden=True)}


@pytest.mark.parametrize("kind", NAMESPACES)
@pytest.mark.formats("maildir", "mdbox")
def test_a_namespace_as_the_storage(dovecot, webmail, kind):
    options = dict(NAMESPACES[kind])
    server = dovecot(**namespace_mode(dovecot.format, only_last_instance=True, protect=True, **options))
    user = server.user()
    folder = f"Work{server.config.separator}Old"
    make(user, folder)
    user.fill(folder, [message(subject="Plans")])
    user.fill("INBOX", [message(subject="Hello")])
    delete(user, folder)
    delete(user)
    webmail.configure(server, {"storage": server.config.storage})
    browser = webmail.browser().login(user).recover()
    assert sorted(browser.subjects()) == ["Hello", "Plans"]
    # what the server does not list is not left out in silence
    assert ["may be missing" in text for text in browser.texts(".lazy-expunge-partial")] == ([True] if options.get("hidden") else [])
    browser.restore("#lazy-expunge-found")
    assert len(user.messages(folder)) == len(user.messages()) == 1 and user.kept() == []
    assert browser.undo()[0] == "Deleted again: 2"
    assert len(user.kept()) == 2 and user.messages(folder) == user.messages() == []


def looking(kind, form):
    """Fields of Config for a storage of this kind that lets the user look and read, as an administrator writes them for each version."""
    if kind == "mailbox":
        return dict(lazy=LAZY, acl=((".EXPUNGED", (("owner", "lrt"),)),))
    fields = namespace_mode(form, only_last_instance=True, protect=True, hidden=kind == "hidden namespace")
    [storage] = fields["namespaces"]
    storage = replace(storage, raw24="acl owner {\n  rights = lrt\n}\n")
    return dict(fields, namespaces=(storage,), acl_enabled=True, raw23="plugin {\n  acl = vfile:@ROOT@/rights\n}\n",
                files=(("rights", ".EXPUNGED/* owner lrt\n"),))


@pytest.mark.parametrize("kind", ("mailbox", "namespace", "hidden namespace"))
def test_the_rights_to_look_and_read_are_enough(dovecot, webmail, kind):
    server = dovecot(**looking(kind, dovecot.format))
    user = server.user()
    make(user, "Work/Old")
    for folder in ("INBOX", "Work/Old"):
        user.fill(folder, [message(subject=f"Minutes of {folder}")], "\\Seen word")
    before = {folder: user.messages(folder)[0] for folder in ("INBOX", "Work/Old")}
    for folder in before:
        delete(user, folder)
    with user.imap() as session:
        # what is hidden is found by the folders that there are
        if kind != "hidden namespace":
            session.ok("DELETE Work/Old")
        # the rights are what they are thought to be (d: an old name of some of them)
        for storage in {mail.mailbox for mail in user.kept()}:
            assert session.ok(f"MYRIGHTS {storage}").lines("MYRIGHTS") == [f"* MYRIGHTS {storage} lrtd"]
    webmail.configure(server, {"storage": server.config.storage})
    browser = webmail.browser().login(user).recover()
    lines = browser.restore("#lazy-expunge-found")
    assert any(line.startswith("Copied,") and line.endswith(": 2") for line in lines) and "Undo" not in lines
    for folder, mail in before.items():
        [after] = user.messages(folder)
        assert after.flags == mail.flags and after.keywords - {"$HasNoAttachment"} == {"word"} and after.origins == ()
    assert len(user.kept()) == 2
    # a second time they are there already
    assert "Already in the folder, not restored again: 2" in browser.restore("#lazy-expunge-found")
    assert len(user.messages()) == len(user.messages("Work/Old")) == 1


@pytest.mark.formats("maildir")
def test_sent_mail_shows_to_whom_it_went(dovecot, webmail):
    server = dovecot(lazy=LAZY, mailboxes=(*DEFAULT_MAILBOXES, Mailbox("Sent", auto="create", special_use="\\Sent")))
    user = server.user()
    for folder in ("INBOX", "Sent"):
        user.fill(folder, [message(sender="Rosa Pons <rosa@example.com>", to="Kim Novak <kim@example.com>")])
        delete(user, folder)
    webmail.configure(server)
    browser = webmail.browser().login(user).recover()
    assert sorted(browser.texts(".lazy-expunge-who")) == ["From: Rosa Pons", "To: Kim Novak"]


@pytest.mark.formats("maildir")
def test_what_is_deleted_in_roundcube_and_elsewhere_is_grouped(dovecot, webmail):
    server = dovecot(lazy=LAZY)
    user = server.user()
    user.fill("INBOX", [message(subject=f"Number {n}") for n in range(8)])
    # however slow the machine is
    webmail.configure(server, {"gap": 3600})
    browser = webmail.browser().login(user)
    browser.wait(lambda: len(browser.all("#messagelist tbody tr")) == 8, "the messages")
    browser.script("rcmail.message_list.select_all(); rcmail.command('delete')")
    browser.wait(lambda: len(user.messages("Trash")) == 8, "the messages in the trash")
    browser.driver.get(webmail.url + "?_task=mail&_mbox=Trash")
    browser.wait(lambda: len(browser.all("#messagelist tbody tr")) == 8, "the trash")
    delete(user, "Trash", "1:3")
    browser.driver.refresh()
    browser.wait(lambda: len(browser.all("#messagelist tbody tr")) == 5, "the rest of the trash")
    browser.script("rcmail.message_list.select_all(); rcmail.command('delete')")
    browser.wait(lambda: len(user.kept()) == 8, "all of it in the storage")
    browser.recover()
    [title] = browser.groups()
    # where they were before they went through the trash
    assert "8 messages from Inbox" in title and len(browser.subjects()) == 5
    browser.one(".lazy-expunge-more").click()
    browser.wait(lambda: len(browser.subjects()) == 8, "all messages of the deletion")
    assert not browser.all(".lazy-expunge-more")


@pytest.mark.formats("maildir")
def test_search_and_filters(dovecot, webmail):
    server = dovecot(lazy=LAZY)
    user = server.user()
    make(user, "Work")
    user.fill("INBOX", [message(subject="Grüße", sender="Rosa <rosa@example.com>", body="about the garden\n"),
                        message(subject="Lunch", sender="Jan <jan@example.com>", to="team@example.com")])
    user.fill("Work", [message(subject="Offer", sender="rosa@example.com", body="see below\n")])
    delete(user)
    delete(user, "Work")
    webmail.configure(server)
    browser = webmail.browser().login(user).recover()
    assert sorted(browser.subjects()) == ["Grüße", "Lunch", "Offer"]
    day = lambda days: (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days)).strftime("%Y-%m-%d")
    for fields, wanted in [
            (dict(text="grüße"), ["Grüße"]), (dict(text="rosa"), ["Grüße", "Offer"]), (dict(text="garden"), []),
            (dict(text="garden", where="Whole"), ["Grüße"]), (dict(text="team", where="Recipient"), ["Lunch"]),
            (dict(text="rosa", where="Sender", folder="Work"), ["Offer"]), (dict(text="", folder="Inbox"), ["Grüße", "Lunch"]),
            (dict(folder="All", since=day(0), until=day(0)), ["Grüße", "Lunch", "Offer"]), (dict(since=day(1), until=""), []),
            (dict(since="", until=day(-1)), []), (dict(until="", text='quo"te\\ {3}'), [])]:
        browser.filter(**fields)
        assert sorted(browser.subjects()) == wanted, fields
    assert browser.said() == "No deleted message matches your search."


@pytest.mark.each_webmail
@pytest.mark.formats("maildir")
def test_the_preview_loads_nothing_and_marks_nothing(dovecot, webmail):
    server = dovecot(lazy=LAZY)
    user = server.user()
    html = ('<p>Hello <b>there</b></p><script>parent.evil = 1</script><img src="http://remote.example.com/pixel.png" onerror="parent.evil = 1">'
            '<a href="javascript:parent.evil=1">x</a>\n')
    body = (f"--x\nContent-Type: text/html; charset=utf-8\n\n{html}\n--x\nContent-Type: text/plain; charset=utf-8\n"
            "Content-Disposition: attachment; filename=\"<b>notes & more.txt\"\n\nKept with it\n--x--\n")
    headers = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\nDisposition-Notification-To: spy@example.com\n"
    user.fill("INBOX", [message(subject="Look", body=body, headers=headers)])
    delete(user)
    webmail.configure(server)
    browser = webmail.browser().login(user)
    webmail.preferences(user, show_images=2, prefer_html=True, mail_read_time=0)
    browser.recover()
    browser.one(".lazy-expunge-subject").click()
    browser.driver.switch_to.frame(browser.one("iframe.lazy-expunge-preview"))
    shown = browser.wait(lambda: browser.one("#messagebody").get_attribute("innerHTML"), "the message")
    assert "Hello" in shown and "<b>there</b>" in shown
    assert not [bad for bad in ("remote.example.com", "<script", "javascript:", "onerror") if bad in shown]
    attached = browser.one(".attachmentslist a")
    assert "notes" in attached.text and browser.all(".attachmentslist a b") == []
    loaded = browser.driver.execute_async_script(
        "fetch(arguments[0]).then(answer => answer.text()).then(arguments[1])", attached.get_attribute("href"))
    assert loaded.strip() == "Kept with it"
    browser.driver.switch_to.default_content()
    assert browser.script("return window.evil === undefined")
    [mail] = user.kept()
    assert "\\Seen" not in mail.flags and "$MDNSent" not in mail.keywords
    browser.one(".ui-dialog button.mainaction").click()
    browser.result()
    [mail] = user.messages()
    assert "\\Seen" not in mail.flags
    # the storage is no folder to come back to
    browser.driver.get(webmail.url + "?_task=mail")
    assert browser.script("return rcmail.env.mailbox") == "INBOX"


@pytest.mark.formats("maildir")
def test_the_page_is_in_both_menus_and_needs_no_mouse(dovecot, webmail):
    from selenium.webdriver.common.keys import Keys
    server = dovecot(lazy=LAZY)
    user = server.user()
    user.fill("INBOX", [message(subject="One"), message(subject="Two")])
    delete(user)
    webmail.configure(server)
    browser = webmail.browser().login(user)
    browser.script("document.querySelector('a.sidebar-menu').click()")
    browser.one("a.lazy-expunge").click()
    browser.listed()
    browser.driver.get(webmail.url + "?_task=settings")
    browser.one("#settings-menu li.lazy-expunge a").click()
    browser.listed()
    # every control has a name, and the whole of it can be done by keyboard
    names = browser.script("return Array.from(document.querySelectorAll('.lazy-expunge button, .lazy-expunge input, .lazy-expunge select'))"
                           ".filter(e => e.offsetParent && !(e.getAttribute('aria-label') || e.textContent || e.closest('label'))).length")
    assert names == 0
    browser.one(".lazy-expunge-one").send_keys(Keys.SPACE)
    button = browser.one("#lazy-expunge-selected")
    assert button.is_enabled() and button.text == "Restore selected (1)"
    button.send_keys(Keys.RETURN)
    browser.result()
    assert browser.script("return document.activeElement.closest('#lazy-expunge-result') !== null"), "the result is read out"
    assert len(user.messages()) == len(user.kept()) == 1
    browser.one(".lazy-expunge-subject").send_keys(Keys.RETURN)
    browser.one("iframe.lazy-expunge-preview")


@pytest.mark.formats("maildir")
def test_words_where_there_is_nothing_to_show(dovecot, webmail):
    """No mail, no plugin on the server, no right, a setting that cannot be used, no server."""
    browser = None
    rights = lambda letters: ((".EXPUNGED", (("owner", letters),)),)
    cases = [(dict(lazy=LAZY), {}, "Either nothing has been deleted yet"), (dict(plugin="none", lazy=()), {}, "does not keep deleted messages"),
             (dict(acl=rights("l")), {}, "You may not see"), (dict(acl=rights("")), {}, "or you may not open them"),
             (dict(lazy=LAZY), {"page_size": "many"}, "not set up correctly")]
    for fields, settings, words in cases:
        server = dovecot(**fields)
        user = server.user()
        user.fill("INBOX", 1)
        if fields.get("acl"):
            delete(user)
        webmail.configure(server, settings)
        browser = browser or webmail.browser()
        browser.driver.delete_all_cookies()
        browser.login(user).recover()
        assert words in browser.said()
    logged = webmail.errors()
    assert [line for line in logged if 'lazy_expunge_page_size = "many" cannot be used: it must be a number from 1 to 200' in line]
    assert all("cannot be" in line for line in logged)
