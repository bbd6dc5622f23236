"""The map's legend: title, a fixed grey ramp 0 to 1, and five ticks. It is on screen whenever a map can be."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from workstation.ui.theme.sheet import current_theme
from workstation.ui.words import not_validated

TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_BAR = 9


class Legend(QWidget):
    """Black is 0, white is 1, whatever the frame holds (3.4)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_title("")

    def set_title(self, detector: str, validated: bool = True) -> None:
        """Name the detector whose map is drawn, and whether it is validated for some kind of forgery; an empty name
        when no map is."""
        if detector:
            self._title = self.tr("Fakeness map · {detector} · uncalibrated").format(detector=detector)
            if not validated:
                self._title += f" · {not_validated()}"
        else:
            self._title = self.tr("Fakeness map · none for this frame")
        self.setAccessibleName(self._title)
        self.setAccessibleDescription(self.tr("Grey scale, fixed: black is 0, white is 1"))
        self.setToolTip(self.tr("Fixed scale: black is 0, white is 1. It is never stretched to a frame."))
        self.updateGeometry()
        self.update()

    @property
    def title(self) -> str:
        return self._title

    def sizeHint(self) -> QSize:  # noqa: N802
        metrics = QFontMetricsF(self.font())
        return QSize(
            max(230, round(metrics.horizontalAdvance(self._title) * 0.92) + 22), round(metrics.height() * 2) + _BAR + 5
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
        metrics = QFontMetricsF(font)
        line = metrics.height()
        edge = 9.0
        bar = QRectF(edge, line + 2, self.width() - 2 * edge, _BAR)
        painter.setPen(QColor(theme.second))
        title = metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, bar.width())
        painter.drawText(QRectF(bar.left(), 0, bar.width(), line), Qt.AlignmentFlag.AlignLeft, title)
        ramp = QLinearGradient(bar.topLeft(), bar.topRight())
        ramp.setColorAt(0, QColor(0, 0, 0))
        ramp.setColorAt(1, QColor(255, 255, 255))
        painter.fillRect(bar, ramp)
        painter.setPen(QPen(QColor(theme.edge), 1))
        painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.setPen(QColor(theme.second))
        for tick in TICKS:
            x = bar.left() + tick * bar.width()
            painter.drawLine(round(x), round(bar.bottom()) + 1, round(x), round(bar.bottom()) + 3)
            text = f"{tick:g}"
            wide = metrics.horizontalAdvance(text)
            left = min(max(x - wide / 2, 0.0), self.width() - wide)
            painter.drawText(QRectF(left, bar.bottom() + 3, wide + 2, line), Qt.AlignmentFlag.AlignLeft, text)
