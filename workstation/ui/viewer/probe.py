"""What there is to say about one point of a frame (U19): place, colour, the map there, the face and its score.

The same three lines stand under the canvas, are read out when the keyboard moves the probe, and are asked for by tests.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QPointF
from PySide6.QtGui import QColor

from workstation.domain.geometry import Point
from workstation.ui.viewer.place import onto
from workstation.ui.viewer.state import Shown
from workstation.ui.words import not_validated, uncalibrated


def tr(text: str) -> str:
    """Translate in the context "viewer"."""
    return QCoreApplication.translate("viewer", text)


@dataclass(frozen=True, slots=True)
class Probe:
    """Three lines: frame and place; colour; map and score."""

    where: str = ""
    colour: str = ""
    results: str = ""

    @property
    def lines(self) -> tuple[str, str, str]:
        return self.where, self.colour, self.results

    @property
    def sentence(self) -> str:
        return " · ".join(line for line in self.lines if line)


def probe(shown: Shown | None, point: Point | None, detector: str | None = None, other: Shown | None = None) -> Probe:
    """What is at a point of a frame, or what to do where none is pointed at.

    Args:
        point: in frame pixels, centres at whole numbers.
        other: a frame compared with this one; its colour at the same place is said too.
    """
    if shown is None:
        return Probe()
    ref = shown.ref
    here = tr("frame {n} · PTS {s} s").format(n=ref.ordinal + 1, s=f"{ref.seconds:.3f}")
    if shown.proxy is not None:
        return Probe(here, tr("proxy: values come with the exact frame"))
    if point is None:
        return Probe(here, tr("point at the frame, or press P"))
    colour = colour_at(shown, point)
    x, y = round(point.x), round(point.y)
    colours = f"RGB {colour.red()} {colour.green()} {colour.blue()}" if colour is not None else ""
    if other is not None and colour is not None:
        colours += _beside(colour, other, onto(shown.size, other.size).inverted()[0].map(_painter(point)))
    return Probe(f"{here} · x {x} y {y}", colours, _results(shown, point, detector))


def colour_at(shown: Shown, point: Point) -> QColor | None:
    """The decoded pixel at a point; None beside the frame, or while only a stand-in is shown."""
    x, y = round(point.x), round(point.y)
    if shown.proxy is not None or not (0 <= x < shown.width and 0 <= y < shown.height):
        return None
    return shown.images[0].pixelColor(x, y)


def _beside(colour: QColor, other: Shown, at: QPointF) -> str:
    there = colour_at(other, Point(at.x() - 0.5, at.y() - 0.5))
    if there is None:
        return ""
    pairs = zip(colour.getRgb()[:3], there.getRgb()[:3], strict=True)  # type: ignore[index]
    apart = max(abs(a - b) for a, b in pairs)
    return tr(" · B {r} {g} {b} · |A − B| {d}").format(r=there.red(), g=there.green(), b=there.blue(), d=apart)


def _results(shown: Shown, point: Point, detector: str | None) -> str:
    values = [value for value in (entry.value_at(point) for entry in shown.maps) if value is not None]
    faces = (face for face in shown.faces if face.box.x0 <= point.x <= face.box.x1)
    face = next((face for face in faces if face.box.y0 <= point.y <= face.box.y1), None)
    parts = []
    if values:
        said = face.words if face is not None else ""
        word = "" if uncalibrated() in said else f" {uncalibrated()}"
        parts.append(tr("map {value}").format(value=f"{max(values):.2f}") + word)
    elif detector:
        parts.append(tr("no map here"))
    if face is not None:
        score = face.words
        if face.scored and score and score != not_validated():
            score = tr("score {words}").format(words=score)
        parts.append(f"T{face.number} {score}".strip())
    return " · ".join(parts)


def _painter(point: Point) -> QPointF:
    return QPointF(point.x + 0.5, point.y + 0.5)
