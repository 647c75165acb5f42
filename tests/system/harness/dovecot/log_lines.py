"""What the plugin's source can write to a log or print as an error: formats with … for what is filled in."""

import re

from harness import places

LOGGERS = ("e_error", "e_warning", "e_info", "i_error", "i_warning", "i_info")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"|(PRI[diux]\w+)')
# Where a text that ends up in such a line is made. check prints its findings, which are no log lines.
TEXT_MAKERS = re.compile(r'(?:\*error_r|(?:error_r|error|row->error|probe->error)(?:->|\.)text|\bst->error|batch->failed)\s*=\s*'
                         r'(?:t_strdup_printf|p_strdup_printf)?\(?|change_fail\(|holds->error\s*=\s*p_strdup_printf\(|\w*error_set_box\(|_fail_box\(')
CHECK_ONLY = ("check/", "doveadm/load-failure")


def _call(text, begin):
    """The text from begin to the parenthesis or semicolon that ends the call or the assignment."""
    depth, at, quoted = 1, begin, False
    while depth > 0:
        char = text[at]
        if quoted and char == "\\":
            at += 1
        elif char == '"':
            quoted = not quoted
        elif not quoted and char == "(":
            depth += 1
        elif not quoted and (char == ")" or char == ";"):
            depth -= 1
        at += 1
    return text[begin:at - 1]


def _strings(arguments):
    """Adjacent literals joined, as formats with … for conversions."""
    found, last_end = [], None
    for match in LITERAL.finditer(arguments):
        piece = match.group(1) if match.group(1) is not None else "\0"
        if last_end is not None and not arguments[last_end:match.start()].strip():
            found[-1] += piece
        else:
            found.append(piece)
        last_end = match.end()
    return [re.sub(r"%\0|%[-+ #0-9.]*(?:l|ll|z|j)?[a-zA-Z]|\0", "…", text).replace('\\"', '"') for text in found]


def _files():
    source = places.SOURCE / "src"
    return [path for path in sorted(source.glob("*/*.c")) if not str(path.relative_to(source)).startswith(CHECK_ONLY)]


def log_lines():
    """Formats of all lines that begin with the plugin's name."""
    found = set()
    for path in _files():
        text = path.read_text()
        for match in re.finditer(rf"\b(?:{'|'.join(LOGGERS)})\(", text):
            found |= {line for line in _strings(_call(text, match.end())) if " " in line and not re.fullmatch(r"[…: ]*", line)}
    return found


def error_texts():
    """Formats of the causes that such lines end with."""
    found = set()
    for path in _files():
        text = path.read_text()
        for match in TEXT_MAKERS.finditer(text):
            found |= {line for line in _strings(_call(text, match.end())) if " " in line and not re.fullmatch(r"[…: ]*", line)}
    return found
