"""The exhibit as the decoder child sees it: a name, a size, limits, and fresh read-only files over its content.

The parent has opened the file (E3); here there is only its descriptor. Every :meth:`OpenExhibit.file` has a position of
its own, because a duplicated descriptor would share one with all others. A sealed exhibit is decrypted on the way,
chunk by chunk in memory.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from workstation.media.limits import DecodeLimits

_BUFFER_BYTES = 1 << 16


class OpenExhibit:
    """One exhibit, opened read-only.

    Attributes:
        name: the file's name, for messages only; nothing may be opened by it.
        size: length of the content in bytes (of the plaintext, when it is sealed).
        limits: ceilings of this child.
        fd: a descriptor whose bytes are the content, for libraries that read one; -1 when only :meth:`file` gives it.
    """

    def __init__(
        self, name: str, size: int, limits: DecodeLimits, opened: Callable[[], BinaryIO], fd: int = -1
    ) -> None:
        self.name = name
        self.size = size
        self.limits = limits
        self.fd = fd
        self._opened = opened

    def file(self) -> BinaryIO:
        """Return a fresh, seekable, read-only, buffered file over the content, at position 0. The caller closes it."""
        return self._opened()

    @classmethod
    def over_descriptor(cls, fd: int, name: str, limits: DecodeLimits, key: bytes | None = None) -> OpenExhibit:
        """An exhibit over an inherited descriptor of a regular file, which stays open.

        Raises:
            SealedFileDamaged: with a key, when it is no sealed file or the key is not its own.
        """
        if key is None:
            size = os.fstat(fd).st_size
            return cls(name, size, limits, lambda: _buffered(_Positioned(fd, size)), fd)
        from workstation.media.sealed_file import SealedFile

        return cls(name, SealedFile(fd, key).size, limits, lambda: _buffered(SealedFile(fd, key)))

    @classmethod
    def over_path(cls, path: str, name: str, limits: DecodeLimits, key: bytes | None = None) -> OpenExhibit:
        """An exhibit by its path, where descriptors cannot be handed down (Windows). Raises: as above, and OSError."""
        if key is None:
            return cls(name, os.stat(path).st_size, limits, lambda: open(path, "rb"))  # noqa: PTH116, PTH123
        return cls.over_descriptor(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), name, limits, key)


def over_bytes(data: bytes, limits: DecodeLimits) -> OpenExhibit:
    """Bytes in memory as if they were an exhibit: for the warm-up of a decoder, never for evidence."""
    return OpenExhibit("bytes", len(data), limits, lambda: io.BytesIO(data))


def _buffered(raw: io.RawIOBase) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(raw, _BUFFER_BYTES))


class _Positioned(io.RawIOBase):
    """Reads by absolute position, so that several of these over one descriptor never disturb each other."""

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError(22, "a place before the beginning of the file")
        self._at = start + offset
        return self._at

    def readinto(self, target: Any) -> int:
        view = memoryview(target).cast("B")
        if sys.platform == "win32":
            raise io.UnsupportedOperation("pread")
        done = os.preadv(self._fd, [view], self._at) if hasattr(os, "preadv") else self._copied(view)
        self._at += done
        return done

    def _copied(self, view: memoryview) -> int:
        part = os.pread(self._fd, len(view), self._at)
        view[: len(part)] = part
        return len(part)
