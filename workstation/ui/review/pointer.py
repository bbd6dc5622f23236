"""A large pointer over the picture, seen from the back of a room. It lies above the canvas and takes no clicks."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

_RADIUS = 26.0


class Pointer(QWidget):
    """Follows the mouse over ``over``, or is put somewhere by :meth:`put`."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._at: QPointF | None = None
        self._drawn = True
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        over.installEventFilter(self)
        over.setMouseTracking(True)
        self.resize(over.size())

    @property
    def drawn(self) -> bool:
        return self._drawn

    @property
    def at(self) -> QPointF | None:
        """Where it points, in coordinates of the widget below; None while it points nowhere."""
        return self._at if self._drawn else None

    def toggle(self) -> None:
        self._drawn = not self._drawn
        self.update()

    def put(self, at: QPointF | None) -> None:
        self._at = at
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() is QEvent.Type.Resize:
            parent = self.parentWidget()
            if parent is not None:
                self.resize(parent.size())
        elif isinstance(event, QMouseEvent) and event.type() is QEvent.Type.MouseMove:
            self.put(event.position())
        elif event.type() is QEvent.Type.Leave:
            self.put(None)
        return False

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        if self.at is None or self._at is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # Dark under light, so that it stands out on any picture without a colour that could mean something.
        for colour, width in ((QColor(0, 0, 0, 190), 8.0), (QColor("#FFFFFF"), 4.0)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(self._at, _RADIUS, _RADIUS)
        painter.end()
