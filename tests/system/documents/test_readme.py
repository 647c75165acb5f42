"""README.md: every configuration that it shows is loaded, and its commands run as they are written."""

import json
import re
import shlex
import zipfile

import pytest

from harness import message, places, wait_for
from harness.dovecot.config import settings

pytestmark = pytest.mark.any_format

README = (places.SOURCE / "README.md").read_text()
BLOCKS = re.findall(r"^```dovecot (\S+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"`(doveadm (?:lazy-expunge|expunge) [^`]+)`", README)
CONF_D = re.findall(r"\]\((conf\.d/[^)]+)\)", README)


def blocks(series):
    return [text for version, text in BLOCKS if version == series]


def assert_keeps(dovecot, text):
    user = dovecot(lazy=settings(), mailboxes=(), load_plugin=False, raw=text).user()
    user.deliver()
    user.append("Work", flags="\\Seen", create=True)
    before = user.messages() + user.messages("Work")
    for mailbox in ("INBOX", "Work"):
        with user.imap(mailbox) as session:
            session.delete()
    kept = user.messages(".EXPUNGED")
    assert [mail.content for mail in kept] == [mail.content for mail in before]
    assert [mail.origin for mail in kept] == ["INBOX", "Work"]


@pytest.mark.until("2.4")
@pytest.mark.parametrize("number", range(len(blocks("2.3"))))
def test_configuration_for_2_3(dovecot, number):
    assert_keeps(dovecot, blocks("2.3")[number])


@pytest.mark.since("2.4")
@pytest.mark.parametrize("number", range(len(blocks("2.4"))))
def test_configuration_for_2_4(dovecot, number):
    assert_keeps(dovecot, blocks("2.4")[number])


def test_the_smallest_configuration_leaves_nothing_to_warn_of(dovecot):
    section = re.search(r"^## The smallest configuration\n(.*?)^## ", README, re.MULTILINE | re.DOTALL).group(1)
    smallest = dict(re.findall(r"^```dovecot (\S+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
    text = smallest["2.4" if dovecot.target.new_settings else "2.3"]
    user = dovecot(lazy=settings(), mailboxes=(), load_plugin=False, raw=text).user()
    user.deliver()
    user.doveadm("lazy-expunge maintain")
    rows = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "check", "-u", user.name).stdout)
    assert len(rows) > 20 and [row for row in rows if row["state"] != "OK"] == []


def test_both_versions_have_a_configuration_and_no_block_is_left_out():
    assert blocks("2.3") and blocks("2.4")
    fences = re.findall(r"^```(.*)$", README, re.MULTILINE)
    assert set(fences) == {"text", "dovecot 2.3", "dovecot 2.4", ""}
    assert sorted(CONF_D) == sorted(str(path.relative_to(places.SOURCE)) for path in (places.SOURCE / "conf.d").glob("2.*/*.conf"))


def test_every_link_leads_to_a_file():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (places.SOURCE / link).is_file()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_command(dovecot, command):
    server = dovecot.own(lazy={"hidden": True, "protect": True}, passwd_file=True)
    user = server.user()
    server.write_users([user])
    user.append("Projects/Spring", message(subject="Offer for the garden", sender="bob@example.com"), create=True)
    user.deliver(message(subject="Minutes of the meeting"))
    for mailbox in ("Projects/Spring", "INBOX"):
        with user.imap(mailbox) as session:
            session.delete()
    words = [str(user) if word == "anna" else word for word in shlex.split(command)[1:]]
    words = [real_id(user, option, word) if option in ("-d", "-U") else word for option, word in zip([""] + words, words)]
    archive = server.root / "anna.zip"
    words = [str(archive) if word == archive.name else word for word in words]
    if "Trash" in words:
        user.deliver(message(subject="Lunch on Friday?"))
        with user.imap("INBOX") as session:
            session.ok("MOVE 1 Trash")
            session.select("Trash")
            session.delete()
    if words[1] == "account":
        server.settle()
        assert_moves_the_account(server, user, words)
        return
    if words[1] in ("verify", "import"):
        user.doveadm("lazy-expunge export", "-w", archive, "ALL")
    if words[1] == "import":
        user.doveadm("expunge", "mailbox", ".EXPUNGED", "all")
    if words[1] == "erase":
        user.deliver(message(subject=words[-1]))
    if words[1] == "release":
        user.doveadm("lazy-expunge hold", "-N", words[words.index("-N") + 1])
    # a check of a configuration without retention fails, and says so
    done = user.server.doveadm(*words, check=words[1] != "check" and "--make-room" not in words)
    # there is not as much to take
    assert done.code == 69 or "--make-room" not in words, done
    assert_did(user, words, done.stdout.decode())


def real_id(user, option, shown):
    """An id as the README shows one: of what was deleted in Projects/Spring, or of a restore of that."""
    assert re.fullmatch("[0-9a-f]{8}", shown)
    if option == "-U":
        user.doveadm("lazy-expunge restore", "-o", "Projects/Spring", "ALL")
    rows = json.loads(user.server.doveadm("-f", "json", "lazy-expunge", "deletions", "-u", user.name).stdout)
    [found] = [row["id"] for row in rows if "Spring" in json.dumps(row) and (row["kind"] == "restore") == (option == "-U")]
    return found


