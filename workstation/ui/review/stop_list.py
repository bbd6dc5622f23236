"""The jump list of a review: findings in their levels, bookmarks, exhibits, in large type."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, Qt, Signal, Slot
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QListView

from workstation.app.reviewing import Stop
from workstation.ui.review.words import group, tr
from workstation.ui.theme.sheet import current_theme

_STOP = Qt.ItemDataRole.UserRole + 1


class StopList(QListView):
    """``chosen`` tells of the stop that got the cursor."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Findings, bookmarks and exhibits"))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSpacing(2)
        self._model = QStandardItemModel(self)
        self.setModel(self._model)
        self.stops: tuple[Stop, ...] = ()
        self._rows: dict[str, int] = {}
        self._quiet = False
        self.selectionModel().currentChanged.connect(self._current)

    def show_stops(self, stops: Sequence[Stop]) -> None:
        """List these; the one that is chosen stays chosen, if it is still there."""
        if tuple(stops) == self.stops:
            return
        kept = self.at
        self._quiet = True
        self._model.clear()
        self._rows.clear()
        self.stops = tuple(stops)
        before = None
        for stop in self.stops:
            if stop.kind is not before:
                self._heading(group(stop.kind))
                before = stop.kind
            item = QStandardItem("   " * stop.level + stop.title)
            item.setData(stop, _STOP)
            item.setToolTip(stop.text or stop.title)
            self._rows[stop.key] = self._model.rowCount()
            self._model.appendRow(item)
        if kept is not None and kept.key in self._rows:
            self._go(kept.key)
        self._quiet = False

    @property
    def at(self) -> Stop | None:
        stop = self.currentIndex().data(_STOP)
        return stop if isinstance(stop, Stop) else None

    def step(self, by: int) -> bool:
        """Choose the next or previous stop; whether there is one."""
        if not self.stops:
            return False
        at = self.at
        number = next((k for k, stop in enumerate(self.stops) if at is not None and stop.key == at.key), None)
        wanted = (0 if by > 0 else len(self.stops) - 1) if number is None else number + by
        if not 0 <= wanted < len(self.stops):
            return False
        self._go(self.stops[wanted].key)
        return True

    def _go(self, key: str) -> None:
        index = self._model.index(self._rows[key], 0)
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.scrollTo(index)

    def _heading(self, words: str) -> None:
        item = QStandardItem(words)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        font = self.font()
        font.setBold(True)
        item.setFont(font)
        item.setForeground(Qt.GlobalColor.gray if current_theme().name == "light" else Qt.GlobalColor.lightGray)
        self._model.appendRow(item)

    @Slot()
    def _current(self) -> None:
        stop = self.at
        if stop is not None and not self._quiet:
            self.chosen.emit(stop)
