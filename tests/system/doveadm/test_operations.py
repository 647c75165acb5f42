"""doc/OPERATIONS.md: what it says about migration, several servers, erasing a mail and the lines of the log is so."""

import json
import re
import shlex
import subprocess
import time

import pytest

from harness import places, wait_for
from harness.dovecot import log_lines
from harness.dovecot.config import DEFAULT_MAILBOXES, FORMATS, Mailbox, namespace_mode
from harness.dovecot.mail import message
from harness.dovecot.render import PASSWORD

TEXT = (places.SOURCE / "doc/OPERATIONS.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL).group(1)


def documented(part):
    """The code spans of the first column of a table, which may have several."""
    rows = [re.split(r"(?<!\\) \| ", line)[0] for line in part.splitlines() if line.startswith("| `")]
    return {span for row in rows for span in re.findall(r"`([^`]+)`", row)}


def test_every_line_of_the_log_is_in_the_document():
    lines, causes = section("Lines of the log").split("Causes, as they end", 1)
    fragments = {"an unknown mailbox", "would stay"}
    assert len(log_lines.log_lines()) >= 14 and len(log_lines.error_texts()) >= 40
    assert log_lines.log_lines() - documented(lines) == fragments
    assert documented(lines) - log_lines.log_lines() == set()
    reading = {"read(…) failed: …"}
    assert log_lines.error_texts() - documented(causes) - documented(lines) == set()
    assert documented(causes) - log_lines.error_texts() == set() and reading <= documented(lines)


def test_every_alert_is_in_the_document():
    rules = (places.SOURCE / "contrib/prometheus/lazy-expunge.rules.yml").read_text()
    assert sorted(re.findall(r"- alert: (\w+)", rules)) == sorted(re.findall(r"^\| (LazyExpunge\w+)", TEXT, re.MULTILINE))


def test_every_link_leads_to_a_file():
    for name in ("OPERATIONS.md", "EVENTS.md"):
        links = [link for link in re.findall(r"\]\(([^)#]+)\)", (places.SOURCE / "doc" / name).read_text()) if "://" not in link]
        assert links
        assert [link for link in links if not (places.SOURCE / "doc" / link).is_file()] == []


# Migration.

def facts(mail):
    """What a kept mail must bring along. 2.4.5 adds keywords of its own to a mail that is saved or first read."""
    own = {"$HasAttachment", "$HasNoAttachment"}
    return (mail.guid, mail.origin, mail.flags - {"\\Recent"}, mail.keywords - own, mail.received, mail.saved,
            mail.text.replace("\r\n", "\n"))


def fill(user):
    """Mails of several mailboxes in the storage, whose deletions are seconds apart from their move."""
    for mailbox, flags in (("INBOX", "\\Seen"), ("Work/Äpfel".encode("utf-7").decode(), "\\Flagged word"), ("Trash", "")):
        user.append(mailbox, flags=flags, date="01-Jan-2021 00:00:00 +0000", create=mailbox not in ("INBOX", "Trash"))
        with user.imap(mailbox) as session:
            session.delete()
    user.append("Left", create=True)
    newest = max(mail.saved for mail in user.kept())
    wait_for(lambda: time.time() > newest + 2, "the next seconds")


@pytest.mark.parametrize("target_format", FORMATS)
def test_dsync_brings_the_storage_along(dovecot, target_format):
    old = dovecot.own()
    new = dovecot.own(format=target_format)
    here = old.user()
    fill(here)
    before = sorted(map(facts, here.kept()))
    assert len(before) == 3 and len({origin for _, origin, *_ in before}) == 3
    there = here.sync(new, command="backup")
    assert sorted(map(facts, there.kept())) == before
    assert [mail.text for mail in there.messages("Left")] != []
    status = [user.doveadm("lazy-expunge status", "-v").stdout for user in (here, there)]
    assert status[0].split()[-20:] == status[1].split()[-20:] != []
    there.doveadm("lazy-expunge restore", "all")
    assert there.kept() == []
    for guid, origin, flags, keywords, received, _, text in before:
        [back] = there.messages(origin)
        assert (back.guid, back.flags - {"\\Recent"}, back.received) == (guid, flags, received) and keywords <= back.keywords
        assert back.origin is None
    # what was restored there does not come back to life
    assert there.doveadm("lazy-expunge list", "all").stdout.count(b"\n") <= 1


def test_dsync_from_the_files_of_the_old_server(dovecot):
    old, new = dovecot.own(), dovecot.own(format="mdbox" if dovecot.format != "mdbox" else "maildir")
    here = old.user()
    fill(here)
    before = sorted(map(facts, here.kept()))
    old.halt()
    # the files of the old one, at a place that the new one sees
    place = new.root / "mail" / "old"
    subprocess.run(["cp", "-a", here.mail_path, place], check=True)
    there = new.user(here.name)
    [command] = [line for line in COMMANDS if "dsync-server" in line and ("mail_driver" in line) == dovecot.target.new_settings]
    command = command.replace("maildir", dovecot.format).replace("/old/anna/Maildir", str(place)).replace("anna", there.name)
    assert command.count("doveadm ") == 2
    command = command.replace("doveadm ", f"doveadm -c {new.conf} ")
    new.run(["sh", "-c", command])
    assert sorted(map(facts, there.kept())) == before


def test_dsync_in_namespace_mode(dovecot):
    other = "mdbox" if dovecot.format != "mdbox" else "maildir"
    old = dovecot.own(**namespace_mode(dovecot.format, only_last_instance=False))
    new = dovecot.own(format=other, **namespace_mode(other, only_last_instance=False))
    here = old.user()
    fill(here)
    before = sorted(map(facts, here.kept()))
    there = here.sync(new, "-n", "", "-n", ".EXPUNGED/", command="backup")
    assert sorted(map(facts, there.kept())) == before
    there.doveadm("lazy-expunge restore", "all")
    assert there.kept() == [] and len(there.messages("INBOX")) == 1


# Erasing.

MARK = "Application-of-Carol-4711"
BODY = "Confidential-text-0815"


def holders(paths, word):
    """The files below these paths that have the word in them."""
    done = subprocess.run(["grep", "-rlaF", word, *map(str, paths)], capture_output=True, text=True)
    return done.stdout.split()


def test_a_mail_is_erased_and_nothing_of_it_is_left(dovecot):
    server = dovecot.own(debug=True)
    user = server.user()
    secret = message(subject=MARK, body=f"{BODY}\n")
    user.deliver(secret)
    user.fill("INBOX", 3)
    with user.imap("INBOX") as session:
        # into the cache files: what clients ask for
        session.ok("FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        session.ok("COPY 1 Trash")
        session.ok("FETCH 1:* (ENVELOPE)")
        session.select("Trash")
        session.ok("FETCH 1:* (ENVELOPE)")
        session.select("INBOX")
        session.delete("1")
    user.doveadm("lazy-expunge list", "all")
    server.settle()
    assert holders([user.home], MARK) and holders([user.home], BODY)
    commands = [line for line in re.search(r"```sh\n(.*?)```", section("Erasing a mail"), re.DOTALL).group(1).splitlines()]
    assert len(commands) == 2
    for command in commands:
        command = command.replace("anna", user.name).replace("Application of Carol", MARK).replace("/root/", f"{server.root}/")
        server.run(["sh", "-c", command.replace("doveadm ", f"doveadm -c {server.conf} ")])
    assert holders([user.home], MARK) == [] and holders([user.home], BODY) == []
    assert holders([server.root / name for name in ("log", "info.log", "debug.log") if (server.root / name).exists()], BODY) == []
    assert len(user.messages()) == 3 and user.messages("Trash") == [] and user.kept() == []


# Several servers.

LIMIT = DEFAULT_MAILBOXES + (Mailbox(".EXPUNGED", autoexpunge_max_mails=1),)


def backends(dovecot):
    """Two servers that each know two users of their own, and these users."""
    servers = [dovecot.own(passwd_file=True, mailboxes=LIMIT) for _ in range(2)]
    users = [[server.user(f"user{number}{letter}") for letter in "ab"] for number, server in enumerate(servers)]
    for server, own in zip(servers, users):
        server.write_users(own)
    return servers, users


def proxy(dovecot, servers, users):
    """A server in front that has no mail, and knows who is where."""
    front = dovecot.own(passwd_file=True, passdb_file=True, raw=f"doveadm_port = {servers[0].ports['doveadm']}\n")
    names = [(user.name, server) for server, own in zip(servers, users) for user in own]
    front.write_users([front.user(name) for name, _ in names])
    for protocol in ("imap", "doveadm"):
        front.write_passdb(protocol, [(name, {"proxy": "y", "host": "127.0.0.1", "port": server.ports[protocol], "pass": PASSWORD})
                                      for name, server in names])
    return front, [front.user(name) for name, _ in names]


def test_a_proxy_in_front(dovecot):
    servers, users = backends(dovecot)
    front, through = proxy(dovecot, servers, users)
    behind = [user for own in users for user in own]
    for user in through:
        user.append("Work", create=True)
        user.fill("INBOX", 2)
        for mailbox in ("Work", "INBOX"):
            with user.imap(mailbox) as session:
                session.delete()
    for server in servers:
        server.settle()
    # what is above the limit went at the end of the sessions; what is kept is on the backends alone
    assert [len(user.kept()) for user in behind] == [1] * 4
    assert not any((front.mail_root / user.name).exists() for user in through)
    [command] = [line for line in COMMANDS if line.startswith("doveadm lazy-expunge list")]
    listed = front.doveadm(*shlex.split(command.replace("anna", through[3].name))[1:]).stdout
    assert behind[3].kept()[0].guid.encode() in listed or b"INBOX" in listed
    through[3].doveadm("lazy-expunge restore", "all")
    assert len(behind[3].messages("INBOX")) == 1 and behind[3].kept() == [] and len(behind[2].kept()) == 1
    for user in behind:
        user.doveadm("save", "-m", "INBOX", input=message())
        user.doveadm("save", "-m", "INBOX", input=message())
        user.doveadm("expunge", "mailbox", "INBOX", "all")
        assert len(user.kept()) > 1
    rows = json.loads(front.doveadm("-f", "json", "lazy-expunge", "maintain", "-A").stdout)
    assert sorted(row["username"] for row in rows) == [user.name for user in behind]
    assert [len(user.kept()) for user in behind] == [1] * 4


def test_maintain_in_parts(dovecot):
    """Each backend does its own users, from a list."""
    [command] = [line for line in COMMANDS if "maintain -F" in line]
    servers, users = backends(dovecot)
    for server, own in zip(servers, users):
        for user in own:
            user.fill("INBOX", 3)
            user.doveadm("expunge", "mailbox", "INBOX", "all")
        (server.root / "part").write_text("".join(f"{user.name}\n" for user in own))
        server.doveadm(*shlex.split(command.replace("/tmp/users-of-this-server", str(server.root / "part")))[1:])
        assert [len(user.kept()) for user in own] == [1, 1]
