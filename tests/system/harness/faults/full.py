"""Small file systems that are full: no byte or no inode is left."""

import os
import subprocess
from contextlib import contextmanager

from harness import places
from harness.faults.devices import why_not

INODES = 700
FILLING_ROUNDS = 5
UNUSABLE = 1 << 17


@contextmanager
def small(size="8m", inodes=INODES):
    """An empty file system in memory, mounted; its path."""
    path = places.fresh_run_directory()
    with _mounted(path, "-t", "tmpfs", "-o", f"size={size},nr_inodes={inodes},mode=0777", "tmpfs"):
        yield path


@contextmanager
def small_ext4(size="16m", inodes=INODES):
    """The same with blocks on a device. Raises RuntimeError where there is none."""
    why = why_not("ext4")
    if why:
        raise RuntimeError(why)
    path = places.fresh_run_directory()
    image = path.with_name(path.name + ".image")
    try:
        subprocess.run(["truncate", "-s", size, image], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-N", str(inodes), image], check=True)
        with _mounted(path, "-o", "loop", image):
            path.chmod(0o777)
            yield path
    finally:
        image.unlink()


@contextmanager
def _mounted(path, *arguments):
    subprocess.run(["mount", *arguments, path], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)
        path.rmdir()


def free(path):
    """(bytes, inodes) that a user can have."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize, found.f_favail


def take_all_bytes(path):
    """Leave no space; the file that has taken it. A device may keep some blocks to itself that nobody can have."""
    filler = path / "filler"
    with open(filler, "wb", buffering=0) as file:
        for _ in range(FILLING_ROUNDS):
            for size in (1 << 20, 1 << 12):
                try:
                    while file.write(b"x" * size) == size:
                        pass
                except OSError:
                    pass
            if free(path)[0] == 0:
                break
            # what is written later may take less
            os.sync()
    assert free(path)[0] < UNUSABLE
    return filler


def take_all_inodes(path):
    """Leave no inode; the directory with the files that have taken them."""
    directory = path / "many"
    directory.mkdir()
    try:
        for number in range(1 << 20):
            (directory / str(number)).touch()
    except OSError:
        pass
    assert free(path)[1] == 0
    return directory


def take_all(path):
    """Leave neither."""
    (path / "filler").touch()
    take_all_inodes(path)
    take_all_bytes(path)
