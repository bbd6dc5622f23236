"""Drawing of the timeline's lanes. Trace, hatch, gap and cross; none of them is drawn as zero (window rule 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from workstation.domain.results import ItemStatus, TrackSummary
from workstation.ui.theme.palette import Theme
from workstation.ui.theme.series import SeriesStyle, draw_marker
from workstation.ui.timeline.lanes import Lane, Lanes, Run, Tick, Trace
from workstation.ui.timeline.scale import TimeScale, ruler_step, ruler_ticks, ruler_words

_MARKERS_FROM = 5.0
FloatArray = npt.NDArray[np.float64]


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
    lanes: Lanes,
    keys: Sequence[float],
    theme: Theme,
) -> None:
    """Which frames were examined (ticks), hold no face (rings) or could not be read (crosses); key frames below."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle = area.top() + area.height() * 0.42
    xs = scale.left + (lanes.seconds - scale.start) * scale.per_second
    xs = xs[(xs >= area.left() - 4) & (xs <= area.right() + 4)]
    if xs.size > area.width():
        xs = np.unique(np.floor(xs)) + 0.5
    painter.setPen(QPen(QColor(theme.text), 1.2))
    painter.drawLines([QLineF(x, middle - 4, x, middle + 4) for x in xs.tolist()])
    for frame in lanes.odd:
        x = scale.x(frame.seconds)
        if not area.left() - 4 <= x <= area.right() + 4:
            continue
        if frame.tick is Tick.NO_FACE:
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


def draw_bookmarks(painter: QPainter, scale: TimeScale, area: QRectF, places: Sequence[float], theme: Theme) -> None:
    """A small flag on the ruler at each bookmarked second."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for seconds in places:
        x = round(scale.x(seconds)) + 0.5
        if not area.left() <= x <= area.right():
            continue
        painter.setPen(QPen(QColor(theme.text), 1.2))
        painter.drawLine(QPointF(x, area.top() + 3), QPointF(x, area.bottom()))
        painter.setBrush(QColor(theme.text))
        flag = [QPointF(x, area.top() + 3), QPointF(x + 8, area.top() + 6), QPointF(x, area.top() + 9)]
        painter.drawPolygon(QPolygonF(flag))
    painter.restore()


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
    if lane.first == lane.last:
        words = f"{lane.first_seconds:.2f} s"
    painter.drawText(QPointF(text.left(), top + metrics.height() + QFontMetricsF(plain).ascent()), words)
    small = QFontMetricsF(plain)
    for level, name in ((0.0, "0"), (1.0, "1")):
        y = area.bottom() - 7 - level * (area.height() - 14)
        wide = small.horizontalAdvance(name)
        painter.drawText(QPointF(area.right() - wide - 5, y + small.ascent() / 2 - 1), name)
    painter.restore()


def _spans(scale: TimeScale, lane: Lane, look: LaneLook) -> list[tuple[float, float]]:
    """Left and right of every stretch in which the track was seen; between two of them is "no face"."""
    ends = [(scale.x(start - look.reach), scale.x(end + look.reach)) for start, end in lane.spans]
    return [(left, max(left + 3.0, right)) for left, right in ends]


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
            if run.status is not ItemStatus.ABSTAINED:
                continue
            left, right = scale.x(run.seconds[0] - look.reach), scale.x(run.seconds[-1] + look.reach)
            rect = QRectF(left, area.top() + 3, max(4.0, right - left), area.height() - 6)
            brush = QBrush(QColor(theme.second), Qt.BrushStyle.BDiagPattern)
            painter.fillRect(rect, brush)
            painter.setPen(QPen(QColor(theme.second), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect)
        if any(run.status is ItemStatus.ABSTAINED for run in trace.runs):
            break


def _trace(painter: QPainter, scale: TimeScale, inner: QRectF, trace: Trace, style: SeriesStyle) -> None:
    for run in trace.runs:
        if run.status is ItemStatus.OK:
            xs, ys = _points(run, scale, inner)
            if not xs.size:
                continue
            points = [QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
            painter.setPen(style.pen())
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if len(points) > 1:
                painter.drawPolyline(QPolygonF(points))
            spacing = (points[-1].x() - points[0].x()) / max(1, len(points) - 1)
            if spacing >= _MARKERS_FROM or len(points) == 1:
                for point in points:
                    draw_marker(painter, style, point)
        elif run.status is ItemStatus.ERROR:
            for seconds in run.seconds:
                draw_cross(painter, QPointF(scale.x(float(seconds)), inner.center().y()), QColor(style.colour))


def _points(run: Run, scale: TimeScale, inner: QRectF) -> tuple[FloatArray, FloatArray]:
    """Points of a line; where many frames share a pixel column, its lowest and highest score stand for them."""
    first = max(0, int(np.searchsorted(run.seconds, scale.start)) - 1)
    last = min(len(run.seconds), int(np.searchsorted(run.seconds, scale.end, side="right")) + 1)
    xs = scale.left + (run.seconds[first:last] - scale.start) * scale.per_second
    ys = inner.bottom() - np.clip(run.scores[first:last], 0.0, 1.0) * inner.height()
    if len(xs) <= 2 * scale.width:
        return xs, ys
    columns = np.floor(xs).astype(np.int64)
    starts = np.flatnonzero(np.r_[True, np.diff(columns) > 0])
    low, high = np.maximum.reduceat(ys, starts), np.minimum.reduceat(ys, starts)
    both_x = np.repeat(columns[starts].astype(np.float64), 2) + np.tile([0.25, 0.75], len(starts))
    return both_x, np.stack([low, high], axis=1).reshape(-1)


def _y(inner: QRectF, score: float) -> float:
    return inner.bottom() - min(1.0, max(0.0, score)) * inner.height()
