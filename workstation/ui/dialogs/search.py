"""Search the open case (Ctrl+F): exhibits, tracks, findings, notes, bookmarks, hashes; a result leads there."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from workstation.app.searching import SHORTEST_HASH, Hit
from workstation.ui.models.tables import Cell, Row, TableModel
from workstation.ui.widgets.labels import label
from workstation.ui.widgets.table import Table
from workstation.ui.words import plural

_GATHER_MS = 120
Found = Callable[[tuple[Hit, ...]], None]


class SearchDialog(QDialog):
    """Stays open beside the window, so that one result after another can be looked at.

    Args:
        ask: searches for words off the window's thread and gives the results to the second argument.

    Signals:
        chosen(object): the `Hit` to go to.
    """

    chosen = Signal(object)

    def __init__(self, ask: Callable[[str, Found], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ask = ask
        self._hits: tuple[Hit, ...] = ()
        self._asked = 0
        self.setWindowTitle(self.tr("Search the case"))
        self.resize(560, 460)
        self.field = QLineEdit(placeholderText=self.tr("Words, an exhibit's number, or the beginning of a hash"))
        self.field.setAccessibleName(self.tr("Search the case"))
        self.field.setClearButtonEnabled(True)
        self.model = TableModel([self.tr("Kind"), self.tr("Found")], self)
        self.table = Table(self.model, self.tr("Results"), 1)
        self.told = label("", "second", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addWidget(self.told)
        column.addWidget(self.table, 1)
        self._timer = QTimer(self, singleShot=True, interval=_GATHER_MS)
        self._timer.timeout.connect(self.search)
        self.field.textChanged.connect(self._typed)
        self.field.returnPressed.connect(self._go)
        self.table.activated.connect(self._go_to)
        self.table.doubleClicked.connect(self._go_to)
        self.field.installEventFilter(self)
        self._say()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Up and down move in the results while words are typed."""
        if watched is self.field and event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None and self.model.rows:
                row = min(max(self.table.currentIndex().row() + step, 0), len(self.model.rows) - 1)
                self.table.selectRow(row)
                return True
        return super().eventFilter(watched, event)

    @Slot()
    def _typed(self) -> None:
        self._timer.start()

    @Slot()
    def search(self) -> None:
        """Search for what is typed now; an answer that comes late to older words is passed over."""
        self._timer.stop()
        self._asked += 1
        mine, words = self._asked, self.field.text()

        def took(hits: tuple[Hit, ...]) -> None:
            if mine == self._asked:
                self._show(hits)

        if words.strip():
            self._ask(words, took)
        else:
            self._show(())

    def _show(self, hits: tuple[Hit, ...]) -> None:
        self._hits = hits
        self.model.show(
            [
                Row(str(number), (Cell(self.tr(hit.kind.value)), Cell(hit.title, hit.detail, tip=hit.title)))
                for number, hit in enumerate(hits)
            ]
        )
        if hits:
            self.table.selectRow(0)
        self._say()

    def _say(self) -> None:
        if self._hits:
            self.told.setText(plural(len(self._hits), self.tr("result. Enter goes there."), self.tr("results")))
        elif self.field.text().strip():
            words = self.tr("Nothing holds all of these words. Use fewer, or at least {n} digits of a hash.")
            self.told.setText(words.format(n=SHORTEST_HASH))
        else:
            self.told.setText(self.tr("Exhibits, derived items, tracks, findings, bookmarks, notes, tags and reports."))

    @Slot()
    def _go(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
            self.search()
            return
        self._go_to(self.table.currentIndex())

    @Slot(QModelIndex)
    def _go_to(self, index: QModelIndex) -> None:
        if index.isValid() and index.row() < len(self._hits):
            self.chosen.emit(self._hits[index.row()])
