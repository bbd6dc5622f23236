"""A frame with everything burned into it that a reader needs to judge it (P11).

Around the picture, never over it: a header with exhibit, digest, time stamp and coverage, and a footer with the map's
legend (fixed range 0 to 1) and a bar of known length. Over the picture: face boxes with track and score, and the
fakeness map in grey, black 0 to white 1, at a stated opacity.
"""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from workstation.domain.media import RgbArray
from workstation.domain.reports import BurnFace, BurnIn, BurnLine, BurnPane, BurnScale, BurnView
from workstation.reporting import formatting
from workstation.reporting.atomic import put_file
from workstation.reporting.fonts import BOLD, MONO, REGULAR, font_file, runs
from workstation.reporting.wording import say

MIN_WIDTH = 640
MAX_WIDTH = 8192

_STRIP = (30, 30, 30)
_TEXT = (230, 230, 230)
_SECOND = (168, 168, 168)
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)
Colour = tuple[int, int, int]


def burn_in(burn: BurnIn, *, width: int | None = None, unit: float | None = None) -> RgbArray:
    """Draw an exported frame.

    Args:
        width: pixels of the result; by default the frame's own width, but at least 640, so that the words can be read.
        unit: pixels for a thin line; letters are 15 of them high. By default a thousandth of the width.

    Returns:
        (height, width, 3) uint8: header strip, the frame scaled to ``width``, legend strip.
    """
    rows, columns = burn.rgb.shape[:2]
    target = min(MAX_WIDTH, max(MIN_WIDTH, columns if width is None else width))
    scale = target / columns
    picture = Image.fromarray(_overlaid(burn))
    if picture.size[0] != target:
        picture = picture.resize((target, max(1, round(rows * scale))), Image.Resampling.LANCZOS)
    unit = max(1.0, target / 1000 if unit is None else unit)
    draw = ImageDraw.Draw(picture)
    for line in burn.lines:
        _line(draw, line, scale, unit)
    taken: list[tuple[float, float, float, float]] = []
    for face in burn.faces:
        for point in face.landmarks:
            _ring(draw, ((point.x + 0.5) * scale, (point.y + 0.5) * scale), unit)
        if not face.boxed:
            continue
        _face(draw, face, scale, unit, picture.size, taken)
    header, footer = _header(burn, target, unit), _footer(burn, target, unit, scale)
    whole = Image.new("RGB", (target, header.height + picture.height + footer.height), _STRIP)
    whole.paste(header, (0, 0))
    whole.paste(picture, (0, header.height))
    whole.paste(footer, (0, header.height + picture.height))
    return np.asarray(whole, dtype=np.uint8)


def burn_view(view: BurnView) -> RgbArray:
    """Draw an exported view: a strip that names every pane, the views as seen, the legend and a bar of known length.

    Returns:
        (height, width, 3) uint8.
    """
    picture = Image.fromarray(np.ascontiguousarray(view.rgb))
    width = picture.width
    unit = max(1.0, width / 1000)
    points, pad = round(14 * unit), round(10 * unit)
    step = _line_height(points) + round(2 * unit)
    header = Image.new("RGB", (width, 2 * pad + 2 * step * len(view.panes)), _STRIP)
    draw = ImageDraw.Draw(header)
    for row, pane in enumerate(view.panes):
        for line, (start, end) in enumerate(_pane_lines(pane)):
            _spread(draw, pad + (2 * row + line) * step, start, end, points, pad, width)
    footer = Image.new("RGB", (width, 2 * pad + step * (2 + len(view.notes)) + round(18 * unit)), _STRIP)
    draw = ImageDraw.Draw(footer)
    _spread(draw, pad, [(view.legend.title, BOLD, _WHITE)], [], points, pad, width)
    length, label = _pixel_bar(width, view.scale)
    bar = round(12 * unit)
    room = width - length - _width(label, REGULAR, points) - 6 * pad
    _ramp(footer, draw, (pad, pad + step + round(2 * unit)), (room, bar), points, view.legend)
    _write(draw, (width - pad - _width(label, REGULAR, points), pad + step), label, REGULAR, points, _SECOND)
    x1, y = width - 2 * pad - _width(label, REGULAR, points), pad + step + points / 2
    draw.line((x1 - length, y, x1, y), fill=_TEXT, width=max(1, round(2 * unit)))
    for number, note in enumerate(view.notes):
        y_note = footer.height - pad - step * (len(view.notes) - number)
        _spread(draw, y_note, [(note, REGULAR, _TEXT)], [], points, pad, width)
    whole = Image.new("RGB", (width, header.height + picture.height + footer.height), _STRIP)
    for part, top in ((header, 0), (picture, header.height), (footer, header.height + picture.height)):
        whole.paste(part, (0, top))
    return np.asarray(whole, dtype=np.uint8)


