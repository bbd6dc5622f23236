"""Drawing of face boxes, landmarks, chips and the probe on the canvas, in widget coordinates."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QTransform

from workstation.ui.theme.sheet import current_theme
from workstation.ui.viewer.state import FaceMark

_INK = QColor("#FFFFFF")
_SHADE = QColor(0, 0, 0, 150)
_PLATE = QColor(20, 20, 20, 214)


def face_rect(face: FaceMark, view: QTransform) -> QRectF:
    """The box in widget coordinates (pixel centres of the frame lie at half numbers of the painter)."""
    box = face.box
    return view.mapRect(QRectF(box.x0 + 0.5, box.y0 + 0.5, box.width, box.height))


def draw_faces(painter: QPainter, faces: tuple[FaceMark, ...], view: QTransform, chosen: object, area: QRectF) -> None:
    """Corner brackets, so that the face itself stays free, and a plate with track and score above or below."""
    taken: list[QRectF] = []
    for face in faces:
        dim = chosen is not None and face.track != chosen
        rect = face_rect(face, view)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(0.45 if dim else 1.0)
        path = _brackets(rect)
        style = Qt.PenStyle.SolidLine if face.scored else Qt.PenStyle.DashLine
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(_SHADE, 4.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPath(path)
        painter.setPen(QPen(_INK, 2.4 if chosen == face.track else 1.7, style, Qt.PenCapStyle.RoundCap))
        painter.drawPath(path)
        _plate(painter, face, rect, area, taken)
        painter.restore()


def draw_landmarks(painter: QPainter, faces: tuple[FaceMark, ...], view: QTransform, chosen: object) -> None:
    """A small ring on every landmark, open in the middle, so that what it stands on can be seen."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for face in faces:
        painter.setOpacity(0.45 if chosen is not None and face.track != chosen else 1.0)
        for point in face.landmarks:
            at = view.map(QPointF(point.x + 0.5, point.y + 0.5))
            for colour, width in ((_SHADE, 3.6), (_INK, 1.4)):
                painter.setPen(QPen(colour, width))
                painter.drawEllipse(at, 3.2, 3.2)
    painter.restore()


def draw_cross(painter: QPainter, at: QPointF, area: QRectF) -> None:
    """The place that is probed: two lines over the whole canvas, open round the place."""
    painter.save()
    gap = 7.0
    lines = (
        QLineF(area.left(), at.y(), at.x() - gap, at.y()),
        QLineF(at.x() + gap, at.y(), area.right(), at.y()),
        QLineF(at.x(), area.top(), at.x(), at.y() - gap),
        QLineF(at.x(), at.y() + gap, at.x(), area.bottom()),
    )
    for colour, width in ((QColor(0, 0, 0, 140), 3.0), (QColor(255, 255, 255, 220), 1.0)):
        painter.setPen(QPen(colour, width))
        painter.drawLines(lines)
    painter.restore()


def draw_divider(painter: QPainter, x: float, area: QRectF) -> None:
    """The line of a wipe with a handle in its middle."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for colour, width in ((QColor(0, 0, 0, 170), 4.0), (_INK, 1.6)):
        painter.setPen(QPen(colour, width))
        painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
    middle = area.center().y()
    painter.setPen(QPen(QColor(0, 0, 0, 200), 1))
    painter.setBrush(_INK)
    painter.drawRoundedRect(QRectF(x - 5, middle - 15, 10, 30), 4, 4)
    painter.drawLine(QLineF(x - 1.5, middle - 6, x - 1.5, middle + 6))
    painter.drawLine(QLineF(x + 1.5, middle - 6, x + 1.5, middle + 6))
    painter.restore()


def draw_message(painter: QPainter, area: QRectF, message: str, advice: str) -> None:
    """What there is instead of a frame, large, and what to do below it."""
    if not message:
        return
    painter.save()
    small = painter.font()
    large = painter.font()
    large.setPointSizeF(small.pointSizeF() * 1.3)
    inner = area.adjusted(24, 0, -24, 0) if area.width() < 400 else area.adjusted(40, 0, -40, 0)
    light = current_theme().name == "light"
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
    half = inner.height() / 2
    painter.setFont(large)
    painter.setPen(QColor("#FFFFFF" if light else "#E6E6E6"))
    upper = QRectF(inner.left(), inner.top(), inner.width(), half - 4)
    painter.drawText(upper, flags | Qt.AlignmentFlag.AlignBottom, message)
    painter.setFont(small)
    painter.setPen(QColor("#FFFFFF" if light else "#A8A8A8"))
    lower = QRectF(inner.left(), inner.top() + half + 6, inner.width(), half - 6)
    painter.drawText(lower, flags | Qt.AlignmentFlag.AlignTop, advice)
    painter.restore()


def draw_chip(painter: QPainter, text: str, corner: QPointF) -> float:
    """A short statement about the frame in the corner of the canvas; returns its height."""
    metrics = QFontMetricsF(painter.font())
    size = metrics.boundingRect(text)
    rect = QRectF(corner.x(), corner.y(), size.width() + 16, metrics.height() + 8)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PLATE)
    painter.drawRoundedRect(rect, 4, 4)
    painter.setPen(_INK)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
    return rect.height()


def _brackets(rect: QRectF) -> QPainterPath:
    arm = max(6.0, min(rect.width(), rect.height()) * 0.18)
    path = QPainterPath()
    for x, y, dx, dy in (
        (rect.left(), rect.top(), 1, 1),
        (rect.right(), rect.top(), -1, 1),
        (rect.right(), rect.bottom(), -1, -1),
        (rect.left(), rect.bottom(), 1, -1),
    ):
        path.moveTo(x + dx * arm, y)
        path.lineTo(x, y)
        path.lineTo(x, y + dy * arm)
    return path


def _plate(painter: QPainter, face: FaceMark, rect: QRectF, area: QRectF, taken: list[QRectF]) -> None:
    metrics = QFontMetricsF(painter.font())
    label = f"T{face.number}"
    bold = painter.font()
    bold.setBold(True)
    wide = QFontMetricsF(bold).horizontalAdvance(label)
    width = wide + (metrics.horizontalAdvance(face.words) + 8 if face.words else 0) + 14
    plate = QRectF(rect.left() - 2, rect.top() - metrics.height() - 12, width, metrics.height() + 5)
    if plate.top() < area.top() + 4:
        plate.moveTop(rect.bottom() + 7)
    if plate.bottom() > area.bottom() - 4:
        plate.moveTop(max(area.top() + 4, rect.top() + 6))
    plate.moveLeft(min(max(plate.left(), area.left() + 4), max(area.left() + 4, area.right() - width - 4)))
    while any(plate.intersects(other) for other in taken) and plate.bottom() < area.bottom():
        plate.translate(0, plate.height() + 2)
    taken.append(plate)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PLATE)
    painter.drawRoundedRect(plate, 3, 3)
    plain = painter.font()
    painter.setPen(_INK)
    painter.setFont(bold)
    text = plate.adjusted(7, 0, -7, 0)
    painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, label)
    painter.setFont(plain)
    if face.words:
        painter.setPen(QColor("#D8D8D8"))
        painter.drawText(
            text.adjusted(wide + 8, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, face.words
        )
