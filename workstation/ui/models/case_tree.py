"""The case tree: exhibits with what was made of them and their tracks, findings, tags, bookmarks, reports.

Everything stands in the order it came, never ordered by a score (window rule 1). Findings and tags have levels (U11).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from itertools import count

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage, QPixmap

from workstation.app.contents import Contents
from workstation.domain.ids import EvidenceId
from workstation.ui.models.case_nodes import Branch, Entry, ExhibitEntry, Node, grow
from workstation.ui.words import integrity, kind, moment, work_state

Index = QModelIndex | QPersistentModelIndex


class Role(IntEnum):
    ENTRY = Qt.ItemDataRole.UserRole + 1
    THUMBNAIL = Qt.ItemDataRole.UserRole + 2
    KEY = Qt.ItemDataRole.UserRole + 3


class CaseTreeModel(QAbstractItemModel):
    """Rows keep their place when facts change, so that selection, scrolling and what stands open stay."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails: dict[EvidenceId, QPixmap] = {}
        self._root = grow(Contents())
        # An index carries a number and never a pointer: views may hold one to a row that is gone.
        self._numbers = count(1)
        self._nodes: dict[int, Node] = {}
        self._adopt(self._root)

    def show(self, contents: Contents) -> None:
        """Take what the case holds; only what is new is inserted, what changed is updated."""
        self._merge(self._root, grow(contents), QModelIndex())

    def set_thumbnail(self, evidence: EvidenceId, png: bytes) -> None:
        image = QImage.fromData(png)
        if not image.isNull():
            self._thumbnails[evidence] = QPixmap.fromImage(image)
            index = self.index_of(evidence)
            if index.isValid():
                self.dataChanged.emit(index, index, [Role.THUMBNAIL])

    def entries(self) -> Iterator[Node]:
        """Everything in the tree but its branches."""
        return (node for node in self._root.every() if not isinstance(node.entry, Branch))

    def index_of(self, key: str) -> QModelIndex:
        """The first entry with this key (an exhibit's or an object's id); invalid when there is none."""
        found = self._root.find(key)
        return self._index(found) if found is not None else QModelIndex()

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        children = self._node(parent).children
        if column != 0 or not 0 <= row < len(children):
            return QModelIndex()
        return self.createIndex(row, 0, children[row].number)

    def parent(self, child: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        if not child.isValid():
            return QModelIndex()
        above = self._node(child).parent
        return self._index(above) if above is not None else QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return len(self._node(parent).children) if parent.column() <= 0 else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        node = self._node(index)
        entry = node.entry
        if role == Role.ENTRY:
            return None if isinstance(entry, Branch) else entry
        if role == Role.KEY:
            return node.key
        if isinstance(entry, Branch):
            shown = role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
            return f"{self.tr(entry.value)}  {len(node.children)}" if shown else None
        if isinstance(entry, ExhibitEntry):
            return self._exhibit(entry, role)
        return self._line(entry, role)

    def _exhibit(self, entry: ExhibitEntry, role: int) -> object:
        item = entry.item
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{item.exhibit} {item.name}"
        if role == Role.THUMBNAIL:
            return self._thumbnails.get(item.id)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            lines = [f"{item.exhibit} · {item.name}", kind(item), f"{work_state(item.work)} · {integrity(item)}"]
            return "\n".join([*lines, item.problem] if item.problem else lines)
        return None

    def _line(self, entry: Entry, role: int) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{entry.text} {entry.second}".strip()
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            stamp = moment(entry.stamp) if entry.stamp else ""
            return "\n".join(part for part in (entry.text, entry.second, entry.tip, stamp) if part)
        return None

    def _node(self, index: Index) -> Node:
        return self._nodes.get(int(index.internalId()), self._root) if index.isValid() else self._root

    def _adopt(self, node: Node) -> None:
        for child in node.every():
            child.number = next(self._numbers)
            self._nodes[child.number] = child

    def _index(self, node: Node) -> QModelIndex:
        if node.parent is None:
            return QModelIndex()
        return self.createIndex(node.parent.children.index(node), 0, node.number)

    def _merge(self, old: Node, new: Node, index: QModelIndex) -> None:
        """Make ``old`` like ``new``: rows that are gone are removed, new ones inserted, the others updated in place."""
        wanted = [node.key for node in new.children]
        for row in reversed(range(len(old.children))):
            if old.children[row].key not in wanted:
                self._remove(old, row, index)
        for row, fresh in enumerate(new.children):
            if row < len(old.children) and old.children[row].key == fresh.key:
                there = old.children[row]
            else:
                at = next((k for k, node in enumerate(old.children) if node.key == fresh.key), None)
                if at is not None:
                    self._remove(old, at, index)
                there = Node(fresh.key, fresh.entry, old, number=next(self._numbers))
                self._nodes[there.number] = there
                self.beginInsertRows(index, row, row)
                old.children.insert(row, there)
                self.endInsertRows()
            place = self.createIndex(row, 0, there.number)
            before = len(there.children)
            self._merge(there, fresh, place)
            if there.entry != fresh.entry or before != len(there.children):
                there.entry = fresh.entry
                self.dataChanged.emit(place, place)

    def _remove(self, node: Node, row: int, index: QModelIndex) -> None:
        self.beginRemoveRows(index, row, row)
        gone = node.children.pop(row)
        self.endRemoveRows()
        for one in (gone, *gone.every()):
            self._nodes.pop(one.number, None)
