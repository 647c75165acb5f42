"""doveadm lazy-expunge check: each mistake has its row, and a sound configuration none."""

import json
import re
import shutil
from dataclasses import replace

import pytest

from harness.dovecot.config import DEFAULT_MAILBOXES, Mailbox, Quota, namespace_mode
from harness.dovecot.mail import message
from harness.waiting import wait_for

pytestmark = pytest.mark.any_format

SOUND = dict(lazy={"hidden": True, "protect": True}, mailboxes=DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge="30d"),))
IDS = {"module", "leftovers", "user", "protocol-imap", "protocol-pop3", "protocol-lmtp", "protocol-lda", "protocol-doveadm", "settings",
       "format", "last-instance", "on-failure", "quota", "storage", "hidden", "protected", "acl", "save-dates", "retention", "cap", "holds", "home",
       "maintain", "purge"}
PROTOCOLS = {f"protocol-{name}" for name in ("imap", "pop3", "lmtp", "lda", "doveadm")}


def check(user, *arguments):
    """Rows by id, and the result."""
    done = user.server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, *arguments, check=False)
    rows = json.loads(done.stdout)
    assert all(list(row) == ["id", "state", "found", "remedy"] for row in rows)
    assert all((row["remedy"] == "") == (row["state"] == "OK") for row in rows[1:]), rows
    assert done.code == (1 if any(row["state"] == "FAIL" for row in rows) else 0), done
    # the answer comes first, and says what the rows say
    verdict = rows.pop(0)
    failed = [row["id"].removeprefix("protocol-") for row in rows if row["state"] == "FAIL"]
    assert verdict == {"id": "verdict", "state": "FAIL" if failed else "OK", "remedy": "",
                       "found": f"Deleted mail of {user.name} is " + (f"NOT kept: {', '.join(failed)}" if failed else "kept")}
    return {row["id"]: row for row in rows}, done


def states(rows, state):
    return {name for name, row in rows.items() if row["state"] == state}


def test_a_sound_configuration(dovecot):
    user = dovecot(**SOUND).user()
    user.fill("INBOX", 1)
    user.doveadm("lazy-expunge maintain")
    rows, _ = check(user)
    assert set(rows) == IDS
    assert states(rows, "FAIL") == states(rows, "WARN") == set(), rows
    assert "lib02_lazy_expunge_plugin.so" in rows["module"]["found"]
    assert rows["retention"]["found"] == "30 days"


def test_everything_that_can_be_better(dovecot):
    user = dovecot(lazy={"quota_ignore": False, "on_failure": "expunge"}, quota=Quota(storage="1G")).user()
    user.fill("INBOX", 1)
    rows, _ = check(user)
    assert states(rows, "WARN") == {"hidden", "protected", "quota", "on-failure", "retention", "maintain"}
    assert states(rows, "FAIL") == set()


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_live(dovecot, mode):
    fields = {} if mode == "mailbox" else namespace_mode(dovecot.format, only_last_instance=False)
    user = dovecot(**fields).user()
    user.fill("INBOX", 1)
    before = user.mailboxes()
    rows, _ = check(user, "--live")
    assert rows["live"]["state"] == "OK", rows["live"]
    assert user.mailboxes() == before and len(user.messages()) == 1 and user.kept() == []
    with user.imap("INBOX") as session:
        session.delete()
    kept, mailboxes = [mail.content for mail in user.kept()], user.mailboxes()
    rows, _ = check(user, "-L")
    assert rows["live"]["state"] == "OK", rows["live"]
    assert user.mailboxes() == mailboxes and [mail.content for mail in user.kept()] == kept
    # a restore does not bring the probe's mailbox
    rows = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "restore", "-u", user.name, "-n", "ALL").stdout)
    assert [row["origin"] for row in rows] == ["INBOX"]


@pytest.mark.formats("maildir")
def test_a_format_that_is_not_known(dovecot):
    """mbox is what Debian's configuration begins with."""
    server = dovecot.own(format="mbox", **SOUND)
    server.expect_log("Deleted mail of the format mbox is not kept safely")
    user = server.user()
    user.imap("INBOX").close()
    rows, _ = check(user)
    assert rows["format"]["state"] == "FAIL" and rows["format"]["found"].startswith("mbox: ")


