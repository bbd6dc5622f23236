"""How Exif values are shown, and what is put together from several of them: positions and times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from workstation.domain.metadata import ZoneKind
from workstation.media.metadata import exif_tags as tags
from workstation.media.metadata.findings import Findings
from workstation.media.metadata.texts import decoded, fact, visible

_MOST_SHOWN = 32
_TIME = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)|Z")
_COMMENT = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", b"\0" * 8: "utf-8"}
_PAIRS = (
    ("DateTime", "OffsetTime", "SubSecTime"),
    ("DateTimeOriginal", "OffsetTimeOriginal", "SubSecTimeOriginal"),
    ("DateTimeDigitized", "OffsetTimeDigitized", "SubSecTimeDigitized"),
)


@dataclass(frozen=True, slots=True)
class Value:
    """A stored value. ``kind`` is TIFF's type; rationals stand in ``numbers`` as numerator, denominator in turn."""

    name: str
    kind: int
    data: bytes
    numbers: tuple[float | int, ...]

    @property
    def is_rational(self) -> bool:
        return self.kind in (5, 10)

    def reals(self) -> list[float]:
        """Numbers as real values; a rational with the denominator 0 is left out."""
        if not self.is_rational:
            return [float(one) for one in self.numbers]
        pairs = zip(self.numbers[::2], self.numbers[1::2], strict=True)
        return [above / below for above, below in pairs if below]

    def text(self) -> str:
        return decoded(self.data.split(b"\0")[0]).strip()

    def plain(self) -> str:
        """As stored, in words."""
        if self.is_rational:
            shown = [f"{a}/{b}" for a, b in zip(self.numbers[::2], self.numbers[1::2], strict=True)]
        else:
            shown = [str(one) for one in self.numbers]
        more = f" … ({len(shown)} values)" if len(shown) > _MOST_SHOWN else ""
        return " ".join(shown[:_MOST_SHOWN]) + more


def shown_value(value: Value) -> str:
    """Words for a value that is no plain text."""
    name = value.name
    if name in tags.UTF16:
        return visible(decoded(value.data, "utf-16-le"))
    if name == "UserComment" or name in ("GPSProcessingMethod", "GPSAreaInformation"):
        encoding = _COMMENT.get(value.data[:8])
        body = value.data[8:] if encoding else value.data
        return visible(decoded(body, encoding or "utf-8")).strip() or "empty"
    if name in ("ExifVersion", "FlashpixVersion", "InteroperabilityVersion"):
        return visible(decoded(value.data))
    if name == "ComponentsConfiguration":
        return " ".join({0: "-", 1: "Y", 2: "Cb", 3: "Cr", 4: "R", 5: "G", 6: "B"}.get(k, str(k)) for k in value.data)
    numbers = value.numbers
    if len(numbers) == 1 and name in tags.CODES and int(numbers[0]) in tags.CODES[name]:
        return f"{tags.CODES[name][int(numbers[0])]} ({numbers[0]})"
    if name == "Flash" and numbers:
        return ("fired" if int(numbers[0]) & 1 else "did not fire") + f" ({int(numbers[0])})"
    if value.is_rational:
        return _rational(value)
    if value.kind == 7:
        return f"{len(value.data)} bytes"
    unit = tags.UNITS.get(name, "")
    return f"{value.plain()} {unit}".strip()


def _rational(value: Value) -> str:
    reals = value.reals()
    if not reals:
        return f"{value.plain()} (no number)"
    unit = tags.UNITS.get(value.name, "")
    if value.name == "ExposureTime" and 0 < reals[0] < 1:
        return f"1/{1 / reals[0]:.6g} s"
    if value.name in ("FNumber",):
        return f"f/{reals[0]:.4g}"
    shown = " ".join(f"{one:.8g}" for one in reals[:_MOST_SHOWN])
    return f"{shown} {unit}".strip()


def gps_position(find: Findings, group: str, where: str, values: dict[str, Value]) -> None:
    """Put a position together in plain degrees (WGS 84 unless the field GPSMapDatum says otherwise)."""
    sides: list[float] = []
    for name, negative, most in (("GPSLatitude", "S", 90), ("GPSLongitude", "W", 180)):
        stored, ref = values.get(name), values.get(f"{name}Ref")
        parts = stored.reals() if stored is not None else []
        if not parts or len(parts) > 3:
            return
        degrees = sum(part / 60**place for place, part in enumerate(parts))
        side = ref.text().upper() if ref is not None else ""
        if not 0 <= degrees <= most:
            find.warn(f"{group}: {name} of {degrees:.6g} degrees is out of range.")
            return
        if not side:
            find.warn(f"{group}: {name} has no reference (N/S, E/W); the sign is unknown.")
        sides.append(-degrees if side == negative else degrees)
    latitude, longitude = sides
    words = f"{latitude:.6f}°, {longitude:.6f}° (latitude north, longitude east)"
    find.group(
        "GPS position", f"{where}, put together from {group}",
        [fact("Position", words), fact("Datum", _datum(values))],
    )  # fmt: skip


def _datum(values: dict[str, Value]) -> str:
    datum = values.get("GPSMapDatum")
    return visible(datum.text()) if datum is not None and datum.text() else "not stated"


def keep_times(find: Findings, values: dict[str, tuple[str, Value]]) -> None:
    """Keep the times of all directories; with an offset in UTC, without one as they stand.

    Args:
        values: name -> (group, value); a time and its offset stand in different directories.
    """

    def text(name: str) -> str:
        return values[name][1].text() if name in values else ""

    for name, offset_name, fraction_name in _PAIRS:
        if name not in values:
            continue
        fraction, offset = text(fraction_name), text(offset_name)
        told = text(name) + (f".{fraction}" if fraction.isdigit() else "") + (f" {offset}" if offset else "")
        utc = in_utc(text(name), offset)
        find.time(name, values[name][0], told, ZoneKind.OFFSET if utc else ZoneKind.NONE, utc)
    day, clock = values.get("GPSDateStamp"), values.get("GPSTimeStamp")
    if day is not None and clock is not None and len(clock[1].reals()) == 3:
        hour, minute, second = clock[1].reals()
        told = f"{day[1].text()} {int(hour):02d}:{int(minute):02d}:{second:06.3f}".rstrip("0").rstrip(".")
        find.time("GPSDateStamp + GPSTimeStamp", day[0], told, ZoneKind.UTC, in_utc(told, "Z"))


def in_utc(text: str, offset: str) -> str:
    """ISO 8601 UTC of a local time with its offset ("+02:00" or "Z"); empty when either cannot be read."""
    time, zone = _TIME.match(text), _OFFSET.fullmatch(offset)
    if time is None or zone is None:
        return ""
    shift = timedelta()
    if zone[1]:
        shift = timedelta(hours=int(zone[2]), minutes=int(zone[3])) * (1 if zone[1] == "+" else -1)
    try:
        made = datetime(*(int(part) for part in time.groups()), tzinfo=timezone(shift))  # type: ignore[arg-type, misc]
        return made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return ""
