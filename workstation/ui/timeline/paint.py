"""Drawing of the timeline's lanes. Trace, hatch, gap and cross; none of them is drawn as zero (window rule 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from workstation.domain.results import ItemStatus, TrackSummary
from workstation.ui.theme.palette import Theme
from workstation.ui.theme.series import SeriesStyle, draw_marker
from workstation.ui.timeline.lanes import ExaminedFrame, Lane, Mark, Tick, Trace
from workstation.ui.timeline.scale import TimeScale, ruler_step, ruler_ticks, ruler_words

_MARKERS_FROM = 5.0


@dataclass(frozen=True, slots=True)
class LaneLook:
    """What a lane is drawn with. ``reach`` is half the time between examined frames, in seconds."""

    styles: Mapping[str, SeriesStyle]
    summaries: Mapping[str, TrackSummary]
    reach: float
    chosen: bool
    dimmed: bool


def draw_ruler(painter: QPainter, scale: TimeScale, area: QRectF, theme: Theme) -> None:
    metrics = QFontMetricsF(painter.font())
    step = ruler_step(scale, metrics.horizontalAdvance("00.00 s") + 34)
    painter.setPen(QPen(QColor(theme.edge), 1))
    minor = step / 5
    for seconds in ruler_ticks(scale, minor):
        x = round(scale.x(seconds)) + 0.5
        painter.drawLine(QPointF(x, area.bottom() - 3), QPointF(x, area.bottom()))
    for seconds in ruler_ticks(scale, step):
        x = round(scale.x(seconds)) + 0.5
        painter.setPen(QPen(QColor(theme.edge), 1))
        painter.drawLine(QPointF(x, area.bottom() - 7), QPointF(x, area.bottom()))
        painter.setPen(QColor(theme.second))
        text = ruler_words(seconds, step)
        wide = metrics.horizontalAdvance(text)
        if x + 4 + wide < area.right():
            painter.drawText(QPointF(x + 4, area.bottom() - 5), text)


def draw_frames(
    painter: QPainter,
    scale: TimeScale,
    area: QRectF,
    frames: Sequence[ExaminedFrame],
    keys: Sequence[float],
    theme: Theme,
) -> None:
    """Which frames were examined (ticks), hold no face (rings) or could not be read (crosses); key frames below."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle = area.top() + area.height() * 0.42
    previous = -1e9
    for frame in frames:
        x = scale.x(frame.seconds)
        if not area.left() - 4 <= x <= area.right() + 4:
            continue
        if frame.tick is Tick.FACE:
            if x - previous < 1:
                continue
            previous = x
            painter.setPen(QPen(QColor(theme.text), 1.2))
            painter.drawLine(QPointF(x, middle - 4), QPointF(x, middle + 4))
        elif frame.tick is Tick.NO_FACE:
            painter.setPen(QPen(QColor(theme.second), 1.3))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, middle), 3, 3)
        else:
            draw_cross(painter, QPointF(x, middle), QColor(theme.text), 3.5)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.second))
    previous = -1e9
    for seconds in keys:
        x = scale.x(seconds)
        if area.left() <= x <= area.right() and x - previous >= 3:
            previous = x
            y = area.bottom() - 3
            painter.drawPolygon(QPolygonF([QPointF(x, y - 3), QPointF(x + 3, y + 2), QPointF(x - 3, y + 2)]))


def draw_cross(painter: QPainter, at: QPointF, colour: QColor, reach: float = 4.5) -> None:
    painter.setPen(QPen(colour, 1.8))
    painter.drawLine(at + QPointF(-reach, -reach), at + QPointF(reach, reach))
    painter.drawLine(at + QPointF(reach, -reach), at + QPointF(-reach, reach))


def draw_lane(
    painter: QPainter,
    scale: TimeScale,
    area: QRectF,
    lane: Lane,
    look: LaneLook,
    theme: Theme,
) -> None:
    """One track: ground where it was seen, 5-95 % band and trace of every detector, hatch, crosses."""
    painter.save()
    painter.setClipRect(area)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if look.dimmed:
        painter.setOpacity(0.4)
    inner = area.adjusted(0, 7, 0, -7)
    for left, right in _spans(scale, lane, look):
        painter.fillRect(QRectF(left, area.top() + 2, right - left, area.height() - 4), QColor(theme.hover))
        for level in (0.0, 0.5, 1.0):
            y = round(inner.bottom() - level * inner.height()) + 0.5
            line = Qt.PenStyle.SolidLine if level != 0.5 else Qt.PenStyle.DotLine
            painter.setPen(QPen(QColor(theme.selected), 1, line))
            painter.drawLine(QPointF(left, y), QPointF(right, y))
    for trace in lane.traces:
        _band(painter, scale, inner, lane, look, trace)
    _hatches(painter, scale, area, lane, look, theme)
    for trace in lane.traces:
        style = look.styles.get(trace.detector)
        if style is not None:
            _trace(painter, scale, inner, trace, style)
    painter.restore()


