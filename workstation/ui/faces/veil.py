"""The welfare veil: every picture in the window grey and blurred, at one key. Reports and exports are untouched.

It is one property of the application, so that whatever paints a picture can ask for it; nothing is kept between starts.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

_PROPERTY = "veil"
_ACROSS, _ACROSS_SMALL, _SMALL = 20, 8, 256
"""Pixels across a veiled picture before it is drawn large: a face fills a few of them, and nobody is known by that. Of
a small picture, which a face fills, there are fewer."""


class Veil(QObject):
    """Draws the veil over the pictures of every window, and away again."""

    changed = Signal(bool)

    @property
    def drawn(self) -> bool:
        return veiling()

    def toggle(self) -> None:
        self.draw(not veiling())

    def draw(self, drawn: bool) -> None:
        app = QApplication.instance()
        if not isinstance(app, QApplication) or drawn == veiling():
            return
        app.setProperty(_PROPERTY, drawn)
        for widget in app.allWidgets():
            widget.update()
        self.changed.emit(drawn)


def veiling() -> bool:
    """Whether pictures are veiled now."""
    app = QApplication.instance()
    return bool(app.property(_PROPERTY)) if app is not None else False


def veiled(image: QImage) -> QImage:
    """The picture as the window may show it: itself, or grey and blurred at the same size while the veil is drawn."""
    if not veiling() or image.isNull():
        return image
    smooth = Qt.TransformationMode.SmoothTransformation
    across = _ACROSS if image.width() > _SMALL else _ACROSS_SMALL
    small = image.scaledToWidth(min(across, image.width()), smooth).convertToFormat(QImage.Format.Format_Grayscale8)
    return small.scaled(image.size(), Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
