"""Scores over time as vector graphics: one panel a face track, the scale always 0 to 1 (requirements 3.2, 3.4).

Four marks that cannot be mistaken for one another, none of them drawn as zero: a trace (scored), a hatch (abstained),
a gap (face not seen) and a cross (error). Detectors differ by hue, dash and marker, so the plot reads without colour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reportlab.graphics.shapes import Circle, Drawing, Line, Path, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color, white
from reportlab.lib.units import mm

from workstation.domain.reports import Series
from workstation.domain.results import ItemStatus
from workstation.reporting import styles
from workstation.reporting.fonts import BOLD, REGULAR, cut, runs, text_width
from workstation.reporting.wording import say

PANEL_HEIGHT = 31 * mm
_AXIS_LEFT = 17 * mm
_AXIS_RIGHT = 2 * mm
_FOOT = 7 * mm
_HEAD = 3 * mm
_STRIP = 2.4 * mm
_DASHES: tuple[tuple[float, ...] | None, ...] = (None, (4, 2), (1.2, 1.6), (6, 2, 1.2, 2), (8, 3))
_HATCH = 2.6
_GAP_FACTOR = 1.6
_FEW_POINTS = 80
_LETTERS = 7.2


@dataclass(frozen=True, slots=True)
class Look:
    """How one detector is drawn, the same on every panel of a report."""

    colour: Color
    dash: tuple[float, ...] | None
    marker: int


def looks(detectors: Sequence[str]) -> dict[str, Look]:
    """Give each detector a look of its own, in the order of ``detectors``; 20 differ before one repeats."""
    count = len(styles.SERIES_COLOURS)
    return {
        name: Look(styles.SERIES_COLOURS[i % count], _DASHES[i % len(_DASHES)], (i + i // count) % 4)
        for i, name in enumerate(dict.fromkeys(detectors))
    }


def span_of(series: Sequence[Series], duration: float | None) -> tuple[float, float]:
    """First and last second of the axis: the whole exhibit when its length is known, else what was examined."""
    times = [point.seconds for entry in series for point in entry.points]
    low, high = min(times, default=0.0), max(times, default=0.0)
    if duration is not None and math.isfinite(duration):
        low, high = min(0.0, low), max(high, duration)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def sampling_step(series: Sequence[Series], duration: float | None, examined: int) -> float:
    """Seconds between neighbouring frames examined; a longer silence in a track is a gap."""
    if duration and math.isfinite(duration) and examined > 1:
        return duration / (examined - 1)
    times = sorted({point.seconds for entry in series for point in entry.points})
    steps = sorted(b - a for a, b in pairwise(times))
    return steps[len(steps) // 2] if steps else 1.0


def legend(look: Mapping[str, Look], names: Mapping[str, str]) -> Drawing:
    """Each detector's line and marker with its name, then the hatch and the cross, in as many lines as needed."""
    entries = [(names.get(key, key), key) for key in look]
    entries += [(say("timeline.abstained"), "*hatch"), (say("timeline.error"), "*cross")]
    place: list[tuple[float, int, str, str]] = []
    x, row = 0.0, 0
    for text, key in entries:
        text = cut(text, styles.WIDTH - 20 * mm, REGULAR, _LETTERS)
        wide = 13 * mm + text_width(text, REGULAR, _LETTERS) + 5 * mm
        if x and x + wide > styles.WIDTH:
            x, row = 0.0, row + 1
        place.append((x, row, text, key))
        x += wide
    height = (row + 1) * 5 * mm
    drawing = _drawing(height)
    for x, row, text, key in place:
        y = height - row * 5 * mm - 3.4 * mm
        if key == "*hatch":
            _hatch(drawing, x, x + 10 * mm, y - 1.2 * mm, y + 1.2 * mm, styles.SECOND)
        elif key == "*cross":
            _cross(drawing, x + 5 * mm, y)
        else:
            drawing.add(_line([(x, y), (x + 10 * mm, y)], look[key]))
            _marker(drawing, x + 5 * mm, y, look[key])
        _text(drawing, x + 12 * mm, y - 2.6, text)
    return drawing


