"""The canvas: one frame with its overlays, zoomed at the cursor, panned with the mouse, probed under the cursor."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QTransform, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from workstation.domain.geometry import Point
from workstation.domain.ids import TrackId
from workstation.ui.theme.sheet import current_theme
from workstation.ui.viewer.draw import draw_chip, draw_faces, face_rect
from workstation.ui.viewer.overlay import draw_extent, draw_maps
from workstation.ui.viewer.state import OverlayState, Shown

_MARGIN = 10
_LEAST, _MOST = 0.02, 32.0
_PIXELS_FROM = 3.0


class Canvas(QWidget):
    """Frame coordinates have pixel centres at whole numbers; the painter's have them at half numbers."""

    probed = Signal(object)
    track_clicked = Signal(object)
    zoomed = Signal()
    painted = Signal()

    def __init__(self, overlay: OverlayState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._overlay = overlay
        self._shown: Shown | None = None
        self._message = ""
        self._advice = ""
        self._chosen: TrackId | None = None
        self._scale: float | None = None
        self._centre = QPointF()
        self._drag: QPointF | None = None
        self._moved = False
        self._fresh = False
        self.setObjectName("canvas")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Frame viewer"))
        overlay.changed.connect(self.update)

    @property
    def shown(self) -> Shown | None:
        return self._shown

    @property
    def scale(self) -> float:
        """Device pixels per frame pixel."""
        return self._logical_scale() * self.devicePixelRatioF()

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(640, 420)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(220, 140)

    def show_frame(self, shown: Shown) -> None:
        """Put a frame on the canvas; zoom and place stay when its size is that of the one before."""
        before = self._shown
        if before is None or (before.width, before.height) != (shown.width, shown.height):
            self._scale = None
        if before is None or before.ref != shown.ref or before.images[0].cacheKey() != shown.images[0].cacheKey():
            self._fresh = True
        self._shown = shown
        self._message = self._advice = ""
        what = ", ".join(f"T{face.number} {face.words}".strip() for face in shown.faces) or shown.chip
        self.setAccessibleDescription(f"{shown.ref.seconds:.3f} s. {what}")
        self.update()
        self.zoomed.emit()

    def show_message(self, message: str, advice: str = "") -> None:
        """Show words instead of a frame."""
        self._shown = None
        self._message, self._advice = message, advice
        self.setAccessibleDescription(f"{message} {advice}".strip())
        self.update()

    def choose(self, track: TrackId | None) -> None:
        self._chosen = track
        self.update()

    def fit(self) -> None:
        self._scale = None
        self._changed()

    def actual_size(self) -> None:
        """One frame pixel on one pixel of the screen."""
        self._zoom_to(1.0 / self.devicePixelRatioF(), QPointF(self.rect().center()))

    def view(self) -> QTransform:
        """From frame (painter coordinates) to this widget."""
        if self._shown is None:
            return QTransform()
        scale = self._logical_scale()
        centre = self._centre
        if self._scale is None:
            centre = QPointF(self._shown.width / 2, self._shown.height / 2)
        left = self.width() / 2 - centre.x() * scale
        top = self.height() / 2 - centre.y() * scale
        ratio = self.devicePixelRatioF()
        return QTransform(scale, 0, 0, scale, round(left * ratio) / ratio, round(top * ratio) / ratio)

    def frame_point(self, place: QPointF) -> Point | None:
        """Widget position to frame coordinates; None beside the frame."""
        if self._shown is None:
            return None
        at = self.view().inverted()[0].map(place)
        if not (0 <= at.x() < self._shown.width and 0 <= at.y() < self._shown.height):
            return None
        return Point(at.x() - 0.5, at.y() - 0.5)

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        theme = current_theme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.canvas))
        if self._shown is None:
            self._paint_message(painter)
        else:
            self._paint_frame(painter, self._shown)
        if self.hasFocus():
            painter.setPen(QPen(QColor("#B4B4B4"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()
        if self._fresh and self._shown is not None:
            self._fresh = False
            self.painted.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        steps = event.angleDelta().y() / 120
        if steps:
            self._zoom_to(self._logical_scale() * 1.2**steps, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag, self._moved = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._drag is not None and self._shown is not None:
            delta = event.position() - self._drag
            if self._moved or delta.manhattanLength() > 4:
                self._pan(delta)
                self._moved, self._drag = True, event.position()
        self.probed.emit(self.frame_point(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._drag is not None and not self._moved and self._shown is not None:
            for face in self._shown.faces:
                if face_rect(face, self.view()).contains(event.position()):
                    self.track_clicked.emit(face.track)
                    break
        self._drag = None
        self.unsetCursor()

    def leaveEvent(self, _: object) -> None:  # noqa: N802
        self.probed.emit(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        self._overlay.hold(False)
        super().focusOutEvent(event)

    def _paint_frame(self, painter: QPainter, shown: Shown) -> None:
        view = self.view()
        scale = self.scale
        level = min(len(shown.images) - 1, max(0, math.floor(math.log2(1 / scale)))) if scale < 1 else 0
        image = shown.images[level]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < _PIXELS_FROM)
        target = view.mapRect(QRectF(0, 0, shown.width, shown.height))
        painter.drawImage(target, image, QRectF(image.rect()))
        area = QRectF(self.rect())
        if self._overlay.drawn:
            painter.setClipRect(target)
            draw_maps(painter, shown.maps, view, area, self._overlay.opacity)
            for entry in shown.maps:
                draw_extent(painter, entry, view, QColor(255, 255, 255, 130))
            painter.setClipping(False)
            draw_faces(painter, shown.faces, view, self._chosen, area)
        words = shown.chip if self._overlay.drawn or shown.proxy else self.tr("Overlay hidden")
        if words:
            draw_chip(painter, words, QPointF(12, 12))

    def _paint_message(self, painter: QPainter) -> None:
        if not self._message:
            return
        area = QRectF(self.rect()).adjusted(40, 0, -40, 0)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 1.3)
        painter.setFont(font)
        light = current_theme().name == "light"
        painter.setPen(QColor("#FFFFFF" if light else "#E6E6E6"))
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
        upper = QRectF(area.left(), 0, area.width(), area.height() / 2 - 4)
        painter.drawText(upper, flags | Qt.AlignmentFlag.AlignBottom, self._message)
        painter.setFont(self.font())
        painter.setPen(QColor("#FFFFFF" if light else "#A8A8A8"))
        lower = QRectF(area.left(), area.height() / 2 + 6, area.width(), area.height() / 2 - 6)
        painter.drawText(lower, flags | Qt.AlignmentFlag.AlignTop, self._advice)

    def _logical_scale(self) -> float:
        if self._shown is None:
            return 1.0
        if self._scale is not None:
            return self._scale
        across = (self.width() - 2 * _MARGIN) / self._shown.width
        down = (self.height() - 2 * _MARGIN) / self._shown.height
        return max(_LEAST, min(across, down, 8.0))

    def _zoom_to(self, scale: float, at: QPointF) -> None:
        if self._shown is None:
            return
        scale = min(_MOST, max(_LEAST, scale))
        under = self.view().inverted()[0].map(at)
        self._scale = scale
        middle = QPointF(self.width() / 2, self.height() / 2)
        way = middle - at
        self._centre = QPointF(under.x() + way.x() / scale, under.y() + way.y() / scale)
        self._changed()

    def _pan(self, delta: QPointF) -> None:
        if self._shown is None:
            return
        if self._scale is None:
            self._scale = self._logical_scale()
            self._centre = QPointF(self._shown.width / 2, self._shown.height / 2)
        moved = QPointF(self._centre.x() - delta.x() / self._scale, self._centre.y() - delta.y() / self._scale)
        self._centre = QPointF(
            min(max(moved.x(), 0.0), float(self._shown.width)), min(max(moved.y(), 0.0), float(self._shown.height))
        )
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._changed()

    def _changed(self) -> None:
        self.update()
        self.zoomed.emit()
