"""Lines, areas, marks and words on a sheet measured in points, written as SVG or PNG from one list of strokes.

Same strokes, same bytes. The SVG names the shipped font first and carries its text as text, so that it can be searched
and read aloud; the PNG is 300 pixels an inch.
"""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw, ImageFont

from workstation.reporting.fonts import BOLD, REGULAR, font_file, visible

Point = tuple[float, float]
Colour = tuple[int, int, int]
Anchor = Literal["start", "middle", "end"]
Mark = Literal["circle", "square", "triangle", "diamond", "cross"]

DPI = 300
# Drawn larger by this and shrunk, so that slanted lines are as thick as level ones.
_FINE = 2
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points. ``dash`` are lengths in points of stroke and gap in turn, empty for an unbroken one."""

    points: tuple[Point, ...]
    colour: Colour
    width: float = 0.5
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon. ``opacity`` 0..1; ``edge`` is the colour of a hairline around it."""

    points: tuple[Point, ...]
    colour: Colour
    opacity: float = 1.0
    edge: Colour | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """A mark of ``radius`` points on a curve; an ``open`` one is white inside."""

    at: Point
    mark: Mark
    colour: Colour
    open: bool = False
    radius: float = 1.8


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text, ``at`` its base line."""

    at: Point
    text: str
    size: float
    colour: Colour
    anchor: Anchor = "start"
    bold: bool = False


Stroke = Line | Area | Spot | Words


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture of ``width`` x ``height`` points (72 an inch), drawn in the order of its strokes.

    ``title`` and ``description`` say in words what it shows.
    """

    width: float
    height: float
    strokes: tuple[Stroke, ...]
    title: str
    description: str = ""


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of a line of text in points."""
    return float(_font(BOLD if bold else REGULAR, 100).getlength(visible(text))) * size / 100


def svg(sheet: Sheet) -> bytes:
    """The sheet as an SVG 1.1 picture, UTF-8."""
    inside = "\n".join(_element(stroke) for stroke in sheet.strokes)
    size = f'width="{sheet.width:g}pt" height="{sheet.height:g}pt" viewBox="0 0 {sheet.width:g} {sheet.height:g}"'
    words = f"<title>{_text(sheet.title)}</title>\n<desc>{_text(sheet.description)}</desc>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" {size} role="img" '
        "font-family=\"'Noto Sans', 'DejaVu Sans', sans-serif\">\n"
        f'{words}\n<rect width="100%" height="100%" fill="#ffffff"/>\n{inside}\n</svg>\n'
    ).encode()


def png(sheet: Sheet) -> bytes:
    """The sheet as an RGB PNG of `DPI` pixels an inch."""
    scale = DPI / 72 * _FINE
    size = (round(sheet.width * DPI / 72) * _FINE, round(sheet.height * DPI / 72) * _FINE)
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture, "RGBA")
    for stroke in sheet.strokes:
        _paint(draw, stroke, scale)
    picture = picture.resize((size[0] // _FINE, size[1] // _FINE), Image.Resampling.BOX)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=False, dpi=(DPI, DPI))
    return buffer.getvalue()


def outline(spot: Spot) -> tuple[Point, ...]:
    """Corners of a square, triangle or diamond around its place; none for a circle or a cross."""
    (x, y), r = spot.at, spot.radius
    if spot.mark == "square":
        side = r * 0.9
        return (x - side, y - side), (x + side, y - side), (x + side, y + side), (x - side, y + side)
    if spot.mark == "triangle":
        return (x, y - 1.2 * r), (x + 1.1 * r, y + 0.8 * r), (x - 1.1 * r, y + 0.8 * r)
    if spot.mark == "diamond":
        return (x, y - 1.3 * r), (x + 1.3 * r, y), (x, y + 1.3 * r), (x - 1.3 * r, y)
    return ()


def _arms(spot: Spot) -> tuple[Line, Line]:
    (x, y), r = spot.at, spot.radius
    return (
        Line(((x - r, y - r), (x + r, y + r)), spot.colour, 0.8),
        Line(((x - r, y + r), (x + r, y - r)), spot.colour, 0.8),
    )


def _element(stroke: Stroke) -> str:
    if isinstance(stroke, Line):
        dash = f' stroke-dasharray="{" ".join(f"{part:g}" for part in stroke.dash)}"' if stroke.dash else ""
        style = f'fill="none" stroke="{_hex(stroke.colour)}" stroke-width="{stroke.width:g}" stroke-linejoin="round"'
        return f'<polyline points="{_places(stroke.points)}" {style}{dash}/>'
    if isinstance(stroke, Area):
        edge = f' stroke="{_hex(stroke.edge)}" stroke-width="0.4"' if stroke.edge else ""
        opacity = f' fill-opacity="{stroke.opacity:g}"' if stroke.opacity < 1 else ""
        return f'<polygon points="{_places(stroke.points)}" fill="{_hex(stroke.colour)}"{opacity}{edge}/>'
    if isinstance(stroke, Words):
        x, y = stroke.at
        weight = ' font-weight="bold"' if stroke.bold else ""
        style = f'font-size="{stroke.size:g}" fill="{_hex(stroke.colour)}" text-anchor="{stroke.anchor}"{weight}'
        return f'<text x="{_round(x)}" y="{_round(y)}" {style}>{_text(stroke.text)}</text>'
    if stroke.mark == "cross":
        return "\n".join(_element(arm) for arm in _arms(stroke))
    style = (
        f'fill="{"#ffffff" if stroke.open else _hex(stroke.colour)}" stroke="{_hex(stroke.colour)}" stroke-width="0.8"'
    )
    if stroke.mark == "circle":
        x, y = stroke.at
        return f'<circle cx="{_round(x)}" cy="{_round(y)}" r="{stroke.radius:g}" {style}/>'
    return f'<polygon points="{_places(outline(stroke))}" {style}/>'


def _paint(draw: ImageDraw.ImageDraw, stroke: Stroke, scale: float) -> None:
    if isinstance(stroke, Line):
        width = max(1, round(stroke.width * scale))
        for piece in dashes(stroke.points, stroke.dash):
            draw.line(_scaled(piece, scale), fill=stroke.colour, width=width, joint="curve")
    elif isinstance(stroke, Area):
        draw.polygon(_scaled(stroke.points, scale), fill=(*stroke.colour, round(255 * stroke.opacity)))
        if stroke.edge:
            around = (*stroke.points, stroke.points[0])
            draw.line(_scaled(around, scale), fill=stroke.edge, width=max(1, round(0.4 * scale)))
    elif isinstance(stroke, Words):
        font = _font(BOLD if stroke.bold else REGULAR, round(stroke.size * scale))
        x, y = stroke.at
        draw.text(
            (x * scale, y * scale), visible(stroke.text), font=font, fill=stroke.colour, anchor=_ANCHORS[stroke.anchor]
        )
    elif stroke.mark == "cross":
        for arm in _arms(stroke):
            _paint(draw, arm, scale)
    else:
        inside, width = (255, 255, 255) if stroke.open else stroke.colour, max(1, round(0.8 * scale))
        (x, y), r = stroke.at, stroke.radius
        if stroke.mark == "circle":
            box = ((x - r) * scale, (y - r) * scale, (x + r) * scale, (y + r) * scale)
            draw.ellipse(box, fill=inside, outline=stroke.colour, width=width)
        else:
            draw.polygon(_scaled(outline(stroke), scale), fill=inside, outline=stroke.colour, width=width)


def dashes(points: Sequence[Point], dash: Sequence[float]) -> list[tuple[Point, ...]]:
    """The strokes of a broken line, its pattern running on around corners; the whole line when there is no pattern."""
    if not dash or sum(dash) <= 0:
        return [tuple(points)] if len(points) > 1 else []
    pieces: list[tuple[Point, ...]] = []
    turn, left, down = 0, dash[0], True
    run: list[Point] = [points[0]] if points else []
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        done = 0.0
        while length - done > 1e-9:
            step = min(left, length - done)
            done, left = done + step, left - step
            run.append((x0 + (x1 - x0) * done / length, y0 + (y1 - y0) * done / length))
            if left <= 1e-9:
                if down:
                    pieces.append(tuple(run))
                turn, down = (turn + 1) % len(dash), not down
                left, run = dash[turn], [run[-1]]
            elif not down:
                run = [run[-1]]
    if down and len(run) > 1:
        pieces.append(tuple(run))
    return pieces


@lru_cache(maxsize=32)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_file(name)), size)


def _scaled(points: Sequence[Point], scale: float) -> list[Point]:
    return [(x * scale, y * scale) for x, y in points]


def _places(points: Sequence[Point]) -> str:
    return " ".join(f"{_round(x)},{_round(y)}" for x, y in points)


def _round(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _text(text: str) -> str:
    return escape(visible(text))
