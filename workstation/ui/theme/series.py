"""How a detector is drawn: hue, dash and marker together, so that colour alone never tells two apart (U32, 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from workstation.ui.theme.palette import Theme


class Marker(StrEnum):
    CIRCLE = "circle"
    SQUARE = "square"
    TRIANGLE = "triangle"
    DIAMOND = "diamond"
    PLUS = "plus"


_DASHES: tuple[tuple[float, ...], ...] = ((), (5, 2.5), (1.5, 2), (7, 2, 1.5, 2), (3, 3))


@dataclass(frozen=True, slots=True)
class SeriesStyle:
    """``dash`` in pen widths; empty is a solid line."""

    colour: str
    dash: tuple[float, ...]
    marker: Marker

    def pen(self, width: float = 1.6) -> QPen:
        pen = QPen(QColor(self.colour), width)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if self.dash:
            pen.setDashPattern(list(self.dash))
        return pen


def style_for(number: int, theme: Theme) -> SeriesStyle:
    """Style of the detector with this place in the examination's plan: five before any part repeats, twenty-five before
    a whole style does."""
    round_, k = divmod(number, len(_DASHES))
    marker = tuple(Marker)[(k + 2 * round_) % len(Marker)]
    return SeriesStyle(theme.series[number % len(theme.series)], _DASHES[(k + round_) % len(_DASHES)], marker)


def styles_for(detectors: Sequence[str], theme: Theme) -> dict[str, SeriesStyle]:
    """Styles in the order in which the detectors stand in the plan."""
    return {name: style_for(number, theme) for number, name in enumerate(detectors)}


def draw_marker(painter: QPainter, style: SeriesStyle, centre: QPointF, radius: float = 2.6) -> None:
    """Draw a filled marker; the painter's pen and brush are left changed."""
    colour = QColor(style.colour)
    x, y, r = centre.x(), centre.y(), radius
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(colour))
    if style.marker is Marker.CIRCLE:
        painter.drawEllipse(centre, r, r)
    elif style.marker is Marker.SQUARE:
        painter.drawRect(QRectF(x - r, y - r, 2 * r, 2 * r))
    elif style.marker is Marker.TRIANGLE:
        painter.drawPolygon(
            QPolygonF([QPointF(x, y - r * 1.25), QPointF(x + r * 1.2, y + r), QPointF(x - r * 1.2, y + r)])
        )
    elif style.marker is Marker.DIAMOND:
        k = r * 1.35
        painter.drawPolygon(QPolygonF([QPointF(x, y - k), QPointF(x + k, y), QPointF(x, y + k), QPointF(x - k, y)]))
    else:
        painter.setPen(QPen(colour, 1.4))
        painter.drawLine(QPointF(x - r, y), QPointF(x + r, y))
        painter.drawLine(QPointF(x, y - r), QPointF(x, y + r))


def draw_sample(painter: QPainter, style: SeriesStyle, area: QRectF) -> None:
    """Draw a short piece of the line with its marker, as in a legend."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(style.pen())
    y = area.center().y()
    painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
    draw_marker(painter, style, area.center(), 3.0)
    painter.restore()
