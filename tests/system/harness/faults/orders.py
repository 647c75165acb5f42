"""The states in which a power cut may leave a directory tree, by a record of the system calls that changed it.

What POSIX promises is taken at its word: a write or a truncation is on the disk after a sync of that file, a change of a directory after
one of that directory, and until then each of them may be there or not, whatever came before it. A write that makes a file longer may leave
it longer with zeros in it. A rename is one change. What was there when the record began is on the disk.

Where there is a journal (ext4, XFS, btrfs), changes of directories and of the sizes of files come in the order in which they were made; what
is written into a file does not wait for it.
"""

import itertools
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

CALLS = ("open", "openat", "creat", "write", "pwrite64", "writev", "pwritev", "sendfile", "copy_file_range", "ftruncate", "truncate",
         "fallocate", "lseek", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir",
         "symlink", "symlinkat", "fsync", "fdatasync", "chdir", "fchdir")
TRACED = ("-y", "-xx", "-s", str(1 << 26), "-e", "trace=" + ",".join(CALLS))
# How often a write that is not there has made its file longer.
ZEROS = 0.3
HEX = r"(?:\\x[0-9a-f]{2})*"
LINE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (\d+)(?:<.*>)?$")
UNFINISHED = re.compile(r"^(\d+) +(\w+\(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")
ARGUMENT = re.compile(rf'(?P<text>"{HEX}")|(?P<number>AT_FDCWD|\d+)<(?P<path>{HEX})>(?:\(deleted\))?|(?P<list>\[.*\])|(?P<word>[^,\s]+)')


@dataclass(frozen=True)
class Write:
    inode: object
    offset: int
    data: bytes
    # the file is longer by it
    grows: bool = False


@dataclass(frozen=True)
class Truncate:
    inode: object
    size: int


@dataclass(frozen=True)
class Zeros:
    """A file that is longer already, without the bytes that were written."""
    inode: object
    size: int


@dataclass(frozen=True)
class Entries:
    """Changes of directories that come together: (directory, name, inode, or None where the name goes away)."""
    changes: tuple


@dataclass(frozen=True)
class Sync:
    inode: object
    name: str


def positions(pids):
    """({(PID, fd): (position, whether it appends)} of what these processes have open, {PID: directory that it is in})"""
    found, directories = {}, {}
    for pid in pids:
        directories[pid] = os.readlink(f"/proc/{pid}/cwd")
        for info in Path(f"/proc/{pid}/fdinfo").iterdir():
            fields = dict(line.split(":\t", 1) for line in info.read_text().splitlines() if ":\t" in line)
            found[pid, int(info.name)] = (int(fields["pos"]), bool(int(fields["flags"], 8) & os.O_APPEND))
    return found, directories


