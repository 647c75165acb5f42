"""Archives of doveadm lazy-expunge export: written, read by Python's own libraries, and made by somebody who means ill."""

import io
import json
import subprocess
import tarfile
import zipfile


def place(server, name):
    """A path that root alone can write to, in the server's sandbox."""
    directory = server.root / "evidence"
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory / name


def export(user, path, *arguments, **options):
    """The row that export prints."""
    done = user.server.doveadm("-f", "json", "lazy-expunge", "export", "-u", user.name, "-w", path, *arguments, **options)
    rows = json.loads(done.stdout)
    return rows[0] if rows else None


def unpack(path, data=None):
    """{name: bytes} of an archive, by Python's own libraries."""
    data = data if data is not None else path.read_bytes()
    if str(path).endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name) for name in archive.namelist()}
    if str(path).endswith(".zst"):
        data = subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert all(member.isfile() for member in archive)
        return {member.name: archive.extractfile(member).read() for member in archive}


def pack(path, files, entries=()):
    """An archive of these files; entries: TarInfos more."""
    if str(path).endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in entries:
            archive.addfile(member)
    return path


def tar_member(name, **fields):
    member = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(member, key, value)
    return member


HOSTILE = {
    "up": dict(files={"../../etc/cron.d/x": b"x"}), "root": dict(files={"/etc/passwd": b"x"}),
    "within": dict(files={"INBOX/../../x": b"x"}), "backslash": dict(files={"..\\x.eml": b"x"}),
    "control": dict(files={"a\x1b[31m.eml": b"x"}),
    "symlink": dict(entries=[tar_member("INBOX", type=tarfile.SYMTYPE, linkname="/etc")]),
    "hardlink": dict(entries=[tar_member("INBOX/a.eml", type=tarfile.LNKTYPE, linkname="/etc/shadow")]),
    "device": dict(entries=[tar_member("INBOX/a.eml", type=tarfile.CHRTYPE)]),
    "directory": dict(entries=[tar_member("INBOX", type=tarfile.DIRTYPE)]),
    "empty": dict(data=b""), "text": dict(data=b"this is no archive at all\n" * 100),
    "lie": dict(data=b"LIE"), "twice": dict(data=b"TWICE"), "bomb": dict(data=b"BOMB"),
}


def hostile(path, kind):
    """Write the archive of this kind."""
    fields = HOSTILE[kind]
    if kind == "lie":
        # a size that is larger than what follows
        member = tarfile.TarInfo("INBOX/a.eml")
        member.size = 1 << 40
        path.write_bytes(member.tobuf() + b"x" * 512)
    elif kind == "twice":
        with tarfile.open(path, "w") as archive:
            for _ in range(2):
                archive.addfile(tar_member("INBOX/a.eml", size=1), io.BytesIO(b"x"))
    elif kind == "bomb":
        path = path.with_suffix(".zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open("INBOX/a.eml", "w", force_zip64=True) as member:
                for _ in range(120):
                    member.write(bytes(1 << 20))
    elif "data" in fields:
        path.write_bytes(fields["data"])
    else:
        pack(path, fields.get("files", {}), fields.get("entries", ()))
    return path
