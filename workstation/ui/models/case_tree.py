"""The case tree: exhibits in the order they came, then reports. Never ordered by a score (window rule 1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage, QPixmap

from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId
from workstation.domain.reports import ReportRecord
from workstation.ui.words import integrity, kind, moment, work_state

Index = QModelIndex | QPersistentModelIndex


class Branch(IntEnum):
    EXHIBITS = 0
    REPORTS = 1


class Role(IntEnum):
    ENTRY = Qt.ItemDataRole.UserRole + 1
    THUMBNAIL = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True, slots=True)
class ExhibitEntry:
    item: EvidenceItem


@dataclass(frozen=True, slots=True)
class ReportEntry:
    report: ReportRecord


Entry = ExhibitEntry | ReportEntry


class CaseTreeModel(QAbstractItemModel):
    """Two branches; their rows keep their place when facts change, so that selection and scrolling stay."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[Branch, list[Entry]] = {Branch.EXHIBITS: [], Branch.REPORTS: []}
        self._thumbnails: dict[EvidenceId, QPixmap] = {}

    def show(self, items: tuple[EvidenceItem, ...], reports: tuple[ReportRecord, ...]) -> None:
        """Take the case's lists; only new rows are inserted, changed ones updated."""
        self._merge(Branch.EXHIBITS, [ExhibitEntry(item) for item in items])
        self._merge(Branch.REPORTS, [ReportEntry(report) for report in reports])

    def set_thumbnail(self, evidence: EvidenceId, png: bytes) -> None:
        image = QImage.fromData(png)
        if not image.isNull():
            self._thumbnails[evidence] = QPixmap.fromImage(image)
            index = self.index_of(evidence)
            self.dataChanged.emit(index, index, [Role.THUMBNAIL])

    def index_of(self, evidence: EvidenceId) -> QModelIndex:
        parent = self.index(Branch.EXHIBITS, 0)
        for row, entry in enumerate(self._rows[Branch.EXHIBITS]):
            if isinstance(entry, ExhibitEntry) and entry.item.id == evidence:
                return self.index(row, 0, parent)
        return QModelIndex()

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        if not parent.isValid():
            return self.createIndex(row, column, 0) if 0 <= row < len(Branch) and column == 0 else QModelIndex()
        if parent.internalId() == 0 and 0 <= row < len(self._rows[Branch(parent.row())]) and column == 0:
            return self.createIndex(row, column, parent.row() + 1)
        return QModelIndex()

    def parent(self, child: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        if not child.isValid() or child.internalId() == 0:
            return QModelIndex()
        return self.createIndex(int(child.internalId()) - 1, 0, 0)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        if not parent.isValid():
            return len(Branch)
        return len(self._rows[Branch(parent.row())]) if parent.internalId() == 0 else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        if index.internalId() == 0:
            return self._branch_data(Branch(index.row()), role)
        entry = self._rows[Branch(int(index.internalId()) - 1)][index.row()]
        if role == Role.ENTRY:
            return entry
        if isinstance(entry, ExhibitEntry):
            return self._exhibit_data(entry.item, role)
        return self._report_data(entry.report, role)

    def _branch_data(self, branch: Branch, role: int) -> object:
        names = {Branch.EXHIBITS: self.tr("Exhibits"), Branch.REPORTS: self.tr("Reports")}
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{names[branch]}  {len(self._rows[branch])}"
        return None

    def _exhibit_data(self, item: EvidenceItem, role: int) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{item.exhibit} {item.name}"
        if role == Role.THUMBNAIL:
            return self._thumbnails.get(item.id)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            lines = [f"{item.exhibit} · {item.name}", kind(item), f"{work_state(item.work)} · {integrity(item)}"]
            return "\n".join([*lines, item.problem] if item.problem else lines)
        return None

    def _report_data(self, report: ReportRecord, role: int) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.tr("Report {n}").format(n=report.number)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{report.path}\n{moment(report.built_at)}\nSHA-256 {report.sha256}"
        return None

    def _merge(self, branch: Branch, entries: list[Entry]) -> None:
        rows = self._rows[branch]
        parent = self.index(branch, 0)
        if rows and [_key(e) for e in entries[: len(rows)]] != [_key(e) for e in rows]:
            self.beginRemoveRows(parent, 0, len(rows) - 1)
            rows.clear()
            self.endRemoveRows()
        for row, entry in enumerate(entries[: len(rows)]):
            if entry != rows[row]:
                rows[row] = entry
                index = self.index(row, 0, parent)
                self.dataChanged.emit(index, index)
        if len(entries) > len(rows):
            self.beginInsertRows(parent, len(rows), len(entries) - 1)
            rows.extend(entries[len(rows) :])
            self.endInsertRows()
        self.dataChanged.emit(parent, parent)


def _key(entry: Entry) -> str:
    return entry.item.id if isinstance(entry, ExhibitEntry) else entry.report.id