@pytest.fixture
def three(dovecot):
    """A server of three users, none of whose mail is protected for the second."""
    server = dovecot.own(passwd_file=True, **SOUND)
    users = [server.user() for _ in range(3)]
    server.write_users([users[0], (users[1], {"lazy_expunge_exclude": "*"}), users[2]])
    return server, users


def check_all(server, *arguments):
    done = server.doveadm("-f", "json", "lazy-expunge", "check", "-A", *arguments, check=False)
    return json.loads(done.stdout), done


def test_over_users_a_row_a_finding(three):
    server, users = three
    rows, done = check_all(server)
    assert done.code == 1
    assert [(row["username"], row["id"], row["state"], row["users"], row["found"]) for row in rows[-1:]] == \
        [("TOTAL", "protected", "FAIL", 3, "2 of 3")]
    assert [row["state"] for row in rows[:-1]] == sorted((row["state"] for row in rows[:-1]), key=["FAIL", "WARN", "OK"].index)
    assert len({(row["id"], row["state"]) for row in rows}) == len(rows)
    failed = [row for row in rows if row["state"] == "FAIL" and row["username"] != "TOTAL"]
    assert failed and all((row["username"], row["users"]) == (users[1].name, 1) and row["remedy"] for row in failed)
    [module] = [row for row in rows if row["id"] == "module"]
    assert (module["username"], module["users"], module["state"]) == (", ".join(user.name for user in users), 3, "OK")
    # only what is to be done
    quiet, done = check_all(server, "-q")
    assert quiet == [row for row in rows if row["state"] == "FAIL"] and done.code == 1


def test_everybody_is_protected(dovecot):
    server = dovecot.own(passwd_file=True, **SOUND)
    users = [server.user() for _ in range(5)]
    server.write_users(users)
    rows, done = check_all(server)
    assert done.code == 0 and (rows[-1]["id"], rows[-1]["state"], rows[-1]["found"]) == ("protected", "OK", "5 of 5")
    [home] = [row for row in rows if row["id"] == "home"]
    assert home["username"] == ", ".join(user.name for user in users[:3]) + " and 2 more"
    assert home["found"].startswith(f"{users[0].name}: /")
    done = server.doveadm("lazy-expunge", "check", "-A", "-q")
    assert (done.stdout, done.stderr) == (b"", b"")


def test_quiet_says_what_fails(dovecot):
    user = dovecot(lazy_in_protocols=("imap", "lmtp", "lda", "doveadm")).user()
    done = user.server.doveadm("-f", "json", "lazy-expunge", "check", "-q", "-u", user.name, check=False)
    assert done.code == 1 and [row["id"] for row in json.loads(done.stdout)] == ["verdict", "protocol-pop3"]
    sound = dovecot(**SOUND).user()
    done = sound.server.doveadm("lazy-expunge", "check", "-q", "-u", sound.name)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_columns_stay_columns(dovecot):
    user = dovecot(lazy_in_protocols=("imap", "lmtp", "lda", "doveadm")).user()
    user.fill("INBOX", 1)
    rows, _ = check(user)
    done = user.server.doveadm("lazy-expunge", "check", "-u", user.name, check=False)
    titles, *lines = done.stdout.decode().splitlines()
    assert titles.split() == ["id", "state", "found"]
    state, found = titles.index("state"), titles.index("found")
    assert lines[0][found:] == f"Deleted mail of {user.name} is NOT kept: pop3"
    seen = [(line[:state].strip(), line[state:found].strip(), line[found:]) for line in lines[1:] if not line.startswith("    ")]
    assert seen == [(row["id"], row["state"], row["found"]) for row in rows.values()]
    assert [line[4:] for line in lines if line.startswith("    ")] == [row["remedy"] for row in rows.values() if row["remedy"]]


def test_a_protocol_does_not_load_the_plugin(dovecot):
    user = dovecot(lazy_in_protocols=("imap", "lmtp", "lda", "doveadm")).user()
    rows, _ = check(user)
    assert states(rows, "FAIL") == {"protocol-pop3"}
    assert "mail_plugins" in rows["protocol-pop3"]["remedy"]


def test_a_protocol_block_overrides_the_list(dovecot):
    user = dovecot.own(raw23="protocol lmtp {\n  mail_plugins = quota\n}\n", raw24="protocol lmtp {\n  mail_plugins = quota\n}\n",
                       **SOUND).user()
    rows, _ = check(user)
    assert states(rows, "FAIL") == {"protocol-lmtp"}


