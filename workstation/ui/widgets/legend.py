"""The legend of what is drawn over or in place of a frame: title, a fixed ramp and ticks, always on screen (3.4)."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from workstation.app.map_drawing import colour_table
from workstation.domain.map_scale import MIDDLE_LEVEL, MapColours
from workstation.ui.theme.sheet import current_theme
from workstation.ui.words import not_validated

TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_BAR = 9
_STOPS = 32


@dataclass(frozen=True, slots=True)
class Scale:
    """What a legend says.

    Attributes:
        ticks: place 0..1 on the bar and what stands there.
        levels: places 0..1 at which lines are drawn in the picture.
        words: the same for a screen reader and the tool tip.
    """

    title: str
    ticks: tuple[tuple[float, str], ...] = tuple((tick, f"{tick:g}") for tick in TICKS)
    colours: MapColours = MapColours.GREY
    levels: tuple[float, ...] = ()
    words: str = ""


class Legend(QWidget):
    """The range is fixed, whatever the frame holds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale = Scale("")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_title("")

    def set_title(
        self,
        detector: str,
        validated: bool = True,
        *,
        colours: MapColours = MapColours.GREY,
        threshold: float | None = None,
        middle: bool = False,
    ) -> None:
        """Name the detector whose map is drawn, and whether it is validated for some kind of forgery; an empty name
        when no map is. ``threshold`` is the level of the contour line, ``middle`` whether one is drawn at 0.5."""
        title = self.tr("Fakeness map · none for this frame")
        if detector:
            title = self.tr("Fakeness map · {detector} · uncalibrated").format(detector=detector)
            if not validated:
                title += f" · {not_validated()}"
        said = [
            self.tr("Fixed scale: black is 0, white is 1. It is never stretched to a frame.")
            if colours is MapColours.GREY
            else self.tr("Fixed scale, cividis: dark blue is 0, yellow is 1. It is never stretched to a frame.")
        ]
        levels: list[float] = []
        if detector and threshold is not None:
            levels.append(threshold)
            said.append(self.tr("Line: {level}, the threshold the package ships.").format(level=f"{threshold:.2f}"))
        if detector and middle:
            levels.append(MIDDLE_LEVEL)
            said.append(self.tr("Dotted line: 0.5, the middle of the scale and no threshold."))
        self.set_scale(Scale(title, colours=colours, levels=tuple(levels), words=" ".join(said)))

    def set_scale(self, scale: Scale) -> None:
        self._scale = scale
        self.setAccessibleName(scale.title)
        self.setAccessibleDescription(scale.words)
        self.setToolTip(f"{scale.title}\n{scale.words}")
        self.updateGeometry()
        self.update()

    @property
    def title(self) -> str:
        return self._scale.title

    @property
    def scale(self) -> Scale:
        return self._scale

    def sizeHint(self) -> QSize:  # noqa: N802
        metrics = QFontMetricsF(self.font())
        return QSize(
            max(230, round(metrics.horizontalAdvance(self.title) * 0.92) + 22), round(metrics.height() * 2) + _BAR + 5
        )

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        metrics = QFontMetricsF(self.font())
        ticks = metrics.horizontalAdvance("0 0.25 0.5 0.75 1") * 0.92 + 46
        title = metrics.horizontalAdvance(self.tr("Fakeness map · name")) * 0.92 + 20
        return QSize(round(max(ticks, title)), self.sizeHint().height())

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        theme = current_theme()
        painter = QPainter(self)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.92)
        painter.setFont(font)
        draw_legend(painter, self._scale, QRectF(self.rect()), QColor(theme.second), QColor(theme.edge))


def draw_legend(painter: QPainter, scale: Scale, area: QRectF, ink: QColor, edge: QColor) -> None:
    """Draw a legend into ``area`` in the painter's font: title over the bar, ticks under it."""
    metrics = QFontMetricsF(painter.font())
    line = metrics.height()
    margin = 9.0
    bar = QRectF(area.left() + margin, area.top() + line + 2, area.width() - 2 * margin, _BAR)
    painter.setPen(ink)
    title = metrics.elidedText(scale.title, Qt.TextElideMode.ElideRight, bar.width())
    painter.drawText(QRectF(bar.left(), area.top(), bar.width(), line), Qt.AlignmentFlag.AlignLeft, title)
    ramp = QLinearGradient(bar.topLeft(), bar.topRight())
    table = colour_table(scale.colours)
    for stop in range(_STOPS):
        place = stop / (_STOPS - 1)
        ramp.setColorAt(place, QColor(*table[round(place * 255)].tolist()))
    painter.fillRect(bar, ramp)
    painter.setPen(QPen(edge, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5))
    for level in scale.levels:
        _mark(painter, bar, level, ink)
    painter.setPen(ink)
    for place, text in scale.ticks:
        x = bar.left() + place * bar.width()
        painter.drawLine(round(x), round(bar.bottom()) + 1, round(x), round(bar.bottom()) + 3)
        wide = metrics.horizontalAdvance(text)
        left = min(max(x - wide / 2, area.left()), area.right() - wide)
        painter.drawText(QRectF(left, bar.bottom() + 3, wide + 2, line), Qt.AlignmentFlag.AlignLeft, text)


def _mark(painter: QPainter, bar: QRectF, level: float, ink: QColor) -> None:
    """A wedge at the foot of the bar, pointing at the level of a line in the picture; the ramp stays whole above
    it."""
    x = bar.left() + level * bar.width()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(0, 0, 0), 1))
    painter.setBrush(QColor(255, 255, 255))
    tip, foot = bar.bottom() - 3.0, bar.bottom() + 3.0
    painter.drawPolygon(QPolygonF([QPointF(x, tip), QPointF(x - 4, foot), QPointF(x + 4, foot)]))
    painter.restore()
