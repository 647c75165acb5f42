"""Self-service in Roundcube: mail of a folder that was renamed since, by whatever program, goes to where the server knows it now."""

import pytest
from harness import message
from harness.dovecot.config import namespace_mode
from harness.dovecot.imap import name
from harness.webmail.users import LAZY, delete, make

# separators, prefixes and modes in which the server tells of renames
TOLD = {"slash": dict(), "dot and prefix": dict(prefix="INBOX.", separator=".", lazy=dict(LAZY, mailbox="INBOX.EXPUNGED")),
        "namespace": None}


@pytest.mark.formats("maildir", "mdbox")
@pytest.mark.parametrize("kind", TOLD)
def test_a_folder_that_another_program_renamed_is_found(dovecot, webmail, kind):
    fields = TOLD[kind] if TOLD[kind] is not None else namespace_mode(dovecot.format, only_last_instance=True, protect=True)
    user = dovecot(**dict(dict(lazy=LAZY), **fields)).user()
    config = user.server.config
    webmail.configure(user.server, {"storage": config.storage})
    at = lambda *names: config.prefix + config.separator.join(names)
    make(user, at("Old"), at("Old", "Deep"))
    user.fill(at("Old"), [message(subject="old")])
    user.fill(at("Old", "Deep"), [message(subject="deep")])
    for folder in (at("Old"), at("Old", "Deep")):
        delete(user, folder)
    with user.imap() as session:
        session.ok(f"RENAME {name(at('Old'))} {name(at('Años', 'Mine'))}")
    browser = webmail.browser().login(user).recover()
    here, below = config.separator.join(("Años", "Mine")), config.separator.join(("Años", "Mine", "Deep"))
    assert sorted(browser.texts(".lazy-expunge-folder")) == sorted([f"Old (now {here})", f"Old{config.separator}Deep (now {below})"])
    lines = browser.restore("#lazy-expunge-found")
    assert f"Restored: 1 to {here}" in lines and f"Restored: 1 to {below}" in lines and not [line for line in lines if "made again" in line]
    assert len(user.messages(at("Años", "Mine"))) == len(user.messages(at("Años", "Mine", "Deep"))) == 1 and user.kept() == []
    assert at("Old") not in user.mailboxes()
    # it is deleted again from where it is now
    assert browser.undo()[0] == "Deleted again: 2"
    assert len(user.kept()) == 2 and user.messages(at("Años", "Mine")) == user.messages(at("Años", "Mine", "Deep")) == []


@pytest.mark.formats("sdbox")
@pytest.mark.each_webmail
def test_undo_from_another_folder_knows_the_new_name(dovecot, webmail):
    user = dovecot(lazy=LAZY).user()
    webmail.configure(user.server)
    make(user, "Old", "Other")
    user.fill("Old", 1)
    delete(user, "Old")
    user.doveadm("mailbox rename", "Old", "New")
    browser = webmail.browser().login(user).recover()
    browser.choose_target("Other")
    browser.restore("#lazy-expunge-found")
    assert len(user.messages("Other")) == 1
    assert browser.undo()[0] == "Deleted again: 1"
    assert [mail.origin for mail in user.kept()] == ["New"] and "Old" not in user.mailboxes()
