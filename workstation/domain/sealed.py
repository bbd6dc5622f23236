"""How an encrypted file of a case is laid out: header, chunks, nonces, and what each chunk is bound to.

A sealed file is a header of 80 bytes and one or more chunks. Every chunk but the last holds ``chunk_size`` bytes of
plaintext; each is AES-256-GCM ciphertext followed by its tag of 16 bytes (NIST SP 800-38D)::

    offset  bytes
         0      8  magic "WKSEALED"
         8      2  version, big-endian (1)
        10      2  zero
        12      4  chunk size in bytes of plaintext
        16     16  file id, random
        32      8  size of the plaintext in bytes
        40     32  place: binds the file to its name in the case (see workstation.storage.sealing)
        72      8  zero

The nonce of chunk n is the first 8 bytes of the file id and n as 4 bytes; the key belongs to this one file (it is made
from the file id), so no nonce is ever used twice with one key. The additional data of a chunk are the first 40 bytes of
the header, n as 8 bytes and one byte that is 1 for the last chunk: chunks that were cut, added, moved or taken from
another file do not decrypt, and neither does any chunk once the stated size was changed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from workstation.domain.errors import SealedFileDamaged

MAGIC = b"WKSEALED"
VERSION = 1
HEADER_BYTES = 80
TAG_BYTES = 16
FILE_ID_BYTES = 16
PLACE_BYTES = 32
KEY_BYTES = 32
CHUNK_BYTES = 256 << 10

_HEADER = struct.Struct(">8sHHI16sQ32s8s")
_BOUND = 40
_LARGEST_CHUNK = 16 << 20
_MOST_CHUNKS = 1 << 32


@dataclass(frozen=True, slots=True)
class SealedHeader:
    """The header of one sealed file.

    Attributes:
        file_id: 16 random bytes.
        size: bytes of plaintext, 0 and up.
        chunk_size: bytes of plaintext in every chunk but the last, 1 to 16 MiB.
        place: 32 bytes that bind the file to its name; zero while it is being written.
    """

    file_id: bytes
    size: int
    chunk_size: int = CHUNK_BYTES
    place: bytes = bytes(PLACE_BYTES)

    @property
    def chunks(self) -> int:
        """Number of chunks; an empty file has one empty chunk, so that its emptiness is authentic too."""
        return max(1, -(-self.size // self.chunk_size))

    @property
    def sealed_size(self) -> int:
        """Bytes of the whole file on disk."""
        return HEADER_BYTES + self.size + self.chunks * TAG_BYTES

    def span(self, number: int) -> tuple[int, int]:
        """Where chunk ``number`` lies on disk: (offset, length with its tag)."""
        start = number * self.chunk_size
        return HEADER_BYTES + start + number * TAG_BYTES, min(self.chunk_size, self.size - start) + TAG_BYTES

    def nonce(self, number: int) -> bytes:
        """The 12-byte nonce of chunk ``number``."""
        return self.file_id[:8] + number.to_bytes(4, "big")

    def bound(self, number: int) -> bytes:
        """The additional data of chunk ``number`` (49 bytes)."""
        return self.pack()[:_BOUND] + number.to_bytes(8, "big") + bytes([number == self.chunks - 1])

    def pack(self) -> bytes:
        """The header as it stands on disk (80 bytes)."""
        return _HEADER.pack(MAGIC, VERSION, 0, self.chunk_size, self.file_id, self.size, self.place, bytes(8))


def read_header(data: bytes, sealed_size: int) -> SealedHeader:
    """Read a header and hold the size it states against the size of the file.

    Args:
        data: the first 80 bytes of the file.
        sealed_size: bytes of the file on disk.

    Raises:
        SealedFileDamaged: it is no sealed file of this version, or bytes are missing or were added.
    """
    if len(data) < HEADER_BYTES or data[: len(MAGIC)] != MAGIC:
        raise SealedFileDamaged("The file is not sealed as files of an encrypted case are.", _ADVICE)
    _, version, zero, chunk_size, file_id, size, place, rest = _HEADER.unpack(data[:HEADER_BYTES])
    if version != VERSION:
        raise SealedFileDamaged(f"The file is sealed in form {version}, which is not known here.", _ADVICE)
    if zero or any(rest) or not 0 < chunk_size <= _LARGEST_CHUNK:
        raise SealedFileDamaged("The header of the sealed file was altered.", _ADVICE)
    header = SealedHeader(file_id, size, chunk_size, place)
    if header.chunks > _MOST_CHUNKS or header.sealed_size != sealed_size:
        raise SealedFileDamaged(
            f"The sealed file has {sealed_size} bytes, not the {header.sealed_size} it states.", _ADVICE
        )
    return header


def looks_sealed(head: bytes) -> bool:
    """Whether bytes begin like a sealed file."""
    return head.startswith(MAGIC)


_ADVICE = "Run case verify; restore the file from a sound copy."
