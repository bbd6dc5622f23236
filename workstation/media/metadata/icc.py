"""The head and the words of an ICC profile (ICC.1:2022, clause 7)."""

from __future__ import annotations

from workstation.domain.metadata import MetaField
from workstation.media.metadata.bounds import Broken, integer
from workstation.media.metadata.findings import Findings
from workstation.media.metadata.texts import bytes_field, fact, fourcc, text_field

_MOST_TAGS = 100
_TEXTS = {b"desc": "Description", b"cprt": "Copyright", b"dmnd": "DeviceManufacturer", b"dmdd": "DeviceModel"}


def read_icc(find: Findings, data: bytes, where: str, offset: int | None) -> None:
    """Read a profile into the group "ICC". Raises: Broken when it has no head."""
    if len(data) < 128 or data[36:40] != b"acsp":
        raise Broken(f"no ICC profile ({len(data)} bytes)")

    def at(place: int) -> int | None:
        return None if offset is None else offset + place

    year, month, day, hour, minute, second = (integer(data, 24 + 2 * k, 2) for k in range(6))
    fields: list[MetaField] = [
        bytes_field("Profile", data, f"{len(data)} bytes", offset=offset),
        fact("SizeStated", integer(data, 0, 4), offset=at(0)),
        fact("PreferredCMM", fourcc(data[4:8]).strip(), offset=at(4)),
        fact("Version", f"{data[8]}.{data[9] >> 4}.{data[9] & 15}", offset=at(8)),
        fact("Class", fourcc(data[12:16]).strip(), offset=at(12)),
        fact("ColourSpace", fourcc(data[16:20]).strip(), offset=at(16)),
        fact("Created", f"{year:04d}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}:{second:02d}", offset=at(24)),
        fact("Platform", fourcc(data[40:44]).strip(), offset=at(40)),
        fact("Manufacturer", fourcc(data[48:52]).strip(), offset=at(48)),
        fact("Creator", fourcc(data[80:84]).strip(), offset=at(80)),
        bytes_field("ProfileID", data[84:100], offset=at(84)),
    ]
    count = integer(data, 128, 4) if len(data) >= 132 else 0
    for number in range(min(count, _MOST_TAGS)):
        entry = data[132 + 12 * number : 144 + 12 * number]
        if len(entry) < 12:
            find.warn("The ICC profile's list of tags is cut short.")
            break
        name, place, size = entry[:4], integer(entry, 4, 4), integer(entry, 8, 4)
        if name in _TEXTS and place + size <= len(data) and size < 1 << 16:
            fields.append(text_field(_TEXTS[name], _text(data[place : place + size]), offset=at(place)))
    find.group("ICC", where, fields, offset)


def _text(body: bytes) -> str:
    kind = body[:4]
    if kind == b"desc":
        return body[12 : 12 + integer(body, 8, 4)].split(b"\0")[0].decode("latin-1")
    if kind == b"text":
        return body[8:].split(b"\0")[0].decode("latin-1")
    if kind == b"mluc" and integer(body, 8, 4):
        size, place = integer(body, 20, 4), integer(body, 24, 4)
        return body[place : place + size].decode("utf-16-be", errors="backslashreplace")
    return body[8:40].hex()
