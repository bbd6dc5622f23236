"""The overlays: each a layer that can be switched, with what draws it from the values of a shown frame.

A further overlay is a value in `state.Shown`, a member of `domain.map_scale.Layer` and one line in ``DRAWINGS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QTransform

from workstation.domain.ids import TrackId
from workstation.domain.map_scale import MIDDLE_LEVEL, Layer, MapColours
from workstation.ui.viewer.draw import draw_faces, draw_landmarks
from workstation.ui.viewer.overlay import MapLayer, draw_extent, draw_lines, draw_maps
from workstation.ui.viewer.state import Shown

_EXTENT = QColor(255, 255, 255, 130)
_DOTS = [1.0, 2.4]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where and how layers are drawn.

    Attributes:
        view: frame (painter coordinates) to canvas. ``area``: the canvas, in logical pixels.
        opacity: 0..1 of the map. ``chosen``: the track that is not dimmed, or None for all of them.
        kept: holds maps as they were painted before.
    """

    view: QTransform
    area: QRectF
    opacity: float = 0.45
    colours: MapColours = MapColours.GREY
    chosen: TrackId | None = None
    kept: MapLayer | None = None


Drawing = Callable[[QPainter, Shown, Sheet], None]


def _map(painter: QPainter, shown: Shown, sheet: Sheet) -> None:
    draw_maps(painter, shown.maps, sheet.view, sheet.area, sheet.opacity, sheet.colours, sheet.kept)
    for entry in shown.maps:
        draw_extent(painter, entry, sheet.view, _EXTENT)


def _contour(painter: QPainter, shown: Shown, sheet: Sheet) -> None:
    if shown.threshold is not None:
        for entry in shown.maps:
            draw_lines(painter, entry, sheet.view, shown.threshold, [])


def _middle(painter: QPainter, shown: Shown, sheet: Sheet) -> None:
    for entry in shown.maps:
        draw_lines(painter, entry, sheet.view, MIDDLE_LEVEL, _DOTS)


def _boxes(painter: QPainter, shown: Shown, sheet: Sheet) -> None:
    draw_faces(painter, shown.faces, sheet.view, sheet.chosen, sheet.area)


def _landmarks(painter: QPainter, shown: Shown, sheet: Sheet) -> None:
    draw_landmarks(painter, shown.faces, sheet.view, sheet.chosen)


DRAWINGS: tuple[tuple[Layer, Drawing], ...] = (
    (Layer.MAP, _map),
    (Layer.CONTOUR, _contour),
    (Layer.MIDDLE, _middle),
    (Layer.LANDMARKS, _landmarks),
    (Layer.BOXES, _boxes),
)
_ON_FRAME = frozenset({Layer.MAP, Layer.CONTOUR, Layer.MIDDLE})


def draw_layers(painter: QPainter, shown: Shown, sheet: Sheet, on: frozenset[Layer]) -> None:
    """Draw the layers that are on, from the lowest to the highest. What belongs to the map ends with the frame."""
    frame = sheet.view.mapRect(QRectF(0, 0, shown.width, shown.height))
    for layer, draw in DRAWINGS:
        if layer in on:
            painter.save()
            if layer in _ON_FRAME:
                painter.setClipRect(frame, Qt.ClipOperation.IntersectClip)
            draw(painter, shown, sheet)
            painter.restore()
