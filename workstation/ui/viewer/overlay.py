"""The fakeness map as a picture, and where it lies on the frame (3.4, P11).

The range is 0 to 1, always, never stretched: in grey 0 is black and 1 is white. Frame and crop coordinates have pixel
centres at whole numbers; a painter has them at half numbers. Both halves are in ``placement``.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QPolygonF, QTransform

from workstation.app.map_drawing import colour_table, level_lines
from workstation.domain.geometry import Affine, Point
from workstation.domain.map_scale import MapColours

_KEPT = 6
Lines = Mapping[float, tuple[QPolygonF, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class MapOverlay:
    """One face's map.

    Attributes:
        values: (side, side) float32 in 0..1 over the whole crop.
        image: the same in 256 grey values.
        crop_from_frame: frame pixels to pixels of the crop of ``crop_size``.
        lines: level to where the map crosses it, in painter coordinates of ``image``.
    """

    values: npt.NDArray[np.float32]
    image: QImage
    crop_from_frame: Affine
    crop_size: int
    lines: Lines = field(default_factory=dict)

    def value_at(self, point: Point) -> float | None:
        """The map at a point of the frame, bilinear between map pixels; None outside the crop."""
        at = self.crop_from_frame.apply(point)
        side = self.values.shape[0]
        k = side / self.crop_size
        x, y = (at.x + 0.5) * k - 0.5, (at.y + 0.5) * k - 0.5
        if not (-0.5 <= x <= side - 0.5 and -0.5 <= y <= side - 0.5):
            return None
        x, y = min(max(x, 0.0), side - 1.0), min(max(y, 0.0), side - 1.0)
        x0, y0 = int(x), int(y)
        x1, y1 = min(x0 + 1, side - 1), min(y0 + 1, side - 1)
        fx, fy = x - x0, y - y0
        v = self.values
        top = float(v[y0, x0]) * (1 - fx) + float(v[y0, x1]) * fx
        bottom = float(v[y1, x0]) * (1 - fx) + float(v[y1, x1]) * fx
        return float(top * (1 - fy) + bottom * fy)


def grey_image(values: npt.NDArray[np.floating]) -> QImage:
    """The map as grey: black 0 to white 1, fixed. Values outside 0..1 and not-a-number are clipped, NaN to black."""
    clean = np.clip(np.nan_to_num(np.asarray(values, dtype=np.float32), nan=0.0), 0.0, 1.0)
    grey = np.ascontiguousarray(np.rint(clean * 255).astype(np.uint8))
    height, width = grey.shape
    return QImage(grey.data, width, height, width, QImage.Format.Format_Grayscale8).copy()


def lines_at(values: npt.NDArray[np.floating], level: float) -> tuple[QPolygonF, ...]:
    """Where the map crosses ``level``, in painter coordinates of its picture."""
    lines = level_lines(values, level)
    return tuple(QPolygonF([QPointF(float(x) + 0.5, float(y) + 0.5) for x, y in line]) for line in lines)


def placement(crop_from_frame: Affine, crop_size: int, side: int) -> QTransform:
    """From pixels of the map picture to painter coordinates of the frame."""
    k = crop_size / side
    back = crop_from_frame.inverse()
    return (
        QTransform.fromScale(k, k)
        * QTransform.fromTranslate(-0.5, -0.5)
        * QTransform(back.a, back.c, back.b, back.d, back.tx, back.ty)
        * QTransform.fromTranslate(0.5, 0.5)
    )


class MapLayer:
    """The maps of a frame as they lie on one canvas, kept as painted: blending them again is all a switch costs."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[QPointF, QPixmap]] = OrderedDict()

    def picture(
        self, maps: tuple[MapOverlay, ...], view: QTransform, area: QRectF, ratio: float, colours: MapColours
    ) -> tuple[QPointF, QPixmap]:
        """The part of the canvas that the maps cover, at full strength, and where it lies in logical pixels."""
        places = tuple(round(value, 6) for value in (view.m11(), view.m22(), view.dx(), view.dy()))
        of_maps = tuple((entry.image.cacheKey(), entry.crop_from_frame, entry.crop_size) for entry in maps)
        key = (of_maps, *places, area.width(), area.height(), ratio, colours)
        known = self._kept.get(key)
        if known is None:
            known = self._kept[key] = _layer(maps, view, area, ratio, colours)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return known


