"""Texts that encoders leave inside a video stream: SEI user data of H.264 and H.265, user data of MPEG-4 and MPEG-2."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MOST_UNITS = 64
_LARGEST_SEI = 1 << 16
_TEXT = re.compile(rb"[\x20-\x7e\t\r\n]{4,}")
_USER_DATA = re.compile(rb"\x00\x00\x01\xb2([\x20-\x7e]{4,400})")
_COMMENT = re.compile(rb"\xff\xfe(..)", re.DOTALL)
_MAKERS = (("x264", "x264"), ("x265", "x265"), ("Lavc", "FFmpeg libavcodec"), ("XviD", "Xvid"), ("DivX", "DivX"),
           ("Zencoder", "Zencoder"), ("SVT-AV1", "SVT-AV1"), ("vvenc", "VVenC"))  # fmt: skip


def maker(text: str) -> str:
    """The encoder a text names at its beginning, empty when it is none that this product knows."""
    return next((name for mark, name in _MAKERS if text.startswith(mark)), "")


def in_setup(codec: str, extradata: bytes) -> list[str]:
    """Texts in the decoder setup data."""
    if codec in ("mpeg4", "msmpeg4v3", "mpeg2video", "mpeg1video"):
        return _user_data(extradata)
    if codec == "h264" and extradata[:1] == b"\0":
        return in_packet(codec, b"", extradata)
    if codec == "hevc" and extradata[:1] == b"\1" and len(extradata) > 23:
        return _in_hvcc(extradata)
    return []


def in_packet(codec: str, extradata: bytes, packet: bytes) -> list[str]:
    """Texts in one packet as stored."""
    if codec in ("h264", "hevc"):
        return [text for unit in _units(codec, extradata, packet) for text in _sei(codec, unit)]
    if codec in ("mpeg4", "msmpeg4v3", "mpeg2video", "mpeg1video"):
        return _user_data(packet[: 1 << 16])
    if codec == "mjpeg":
        return _comments(packet[:4096])
    return []


def _user_data(data: bytes) -> list[str]:
    return [found.decode("ascii") for found in _USER_DATA.findall(data)[:8]]


def _comments(data: bytes) -> list[str]:
    texts = []
    for found in _COMMENT.finditer(data):
        size = int.from_bytes(found[1], "big")
        text = _TEXT.match(data[found.end() : found.end() + max(0, size - 2)])
        if text is not None:
            texts.append(text[0].decode("ascii"))
    return texts[:8]


def _units(codec: str, extradata: bytes, packet: bytes) -> Iterator[bytes]:
    """NAL units of a packet, in the form with lengths or with start codes."""
    wide = 0
    if codec == "h264" and extradata[:1] == b"\1" and len(extradata) > 4:
        wide = (extradata[4] & 3) + 1
    elif codec == "hevc" and extradata[:1] == b"\1" and len(extradata) > 21:
        wide = (extradata[21] & 3) + 1
    if wide:
        position = 0
        for _ in range(_MOST_UNITS):
            size = int.from_bytes(packet[position : position + wide], "big")
            start = position + wide
            if not size or start + size > len(packet):
                return
            yield packet[start : start + min(size, _LARGEST_SEI)]
            position = start + size
        return
    places = [found.end() for found in re.finditer(b"\0\0\1", packet[: 1 << 20])][:_MOST_UNITS]
    for start, end in zip(places, [*places[1:], len(packet)], strict=False):
        yield packet[start : min(end, start + _LARGEST_SEI)]


def _in_hvcc(extradata: bytes) -> list[str]:
    texts: list[str] = []
    position = 23
    for _ in range(extradata[22]):
        count = int.from_bytes(extradata[position + 1 : position + 3], "big")
        position += 3
        for _ in range(min(count, 16)):
            size = int.from_bytes(extradata[position : position + 2], "big")
            texts += _sei("hevc", extradata[position + 2 : position + 2 + size])
            position += 2 + size
    return texts


def _sei(codec: str, unit: bytes) -> list[str]:
    """Texts of unregistered user data (ITU-T H.264, D.1.7; H.265, D.2.7) in one unit."""
    if len(unit) < 4:
        return []
    if codec == "h264":
        if unit[0] & 31 != 6:
            return []
        body = unit[1:]
    else:
        if unit[0] >> 1 & 63 not in (39, 40):
            return []
        body = unit[2:]
    body = body.replace(b"\0\0\3", b"\0\0")
    texts: list[str] = []
    position = 0
    while position + 2 < len(body) and len(texts) < 8:
        kind, position = _coded(body, position)
        size, position = _coded(body, position)
        payload = body[position : position + size]
        if kind == 5 and len(payload) > 20:
            found = _TEXT.match(payload[16:])
            if found is not None:
                texts.append(found[0].decode("ascii").strip())
        position += size
    return texts


def _coded(body: bytes, position: int) -> tuple[int, int]:
    value = 0
    while position < len(body) and body[position] == 0xFF:
        value, position = value + 255, position + 1
    return value + (body[position] if position < len(body) else 0), position + 1
