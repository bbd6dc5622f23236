"""Drawing of the timeline's lanes. Trace, hatch, gap and cross; none of them is drawn as zero (window rule 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen

from workstation.app.levels import BoolArray, FloatArray, Levels, merged
from workstation.domain.kinds_of_forgery import Threshold
from workstation.domain.results import TrackSummary
from workstation.ui.theme.palette import Theme
from workstation.ui.theme.series import SeriesStyle, draw_marker
from workstation.ui.timeline.lanes import Lane, Trace
from workstation.ui.timeline.points import polygon
from workstation.ui.timeline.scale import TimeScale
from workstation.ui.timeline.words import threshold_words

_MARKERS_FROM = 5.0
_DENSE = 2.0
"""Scores for each pixel column from which their lowest, highest and mean stand for them."""


@dataclass(frozen=True, slots=True)
class LaneLook:
    """What a lane is drawn with. ``reach`` is half the time between examined frames, in seconds."""

    styles: Mapping[str, SeriesStyle]
    summaries: Mapping[str, TrackSummary]
    reach: float
    chosen: bool
    dimmed: bool
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)


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
    """One track: ground where it was seen, 5-95 % band and trace of every detector, hatch, crosses, thresholds."""
    painter.save()
    painter.setClipRect(area)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if look.dimmed:
        painter.setOpacity(0.4)
    inner = inner_of(area)
    for left, right in _on_screen(scale, *lane.spans, look.reach, 3.0):
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
            _threshold(painter, scale, inner, trace, style, look)
            draw_scores(painter, scale, inner, trace.levels, style)
            _crosses(painter, scale, inner, trace, style)
    _threshold_words(painter, scale, inner, lane, look, theme)
    painter.restore()


def inner_of(area: QRectF) -> QRectF:
    """Where scores 0..1 lie in a lane, from bottom to top."""
    return area.adjusted(0, 7, 0, -7)


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


def draw_scores(painter: QPainter, scale: TimeScale, inner: QRectF, levels: Levels, style: SeriesStyle) -> None:
    """A line through scores that follow each other. Where many share a pixel column, a body from their lowest to their
    highest stands for them, with the line through their means."""
    if not len(levels):
        return
    part = levels.within(scale.start, scale.end)
    if part.stop - part.start > _DENSE * scale.width:
        _dense(painter, scale, inner, levels, style)
        return
    xs = scale.left + (levels.seconds[part] - scale.start) * scale.per_second
    ys = _heights(inner, levels.scores[part])
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(style.pen())
    ends = _pieces(levels.joined[part])
    for first, last in ends:
        if last - first > 1:
            painter.drawPolyline(polygon(xs[first:last], ys[first:last]))
    for first, last in ends:
        spacing = (xs[last - 1] - xs[first]) / max(1, last - first - 1)
        if spacing >= _MARKERS_FROM or last - first == 1:
            for x, y in zip(xs[first:last].tolist(), ys[first:last].tolist(), strict=True):
                draw_marker(painter, style, QPointF(x, y))


def _dense(painter: QPainter, scale: TimeScale, inner: QRectF, levels: Levels, style: SeriesStyle) -> None:
    found = levels.columns(scale.start, scale.end, round(scale.width))
    xs = scale.left + found.column + 0.5
    low, high, mean = (_heights(inner, values) for values in (found.low, found.high, found.mean))
    body = QColor(style.colour)
    body.setAlpha(110)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    # Two columns of pixels that touch belong together even where a frame between their scores has none.
    joined = found.joined | np.r_[False, np.diff(found.column) == 1]
    for first, last in _pieces(joined):
        painter.setPen(QPen(body, 1))
        if last - first == 1:
            painter.drawLine(QPointF(xs[first], low[first]), QPointF(xs[first], high[first]))
            continue
        painter.setBrush(body)
        painter.setPen(Qt.PenStyle.NoPen)
        outline = np.r_[xs[first:last], xs[first:last][::-1]]
        painter.drawPolygon(
            polygon(outline, np.asarray(np.r_[high[first:last] - 0.5, low[first:last][::-1] + 0.5], np.float64))
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(style.pen(1.0))
        painter.drawPolyline(polygon(np.asarray(xs[first:last], np.float64), mean[first:last]))
    painter.restore()


def _pieces(joined: BoolArray) -> list[tuple[int, int]]:
    """First and one past the last of every stretch of points that follow each other."""
    if not len(joined):
        return []
    starts = np.flatnonzero(~np.r_[False, joined[1:]]).tolist()
    return list(zip(starts, [*starts[1:], len(joined)], strict=True))


def _on_screen(
    scale: TimeScale, first: FloatArray, last: FloatArray, reach: float, least: float
) -> list[tuple[float, float]]:
    """Left and right of stretches of time that can be seen, each ``least`` pixels wide or more; those that would touch
    are one."""
    if not len(first):
        return []
    low = int(np.searchsorted(last, scale.start - reach))
    high = int(np.searchsorted(first, scale.end + reach, side="right"))
    left = scale.left + (first[low:high] - reach - scale.start) * scale.per_second
    right = scale.left + (last[low:high] + reach - scale.start) * scale.per_second
    left, right = merged(left, np.maximum(right, left + least), 0.5)
    return list(zip(left.tolist(), right.tolist(), strict=True))


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
    drawn: set[tuple[float, float]] = set()
    for trace in lane.traces:
        for left, right in _on_screen(scale, *trace.hatched, look.reach, 4.0):
            if (left, right) in drawn:
                continue
            drawn.add((left, right))
            left, right = max(left, scale.left - 8), min(right, scale.left + scale.width + 8)
            rect = QRectF(left, area.top() + 3, right - left, area.height() - 6)
            painter.fillRect(rect, QBrush(QColor(theme.second), Qt.BrushStyle.BDiagPattern))
            painter.setPen(QPen(QColor(theme.second), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect)


def _threshold(
    painter: QPainter, scale: TimeScale, inner: QRectF, trace: Trace, style: SeriesStyle, look: LaneLook
) -> None:
    shipped = look.thresholds.get(trace.detector)
    if shipped is None:
        return
    y = round(_y(inner, shipped.value)) + 0.5
    pen = QPen(QColor(style.colour), 1)
    pen.setDashPattern([9, 3, 2, 3])
    painter.setPen(pen)
    painter.drawLine(QPointF(scale.left, y), QPointF(scale.left + scale.width, y))


def _threshold_words(
    painter: QPainter, scale: TimeScale, inner: QRectF, lane: Lane, look: LaneLook, theme: Theme
) -> None:
    """The words of the lane's thresholds below each other at its end, in the order of their lines, in the half where
    the lines are not; where they do not all fit there are lines alone, and the hover says which they are."""
    told = []
    for trace in lane.traces:
        shipped, style = look.thresholds.get(trace.detector), look.styles.get(trace.detector)
        if shipped is not None and style is not None:
            told.append((_y(inner, shipped.value), threshold_words(trace.detector, shipped, trace.falling), style))
    small = QFont(painter.font())
    small.setPointSizeF(small.pointSizeF() * 0.8)
    metrics = QFontMetricsF(small)
    row = metrics.height() + 1
    if not told or inner.height() < max(2.2, len(told) + 0.5) * row:
        return
    told.sort(key=lambda one: one[0])
    low = sum(y for y, _, _ in told) / len(told) < inner.center().y()
    top = inner.bottom() - len(told) * row if low else inner.top()
    painter.save()
    painter.setFont(small)
    for number, (_, words, style) in enumerate(told):
        wide = metrics.horizontalAdvance(words)
        place = QRectF(scale.left + scale.width - wide - 8, top + number * row, wide + 6, row)
        ground = QColor(theme.hover)
        # What lies below the words stays to be seen.
        ground.setAlpha(110)
        painter.fillRect(place, ground)
        painter.setPen(QColor(style.colour))
        painter.drawText(QPointF(place.left() + 3, place.top() + metrics.ascent()), words)
    painter.restore()


def _crosses(painter: QPainter, scale: TimeScale, inner: QRectF, trace: Trace, style: SeriesStyle) -> None:
    low, high = np.searchsorted(trace.errors, [scale.start, scale.end])
    xs = scale.left + (trace.errors[max(0, low - 1) : high + 1] - scale.start) * scale.per_second
    previous = -1e9
    for x in xs.tolist():
        if x - previous >= 3:
            previous = x
            draw_cross(painter, QPointF(x, inner.center().y()), QColor(style.colour))


def _heights(inner: QRectF, scores: FloatArray) -> FloatArray:
    return inner.bottom() - np.clip(scores, 0.0, 1.0) * inner.height()


def _y(inner: QRectF, score: float) -> float:
    return inner.bottom() - min(1.0, max(0.0, score)) * inner.height()
