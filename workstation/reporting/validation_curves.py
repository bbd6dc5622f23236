"""Robustness curves as a picture: one small panel for each way of making a picture worse, the AUC against its level.

Every curve has its 95 % interval as a band; curves are told apart by marks and dashes, so that a print without colour
reads the same. Below each panel bars say how many items an examination would abstain on at that step: those it would
abstain on as they are, and on top of them those that were lost by the condition (V4, V11). Nothing is left out of the
curve for it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from workstation.reporting import line_art
from workstation.reporting.line_art import Area, Colour, Line, Mark, Point, Sheet, Spot, Stroke, Words, text_width
from workstation.reporting.wording import phrase, say

Facts = Mapping[str, object]
_At = Callable[[int, float], Point]
"""Step and value to a place on the sheet."""

# As wide as the text of a page (styles.WIDTH), in points.
WIDTH = 470.0
_COLUMNS = 3
_TOP, _PLOT, _TICKS, _STRIP, _GAP = 24.0, 92.0, 24.0, 20.0, 12.0
_LEFT, _RIGHT, _INSET = 23.0, 7.0, 9.0
_SMALL, _TITLE = 6.5, 8.0
_LEGEND_LINE = 11.0
_INK: Colour = (30, 30, 30)
_SECOND: Colour = (90, 90, 90)
_RULE: Colour = (222, 222, 222)
_LIGHT: Colour = (196, 196, 196)
_SHORTCUT = (6.0, 2.0)


@dataclass(frozen=True, slots=True)
class _Style:
    colour: Colour
    mark: Mark
    open: bool
    dash: tuple[float, ...]


_STYLES = (
    _Style((0, 103, 166), "circle", False, ()),
    _Style((176, 66, 0), "square", True, (3.5, 1.5)),
    _Style((0, 112, 79), "triangle", False, (1.2, 1.2)),
    _Style((143, 63, 111), "diamond", True, (4.0, 1.2, 1.2, 1.2)),
    _Style((30, 30, 30), "circle", True, (2.2, 1.0)),
    _Style((110, 90, 0), "square", False, (6.0, 1.0, 1.0, 1.0, 1.0, 1.0)),
)
MOST = len(_STYLES)


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of a curve: AUC with its interval and the best shortcut's, None where there is none; items an
    examination would abstain on, as they are and by the condition; items in all, 0 where that is not known."""

    auc: tuple[float, float, float] | None
    shortcut: float | None
    abstained: int
    lost: int
    items: int


