"""What the exhibit shown says about itself: its fields, the structure of its file, its provenance in four states."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from workstation.domain.ids import EvidenceId, JobId
from workstation.domain.metadata import CAVEAT, MediaMetadata, Provenance, ProvenanceState
from workstation.ui.desk import Desk
from workstation.ui.models.field_tree import FieldTreeModel, Node, as_text, filtered, metadata_nodes, structure_nodes
from workstation.ui.widgets.copy_button import CopyButton
from workstation.ui.widgets.fact_sheet import Fact, FactSheet, Section
from workstation.ui.widgets.labels import button, label

_EXPANDED = 12
_MOST_OPENED = 60
_MOST_LINES = 6


class MetadataSource(QObject):
    """The metadata of the exhibit shown, read off the GUI thread once somebody looks at it.

    Signals:
        changed: ``found``, ``missing`` or the exhibit is another.
    """

    changed = Signal()

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.found: MediaMetadata | None = None
        self.missing = False
        self._shown: EvidenceId | None = None
        self._asked: EvidenceId | None = None
        self._job: JobId | None = None
        desk.exhibit_shown.connect(self._follow)
        desk.exhibits_shown.connect(self._read_again)

    @property
    def exhibit(self) -> str:
        """Number of the exhibit shown, empty when there is none."""
        return self._desk.data.item.exhibit if self._desk.data is not None else ""

    @property
    def can_read(self) -> bool:
        """Whether reading can be asked for: an exhibit is shown in a case that is open for writing."""
        session = self._desk.session
        return self._desk.data is not None and session is not None and not session.read_only

    def want(self) -> None:
        """Read what the case holds, unless that was done for this exhibit."""
        data, session = self._desk.data, self._desk.session
        if data is None or session is None or self._asked == data.item.id:
            return
        self._asked = data.item.id
        self._desk.ask(partial(_stored, session.metadata, data.item.id), self._took)

    def read(self) -> None:
        """Have the exhibit read now; it is shown when the job has ended."""
        data, session = self._desk.data, self._desk.session
        if data is None or session is None or session.read_only:
            return
        self._job = session.describe_evidence([data.item.id])

    def _took(self, answer: tuple[EvidenceId, MediaMetadata | None]) -> None:
        evidence, found = answer
        if evidence != self._shown:
            return
        self.found, self.missing = found, found is None
        self.changed.emit()

    @Slot()
    def _follow(self) -> None:
        now = self._desk.data.item.id if self._desk.data is not None else None
        if now != self._shown:
            self._shown, self._asked, self.found, self.missing = now, None, None, False
            self.changed.emit()

    @Slot()
    def _read_again(self) -> None:
        if self.missing:
            self._asked = None
            self.want()


def _stored(read: object, evidence: EvidenceId) -> tuple[EvidenceId, MediaMetadata | None]:
    return evidence, read(evidence)  # type: ignore[operator]  # a bound method of the session


class WrappingDelegate(QStyledItemDelegate):
    """Rows as tall as their value needs in the width it has, up to a few lines; the tip tells the rest."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        hint = super().sizeHint(option, index)
        view = option.widget
        if index.column() != 1 or not isinstance(view, QTreeView):
            return hint
        wide = max(60, view.columnWidth(1) - 12)
        text = str(index.data() or "")
        if option.fontMetrics.horizontalAdvance(text) <= wide:
            return hint
        need = option.fontMetrics.boundingRect(QRect(0, 0, wide, 10_000), Qt.TextFlag.TextWordWrap, text).height()
        return QSize(hint.width(), min(need, _MOST_LINES * option.fontMetrics.lineSpacing()) + 4)


