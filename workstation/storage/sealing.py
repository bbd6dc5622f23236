"""The keys of an encrypted case and its sealed files: writing them in one pass, reading them in order.

One random master key of 32 bytes stands for the whole case; ``workstation.storage.key_slots`` keeps it wrapped. From it
come, by HKDF-SHA-256 (RFC 5869), the raw key of the database and a key for every single file (its id is the salt). The
layout of a sealed file is ``workstation.domain.sealed``. Its header also carries a keyed digest over file id and name,
so that one sealed file put in the place of another is noticed before its content is believed.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workstation.domain.errors import SealedFileDamaged
from workstation.domain.sealed import (
    CHUNK_BYTES,
    FILE_ID_BYTES,
    HEADER_BYTES,
    KEY_BYTES,
    SealedHeader,
    read_header,
)

_ADVICE = "Run case verify; restore the file from a sound copy."


class CaseSeal:
    """What an open encrypted case holds in memory: its master key and what is derived from it.

    Args:
        master: 32 random bytes.
    """

    def __init__(self, master: bytes) -> None:
        if len(master) != KEY_BYTES:
            raise ValueError("a master key has 32 bytes")
        self.master = master
        self._naming = self._derive(b"workstation 1 place", b"")

    @classmethod
    def fresh(cls) -> CaseSeal:
        """A seal with a new random master key."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @property
    def database_key(self) -> bytes:
        """The raw key of ``case.sqlite`` (32 bytes)."""
        return self._derive(b"workstation 1 database", b"")

    def file_key(self, file_id: bytes) -> bytes:
        """The key of one sealed file (32 bytes)."""
        return self._derive(b"workstation 1 file", file_id)

    def place(self, file_id: bytes, name: str) -> bytes:
        """Binds a sealed file to its name in the case, e.g. "evidence/ab/abc...": 32 bytes."""
        return hmac.digest(self._naming, file_id + name.encode(), "sha256")

    def _derive(self, purpose: bytes, salt: bytes) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt or None, purpose).derive(self.master)


class SealedWriter:
    """Seals a stream whose size is known beforehand. The header comes last, so an unfinished file is none.

    Args:
        file: open for writing at its beginning; seekable; it stays open.
        size: bytes of plaintext to come.
    """

    def __init__(self, file: BinaryIO, seal: CaseSeal, size: int, chunk_size: int = CHUNK_BYTES) -> None:
        self._file = file
        self._seal = seal
        self._header = SealedHeader(secrets.token_bytes(FILE_ID_BYTES), size, chunk_size)
        self._cipher = AESGCM(seal.file_key(self._header.file_id))
        self._waiting = bytearray()
        self._number = 0
        self._taken = 0
        file.write(bytes(HEADER_BYTES))

    def write(self, data: bytes | memoryview) -> int:
        """Raises: ValueError when more comes than was said; OSError."""
        self._taken += len(data)
        if self._taken > self._header.size:
            raise ValueError("more bytes than the sealed file was begun for")
        self._waiting += data
        while len(self._waiting) > self._header.chunk_size or (
            len(self._waiting) == self._header.chunk_size and self._number < self._header.chunks - 1
        ):
            self._put(bytes(self._waiting[: self._header.chunk_size]))
            del self._waiting[: self._header.chunk_size]
        return len(data)

    def finish(self, name: str) -> SealedHeader:
        """Write what is left and the header for the place ``name``.

        Raises:
            ValueError: fewer bytes came than was said.
            OSError.
        """
        if self._taken != self._header.size:
            raise ValueError("fewer bytes than the sealed file was begun for")
        self._put(bytes(self._waiting))
        header = SealedHeader(
            self._header.file_id,
            self._header.size,
            self._header.chunk_size,
            self._seal.place(self._header.file_id, name),
        )
        self._file.seek(0)
        self._file.write(header.pack())
        self._file.seek(0, os.SEEK_END)
        return header

    def _put(self, plain: bytes) -> None:
        header = self._header
        self._file.write(self._cipher.encrypt(header.nonce(self._number), plain, header.bound(self._number)))
        self._number += 1


def sealed_bytes(plain: bytes, seal: CaseSeal, name: str) -> bytes:
    """A whole small file, sealed for the place ``name``."""
    file_id = secrets.token_bytes(FILE_ID_BYTES)
    header = SealedHeader(file_id, len(plain), CHUNK_BYTES, seal.place(file_id, name))
    cipher = AESGCM(seal.file_key(file_id))
    parts = [header.pack()]
    for number in range(header.chunks):
        piece = plain[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
        parts.append(cipher.encrypt(header.nonce(number), piece, header.bound(number)))
    return b"".join(parts)


def header_of(descriptor: int, seal: CaseSeal, name: str) -> SealedHeader:
    """Read the header at the beginning of an open file and hold it against its name.

    Raises:
        SealedFileDamaged: it is no sealed file, was cut, belongs to another place or to another key.
        OSError.
    """
    os.lseek(descriptor, 0, os.SEEK_SET)
    header = read_header(read_exactly(descriptor, HEADER_BYTES), os.fstat(descriptor).st_size)
    if not hmac.compare_digest(header.place, seal.place(header.file_id, name)):
        raise SealedFileDamaged(f"The sealed file at {name} belongs to another place or another case.", _ADVICE)
    return header


def plain_chunks(descriptor: int, key: bytes) -> Iterator[bytes]:
    """The plaintext of an open sealed file, chunk by chunk, each believed only after it decrypted.

    Args:
        key: of this one file (32 bytes); ``header_of`` says which one, and whether the file is in its place.

    Raises:
        SealedFileDamaged: it is no sealed file, was cut, or a chunk was altered.
        OSError.
    """
    os.lseek(descriptor, 0, os.SEEK_SET)
    header = read_header(read_exactly(descriptor, HEADER_BYTES), os.fstat(descriptor).st_size)
    cipher = AESGCM(key)
    for number in range(header.chunks):
        data = read_exactly(descriptor, header.span(number)[1])
        try:
            yield cipher.decrypt(header.nonce(number), data, header.bound(number))
        except InvalidTag:
            raise SealedFileDamaged(
                f"Part {number + 1} of {header.chunks} of a sealed file does not decrypt: it was altered or moved.",
                _ADVICE,
            ) from None


def read_exactly(descriptor: int, size: int) -> bytes:
    """Up to ``size`` bytes from where the descriptor stands; fewer only at the end of the file. Raises: OSError."""
    parts = bytearray()
    while len(parts) < size and (part := os.read(descriptor, size - len(parts))):
        parts += part
    return bytes(parts)


@contextmanager
def open_descriptor(path: Path) -> Iterator[int]:
    """A read-only descriptor for the length of a block. Raises: OSError."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)
