"""The list of faces as a model, with the pictures that have come so far."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage

from workstation.app.face_listing import FaceEntry, FaceOrder
from workstation.app.face_pictures import PictureWish
from workstation.ui.faces.words import spoken, tip

Index = QModelIndex | QPersistentModelIndex
KEPT = 1200
"""Pictures kept: about 45 MB of them. Those farther away are cut again when they come into sight."""


class FaceRole(IntEnum):
    ENTRY = Qt.ItemDataRole.UserRole + 1
    PICTURE = Qt.ItemDataRole.UserRole + 2


def wish_of(entry: FaceEntry) -> PictureWish:
    """The picture that shows an entry best."""
    ordinal, track = entry.best
    return PictureWish(entry.examination, entry.evidence, ordinal, track)


class FacesModel(QAbstractListModel):
    """``entries`` are those shown, in order. A picture that cannot be had is a null one: it is not asked for again."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: tuple[FaceEntry, ...] = ()
        self.order = FaceOrder.EXHIBIT
        self._rows: dict[str, int] = {}
        self._of_wish: dict[PictureWish, int] = {}
        self._pictures: OrderedDict[PictureWish, QImage] = OrderedDict()

    def show(self, entries: Sequence[FaceEntry], order: FaceOrder) -> None:
        """Show these; pictures that came before stay."""
        if tuple(entries) == self.entries and order is self.order:
            return
        same = [e.key for e in entries] == [e.key for e in self.entries]
        if not same:
            self.beginResetModel()
        self.entries, self.order = tuple(entries), order
        self._rows = {entry.key: row for row, entry in enumerate(self.entries)}
        self._of_wish = {wish_of(entry): row for row, entry in enumerate(self.entries)}
        if same:
            self.dataChanged.emit(self.index(0), self.index(len(self.entries) - 1))
        else:
            self.endResetModel()

    def forget(self) -> None:
        """Drop everything; another case is opened."""
        self._pictures.clear()
        self.show((), self.order)

    def row(self, key: str) -> int | None:
        return self._rows.get(key)

    def missing(self, first: int, last: int) -> list[PictureWish]:
        """Pictures not there yet of the rows from ``first`` to ``last``, both included."""
        wishes = [wish_of(entry) for entry in self.entries[max(0, first) : last + 1]]
        return [wish for wish in wishes if wish not in self._pictures]

    def put(self, wish: PictureWish, picture: QImage) -> None:
        self._pictures[wish] = picture
        while len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)
        row = self._of_wish.get(wish)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row), [FaceRole.PICTURE])

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.entries):
            return None
        entry = self.entries[index.row()]
        if role == FaceRole.ENTRY:
            return entry
        if role == FaceRole.PICTURE:
            wish = wish_of(entry)
            if wish in self._pictures:
                self._pictures.move_to_end(wish)
            return self._pictures.get(wish)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return spoken(entry)
        return tip(entry) if role == Qt.ItemDataRole.ToolTipRole else None
