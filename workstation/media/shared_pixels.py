"""Memory that the reader and its decoder child both see: a few equal slots, one decoded picture each.

The parent makes it in its full size, so that the child needs no right to write files (``RLIMIT_FSIZE`` is 0 there).
Linux: an anonymous memory file whose descriptor the child inherits, sealed at its size: a child that could make it
shorter would end its parent with a bus error at the next look into the part that is gone. Other POSIX systems: a
temporary file without a name. Windows: a named mapping that lives as long as one of the two holds it.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
import uuid

if sys.platform.startswith("linux"):
    import fcntl


class SharedPixels:
    """The parent's side: ``count`` slots of ``slot_bytes`` bytes. Owns the memory until :meth:`close`."""

    def __init__(self, slot_bytes: int, count: int) -> None:
        self.slot_bytes = -(-slot_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
        self.count = count
        self.fd = -1
        self.tag = ""
        total = self.slot_bytes * count
        if sys.platform == "win32":
            self.tag = f"workstation-{uuid.uuid4().hex}"
            self.memory = mmap.mmap(-1, total, tagname=self.tag)
            return
        self.fd = _anonymous_file()
        try:
            os.ftruncate(self.fd, total)
            _seal(self.fd)
            self.memory = mmap.mmap(self.fd, total, mmap.MAP_SHARED, mmap.PROT_READ)
        except OSError:
            os.close(self.fd)
            raise

    def close(self) -> None:
        self.memory.close()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def attach(fd: int, tag: str, total: int) -> mmap.mmap:
    """Map the parent's memory in the child, for writing."""
    if sys.platform == "win32":
        return mmap.mmap(-1, total, tagname=tag)
    memory = mmap.mmap(fd, total, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    os.close(fd)
    return memory


def _seal(fd: int) -> None:
    if sys.platform.startswith("linux"):
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("workstation-pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
