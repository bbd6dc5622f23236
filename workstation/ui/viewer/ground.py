"""What lies under the overlays: the canvas's ground with the frame on it, kept as painted.

Scaling a large frame takes longer than all overlays together. It is done once for a frame and a place, so that
switching overlays on and off only copies what was painted.
"""

from __future__ import annotations

import math
from collections import OrderedDict

from PySide6.QtCore import QLineF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QTransform

from workstation.ui.faces.veil import veiled, veiling
from workstation.ui.viewer.place import GRID_FROM, SMOOTH_BELOW

_KEPT = 4
# Dark all along and bright in dots, so that it shows on any colour.
_GRID: tuple[tuple[QColor, list[float]], ...] = ((QColor(0, 0, 0, 90), []), (QColor(255, 255, 255, 90), [1.0, 3.0]))


class Ground:
    """Pictures of frames as they lie on one canvas; the last ones are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], QPixmap] = OrderedDict()

    def picture(
        self, images: tuple[QImage, ...], frame: QSizeF, view: QTransform, size: QSize, ratio: float, colour: QColor
    ) -> QPixmap:
        """The canvas with a frame on it.

        Args:
            images: the frame from its full size down by halves.
            frame: size in pixels that ``view`` counts in; a stand-in has fewer pixels of its own.
            size: of the canvas in logical pixels. ``ratio``: device pixels for each.
        """
        places = tuple(round(value, 6) for value in (view.m11(), view.m22(), view.dx(), view.dy()))
        key = (images[0].cacheKey(), frame.width(), frame.height(), *places, size, ratio, colour.rgba(), veiling())
        known = self._kept.get(key)
        if known is None:
            known = self._kept[key] = _painted(images, frame, view, size, ratio, colour)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return known


def _painted(
    images: tuple[QImage, ...], frame: QSizeF, view: QTransform, size: QSize, ratio: float, colour: QColor
) -> QPixmap:
    pixmap = QPixmap(QSize(math.ceil(size.width() * ratio), math.ceil(size.height() * ratio)))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(colour)
    painter = QPainter(pixmap)
    draw_frame(painter, images, frame, view, ratio)
    if view.m11() * ratio > GRID_FROM:
        draw_grid(painter, frame, view, QRectF(0, 0, size.width(), size.height()))
    painter.end()
    return pixmap


def draw_frame(painter: QPainter, images: tuple[QImage, ...], frame: QSizeF, view: QTransform, ratio: float) -> None:
    """Draw a frame where ``view`` puts it: blended up to 1:1, every pixel a square above it."""
    scale = view.m11() * ratio
    level = min(len(images) - 1, max(0, math.floor(math.log2(1 / scale)))) if scale < 1 else 0
    image = veiled(images[level])
    smooth = scale < SMOOTH_BELOW or image.width() < frame.width() / 2**level - 1
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    painter.drawImage(view.mapRect(QRectF(0, 0, frame.width(), frame.height())), image, QRectF(image.rect()))


def draw_grid(painter: QPainter, frame: QSizeF, view: QTransform, area: QRectF) -> None:
    """Hairlines between the pixels of the frame, where they are on the canvas."""
    part = view.inverted()[0].mapRect(area).intersected(QRectF(0, 0, frame.width(), frame.height()))
    if part.isEmpty():
        return
    seen = view.mapRect(part)
    across = range(math.ceil(part.left()), math.floor(part.right()) + 1)
    down = range(math.ceil(part.top()), math.floor(part.bottom()) + 1)
    lines = [QLineF(view.m11() * x + view.dx(), seen.top(), view.m11() * x + view.dx(), seen.bottom()) for x in across]
    lines += [QLineF(seen.left(), view.m22() * y + view.dy(), seen.right(), view.m22() * y + view.dy()) for y in down]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, dashes in _GRID:
        pen = QPen(colour, 1)
        pen.setCosmetic(True)
        if dashes:
            pen.setDashPattern(dashes)
        painter.setPen(pen)
        painter.drawLines(lines)
    painter.restore()