class FieldTree(QTreeView):
    """Rows can be chosen and copied with Ctrl+C, one line each."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setSelectionMode(QTreeView.SelectionMode.ExtendedSelection)
        self.setWordWrap(True)
        self.setItemDelegate(WrappingDelegate(self))
        self.header().sectionResized.connect(self.scheduleDelayedItemsLayout)
        self.setAlternatingRowColors(False)
        self.setVerticalScrollMode(QTreeView.ScrollMode.ScrollPerPixel)
        self.setIndentation(12)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.matches(QKeySequence.StandardKey.Copy):
            QApplication.clipboard().setText("\n".join(self._line(one) for one in self.selectionModel().selectedRows()))
            return
        super().keyPressEvent(event)

    @staticmethod
    def _line(index: QModelIndex) -> str:
        value = index.siblingAtColumn(1)
        return f"{index.data()}\t{value.data(Qt.ItemDataRole.AccessibleTextRole) or value.data() or ''}".rstrip()


class TreeTab(QWidget):
    """A filter over a tree; in its place a sentence and a button while nothing was read."""

    def __init__(self, source: MetadataSource, name: str, headings: tuple[str, str], structure: bool) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._source, self._structure = source, structure
        self._stale = False
        self.model = FieldTreeModel(headings, self)
        self._shown = filtered(self.model, self)
        self.tree = FieldTree(name)
        self.tree.setModel(self._shown)
        header = self.tree.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.resizeSection(0, 150)
        self.filter = QLineEdit(placeholderText=self.tr("Filter names and values"))
        self.filter.setAccessibleName(self.tr("Filter names and values"))
        self.filter.setClearButtonEnabled(True)
        self._copy = CopyButton(self.tr("Copy everything shown here"))
        self._words = label("", "second", wrap=True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self.read = button(self.tr("Read metadata"))
        top = QHBoxLayout()
        top.setContentsMargins(10, 8, 10, 6)
        top.setSpacing(6)
        top.addWidget(self.filter, 1)
        top.addWidget(self._copy)
        below = QVBoxLayout()
        below.setContentsMargins(10, 6, 10, 8)
        below.addWidget(self._words)
        below.addWidget(self.read, 0, Qt.AlignmentFlag.AlignLeft)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.tree, 1)
        column.addLayout(below)
        self.filter.textChanged.connect(self._filter)
        self.read.clicked.connect(source.read)
        source.changed.connect(self.refresh)
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        if self._stale:
            self.refresh()
        self._source.want()

    @Slot()
    def refresh(self) -> None:
        """Show the source's state; while nobody looks, only note that it changed."""
        self._stale = not self.isVisible()
        if self._stale and self._source.found is not None:
            return
        found = self._source.found
        nodes: tuple[Node, ...] = ()
        if found is not None:
            nodes = structure_nodes(found) if self._structure else metadata_nodes(found)
        self.model.show_nodes(nodes)
        self._copy.text_to_copy = as_text(nodes)
        for widget in (self.tree, self.filter, self._copy):
            widget.setVisible(found is not None)
        self.read.setVisible(self._source.missing and self._source.can_read)
        self._words.setText(self._sentence(found))
        self._open_up()
        if self.isVisible():
            self._source.want()

    def _sentence(self, found: MediaMetadata | None) -> str:
        if found is not None:
            words = self.tr("{format}, {n} bytes. ").format(format=found.format, n=found.size)
            return words + (self.tr("Byte positions and sizes in the file.") if self._structure else CAVEAT)
        if not self._source.exhibit:
            return self.tr("Choose an exhibit on the left.")
        if self._source.missing:
            return self.tr("The metadata of {exhibit} was not read yet.").format(exhibit=self._source.exhibit)
        return ""

    @Slot(str)
    def _filter(self, words: str) -> None:
        self._shown.setFilterFixedString(words.strip())
        if words.strip():
            self.tree.expandAll()
        else:
            self.tree.collapseAll()
            self._open_up()

    def _open_up(self) -> None:
        for row in range(min(_EXPANDED, self._shown.rowCount())):
            index = self._shown.index(row, 0)
            if self._shown.rowCount(index) <= _MOST_OPENED:
                self.tree.expand(index)


class ProvenanceTab(FactSheet):
    """The four states side by side, each in words with its reason, and what the claims say."""

    def __init__(self, source: MetadataSource) -> None:
        super().__init__("")
        self.setAccessibleName(self.tr("Provenance of the exhibit"))
        self._source = source
        source.changed.connect(self.refresh)
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self._source.want()

    @Slot()
    def refresh(self) -> None:
        found = self._source.found
        if found is None or found.provenance is None:
            words = self.tr("Choose an exhibit on the left.")
            if self._source.exhibit:
                words = self.tr("The content credentials of {exhibit} were not read yet.").format(
                    exhibit=self._source.exhibit
                )
            self.show_sections([Section(self.tr("Content credentials (C2PA)"), text=words)])
        else:
            self.show_sections(self._told(found.provenance))
        if self.isVisible():
            self._source.want()

    def _told(self, found: Provenance) -> list[Section]:
        states = (
            (self.tr("Present"), found.present),
            (self.tr("Intact"), found.intact),
            (self.tr("Trusted"), found.trusted),
            (self.tr("Time"), found.time),
        )
        sections = [
            Section(
                self.tr("Content credentials (C2PA)"),
                tuple(Fact(name, self._words(one)) for name, one in states),
                text=self.tr(
                    "Four separate questions. Credentials say who signed which statements; most files carry none, and"
                    " that says nothing about the content."
                ),
            )
        ]
        for claim in found.claims:
            title = self.tr("Claim of the file") if claim.active else self.tr("Claim of an ingredient")
            facts = (
                Fact(self.tr("Made with"), claim.generator), Fact(self.tr("Signer"), claim.signer),
                Fact(self.tr("Issuer"), claim.issuer), Fact(self.tr("Signed at"), claim.signed_at or "–"),
                Fact(self.tr("Title"), claim.title), Fact(self.tr("Algorithm"), claim.algorithm),
                Fact(self.tr("Assertions"), ", ".join(claim.assertions)),
                Fact(self.tr("Actions"), "; ".join(claim.actions)),
                Fact(self.tr("Ingredients"), "; ".join(claim.ingredients)),
            )  # fmt: skip
            sections.append(Section(title, tuple(one for one in facts if one.value)))
        if found.codes:
            sections.append(Section(self.tr("Checks reported"), points=found.codes))
        trust = found.anchors[:16] or self.tr("none installed")
        trusted_by = Fact(self.tr("Trust list"), trust, mono=bool(found.anchors))
        sections.append(Section(self.tr("Checked with"), (trusted_by, Fact(self.tr("Library"), found.library))))
        return sections

    @staticmethod
    def _words(one: ProvenanceState) -> str:
        return f"{one.state.value}: {one.reason}"
