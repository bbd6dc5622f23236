"""Find a command by a few letters of its name (Ctrl+K). The list is the live table of actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Slot
from PySide6.QtGui import QAction, QColor, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from workstation.ui.actions import Actions
from workstation.ui.theme.sheet import current_theme

_ACTION = Qt.ItemDataRole.UserRole
_WIDTH = 560
Index = QModelIndex | QPersistentModelIndex


def rank(needle: str, text: str) -> float | None:
    """How well letters typed match a name: lower is better, None when they do not occur in order."""
    needle, text = needle.lower().strip(), text.lower()
    if not needle:
        return 0.0
    at = text.find(needle)
    if at >= 0:
        return (0.0 if at == 0 or text[at - 1] == " " else 0.5) + at / 1000
    place, cost = -1, 1.0
    for letter in needle.replace(" ", ""):
        following = text.find(letter, place + 1)
        if following < 0:
            return None
        cost += 0.02 * (following - place - 1)
        place = following
    return cost


class _Line(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        return QSize(200, option.fontMetrics.height() + 14)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme = current_theme()
        rect: QRect = option.rect
        action: QAction = index.data(_ACTION)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(theme.selected))
        size = 16
        mark = QRect(rect.left() + 12, rect.center().y() - size // 2, size, size)
        action.icon().paint(painter, mark)
        painter.setPen(QColor(theme.text if action.isEnabled() else theme.edge))
        text = rect.adjusted(40, 0, -12, 0)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, action.text())
        painter.setPen(QColor(theme.second))
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, keys)
        painter.restore()


class CommandPalette(QFrame):
    """A child of the window that lies over it; Enter runs, Esc closes. ``further`` gives actions beside the table."""

    def __init__(self, actions: Actions, window: QWidget, further: Callable[[], Iterable[QAction]] = tuple) -> None:
        super().__init__(window)
        self._actions = actions
        self._further = further
        self._window = window
        self._before: QWidget | None = None
        self.setObjectName("palette")
        self.field = QLineEdit(placeholderText=self.tr("Find a command"))
        self.field.setAccessibleName(self.tr("Find a command"))
        self.list = QListWidget()
        self.list.setItemDelegate(_Line(self.list))
        self.list.setAccessibleName(self.tr("Commands"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.field)
        column.addWidget(self.list)
        self.field.textChanged.connect(self._fill)
        self.field.returnPressed.connect(self._run)
        self.list.itemClicked.connect(self._clicked)
        self.field.installEventFilter(self)
        self.hide()

    def open_over(self, before: QWidget | None) -> None:
        """Show it; the keyboard goes back to ``before`` when it closes, so that its keys act there."""
        self._before = before
        window = self._window
        wide = min(_WIDTH, window.width() - 40)
        self.setGeometry((window.width() - wide) // 2, 64, wide, min(430, window.height() - 120))
        self.field.clear()
        self._fill()
        self.show()
        self.raise_()
        self.field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if watched is self.field and event.type() is QEvent.Type.FocusOut and self.isVisible():
            self._close(restore=False)
        if watched is self.field and isinstance(event, QKeyEvent):
            if event.type() is QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
            if event.type() is QEvent.Type.KeyPress:
                if event.key() == Qt.Key.Key_Escape:
                    self._close()
                    return True
                step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}.get(
                    Qt.Key(event.key())
                )
                if step is not None and self.list.count():
                    row = min(max(self.list.currentRow() + step, 0), self.list.count() - 1)
                    self.list.setCurrentRow(row)
                    return True
        return super().eventFilter(watched, event)

    @Slot()
    def _fill(self) -> None:
        found = []
        actions = [action for spec, action in self._actions.listed() if spec.id != "palette"]
        for number, action in enumerate((*actions, *self._further())):
            place = rank(self.field.text(), action.text())
            if place is not None:
                found.append((not action.isEnabled(), place, number, action))
        self.list.clear()
        for *_, action in sorted(found, key=lambda entry: entry[:3]):
            item = QListWidgetItem(action.text())
            item.setData(_ACTION, action)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    @Slot(QListWidgetItem)
    def _clicked(self, item: QListWidgetItem) -> None:
        self.list.setCurrentItem(item)
        self._run()

    @Slot()
    def _run(self) -> None:
        action = self.list.currentIndex().data(_ACTION)
        if isinstance(action, QAction) and action.isEnabled():
            self._close()
            action.trigger()

    def _close(self, *, restore: bool = True) -> None:
        self.hide()
        if restore and self._before is not None:
            self._before.setFocus()
