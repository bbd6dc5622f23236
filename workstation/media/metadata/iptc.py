"""Photoshop image resources (8BIM) and the IPTC-IIM records in them (IIM 4.2)."""

from __future__ import annotations

from workstation.domain.metadata import MetaField, ZoneKind
from workstation.media.metadata.bounds import Broken, integer
from workstation.media.metadata.exif import Embedded
from workstation.media.metadata.exif_values import in_utc
from workstation.media.metadata.findings import Findings
from workstation.media.metadata.texts import bytes_field, decoded, fact, text_field

_MOST = 500
_RESOURCES = {
    0x03ED: "ResolutionInfo", 0x0404: "IPTC-NAA", 0x0406: "JPEGQuality", 0x0408: "GridAndGuides",
    0x0409: "Thumbnail (old)", 0x040A: "Copyrighted", 0x040B: "URL", 0x040C: "Thumbnail", 0x040F: "ICCProfile",
    0x0414: "DocumentSpecificIDs", 0x0419: "GlobalAltitude", 0x041A: "Slices", 0x041E: "URLList", 0x0421: "VersionInfo",
    0x0422: "ExifInfo", 0x0424: "XMP", 0x0425: "IPTCDigest (MD5 of the IPTC record)", 0x0426: "PrintScale",
    0x0428: "PixelAspectRatio", 0x043A: "PrintInfo", 0x043B: "PrintStyle", 0x2710: "PrintFlags",
}  # fmt: skip
_EMBEDDED = {0x0404: "iptc", 0x040F: "icc", 0x0422: "exif", 0x0424: "xmp"}
_NAMES = {
    (1, 0): "EnvelopeRecordVersion", (1, 90): "CodedCharacterSet", (1, 70): "DateSent", (1, 80): "TimeSent",
    (2, 0): "RecordVersion", (2, 3): "ObjectTypeReference", (2, 5): "ObjectName", (2, 7): "EditStatus",
    (2, 10): "Urgency", (2, 12): "SubjectReference", (2, 15): "Category", (2, 20): "SupplementalCategories",
    (2, 25): "Keywords", (2, 30): "ReleaseDate", (2, 35): "ReleaseTime", (2, 40): "SpecialInstructions",
    (2, 55): "DateCreated", (2, 60): "TimeCreated", (2, 62): "DigitalCreationDate", (2, 63): "DigitalCreationTime",
    (2, 65): "OriginatingProgram", (2, 70): "ProgramVersion", (2, 80): "By-line", (2, 85): "By-lineTitle",
    (2, 90): "City", (2, 92): "Sub-location", (2, 95): "Province-State", (2, 100): "CountryCode", (2, 101): "Country",
    (2, 103): "OriginalTransmissionReference", (2, 105): "Headline", (2, 110): "Credit", (2, 115): "Source",
    (2, 116): "CopyrightNotice", (2, 118): "Contact", (2, 120): "Caption-Abstract", (2, 122): "Writer-Editor",
}  # fmt: skip


def read_photoshop(find: Findings, data: bytes, where: str, offset: int | None) -> list[Embedded]:
    """Read 8BIM resources; returns those that have a format of their own."""
    fields: list[MetaField] = []
    inner: list[Embedded] = []
    position = 0
    while position + 12 <= len(data) and len(fields) < _MOST:
        if data[position : position + 4] not in (b"8BIM", b"PHUT", b"AgHg", b"DCSR"):
            find.warn(f"{where}: no image resource at {position} of the Photoshop block.")
            break
        number = integer(data, position + 4, 2)
        name_size = integer(data, position + 6, 1)
        start = position + 6 + (name_size + 2) // 2 * 2
        size = integer(data, start, 4)
        body = data[start + 4 : start + 4 + size]
        at = None if offset is None else offset + start + 4
        if len(body) < size:
            find.warn(f"{where}: image resource 0x{number:04X} is cut short.")
        name = _RESOURCES.get(number, f"0x{number:04X}")
        fields.append(bytes_field(name, body, offset=at))
        if number in _EMBEDDED and body:
            inner.append(Embedded(_EMBEDDED[number], at, body))
        elif number in (0x0409, 0x040C) and len(body) > 28 and integer(body, 0, 4) == 1:
            inner.append(Embedded("thumbnail", None if at is None else at + 28, body[28:]))
        position = start + 4 + (size + 1) // 2 * 2
    find.group("Photoshop resources", where, fields, offset)
    return inner


def read_iptc(find: Findings, data: bytes, where: str, offset: int | None) -> None:
    """Read IIM data sets into the group "IPTC". Raises: Broken when it does not begin with one."""
    if data[:1] != b"\x1c":
        raise Broken("it does not begin with an IPTC data set")
    fields: list[MetaField] = []
    values: dict[str, str] = {}
    encoding = "utf-8"
    position = 0
    while position + 5 <= len(data) and data[position] == 0x1C and len(fields) < _MOST:
        record, number, size = data[position + 1], data[position + 2], integer(data, position + 3, 2)
        start = position + 5
        if size & 0x8000:
            wide = size & 0x7FFF
            if wide > 4:
                raise Broken(f"a data set with a length of {wide} bytes")
            size = integer(data, start, wide)
            start += wide
        body = data[start : start + size]
        if len(body) < size:
            find.warn(f"{where}: IPTC data set {record}:{number} is cut short.")
        name = _NAMES.get((record, number), f"{record}:{number}")
        at = None if offset is None else offset + start
        if (record, number) == (1, 90):
            encoding = "utf-8" if body == b"\x1b%G" else "latin-1"
            fields.append(bytes_field(name, body, "UTF-8" if body == b"\x1b%G" else "", offset=at))
        elif number == 0 and size == 2:
            fields.append(fact(name, integer(body, 0, 2), offset=at, size=2))
        else:
            fields.append(text_field(name, body, encoding=encoding, kind="IIM", offset=at))
            values.setdefault(name, decoded(body[:100], encoding))
        position = start + size
    find.group("IPTC", where, fields, offset)
    for day, clock in (("DateCreated", "TimeCreated"), ("DigitalCreationDate", "DigitalCreationTime")):
        if day in values:
            _keep_time(find, day, values[day], values.get(clock, ""))


def _keep_time(find: Findings, name: str, day: str, clock: str) -> None:
    told = f"{day[:4]}-{day[4:6]}-{day[6:8]}"
    utc = ""
    if len(clock) >= 6 and clock[:6].isdigit():
        told += f" {clock[:2]}:{clock[2:4]}:{clock[4:6]}"
        if len(clock) == 11:
            zone = f"{clock[6:9]}:{clock[9:]}"
            utc = in_utc(told, zone)
            told += f" {zone}"
    find.time(name, "IPTC", told, ZoneKind.OFFSET if utc else ZoneKind.NONE, utc)
