"""Reads a configuration of Dovecot 2.3: dovecot.conf with what it includes, or the output of doveconf -n."""

import glob
import os
import re
import sys
from pathlib import Path


class BadInput(Exception):
    """The input is no configuration; the text says where and why. code: of the exit."""

    def __init__(self, text, code=65):
        super().__init__(text)
        self.code = code


class Section:
    """A block of the configuration: values by key, with the place of each, and the blocks in it."""

    def __init__(self, kind="", name="", parent=None):
        self.kind, self.name, self.parent = kind, name, parent
        self.values, self.places, self.sections = {}, {}, []

    def section(self, kind, name):
        """The block of this kind and name: Dovecot merges those that are written twice. Two without a name are two."""
        for one in self.sections:
            if (one.kind, one.name) == (kind, name) and (name or kind != "namespace"):
                return one
        self.sections.append(Section(kind, name, self))
        return self.sections[-1]

    def of(self, kind):
        return [one for one in self.sections if one.kind == kind]

    def get(self, key, default=""):
        return self.values.get(key, default)

    def lookup(self, key):
        """A value as $key means it: of this block or of one around it."""
        return self.values[key] if key in self.values else self.parent.lookup(key) if self.parent else ""


def read(path, seen=()):
    """The configuration in this file ("-": standard input) and in what it includes."""
    root = Section()
    _read_into(root, path, seen)
    return root


def _read_into(root, path, seen):
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8: {error}") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", 66) from error
    if path != "-" and os.path.realpath(path) in seen:
        raise BadInput(f"{path}: includes itself")
    seen = (*seen, os.path.realpath(path))
    current, opened = root, []
    for number, line in _lines(text):
        place = f"{path}:{number}"
        include = re.fullmatch(r"!include(_try)?\s+(.+)", line)
        section = re.fullmatch(r"([^\s={]+)(?:\s+(.*?))?\s*\{", line)
        setting = re.fullmatch(r"([^\s={}]+)\s*=\s*(.*)", line, re.DOTALL)
        if include:
            _include(current, path, place, include.group(2), bool(include.group(1)), seen)
        elif section:
            current = current.section(section.group(1), unquote(section.group(2) or ""))
            opened.append(place)
        elif line == "}":
            if not opened:
                raise BadInput(f"{place}: a }} without a {{")
            current = current.parent
            opened.pop()
        elif setting:
            key = setting.group(1)
            text = setting.group(2)
            if key.startswith("dovecot_config_version"):
                raise BadInput(f"{place}: this is a configuration of 2.4 already")
            current.values[key] = _expand(current, unquote(text)) if not text.startswith("<") else _from_file(text, path)
            current.places[key] = place
        else:
            raise BadInput(f"{place}: not understood: {line[:60]}")
    if opened:
        raise BadInput(f"{opened[-1]}: the {{ has no }}")


def _from_file(value, path):
    """The content of the file that </file names, as Dovecot takes it; the value as it is where the file is not on this machine."""
    name = value[1:].strip()
    base = os.path.dirname(os.path.abspath(path)) if path != "-" else os.getcwd()
    try:
        return Path(base, name).read_text().strip("\n")
    except (OSError, UnicodeDecodeError):
        return value


def _lines(text):
    """Lines that say something, without comments, joined where a backslash ends them: (number, text). doveconf -n, which begins with
    its version, ends no line so: there, and where a value is nothing else, a backslash is the value."""
    joined, begin = "", 0
    shown = re.match(r"# \d+\.\d+\.\d+\S* \(", text) is not None
    for number, line in enumerate(text.splitlines(), 1):
        line = _without_comment(line).strip()
        if not line:
            continue
        begin = begin or number
        if line.endswith("\\") and not shown and not re.fullmatch(r"listescape_char\s*=\s*\\", line):
            joined += line[:-1].rstrip() + " "
            continue
        yield begin, joined + line
        joined, begin = "", 0


def _without_comment(line):
    """A # begins a comment, but not within quotes."""
    outside = re.match(r"""(?:[^"'#]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*""", line).end()
    return line[:outside] if line[outside:outside + 1] == "#" else line


def unquote(value):
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[0] == '"' else value[1:-1]
    return value


def _expand(section, value):
    """$mail_plugins and the like, as they are at this line."""
    return re.sub(r"(?:^|(?<=\s))\$([A-Za-z_]\w*)", lambda match: section.lookup(match.group(1)), value)


def _include(section, path, place, pattern, may_be_missing, seen):
    base = os.path.dirname(os.path.abspath(path)) if path != "-" else os.getcwd()
    pattern = os.path.join(base, unquote(pattern))
    found = sorted(glob.glob(pattern))
    if not found and not may_be_missing and not glob.has_magic(pattern):
        raise BadInput(f"{place}: {pattern}: No such file", 66)
    for one in found:
        try:
            _read_into(section, one, seen)
        except BadInput as error:
            if not (may_be_missing and error.code == 66):
                raise