def curves_sheet(record: Facts) -> Sheet | None:
    """The curves of a record and of the detectors beside it, `MOST` at most; None when robustness was not measured."""
    parts = [record, *(one for one in cast(Sequence[Facts], record.get("others", ())))]
    drawn = [one for one in parts if _curves(_table(one, "figures"))]
    if not drawn or drawn[0] is not record:
        return None
    names = [_named(_table(one, "detector")) for one in drawn]
    every = [_table(one, "figures") for one in drawn[:MOST]]
    families = list(dict.fromkeys(str(one["family"]) for one in _curves(every[0])))
    series = {family: [_steps(facts, family) for facts in every] for family in families}
    counted = any(step.items for panels in series.values() for steps in panels for step in steps)
    floor = _floor(series)
    strip = _STRIP + 4 if counted else 0.0
    tall = _TOP + _PLOT + strip + _TICKS
    columns = min(_COLUMNS, len(families))
    wide = WIDTH / columns
    strokes: list[Stroke] = []
    for number, family in enumerate(families):
        place = (number % columns * wide, number // columns * (tall + _GAP))
        strokes += _panel(place, wide, family, _levels(every[0], family), series[family], floor, counted=counted)
    bottom = -(-len(families) // columns) * (tall + _GAP)
    legend, height = _legend(bottom, names, counted=counted)
    title = say("validation.picture.title", detectors=", ".join(names))
    return Sheet(WIDTH, height, (*strokes, *legend), title, _told(names, series, every[0]))


def curves_png(record: Facts) -> bytes | None:
    """The curves as PNG at 300 pixels an inch; None when robustness was not measured. Same record, same bytes."""
    sheet = curves_sheet(record)
    return line_art.png(sheet) if sheet else None


def curves_svg(record: Facts) -> bytes | None:
    """The curves as SVG; None when robustness was not measured. Same record, same bytes."""
    sheet = curves_sheet(record)
    return line_art.svg(sheet) if sheet else None


PICTURES: Mapping[str, Callable[[Facts], bytes | None]] = {".png": curves_png, ".svg": curves_svg}
"""What draws the curves, by the ending of the file."""


def _panel(
    place: Point,
    wide: float,
    family: str,
    levels: Sequence[str],
    series: Sequence[Sequence[_Step]],
    floor: float,
    *,
    counted: bool,
) -> Iterator[Stroke]:
    left, right = place[0] + _LEFT, place[0] + wide - _RIGHT
    top, bottom = place[1] + _TOP, place[1] + _TOP + _PLOT
    apart = (right - left - 2 * _INSET) / max(1, len(levels) - 1)

    def at(step: int, value: float) -> Point:
        return left + _INSET + step * apart, bottom - (value - floor) / (1 - floor) * (bottom - top)

    yield Words((left, place[1] + 9), phrase("validation.panel", family), _TITLE, _INK, bold=True)
    yield Words((left, top - 4), say("validation.axis.auc"), _SMALL, _SECOND)
    for tenth in range(round(floor * 10), 11):
        value = tenth / 10
        if tenth % 2 and tenth != 5:
            continue
        y = at(0, value)[1]
        chance = tenth == 5
        yield Line(((left, y), (right, y)), _INK if chance else _RULE, 0.7 if chance else 0.4)
        yield Words((left - 3, y + 2.2), f"{value:g}", _SMALL, _INK if chance else _SECOND, "end")
    bands = [list(_band(steps, at, style)) for steps, style in zip(series, _STYLES, strict=False)]
    yield from (stroke for band in bands for stroke in band)
    shortcut = [(at(n, step.shortcut) if step.shortcut is not None else None) for n, step in enumerate(series[0])]
    for piece in _runs(shortcut):
        yield Line(piece, _SECOND, 1.1, _SHORTCUT)
    yield from (Spot(spot, "cross", _SECOND, radius=1.3) for spot in shortcut if spot)
    for steps, style in reversed(list(zip(series, _STYLES, strict=False))):
        points = [at(n, step.auc[0]) if step.auc else None for n, step in enumerate(steps)]
        for piece in _runs(points):
            yield Line(piece, style.colour, 1.0, style.dash)
        yield from (Spot(spot, style.mark, style.colour, style.open) for spot in points if spot)
    base = bottom
    if counted:
        base = bottom + _STRIP + 4
        yield from _bars(series, [at(n, 0)[0] for n in range(len(levels))], (left, right), base, apart)
    for step, level in enumerate(levels):
        yield Words((at(step, 0)[0], base + 9), level, _SMALL, _SECOND, "middle")
    yield Words(((left + right) / 2, base + 18), phrase("validation.unit", family), _SMALL, _INK, "middle")


def _band(steps: Sequence[_Step], at: _At, style: _Style) -> Iterator[Stroke]:
    edges = [(at(n, step.auc[2]), at(n, step.auc[1])) if step.auc else None for n, step in enumerate(steps)]
    run: list[tuple[Point, Point]] = []
    for edge in [*edges, None]:
        if edge is not None:
            run.append(edge)
            continue
        if len(run) == 1:
            # A step alone still shows its interval.
            ((x, high), (_, low)) = run[0]
            run = [((x - 1, high), (x - 1, low)), ((x + 1, high), (x + 1, low))]
        if run:
            upper, lower = [top for top, _ in run], [low for _, low in run]
            yield Area((*upper, *reversed(lower)), style.colour, 0.16)
            yield from (Line(tuple(line), style.colour, 0.35, style.dash) for line in (upper, lower))
        run = []


def _bars(
    series: Sequence[Sequence[_Step]], places: Sequence[float], across: tuple[float, float], base: float, apart: float
) -> Iterator[Stroke]:
    """Items not scored at each step, one bar for each detector, the full height standing for all items."""
    room = _STRIP - 7
    each = min(8.0, min(0.7 * apart, 2 * _INSET - 2) / len(series))
    yield Line(((across[0], base), (across[1], base)), _RULE, 0.4)
    items = max(step.items for steps in series for step in steps)
    yield Words((across[0] - 3, base), say("validation.bars.of", items=items), 6.0, _SECOND, "end")
    for n, x in enumerate(places):
        tops, counts = [], []
        for number, steps in enumerate(series):
            step = steps[n]
            if not step.items:
                continue
            left = x + (number - len(series) / 2) * each
            heights = [room * count / step.items for count in (step.abstained, step.abstained + step.lost)]
            for low, high, colour in ((0.0, heights[0], _SECOND), (heights[0], heights[1], _LIGHT)):
                if high > low:
                    corners = ((left, base - low), (left + each, base - low))
                    yield Area((*corners, (left + each, base - high), (left, base - high)), colour, 1.0, _SECOND)
            tops.append(heights[1])
            counts.append(step.abstained + step.lost)
        if counts:
            told = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)}–{max(counts)}"
            yield Words((x, base - max(tops) - 1.5), told, 6.0, _INK, "middle")


