"""Self-service in Roundcube: what is restored, where to, and what happens when something is in the way."""

import re

import pytest
from harness import message, wait_for
from harness.dovecot.config import Quota
from harness.dovecot.imap import name
from harness.webmail.users import LAZY, delete, make

pytestmark = pytest.mark.formats("maildir")


def start(dovecot, webmail, settings=None, **fields):
    server = dovecot(**dict({"lazy": LAZY}, **fields))
    webmail.configure(server, settings)
    return server.user()


def subscribed(user):
    with user.imap() as session:
        return " ".join(session.ok('LSUB "" "*"').lines("LSUB"))


def test_a_group_and_all_in_batches(dovecot, webmail):
    user = start(dovecot, webmail, {"batch": 3})
    make(user, "Work")
    user.fill("INBOX", [message(subject=f"in {n}") for n in range(7)], "\\Flagged")
    user.fill("Work", 4)
    delete(user)
    delete(user, "Work")
    browser = webmail.browser().login(user).recover()
    assert browser.filter(text="in 1").subjects() == ["in 1"]
    assert browser.restore("#lazy-expunge-found")[:2] == ["Restored", "Restored: 1 to Inbox"]
    browser.filter(text="", folder="Inbox")
    assert browser.restore(".lazy-expunge-restore-group")[:2] == ["Restored", "Restored: 6 to Inbox"]
    assert len(user.messages()) == 7 and all("\\Flagged" in mail.flags for mail in user.messages())
    browser.filter(folder="All")
    browser.restore("#lazy-expunge-found")
    assert len(user.messages("Work")) == 4 and user.kept() == []
    link = browser.one("#lazy-expunge-result a")
    link.click()
    browser.wait(lambda: len(browser.all("#messagelist tbody tr")) == 4, "the folder that the result links to")


def test_a_stopped_restore_leaves_the_rest(dovecot, webmail):
    user = start(dovecot, webmail, {"batch": 1})
    user.fill("INBOX", 30)
    delete(user)
    browser = webmail.browser().login(user).recover()
    browser.script("new MutationObserver(function () { document.getElementById('lazy-expunge-stop').click(); })"
                   ".observe(document.getElementById('lazy-expunge-progress-text'), {childList: true})")
    lines = browser.restore("#lazy-expunge-found")
    back = len(user.messages())
    assert 0 < back < 30 and lines[0] == "Stopped" and f"Not tried, they stay here: {30 - back}" in lines
    assert len(user.kept()) == 30 - back


@pytest.mark.each_webmail
def test_missing_folders_are_made_and_renamed_ones_found(dovecot, webmail):
    user = start(dovecot, webmail)
    make(user, "Gone", "Gone/Deep", "Old")
    user.fill("Gone/Deep", [message(subject="deep")])
    user.fill("Old", [message(subject="old")])
    delete(user, "Gone/Deep")
    delete(user, "Old")
    with user.imap() as session:
        for folder in ("Gone/Deep", "Gone"):
            session.ok(f"DELETE {folder}")
            session.ok(f"UNSUBSCRIBE {folder}")
    browser = webmail.browser().login(user)
    # renamed where the webmail sees it
    browser.driver.get(webmail.url + "?_task=settings&_action=folders")
    browser.script("rcmail.http_post('folder-rename', {_folder_oldname: 'Old', _folder_newname: 'New'})")
    wait_for(lambda: "New" in user.mailboxes(), "the folder to be renamed")
    browser.recover()
    lines = browser.restore("#lazy-expunge-found")
    assert "The folder Gone was made again." in lines and "The folder Gone/Deep was made again." in lines
    assert len(user.messages("Gone/Deep")) == len(user.messages("New")) == 1 and "Old" not in user.mailboxes()
    assert "Gone/Deep" in subscribed(user)
    assert "Undo" in lines
    assert browser.undo()[0] == "Deleted again: 2"
    assert len(user.kept()) == 2 and user.messages("New") == [] and "Gone" not in user.mailboxes()


def test_into_another_folder_and_back_by_undo(dovecot, webmail):
    user = start(dovecot, webmail, {"batch": 2})
    make(user, "Other")
    user.fill("INBOX", [message(subject=f"m {n}") for n in range(5)], "\\Seen word", "01-Jan-2021 00:00:00 +0000")
    before = [mail.content for mail in user.messages()]
    delete(user)
    browser = webmail.browser().login(user).recover()
    browser.choose_target("Other")
    browser.restore("#lazy-expunge-found")
    assert [mail.content for mail in user.messages("Other")] == before
    assert browser.undo()[0] == "Deleted again: 5"
    assert user.messages("Other") == user.messages() == []
    assert sorted(mail.content for mail in user.kept()) == sorted(before) and {mail.origin for mail in user.kept()} == {"INBOX"}


