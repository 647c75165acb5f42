"""doveadm lazy-expunge export: what is in an archive, and that it is whole or not there."""

import csv
import hashlib
import io
import json
import os
import re
import stat
import subprocess

import pytest

from harness.dovecot.archives import HOSTILE, export, hostile, pack, place, unpack
from harness.dovecot.config import namespace_mode
from harness.dovecot.mail import message

pytestmark = pytest.mark.any_format

MODES = ["mailbox", "namespace"]
ENDS = ["zip", "tar", "tar.gz", "tar.zst"]
FIELDS = ["uid", "file", "guid", "mailbox", "origin", "via", "deletion", "deleted", "received", "from", "to", "subject", "flags",
          "keywords", "size", "sha256"]


def mode_fields(mode, dovecot):
    return {} if mode == "mailbox" else namespace_mode(dovecot.format, only_last_instance=False)


def delete(user, mailbox):
    user.doveadm("expunge", "mailbox", mailbox, "all")


def fill(user):
    user.append("Work/2023", message(subject="Gr\u00fc\u00dfe".encode("utf-8").decode("utf-8"), sender="Bob <bob@example.com>"),
                "\\Seen \\Flagged own", "02-Jan-2021 03:04:05 +0000", create=True)
    user.append("INBOX", message(subject="Offer", body="x" * 600 + "\n" + "line\n" * 100000), date="03-Jan-2021 00:00:00 +0000")
    for mailbox in ("Work/2023", "INBOX"):
        delete(user, mailbox)
    user.append("INBOX", message(subject="alive"), date="04-Jan-2021 00:00:00 +0000")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("end", ENDS)