def panel(
    track: int,
    series: Sequence[Series],
    look: Mapping[str, Look],
    span: tuple[float, float],
    step: float,
) -> Drawing:
    """One track: all its detectors over ``span`` seconds."""
    together, alone = _abstained(series)
    strips = len(alone) * _STRIP
    drawing = _drawing(PANEL_HEIGHT + strips)
    x0, x1 = _AXIS_LEFT, styles.WIDTH - _AXIS_RIGHT
    y0, y1 = _FOOT, PANEL_HEIGHT - _HEAD

    def across(seconds: float) -> float:
        return float(x0 + (seconds - span[0]) / (span[1] - span[0]) * (x1 - x0))

    drawing.add(Rect(x0, y0, x1 - x0, y1 - y0, fillColor=white, strokeColor=None))
    _hatches(drawing, together, (x0, x1, y0, y1), across, step, styles.HATCH)
    for row, (index, times) in enumerate(alone.items()):
        foot = y1 + 0.6 * mm + row * _STRIP
        colour = look[series[index].detector].colour
        _hatches(drawing, times, (x0, x1, foot, foot + _STRIP - 0.5 * mm), across, step, colour)
    for value, words in ((0.0, "0"), (0.5, "0.5"), (1.0, "1")):
        y = y0 + value * (y1 - y0)
        drawing.add(Line(x0, y, x1, y, strokeColor=styles.RULE, strokeWidth=0.5))
        _text(drawing, x0 - 1.6 * mm, y - 2.4, words, anchor="end", colour=styles.SECOND)
    drawing.add(Line(x0, y0, x0, y1, strokeColor=styles.RULE, strokeWidth=0.5))
    _text(drawing, 0, (y0 + y1) / 2 - 3, say("timeline.track", number=track), font=BOLD, size=9)
    ticks = _ticks(span)
    for tick, words in ticks:
        x = across(tick)
        drawing.add(Line(x, y0, x, y0 - 2, strokeColor=styles.SECOND, strokeWidth=0.5))
        _text(drawing, min(max(x, x0), x1), y0 - 9.5, words, anchor="middle", colour=styles.SECOND)
    _text(drawing, 0, y0 - 9.5, say("timeline.axis"), colour=styles.SECOND)
    for entry in series:
        _trace(drawing, entry, look[entry.detector], across, (y0, y1), step)
    return drawing


def _trace(
    drawing: Drawing, entry: Series, look: Look, across: Callable[[float], float], y: tuple[float, float], step: float
) -> None:
    few = len(entry.points) <= _FEW_POINTS
    stretch: list[tuple[float, float]] = []
    last: float | None = None
    for point in sorted(entry.points, key=lambda p: p.seconds):
        scored = point.status is ItemStatus.OK and point.score is not None
        if stretch and (not scored or (last is not None and point.seconds - last > _GAP_FACTOR * step)):
            _stretch(drawing, stretch, look, few)
            stretch = []
        if scored and point.score is not None:
            stretch.append((across(point.seconds), y[0] + min(1.0, max(0.0, point.score)) * (y[1] - y[0])))
        elif point.status is ItemStatus.ERROR:
            _cross(drawing, across(point.seconds), (y[0] + y[1]) / 2)
        last = point.seconds
    if stretch:
        _stretch(drawing, stretch, look, few)


def _stretch(drawing: Drawing, points: list[tuple[float, float]], look: Look, few: bool) -> None:
    if len(points) > 1:
        drawing.add(_line(points, look, 1.1 if few else 0.6))
    if few or len(points) == 1:
        for x, y in points:
            _marker(drawing, x, y, look)


def _abstained(series: Sequence[Series]) -> tuple[list[float], dict[int, list[float]]]:
    """Times at which every detector abstained, and for each other series the times at which it alone did."""
    here: dict[float, list[tuple[int, bool]]] = {}
    for index, entry in enumerate(series):
        for point in entry.points:
            here.setdefault(point.seconds, []).append((index, point.status is ItemStatus.ABSTAINED))
    together: list[float] = []
    alone: dict[int, list[float]] = {}
    for time, entries in here.items():
        if all(abstained for _, abstained in entries):
            together.append(time)
            continue
        for index, abstained in entries:
            if abstained:
                alone.setdefault(index, []).append(time)
    return together, dict(sorted(alone.items()))