# what takes imap's INBOX, on 2.3 and on 2.4
OFF_IN_IMAP = {"setting": ("plugin {\nlazy_expunge =\n}", "lazy_expunge_mailbox ="),
               "exclude": ("plugin {\nlazy_expunge_exclude = INBOX\n}", "lazy_expunge_exclude = INBOX"),
               "mail_plugins": ("mail_plugins = quota", "mail_plugins = quota"),
               # blocks of mailboxes have no settings of plugins on 2.3
               "mailbox": (None, "namespace inbox {\nmailbox INBOX {\nlazy_expunge_mailbox =\n}\n}")}


def reload(server):
    server.run(["doveadm", "-c", server.conf, "reload"])


@pytest.mark.parametrize("mended", [True, False], ids=["mended", "broken"])
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[] if texts[0] else pytest.mark.since("2.4")) for kind, texts in OFF_IN_IMAP.items()])
def test_the_configuration_was_changed_and_not_reloaded(dovecot, kind, mended):
    """What runs is what deletes, whatever the files say by now."""
    off = f"protocol imap {{\n{OFF_IN_IMAP[kind][dovecot.target.new_settings]}\n}}\n"
    server = dovecot.own(raw=off if mended else "", **SOUND)
    user = server.user()
    server.expect_log("SIGHUP received - reloading configuration")
    # a session without the plugin does not know a name that its layout forbids
    server.expect_log("Mailbox .EXPUNGED: Failed to autoexpunge", required=False)
    user.deliver()
    with user.imap() as session:
        session.ok("NOOP")
    text = server.conf.read_text()
    server.conf.write_text(text.replace(off, "") if mended else text + off)
    with user.imap("INBOX") as session:
        session.delete()
    assert len(user.kept()) == (0 if mended else 1)
    rows, _ = check(user)
    if mended:
        assert states(rows, "FAIL") == {"protocol-imap"} and "reload" in rows["protocol-imap"]["remedy"], rows
        assert rows["reload-imap"]["state"] == "WARN" and rows["reload-imap"]["remedy"] == "reload Dovecot"
    else:
        assert states(rows, "FAIL") == {"reload-imap"} and "do not reload" in rows["reload-imap"]["remedy"], rows
    reload(server)
    wait_for(lambda: not any(name.startswith("reload") for name in check(user)[0]), "the reload")
    rows, _ = check(user)
    assert states(rows, "FAIL") == (set() if mended else {"protocol-imap"}), rows


def test_a_mailbox_block_was_changed_and_not_reloaded(dovecot):
    """The retention that runs is what takes mail away, whatever the files say by now."""
    server = dovecot.own(**dict(SOUND, mailboxes=(Mailbox("Trash", autoexpunge="5d"), Mailbox(".EXPUNGED", autoexpunge="30d"),
                                                         Mailbox("Old mail/2020", autoexpunge="9d"))))
    user = server.user()
    server.expect_log("SIGHUP received - reloading configuration", required=False)
    user.fill("INBOX", 1)
    [block] = re.findall(r' *mailbox "?Old mail/2020"? \{[^}]*\}\n', server.conf.read_text())

    def said():
        rows, _ = check(user)
        row = rows.get("reload-mailboxes", {"found": ": ", "remedy": "reload Dovecot", "state": "WARN"})
        assert (row["remedy"], row["state"]) == ("reload Dovecot", "WARN")
        return row["found"].partition(": ")[2]

    assert said() == ""
    for changes, words in (({"30d": "60d"}, ".EXPUNGED is kept for 30 days, and with it for 60 days"),
                           ({"60d": "30d", "5d": "0"}, "Trash is kept for 5 days, and with it for ever; "
                                                       ".EXPUNGED is kept for 60 days, and with it for 30 days"),
                           ({"autoexpunge = 0": "autoexpunge_max_mails = 7"}, "Trash is kept for ever, and with it 7 mails at most"),
                           ({block: ""}, "Old mail/2020 is kept for 9 days, and with it for ever"),
                           ({"max_mails = 7\n": "max_mails = 7\n}\nmailbox \"New mail\" {\nautoexpunge = 4d\n"},
                            "New mail is kept for ever, and with it for 4 days")):
        text = server.conf.read_text()
        for old, new in changes.items():
            assert text.count(old) == 1
            text = text.replace(old, new)
        server.conf.write_text(text)
        assert said() == words
        reload(server)
        wait_for(lambda: said() == "", "the reload")