def test_what_an_archive_has(dovecot, mode, end):
    server = dovecot(**mode_fields(mode, dovecot))
    user = server.user()
    fill(user)
    kept = {mail.subject: mail for mail in user.kept()}
    path = place(server, f"{user.name}.{end}")
    row = export(user, path, "-b", "auditor")
    data = path.read_bytes()
    assert row == {"file": str(path), "messages": 2, "bytes": row["bytes"], "size": len(data),
                   "sha256": hashlib.sha256(data).hexdigest()}
    assert os.listdir(path.parent).count(path.name) == 1 and not [name for name in os.listdir(path.parent) if name.endswith(".tmp")]
    state = path.stat()
    assert (state.st_uid, stat.S_IMODE(state.st_mode)) == (0, 0o600)
    files = unpack(path)
    names = ["INBOX/2021-01-03 00.00.00 Offer.eml", "Work/2023/2021-01-02 03.04.05 Gr\u00fc\u00dfe.eml"]
    assert sorted(files) == sorted(names + ["SHA256SUMS", "manifest.csv", "manifest.json"])
    manifest = json.loads(files["manifest.json"])
    assert {key: manifest[key] for key in ("manifest", "user", "query", "by", "messages", "bytes", "version")} == \
        {"manifest": 1, "user": user.name, "query": "ALL", "by": "auditor", "messages": 2, "bytes": row["bytes"], "version": "0.1.0"}
    assert manifest["dovecot"].startswith(".".join(map(str, dovecot.version))) and manifest["server"]
    for mail in manifest["mails"]:
        assert list(mail) == FIELDS
        before = kept[mail["subject"]]
        body = files[mail["file"]]
        assert body == before.text.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "surrogateescape")
        assert (mail["uid"], mail["guid"], mail["origin"], mail["mailbox"]) == (before.uid, before.guid, before.origin, before.mailbox)
        assert (mail["size"], mail["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
        assert set(mail["keywords"]) - {"$HasNoAttachment"} == set(before.keywords) - {"$HasNoAttachment"}
        assert set(mail["flags"]) == set(before.flags) - {"\\Recent"}
        assert re.fullmatch(r"[0-9a-f]{8}", mail["deletion"])
    assert sum(mail["size"] for mail in manifest["mails"]) == row["bytes"]
    offer = next(mail for mail in manifest["mails"] if mail["subject"] == "Offer")
    assert offer["received"] == "2021-01-03T00:00:00Z" and offer["from"] == "sender@example.com" and offer["to"] == "recipient@example.com"
    # the same in CSV
    table = list(csv.DictReader(io.StringIO(files["manifest.csv"].decode(), newline="")))
    assert list(table[0]) == FIELDS
    assert [{**line, "flags": line["flags"].split(), "keywords": line["keywords"].split(), "size": int(line["size"]), "uid": int(line["uid"])}
            for line in table] == manifest["mails"]
    # and the sums are those that sha256sum reads
    directory = place(server, f"{user.name}-{end}-{mode}")
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=directory, capture_output=True, text=True)
    assert checked.returncode == 0 and checked.stdout.count(": OK\n") == 4, checked


# Each unpacks the archive in the working directory.
PROGRAMS = {"zip": "unzip -q {0}", "tar": "tar xf {0}", "tar.gz": "tar xzf {0}", "tar.zst": "zstd -qdc {0} | tar xf -"}


@pytest.mark.parametrize("end", ENDS)
def test_with_programs_that_everybody_has(dovecot, end):
    """unzip, tar and zstd unpack it, and sha256sum finds all in order."""
    server = dovecot()
    user = server.user()
    fill(user)
    path = place(server, f"{user.name}.{end}")
    export(user, path, "-a")
    directory = place(server, f"{user.name}-unpacked")
    directory.mkdir()
    done = subprocess.run(["sh", "-ec", PROGRAMS[end].format(path)], cwd=directory, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0 and done.stderr == "", done
    found = {str(one.relative_to(directory)): one.read_bytes() for one in directory.rglob("*") if one.is_file()}
    assert found == unpack(path) and len(found) == 6
    checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=directory, capture_output=True, text=True)
    assert checked.returncode == 0 and checked.stdout.count(": OK\n") == 5, checked


def test_live_mail_and_a_query(dovecot):
    server = dovecot()
    user = server.user()
    fill(user)
    path = place(server, f"{user.name}.tar")
    assert export(user, path, "-a")["messages"] == 3
    mails = {mail["subject"]: mail for mail in json.loads(unpack(path)["manifest.json"])["mails"]}
    assert mails["alive"]["deleted"] is None and mails["alive"]["origin"] == "" and mails["alive"]["mailbox"] == "INBOX"
    assert mails["alive"]["file"] == "INBOX/2021-01-04 00.00.00 alive.eml" and mails["Offer"]["deleted"] is not None
    for number, (arguments, subjects) in enumerate([
            (("-o", "INBOX"), {"Offer"}), (("-a", "-o", "INBOX"), {"Offer", "alive"}), (("-o", "Work", "-R", "from", "bob"), {"Gr\u00fc\u00dfe"}),
            (("--since", "1h", "subject", "Offer"), {"Offer"}), (("-a", "subject", "alive"), {"alive"})]):
        path = place(server, f"{user.name}-{number}.zip")
        assert export(user, path, *arguments)["messages"] == len(subjects)
        manifest = json.loads(unpack(path)["manifest.json"])
        assert {mail["subject"] for mail in manifest["mails"]} == subjects and manifest["query"] == " ".join(arguments)


def test_standard_output(dovecot):
    server = dovecot()
    user = server.user()
    fill(user)
    for form in ("table", "json"):
        done = server.doveadm("-f", form, "lazy-expunge", "export", "-u", user.name, "-w", "-")
        files = unpack("x.tar", done.stdout)
        assert len(files) == 5 and json.loads(files["manifest.json"])["mails"]
        # what is said of it is elsewhere
        assert hashlib.sha256(done.stdout).hexdigest().encode() in done.stderr


SUBJECTS = ["../../../etc/passwd", "a/b\\c:d*e?f\"g<h>i|j", "same", "same", "SAME", "same (2)", "", "   ", "...", "CON", "lpt1.txt",
            "x" * 300, "\u00e4" * 200, "line\u2028break\u202eevil", "=cmd|' /C calc'!A1", "-rf", "\x1b[31mred", "trailing. . ."]


def encoded(subject):
    import base64
    return "=?utf-8?b?" + base64.b64encode(subject.encode()).decode() + "?="


def test_names_are_safe_and_unique(dovecot):
    server = dovecot()
    user = server.user()
    user.fill("INBOX", [message(subject=encoded(subject)) for subject in SUBJECTS], date="02-Jan-2021 03:04:05 +0000")
    odd = "Odd/..hidden" if dovecot.format != "maildir" else "Odd/hidden"
    user.append(odd, message(subject="in a mailbox"), create=True)
    for mailbox in ("INBOX", odd):
        delete(user, mailbox)
    path = place(server, f"{user.name}.zip")
    assert export(user, path)["messages"] == len(SUBJECTS) + 1
    files = unpack(path)
    manifest = json.loads(files["manifest.json"])
    names = [mail["file"] for mail in manifest["mails"]]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert not re.search(r'[\x00-\x1f\x7f-\x9f\\:*?"<>|\u2028-\u202e\u2066-\u2069]', name), name
        assert len(name.encode()) < 230 and name.endswith(".eml")
        for part in name.split("/"):
            assert part not in ("", ".", "..") and not part.startswith((".", "-")) and not part.removesuffix(".eml").endswith((".", " "))
    # the manifest has the subjects as they are
    assert {mail["subject"].strip() for mail in manifest["mails"]} >= {subject.strip() for subject in SUBJECTS[:6]}
    assert "2021-01-02 03.04.05 no subject.eml" in names[0] or any(name.endswith("05 no subject.eml") for name in names)
    table = list(csv.DictReader(io.StringIO(files["manifest.csv"].decode(), newline="")))
    assert not any(value.startswith(("=", "+", "-", "@")) for line in table for key, value in line.items() if key != "uid")


def test_the_file_is_there_when_it_is_whole(dovecot, tmp_path):
    server = dovecot.own()
    user = server.user()
    fill(user)
    path = place(server, "full.tar")
    export(user, path)
    before = path.read_bytes()
    done = user.doveadm("lazy-expunge export", "-w", path, check=False)
    assert done.code == 73 and b"the file exists already" in done.stderr and path.read_bytes() == before
    # a disk that is full
    small = server.root / "small"
    small.mkdir()
    done = server.run(["sh", "-ec", f"mount -t tmpfs -o size=64k none {small}; "
                       f"doveadm -c {server.conf} lazy-expunge export -u {user.name} -w {small}/x.tar || echo $?; ls -A {small}"], check=False)
    assert done.stdout.decode().split() == ["75"] and b"No space left on device" in done.stderr, done


def test_who_may_not_read_the_destination_writes_there_all_the_same(dovecot):
    """The directory is root's alone; the mail's owner is another user, who has no right there at any time."""
    server = dovecot.own(passwd_file=True)
    users = [server.user() for _ in range(3)]
    server.write_users(users)
    for user in users[:2]:
        fill(user)
    done = server.doveadm("-f", "json", "lazy-expunge", "export", "-A", "-w", place(server, "of-%u.zip"))
    rows = {row["username"]: row for row in json.loads(done.stdout)}
    assert sorted(rows) == sorted(user.name for user in users[:2])
    for user in users[:2]:
        path = place(server, f"of-{user.name}.zip")
        assert rows[user.name]["file"] == str(path) and path.stat().st_uid == 0
        assert json.loads(unpack(path)["manifest.json"])["user"] == user.name
    assert sorted(os.listdir(path.parent)) == sorted(f"of-{user.name}.zip" for user in users[:2])
    assert not [path for user in users for path in user.home.rglob("*") if path.stat().st_uid == 0]


@pytest.mark.parametrize("arguments, code, text", [
    ((), 64, "An archive needs a name: -w"),
    (("-w", ""), 64, "An archive needs a name: -w"),
    (("-w", "x.rar"), 64, "-w x.rar: the name of an archive ends in .zip, .tar"),
    (("-w", ".zip"), 64, "-w .zip: the name of an archive ends in .zip, .tar"),
    (("-w", "/no/such/place/x.zip"), 73, "-w /no/such/place/x.zip: open(/no/such/place) failed: No such file or directory"),
    (("-w", "/tmp/x.zip", "-a", "--since", "1d"), 64, "-a takes mail that was not deleted: no -d, --since or --until"),
    (("-w", "/tmp/x.zip", "nonsense"), 64, "Unknown argument"),
    (("-w", "/tmp/x.zip", "-o", "Nowhere"), 68, "No mail in the expunge storage comes from Nowhere"),
])
def test_bad_input(dovecot, arguments, code, text):
    user = dovecot().user()
    user.append()
    delete(user, "INBOX")
    done = user.doveadm("lazy-expunge export", *arguments, check=False)
    assert done.code == code and text in done.stderr.decode(), done
    assert done.stdout == b""


def test_nothing_matches(dovecot):
    server = dovecot()
    user = server.user()
    for arguments in ((), ("-a",)):
        path = place(server, f"{user.name}.zip")
        done = user.doveadm("lazy-expunge export", "-w", path, *arguments)
        assert b"No mail" in done.stderr and not path.exists()


def test_only_where_the_mail_is(dovecot):
    """A doveadm server has no business with files of who asks it."""
    server = dovecot()
    user = server.user()
    fill(user)
    server.expect_log("export works only on the command line", required=False)
    server.expect_log("Executing command|exited", required=False)
    path = place(server, f"{user.name}.zip")
    done = server.doveadm("lazy-expunge", "export", "-S", server.root / "run/doveadm-server", "-u", user.name, "-w", path, check=False)
    assert done.code == 64 and not path.exists(), done


# Verify.

def verify(server, path):
    """The exit code, the rows and what is said."""
    done = server.doveadm("-f", "json", "lazy-expunge", "verify", path, check=False)
    return done.code, json.loads(done.stdout or b"[]"), done.stderr.decode()


@pytest.mark.parametrize("end", ENDS)
def test_verify_what_export_has_written(dovecot, end):
    server = dovecot()
    user = server.user()
    fill(user)
    path = place(server, f"{user.name}.{end}")
    row = export(user, path, "-a")
    code, rows, said = verify(server, path)
    assert (code, rows) == (0, []) and f"3 mails of {row['bytes']} bytes, all as they were written" in said
    # a bit that fell over, wherever it lies, is seen
    data = bytearray(path.read_bytes())
    for place_of in (len(data) // 3, len(data) // 2):
        data[place_of] ^= 4
        broken = place(server, f"{user.name}-broken.{end}")
        broken.write_bytes(data)
        assert verify(server, broken)[0] == 1
    path.write_bytes(path.read_bytes()[:-2000 if end == "tar" else -100])
    assert verify(server, path)[0] == 1


def test_verify_says_what_is_missing_added_or_changed(dovecot):
    server = dovecot()
    user = server.user()
    fill(user)
    path = place(server, f"{user.name}.tar")
    export(user, path)
    whole = unpack(path)
    first, second = [name for name in whole if name.endswith(".eml")]
    more = lambda name, text: {**whole, name: text}
    less = lambda name: {key: value for key, value in whole.items() if key != name}
    manifest = whole["manifest.json"].decode()
    resum = lambda files: {**files, "SHA256SUMS": "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items() if name != "SHA256SUMS").encode()}
    unlisted = manifest.replace(manifest[manifest.index('{"uid"'):manifest.index('{"uid"', manifest.index('{"uid"') + 1)], "")
    cases = [
        (less(first), {(first, "missing")}),
        (more(first, b"other\r\n"), {(first, "changed")}),
        (more("INBOX/new.eml", b"x"), {("INBOX/new.eml", "added")}),
        (less("SHA256SUMS"), {("SHA256SUMS", "missing")} | {(name, "added") for name in whole if name != "SHA256SUMS"}),
        (less("manifest.csv"), {("manifest.csv", "missing")}),
        (more("SHA256SUMS", whole["SHA256SUMS"][:-5]), {("SHA256SUMS", "changed"), ("manifest.json", "added")}),
        # whoever makes new sums does not fool the manifest
        (resum(more(first, b"other\r\n")), {(first, "changed")}),
        (resum(less(first)), {(first, "missing")}),
        (resum(more("INBOX/new.eml", b"x")), {("INBOX/new.eml", "added")}),
        (resum(more("manifest.json", unlisted.encode())), {(first, "added"), ("manifest.json", "changed")}),
        (resum(more("manifest.json", whole["manifest.json"][:-3])), {("manifest.json", "changed")}),
        (resum(more("manifest.json", b"{}\n")), {("manifest.json", "changed"), (first, "added"), (second, "added")}),
        (resum(more("manifest.json", b"x" * 2000000)), {("manifest.json", "changed"), (first, "added"), (second, "added")}),
    ]
    for number, (files, problems) in enumerate(cases):
        for end in ("tar", "zip"):
            path = pack(place(server, f"{user.name}-{number}.{end}"), files)
            code, rows, said = verify(server, path)
            assert (code, {(row["file"], row["state"]) for row in rows}) == (1, problems), (number, rows, said)
            assert "is not as it was written" in said


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused(dovecot, kind):
    server = dovecot()
    path = hostile(place(server, f"{kind}.tar"), kind)
    code, rows, said = verify(server, path)
    assert (code, rows) == (1, []) and "lazy-expunge verify: " in said and str(path) in said
    assert ("damaged" if kind in ("empty", "text", "lie") else "this is no archive of export") in said, said


def test_verify_bad_input(dovecot):
    server = dovecot()
    done = server.doveadm("lazy-expunge", "verify", "/no/such.zip", check=False)
    assert done.code == 66 and b"open(/no/such.zip) failed: No such file or directory" in done.stderr
    done = server.doveadm("lazy-expunge", "verify", check=False)
    assert done.code == 64
    done = server.doveadm("lazy-expunge", "verify", "/dev/null", check=False)
    assert done.code == 1 and b"/dev/null: this is no regular file" in done.stderr
