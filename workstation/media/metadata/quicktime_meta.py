"""User data of QuickTime and MP4 files: ``udta`` strings, iTunes ``ilst`` items, ``mdta`` keys, 3GPP location."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from workstation.domain.metadata import MetaField, ZoneKind
from workstation.media.metadata.bounds import Broken, Window, integer, signed
from workstation.media.metadata.exif_values import in_utc
from workstation.media.metadata.findings import Findings
from workstation.media.metadata.isobmff_boxes import Box, Movie, header, language
from workstation.media.metadata.texts import bytes_field, decoded, fact, fourcc, text_field, visible

_MOST_ITEMS = 500
_LARGEST = 8 << 20
_NAMES = {
    "©nam": "Title", "©too": "EncodingTool", "©enc": "EncodedBy", "©cmt": "Comment", "©day": "ContentCreateDate",
    "©xyz": "Location", "©mak": "Make", "©mod": "Model", "©swr": "Software", "©swf": "SoftwareFormat",
    "©fmt": "Format", "©inf": "Information", "©ART": "Artist", "©des": "Description", "©cpy": "Copyright",
    "©aut": "Author", "©dir": "Director", "©req": "Requirements", "©src": "Source", "©PRD": "Product",
    "©alb": "Album", "©gen": "Genre", "desc": "Description", "cprt": "Copyright", "auth": "Author", "titl": "Title",
    "covr": "Cover", "trkn": "TrackNumber", "stik": "MediaType", "apID": "AppleID", "tool": "EncodingTool",
}  # fmt: skip
_HELD = frozenset({"meta", "ilst", "uuid", "keys", "hdlr", "free", "skip", "loci", "udta"})
_ISO6709 = re.compile(r"([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?")


def user_data(find: Findings, window: Window, box: Box, visit: Callable[[Box], None]) -> None:
    """Read ``udta``: known boxes are handed to ``visit``, strings are read, the rest is kept as bytes."""
    fields: list[MetaField] = []
    position = box.inner
    while position + 8 <= box.end and len(fields) < _MOST_ITEMS:
        child = header(window, position, box.end)
        if child is None:
            break
        child.size = min(child.size, box.end - position)
        if child.name in _HELD:
            visit(child)
        else:
            body = window.take(child.inner, min(child.end - child.inner, 1 << 16))
            child.name = fourcc_mac(window.take(position + 4, 4))
            find.node(box.node, child.name, position, child.size)
            fields.append(_string(child, body, find))
        position = child.end
    find.group("User data", box.path, fields, box.offset)


def fourcc_mac(data: bytes) -> str:
    """Four characters; 0xA9 is the copyright sign."""
    return ("©" + fourcc(data[1:])) if data[:1] == b"\xa9" else fourcc(data)


def _string(box: Box, body: bytes, find: Findings) -> MetaField:
    name = _NAMES.get(box.name, box.name)
    size = box.end - box.inner
    if box.name.startswith("©") and len(body) >= 4:
        length, code = integer(body, 0, 2), integer(body, 2, 2)
        text = body[4 : 4 + length]
        if length and length <= len(body) - 4:
            encoding = "utf-8" if code >= 0x400 or code == 0 else "mac_roman"
            keep_special(find, name, decoded(text, encoding), "User data")
            return text_field(name, text, kind=language(code), encoding=encoding, offset=box.inner + 4)
    if box.name in ("titl", "auth", "cprt", "dscp", "perf", "gnre") and len(body) > 6:
        encoding = "utf-16" if body[6:8] in (b"\xfe\xff", b"\xff\xfe") else "utf-8"
        return text_field(name, body[6:], kind=language(integer(body, 4, 2)), encoding=encoding, offset=box.inner + 6)
    if body and size < 4096 and all(32 <= one < 127 or one in (0, 9, 10, 13) for one in body):
        return text_field(name, body.rstrip(b"\0"), offset=box.inner)
    return bytes_field(name, body, f"{size} bytes, not decoded", offset=box.inner, size=size)


def keep_special(find: Findings, name: str, text: str, source: str) -> None:
    """A date becomes a time reading; an ISO 6709 location becomes plain degrees."""
    text = text.strip()
    place = _ISO6709.match(text)
    if place is not None and ("ocation" in name or name == "©xyz"):
        latitude, longitude = float(place[1]), float(place[2])
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            words = f"{latitude:.6f}°, {longitude:.6f}° (latitude north, longitude east)"
            find.group("GPS position", f"{source}, {name}", [fact("Position", words, raw=text[:80])])
    found = _DATE.fullmatch(text)
    if found is not None:
        zone = found[2] or ""
        if len(zone) == 5:
            zone = f"{zone[:3]}:{zone[3:]}"
        utc = in_utc(found[1], zone) if zone else ""
        find.time(name, source, text, ZoneKind.OFFSET if utc else ZoneKind.NONE, utc)


def keys(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    """The table of key names that ``ilst`` items refer to by number."""
    position, names = 8, list[str]()
    for _ in range(min(integer(body, 4, 4), _MOST_ITEMS)):
        size = integer(body, position, 4)
        if size < 8 or position + size > len(body):
            raise Broken(f"key {len(names) + 1} has {size} bytes")
        names.append(visible(decoded(body[position + 8 : position + size])))
        position += size
    movie.keys = names
    box.note(f"{len(names)} keys")


def item_list(find: Findings, window: Window, movie: Movie, box: Box) -> None:
    """Read ``ilst``: each item holds one or more ``data`` boxes of a stated type."""
    fields: list[MetaField] = []
    position = box.inner
    while position + 8 <= box.end and len(fields) < _MOST_ITEMS:
        item = header(window, position, box.end)
        if item is None or item.end > box.end:
            find.warn(f"{box.path}: an item at {position} reaches beyond the list.")
            break
        raw = window.take(position + 4, 4)
        number = integer(raw, 0, 4)
        code = fourcc_mac(raw)
        name = movie.keys[number - 1] if 0 < number <= len(movie.keys) else _NAMES.get(code, code)
        node = find.node(box.node, name, position, item.size)
        inner = item.inner
        while inner + 8 <= item.end and len(fields) < _MOST_ITEMS:
            data = header(window, inner, item.end)
            if data is None:
                break
            data.size = min(data.size, item.end - inner)
            if data.name == "data" and data.size >= 16:
                fields.append(_value(find, window, name, data))
            elif data.name in ("mean", "name") and data.size > 12:
                text = decoded(window.take(data.inner + 4, min(data.size - 12, 256)))
                name = f"{name}:{visible(text)}" if data.name == "name" else name
                node.detail = f"{node.detail} {visible(text)}".strip()
            inner = data.end
        position = item.end
    find.group("QuickTime metadata" if movie.keys else "iTunes metadata", box.path, fields, box.offset)


def _value(find: Findings, window: Window, name: str, data: Box) -> MetaField:
    head = window.take(data.inner, 8)
    kind, size, offset = integer(head, 0, 4) & 0xFFFFFF, data.end - data.inner - 8, data.inner + 8
    if size > _LARGEST:
        return fact(name, f"{size} bytes, too large to read", offset=offset, size=size)
    body = window.take(offset, size)
    if kind in (1, 2, 4, 5):
        encoding = "utf-8" if kind in (1, 4) else "utf-16-be"
        keep_special(find, name, decoded(body[:200], encoding), "QuickTime metadata")
        return text_field(name, body, kind=encoding.upper(), encoding=encoding, offset=offset)
    if kind in (21, 22, 0) and 0 < size <= 8 and kind:
        number = signed(body, 0, size) if kind == 21 else integer(body, 0, size)
        return fact(name, number, raw=body.hex(), kind=f"integer, {size} bytes", offset=offset, size=size)
    words = {13: "JPEG picture", 14: "PNG picture", 27: "BMP picture"}.get(kind, f"type {kind}")
    return bytes_field(name, body, f"{words}, {size} bytes", kind=f"type {kind}", offset=offset)


def location(find: Findings, movie: Movie, box: Box, body: bytes) -> None:
    """3GPP TS 26.244, 8.10: the ``loci`` box."""
    end = body.index(b"\0", 6)
    at = end + 2
    longitude, latitude, height = (signed(body, at + 4 * k, 4) / 65536 for k in range(3))
    words = f"{latitude:.6f}°, {longitude:.6f}° (latitude north, longitude east)"
    fields = [text_field("Name", body[6:end], offset=box.inner + 6), fact("Position", words, offset=box.inner + at),
              fact("Altitude", f"{height:g} m", offset=box.inner + at + 8)]  # fmt: skip
    find.group("GPS position", box.path, fields, box.offset)


def day(seconds: int) -> str:
    """ISO 8601 UTC of Unix seconds, empty when no calendar holds it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return ""
