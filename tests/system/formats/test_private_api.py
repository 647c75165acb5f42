"""What the plugin uses of Dovecot's private headers: src/formats/DOVECOT.md has all of it, and each version has it."""

import re
from pathlib import Path

import pytest
from harness import places

DOCUMENT = places.SOURCE / "src/formats/DOVECOT.md"
PRIVATE = re.compile(r"-private\.h$|^(?:maildir|dbox|sdbox|mdbox)-|^mailbox-list-index\.h$|^mail-transaction-log\.h$|^mailbox-tree\.h$")


def sources():
    return sorted((places.SOURCE / "src").rglob("*.[ch]"))


def users():
    """(room, text) of the files that include a private header."""
    for path in sources():
        text = path.read_text()
        if any(PRIVATE.search(name) for name in re.findall(r'^#include "([a-z0-9-]+\.h)"', text, re.MULTILINE)):
            yield path.parent.name, text


def names_of(header):
    """The functions and structs that a header declares."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
    functions = set(re.findall(r"^(?:[a-z][\w \t]*[ \t*])?\**([a-z]\w+)\(", text, re.MULTILINE))
    structs = set(re.findall(r"^struct (\w+) \{", text, re.MULTILINE))
    return functions, {f"struct {name}" for name in structs}


def used(include):
    """Rows (header, name, rooms) of what the source names of the private headers in this directory."""
    texts = list(users())
    for header in sorted(path.name for path in include.glob("*.h") if PRIVATE.search(path.name)):
        functions, structs = names_of(include / header)
        for name in sorted(structs) + sorted(functions):
            pattern = re.compile(rf"\b{name}\b" + ("" if name.startswith("struct") else r"\s*\("))
            rooms = {room for room, text in texts if pattern.search(text)}
            if rooms:
                yield header, name, ", ".join(sorted(rooms))


def table(include):
    return [f"| `{header}` | `{name}` | {rooms} |" for header, name, rooms in used(include)]


def test_the_document_has_each_private_name_that_the_source_uses():
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert rows == table(Path("/usr/include/dovecot")), "write what is new into src/formats/DOVECOT.md, if it must be"


@pytest.mark.parametrize("release", ["trixie", "forky"])
def test_each_later_version_has_them(release):
    include = places.CHROOTS / release / "usr/include/dovecot"
    if not include.exists():
        pytest.skip(f"there is no chroot of {release}")
    missing = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `") and
               not _declares(include, *re.findall("`([^`]+)`", line)[:2])]
    assert missing == []


def _declares(include, header, name):
    """Declared there, or moved to another header of this version."""
    functions, structs = names_of(include / header) if (include / header).exists() else (set(), set())
    return name in functions | structs or any(re.search(rf"\b{re.escape(name)}\b", path.read_text(errors="replace")) for path in include.glob("*.h"))
