"""Where a canvas looks, in terms that hold for frames of any size: so views of different exhibits can be linked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QTransform

LEAST, MOST = 0.02, 32.0
"""Device pixels per frame pixel: 2 % to 3200 %."""
SMOOTH_BELOW = 1.0
"""Up to 1:1 pixels are blended; above it each one is a square of its own (nearest neighbour)."""
GRID_FROM = 8.0
_MARGIN = 10
_FIT_MOST = 8.0


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a frame in the middle of a canvas.

    Attributes:
        across: logical pixels that the frame's width takes on the canvas; None fits the whole frame in.
        x, y: from the centre of the frame to the middle of the canvas, in widths of the frame.
    """

    across: float | None = None
    x: float = 0.0
    y: float = 0.0


FIT = Place()


@dataclass(frozen=True, slots=True)
class Room:
    """A frame of ``frame`` pixels on a canvas of ``canvas`` logical pixels, with ``ratio`` device pixels for each."""

    frame: QSizeF
    canvas: QSizeF
    ratio: float = 1.0

    def scale(self, place: Place) -> float:
        """Logical pixels of the canvas per frame pixel."""
        if place.across is not None:
            return self.held(place.across / self.frame.width())
        across = (self.canvas.width() - 2 * _MARGIN) / self.frame.width()
        down = (self.canvas.height() - 2 * _MARGIN) / self.frame.height()
        return max(LEAST / self.ratio, min(across, down, _FIT_MOST / self.ratio))

    def held(self, scale: float) -> float:
        """A scale within what can be shown."""
        return min(MOST / self.ratio, max(LEAST / self.ratio, scale))

    def view(self, place: Place) -> QTransform:
        """From the frame (painter coordinates) to the canvas, whole device pixels in its corner."""
        scale, wide = self.scale(place), self.frame.width()
        x, y = (place.x * wide, place.y * wide) if place.across is not None else (0.0, 0.0)
        left = self.canvas.width() / 2 - (wide / 2 + x) * scale
        top = self.canvas.height() / 2 - (self.frame.height() / 2 + y) * scale
        return QTransform(
            scale, 0, 0, scale, round(left * self.ratio) / self.ratio, round(top * self.ratio) / self.ratio
        )

    def zoomed(self, place: Place, scale: float, at: QPointF) -> Place:
        """The place where ``scale`` holds and what is under ``at`` stays under it."""
        scale = self.held(scale)
        under = self.view(place).inverted()[0].map(at)
        middle = QPointF(self.canvas.width() / 2, self.canvas.height() / 2)
        return self._centred(
            scale, under.x() + (middle.x() - at.x()) / scale, under.y() + (middle.y() - at.y()) / scale
        )

    def panned(self, place: Place, delta: QPointF) -> Place:
        """The place after the frame was pushed by ``delta`` logical pixels; its centre stays on the frame."""
        scale = self.scale(place)
        wide, high = self.frame.width(), self.frame.height()
        now = replace(place, x=0.0, y=0.0) if place.across is None else place
        x = wide / 2 + now.x * wide - delta.x() / scale
        y = high / 2 + now.y * wide - delta.y() / scale
        return self._centred(scale, min(max(x, 0.0), wide), min(max(y, 0.0), high))

    def reaching(self, place: Place, point: QPointF, margin: float) -> Place:
        """The place, moved no further than needed for a point of the frame to lie inside the canvas."""
        at = self.view(place).map(point)
        inner = QRectF(QPointF(0, 0), self.canvas).adjusted(margin, margin, -margin, -margin)
        if inner.isEmpty() or inner.contains(at):
            return place
        held = QPointF(min(max(at.x(), inner.left()), inner.right()), min(max(at.y(), inner.top()), inner.bottom()))
        return self.panned(place, held - at)

    def _centred(self, scale: float, x: float, y: float) -> Place:
        wide = self.frame.width()
        return Place(scale * wide, (x - wide / 2) / wide, (y - self.frame.height() / 2) / wide)


def onto(one: QSizeF, other: QSizeF) -> QTransform:
    """From painter coordinates of a frame of size ``other`` to those of ``one``: same centre, same width."""
    k = one.width() / other.width()
    return QTransform(k, 0, 0, k, one.width() / 2 - other.width() / 2 * k, one.height() / 2 - other.height() / 2 * k)
