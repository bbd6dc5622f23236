"""The table view that all panels use, with two-line cells."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QKeySequence, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from workstation.ui.models.tables import CellRole, TableModel
from workstation.ui.theme.series import draw_sample, style_for
from workstation.ui.theme.sheet import current_theme, mono_font

Index = QModelIndex | QPersistentModelIndex
_SWATCH = 34


class CellDelegate(QStyledItemDelegate):
    """First line in text colour, second line in the secondary one."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        metrics = QFontMetricsF(option.font)
        second = str(index.data(CellRole.SECOND) or "")
        wide = max(metrics.horizontalAdvance(str(index.data() or "")), metrics.horizontalAdvance(second) * 0.93)
        return QSize(round(wide) + 14, round(metrics.height() * 2 + 8))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme = current_theme()
        rect = QRectF(option.rect)
        state = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(theme.selected))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(theme.hover))
        inner = rect.adjusted(6, 3, -6, -3)
        swatch = index.data(CellRole.SWATCH)
        drawn = swatch is not None and int(swatch) >= 0
        font = mono_font(option.font) if index.data(CellRole.MONO) else option.font
        side = Qt.AlignmentFlag(index.data(Qt.ItemDataRole.TextAlignmentRole)) & Qt.AlignmentFlag.AlignHorizontal_Mask
        second = str(index.data(CellRole.SECOND) or "")
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        metrics = QFontMetricsF(font)
        text = metrics.elidedText(str(index.data() or ""), Qt.TextElideMode.ElideRight, inner.width())
        if drawn:
            sample = QRectF(inner.left(), inner.center().y() + 1, _SWATCH, metrics.height() - 2)
            draw_sample(painter, style_for(int(swatch), theme), sample)
        if not second:
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | side, text)
        else:
            top = inner.center().y() - metrics.height()
            painter.drawText(QRectF(inner.left(), top, inner.width(), metrics.height()), side, text)
            small = option.font
            small.setPointSizeF(small.pointSizeF() * 0.93)
            painter.setFont(small)
            painter.setPen(QColor(theme.second))
            less = QFontMetricsF(small)
            lower = QRectF(inner.left(), top + metrics.height(), inner.width(), less.height())
            if drawn:
                lower.setLeft(lower.left() + _SWATCH + 8)
            text = less.elidedText(second, Qt.TextElideMode.ElideRight, lower.width())
            painter.drawText(lower, side, text)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(theme.focus), 1))
            painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setPen(QPen(QColor(theme.hover), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        painter.restore()


class Table(QTableView):
    """Rows are chosen whole; Ctrl+C copies them as tab-separated text. Columns share the width they need."""

    def __init__(self, model: TableModel, name: str, stretch: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setItemDelegate(CellDelegate(self))
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsMovable(False)
        header.setMinimumSectionSize(56)
        for column in range(model.columnCount()):
            way = QHeaderView.ResizeMode.Stretch if column == stretch else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(column, way)
        self.fit_rows()

    def fit_rows(self) -> None:
        """Make rows as tall as two lines of the present font."""
        self.verticalHeader().setDefaultSectionSize(round(self.fontMetrics().height() * 2 + 9))

    def show_rows(self, most: int) -> None:
        """Be as tall as the rows there are, ``most`` at the utmost; further ones scroll."""
        rows = min(most, self.model().rowCount()) * self.verticalHeader().defaultSectionSize()
        bar = self.horizontalScrollBar()
        more = bar.sizeHint().height() if bar.maximum() else 0
        self.setFixedHeight(rows + self.horizontalHeader().sizeHint().height() + more + 3)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.matches(QKeySequence.StandardKey.Copy):
            rows = sorted({index.row() for index in self.selectionModel().selectedIndexes()})
            model = self.model()
            lines = [
                "\t".join(
                    str(model.index(row, column).data(Qt.ItemDataRole.AccessibleTextRole))
                    for column in range(model.columnCount())
                )
                for row in rows
            ]
            QApplication.clipboard().setText("\n".join(lines))
            return
        super().keyPressEvent(event)
