"""A flat read-only table over rows of two-line cells: what is said, and what qualifies it, under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

Index = QModelIndex | QPersistentModelIndex


class CellRole(IntEnum):
    SECOND = Qt.ItemDataRole.UserRole + 10
    MONO = Qt.ItemDataRole.UserRole + 11
    SWATCH = Qt.ItemDataRole.UserRole + 12
    KEY = Qt.ItemDataRole.UserRole + 13


@dataclass(frozen=True, slots=True)
class Cell:
    """``second`` is the line under ``text``; ``swatch`` the place of a detector whose line is drawn, or -1."""

    text: str
    second: str = ""
    right: bool = False
    mono: bool = False
    swatch: int = -1
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """``key`` names the row across refreshes, so that the current one is kept."""

    key: str
    cells: tuple[Cell, ...]


class TableModel(QAbstractTableModel):
    """Rows with the same keys are updated in place."""

    def __init__(self, headings: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._headings = tuple(headings)
        self._rows: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    def show(self, rows: Sequence[Row]) -> None:
        fresh = tuple(rows)
        if fresh == self._rows:
            return
        old = [row.key for row in self._rows]
        new = [row.key for row in fresh]
        if new == old:
            changed = [k for k, (a, b) in enumerate(zip(self._rows, fresh, strict=True)) if a != b]
            self._rows = fresh
            for row in changed:
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(self._headings) - 1))
        elif new[: len(old)] == old:
            self.beginInsertRows(QModelIndex(), len(old), len(new) - 1)
            self._rows = fresh
            self.endInsertRows()
            if old:
                self.dataChanged.emit(self.index(0, 0), self.index(len(old) - 1, len(self._headings) - 1))
        else:
            self.beginResetModel()
            self._rows = fresh
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 0 if parent.isValid() else len(self._headings)

    def headerData(self, section: int, way: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: N802
        if way is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._headings[section]
        if way is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        cell = row.cells[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == CellRole.SECOND:
            return cell.second
        if role == CellRole.MONO:
            return cell.mono
        if role == CellRole.SWATCH:
            return cell.swatch
        if role == CellRole.KEY:
            return row.key
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{cell.text} {cell.second}".strip()
        if role == Qt.ItemDataRole.ToolTipRole:
            return cell.tip or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if cell.right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None