def test_mail_of_unknown_origin_goes_where_the_user_says(dovecot, webmail):
    user = start(dovecot, webmail, lazy=dict(LAZY, origin=False))
    user.fill("INBOX", 2)
    delete(user)
    browser = webmail.browser().login(user).recover()
    assert "2 messages from unknown folder" in browser.groups()[0]
    assert "It is not known where these were deleted from" in browser.restore("#lazy-expunge-found")[1]
    assert len(user.kept()) == 2
    browser.choose_target("INBOX")
    browser.restore("#lazy-expunge-found")
    assert len(user.messages()) == 2 and user.kept() == []


def test_what_fits_into_the_quota_is_restored(dovecot, webmail):
    user = start(dovecot, webmail, quota=Quota(messages=6))
    user.fill("INBOX", 5)
    delete(user)
    user.fill("INBOX", 3)
    browser = webmail.browser().login(user).recover()
    lines = browser.restore("#lazy-expunge-found")
    assert "Restored: 3 to Inbox" in lines and "No room in your mailbox, they stay here: 2" in lines
    assert len(user.messages()) == 6 and len(user.kept()) == 2


def test_what_is_there_already_is_not_doubled(dovecot, webmail):
    """With rights that let nothing out, mail is copied; a second time it is there already."""
    user = start(dovecot, webmail, acl=((".EXPUNGED", (("owner", "lrt"),)),))
    user.fill("INBOX", [message(subject="one"), message(subject="two")])
    delete(user)
    browser = webmail.browser().login(user).recover()
    lines = browser.restore("#lazy-expunge-found")
    assert any(line.startswith("Copied,") and line.endswith(": 2") for line in lines)
    lines = browser.restore("#lazy-expunge-found")
    assert "Already in the folder, not restored again: 2" in lines
    assert len(user.messages()) == 2 and len(user.kept()) == 2


def test_two_tabs_restore_each_mail_once(dovecot, webmail):
    user = start(dovecot, webmail, {"batch": 1})
    user.fill("INBOX", 12)
    delete(user)
    first = webmail.browser().login(user).recover()
    first.script("window.open(location.href)")
    tabs = first.wait(lambda: len(first.driver.window_handles) == 2 and first.driver.window_handles, "the other tab")
    for tab in tabs:
        first.driver.switch_to.window(tab)
        first.listed().restore("#lazy-expunge-found", wait=False)
    for tab in tabs:
        first.driver.switch_to.window(tab)
        first.result()
    assert len(user.messages()) == 12 and len({mail.guid for mail in user.messages()}) == 12 and user.kept() == []
    # each tab knows what it restored
    for tab in tabs:
        first.driver.switch_to.window(tab)
        if first.all("#lazy-expunge-undo"):
            first.undo()
    assert len(user.kept()) == 12 and user.messages() == []


def test_a_session_that_ends_in_the_middle_loses_nothing(dovecot, webmail):
    user = start(dovecot, webmail, {"batch": 1})
    # of two requests at once in a session that has just ended each writes it anew: Roundcube's own
    webmail.allowed = ("UNIQUE constraint failed: session.sess_id",)
    user.fill("INBOX", 40)
    delete(user)
    browser = webmail.browser().login(user).recover()
    # logged out elsewhere, as soon as some are back
    browser.script("var seen = 0; new MutationObserver(function () { if (++seen === 4) { var r = new XMLHttpRequest();"
                   "r.open('GET', '?_task=logout&_token=' + rcmail.env.request_token, false); r.send(); } })"
                   ".observe(document.getElementById('lazy-expunge-progress-text'), {childList: true})")
    browser.restore("#lazy-expunge-found", wait=False)
    browser.wait(lambda: browser.all("#rcmloginuser") or browser.all("#lazy-expunge-result h3"), "the end")
    back, kept = len(user.messages()), len(user.kept())
    assert back + kept == 40 and 0 < back < 40
    webmail.configure(user.server)
    browser.driver.delete_all_cookies()
    browser.login(user).recover().restore("#lazy-expunge-found")
    assert len(user.messages()) == 40 and user.kept() == []


HOSTILE = "<img src=x onerror=alert(1)><b>$count</b>&amp;\"'"


