"""A file system on a loop device, and the power cut that it suffers: what was not flushed is gone.

All mounts are made in the mount namespace of the process that called enter_namespace(), since one that is seen elsewhere too
would keep the dead file system alive.
"""

import array
import ctypes
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from harness.waiting import wait_for

FILE_SYSTEMS = ("ext4", "xfs", "btrfs")
# in packages
MAKERS = {"ext4": "e2fsprogs", "xfs": "xfsprogs", "btrfs": "btrfs-progs"}
SIZE = 1 << 30
# of the kernel: FS_IOC_SHUTDOWN, EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN, _IOR('X', 125, __u32)
SHUTDOWN = 0x8004587D
WITHOUT_FLUSHING_THE_JOURNAL = 2
CLONE_NEWNS = 0x00020000
# The superblock of btrfs is at 64 KiB.
COPIED_FIRST = 1 << 20


def enter_namespace():
    """Give this process a mount namespace of its own, of which no other hears."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _run("mount", "--make-rprivate", "/")


def why_not(name):
    """Why this file system cannot be mounted and cut here; None if it can."""
    with open("/proc/filesystems", encoding="ascii") as known:
        if name not in known.read().split():
            modprobe = shutil.which("modprobe")
            if not modprobe or subprocess.run([modprobe, name], capture_output=True).returncode != 0:
                return f"this kernel has no {name}"
    found = subprocess.run(["losetup", "--find"], capture_output=True, text=True)
    if found.returncode != 0:
        return f"no loop device is to be had ({found.stderr.strip()})"
    return None


class Device:
    """A fresh file system in an image below this directory, mounted. Raises RuntimeError where it cannot be made."""

    def __init__(self, name, directory):
        self.name, self.place = name, directory / "mnt"
        self._image, self._copy, self._loop = directory / "image", directory / "image.cut", None
        self.place.mkdir()
        with open(self._image, "wb") as image:
            image.truncate(SIZE)
        _run(f"mkfs.{name}", *(["-q"] if name != "xfs" else ["-q", "-f"]), self._image)
        self._mount()
        os.chmod(self.place, 0o755)

    def cut(self):
        """The power goes: from now on nothing reaches the device."""
        if self.name == "btrfs":
            self._copy_in_use()
            return
        directory = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, SHUTDOWN, array.array("I", [WITHOUT_FLUSHING_THE_JOURNAL]))
        finally:
            os.close(directory)

    def _copy_in_use(self):
        """Its driver knows no shutdown: what counts is a copy of the device as it is now.

        The superblock comes first. What it leads to stays where it is until the transaction after the next, which begins half
        a minute later: the copy takes a fraction of a second.
        """
        source, copy = os.open(self._image, os.O_RDONLY), os.open(self._copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            os.ftruncate(copy, SIZE)
            os.pwrite(copy, os.pread(source, COPIED_FIRST, 0), 0)
            for start, end in _extents(source, COPIED_FIRST):
                while start < end:
                    data = os.pread(source, min(end - start, 1 << 20), start)
                    os.pwrite(copy, data, start)
                    start += len(data)
        finally:
            os.close(source)
            os.close(copy)

    def bring_back(self):
        """Mount what the cut has left. Nobody may use it any more."""
        self._unmount()
        if self.name == "btrfs":
            os.replace(self._copy, self._image)
        self._mount()

    def discard(self):
        self._unmount()

    def _mount(self):
        self._loop = _run("losetup", "--find", "--show", self._image).strip()
        try:
            _run("mount", "-t", self.name, self._loop, self.place)
        except RuntimeError:
            self._detach()
            raise

    def _unmount(self):
        if self._loop is None:
            return
        wait_for(lambda: subprocess.run(["umount", self.place], capture_output=True).returncode == 0 or not os.path.ismount(self.place),
                 f"{self.place} to be unmounted", seconds=60)
        self._detach()

    def _detach(self):
        # as long as a process that ends still holds it, the kernel keeps the file system, and would give it out again
        _run("losetup", "--detach", self._loop)
        name = Path(self._loop).name
        wait_for(lambda: not Path(f"/sys/block/{name}/loop").exists(), f"{self._loop} to be detached", seconds=60)
        self._loop = None


def _extents(descriptor, start):
    """(start, end) of what is no hole, from start on."""
    while True:
        try:
            start = os.lseek(descriptor, start, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end
        start = end


def _run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout
