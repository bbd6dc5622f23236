"""One face of the gallery: its best picture, who it is, and what stands out. Nothing on it comes from a score."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from workstation.app.face_listing import FaceEntry
from workstation.ui.faces.model import FaceRole, FacesModel
from workstation.ui.faces.veil import veiled
from workstation.ui.faces.words import shown_by, state, title, tr
from workstation.ui.theme.sheet import current_theme

SIDE = 104
_GAP = 7
_LINES = 3
Index = QModelIndex | QPersistentModelIndex


def tile_size() -> QSize:
    """Size of a tile with its gap, for the present font."""
    line = QFontMetricsF(QApplication.font()).height()
    return QSize(SIDE + 2 * _GAP, round(SIDE + _LINES * line + 3 * _GAP))


class TileDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        return tile_size()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry = index.data(FaceRole.ENTRY)
        model = index.model()
        if not isinstance(entry, FaceEntry) or not isinstance(model, FacesModel):
            return
        theme = current_theme()
        rect = QRectF(option.rect).adjusted(2, 2, -2, -2)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.selected if chosen else theme.hover))
            painter.drawRoundedRect(rect, 5, 5)
        face = QRectF(rect.center().x() - SIDE / 2, rect.top() + _GAP - 2, SIDE, SIDE)
        self._picture(painter, face, index.data(FaceRole.PICTURE), entry)
        self._words(painter, rect, face.bottom() + 3, entry, model, option)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(theme.focus), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 5, 5)
        painter.restore()

    def _picture(self, painter: QPainter, face: QRectF, picture: object, entry: FaceEntry) -> None:
        theme = current_theme()
        path = QPainterPath()
        path.addRoundedRect(face, 4, 4)
        painter.fillPath(path, QColor(theme.canvas))
        if isinstance(picture, QImage) and not picture.isNull():
            painter.save()
            painter.setClipPath(path)
            painter.setOpacity(0.35 if entry.excluded and not entry.partly else 1.0)
            painter.drawImage(face, veiled(picture))
            painter.restore()
        else:
            painter.setPen(QColor("#A8A8A8" if theme.name == "dark" else "#FFFFFF"))
            words = tr("no picture") if isinstance(picture, QImage) else "…"
            painter.drawText(face, Qt.AlignmentFlag.AlignCenter, words)
        if entry.excluded:
            painter.setPen(QPen(QColor(theme.edge), 2))
            painter.drawLine(face.bottomLeft(), face.topRight())

    def _words(
        self,
        painter: QPainter,
        rect: QRectF,
        top: float,
        entry: FaceEntry,
        model: FacesModel,
        option: QStyleOptionViewItem,
    ) -> None:
        theme = current_theme()
        more = shown_by(entry, model.order)
        lines = (
            (True, theme.text, title(entry)),
            (False, theme.text if entry.name else theme.second, entry.name or more),
            (False, theme.second, state(entry) or (more if entry.name else "")),
        )
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignHCenter
        for bold, colour, text in lines:
            font = option.font
            font.setBold(bold)
            painter.setFont(font)
            painter.setPen(QColor(colour))
            metrics = QFontMetricsF(font)
            line = QRectF(rect.left() + 4, top, rect.width() - 8, metrics.height())
            painter.drawText(line, middle, metrics.elidedText(text, Qt.TextElideMode.ElideRight, line.width()))
            top += metrics.height()