class Record:
    """A tree as it is now, of which a copy is kept in a directory that does not exist yet; then add() what strace saw."""

    def __init__(self, root, copy, journal=False):
        self._root, self._journal = Path(root), journal
        self.ops = []
        self._new = itertools.count(1)
        self._positions, self._working, self._owner = {}, {}, None
        # inode: {name: inode} of a directory, the path of a file's copy, or where a symbolic link leads
        self._directories, self._files, self._links = {}, {}, {}
        self._sizes, self._modes, self._owners = {}, {}, {}
        self._last = {}
        shutil.copytree(root, copy, symlinks=True)
        self._top = self._scan(self._root, Path(copy))
        self._now = {inode: dict(names) for inode, names in self._directories.items()}

    def _scan(self, path, copy):
        status = path.lstat()
        inode = status.st_ino
        self._modes[inode], self._owners[inode] = status.st_mode & 0o7777, (status.st_uid, status.st_gid)
        if path.is_symlink():
            self._links[inode] = os.readlink(path)
        elif path.is_dir():
            self._directories[inode] = {entry.name: self._scan(entry, copy / entry.name) for entry in sorted(path.iterdir())}
        elif path.is_file():
            self._files[inode], self._sizes[inode] = copy, status.st_size
        return inode

    # From strace's output to changes.

    def add(self, text, before=({}, {}), owner=None):
        """The output of strace with TRACED; before: positions() of the processes when it began; owner: (UID, GID) of what is
        new, those of its directory if None."""
        self._positions.update(before[0])
        self._working.update(before[1])
        self._owner = owner
        begun = {}
        for line in text.splitlines():
            if unfinished := UNFINISHED.match(line):
                begun[unfinished[1]] = unfinished[2]
                continue
            if resumed := RESUMED.match(line):
                line = f"{resumed[1]} {begun.pop(resumed[1])}{resumed[2]}"
            if match := LINE.match(line):
                pid, call, arguments, result = match.groups()
                getattr(self, f"_on_{call}")(int(pid), [_argument(found) for found in ARGUMENT.finditer(arguments)], int(result))

    def _path(self, pid, *arguments):
        """The path that a call names by a name, or by a directory and a name in it."""
        path = Path(*(directory for _, directory in arguments[:-1]), os.fsdecode(arguments[-1]))
        if not path.is_absolute() and pid not in self._working:
            raise ValueError(f"{path}: not an absolute path")
        return path if path.is_absolute() else Path(self._working[pid], path)

    def _inside(self, path):
        """Of a process in a chroot strace shows where its files really are."""
        text = os.path.normpath(path)
        return Path(text[max(0, text.find(str(self._root))):])

    def _place(self, path):
        """(inode of the directory, name), or None where it is not in the tree."""
        path = self._inside(path)
        if path == self._root or self._root not in path.parents:
            return None
        directory = self._top
        parts = path.relative_to(self._root).parts
        for number, part in enumerate(parts[:-1]):
            directory = self._now[directory].get(part)
            if directory in self._links:
                leads = self._root.joinpath(*parts[:number]) / self._links[directory]
                return self._place(leads.joinpath(*parts[number + 1:]))
            if directory not in self._now:
                raise KeyError(f"{path}: {part} is no directory by what was recorded")
        return directory, parts[-1]

    def _inode(self, path):
        path = self._inside(path)
        if path == self._root:
            return self._top
        place = self._place(path)
        inode = self._now[place[0]].get(place[1]) if place else None
        # of a file whose name is gone the last one that had it
        return self._last.get(str(path)) if place and inode is None else inode

    def _change(self, *changes):
        for directory, name, inode in changes:
            if inode is None:
                self._last[str(self._path_of(directory) / name)] = self._now[directory].pop(name)
            else:
                self._now[directory][name] = inode
        self.ops.append(Entries(changes))

    def _path_of(self, inode):
        if inode == self._top:
            return self._root
        return next(self._path_of(directory) / name for directory, names in self._now.items()
                    for name, found in names.items() if found == inode)

    def _create(self, place, directory=False, link=None):
        inode = f"new {next(self._new)}"
        self._owners[inode] = self._owner or self._owners[place[0]]
        if directory:
            self._directories[inode], self._now[inode] = {}, {}
        elif link is not None:
            self._links[inode] = link
        else:
            self._files[inode], self._sizes[inode] = None, 0
        self._change((*place, inode))
        return inode

    def _opened(self, pid, path, flags, result):
        place = self._place(path)
        if place is None:
            return
        inode = self._now[place[0]].get(place[1])
        if inode is None and "O_CREAT" in flags:
            inode = self._create(place)
        elif "O_TRUNC" in flags and self._sizes.get(inode):
            self._truncated(inode, 0)
        self._positions[pid, result] = (0, "O_APPEND" in flags)

    def _on_open(self, pid, arguments, result):
        self._opened(pid, self._path(pid, arguments[0]), arguments[1], result)

    def _on_openat(self, pid, arguments, result):
        self._opened(pid, self._path(pid, *arguments[:2]), arguments[2], result)

    def _on_creat(self, pid, arguments, result):
        self._opened(pid, self._path(pid, arguments[0]), "O_CREAT|O_TRUNC", result)

    def _written(self, pid, file, data, offset=None):
        inode = self._inode(file[1])
        if inode is None or not data:
            return
        if offset is None:
            position, appends = self._positions[pid, file[0]]
            offset = self._sizes[inode] if appends else position
            self._positions[pid, file[0]] = (offset + len(data), appends)
        self.ops.append(Write(inode, offset, data, offset + len(data) > self._sizes[inode]))
        self._sizes[inode] = max(self._sizes[inode], offset + len(data))

    def _on_write(self, pid, arguments, result):
        self._written(pid, arguments[0], arguments[1][:result])

    def _on_pwrite64(self, pid, arguments, result):
        self._written(pid, arguments[0], arguments[1][:result], int(arguments[3]))

    def _on_writev(self, pid, arguments, result):
        self._written(pid, arguments[0], arguments[1][:result])

    def _on_pwritev(self, pid, arguments, result):
        self._written(pid, arguments[0], arguments[1][:result], int(arguments[3]))

    def _copied(self, pid, source, target, result):
        inode = self._inode(source[1])
        position, appends = self._positions[pid, source[0]]
        self._written(pid, target, self.content(inode, self.ops)[position:position + result])
        self._positions[pid, source[0]] = (position + result, appends)

    def _on_sendfile(self, pid, arguments, result):
        if self._inode(arguments[0][1]) is not None:
            self._copied(pid, arguments[1], arguments[0], result)

    def _on_copy_file_range(self, pid, arguments, result):
        if self._inode(arguments[2][1]) is not None:
            self._copied(pid, arguments[0], arguments[2], result)

    def _on_lseek(self, pid, arguments, result):
        if self._inode(arguments[0][1]) is not None:
            self._positions[pid, arguments[0][0]] = (result, self._positions[pid, arguments[0][0]][1])

    def _truncated(self, inode, size):
        self.ops.append(Truncate(inode, size))
        self._sizes[inode] = size

    def _on_ftruncate(self, pid, arguments, result):
        inode = self._inode(arguments[0][1])
        if inode is not None:
            self._truncated(inode, int(arguments[1]))

    def _on_truncate(self, pid, arguments, result):
        inode = self._inode(self._path(pid, arguments[0]))
        if inode is not None:
            self._truncated(inode, int(arguments[1]))

    def _on_fallocate(self, pid, arguments, result):
        inode, end = self._inode(arguments[0][1]), int(arguments[2]) + int(arguments[3])
        if inode is not None and arguments[1] == "0" and end > self._sizes[inode]:
            self._truncated(inode, end)

    def _renamed(self, old, new, flags=""):
        source, target = self._place(old), self._place(new)
        if source is None and target is None:
            return
        inode = self._now[source[0]][source[1]]
        if "RENAME_EXCHANGE" in flags:
            other = self._now[target[0]][target[1]]
            self._change((*source, other), (*target, inode))
        elif self._now[target[0]].get(target[1]) != inode:
            self._change((*source, None), (*target, inode))

    def _on_rename(self, pid, arguments, result):
        self._renamed(self._path(pid, arguments[0]), self._path(pid, arguments[1]))

    def _on_renameat(self, pid, arguments, result):
        self._renamed(self._path(pid, *arguments[:2]), self._path(pid, *arguments[2:4]))

    def _on_renameat2(self, pid, arguments, result):
        self._renamed(self._path(pid, *arguments[:2]), self._path(pid, *arguments[2:4]), arguments[4])

    def _linked(self, old, new):
        target = self._place(new)
        if target is not None:
            self._change((*target, self._inode(old)))

    def _on_link(self, pid, arguments, result):
        self._linked(self._path(pid, arguments[0]), self._path(pid, arguments[1]))

    def _on_linkat(self, pid, arguments, result):
        self._linked(self._path(pid, *arguments[:2]), self._path(pid, *arguments[2:4]))

    def _removed(self, path):
        place = self._place(path)
        if place is not None:
            self._change((*place, None))

    def _on_unlink(self, pid, arguments, result):
        self._removed(self._path(pid, arguments[0]))

    _on_rmdir = _on_unlink

    def _on_unlinkat(self, pid, arguments, result):
        self._removed(self._path(pid, *arguments[:2]))

    def _made(self, path, **what):
        place = self._place(path)
        if place is not None:
            self._create(place, **what)

    def _on_mkdir(self, pid, arguments, result):
        self._made(self._path(pid, arguments[0]), directory=True)

    def _on_mkdirat(self, pid, arguments, result):
        self._made(self._path(pid, *arguments[:2]), directory=True)

    def _on_symlink(self, pid, arguments, result):
        self._made(self._path(pid, arguments[1]), link=os.fsdecode(arguments[0]))

    def _on_symlinkat(self, pid, arguments, result):
        self._made(self._path(pid, *arguments[1:3]), link=os.fsdecode(arguments[0]))

    def _on_fsync(self, pid, arguments, result):
        path = arguments[0][1]
        inode = self._inode(path)
        if inode is not None:
            self.ops.append(Sync(inode, os.path.relpath(self._inside(path), self._root)))

    _on_fdatasync = _on_fsync

    def _on_chdir(self, pid, arguments, result):
        self._working[pid] = self._path(pid, arguments[0])

    def _on_fchdir(self, pid, arguments, result):
        self._working[pid] = arguments[0][1]

    # From changes to states.

    def syncs(self):
        """The numbers in ops of those that are syncs."""
        return [number for number, op in enumerate(self.ops) if isinstance(op, Sync)]

    def states(self, rng, bound, without=None):
        """Yield each state once: at most this many for each moment before a sync is done, and for the end. without: the number of a
        sync that is not made."""
        seen = set()
        for end in [sync for sync in self.syncs() if sync != without] + [len(self.ops)]:
            there, open_ones = self._settled(end, without)
            for some in _some_subsets(open_ones, rng, bound):
                some = self._in_order(some, open_ones) if self._journal else some
                zeros = frozenset(number for number in open_ones
                                  if number not in some and isinstance(self.ops[number], Write) and rng.random() < ZEROS and
                                  not self._journal)
                state = (frozenset(there | some), zeros)
                if state not in seen:
                    seen.add(state)
                    yield state

    def _in_order(self, some, open_ones):
        """As many changes that go through the journal, the first ones; what else there is stays."""
        entries = [number for number in open_ones if _is_journaled(self.ops[number])]
        return some - set(entries) | set(entries[:len(some & set(entries))])

    def _settled(self, end, without):
        """(numbers of the changes before end that are on the disk, of those that may be)."""
        there, open_ones = set(), []
        syncs = [number for number in self.syncs() if number < end and number != without]
        for number, op in enumerate(self.ops[:end]):
            if isinstance(op, Sync):
                continue
            synced = {self.ops[sync].inode for sync in syncs if sync > number}
            needs = _synced_by(op)
            if needs <= synced:
                there.add(number)
            else:
                open_ones.append(number)
        last = max((number for number in there if _is_journaled(self.ops[number])), default=-1)
        if self._journal:
            there.update(number for number in open_ones if number < last and _is_journaled(self.ops[number]))
        return there, [number for number in open_ones if number not in there]

    def told(self, state):
        """In words, what of a state that is not all is there or not, the shorter of the two."""
        there, zeros = state
        changes = [number for number, op in enumerate(self.ops) if not isinstance(op, Sync)]
        missing = [number for number in changes if number not in there]
        numbers = lambda some: " ".join(f"{number}{'z' * (number in zeros)}" for number in some)
        if len(missing) <= len(there):
            return f"all of {len(changes)} changes but {numbers(missing)}"
        return f"none of {len(changes)} changes but {numbers(sorted(there))}, zeros for {numbers(sorted(zeros))}"

    def content(self, inode, ops):
        """The bytes of a file after these changes."""
        source = self._files[inode]
        data = bytearray(source.read_bytes() if source else b"")
        for op in ops:
            if isinstance(op, Truncate) and op.inode == inode:
                del data[op.size:]
                data += bytes(op.size - len(data))
            elif isinstance(op, Zeros) and op.inode == inode:
                data += bytes(max(0, op.size - len(data)))
            elif isinstance(op, Write) and op.inode == inode:
                end = op.offset + len(op.data)
                data += bytes(max(0, end - len(data)))
                data[op.offset:end] = op.data
        return bytes(data)

    def make(self, state, path):
        """Write the tree as it is in this state to a path that does not exist."""
        there, zeros = state
        ops = [Zeros(op.inode, op.offset + len(op.data)) if number in zeros else op
               for number, op in enumerate(self.ops) if number in there or number in zeros]
        directories = {inode: dict(names) for inode, names in self._directories.items()}
        for op in ops:
            for directory, name, inode in op.changes if isinstance(op, Entries) else ():
                if inode is None:
                    directories[directory].pop(name, None)
                else:
                    directories[directory][name] = inode
        self._write_tree(self._top, Path(path), directories, {op.inode for op in ops if not isinstance(op, Entries)}, ops, {})

    def _write_tree(self, inode, path, directories, changed, ops, written):
        if inode in self._links:
            path.symlink_to(self._links[inode])
        elif inode in directories:
            path.mkdir(mode=self._modes.get(inode, 0o700))
            for name, entry in directories[inode].items():
                self._write_tree(entry, path / name, directories, changed, ops, written)
        elif inode in written:
            os.link(written[inode], path)
        elif inode in self._files:
            if inode in changed or self._files[inode] is None:
                path.write_bytes(self.content(inode, ops))
            else:
                shutil.copyfile(self._files[inode], path)
            path.chmod(self._modes.get(inode, 0o600))
            written[inode] = path
        os.chown(path, *self._owners[inode], follow_symlinks=False)


