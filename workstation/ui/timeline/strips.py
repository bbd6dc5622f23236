"""The strips above and under the lanes: ruler, shots and key frames, examined frames, disagreement, the whole clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from workstation.app.lanes import DISAGREEMENT
from workstation.app.levels import FloatArray, merged
from workstation.app.shots import Shots
from workstation.ui.theme.palette import Theme
from workstation.ui.timeline.lanes import Lanes
from workstation.ui.timeline.paint import draw_cross
from workstation.ui.timeline.points import polygon
from workstation.ui.timeline.scale import TimeScale, ruler_step, ruler_ticks, ruler_words
from workstation.ui.timeline.words import tr

_NO_FACE, _ERROR = 1, 2


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


def draw_range(painter: QPainter, scale: TimeScale, area: QRectF, ends: tuple[float, float], theme: Theme) -> None:
    """The stretch between in and out: the ruler marked inside, a bracket at either end."""
    left, right = (min(max(scale.x(end), area.left()), area.right()) for end in ends)
    painter.fillRect(QRectF(left, area.top(), right - left, 4), QColor(theme.edge))
    painter.setPen(QPen(QColor(theme.text), 2))
    for end, x, way in ((ends[0], left, 1), (ends[1], right, -1)):
        if scale.start <= end <= scale.end:
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.drawLine(QPointF(x, area.top() + 1), QPointF(x + way * 5, area.top() + 1))


def draw_shots(
    painter: QPainter, scale: TimeScale, area: QRectF, shots: Shots | None, keys: FloatArray, theme: Theme
) -> None:
    """Shots as blocks with their number, and key frames below as triangles; where those are denser than the triangles
    are wide, a line for where they are."""
    metrics = QFontMetricsF(painter.font())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    if shots is not None and shots.known:
        ends = [*shots.seconds[1:], shots.end]
        for number, (start, end) in enumerate(zip(shots.seconds, ends, strict=True), 1):
            left, right = scale.x(start), scale.x(end)
            if right < area.left() or left > area.right():
                continue
            left, right = max(left, area.left()), min(right, area.right())
            block = QRectF(left, area.top() + 2, right - left, area.height() - 9)
            painter.fillRect(block, QColor(theme.raised if number % 2 else theme.selected))
            painter.setPen(QPen(QColor(theme.edge), 1))
            painter.drawLine(block.topLeft(), block.bottomLeft())
            name = str(number)
            if block.width() > metrics.horizontalAdvance(name) + 8:
                painter.setPen(QColor(theme.second))
                painter.drawText(block.adjusted(4, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, name)
    else:
        painter.setPen(QColor(theme.second))
        words = tr("shots: {why}").format(why=shots.note) if shots is not None else ""
        painter.drawText(area.adjusted(4, 0, 0, -6), Qt.AlignmentFlag.AlignVCenter, words)
    _draw_keys(painter, scale, area, keys, theme)


def _draw_keys(painter: QPainter, scale: TimeScale, area: QRectF, keys: FloatArray, theme: Theme) -> None:
    low, high = np.searchsorted(keys, [scale.start, scale.end])
    xs = scale.left + (keys[low:high] - scale.start) * scale.per_second
    y = area.bottom() - 3
    if len(xs) > scale.width / 7:
        left, right = merged(xs, xs + 1, 3.0)
        painter.setPen(QPen(QColor(theme.second), 2))
        painter.drawLines([QLineF(a, y, b, y) for a, b in zip(left.tolist(), right.tolist(), strict=True)])
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.second))
    for x in xs.tolist():
        painter.drawPolygon(QPolygonF([QPointF(x, y - 3), QPointF(x + 3, y + 2), QPointF(x - 3, y + 2)]))


def draw_frames(painter: QPainter, scale: TimeScale, area: QRectF, lanes: Lanes, theme: Theme) -> None:
    """Which frames were examined (ticks), hold no face (rings) or could not be read (crosses)."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle = area.center().y()
    low, high = np.searchsorted(lanes.seconds, [scale.start, scale.end + 1e-9])
    ticks = lanes.ticks[low:high]
    xs = scale.left + (lanes.seconds[low:high] - scale.start) * scale.per_second
    painter.setPen(QPen(QColor(theme.text), 1.2))
    painter.drawLines([QLineF(x, middle - 4, x, middle + 4) for x in _thinned(xs[ticks == 0], scale)])
    painter.setPen(QPen(QColor(theme.second), 1.3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for x in _thinned(xs[ticks == _NO_FACE], scale, 4.0):
        painter.drawEllipse(QPointF(x, middle), 3, 3)
    for x in _thinned(xs[ticks == _ERROR], scale, 3.0):
        draw_cross(painter, QPointF(x, middle), QColor(theme.text), 3.5)


def _thinned(xs: FloatArray, scale: TimeScale, apart: float = 1.0) -> list[float]:
    """Places no closer than a mark is wide, where there are more than the plot could show."""
    if len(xs) > scale.width / max(1.0, 2 * apart):
        xs = (np.unique(np.floor(xs / apart)) + 0.5) * apart
    return list(xs.tolist())


def draw_disagreement(painter: QPainter, scale: TimeScale, area: QRectF, lanes: Lanes, theme: Theme) -> None:
    """How far two detectors lie apart on a face at most, 0 at the bottom, 1 on top; a line from where it counts."""
    levels = lanes.disagreement_levels
    inner = area.adjusted(0, 3, 0, -3)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    found = levels.columns(scale.start, scale.end, max(1, round(scale.width)))
    if len(found.column):
        wide = 1.0
        if len(found.column) > 1:
            wide = max(1.0, min(12.0, float(np.median(np.diff(found.column)))))
        xs = scale.left + found.column + 0.5
        colour = QColor(theme.second)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        breaks = np.flatnonzero(np.r_[True, np.diff(found.column) > 1.5 * wide])
        for first, last in zip(breaks.tolist(), [*breaks[1:].tolist(), len(xs)], strict=True):
            x = np.repeat(np.r_[xs[first:last] - wide / 2, xs[last - 1] + wide / 2], 2)[1:-1]
            y = np.repeat(inner.bottom() - found.high[first:last] * inner.height(), 2)
            outline = polygon(np.r_[x, x[-1], x[0]], np.r_[y, inner.bottom(), inner.bottom()])
            painter.drawPolygon(outline)
    level = round(inner.bottom() - DISAGREEMENT * inner.height()) + 0.5
    painter.setPen(QPen(QColor(theme.text), 1, Qt.PenStyle.DotLine))
    painter.drawLine(QPointF(scale.left, level), QPointF(scale.left + scale.width, level))


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


def draw_map(
    painter: QPainter, whole: TimeScale, area: QRectF, lanes: Lanes, flags: Sequence[float], theme: Theme
) -> None:
    """The whole clip: where faces were found, where frames were examined without one, errors, bookmarks."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.fillRect(area, QColor(theme.field))
    body = area.adjusted(0, 4, 0, -4)
    for lane in lanes.lanes:
        left = whole.left + (lane.spans[0] - whole.start) * whole.per_second
        right = whole.left + (lane.spans[1] - whole.start) * whole.per_second
        left, right = merged(left, np.maximum(right, left + 1), 1.0)
        for a, b in zip(left.tolist(), right.tolist(), strict=True):
            painter.fillRect(QRectF(a, body.top(), b - a, body.height()), QColor(theme.edge))
    wrong = whole.left + (lanes.seconds[lanes.ticks == _ERROR] - whole.start) * whole.per_second
    for x in _thinned(wrong, whole, 3.0):
        draw_cross(painter, QPointF(x, area.center().y()), QColor(theme.text), 3.0)
    painter.setPen(QPen(QColor(theme.text), 1.4))
    for seconds in flags:
        x = whole.x(seconds)
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))


def draw_window(painter: QPainter, whole: TimeScale, area: QRectF, shown: tuple[float, float], theme: Theme) -> None:
    """The frame on the mini-map round what the timeline shows."""
    left, right = whole.x(shown[0]), whole.x(shown[1])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme.text), 2))
    painter.drawRect(QRectF(left + 1, area.top() + 1, max(6.0, right - left - 2), area.height() - 2))