def draw_gutter(painter: QPainter, area: QRectF, lane: Lane, chosen: bool, theme: Theme) -> None:
    """The lane's name, how long it is, and the ends of its score axis."""
    painter.save()
    bold = QFont(painter.font())
    plain = QFont(painter.font())
    bold.setBold(True)
    if chosen:
        painter.fillRect(area, QColor(theme.selected))
        painter.fillRect(QRectF(area.left(), area.top(), 3, area.height()), QColor(theme.strong))
    metrics = QFontMetricsF(bold)
    text = area.adjusted(14, 0, -8, 0)
    painter.setFont(bold)
    painter.setPen(QColor(theme.text))
    top = area.center().y() - metrics.height()
    painter.drawText(QPointF(text.left(), top + metrics.ascent()), lane.label)
    plain.setPointSizeF(plain.pointSizeF() * 0.9)
    painter.setFont(plain)
    painter.setPen(QColor(theme.second))
    words = f"{lane.first_seconds:.2f}–{lane.last_seconds:.2f} s"
    painter.drawText(QPointF(text.left(), top + metrics.height() + QFontMetricsF(plain).ascent()), words)
    small = QFontMetricsF(plain)
    for level, name in ((0.0, "0"), (1.0, "1")):
        y = area.bottom() - 7 - level * (area.height() - 14)
        wide = small.horizontalAdvance(name)
        painter.drawText(QPointF(area.right() - wide - 5, y + small.ascent() / 2 - 1), name)
    painter.restore()


def _spans(scale: TimeScale, lane: Lane, look: LaneLook) -> list[tuple[float, float]]:
    """Left and right of every stretch in which the track was seen; between two of them is "no face"."""
    spans: list[list[float]] = []
    joins = _joined(lane)
    for ordinal, seconds in sorted({(m.ordinal, m.seconds) for trace in lane.traces for m in trace.marks}):
        if spans and ordinal in joins:
            spans[-1][1] = seconds
        else:
            spans.append([seconds, seconds])
    ends = [(scale.x(start - look.reach), scale.x(end + look.reach)) for start, end in spans]
    return [(left, max(left + 3.0, right)) for left, right in ends]


def _joined(lane: Lane) -> set[int]:
    """Ordinals whose examined predecessor holds this track too, whatever its status."""
    joined: set[int] = set()
    for trace in lane.traces:
        for run in trace.runs:
            joined.update(mark.ordinal for mark in run[1:])
        joined.update(trace.linked)
    return joined


def _band(painter: QPainter, scale: TimeScale, inner: QRectF, lane: Lane, look: LaneLook, trace: Trace) -> None:
    summary, style = look.summaries.get(trace.detector), look.styles.get(trace.detector)
    if summary is None or style is None or summary.low is None or summary.high is None or summary.frames_scored < 3:
        return
    colour = QColor(style.colour)
    colour.setAlpha(26)
    left, right = scale.x(lane.first_seconds - look.reach), scale.x(lane.last_seconds + look.reach)
    top, bottom = _y(inner, summary.high), _y(inner, summary.low)
    painter.fillRect(QRectF(left, top, right - left, max(1.0, bottom - top)), colour)


def _hatches(painter: QPainter, scale: TimeScale, area: QRectF, lane: Lane, look: LaneLook, theme: Theme) -> None:
    for trace in lane.traces:
        for run in trace.runs:
            if run[0].status is not ItemStatus.ABSTAINED:
                continue
            left, right = scale.x(run[0].seconds - look.reach), scale.x(run[-1].seconds + look.reach)
            rect = QRectF(left, area.top() + 3, max(4.0, right - left), area.height() - 6)
            brush = QBrush(QColor(theme.second), Qt.BrushStyle.BDiagPattern)
            painter.fillRect(rect, brush)
            painter.setPen(QPen(QColor(theme.second), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect)
        if any(run[0].status is ItemStatus.ABSTAINED for run in trace.runs):
            break


def _trace(painter: QPainter, scale: TimeScale, inner: QRectF, trace: Trace, style: SeriesStyle) -> None:
    for run in trace.runs:
        status = run[0].status
        if status is ItemStatus.OK:
            points = _points(run, scale, inner)
            painter.setPen(style.pen())
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if len(points) > 1:
                painter.drawPolyline(QPolygonF(points))
            spacing = (points[-1].x() - points[0].x()) / max(1, len(points) - 1)
            if spacing >= _MARKERS_FROM or len(points) == 1:
                for point in points:
                    draw_marker(painter, style, point)
        elif status is ItemStatus.ERROR:
            for mark in run:
                draw_cross(painter, QPointF(scale.x(mark.seconds), inner.center().y()), QColor(style.colour))


def _points(run: Sequence[Mark], scale: TimeScale, inner: QRectF) -> list[QPointF]:
    """Points of a line; where many frames share a pixel column, its lowest and highest score stand for them."""
    visible = [m for m in run if scale.start - 1 / scale.per_second <= m.seconds or m is run[-1]]
    if len(visible) <= 2 * scale.width:
        return [QPointF(scale.x(m.seconds), _y(inner, m.score or 0.0)) for m in visible]
    columns: dict[int, list[float]] = {}
    for mark in visible:
        columns.setdefault(int(scale.x(mark.seconds)), []).append(mark.score or 0.0)
    points: list[QPointF] = []
    for x in sorted(columns):
        values = columns[x]
        points.append(QPointF(x + 0.25, _y(inner, min(values))))
        points.append(QPointF(x + 0.75, _y(inner, max(values))))
    return points


def _y(inner: QRectF, score: float) -> float:
    return inner.bottom() - min(1.0, max(0.0, score)) * inner.height()
