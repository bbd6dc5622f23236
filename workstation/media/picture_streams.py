"""The one "stream" of a picture (E2): its compressed picture data without metadata, to match a stripped copy.

=====  ==============================================================================================================
JPEG   from SOI on, every marker segment but APP0 to APP15 and COM (so tables, frame and scan headers), and all
       entropy-coded data, up to and with the first EOI (ISO/IEC 10918-1, annex B)
PNG    the bodies of IHDR, PLTE and tRNS, then of all IDAT chunks, one after the other (ISO/IEC 15948, 11.2)
WebP   type and body of every VP8, VP8L, ALPH and ANMF chunk (RFC 9649)
GIF    everything behind the version but application and comment extensions (GIF89a)
=====  ==============================================================================================================

Two of these say less than one may think: APP2 holds a colour profile and APP14 the colour transform of a JPEG, and
neither is part of the digest. Other formats (TIFF, HEIC, AVIF, BMP) have no rule: their picture data and their metadata
are found through offsets that a rewritten copy moves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from workstation.domain.errors import DamagedMedia
from workstation.media.sniffing import Signature
from workstation.media.wire import Message

_LARGEST = 1 << 30


def digest(file: BinaryIO, signature: Signature, size: int, beat: Callable[[], None]) -> Message | None:
    """Digest of a picture's data as a JSON value with the fields of ``StreamDigest``; None without a rule.

    Raises:
        DamagedMedia: the file is not built as its format asks.
    """
    rule = {
        Signature.JPEG: _jpeg,
        Signature.PNG: _png,
        Signature.WEBP: _webp,
        Signature.GIF: _gif,
    }.get(signature)
    if rule is None or size > _LARGEST:
        return None
    hashed = hashlib.sha256()
    pieces = total = 0
    try:
        for piece in rule(file.read()):
            beat()
            hashed.update(piece)
            pieces += 1
            total += len(piece)
    except (IndexError, ValueError) as error:
        raise DamagedMedia("The picture is cut short or broken.", "Ask for another copy.") from error
    return {
        "stream": 0,
        "kind": "image",
        "codec": signature.value.lower(),
        "packets": pieces,
        "size": total,
        "sha256": hashed.hexdigest(),
        "normal_sha256": "",
    }


def _jpeg(data: bytes) -> Iterator[bytes]:
    yield data[:2]
    at = 2
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:
            at += 1  # fill bytes
        if data[at] != 0xFF:
            raise ValueError("no marker")
        marker = data[at + 1]
        if marker == 0xD9:
            yield data[at : at + 2]
            return
        if 0xD0 <= marker <= 0xD8 or marker == 1:
            yield data[at : at + 2]
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end <= at + 3 or end > len(data):
            raise ValueError("a segment longer than the file")
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            yield data[at:end]
        at = end
        if marker == 0xDA:
            at = _entropy_end(data, end)
            yield data[end:at]


def _entropy_end(data: bytes, at: int) -> int:
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise ValueError("no end of image")
        if data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
            at += 2
        elif data[at + 1] == 0xFF:
            at += 1
        else:
            return at


def _png(data: bytes) -> Iterator[bytes]:
    at = 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if at + 12 + length > len(data):
            raise ValueError("a chunk longer than the file")
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT"):
            yield data[at + 8 : at + 8 + length]
        if kind == b"IEND":
            return
        at += 12 + length
    raise ValueError("no end")


def _webp(data: bytes) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(data):
        kind = data[at : at + 4]
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > len(data):
            raise ValueError("a chunk longer than the file")
        if kind in (b"VP8 ", b"VP8L", b"ALPH", b"ANMF"):
            yield kind
            yield data[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)


def _gif(data: bytes) -> Iterator[bytes]:
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    yield data[6:at]
    while data[at] != 0x3B:
        start = at
        if data[at] == 0x2C:
            flags = data[at + 9]
            at += 10 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0) + 1
            dropped = False
        elif data[at] == 0x21:
            dropped = data[at + 1] in (0xFE, 0xFF)
            at += 2
        else:
            raise ValueError("neither picture nor extension")
        while data[at]:
            at += 1 + data[at]
        at += 1
        if not dropped:
            yield data[start:at]
    yield data[at : at + 1]
