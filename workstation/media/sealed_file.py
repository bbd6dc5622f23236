"""Reading an encrypted exhibit without ever writing its plaintext to disk: decrypted chunk by chunk, in memory.

Import this module before the decoder child confines itself: everything it needs is loaded and used once here.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workstation.domain.errors import SealedFileDamaged
from workstation.domain.sealed import HEADER_BYTES, SealedHeader, read_header

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_KEPT_CHUNKS = 8


class SealedFile(io.RawIOBase):
    """A read-only, seekable file object over the plaintext of a sealed file. Thread-safe.

    Args:
        descriptor: open for reading; it is read by position and not closed here, unless ``closefd``.
        key: the 32-byte key of this file.

    Raises:
        SealedFileDamaged: it is no sealed file, it was cut or made longer, or the key is not its own.
    """

    def __init__(self, descriptor: int, key: bytes, *, closefd: bool = False) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._closefd = closefd
        self._lock = threading.RLock()
        self._position = 0
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._cipher = AESGCM(key)
        self._header: SealedHeader = read_header(_pread(descriptor, HEADER_BYTES, 0), os.fstat(descriptor).st_size)
        self._chunk(self._header.chunks - 1)

    @property
    def size(self) -> int:
        """Bytes of plaintext; authentic, since the last chunk was decrypted with it."""
        return self._header.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move as files do; places behind the end are allowed and read as empty. Raises: ValueError, OSError."""
        if whence not in (io.SEEK_SET, io.SEEK_CUR, io.SEEK_END):
            raise ValueError(f"whence {whence} is not known")
        with self._lock:
            start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._header.size}[whence]
            if start + offset < 0:
                raise OSError(22, "a place before the beginning of the file")
            self._position = start + offset
            return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to ``size`` bytes, all that are left when it is negative or None; empty at the end.

        Raises:
            SealedFileDamaged: a chunk does not decrypt.
        """
        with self._lock:
            left = max(0, self._header.size - self._position)
            wanted = left if size is None or size < 0 else min(size, left)
            data = self._between(self._position, wanted)
            self._position += len(data)
            return data

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._kept.clear()
            if self._closefd:
                os.close(self._descriptor)
        super().close()

    def _between(self, start: int, size: int) -> bytes:
        if size <= 0:
            return b""
        step = self._header.chunk_size
        first, last = start // step, (start + size - 1) // step
        offset = start - first * step
        if first == last:
            return self._chunk(first)[offset : offset + size]
        parts = [self._chunk(number) for number in range(first, last + 1)]
        return b"".join(parts)[offset : offset + size]

    def _chunk(self, number: int) -> bytes:
        kept = self._kept.get(number)
        if kept is not None:
            self._kept.move_to_end(number)
            return kept
        header = self._header
        offset, length = header.span(number)
        try:
            plain = self._cipher.decrypt(
                header.nonce(number), _pread(self._descriptor, length, offset), header.bound(number)
            )
        except InvalidTag:
            raise SealedFileDamaged(
                f"Part {number + 1} of {header.chunks} of the sealed file does not decrypt: it was altered or moved.",
                "Run case verify; restore the file from a sound copy.",
            ) from None
        self._kept[number] = plain
        while len(self._kept) > _KEPT_CHUNKS:
            self._kept.popitem(last=False)
        return plain


def _pread(descriptor: int, size: int, offset: int) -> bytes:
    if sys.platform == "win32":
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)
    parts = bytearray()
    while len(parts) < size:
        part = os.pread(descriptor, size - len(parts), offset + len(parts))
        if not part:
            break
        parts += part
    return bytes(parts)


def _warm_up() -> None:
    """Use the cipher once: what it loads on first use must not have to be loaded behind a confinement."""
    cipher = AESGCM(bytes(32))
    cipher.decrypt(bytes(12), cipher.encrypt(bytes(12), b"", b""), b"")


_warm_up()