def _hatches(
    drawing: Drawing,
    times: Sequence[float],
    area: tuple[float, float, float, float],
    across: Callable[[float], float],
    step: float,
    colour: Color,
) -> None:
    """Hatch the time around each of ``times`` between the left, right, lower and upper edge of ``area``."""
    for low, high in _merge(times, step):
        left, right = max(area[0], across(low)), min(area[1], across(high))
        _hatch(drawing, min(left, area[1] - 2), max(right, left + 2), area[2], area[3], colour)


def _merge(times: Sequence[float], step: float) -> list[tuple[float, float]]:
    """Join neighbouring sampled moments into stretches, each reaching half a step to both sides."""
    merged: list[tuple[float, float]] = []
    for time in sorted(times):
        low, high = time - step / 2, time + step / 2
        if merged and low <= merged[-1][1] + step * 0.1:
            merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return merged


def _ticks(span: tuple[float, float]) -> list[tuple[float, str]]:
    length = span[1] - span[0]
    raw = length / 8
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((base * power for base in (1, 2, 5, 10) if base * power >= raw), 10 * power)
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    first = math.ceil(span[0] / step - 1e-9)
    last = math.floor(span[1] / step + 1e-9)
    return [(i * step, f"{i * step:.{places}f}") for i in range(first, last + 1)]


def _hatch(drawing: Drawing, x0: float, x1: float, y0: float, y1: float, colour: Color) -> None:
    """Diagonal lines clipped to a rectangle, as one path."""
    path = Path(strokeColor=colour, strokeWidth=0.55, fillColor=None)
    height = y1 - y0
    offset = math.floor((x0 - height) / _HATCH) * _HATCH
    while offset < x1:
        # The line y = y0 + (x - offset), cut to the rectangle.
        left, right = max(x0, offset), min(x1, offset + height)
        if right > left:
            path.moveTo(left, y0 + left - offset)
            path.lineTo(right, y0 + right - offset)
        offset += _HATCH
    drawing.add(path)
    drawing.add(Rect(x0, y0, x1 - x0, height, fillColor=None, strokeColor=colour, strokeWidth=0.4))


def _marker(drawing: Drawing, x: float, y: float, look: Look) -> None:
    size = 1.7
    paint = {"fillColor": look.colour, "strokeColor": white, "strokeWidth": 0.35}
    if look.marker == 0:
        drawing.add(Circle(x, y, size, **paint))
    elif look.marker == 1:
        drawing.add(Rect(x - size, y - size, 2 * size, 2 * size, **paint))
    elif look.marker == 2:
        drawing.add(Polygon([x - size * 1.2, y - size, x + size * 1.2, y - size, x, y + size * 1.3], **paint))
    else:
        drawing.add(Polygon([x - size * 1.3, y, x, y - size * 1.3, x + size * 1.3, y, x, y + size * 1.3], **paint))


def _cross(drawing: Drawing, x: float, y: float) -> None:
    for slope in (1, -1):
        drawing.add(Line(x - 2.4, y - 2.4 * slope, x + 2.4, y + 2.4 * slope, strokeColor=styles.INK, strokeWidth=1.1))


def _line(points: Sequence[tuple[float, float]], look: Look, width: float = 1.1) -> PolyLine:
    flat = [value for point in points for value in point]
    dash = list(look.dash) if look.dash else None
    return PolyLine(flat, strokeColor=look.colour, strokeWidth=width, strokeDashArray=dash, strokeLineJoin=1)


def _drawing(height: float) -> Drawing:
    return Drawing(styles.WIDTH, height, initialFontName=REGULAR, hAlign="LEFT")


def _text(
    drawing: Drawing,
    x: float,
    y: float,
    text: str,
    *,
    font: str = REGULAR,
    size: float = _LETTERS,
    anchor: str = "start",
    colour: Color = styles.INK,
) -> None:
    if anchor != "start":
        drawing.add(String(x, y, text, fontName=font, fontSize=size, textAnchor=anchor, fillColor=colour))
        return
    for name, piece in runs(text, font):
        drawing.add(String(x, y, piece, fontName=name, fontSize=size, fillColor=colour))
        x += text_width(piece, name, size)