def test_hostile_text_stays_text(dovecot, webmail):
    user = start(dovecot, webmail)
    folder = "<b>x & <img src=x onerror=alert(1)>&amp;$count"
    make(user, folder)
    user.fill(folder, [message(subject=HOSTILE, sender='"<i>Evil</i>" <evil@example.com>')])
    delete(user, folder)
    with user.imap() as session:
        session.ok(f"DELETE {name(folder)}")
    browser = webmail.browser().login(user).recover()
    assert browser.subjects() == [HOSTILE] and browser.groups()[0].endswith(f"1 message from {folder}")
    assert "<i>Evil</i>" in browser.one(".lazy-expunge-who").text
    lines = browser.restore("#lazy-expunge-found")
    assert f"Restored: 1 to {folder}" in lines and f"The folder {folder} was made again." in lines
    assert not browser.all(".lazy-expunge img, .lazy-expunge b, .lazy-expunge i, .lazy-expunge script") and not browser.alerted()
    assert len(user.messages(folder)) == 1


def test_an_error_with_hostile_text_stays_text(dovecot, webmail):
    """Undo wants to put mail back into a folder that cannot be made any more."""
    user = start(dovecot, webmail, acl_enabled=True)
    folder = "Top/<img src=x onerror=alert(1)>"
    make(user, "Top", folder, "Other")
    user.fill(folder, 1)
    delete(user, folder)
    browser = webmail.browser().login(user).recover()
    browser.choose_target("Other")
    browser.restore("#lazy-expunge-found")
    with user.imap() as session:
        session.ok(f"DELETE {name(folder)}")
    rights = user.mail_path / ".Top" / "dovecot-acl"
    rights.write_text("owner lrws\n")
    user.server.own(rights)
    browser.one("#lazy-expunge-undo").click()
    warning = browser.one("#messagestack .warning")
    assert warning.text == f"The folder {folder} could not be made."
    browser.wait(lambda: "Deleted again: 0" in browser.one("#lazy-expunge-result").text, "the result")
    assert not browser.all("#messagestack img, .lazy-expunge img") and not browser.alerted()
    assert len(user.messages("Other")) == 1
    webmail.errors()


def test_text_that_turns_round_keeps_to_itself(dovecot, webmail):
    user = start(dovecot, webmail)
    folder = "a\u202eb"
    make(user, folder)
    user.fill(folder, [message(subject="x\u202ey", sender='"p\u202eq" <p@example.com>')])
    delete(user, folder)
    browser = webmail.browser().login(user).recover()
    assert browser.groups()[0].endswith(f"1 message from \u2068{folder}\u2069")
    kinds = browser.script("return ['who', 'subject', 'folder'].map(function (name) {"
                           "return getComputedStyle(document.querySelector('.lazy-expunge-' + name)).unicodeBidi; })")
    assert kinds == ["isolate"] * 3


def test_a_change_needs_the_token(dovecot, webmail):
    user = start(dovecot, webmail)
    user.fill("INBOX", 1)
    delete(user)
    browser = webmail.browser().login(user).recover()
    with user.imap() as session:
        [status] = session.ok("STATUS .EXPUNGED (UIDVALIDITY)").lines("STATUS")
    validity = re.search(r"UIDVALIDITY (\d+)", status).group(1)
    data = dict(run="abc", storage=".EXPUNGED", uids=1, target="", validity=validity)
    for method, token in (("POST", False), ("GET", True)):
        browser.ask("restore", method, token, **data)
        assert len(user.kept()) == 1, method
    browser.ask("restore", "POST", **data)
    assert len(user.messages()) == 1 and user.kept() == []
    for method, token in (("POST", False), ("GET", True)):
        browser.ask("undo", method, token, run="abc")
        assert len(user.messages()) == 1, method
    browser.ask("undo", "POST", run="abc")
    assert user.messages() == [] and len(user.kept()) == 1
    assert all("not asked for by POST" in line or "security check" in line for line in webmail.errors())


def test_a_server_that_goes_away_in_the_middle_loses_nothing(dovecot, webmail):
    server = dovecot.own(lazy=LAZY)
    webmail.configure(server, {"batch": 1})
    user = server.user()
    user.fill("INBOX", 40)
    delete(user)
    browser = webmail.browser().login(user).recover()
    browser.restore("#lazy-expunge-found", wait=False)
    browser.wait(lambda: browser.script("return (document.querySelector('.lazy-expunge-progress progress') || {}).value > 3"), "some mails")
    server.halt()
    browser.wait(lambda: browser.all("#lazy-expunge-result h3"), "the result")
    lines = browser.one("#lazy-expunge-result").text.splitlines()
    assert lines[0] == "The restore was interrupted" and re.search("does not answer|session has ended", lines[1])
    server.expect_log("read.. failed: Remote closed connection", required=False)
    server.start()
    back, kept = len(user.messages()), len(user.kept())
    assert back + kept == 40 and 0 < back < 40
    webmail.errors()
    webmail.configure(server)
    browser.driver.delete_all_cookies()
    browser.login(user).recover().restore("#lazy-expunge-found")
    assert len(user.messages()) == 40 and user.kept() == []
