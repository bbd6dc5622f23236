"""Real small disks: one that fills up, one that is pulled out, one whose power goes. They need the right to mount."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# linux/fs/ext4/ext4.h: what xfstests use for a power cut. 2 is EXT4_GOING_FLAGS_NOLOGFLUSH: nothing more is written.
_EXT4_SHUTDOWN, _NO_FLUSH = 0x8004587D, 2


def _mount(*words: object) -> bool:
    if shutil.which("mount") is None:
        return False
    return subprocess.run(["mount", *map(str, words)], capture_output=True, check=False).returncode == 0


def unmount(place: Path, *, pulled: bool = False) -> None:
    """Unmount; ``pulled`` takes the names away at once, whoever still has files open there.

    Raises:
        OSError: somebody still holds a file there after some seconds.
    """
    command = ["umount", *(["-l"] if pulled else []), str(place)]
    end = time.monotonic() + 5
    while (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
        if time.monotonic() > end:
            raise OSError(done.stderr.strip())
        time.sleep(0.05)


@contextmanager
def memory_disk(place: Path, megabytes: int) -> Iterator[bool]:
    """A file system of so many megabytes at ``place``; False where nothing can be mounted."""
    place.mkdir(parents=True)
    there = _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place)
    try:
        yield there
    finally:
        if there:
            unmount(place, pulled=True)


def leave_free(folder: Path, size: int) -> Path:
    """Fill the disk of ``folder`` until only ``size`` bytes (rounded down to pages) are free. Returns the ballast."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, max(1, shutil.disk_usage(folder).free - size))
    return ballast


def bind(source: Path, place: Path, *, read_only: bool = False) -> bool:
    """Show ``source`` at ``place`` too. False where nothing can be mounted."""
    place.mkdir(parents=True, exist_ok=True)
    if not _mount("--bind", source, place):
        return False
    return not read_only or _mount("-o", "remount,ro,bind", place)


class PowerDisk:
    """An ext4 file system in a file, whose power can be cut: what was not flushed by then is gone."""

    def __init__(self, folder: Path, megabytes: int = 64) -> None:
        self.image, self.place = folder / "disk.img", folder / "disk"
        self._blank = folder / "blank.img"
        folder.mkdir(parents=True)
        self.place.mkdir()
        with self._blank.open("wb") as file:
            file.truncate(megabytes << 20)
        self.works = False
        if shutil.which("mkfs.ext4"):
            made = subprocess.run(["mkfs.ext4", "-q", "-F", str(self._blank)], capture_output=True, check=False)
            self.works = made.returncode == 0 and self.new()
        if self.works:
            unmount(self.place)

    def new(self) -> bool:
        """An empty disk, mounted."""
        shutil.copyfile(self._blank, self.image)
        return _mount("-o", "loop", self.image, self.place)

    def cut(self) -> None:
        """Cut the power at this moment. What is written from now on fails."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _EXT4_SHUTDOWN, struct.pack("I", _NO_FLUSH))
        finally:
            os.close(descriptor)

    def back(self) -> None:
        """Power again: the file system recovers by its journal, as it does when a machine starts.

        Another process with mounts of its own (a sandbox just being made) may hold the dead file system for a moment;
        it would then be mounted once more instead of anew.
        """
        end = time.monotonic() + 20
        while True:
            unmount(self.place)
            if not _mount("-o", "loop", self.image, self.place):
                raise OSError("the disk does not come back")
            try:
                (self.place / "alive").touch()
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
                continue
            (self.place / "alive").unlink()
            return

    def close(self) -> None:
        unmount(self.place, pulled=True)
