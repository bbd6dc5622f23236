"""Messages between the reader and its decoder child: four bytes of length (big-endian), then that much JSON.

Only plain JSON crosses: a decoder taken over by hostile media must not hand its parent an object to unpickle.
"""

from __future__ import annotations

import json
import struct
from typing import Any

Message = dict[str, Any]
HEADER = struct.Struct(">I")
LARGEST = 1 << 28


def packed(message: Message) -> bytes:
    """Return the message as it goes over the pipe."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


def body_length(header: bytes) -> int:
    """Return the length of the message that follows.

    Raises:
        ValueError: when it is longer than any message this product sends (256 MiB).
    """
    (length,) = HEADER.unpack(header)
    if length > LARGEST:
        raise ValueError(f"a message of {length} bytes")
    return int(length)


def unpacked(body: bytes) -> Message:
    """Return the message in ``body``.

    Raises:
        ValueError: when it is not a JSON object.
    """
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ValueError("not a message")
    return value