def assert_moves_the_account(server, user, words):
    """The commands on whole accounts: the user has mail in the storage alone."""
    new = server.user(f"{user.name}.b")
    server.write_users([user, new])
    wait_for(lambda: server.doveadm("user", new.name, check=False).code == 0, "userdb to know the user")
    ident = ""
    if words[2] in ("list", "undelete"):
        user.doveadm("lazy-expunge account delete")
        ident = next(path.name for path in (user.home.parent / ".lazy-expunge-deleted").glob("[!.]*"))
    output = server.doveadm(*[{"ID": ident, "anna.b": new.name}.get(word, word) for word in words]).stdout.decode()
    assert user.name in output and ident in output
    left, there = {"delete": (0, 0), "list": (0, 0), "undelete": (2, 0), "rename": (0, 2)}[words[2]]
    assert (len(user.kept()), len(new.kept())) == (left, there)


def assert_did(user, words, output):
    """What the table beside the command says."""
    kept = [mail.subject for mail in user.kept()]
    both = ["Offer for the garden", "Minutes of the meeting"]
    if words[:2] == ["lazy-expunge", "list"]:
        assert "Offer" in output and ("Minutes" in output) == ("-o" not in words)
        assert kept == both
    elif words[:2] == ["lazy-expunge", "deletions"]:
        assert "Projects/Spring" in output and "INBOX" in output and kept == both
    elif "-U" in words:
        assert user.messages("Projects/Spring") == [] and sorted(kept) == sorted(both)
    elif "Trash" in words:
        assert [mail.subject for mail in user.messages("Trash")] == ["Lunch on Friday?"] and kept == both
    elif words[:2] == ["lazy-expunge", "check"]:
        assert "FAIL" in output or "WARN" in output or "OK" in output
        assert "retention" in output and kept == both
    elif words[:2] == ["lazy-expunge", "maintain"]:
        assert str(user) in output and kept == ([] if "--make-room" in words else both)
    elif words[:2] == ["lazy-expunge", "status"]:
        assert re.search(r"^\s*(?:\S+\s+)?2\s", output, re.MULTILINE) and kept == both
    elif words[1] in ("hold", "release"):
        assert words[words.index("-N") + 1] in output and kept == both
        state = {"hold": "held", "release": "grace"}[words[1]]
        assert state in user.doveadm("lazy-expunge holds").stdout.decode()
    elif words[:2] == ["lazy-expunge", "holds"]:
        assert "state" in output or output == ""
    elif words[1] in ("export", "verify"):
        entries = zipfile.ZipFile(user.server.root / "anna.zip").namelist()
        assert sum(name.endswith(".eml") for name in entries) == (1 if words[1] == "export" else 2) and kept == both
    elif words[1] == "import":
        assert sorted(kept) == sorted(both)
    elif words[1] == "erase":
        assert user.messages("INBOX") == [] and kept == both
    elif words[0] == "expunge":
        assert kept == both, "nothing is a day old"
    elif "-n" in words:
        assert "Projects/Spring" in output and kept == both
    elif "-t" in words:
        assert len(user.messages("Recovered")) == 2 and kept == []
    else:
        assert words[:2] == ["lazy-expunge", "restore"]
        assert [mail.subject for mail in user.messages("Projects/Spring")] == ["Offer for the garden"]
        assert kept == ["Minutes of the meeting"]


def test_every_setting_is_in_the_table():
    source = "".join(path.read_text() for path in (places.SOURCE / "src/settings").glob("*.c"))
    names = set(re.findall(r'"(lazy_expunge(?:_[a-z_]+)?)"', source)) - {"lazy_expunge_storage"}
    assert len(names) >= 10
    assert sorted(name for name in names if f"`{name}`" not in README) == []


def settings_table(series):
    """The lines of README's table for this version, as an administrator would write them."""
    text = README[README.index(f"On {series}, "):]
    return re.findall(r"^\| `([^`]+)` \|", text[:text.index("\n\n", text.index("|---|"))], re.MULTILINE)


def test_the_table_of_settings_of_this_version(dovecot):
    """Each line is what Dovecot takes, with its value; and none is missing."""
    new = dovecot.target.new_settings
    lines = settings_table("2.4" if new else "2.3")
    listed = {line.split(" = ")[0] for line in lines}
    general = re.search(r"^\| setting \| default \| meaning \|\n(.*?)\n\n", README, re.MULTILINE | re.DOTALL).group(1)
    meant = {name for row in general.splitlines() for name in re.findall(r"`(lazy_expunge\w*)`", row.split("|")[1])}
    assert listed == meant - {"lazy_expunge_exclude2"} - (
        {"lazy_expunge", "lazy_expunge_catalog"} if new else {"lazy_expunge_mailbox"})
    lines = [line for line in lines if not line.startswith(("lazy_expunge_hold", "lazy_expunge_catalog"))]
    text = "\n".join(lines) if new else "plugin {\n" + "\n".join(lines) + "\n}"
    user = dovecot(lazy=settings(), raw=text).user()
    user.append("Work", create=True)
    with user.imap("Work") as session:
        session.delete()
    assert len(user.messages(".EXPUNGED")) == 1