@pytest.mark.until("2.4")
def test_a_namespace_without_a_name_has_mailbox_blocks(dovecot):
    server = dovecot.own(**SOUND)
    user = server.user()
    server.expect_log("SIGHUP received - reloading configuration")
    user.fill("INBOX", 1)
    text = server.conf.read_text()
    assert text.count("namespace inbox {") == 1
    server.conf.write_text(text.replace("namespace inbox {", "namespace {"))
    reload(server)
    rows, done = check(user)
    assert states(rows, "FAIL") == set() and done.stderr == b"", (rows, done)


def test_doveadm_does_not_load_the_plugin(dovecot):
    user = dovecot(lazy_in_protocols=("imap", "pop3", "lmtp", "lda")).user()
    user.fill("INBOX", 1)
    with user.imap("INBOX") as session:
        session.delete()
    rows, _ = check(user)
    assert states(rows, "FAIL") == {"module", "protocol-doveadm"}
    assert "doveadm does not load it" in rows["module"]["found"] and rows["user"]["state"] == "WARN"
    rows, _ = check(user, "-L")
    assert rows["live"]["state"] == "FAIL" and "not in the storage" in rows["live"]["found"]


def test_the_userdb_takes_the_plugin_from_a_user(dovecot):
    server = dovecot.own(passwd_file=True, **SOUND)
    plain, without = server.user(), server.user()
    off = {"mail_plugins": "quota"} if dovecot.version < (2, 4) else {"mail_plugins/lazy_expunge": "no"}
    server.write_users([plain, (without, off)])
    for user in (plain, without):
        user.doveadm("save", input=message())
        user.doveadm("expunge", "mailbox", "INBOX", "all")
    assert len(plain.kept()) == 1 and [mailbox for mailbox in without.mailboxes() if "EXPUNGED" in mailbox] == []
    rows, _ = check(plain)
    assert states(rows, "FAIL") == set() and rows["user"]["state"] == "OK"
    rows, _ = check(without)
    assert states(rows, "FAIL") == {"user"} | PROTOCOLS and "not kept" in rows["user"]["found"]


def test_the_storages_name_is_meant_as_on_or_off(dovecot):
    rows, _ = check(dovecot(lazy={"mailbox": "yes"}).user())
    assert rows["storage"]["state"] == "WARN" and "name of a mailbox" in rows["storage"]["remedy"]


def test_the_other_commands_work_without_the_mail_plugin(dovecot):
    user = dovecot(lazy_in_protocols=("imap", "pop3", "lmtp", "lda")).user()
    user.append("Work", message(), "\\Seen own", create=True)
    [before] = user.messages("Work")
    with user.imap("Work") as session:
        session.delete()
    listed = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name).stdout)
    assert [(row["origin"], row["mailbox"]) for row in listed] == [("Work", ".EXPUNGED")]
    restored = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "restore", "-u", user.name, "ALL").stdout)
    assert restored[0]["restored"] == 1
    [back] = user.messages("Work")
    assert back.content == before.content and back.origins == ()


def test_nothing_is_kept(dovecot):
    rows, _ = check(dovecot(lazy={"mailbox": None}).user())
    assert states(rows, "FAIL") == {"settings"} | PROTOCOLS and "not kept" in rows["settings"]["found"]
    rows, _ = check(dovecot(lazy={"exclude": ["*"]}).user())
    assert states(rows, "FAIL") == {"settings"} | PROTOCOLS


def test_the_namespace_is_missing(dovecot):
    user = dovecot(lazy={"mailbox": "NOT/HERE/"}).user()
    user.server.expect_log("there is no namespace", required=False)
    rows, _ = check(user)
    assert "storage" in states(rows, "FAIL") and "no namespace" in rows["storage"]["found"]


@pytest.mark.until("2.4")
def test_a_setting_is_wrong(dovecot):
    user = dovecot(lazy={"max_storage": "much"}).user()
    rows, _ = check(user)
    assert states(rows, "FAIL") == {"settings"} | PROTOCOLS and "much" in rows["settings"]["found"]


