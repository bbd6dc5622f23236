"""Robustness curves as a picture: one small panel for each way of making a picture worse, the AUC against its level."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

from PIL import Image, ImageDraw, ImageFont

from workstation.reporting.fonts import BOLD, REGULAR, font_file
from workstation.reporting.wording import phrase, say

Facts = Mapping[str, object]
Point = tuple[float, float]

# Drawn larger by this and shrunk, so that slanted lines are as thick as level ones.
_FINE = 2
_WIDTH, _PANEL_HEIGHT, _LEGEND = 1560 * _FINE, 340 * _FINE, 56 * _FINE
_COLUMNS = 3
_INK, _SECOND, _RULE = (30, 30, 30), (90, 90, 90), (210, 210, 210)
_COLOURS = ((0, 103, 166), (0, 112, 79), (143, 63, 111), (213, 94, 0))
_BAND = (205, 224, 237)


def curves_png(record: Facts) -> bytes | None:
    """The curves of a record as PNG; None when robustness was not measured. Same record, same bytes."""
    figures = _table(record, "figures")
    curves = _curves(figures)
    if not curves:
        return None
    others = [one for one in cast(Sequence[Facts], record.get("others", ())) if _curves(_table(one, "figures"))]
    named = [_table(record, "detector"), *(_table(one, "detector") for one in others)]
    every = [figures, *(_table(one, "figures") for one in others)]
    families = list(dict.fromkeys(str(one["family"]) for one in curves))
    rows = -(-len(families) // _COLUMNS)
    picture = Image.new("RGB", (_WIDTH, rows * _PANEL_HEIGHT + _LEGEND), "white")
    draw = ImageDraw.Draw(picture)
    wide = _WIDTH // _COLUMNS
    for number, family in enumerate(families):
        place = (number % _COLUMNS * wide, number // _COLUMNS * _PANEL_HEIGHT)
        _panel(draw, place, wide, family, every)
    _legend(draw, rows * _PANEL_HEIGHT, [str(detector.get("id")) for detector in named])
    buffer = io.BytesIO()
    picture = picture.resize((picture.width // _FINE, picture.height // _FINE), Image.Resampling.BOX)
    picture.save(buffer, "PNG", optimize=False)
    return buffer.getvalue()


def _panel(draw: ImageDraw.ImageDraw, place: tuple[int, int], wide: int, family: str, every: Sequence[Facts]) -> None:
    left, top = place[0] + 64 * _FINE, place[1] + 52 * _FINE
    right, bottom = place[0] + wide - 24 * _FINE, place[1] + _PANEL_HEIGHT - 46 * _FINE
    draw.text((left, place[1] + 12 * _FINE), phrase("validation.family", family), font=_font(BOLD, 21), fill=_INK)
    levels = [float(cast(float, one["level"])) for one in _curves(every[0]) if one["family"] == family]

    def at(step: int, value: float) -> Point:
        return left + 22 * _FINE + step * (right - left - 44 * _FINE) / max(1, len(levels)), bottom - value * (
            bottom - top
        )

    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = at(0, value)[1]
        draw.line((left, y, right, y), fill=_SECOND if value == 0.5 else _RULE, width=_FINE)
        draw.text((left - 10 * _FINE, y), f"{value:g}", font=_font(REGULAR, 17), fill=_SECOND, anchor="rm")
    for step, name in enumerate([say("validation.family.asis"), *(f"{level:.3g}" for level in levels)]):
        draw.text((at(step, 0)[0], bottom + 10 * _FINE), name, font=_font(REGULAR, 17), fill=_SECOND, anchor="ma")
    own = _series(every[0], family)
    upper = [at(step, high) for step, (_, _, high, _) in own]
    lower = [at(step, low) for step, (_, low, _, _) in own]
    if len(upper) > 1:
        draw.polygon([*upper, *reversed(lower)], fill=_BAND)
    _dashed(draw, [at(step, shortcut) for step, (_, _, _, shortcut) in own if shortcut is not None])
    for number, facts in reversed(list(enumerate(every[: len(_COLOURS)]))):
        points = [at(step, value) for step, (value, _, _, _) in _series(facts, family)]
        if len(points) > 1:
            draw.line(points, fill=_COLOURS[number], width=3 * _FINE)
        for x, y in points:
            _dot(draw, x, y, number)


def _series(facts: Facts, family: str) -> list[tuple[int, tuple[float, float, float, float | None]]]:
    """(step, (AUC, low, high, shortcut)) from the undisturbed picture on; what has no figure is left out."""
    mine = [one for one in _curves(facts) if one["family"] == family]
    found = []
    for step, one in enumerate([facts, *mine]):
        values = [one.get(name) for name in ("auc", "auc_low", "auc_high")]
        if all(isinstance(value, float | int) for value in values):
            value, low, high = (float(cast(float, entry)) for entry in values)
            shortcut = one.get("shortcut_auc") if step else _of_crop(facts)
            found.append((step, (value, low, high, float(shortcut) if isinstance(shortcut, float) else None)))
    return found


def _of_crop(facts: Facts) -> float | None:
    """The best shortcut of the crop: the curves know no other, because a file made worse here has no bytes."""
    table = facts.get("shortcuts")
    names = ("sharpness", "high_frequency", "saturation")
    known = [table.get(name) for name in names] if isinstance(table, Mapping) else []
    values = [float(value) for value in known if isinstance(value, float | int)]
    return max(values, default=None)


def _dashed(draw: ImageDraw.ImageDraw, points: Sequence[Point]) -> None:
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        length = max(1.0, ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
        for start in range(0, int(length), 14 * _FINE):
            a, b = start / length, min(1.0, (start + 8 * _FINE) / length)
            ends = (x0 + (x1 - x0) * a, y0 + (y1 - y0) * a, x0 + (x1 - x0) * b, y0 + (y1 - y0) * b)
            draw.line(ends, fill=_SECOND, width=2 * _FINE)


def _legend(draw: ImageDraw.ImageDraw, top: int, names: Sequence[str]) -> None:
    x, y, wide = 64.0 * _FINE, top + _LEGEND / 2, 44 * _FINE
    words = [*names[: len(_COLOURS)], say("validation.legend.shortcut"), say("validation.legend.axis")]
    for number, text in enumerate(words):
        left = len(words) - number
        if left > 2:
            draw.line((x, y, x + wide, y), fill=_COLOURS[number], width=3 * _FINE)
            _dot(draw, x + wide / 2, y, number)
        elif left == 2:
            _dashed(draw, [(x, y), (x + wide, y)])
        else:
            wide = 0
        draw.text((x + wide + 12 * _FINE, y), text, font=_font(REGULAR, 19), fill=_INK, anchor="lm")
        x += wide + draw.textlength(text, font=_font(REGULAR, 19)) + 60 * _FINE


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, number: int) -> None:
    reach = 5 * _FINE
    draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=_COLOURS[number])


@lru_cache(maxsize=8)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_file(name)), size * _FINE)


def _curves(facts: Facts) -> Sequence[Facts]:
    return cast(Sequence[Facts], facts.get("robustness", ()))


def _table(record: Facts, name: str) -> Facts:
    part = record.get(name)
    return part if isinstance(part, Mapping) else {}
