"""The timeline: ruler, shots, examined frames, one lane per face track, mini-map; click or drag to scrub.

The wheel zooms about the pointer, over the names it scrolls the lanes. Left scrubs; the middle button, or Shift and
left, pans; on the mini-map left moves the window.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from workstation.app.lanes import no_marks
from workstation.app.shots import Shots
from workstation.domain.examinations import Examination, ExaminationState
from workstation.ui.desk import Desk
from workstation.ui.exhibit import ExhibitData, bookmarked
from workstation.ui.navigator import Navigator
from workstation.ui.theme.series import styles_for
from workstation.ui.theme.sheet import current_theme
from workstation.ui.timeline.lanes import Lane, Tick
from workstation.ui.timeline.paint import LaneLook, draw_gutter, draw_lane
from workstation.ui.timeline.places import Places
from workstation.ui.timeline.scale import TimeScale
from workstation.ui.timeline.span import PlayRange
from workstation.ui.timeline.strips import (
    draw_bookmarks,
    draw_disagreement,
    draw_frames,
    draw_map,
    draw_range,
    draw_ruler,
    draw_shots,
    draw_window,
)
from workstation.ui.timeline.tips import words_near
from workstation.ui.timeline.words import tr

_LEAST_SPAN = 0.2
_STEP = 1.25


class TimelineCanvas(QWidget):
    """Everything but the playhead is drawn once into a picture and drawn again only when it changed.

    Signals:
        scrolled(int, int): the lanes are that far from their top, of that many pixels; -1 where that is as before.
        window_shown: another stretch of time is shown.
        scrubbing(bool): the hand took hold of the playhead, or let go of it.
    """

    scrolled = Signal(int, int)
    window_shown = Signal()
    scrubbing = Signal(bool)

    def __init__(
        self, desk: Desk, navigator: Navigator, parent: QWidget | None = None, *, span: PlayRange | None = None
    ) -> None:
        super().__init__(parent)
        self._desk, self._navigator = desk, navigator
        self.span = span or PlayRange(desk, navigator)
        self.shots: Shots | None = None
        self._window: tuple[float, float] | None = None
        self._exhibit: str = ""
        self._offset = 0
        self._picture: QPixmap | None = None
        self._map: QPixmap | None = None
        self._held: tuple[str, float, tuple[float, float]] | None = None
        self.setObjectName("timeline")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Timeline"))
        self.setMinimumHeight(96)
        desk.exhibit_shown.connect(self._exhibit_shown)
        desk.results_shown.connect(self.redraw_all)
        desk.marks_shown.connect(self.redraw_all)
        navigator.moved.connect(self._moved)
        navigator.track_chosen.connect(self._track_chosen)
        self.span.changed.connect(self.redraw)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(900, 220)

    @property
    def places(self) -> Places:
        """Where everything stands now."""
        data = self._desk.data
        count = len(data.lanes.lanes) if data else 0
        apart = data is not None and any(len(lane.traces) > 1 for lane in data.lanes.lanes[:8])
        film = data is not None and data.frames > 1
        return Places.of(self.font(), self.width(), self.height(), count, apart=apart, film=film)

    @property
    def shown_span(self) -> tuple[float, float]:
        """First and last second on the timeline."""
        data = self._desk.data
        return self._window or (data.span if data else (0.0, 1.0))

    @property
    def scale(self) -> TimeScale:
        return self._scaled(self.shown_span)

    def _scaled(self, span: tuple[float, float]) -> TimeScale:
        left = self.places.gutter
        return TimeScale(*span, left, max(10.0, self.width() - left - 12))

    @Slot()
    def redraw_all(self) -> None:
        """Results or marks changed: the mini-map too."""
        self._map = None
        self.redraw()

    @Slot()
    def redraw(self) -> None:
        self._picture = None
        data = self._desk.data
        if data is not None:
            self.setAccessibleDescription(self._summary(data))
        self.scrolled.emit(self._offset, self.places.over)
        self.update()

    def show_shots(self, shots: Shots | None) -> None:
        """Draw these shots, or none."""
        if shots != self.shots:
            self.shots = shots
            self.redraw()

    def set_offset(self, offset: int) -> None:
        """Scroll the lanes by that many pixels."""
        if offset != self._offset:
            self._offset = offset
            self._picture = None
            self.update()

    def show_all(self) -> None:
        self._window = None
        self.window_shown.emit()
        self.redraw()

    def zoom(self, factor: float, about: float | None = None) -> None:
        """Show ``1 / factor`` of the time round a second, by default the frame shown."""
        data = self._desk.data
        if data is not None and data.frames > 1:
            seconds = data.seconds(self._navigator.ordinal) if about is None else about
            self._set_window(self.scale.zoomed(factor, seconds, data.span, _LEAST_SPAN), data)

    def pan(self, share: float) -> None:
        """Move on by a share of what is shown; negative is back."""
        data = self._desk.data
        if data is not None:
            scale = self.scale
            self._set_window(scale.panned(share * (scale.end - scale.start), data.span), data)

    def lane_rects(self) -> list[tuple[Lane, QRectF]]:
        """Every lane with its place, scrolling taken into account."""
        data = self._desk.data
        places = self.places
        lanes = data.lanes.lanes if data else ()
        return [(lane, places.lane_row(number, self._offset)) for number, lane in enumerate(lanes)]

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.devicePixelRatioF() != ratio:
            picture = self._empty_picture(self.width(), self.height())
            self._draw(picture)
            self._picture = picture
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        self._draw_playhead(painter)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(QColor(current_theme().second), 1))
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.redraw_all()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._picture = self._map = None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        data, at, button = self._desk.data, event.position(), event.button()
        places = self.places
        if data is None or button not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        if at.x() < places.gutter:
            lane = self._lane_at(at)
            if lane is not None and button is Qt.MouseButton.LeftButton:
                chosen = self._navigator.track == lane.track
                self._navigator.choose_track(None if chosen else lane.track)
            return
        if places.map and places.map_row.contains(at):
            self._hold_map(at.x(), data)
        elif button is Qt.MouseButton.MiddleButton or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._held = ("pan", at.x(), self.shown_span)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            self._held = ("scrub", at.x(), self.shown_span)
            self.scrubbing.emit(True)
            self._scrub(at, jump=True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        data = self._desk.data
        if self._held is None or data is None:
            return
        what, began, span = self._held
        if what == "scrub":
            if event.position().x() >= self.places.gutter - 40:
                self._scrub(event.position(), jump=False)
            return
        by = (event.position().x() - began) * (-1 if what == "pan" else 1)
        per_second = (self._scaled(span) if what == "pan" else self._scaled(data.span)).per_second
        self._set_window(self._scaled(span).panned(by / per_second, data.span), data)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        held, self._held = self._held, None
        self.unsetCursor()
        if held is not None and held[0] == "scrub":
            self.scrubbing.emit(False)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        steps, at = event.angleDelta(), event.position()
        if self._desk.data is None:
            return
        if steps.x() or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan(-(steps.x() or steps.y()) / 1200)
        elif at.x() < self.places.gutter and not event.modifiers():
            self.scrolled.emit(min(self.places.over, max(0, self._offset - round(steps.y() / 2))), -1)
        else:
            self.zoom(_STEP ** (steps.y() / 120), self.scale.seconds(at.x()))
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            words = self.words_at(QPointF(event.pos()))
            if words:
                QToolTip.showText(event.globalPos(), words, self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def words_at(self, place: QPointF) -> str:
        """What stands at a place, as the tool tip says it."""
        data, places = self._desk.data, self.places
        if data is None or place.x() < places.gutter or (places.map and places.map_row.contains(place)):
            return ""
        shots = self.shots if places.shots_row.contains(place) else None
        apart = places.apart_row.contains(place)
        return words_near(data, self.scale, place.x(), self._lane_at(place), shots=shots, apart=apart)

    def _empty_picture(self, width: float, height: float) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(round(width * ratio), round(height * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(current_theme().panel))
        return picture

    def _draw(self, picture: QPixmap) -> None:
        data = self._desk.data
        painter = QPainter(picture)
        if data is not None and data.frames:
            places, scale = self.places, self.scale
            self._draw_lanes(painter, data, places, scale)
            self._draw_head(painter, data, places, scale)
            if places.map:
                self._draw_map(painter, data, places)
        painter.end()

    def _draw_lanes(self, painter: QPainter, data: ExhibitData, places: Places, scale: TimeScale) -> None:
        theme, chosen, lanes = current_theme(), self._navigator.track, data.lanes.lanes
        styles = styles_for(data.detectors, theme)
        seen = places.visible(self._offset)
        tracks = {lanes[number].track for number in seen}
        told = {(s.track, s.detector): s for s in data.summaries if s.track in tracks}
        reach = self._reach(data)
        painter.setFont(self.font())
        painter.setClipRect(QRectF(0, places.top, places.width, places.bottom - places.top))
        for number in seen:
            lane, row = lanes[number], places.lane_row(number, self._offset)
            summaries = {name: told[(lane.track, name)] for name in data.detectors if (lane.track, name) in told}
            other = chosen is not None and chosen != lane.track
            look = LaneLook(styles, summaries, reach, chosen == lane.track, other, data.thresholds)
            draw_gutter(painter, QRectF(0, row.top(), scale.left, row.height()), lane, look.chosen, theme)
            draw_lane(painter, scale, QRectF(scale.left, row.top(), scale.width, row.height()), lane, look, theme)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(QColor(theme.line), 1))
            if number:
                painter.drawLine(QPointF(0, row.top()), QPointF(places.width, row.top()))
        painter.setClipping(False)
        if not lanes:
            self._draw_empty(painter, data, places)

    def _draw_head(self, painter: QPainter, data: ExhibitData, places: Places, scale: TimeScale) -> None:
        theme = current_theme()
        small = QFont(self.font())
        small.setPointSizeF(small.pointSizeF() * 0.9)
        painter.setFont(small)
        ruler = self._plot(QRectF(0, 0, places.width, places.ruler), scale)
        clock = data.clock
        if clock is not None and data.frames > 1:
            draw_ruler(painter, scale, ruler, theme)
            if self.span.is_set:
                first, last = self.span.ends(data.frames)
                draw_range(painter, scale, ruler, (data.seconds(first), data.seconds(last)), theme)
        flags = [data.seconds(ordinal) for ordinal in bookmarked(data, self._desk.objects)]
        draw_bookmarks(painter, scale, ruler, flags, theme)
        if places.strip and clock is not None:
            self._name(painter, places.shots_row, tr("Shots, key frames"))
            # Where every frame is one, a mark under each says nothing.
            keys = clock.seconds[clock.keys] if len(clock.keys) < len(clock.seconds) else clock.seconds[:0]
            draw_shots(painter, scale, self._plot(places.shots_row, scale), self.shots, keys, theme)
        self._name(painter, places.frames_row, tr("Examined frames"))
        draw_frames(painter, scale, self._plot(places.frames_row, scale), data.lanes, theme)
        if places.apart:
            self._name(painter, places.apart_row, tr("Disagreement"))
            draw_disagreement(painter, scale, self._plot(places.apart_row, scale), data.lanes, theme)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(QColor(theme.line), 1))
        for y in {places.shots_row.bottom(), places.frames_row.bottom(), places.top}:
            painter.drawLine(QPointF(0, y - 0.5), QPointF(places.width, y - 0.5))

    def _name(self, painter: QPainter, row: QRectF, words: str) -> None:
        painter.setPen(QColor(current_theme().second))
        text = row.adjusted(14, 0, 0, 0)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)

    @staticmethod
    def _plot(row: QRectF, scale: TimeScale) -> QRectF:
        return QRectF(scale.left, row.top(), scale.width, row.height())

    def _draw_map(self, painter: QPainter, data: ExhibitData, places: Places) -> None:
        theme, row, whole = current_theme(), places.map_row, self._scaled(data.span)
        if self._map is None or self._map.devicePixelRatioF() != self.devicePixelRatioF():
            self._map = self._empty_picture(row.width(), row.height())
            inner = QPainter(self._map)
            flags = [data.seconds(ordinal) for ordinal in bookmarked(data, self._desk.objects)]
            area = QRectF(whole.left, 0, whole.width, row.height()).adjusted(0, 2, 0, -2)
            draw_map(inner, whole, area, data.lanes, flags, theme)
            inner.setFont(painter.font())
            self._name(inner, QRectF(0, 0, row.width(), row.height()), tr("Whole clip"))
            inner.end()
        painter.drawPixmap(row.topLeft(), self._map)
        draw_window(painter, whole, self._plot(row, whole).adjusted(0, 1, 0, -1), self.shown_span, theme)

    def _draw_empty(self, painter: QPainter, data: ExhibitData, places: Places) -> None:
        theme = current_theme()
        if data.run is None:
            words = self.tr("Not examined yet. Run an examination (Ctrl+R) to fill one lane per face track.")
        elif len(data.lanes.series):
            count, every = len(data.lanes.gaps), len(data.lanes.series)
            words = self.tr("No face was found in {n} of {m} examined frames. Step through them with U.")
            words = words.format(n=count, m=every)
        else:
            words = self._waiting_words(data.run)
        painter.setFont(self.font())
        painter.setPen(QColor(theme.second))
        area = QRectF(0, places.top, places.width, places.bottom - places.top)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, words)

    def _waiting_words(self, run: Examination) -> str:
        if run.state is ExaminationState.RUNNING:
            return self.tr("Examination {n}: waiting for its first frames.").format(n=run.number)
        words = self.tr("Examination {n} ended ({state}) before it reached this exhibit. Go on with it from the menu")
        return words.format(n=run.number, state=run.state.value) + self.tr(" Examine, or choose another above.")

    def _draw_playhead(self, painter: QPainter) -> None:
        data = self._desk.data
        if data is None or not data.frames:
            return
        scale = self.scale
        x = scale.x(data.seconds(self._navigator.ordinal))
        if not scale.left - 1 <= x <= scale.left + scale.width + 1:
            return
        x = round(x) + 0.5
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(current_theme().strong)
        painter.setPen(QPen(colour, 1))
        painter.drawLine(QPointF(x, 8), QPointF(x, self.height()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(
            QPolygonF([QPointF(x - 5, 0), QPointF(x + 5, 0), QPointF(x + 5, 5), QPointF(x, 11), QPointF(x - 5, 5)])
        )

    def _scrub(self, place: QPointF, *, jump: bool) -> None:
        data = self._desk.data
        if data is None or not data.frames:
            return
        ordinal = data.nearest(self.scale.seconds(place.x()))
        if jump or ordinal != self._navigator.ordinal:
            self._navigator.go_to(ordinal, jump=jump)

    def _hold_map(self, x: float, data: ExhibitData) -> None:
        """Take hold of the mini-map's window; elsewhere it comes to the pointer first."""
        whole = self._scaled(data.span)
        start, end = self.shown_span
        if not whole.x(start) <= x <= whole.x(end):
            middle = (start + end) / 2
            self._set_window(self.scale.panned(whole.seconds(x) - middle, data.span), data)
        self._held = ("map", x, self.shown_span)

    def _lane_at(self, place: QPointF) -> Lane | None:
        number = self.places.lane_at(place.y(), self._offset)
        data = self._desk.data
        return data.lanes.lanes[number] if data is not None and number is not None else None

    def _set_window(self, scale: TimeScale, data: ExhibitData) -> None:
        start, end = data.span
        whole = scale.end - scale.start >= (end - start) * 0.9999
        window = None if whole else (scale.start, scale.end)
        if window != self._window:
            self._window = window
            self.window_shown.emit()
            self._picture = None
            self.update()

    def _reach(self, data: ExhibitData) -> float:
        """Half the usual time between examined frames, so that an abstention covers the time it stands for."""
        seconds = data.lanes.seconds
        if len(seconds) < 2:
            return 0.02 * (data.span[1] - data.span[0])
        return float(seconds[-1] - seconds[0]) / (len(seconds) - 1) / 2

    def _summary(self, data: ExhibitData) -> str:
        counts = no_marks(data.lanes)
        words = self.tr(
            "{e}: {l} face tracks, {f} examined frames, {n} without a face, {x} unreadable. The table beside the "
            "timeline has every mark in words."
        )
        return words.format(
            e=data.item.exhibit,
            l=len(data.lanes.lanes),
            f=len(data.lanes.series),
            n=counts[Tick.NO_FACE],
            x=counts[Tick.ERROR],
        )

    @Slot()
    def _track_chosen(self) -> None:
        """Bring the chosen lane into sight."""
        data, track = self._desk.data, self._navigator.track
        number = next((k for k, lane in enumerate(data.lanes.lanes) if lane.track == track), None) if data else None
        if number is not None:
            places = self.places
            row = places.lane_row(number, self._offset)
            wanted = self._offset
            if row.top() < places.top:
                wanted -= round(places.top - row.top())
            elif row.bottom() > places.bottom:
                wanted += round(min(row.bottom() - places.bottom, row.top() - places.top))
            if wanted != self._offset:
                self.set_offset(max(0, min(places.over, wanted)))
        self.redraw()

    @Slot()
    def _exhibit_shown(self) -> None:
        data = self._desk.data
        name = data.item.id if data else ""
        if name != self._exhibit:
            self._exhibit = name
            self._window = None
            self._offset = 0
            self.shots = None
            self._held = None
            self.window_shown.emit()
        self.redraw_all()

    @Slot(int)
    def _moved(self, ordinal: int) -> None:
        data = self._desk.data
        if data is not None and self._window is not None:
            seconds = data.seconds(ordinal)
            scale = self.scale
            if not scale.start <= seconds <= scale.end:
                middle = (scale.start + scale.end) / 2
                self._set_window(scale.panned(seconds - middle, data.span), data)
        self.update()