Pieces = list[tuple[str, str, Colour]]


def _pane_lines(pane: BurnPane) -> tuple[tuple[Pieces, Pieces], tuple[Pieces, Pieces]]:
    ref = pane.frame
    named: Pieces = [(pane.letter, BOLD, _WHITE), (pane.exhibit, BOLD, _WHITE)]
    if pane.kind:
        named.append((pane.kind, REGULAR, _TEXT))
    named.append((f"SHA-256 {formatting.short(pane.exhibit_sha256, 16)}", MONO, _TEXT))
    ticks = say("figure.ticks", pts=ref.pts, num=ref.time_base.num, den=ref.time_base.den, stream=ref.stream)
    covered = say("figure.coverage", examined=pane.frames_examined, total=pane.frames_total or "?")
    return (
        (named, [(say("figure.time", seconds=formatting.seconds(ref.seconds)), BOLD, _WHITE)]),
        (
            [(say("figure.frame", digest=formatting.short(ref.digest, 16)), MONO, _TEXT), (covered, REGULAR, _SECOND)],
            [(ticks, REGULAR, _SECOND)],
        ),
    )


def write_png(rgb: RgbArray, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a picture losslessly with ``metadata`` as international text chunks, whole or not at all.

    Raises:
        StorageFull, PermissionRefused, ReportError: as ``atomic.put_file``.
    """
    text = PngImagePlugin.PngInfo()
    for key, value in (metadata or {}).items():
        text.add_itxt(key, value)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(buffer, "PNG", pnginfo=text)
    put_file(path, buffer.getvalue())


def _overlaid(burn: BurnIn) -> RgbArray:
    """The frame with the map over it: ``rgb * (1 - opacity) + grey * opacity`` where the map has a value."""
    base = np.ascontiguousarray(burn.rgb, dtype=np.uint8)
    if burn.map is None or not burn.map_drawn:
        return base
    known = np.isfinite(burn.map)
    grey = np.clip(np.where(known, burn.map, 0.0), 0.0, 1.0)[..., None] * 255.0
    if burn.ramp is not None:
        grey = burn.ramp[np.rint(grey[..., 0]).astype(np.uint8)].astype(np.float64)
    alpha = np.where(known, min(1.0, max(0.0, burn.opacity)), 0.0)[..., None]
    return np.rint(base * (1.0 - alpha) + grey * alpha).astype(np.uint8)


def _face(
    draw: ImageDraw.ImageDraw,
    face: BurnFace,
    scale: float,
    unit: float,
    size: tuple[int, int],
    taken: list[tuple[float, float, float, float]],
) -> None:
    # Box coordinates name pixel centres; a box drawn on the scaled picture goes half a pixel further.
    x0, y0 = (face.box.x0 + 0.5) * scale, (face.box.y0 + 0.5) * scale
    x1, y1 = (face.box.x1 + 0.5) * scale, (face.box.y1 + 0.5) * scale
    line = max(1, round(1.6 * unit))
    draw.rectangle((x0 - line, y0 - line, x1 + line, y1 + line), outline=_BLACK, width=3 * line)
    draw.rectangle((x0, y0, x1, y1), outline=_WHITE, width=line)
    points, pad = round(13 * unit), round(4 * unit)
    pieces = [(f"T{face.track_number}", BOLD, _WHITE), (_score_words(face), REGULAR, _TEXT)]
    width = sum(_width(text, font, points) for text, font, _ in pieces) + 3 * pad
    height = _line_height(points) + pad
    x = min(max(0.0, x0 - line), max(0.0, size[0] - width))
    y = y0 - 2 * line - height
    if y < 0 or _hits((x, y, x + width, y + height), taken):
        y = min(y1 + 2 * line, size[1] - height)
    while y > 0 and _hits((x, y, x + width, y + height), taken):
        y -= height
    y = max(0.0, y)
    taken.append((x, y, x + width, y + height))
    draw.rectangle((x, y, x + width, y + height), fill=_STRIP)
    at = x + pad
    for text, font, colour in pieces:
        at = _write(draw, (at, y + pad / 2), text, font, points, colour) + pad


def _line(draw: ImageDraw.ImageDraw, line: BurnLine, scale: float, unit: float) -> None:
    """A line in a map, white on black; one that is no threshold has gaps."""
    points = [(float(x), float(y)) for x, y in (line.points + 0.5) * scale]
    wide, thin = max(3, round(3.2 * unit)), max(1, round(1.3 * unit))
    draw.line(points, fill=_BLACK, width=wide, joint="curve")
    if not line.dotted:
        draw.line(points, fill=_WHITE, width=thin, joint="curve")
        return
    gone, dash = 0.0, 4.0 * unit
    for one, other in itertools.pairwise(points):
        length = math.dist(one, other)
        if int(gone / dash) % 2 == 0:
            draw.line((one, other), fill=_WHITE, width=thin)
        gone += length


def _ring(draw: ImageDraw.ImageDraw, at: tuple[float, float], unit: float) -> None:
    for colour, width, radius in ((_BLACK, 3.6 * unit, 4.6 * unit), (_WHITE, 1.4 * unit, 3.9 * unit)):
        box = (at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius)
        draw.ellipse(box, outline=colour, width=max(1, round(width)))


def _score_words(face: BurnFace) -> str:
    if face.score is None:
        return say("figure.no_score", detector=face.detector) if face.detector else say("figure.face")
    if not face.validated:
        return say("figure.not_validated", detector=face.detector)
    key = "figure.score.falling" if face.falling else "figure.score"
    return say(key, detector=face.detector, score=formatting.score(face.score))


def _hits(box: tuple[float, float, float, float], taken: list[tuple[float, float, float, float]]) -> bool:
    return any(box[0] < t[2] and t[0] < box[2] and box[1] < t[3] and t[1] < box[3] for t in taken)


def _header(burn: BurnIn, width: int, unit: float) -> Image.Image:
    points, pad = round(15 * unit), round(10 * unit)
    ref = burn.frame
    left = [(burn.exhibit, BOLD, _WHITE), (f"SHA-256 {formatting.short(burn.exhibit_sha256, 16)}", MONO, _TEXT)]
    right = [(say("figure.time", seconds=formatting.seconds(ref.seconds)), BOLD, _WHITE)]
    ticks = say("figure.ticks", pts=ref.pts, num=ref.time_base.num, den=ref.time_base.den, stream=ref.stream)
    second_left = [(say("figure.frame", digest=formatting.short(ref.digest, 16)), MONO, _TEXT)]
    second_right = [(ticks, REGULAR, _SECOND)]
    total = burn.frames_total or "?"
    third = [(say("figure.coverage", examined=burn.frames_examined, total=total), REGULAR, _SECOND)]
    lines = [(left, right), (second_left, second_right), (third, [])]
    step = _line_height(points) + round(2 * unit)
    strip = Image.new("RGB", (width, 2 * pad + step * len(lines)), _STRIP)
    draw = ImageDraw.Draw(strip)
    for row, (start, end) in enumerate(lines):
        _spread(draw, pad + row * step, start, end, points, pad, width)
    return strip


def _spread(
    draw: ImageDraw.ImageDraw, top: float, start: Pieces, end: Pieces, points: int, pad: int, width: int
) -> None:
    """Write a line at both ends of a strip, in smaller letters where it would not fit."""
    fitted = points
    while fitted > 7 and _total(start, fitted) + _total(end, fitted) + 3 * pad > width:
        fitted -= 1
    y = top + (points - fitted) / 2
    at = float(pad)
    for text, font, colour in start:
        at = _write(draw, (at, y), text, font, fitted, colour) + fitted * 0.6
    at = width - pad - _total(end, fitted)
    for text, font, colour in end:
        at = _write(draw, (at, y), text, font, fitted, colour) + fitted * 0.6


def _footer(burn: BurnIn, width: int, unit: float, scale: float) -> Image.Image:
    points, pad = round(13 * unit), round(10 * unit)
    bar_height = round(12 * unit)
    title = burn.map_title if burn.map is not None else say("figure.no_map")
    if burn.map is not None and burn.map_drawn:
        title = f"{title} · {say('figure.opacity', percent=round(burn.opacity * 100))}"
    drawn = dict.fromkeys((line.level, line.dotted) for line in burn.lines)
    said = [say("figure.middle" if dotted else "figure.threshold", level=f"{level:.2f}") for level, dotted in drawn]
    row = _line_height(points)
    has_map = burn.map is not None
    top = pad + (row if said else 0)
    height = pad + top + row + (bar_height + row + round(4 * unit) if has_map else 0)
    strip = Image.new("RGB", (width, height), _STRIP)
    draw = ImageDraw.Draw(strip)
    length, label = _pixel_bar(width, scale)
    reserved = length + _width(label, REGULAR, points) + 4 * pad
    fitted = points
    while fitted > 7 and _width(title, BOLD, fitted) + pad > width - (0 if has_map else reserved):
        fitted -= 1
    _write(draw, (pad, pad + (points - fitted) / 2), title, BOLD, fitted, _WHITE)
    if said:
        _write(draw, (pad, pad + row), " · ".join(said), REGULAR, round(0.9 * points), _TEXT)
    low = height - pad - row
    if has_map:
        room = width - reserved - pad, bar_height
        _legend(strip, draw, (pad, top + row + round(4 * unit)), room, points, burn)
        low = top + row + round(4 * unit) - (row - bar_height) // 2
    _write(draw, (width - pad - _width(label, REGULAR, points), low), label, REGULAR, points, _SECOND)
    x1, y = width - 2 * pad - _width(label, REGULAR, points), low + row / 2 + unit
    draw.line((x1 - length, y, x1, y), fill=_TEXT, width=max(1, round(2 * unit)))
    for x in (x1 - length, x1):
        draw.line((x, y - 4 * unit, x, y + 4 * unit), fill=_TEXT, width=max(1, round(2 * unit)))
    return strip


def _legend(
    strip: Image.Image,
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    room: tuple[float, int],
    points: int,
    burn: BurnIn,
) -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    levels = tuple(dict.fromkeys(line.level for line in burn.lines))
    ticks = ((0.0, "0"), (0.5, "0.5"), (1.0, "1"))
    _ramp(strip, draw, at, room, points, BurnScale("", ticks, grey if burn.ramp is None else burn.ramp, levels))


def _ramp(
    strip: Image.Image,
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    room: tuple[float, int],
    points: int,
    legend: BurnScale,
) -> None:
    """Draw the bar of a legend with its levels and ticks."""
    length, height = max(64, min(round(room[0]), 420)), room[1]
    steps = np.rint(np.linspace(0.0, 255.0, length)).astype(np.uint8)
    block = np.broadcast_to(legend.ramp[steps][None], (height, length, 3))
    strip.paste(Image.fromarray(np.ascontiguousarray(block)), at)
    draw.rectangle((at[0] - 1, at[1] - 1, at[0] + length, at[1] + height), outline=_SECOND)
    for level in legend.levels:
        x = at[0] + level * (length - 1)
        wedge = [(x, at[1] + height - 1), (x - height * 0.4, at[1]), (x + height * 0.4, at[1])]
        draw.polygon(wedge, fill=_WHITE, outline=_BLACK)
    for value, words in legend.ticks:
        x = at[0] + value * (length - 1)
        draw.line((x, at[1] + height, x, at[1] + height + 4), fill=_TEXT)
        wide = _width(words, REGULAR, points)
        left = min(max(at[0], x - wide / 2), at[0] + length - wide)
        _write(draw, (left, at[1] + height + 3), words, REGULAR, points, _TEXT)


def _pixel_bar(width: int, scale: float) -> tuple[float, str]:
    """A bar of 10, 20, 50, 100, ... frame pixels that takes about an eighth of the picture's width."""
    wanted = width / scale / 8
    steps = [base * 10**power for power in range(5) for base in (1, 2, 5)]
    count = max((step for step in steps if step <= wanted), default=1)
    return count * scale, say("figure.bar", count=count)


def _total(pieces: list[tuple[str, str, Colour]], points: int) -> float:
    return sum(_width(text, font, points) for text, font, _ in pieces) + 0.6 * points * max(0, len(pieces) - 1)


def _write(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, font: str, points: int, colour: Colour
) -> float:
    """Write on one line, falling back to other fonts by character; returns where the text ends."""
    x, baseline = at[0], at[1] + points * 1.07
    for name, piece in runs(text, font):
        face = _typeface(name, points)
        draw.text((x, baseline), piece, fill=colour, font=face, anchor="ls")
        x += face.getlength(piece)
    return x


def _width(text: str, font: str, points: int) -> float:
    return sum(_typeface(name, points).getlength(piece) for name, piece in runs(text, font))


def _line_height(points: int) -> int:
    return round(points * 1.36)


@lru_cache(maxsize=64)
def _typeface(name: str, points: int) -> ImageFont.FreeTypeFont:
    # The basic layout engine draws alike on every machine; the other depends on an optional library.
    return ImageFont.truetype(str(font_file(name)), points, layout_engine=ImageFont.Layout.BASIC)
