"""The timeline in words: a row for every mark, for whoever cannot see a plot or wants its figures (window rule 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Slot
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from workstation.app.levels import FloatArray, IntArray
from workstation.ui.desk import Desk
from workstation.ui.exhibit import ExhibitData
from workstation.ui.navigator import Navigator
from workstation.ui.timeline.lanes import Tick, Trace
from workstation.ui.timeline.words import mark_words, tr

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Rows of one trace, or of the frames without a face where there is no ``trace``."""

    name: str
    ordinals: IntArray
    seconds: FloatArray
    trace: Trace | None = None


class MarksModel(QAbstractTableModel):
    """Rows by track and detector, each by time, then frames without a face or unreadable. Nothing is made of a row
    before it is looked at."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._data: ExhibitData | None = None
        self._blocks: list[_Block] = []
        self._ends: IntArray = np.zeros(0, dtype=np.int64)

    def show(self, data: ExhibitData | None, span: tuple[float, float], track: str | None) -> None:
        """Take the marks between two seconds, of one track or of all."""
        self.beginResetModel()
        self._data = data
        self._blocks = _blocks(data, span, track) if data is not None else []
        self._ends = np.cumsum([len(block.ordinals) for block in self._blocks], dtype=np.int64)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() or not len(self._ends) else int(self._ends[-1])

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else 4

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (tr("Frame"), tr("Time"), tr("Track, detector"), tr("What it gave"))[section]
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._words(index.row(), index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() < 2:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def ordinal(self, row: int) -> int:
        """The frame of a row."""
        block, at = self._place(row)
        return int(block.ordinals[at])

    def _place(self, row: int) -> tuple[_Block, int]:
        number = int(np.searchsorted(self._ends, row, side="right"))
        return self._blocks[number], row - (int(self._ends[number - 1]) if number else 0)

    def _words(self, row: int, column: int) -> str:
        block, at = self._place(row)
        ordinal = int(block.ordinals[at])
        if column == 0:
            return str(ordinal + 1)
        if column == 1:
            return f"{block.seconds[at]:.3f} s"
        if column == 2:
            return block.name
        trace, data = block.trace, self._data
        if data is None:
            return ""
        if trace is None:
            frame = data.lanes.frame(int(np.searchsorted(data.lanes.series.ordinals, ordinal)))
            return tr("no face found") if frame.tick is Tick.NO_FACE else tr("error: {why}").format(why=frame.note)
        return mark_words(trace.mark(ordinal), trace.falling, bool(data.validated.get(trace.detector)))


def _blocks(data: ExhibitData, span: tuple[float, float], track: str | None) -> list[_Block]:
    found: list[_Block] = []
    for lane in data.lanes.lanes:
        if track is not None and lane.track != track:
            continue
        for trace in lane.traces:
            part = _within(trace.seconds, span)
            name = f"{lane.label} {trace.detector}"
            found.append(_Block(name, trace.ordinals[part], trace.seconds[part], trace))
    part = _within(data.lanes.seconds, span)
    odd = data.lanes.ticks[part] != 0
    frames = data.lanes.series
    found.append(_Block("–", frames.ordinals[part][odd], frames.seconds[part][odd]))
    return [block for block in found if len(block.ordinals)]


def _within(seconds: FloatArray, span: tuple[float, float]) -> slice:
    first, last = np.searchsorted(seconds, [span[0] - 1e-9, span[1] + 1e-9])
    return slice(int(first), int(last))


class MarksTable(QTableView):
    """Shows what the timeline shows: the same stretch of time, and the chosen track alone when one is chosen.

    Activating a row goes to its frame.
    """

    def __init__(self, desk: Desk, navigator: Navigator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._navigator = desk, navigator
        self._span = (0.0, 1.0)
        self.marks = MarksModel(self)
        self.setModel(self.marks)
        self.setAccessibleName(tr("Marks of the timeline"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setStretchLastSection(True)
        self.activated.connect(self._go)
        self.clicked.connect(self._go)

    def show_span(self, span: tuple[float, float]) -> None:
        """Show the marks between two seconds; nothing is read while the table is hidden."""
        self._span = span
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        parent = self.parentWidget()
        if parent is None or not self.isVisibleTo(parent):
            return
        self.marks.show(self._desk.data, self._span, self._navigator.track)
        metrics = QFontMetricsF(self.font())
        self.verticalHeader().setDefaultSectionSize(round(metrics.height() + 6))
        names = [block.name for block in self.marks._blocks] or ["T1"]
        widths = ("0000000", "0000.000 s", max(names, key=len))
        for column, words in enumerate(widths):
            self.setColumnWidth(column, round(metrics.horizontalAdvance(words) + 24))

    @Slot(QModelIndex)
    def _go(self, index: QModelIndex) -> None:
        self._navigator.go_to(self.marks.ordinal(index.row()), jump=True)