@pytest.mark.parametrize("where", ["settings", "mailbox"])
def test_acls_that_protect_the_storage(dovecot, where):
    """settings: a global file on 2.3, acl blocks on 2.4; mailbox: the file in the mailbox."""
    fields = dict(acl=((".EXPUNGED", (("owner", "lr"),)),)) if where == "settings" else dict(acl_enabled=True)
    user = dovecot(**fields).user()
    user.fill("INBOX", 1)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    if where == "mailbox":
        rows, _ = check(user)
        assert rows["acl"]["state"] == "WARN" and "expunge" in rows["acl"]["found"]
        user.doveadm("acl set", ".EXPUNGED", "owner", "lookup", "read")
        assert list(user.home.rglob("dovecot-acl"))
    rows, _ = check(user)
    assert rows["acl"]["state"] == "OK", rows["acl"]
    assert sorted(rows["acl"]["found"].rpartition(": ")[2].split()) == ["lookup", "read"]


@pytest.mark.until("2.4")
def test_acls_of_a_global_directory(dovecot):
    server = dovecot.own(acl_enabled=True, raw23="plugin {\n  acl = vfile:@ROOT@/acls\n}\n")
    (server.root / "acls").mkdir()
    (server.root / "acls/.EXPUNGED").write_text("owner lr\n")
    user = server.user()
    rows, _ = check(user)
    assert rows["acl"]["state"] == "OK" and sorted(rows["acl"]["found"].split()[-2:]) == ["lookup", "read"], rows["acl"]


def test_acls_that_name_another_mailbox(dovecot):
    other = dict(acl=(("Other", (("owner", "lr"),)),))
    rows, _ = check(dovecot(**other).user())
    assert rows["acl"]["state"] == "WARN" and "expunge" in rows["acl"]["found"]
    rows, _ = check(dovecot(lazy={"protect": True}, **other).user())
    assert rows["acl"]["state"] == "OK" and "expunge" in rows["acl"]["found"]


@pytest.mark.parametrize("sealed", [(), ("hidden",), ("protect",)], ids=lambda names: "-".join(names) or "open")
@pytest.mark.parametrize("name,auto", [("Trash", ""), ("deleted items", ""), ("Bin", "subscribe"), ("Bin", "create"), (".EXPUNGED", "")])
def test_a_mailbox_that_clients_use_as_the_storage(dovecot, name, auto, sealed):
    """Without a flag: they use it because it is subscribed, or by its name."""
    mailboxes = (Mailbox(name, auto=auto),) if auto else ()
    user = dovecot(lazy=dict({each: True for each in sealed}, mailbox=name), mailboxes=mailboxes).user()
    user.fill("INBOX", 1)
    rows, done = check(user)
    if sealed and (auto == "subscribe" or name in ("Trash", "deleted items")):
        assert rows["special-use"]["state"] == "WARN" and f"the storage {name} " in rows["special-use"]["found"]
        assert ("hidden" in rows["special-use"]["found"]) == ("hidden" in sealed)
    else:
        assert "special-use" not in rows
    assert done.code == 0


@pytest.mark.parametrize("sealed", [(), ("hidden",), ("protect",), ("hidden", "protect")], ids=lambda names: "-".join(names) or "open")
def test_the_trash_as_the_storage(dovecot, sealed):
    """Open it may be; hidden it vanishes from LIST, and protected nothing can be moved to it."""
    server = dovecot(lazy=dict({name: True for name in sealed}, mailbox="Trash"))
    if sealed:
        server.expect_log(r"imap\(.*lazy_expunge: The storage is the users' \\Trash, and they cannot use it")
    user = server.user()
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        session.delete("1")
    assert len(user.messages("Trash")) == 1
    with user.imap("INBOX") as session:
        assert ("Trash" in session.list()) == ("hidden" not in sealed)
        assert (session("UID MOVE 2 Trash").status == "OK") == ("protect" not in sealed)
    rows, done = check(user)
    assert rows["special-use"]["state"] == ("FAIL" if sealed else "OK") and bool(rows["special-use"]["remedy"]) == bool(sealed)
    assert "\\Trash" in rows["special-use"]["found"] and done.code == (1 if sealed else 0)
    if not sealed:
        assert rows["hidden"]["state"] == rows["protected"]["state"] == "OK"


def test_there_are_no_acls(dovecot):
    rows, _ = check(dovecot().user())
    assert rows["acl"] == {"id": "acl", "state": "OK", "found": "there are no ACLs, and none are needed", "remedy": ""}


