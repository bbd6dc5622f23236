"""How numbers, times and digests are printed.

Rounding rule (P14c, ISO 21043-5 clause 5.4), also printed in the report: a score has as many decimals as the first
significant digit of half its 5-95 % width, never more than two; halves go to the nearest even digit. A value that
would print as a bare 0 or 1 is printed as a bound instead (V5).
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

MAX_DECIMALS = 2
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def decimals(low: float | None, high: float | None) -> int:
    """Decimals that the spread ``low``..``high`` supports, 1 to 2; 2 when there is no spread to go by."""
    if low is None or high is None or not high > low:
        return MAX_DECIMALS
    half = (high - low) / 2
    return min(MAX_DECIMALS, max(1, -math.floor(math.log10(half) + 1e-9)))


def score(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """A score 0..1 with no more digits than its spread supports; a dash when there is none."""
    if value is None:
        return "–"
    places = decimals(low, high)
    text = f"{value:.{places}f}"
    smallest = 10.0**-places
    if float(text) <= 0.0:
        return f"< {smallest:.{places}f}"
    if float(text) >= 1.0:
        return f"> {1.0 - smallest:.{places}f}"
    return text


def spread(low: float | None, high: float | None) -> str:
    """The 5th to 95th percentile as a range; a dash when there is none."""
    if low is None or high is None:
        return "–"
    first, last = score(low, low, high), score(high, low, high)
    return first if first == last else f"{first} to {last}"


def measure(value: float, low: float | None = None, high: float | None = None) -> str:
    """A measure on whatever scale it has: as many decimals as its spread supports, at most three."""
    places = _measure_places(low, high)
    text = f"{value:.{places}f}"
    return text[1:] if text.startswith("-") and float(text) == 0.0 else text


def span(low: float | None, high: float | None) -> str:
    """The spread of a measure as a range; a dash when there is none."""
    if low is None or high is None:
        return "–"
    return f"{measure(low, low, high)} to {measure(high, low, high)}"


def _measure_places(low: float | None, high: float | None) -> int:
    if low is None or high is None or not high > low:
        return 3
    return min(3, max(0, 1 - math.floor(math.log10((high - low) / 2) + 1e-9)))


def figure(value: float) -> str:
    """A measured figure of a validation record: three decimals, never a bare 0 or 1 (V5)."""
    text = f"{value:.3f}"
    return "< 0.001" if 0.0 <= value < 0.0005 else "> 0.999" if 0.9995 <= value <= 1.0 else text


def seconds(value: float) -> str:
    """A presentation time to the millisecond."""
    return f"{value:.3f} s"


def duration(value: float | None) -> str:
    """A length of media: seconds, with minutes from one minute on."""
    if value is None or not math.isfinite(value):
        return "not known"
    if value < 60:
        return f"{value:.2f} s"
    minutes, rest = divmod(round(value, 1), 60)
    return f"{int(minutes)} min {rest:04.1f} s"


def moment(iso: str | None) -> str:
    """An ISO 8601 time as ``2026-01-31 09:15:02 UTC``; the text itself when it is no such time."""
    if not iso:
        return "–"
    try:
        parsed = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    if parsed.tzinfo is None:
        return f"{parsed:%Y-%m-%d %H:%M:%S}, zone not recorded"
    return f"{parsed.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def size(count: int) -> str:
    """A number of bytes, exact, with a rounded unit from 1 kB (1,000 bytes) on."""
    exact = f"{count:,} bytes"
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return exact if unit == 0 else f"{exact} ({value:.1f} {_UNITS[unit]})"


def short(digest: str, length: int = 12) -> str:
    """The first characters of a digest, marked as cut."""
    return digest if len(digest) <= length else digest[:length] + "…"


def grouped(digest: str, step: int = 8) -> str:
    """A digest in groups, for reading aloud and comparing by eye."""
    return " ".join(digest[i : i + step] for i in range(0, len(digest), step))


def number(value: object) -> str:
    """A parameter as it was set: integers plain, other numbers in their shortest exact form."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
