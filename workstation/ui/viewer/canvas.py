"""The canvas: one frame with its overlays, zoomed at the pointer, panned, probed with the pointer and the keyboard."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from workstation.domain.geometry import Point
from workstation.domain.ids import TrackId
from workstation.domain.map_scale import Layer
from workstation.ui.theme.sheet import current_theme
from workstation.ui.viewer.draw import draw_chip, draw_cross, draw_divider, draw_message, face_rect
from workstation.ui.viewer.ground import Ground
from workstation.ui.viewer.layers import Sheet, draw_layers
from workstation.ui.viewer.mix import Mix, Mode
from workstation.ui.viewer.overlay import MapLayer
from workstation.ui.viewer.place import FIT, Place, Room, onto
from workstation.ui.viewer.state import OverlayState, Shown

_STEP = 1.2
_PUSH = 0.2
_GRIP = 6.0
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_ON_DIFFERENCE = frozenset({Layer.BOXES, Layer.LANDMARKS})
_PLAIN = Qt.KeyboardModifier.NoModifier
_PROBE_KEYS = (_PLAIN, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.KeypadModifier)


class Canvas(QWidget):
    """Frame coordinates have pixel centres at whole numbers; the painter's have them at half numbers.

    Signals:
        probed(object): the point of the frame that is asked about, or None.
        cross_moved(object): the same, moved with the keyboard; None when the keyboard probe is put away.
        looked(object): the examiner zoomed or panned; the new place.
        wiped(float): the examiner moved the line of a wipe, 0..1.
        painted: a frame is on screen for the first time. drawn: whatever is shown was painted.
    """

    probed = Signal(object)
    cross_moved = Signal(object)
    track_clicked = Signal(object)
    zoomed = Signal()
    looked = Signal(object)
    wiped = Signal(float)
    painted = Signal()
    drawn = Signal()

    def __init__(self, overlay: OverlayState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._overlay = overlay
        self._ground = Ground()
        self._maps = MapLayer()
        self._shown: Shown | None = None
        self._mix: Mix | None = None
        self._message = ""
        self._advice = ""
        self._chosen: TrackId | None = None
        self._place = FIT
        self._drag: QPointF | None = None
        self._moved = False
        self._wiping = False
        self._fresh = False
        self._cross: Point | None = None
        self._echo: Point | None = None
        self.bare = False
        self._exported = ""
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
        room = self._room()
        return room.scale(self._place) * room.ratio if room else 1.0

    @property
    def place(self) -> Place:
        return self._place

    @property
    def cross(self) -> Point | None:
        """Where the keyboard probes; None while it does not."""
        return self._cross

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(640, 420)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(160, 120)

    def show_frame(self, shown: Shown) -> None:
        """Put a frame on the canvas; zoom and place stay when its size is that of the one before."""
        before = self._shown
        if before is not None and before.size != shown.size:
            self._place = FIT
            self._cross = None
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

    def show_mix(self, mix: Mix | None) -> None:
        """Draw another frame on this canvas too; None draws this one alone."""
        self._mix = mix
        self.update()

    def choose(self, track: TrackId | None) -> None:
        self._chosen = track
        self.update()

    def echo(self, point: Point | None) -> None:
        """Mark a place that is pointed at in a linked view."""
        if point != self._echo:
            self._echo = point
            self.update()

    def fit(self) -> None:
        self._look(FIT)

    def actual_size(self) -> None:
        """One frame pixel on one pixel of the screen."""
        room = self._room()
        if room is not None:
            self._look(room.zoomed(self._place, 1.0 / room.ratio, self._middle()))

    def zoom(self, steps: float, at: QPointF | None = None) -> None:
        """Zoom by steps of a fifth about a place of the canvas; its middle, or what the keyboard probes, without."""
        room = self._room()
        if room is None:
            return
        if at is None:
            at = self.view().map(_painter_point(self._cross)) if self._cross is not None else self._middle()
        self._look(room.zoomed(self._place, room.scale(self._place) * _STEP**steps, at))

    def push(self, across: int, down: int) -> None:
        """Move the view by a fifth of the canvas."""
        room = self._room()
        if room is not None:
            delta = QPointF(-across * _PUSH * self.width(), -down * _PUSH * self.height())
            self._look(room.panned(self._place, delta))

    def look(self, place: Place) -> None:
        """Take up a place from a linked view."""
        if place != self._place:
            self._place = place
            self._changed()

    def view(self) -> QTransform:
        """From frame (painter coordinates) to this widget."""
        room = self._room()
        return room.view(self._place) if room is not None else QTransform()

    def frame_point(self, place: QPointF) -> Point | None:
        """Widget position to frame coordinates; None beside the frame."""
        if self._shown is None:
            return None
        at = self.view().inverted()[0].map(place)
        if not (0 <= at.x() < self._shown.width and 0 <= at.y() < self._shown.height):
            return None
        return Point(at.x() - 0.5, at.y() - 0.5)

    def picture(self, ratio: float, letter: str) -> QImage:
        """What is on the canvas, with ``ratio`` pixels for each of its own: with a letter in its corner, if it has one,
        and without the probe and the ring of the keyboard."""
        image = QImage((QSizeF(self.size()) * ratio).toSize(), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        self._exported = letter or " "
        self.render(image)
        self._exported = ""
        return image

    def probe_keys(self) -> None:
        """Take up the keyboard probe in the middle of what is seen, or put it away."""
        if self._cross is not None:
            self._put_cross(None)
        elif self._shown is not None:
            at = self.view().inverted()[0].map(self._middle())
            self._put_cross(self._held(Point(round(at.x() - 0.5), round(at.y() - 0.5))))

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._probes(event):
            event.accept()
            return True
        if isinstance(event, QNativeGestureEvent) and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture:
            room = self._room()
            if room is not None:
                wanted = room.scale(self._place) * (1 + event.value())
                self._look(room.zoomed(self._place, wanted, event.position()))
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """While the keyboard probes, arrows move it by a pixel (with Shift by ten) and Esc puts it away."""
        if self._cross is None or not self._probes(event):
            super().keyPressEvent(event)
            return
        if event.key() == Qt.Key.Key_Escape:
            self._put_cross(None)
            return
        x, y = _ARROWS[Qt.Key(event.key())]
        far = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        self._put_cross(self._held(Point(round(self._cross.x) + far * x, round(self._cross.y) + far * y)))

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        shown = self._shown
        if shown is None:
            painter.fillRect(self.rect(), QColor(current_theme().canvas))
            draw_message(painter, QRectF(self.rect()), self._message, self._advice)
        else:
            self._paint(painter, shown)
        if self._exported.strip():
            draw_chip(painter, self._exported, QPointF(self.width() - 36, 12))
        if self.hasFocus() and not self._exported:
            painter.setPen(QPen(QColor("#B4B4B4"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()
        self.drawn.emit()
        if self._fresh and shown is not None:
            self._fresh = False
            self.painted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.zoomed.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        steps = event.angleDelta().y() / 120
        if steps:
            self.zoom(steps, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag, self._moved = event.position(), False
            self._wiping = self._on_line(event.position()) and event.button() is Qt.MouseButton.LeftButton

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        place = event.position()
        if self._wiping:
            self._moved = True
            self.wiped.emit(min(1.0, max(0.0, place.x() / max(1, self.width()))))
        elif self._drag is not None and self._shown is not None:
            delta = place - self._drag
            if self._moved or delta.manhattanLength() > 4:
                room = self._room()
                if room is not None:
                    self.setCursor(Qt.CursorShape.ClosedHandCursor)
                    self._look(room.panned(self._place, delta))
                self._moved, self._drag = True, place
        elif self._on_line(place):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        else:
            self.unsetCursor()
        if self._cross is None:
            self.probed.emit(self.frame_point(place))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        shown = self._shown
        if self._drag is not None and not self._moved and not self._wiping and shown is not None:
            if self._cross is not None:
                at = self.frame_point(event.position())
                self._put_cross(Point(round(at.x), round(at.y)) if at is not None else self._cross)
            else:
                for face in shown.faces:
                    if face_rect(face, self.view()).contains(event.position()):
                        self.track_clicked.emit(face.track)
                        break
        self._drag = None
        self._wiping = False
        self.unsetCursor()

    def leaveEvent(self, _: object) -> None:  # noqa: N802
        if self._cross is None:
            self.probed.emit(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        self._overlay.hold(False)
        super().focusOutEvent(event)

    def _paint(self, painter: QPainter, shown: Shown) -> None:
        view, area, mix = self.view(), QRectF(self.rect()), self._mix
        other = mix.other if mix is not None else None
        if mix is None or (other is None and not mix.difference):
            self._paint_one(painter, shown, view)
        elif mix.mode is Mode.DIFFERENCE:
            if mix.difference:
                painter.drawPixmap(0, 0, self._grounded(painter, mix.difference, shown.size, view))
                draw_layers(painter, shown, self._sheet(view), self._on() & _ON_DIFFERENCE)
            else:
                self._paint_one(painter, shown, view)
        elif other is not None:
            beside = onto(shown.size, other.size) * view
            if mix.mode is Mode.BLINK:
                self._paint_one(painter, *((other, beside) if mix.turned else (shown, view)))
            else:
                line = round(mix.at * self.width())
                for one, its_view, left, right in ((shown, view, 0, line), (other, beside, line, self.width())):
                    painter.save()
                    painter.setClipRect(QRectF(left, 0, right - left, self.height()))
                    self._paint_one(painter, one, its_view)
                    painter.restore()
                draw_divider(painter, line, area)
        for point in (self._cross, self._echo):
            if point is not None and not self._exported:
                draw_cross(painter, view.map(_painter_point(point)), area)
        self._paint_chips(painter, shown, mix if other is not None or (mix is not None and mix.words) else None)

    def _paint_chips(self, painter: QPainter, shown: Shown, mix: Mix | None) -> None:
        """What is to be said of the frames seen: at the left for A (or for the one on top), right of a wipe for B."""
        other = mix.other if mix is not None else None
        top = other if mix is not None and mix.mode is Mode.BLINK and mix.turned and other is not None else shown
        words = [mix.words if mix is not None else "", self._said_of(top)]
        if not self._overlay.drawn:
            words.append(self.tr("Overlay hidden"))
        down = 12.0
        for line in filter(None, words):
            down += draw_chip(painter, line, QPointF(12, down)) + 4
        if mix is not None and mix.mode is Mode.WIPE and other is not None and self._said_of(other):
            at = mix.at * self.width()
            painter.save()
            painter.setClipRect(QRectF(at, 0, self.width() - at, self.height()))
            draw_chip(painter, self._said_of(other), QPointF(at + 12, 12.0))
            painter.restore()

    def _said_of(self, shown: Shown) -> str:
        return shown.chip if self._overlay.drawn or shown.proxy else ""

    def _paint_one(self, painter: QPainter, shown: Shown, view: QTransform) -> None:
        painter.drawPixmap(0, 0, self._grounded(painter, shown.images, shown.size, view))
        draw_layers(painter, shown, self._sheet(view), self._on())

    def _grounded(self, painter: QPainter, images: tuple[QImage, ...], size: QSizeF, view: QTransform) -> QPixmap:
        # What is painted on may be finer than the screen: a picture of the window at 200 %.
        ratio = painter.deviceTransform().m11()
        return self._ground.picture(images, size, view, self.size(), ratio, QColor(current_theme().canvas))

    def _sheet(self, view: QTransform) -> Sheet:
        return Sheet(view, QRectF(self.rect()), self._overlay.opacity, self._overlay.colours, self._chosen, self._maps)

    def _on(self) -> frozenset[Layer]:
        return frozenset() if self.bare else self._overlay.seen

    def _room(self) -> Room | None:
        if self._shown is None:
            return None
        return Room(self._shown.size, QSizeF(self.size()), self.devicePixelRatioF())

    def _middle(self) -> QPointF:
        return QRectF(self.rect()).center()

    def _look(self, place: Place) -> None:
        if self._shown is not None:
            self._place = place
            self._changed()
            self.looked.emit(place)

    def _probes(self, event: QKeyEvent) -> bool:
        """Whether a key belongs to the keyboard probe now."""
        if self._cross is None or event.modifiers() not in _PROBE_KEYS:
            return False
        return event.key() in _ARROWS or event.key() == Qt.Key.Key_Escape

    def _put_cross(self, point: Point | None) -> None:
        self._cross = point
        room = self._room()
        if point is not None and room is not None:
            place = room.reaching(self._place, _painter_point(point), 12.0)
            if place != self._place:
                self._look(place)
        self.update()
        self.probed.emit(point)
        self.cross_moved.emit(point)

    def _held(self, point: Point) -> Point:
        if self._shown is None:
            return point
        return Point(min(max(point.x, 0), self._shown.width - 1), min(max(point.y, 0), self._shown.height - 1))

    def _on_line(self, place: QPointF) -> bool:
        mix = self._mix
        if mix is None or mix.mode is not Mode.WIPE or mix.other is None:
            return False
        return abs(place.x() - mix.at * self.width()) <= _GRIP

    def _changed(self) -> None:
        self.update()
        self.zoomed.emit()


def _painter_point(point: Point) -> QPointF:
    return QPointF(point.x + 0.5, point.y + 0.5)
