"""Files that a test locks, as another process of Dovecot would, and who waits for them."""

import contextlib
import fcntl

# in the user's home
ACCOUNT = ".dovecot.lazy-expunge.lock"


def lock_lines(path):
    """The lines of the kernel's table of locks about this file; those of who waits have "->" in them."""
    inode = f":{path.stat().st_ino} " if path.exists() else None
    with open("/proc/locks", encoding="ascii") as table:
        return [line for line in table if inode is not None and inode in line]


@contextlib.contextmanager
def locked(path):
    """Hold the fcntl lock of this file, which is there. Yields a function: how many processes wait for it."""
    with open(path, "r+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        yield lambda: sum("->" in line for line in lock_lines(path))