def _is_journaled(op):
    return isinstance(op, (Entries, Truncate)) or isinstance(op, Write) and op.grows


def _synced_by(op):
    """The inodes that must be synced for a change to be on the disk. That an old name is gone comes with the new one."""
    if not isinstance(op, Entries):
        return {op.inode}
    return {directory for directory, _, inode in op.changes if inode is not None} or {directory for directory, *_ in op.changes}


def _argument(found):
    """bytes of a text or of a list of them; (fd, path); or a word."""
    if found["text"] is not None:
        return _bytes(found["text"].strip('"'))
    if found["number"] is not None:
        return (found["number"] if found["number"] == "AT_FDCWD" else int(found["number"]), os.fsdecode(_bytes(found["path"])))
    if found["list"] is not None:
        return b"".join(_bytes(part) for part in re.findall(rf'iov_base="({HEX})"', found["list"]))
    return found["word"]


def _bytes(text):
    return bytes.fromhex(text.replace("\\x", ""))


def _some_subsets(numbers, rng, bound):
    """Frozen sets of these: none, all, all but one, one alone, then any, at most bound of them."""
    if 2 ** len(numbers) <= bound:
        for count in range(len(numbers) + 1):
            yield from map(frozenset, itertools.combinations(numbers, count))
        return
    whole = frozenset(numbers)
    # what came later is there, and one that it relied on is not
    singles = rng.sample([whole - {number} for number in numbers], len(numbers))
    singles += rng.sample([frozenset({number}) for number in numbers], len(numbers))
    chosen = {frozenset(), whole, *singles[:max(0, (bound - 2) * 2 // 3)]}
    while len(chosen) < bound:
        chosen.add(frozenset(number for number in numbers if rng.random() < 0.5))
    yield from sorted(chosen, key=sorted)