def test_acls_in_namespace_mode(dovecot):
    fields = namespace_mode(dovecot.format, only_last_instance=False)
    rows, _ = check(dovecot(acl_enabled=True, **fields).user())
    assert rows["acl"]["state"] == "WARN" and "expunge" in rows["acl"]["found"]


@pytest.mark.parametrize("mode", ["mailbox", "namespace"])
def test_save_dates(dovecot, mode):
    fields = namespace_mode(dovecot.format, only_last_instance=False) if mode == "namespace" else {}
    user = dovecot(**fields).user()
    rows, _ = check(user)
    assert rows["save-dates"]["state"] == "OK"
    user.fill("Work", 1, create=True)
    user.doveadm("expunge", "mailbox", "Work", "all")
    rows, _ = check(user)
    assert (rows["save-dates"]["state"], rows["save-dates"]["found"]) == \
        ("OK", "in the index" if dovecot.format == "mdbox" else "in the cache"), rows["save-dates"]


@pytest.mark.formats("sdbox", "maildir")
def test_save_dates_that_are_not_cached(dovecot):
    """Where doveadm does not load the plugin, which would see to it."""
    user = dovecot(lazy={"mailbox": "Deleted"}, lazy_in_protocols=("imap", "pop3", "lmtp", "lda")).user()
    user.append("Deleted", message(), create=True)
    for path in user.home.rglob("dovecot.index.cache"):
        path.unlink()
    rows, _ = check(user)
    assert rows["save-dates"]["state"] == "WARN" and "Deleted" in rows["save-dates"]["found"], rows["save-dates"]


def test_the_user_has_no_home(dovecot):
    rows, _ = check(dovecot(home=False).user())
    assert rows["home"]["state"] == "WARN"


def test_maintenance_failed(dovecot):
    user = dovecot(**SOUND).user()
    user.fill("INBOX", 1)
    user.doveadm("lazy-expunge maintain")
    stamp = user.home / ".dovecot.lazy-expunge.maintain"
    text = stamp.read_text()
    for line in ("failed 3", "time 1000000000"):
        stamp.write_text(re.sub(f"^{line.split()[0]} .*", line, text, flags=re.MULTILINE))
        rows, _ = check(user)
        assert states(rows, "WARN") == {"maintain"}, rows["maintain"]
    stamp.write_text("nonsense\n")
    rows, _ = check(user)
    assert states(rows, "WARN") == {"maintain"} and "has no time" in rows["maintain"]["found"]


@pytest.mark.formats("mdbox")
def test_a_purge_is_needed(dovecot):
    user = dovecot(**SOUND).user()
    user.fill("INBOX", 1)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    user.doveadm("expunge", "mailbox", ".EXPUNGED", "all")
    rows, _ = check(user)
    assert rows["purge"]["state"] == "WARN"
    user.doveadm("lazy-expunge maintain")
    rows, _ = check(user)
    assert rows["purge"]["state"] == "OK"


def test_another_module_of_the_same_name_is_left(dovecot):
    server = dovecot.own(**SOUND)
    user = server.user()
    user.fill("INBOX", 1)
    modules = server.root / "modules"
    shutil.copy(modules / "lib02_lazy_expunge_plugin.so", modules / "lib99_other_lazy_expunge_plugin.so")
    rows, _ = check(user)
    assert states(rows, "FAIL") == {"leftovers"} and "lib99_other" in rows["leftovers"]["found"]


def test_dovecot_put_its_own_plugin_back(dovecot):
    """As its upgrade does over an installation from source: nothing pretends that mail is kept as it is set."""
    server = dovecot.own(**SOUND)
    user = server.user()
    user.fill("INBOX", 1)
    user.doveadm("expunge", "mailbox", "INBOX", "all")
    module = "lib02_lazy_expunge_plugin.so"
    shipped = f"{server.target.root}/{server.target.module_dir}/{module}"
    shutil.copy(shipped, server.root / "modules" / module)
    rows, _ = check(user)
    assert states(rows, "FAIL") >= {"module", "hidden", "protected"} and "another plugin" in rows["module"]["found"]
    for command in ("maintain", "hold -N case"):
        done = server.doveadm("lazy-expunge", *command.split(), "-u", user.name, check=False)
        assert done.code == 78 and done.stderr.count(b"is another plugin of this name") == 1, done
    done = server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name, check=False)
    assert done.code == 78 and len(json.loads(done.stdout)) == 1 and b"another plugin" in done.stderr, done


