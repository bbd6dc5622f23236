"""The zip file around a pack, written in one exact form so that every byte of it can be checked (PKWARE APPNOTE 6.3).

Local headers carry sizes and CRC (no data descriptors), every date is 1980-01-01, every file has mode 0644, nothing has
a comment, members follow each other without gaps, and ZIP64 records are there exactly where a number needs them. Any
unzip program reads that; the verifier builds the same headers again and compares.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

STORED, DEFLATED = 0, 8
_LIMIT_32 = 0xFFFFFFFF
_LIMIT_16 = 0xFFFF
_DATE = (1980 - 1980) << 9 | 1 << 5 | 1
_MODE = 0o100644 << 16
_MADE_ON_UNIX = 3 << 8
_UTF8 = 0x800


@dataclass(frozen=True, slots=True)
class Entry:
    """One member as it lies in the file.

    Attributes:
        offset: where its local header begins.
        size, packed: bytes of content, and of content as stored.
        wide: its local header has ZIP64 sizes.
    """

    name: str
    method: int
    crc: int
    size: int
    packed: int
    offset: int
    wide: bool

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + len(local_header(self)) + self.packed


def local_header(entry: Entry) -> bytes:
    """The bytes in front of a member's content."""
    name = entry.name.encode()
    extra = struct.pack("<HHQQ", 1, 16, entry.size, entry.packed) if entry.wide else b""
    sizes = (_LIMIT_32, _LIMIT_32) if entry.wide else (entry.packed, entry.size)
    head = struct.pack(
        "<4sHHHHHIIIHH",
        b"PK\x03\x04",
        45 if entry.wide else 20,
        _flags(entry.name),
        entry.method,
        0,
        _DATE,
        entry.crc,
        *sizes,
        len(name),
        len(extra),
    )
    return head + name + extra


def directory(entries: Sequence[Entry], limit: int = _LIMIT_32) -> bytes:
    """Everything behind the last member: the central directory and its end records.

    Args:
        limit: numbers from here on go into ZIP64 fields; smaller in tests.
    """
    start = entries[-1].end if entries else 0
    body = b"".join(_central(entry, limit) for entry in entries)
    count = len(entries)
    end = b""
    if count >= _LIMIT_16 or start >= limit or len(body) >= limit:
        end += struct.pack(
            "<4sQHHIIQQQQ", b"PK\x06\x06", 44, _MADE_ON_UNIX | 45, 45, 0, 0, count, count, len(body), start
        )
        end += struct.pack("<4sIQI", b"PK\x06\x07", 0, start + len(body), 1)
        short = (min(count, _LIMIT_16), _LIMIT_32 if len(body) >= limit else len(body))
        end += struct.pack(
            "<4sHHHHIIH", b"PK\x05\x06", 0, 0, short[0], short[0], short[1], _LIMIT_32 if start >= limit else start, 0
        )
    else:
        end += struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(body), start, 0)
    return body + end


def _central(entry: Entry, limit: int) -> bytes:
    name = entry.name.encode()
    wide_sizes, wide_offset = entry.wide or max(entry.size, entry.packed) >= limit, entry.offset >= limit
    extra = b""
    if wide_sizes:
        extra += struct.pack("<QQ", entry.size, entry.packed)
    if wide_offset:
        extra += struct.pack("<Q", entry.offset)
    if extra:
        extra = struct.pack("<HH", 1, len(extra)) + extra
    needed = 45 if extra else 20
    return (
        struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\x01\x02",
            _MADE_ON_UNIX | needed,
            needed,
            _flags(entry.name),
            entry.method,
            0,
            _DATE,
            entry.crc,
            _LIMIT_32 if wide_sizes else entry.packed,
            _LIMIT_32 if wide_sizes else entry.size,
            len(name),
            len(extra),
            0,
            0,
            0,
            _MODE,
            _LIMIT_32 if wide_offset else entry.offset,
        )
        + name
        + extra
    )


def _flags(name: str) -> int:
    return 0 if name.isascii() else _UTF8


class Container:
    """Writes members one after the other.

    Args:
        file: open for writing at its beginning, seekable.
        limit: see :func:`directory`.
    """

    def __init__(self, file: BinaryIO, limit: int = _LIMIT_32) -> None:
        self._file = file
        self._limit = limit
        self._at = 0
        self.entries: list[Entry] = []

    def add(self, name: str, chunks: Iterable[bytes], size: int, *, deflate: bool = False) -> Entry:
        """Write one member.

        Args:
            size: bytes expected.

        Raises:
            ValueError: other than ``size`` bytes came.
            OSError.
        """
        wide = size + size // 1000 + 64 >= self._limit
        method = DEFLATED if deflate else STORED
        draft = Entry(name, method, 0, 0, 0, self._at, wide)
        self._file.write(local_header(draft))
        squeeze = zlib.compressobj(6, zlib.DEFLATED, -15) if deflate else None
        crc = count = packed = 0
        for chunk in chunks:
            crc = zlib.crc32(chunk, crc)
            count += len(chunk)
            data = squeeze.compress(chunk) if squeeze else chunk
            packed += len(data)
            self._file.write(data)
        if squeeze:
            data = squeeze.flush()
            packed += len(data)
            self._file.write(data)
        if count != size:
            raise ValueError(f"{name} has {count} bytes, not the {size} expected")
        entry = Entry(name, method, crc, count, packed, self._at, wide)
        self._file.seek(self._at)
        self._file.write(local_header(entry))
        self._at = entry.end
        self._file.seek(self._at)
        self.entries.append(entry)
        return entry

    def finish(self) -> None:
        """Write the central directory. Raises: OSError."""
        self._file.write(directory(self.entries, self._limit))
