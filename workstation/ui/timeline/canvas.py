"""The timeline: ruler, examined frames and one lane per face track; click or drag to scrub."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
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

from workstation.domain.examinations import Examination, ExaminationState
from workstation.domain.results import ItemStatus
from workstation.ui.desk import Desk
from workstation.ui.exhibit import ExhibitData, bookmarked
from workstation.ui.navigator import Navigator
from workstation.ui.theme.series import styles_for
from workstation.ui.theme.sheet import current_theme
from workstation.ui.timeline.lanes import Lane, Mark, Tick, Trace
from workstation.ui.timeline.paint import LaneLook, draw_bookmarks, draw_frames, draw_gutter, draw_lane, draw_ruler
from workstation.ui.timeline.scale import TimeScale
from workstation.ui.words import not_validated, uncalibrated

_LEAST_SPAN = 0.2


class TimelineCanvas(QWidget):
    """Everything but the playhead is drawn once into a picture and drawn again only when it changed."""

    scrolled = Signal(int, int)

    def __init__(self, desk: Desk, navigator: Navigator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._navigator = desk, navigator
        self._window: tuple[float, float] | None = None
        self._exhibit: str = ""
        self._offset = 0
        self._picture: QPixmap | None = None
        self.setObjectName("timeline")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Timeline"))
        self.setMinimumHeight(96)
        desk.exhibit_shown.connect(self._exhibit_shown)
        desk.results_shown.connect(self.redraw)
        desk.marks_shown.connect(self.redraw)
        navigator.moved.connect(self._moved)
        navigator.track_chosen.connect(self.redraw)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(900, 150)

    @property
    def scale(self) -> TimeScale:
        data = self._desk.data
        start, end = self._window or (data.span if data else (0.0, 1.0))
        left = self._gutter()
        return TimeScale(start, end, left, max(10.0, self.width() - left - 12))

    @Slot()
    def redraw(self) -> None:
        self._picture = None
        data = self._desk.data
        if data is not None:
            self.setAccessibleDescription(self._summary(data))
        self._tell_scroll()
        self.update()

    def set_offset(self, offset: int) -> None:
        """Scroll the lanes by that many pixels."""
        if offset != self._offset:
            self._offset = offset
            self._picture = None
            self.update()

    def show_all(self) -> None:
        self._window = None
        self.redraw()

    def lane_rects(self) -> list[tuple[Lane, QRectF]]:
        """Every lane with its place, scrolling taken into account."""
        data = self._desk.data
        lanes = data.lanes.lanes if data else ()
        height = self._lane_height(len(lanes))
        top = self._lanes_top()
        return [
            (lane, QRectF(0, top + number * height - self._offset, self.width(), height))
            for number, lane in enumerate(lanes)
        ]

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.devicePixelRatioF() != ratio:
            picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            picture.setDevicePixelRatio(ratio)
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
        self.redraw()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._picture = None

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() != Qt.MouseButton.LeftButton:
            return
        lane = self._lane_at(event.position())
        if event.position().x() < self._gutter():
            if lane is not None:
                chosen = self._navigator.track == lane.track
                self._navigator.choose_track(None if chosen else lane.track)
            return
        self._scrub(event.position(), jump=True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.buttons() & Qt.MouseButton.LeftButton and event.position().x() >= self._gutter() - 40:
            self._scrub(event.position(), jump=False)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        data = self._desk.data
        steps = event.angleDelta()
        if data is None:
            return
        scale = self.scale
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            zoomed = scale.zoomed(
                1.25 ** (steps.y() / 120), scale.seconds(event.position().x()), data.span, _LEAST_SPAN
            )
            self._set_window(zoomed, data)
        elif steps.x() or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            way = steps.x() or steps.y()
            self._set_window(scale.panned(-way / 120 * (scale.end - scale.start) * 0.1, data.span), data)
        else:
            self.scrolled.emit(self._offset - round(steps.y() / 2), -1)
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
        data = self._desk.data
        if data is None or place.x() < self._gutter():
            return ""
        scale = self.scale
        near = [frame for frame in data.lanes.frames if abs(scale.x(frame.seconds) - place.x()) <= 6]
        if not near:
            return ""
        frame = min(near, key=lambda f: abs(scale.x(f.seconds) - place.x()))
        lines = [self.tr("frame {n} · {s} s").format(n=frame.ordinal + 1, s=f"{frame.seconds:.3f}")]
        if frame.tick is Tick.NO_FACE:
            lines.append(self.tr("examined: no face found"))
        elif frame.tick is Tick.ERROR:
            lines.append(self.tr("error: {why}").format(why=frame.note))
        lane = self._lane_at(place)
        for trace in lane.traces if lane else ():
            mark = next((m for m in trace.marks if m.ordinal == frame.ordinal), None)
            label = lane.label if lane else ""
            lines.append(f"{label} {trace.detector}: {self._mark_words(mark, trace, data)}")
        return "\n".join(lines)

    def _mark_words(self, mark: Mark | None, trace: Trace, data: ExhibitData) -> str:
        if mark is None:
            return self.tr("no face of this track")
        if mark.status is ItemStatus.OK and mark.score is not None:
            words = f"{mark.score:.2f} {uncalibrated(trace.falling)}"
            return words if data.validated.get(trace.detector) else f"{words} · {not_validated()}"
        if mark.status is ItemStatus.ABSTAINED:
            return self.tr("abstained, {why}").format(why=mark.reason)
        return self.tr("error, {why}").format(why=mark.reason)

    def _draw(self, picture: QPixmap) -> None:
        theme = current_theme()
        picture.fill(QColor(theme.panel))
        data = self._desk.data
        painter = QPainter(picture)
        small = QFont(self.font())
        small.setPointSizeF(small.pointSizeF() * 0.9)
        painter.setFont(small)
        if data is not None and data.frames:
            self._draw_data(painter, data)
        painter.end()

    def _draw_data(self, painter: QPainter, data: ExhibitData) -> None:
        theme = current_theme()
        scale = self.scale
        left, wide = scale.left, scale.width
        rects = self.lane_rects()
        styles = styles_for(data.detectors, theme)
        for number, (lane, rect) in enumerate(rects):
            if rect.bottom() < self._lanes_top() or rect.top() > self.height():
                continue
            chosen = self._navigator.track
            look = LaneLook(
                styles,
                {s.detector: s for s in data.summaries if s.track == lane.track},
                self._reach(data),
                chosen == lane.track,
                chosen is not None and chosen != lane.track,
            )
            painter.setFont(self.font())
            draw_gutter(painter, QRectF(0, rect.top(), left, rect.height()), lane, look.chosen, theme)
            draw_lane(painter, scale, QRectF(left, rect.top(), wide, rect.height()), lane, look, theme)
            painter.setPen(QPen(QColor(theme.line), 1))
            if number:
                painter.drawLine(QPointF(0, rect.top()), QPointF(self.width(), rect.top()))
        self._draw_head(painter, data, scale)
        if not rects:
            self._draw_empty(painter, data)

    def _draw_head(self, painter: QPainter, data: ExhibitData, scale: TimeScale) -> None:
        theme = current_theme()
        ruler, strip = self._ruler_height(), self._strip_height()
        painter.fillRect(QRectF(0, 0, self.width(), ruler + strip), QColor(theme.panel))
        small = QFont(self.font())
        small.setPointSizeF(small.pointSizeF() * 0.9)
        painter.setFont(small)
        if data.frames > 1:
            draw_ruler(painter, scale, QRectF(scale.left, 0, scale.width, ruler), theme)
        flags = [data.seconds(ordinal) for ordinal in bookmarked(data, self._desk.objects)]
        draw_bookmarks(painter, scale, QRectF(scale.left, 0, scale.width, ruler), flags, theme)
        painter.setPen(QColor(theme.second))
        words = QRectF(14, ruler, scale.left - 18, strip)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.tr("Examined frames"))
        keys: list[float] = []
        if data.index is not None and len(data.index.keyframes) < len(data.index):
            base = data.index.time_base
            keys = [pts * base.num / base.den for pts in data.index.keyframes]
        draw_frames(painter, scale, QRectF(scale.left, ruler, scale.width, strip), data.lanes, keys, theme)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(QColor(theme.line), 1))
        bottom = ruler + strip
        painter.drawLine(QPointF(0, bottom - 0.5), QPointF(self.width(), bottom - 0.5))

    def _draw_empty(self, painter: QPainter, data: ExhibitData) -> None:
        theme = current_theme()
        if data.run is None:
            words = self.tr("Not examined yet. Run an examination (Ctrl+R) to fill one lane per face track.")
        elif data.lanes.frames:
            count = sum(frame.tick is not Tick.FACE for frame in data.lanes.frames)
            words = self.tr("No face was found in {n} of {m} examined frames. Step through them with U.").format(
                n=count, m=len(data.lanes.frames)
            )
        else:
            words = self._waiting_words(data.run)
        painter.setFont(self.font())
        painter.setPen(QColor(theme.second))
        area = QRectF(0, self._lanes_top(), self.width(), self.height() - self._lanes_top())
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

    def _lane_at(self, place: QPointF) -> Lane | None:
        if place.y() < self._lanes_top():
            return None
        return next((lane for lane, rect in self.lane_rects() if rect.contains(place)), None)

    def _set_window(self, scale: TimeScale, data: ExhibitData) -> None:
        start, end = data.span
        whole = scale.end - scale.start >= (end - start) * 0.9999
        self._window = None if whole else (scale.start, scale.end)
        self.redraw()

    def _reach(self, data: ExhibitData) -> float:
        """Half the usual time between examined frames, so that an abstention covers the time it stands for."""
        frames = data.lanes.frames
        if len(frames) < 2:
            return 0.02 * (data.span[1] - data.span[0])
        return (frames[-1].seconds - frames[0].seconds) / (len(frames) - 1) / 2

    def _summary(self, data: ExhibitData) -> str:
        return self.tr(
            "{e}: {l} face tracks, {f} examined frames. The inspector has the same figures as a table."
        ).format(e=data.item.exhibit, l=len(data.lanes.lanes), f=len(data.lanes.frames))

    def _gutter(self) -> float:
        metrics = QFontMetricsF(self.font())
        return round(
            max(metrics.horizontalAdvance("Examined frames 00"), metrics.horizontalAdvance("00.00–000.00 s") + 30)
        )

    def _ruler_height(self) -> float:
        return round(QFontMetricsF(self.font()).height() + 8)

    def _strip_height(self) -> float:
        return round(QFontMetricsF(self.font()).height() + 6)

    def _lanes_top(self) -> float:
        return self._ruler_height() + self._strip_height()

    def _lane_height(self, count: int) -> float:
        room = self.height() - self._lanes_top()
        least = QFontMetricsF(self.font()).height() * 2 + 20
        return max(least, min(120.0, room / max(1, count)))

    def _tell_scroll(self) -> None:
        data = self._desk.data
        count = len(data.lanes.lanes) if data else 0
        over = round(self._lanes_top() + count * self._lane_height(count) - self.height())
        self.scrolled.emit(self._offset, max(0, over))

    @Slot()
    def _exhibit_shown(self) -> None:
        data = self._desk.data
        name = data.item.id if data else ""
        if name != self._exhibit:
            self._exhibit = name
            self._window = None
            self._offset = 0
        self.redraw()

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
