"""How much of a hostile file is read: positions, sizes, counts and depths, all with ceilings of our own."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import BinaryIO

LARGEST_READ = 16 << 20
READ_IN_ALL = 512 << 20
MOST_FIELDS = 6_000
MOST_PARTS = 20_000
DEEPEST = 24
MOST_WARNINGS = 200
MOST_EMBEDDED = 64
LONGEST_TEXT = 2_048
LONGEST_RAW = 256
_BEAT_BYTES = 4 << 20


class Broken(Exception):
    """A part of the file is not as its format says; the rest may still be read."""


class Window:
    """A stretch of an open file, read by position. Every read is bounded, alone and in sum.

    Args:
        file: seekable and read-only; ``size`` bytes long from ``start``.
        beat: called between reads, to show that work goes on.
        most: bytes that are read in all, the same ones again included.
    """

    def __init__(
        self, file: BinaryIO, size: int, beat: Callable[[], None] = lambda: None, most: int = READ_IN_ALL
    ) -> None:
        self._file, self.size, self.beat = file, size, beat
        self._left = self._most = most
        self._since = 0

    def take(self, offset: int, count: int) -> bytes:
        """Exactly ``count`` bytes at ``offset``. Raises: Broken."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise Broken(f"{count} bytes at {offset} reach beyond the end of the file ({self.size} bytes)")
        data = self.some(offset, count)
        if len(data) != count:
            raise Broken(f"the file ended while {count} bytes at {offset} were read")
        return data

    def some(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes at ``offset``, fewer at the end of the file. Raises: Broken."""
        if count > LARGEST_READ:
            raise Broken(f"{count} bytes at {offset} are more than is read in one piece ({LARGEST_READ})")
        if offset < 0 or offset >= self.size:
            return b""
        count = min(count, self.size - offset)
        self._left -= count
        if self._left < 0:
            raise Broken(f"more than {self._most} bytes would have to be read")
        self._since += count + 4096
        if self._since > _BEAT_BYTES:
            self._since = 0
            self.beat()
        self._file.seek(offset, os.SEEK_SET)
        return self._file.read(count)


def integer(data: bytes, offset: int, size: int, order: str = "big") -> int:
    """An unsigned integer inside ``data``. Raises: Broken."""
    if offset < 0 or offset + size > len(data):
        raise Broken(f"a {size}-byte number at {offset} reaches beyond {len(data)} bytes")
    return int.from_bytes(data[offset : offset + size], "little" if order == "little" else "big")


def signed(data: bytes, offset: int, size: int, order: str = "big") -> int:
    """A signed integer inside ``data``. Raises: Broken."""
    value = integer(data, offset, size, order)
    return value - (1 << (8 * size)) if value >> (8 * size - 1) else value


def memory_window(data: bytes) -> Window:
    """A window over bytes at hand, with a budget in proportion to them."""
    return Window(io.BytesIO(data), len(data), most=8 * len(data) + (1 << 16))
