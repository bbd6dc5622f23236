"""Line icons from the shipped SVG files, drawn in the theme's text colour at any scale."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QIcon, QIconEngine, QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from resources import resource_path


@lru_cache(maxsize=128)
def _source(name: str) -> str:
    return resource_path(f"icons/{name}.svg").read_text(encoding="utf-8")


class _LineIcon(QIconEngine):
    """Paints the SVG at the size asked for, so that 200 % stays sharp."""

    def __init__(self, name: str, colour: str, faint: str) -> None:
        super().__init__()
        self._name, self._colour, self._faint = name, colour, faint

    def paint(self, painter: QPainter, rect: object, mode: QIcon.Mode, state: QIcon.State) -> None:
        colour = self._faint if mode is QIcon.Mode.Disabled else self._colour
        svg = _source(self._name).replace("currentColor", colour)
        QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(rect))  # type: ignore[call-overload]

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        if size.isEmpty():
            return QPixmap()
        image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        self.paint(painter, image.rect(), mode, state)
        painter.end()
        return QPixmap.fromImage(image)

    def clone(self) -> QIconEngine:
        return _LineIcon(self._name, self._colour, self._faint)


def icon_size() -> QSize:
    """Size of an icon beside text of the present font, so that larger text has larger icons (U4)."""
    side = round(QFontMetricsF(QApplication.font()).height() * 0.88)
    return QSize(side, side)


def icon(name: str, colour: str, faint: str = "#7C7C7C") -> QIcon:
    """The icon of that file name in ``colour``, ``faint`` where it is disabled. Raises: FileNotFoundError."""
    _source(name)
    return QIcon(_LineIcon(name, colour, faint))