def draw_maps(
    painter: QPainter,
    maps: tuple[MapOverlay, ...],
    view: QTransform,
    area: QRectF,
    opacity: float,
    colours: MapColours = MapColours.GREY,
    kept: MapLayer | None = None,
) -> None:
    """Blend maps over the frame: ``frame * (1 - opacity) + colour * opacity``; where two overlap the larger shows.

    Args:
        view: frame (painter coordinates) to widget.
        area: widget rectangle to paint, in logical pixels.
        kept: holds what was painted before.
    """
    if not maps or opacity <= 0:
        return
    corner, pixmap = (kept or MapLayer()).picture(maps, view, area, painter.deviceTransform().m11(), colours)
    painter.save()
    painter.setOpacity(opacity)
    painter.drawPixmap(corner, pixmap)
    painter.restore()


def _layer(
    maps: tuple[MapOverlay, ...], view: QTransform, area: QRectF, ratio: float, colours: MapColours
) -> tuple[QPointF, QPixmap]:
    whole = QRectF()
    for entry in maps:
        side = entry.image.width()
        place = placement(entry.crop_from_frame, entry.crop_size, side) * view
        whole = whole.united(place.mapRect(QRectF(0, 0, side, side)).adjusted(-1, -1, 1, 1))
    seen = whole.intersected(area)
    left, top = math.floor(seen.left() * ratio), math.floor(seen.top() * ratio)
    width, height = math.ceil(seen.right() * ratio) - left, math.ceil(seen.bottom() * ratio) - top
    layer = QImage(max(1, width), max(1, height), QImage.Format.Format_ARGB32_Premultiplied)
    layer.setDevicePixelRatio(ratio)
    layer.fill(Qt.GlobalColor.transparent)
    corner = QPointF(left / ratio, top / ratio)
    if not seen.isEmpty():
        shifted = view * QTransform.fromTranslate(-corner.x(), -corner.y())
        painter = QPainter(layer)
        for number, entry in enumerate(maps):
            if number:
                painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Lighten)
            _draw(painter, entry, shifted)
        painter.end()
        if colours is not MapColours.GREY:
            layer = _coloured(layer, colours)
    return corner, QPixmap.fromImage(layer)


def draw_lines(painter: QPainter, entry: MapOverlay, view: QTransform, level: float, dashes: list[float]) -> None:
    """Draw where a map crosses ``level``: white on black, so that it shows on any ground."""
    lines = entry.lines.get(level, ())
    if not lines:
        return
    to_widget = placement(entry.crop_from_frame, entry.crop_size, entry.image.width()) * view
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    under, over = QPen(QColor(0, 0, 0, 190), 3.2), QPen(QColor(255, 255, 255), 1.3)
    if dashes:
        over.setDashPattern(dashes)
    mapped = [to_widget.map(line) for line in lines]
    for pen in (under, over):
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        for line in mapped:
            painter.drawPolyline(line)
    painter.restore()


def draw_extent(painter: QPainter, entry: MapOverlay, view: QTransform, colour: QColor) -> None:
    """Outline the square the map covers, so that dark means 0 and not "no map"."""
    side = entry.image.width()
    square = (placement(entry.crop_from_frame, entry.crop_size, side) * view).map(QPolygonF(QRectF(0, 0, side, side)))
    painter.save()
    pen = QPen(colour, 1)
    pen.setDashPattern([2, 4])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolygon(square)
    painter.restore()


def _draw(painter: QPainter, entry: MapOverlay, view: QTransform) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setTransform(placement(entry.crop_from_frame, entry.crop_size, entry.image.width()) * view, True)
    painter.drawImage(QPointF(0, 0), entry.image)
    painter.restore()


def _coloured(layer: QImage, colours: MapColours) -> QImage:
    """A grey layer with coverage in the colours of a scale, the coverage as it was."""
    data = np.frombuffer(layer.constBits(), np.uint8).reshape(layer.height(), layer.bytesPerLine() // 4, 4)
    alpha = data[..., 3].astype(np.uint16)
    grey = np.where(alpha > 0, data[..., 0].astype(np.uint16) * 255 // np.maximum(alpha, 1), 0).clip(0, 255)
    rgb = colour_table(colours)[grey].astype(np.uint16) * alpha[..., None] // 255
    made = np.ascontiguousarray(np.dstack([rgb[..., ::-1], alpha]).astype(np.uint8))
    image = QImage(made.data, layer.width(), layer.height(), made.strides[0], layer.format()).copy()
    image.setDevicePixelRatio(layer.devicePixelRatioF())
    return image