def _legend(top: float, names: Sequence[str], *, counted: bool) -> tuple[list[Stroke], float]:
    """What each line, band and bar is, as many in a row as fit; and where the sheet ends."""
    strokes: list[Stroke] = []
    x, y, sample = _LEFT, top + 4.0, 22.0

    def entry(text: str, samples: Sequence[Stroke]) -> None:
        nonlocal x, y
        wide = sample + 4 + text_width(text, 7) + 12
        if x > _LEFT and x + wide - 12 > WIDTH - _RIGHT:
            x, y = _LEFT, y + _LEGEND_LINE
        strokes.extend(_moved(stroke, x, y) for stroke in samples)
        strokes.append(Words((x + sample + 4, y + 2.5), text, 7, _INK))
        x += wide

    level = ((0.0, 0.0), (sample, 0.0))
    middle = (sample / 2, 0.0)
    for name, style in zip(names, _STYLES, strict=False):
        band = Area(((0, -3.5), (sample, -3.5), (sample, 3.5), (0, 3.5)), style.colour, 0.16)
        line = Line(level, style.colour, 1.0, style.dash)
        entry(name, (band, line, Spot(middle, style.mark, style.colour, style.open)))
    if len(names) > MOST:
        entry(say("validation.legend.more", count=len(names) - MOST), ())
    entry(
        say("validation.legend.shortcut"),
        (Line(level, _SECOND, 1.1, _SHORTCUT), Spot(middle, "cross", _SECOND, radius=1.3)),
    )
    entry(say("validation.legend.chance"), (Line(level, _INK, 0.7),))
    if counted:
        for key, colour in (("abstained", _SECOND), ("lost", _LIGHT)):
            corners = ((sample - 8, 3.0), (sample, 3.0), (sample, -4.0), (sample - 8, -4.0))
            entry(say(f"validation.legend.{key}"), (Area(corners, colour, 1.0, _SECOND),))
    return strokes, y + _LEGEND_LINE


def _moved(stroke: Stroke, x: float, y: float) -> Stroke:
    if isinstance(stroke, Line | Area):
        return replace(stroke, points=tuple((a + x, b + y) for a, b in stroke.points))
    return replace(stroke, at=(stroke.at[0] + x, stroke.at[1] + y))


def _runs(points: Sequence[Point | None]) -> Iterator[tuple[Point, ...]]:
    """Stretches without a gap; a step without a figure is one."""
    for known, run in itertools.groupby(points, key=lambda point: point is not None):
        piece = tuple(point for point in run if point is not None)
        if known and len(piece) > 1:
            yield piece


def _steps(facts: Facts, family: str) -> list[_Step]:
    """The undisturbed picture first, then the family's levels."""
    abstained = sum(_count(facts, f"{kind}_{label}") for kind in ("abstained", "errors") for label in ("real", "fake"))
    items = sum(_count(facts, f"items_{label}") for label in ("real", "fake"))
    scored = _both(facts, "n")
    found = [_Step(_interval(facts), _of_crop(facts), abstained, 0, items)]
    for one in _curves(facts):
        if one["family"] == family:
            # Records of older versions do not count what gates would refuse: what has no score is lost in any case.
            lost = max(_both(one, "lost"), scored - _both(one, "n"))
            found.append(_Step(_interval(one), _number(one.get("shortcut_auc")), abstained, lost, items))
    return found


def _levels(facts: Facts, family: str) -> list[str]:
    mine = [float(cast(float, one["level"])) for one in _curves(facts) if one["family"] == family]
    return [say("validation.family.asis"), *(f"{level:.2g}" for level in mine)]


def _floor(series: Mapping[str, Sequence[Sequence[_Step]]]) -> float:
    """Where the axes begin: below every interval, at 0, 0.2 or 0.4."""
    lows = [step.auc[1] for panels in series.values() for steps in panels for step in steps if step.auc]
    return max(0.0, min(0.4, math.floor(min(lows, default=0.4) * 5) / 5))


def _told(names: Sequence[str], series: Mapping[str, Sequence[Sequence[_Step]]], facts: Facts) -> str:
    """The figures in words, for who hears the picture."""
    told = []
    for family, panels in series.items():
        for name, steps in zip(names, panels, strict=False):
            values = ", ".join(
                f"{level} {step.auc[0]:.2f}" if step.auc else f"{level} –"
                for level, step in zip(_levels(facts, family), steps, strict=False)
            )
            told.append(f"{name}, {phrase('validation.panel', family)}: {values}.")
    return " ".join(told)


def _named(detector: Facts) -> str:
    return " ".join(str(detector[key]) for key in ("id", "version") if detector.get(key))


def _interval(facts: Facts) -> tuple[float, float, float] | None:
    values = [_number(facts.get(name)) for name in ("auc", "auc_low", "auc_high")]
    known = [value for value in values if value is not None]
    return (known[0], known[1], known[2]) if len(known) == 3 else None


def _of_crop(facts: Facts) -> float | None:
    """The best shortcut of the crop: the curves know no other, because a file made worse here has no bytes."""
    table = facts.get("shortcuts")
    names = ("sharpness", "high_frequency", "saturation")
    known = [_number(table.get(name)) for name in names] if isinstance(table, Mapping) else []
    return max((value for value in known if value is not None), default=None)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, float | int) and math.isfinite(value) else None


def _count(facts: Facts, name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) else 0


def _both(facts: Facts, name: str) -> int:
    return _count(facts, f"{name}_real") + _count(facts, f"{name}_fake")


def _curves(facts: Facts) -> Sequence[Facts]:
    return cast(Sequence[Facts], facts.get("robustness", ()))


def _table(record: Facts, name: str) -> Facts:
    part = record.get(name)
    return part if isinstance(part, Mapping) else {}