def test_the_mail_plugin_cannot_be_loaded(dovecot):
    server = dovecot.own(**SOUND)
    user = server.user()
    (server.root / "modules/lib02_lazy_expunge_plugin.so").write_bytes(b"no module")
    done = server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name, check=False)
    [row] = json.loads(done.stdout)
    assert done.code == 1 and (row["id"], row["state"]) == ("module", "FAIL"), done
    assert "lib02_lazy_expunge_plugin.so" in row["found"] and row["remedy"]
    assert b"FAIL" in server.doveadm("lazy-expunge", "check", "-u", user.name, check=False).stdout
    # other commands end as Dovecot ends them
    assert server.doveadm("lazy-expunge", "status", "-u", user.name, check=False).code not in (0, 1)


@pytest.mark.since("2.4")
def test_an_exclude_that_is_no_name_any_more(dovecot):
    """2.4.5 expands %{variables} in the entries of a list."""
    user = dovecot(**dict(SOUND, lazy={"hidden": True, "protect": True, "exclude": ["Plain", "a%{user}b"]})).user()
    rows, _ = check(user)
    if dovecot.version < (2, 4, 5):
        assert "exclude" not in rows
        return
    assert rows["exclude"]["state"] == "WARN", rows["exclude"]
    assert f"a%{{user}}b of lazy_expunge_exclude is no name" in rows["exclude"]["found"] and f"a{user}b" in rows["exclude"]["found"]


ELSEWHERE = {"remote 127.0.0.0/8": ("addresses", "remote 127.0.0.0/8 {{\n  protocol imap {{\n    {}\n  }}\n}}"),
             "local 127.0.0.1": ("addresses", "local 127.0.0.1 {{\n  protocol imap {{\n    {}\n  }}\n}}"),
             "imap -o": ("executables", "service imap {{\n  executable = imap -o {}\n}}")}


@pytest.mark.parametrize("where", ELSEWHERE)
def test_settings_that_only_some_sessions_have(dovecot, where):
    """check cannot be every client. What such a session deletes is gone, and a row says where that may be."""
    ident, text = ELSEWHERE[where]
    new = dovecot.target.new_settings
    off = {"addresses": "lazy_expunge_mailbox =" if new else "plugin {{\n lazy_expunge =\n}}".format(),
           "executables": "lazy_expunge_mailbox=" if new else "plugin/lazy_expunge="}[ident]
    server = dovecot.own(**SOUND, raw=text.format(off))
    # without the plugin Dovecot's own retention says so of a name that it does not know
    server.expect_log("autoexpunge.*not allowed in mailbox name", required=False)
    user = server.user()
    rows, _ = check(user)
    assert rows[ident]["state"] == "WARN" and where in rows[ident]["found"], rows[ident]
    user.fill("INBOX", 1)
    with user.imap("INBOX") as session:
        session.delete()
    assert user.kept() == [] and user.messages() == []
    # with other settings there is nothing to say
    rows, _ = check(dovecot.own(**SOUND, raw="remote 127.0.0.0/8 {\n  login_greeting = ready\n}").user())
    assert {"addresses", "executables"} & set(rows) == set()


@pytest.mark.until("2.4")
@pytest.mark.formats("mdbox")
def test_an_inbox_of_the_storage_s_namespace_at_the_root_of_the_mail(dovecot):
    """Its directory is there before there is anything in it, and so no index was lost."""
    fields = namespace_mode("mdbox")
    [namespace] = fields["namespaces"]
    fields["namespaces"] = (replace(namespace, path="~/exp:INBOX=~/mdbox", mailboxdir=""),)
    user = dovecot(**fields).user()
    for subject in ("a", "b"):
        user.deliver(message(subject=subject))
    rows, done = check(user)
    assert "index" not in rows and done.code == 0
    with user.imap("INBOX") as session:
        session.delete("1")
    rows, done = check(user)
    assert "index" not in rows and done.code == 0
    listed = user.server.doveadm("-f", "json", "lazy-expunge", "list", "-u", user.name)
    assert [row["subject"] for row in json.loads(listed.stdout)] == ["a"]
