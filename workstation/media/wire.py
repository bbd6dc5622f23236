"""Messages between the reader and its decoder child: four bytes of length (big-endian), then that much JSON or numbers.

Only plain JSON and arrays of numbers cross: a decoder taken over by hostile media must not hand its parent an object to
unpickle. Time stamps go as arrays, because as JSON a long video's would cost its reader a hundred times their size.
"""

from __future__ import annotations

import json
import struct
from array import array
from collections.abc import Sequence
from typing import Any, NoReturn

Message = dict[str, Any]
HEADER = struct.Struct(">I")
LARGEST = 16 << 20
LARGEST_NUMBERS = 64 << 20
# An empty list takes three bytes on the wire and some sixty in memory.
MOST_VALUES = 2_000_000
_NUMBERS = b"#"


class TooLong(ValueError):
    """A message longer than any this product sends."""


def packed(message: Message) -> bytes:
    """Return the message as it goes over the pipe.

    Raises:
        TooLong: it is longer than ``LARGEST`` (16 MiB).
        ValueError, TypeError: it holds a number that is not finite, or what is no plain data.
    """
    body = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
    if len(body) > LARGEST:
        raise TooLong(f"a message of {len(body)} bytes")
    return HEADER.pack(len(body)) + body


def packed_numbers(numbers: Sequence[int]) -> bytes:
    """Return whole numbers of 64 bits as they go over the pipe (at most 8 Mi of them).

    Raises:
        ValueError, OverflowError: there are too many, or one does not fit.
    """
    body = _NUMBERS + array("q", numbers).tobytes()
    if len(body) > LARGEST_NUMBERS:
        raise ValueError(f"{len(numbers)} numbers")
    return HEADER.pack(len(body)) + body


def body_length(header: bytes) -> int:
    """Return the length of the message that follows.

    Raises:
        ValueError: when it is longer than any message this product sends (64 MiB).
    """
    (length,) = HEADER.unpack(header)
    if length > LARGEST_NUMBERS:
        raise ValueError(f"a message of {length} bytes")
    return int(length)


def unpacked(body: bytes) -> Message:
    """Return the message in ``body``.

    Raises:
        ValueError: when it is not a JSON object, is too long, holds too many values or too deep a nest of them, or NaN
            or an infinity.
    """
    if len(body) > LARGEST:
        raise ValueError(f"a message of {len(body)} bytes")
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise ValueError("too many values")
    try:
        value = json.loads(body, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError("a message nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a message")
    return value


def unpacked_numbers(body: bytes) -> tuple[int, ...]:
    """Return the numbers in ``body``.

    Raises:
        ValueError: when it holds none.
    """
    if body[:1] != _NUMBERS or len(body) % 8 != 1:
        raise ValueError("no numbers")
    numbers = array("q")
    numbers.frombytes(body[1:])
    return tuple(numbers)


def _refused(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
