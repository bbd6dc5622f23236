"""The chain of custody in full: filter, facts of every event, verification of the case, proof of one event (E6, E7)."""

from __future__ import annotations

import json

from PySide6.QtCore import QModelIndex, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from workstation.app.proving import Proof, matches
from workstation.domain.custody import CustodyEvent, CustodyHead, CustodyKind, Verification
from workstation.ui.models.tables import CellRole, TableModel
from workstation.ui.panels.custody_tab import event_row
from workstation.ui.widgets.fact_sheet import Fact, FactSheet, Section
from workstation.ui.widgets.labels import button, label
from workstation.ui.widgets.table import Table
from workstation.ui.words import moment

_GATHER_MS = 120


class CustodyViewer(QDialog):
    """Shows events; asks for verification and proofs of whoever opened it.

    Signals:
        verify_wanted: the whole case is to be verified.
        proof_wanted(int): a proof of the event with that number.
    """

    verify_wanted = Signal()
    proof_wanted = Signal(int)

    def __init__(
        self, events: tuple[CustodyEvent, ...], head: CustodyHead | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._events: tuple[CustodyEvent, ...] = ()
        self._head: CustodyHead | None = None
        self._proof: Proof | None = None
        self.setWindowTitle(self.tr("Chain of custody"))
        self.resize(1000, 640)
        self.kinds = QComboBox()
        self.kinds.setAccessibleName(self.tr("Kind of event"))
        self.kinds.addItem(self.tr("Every kind"), "")
        for kind in CustodyKind:
            self.kinds.addItem(kind.value.replace("_", " ").capitalize(), kind.value)
        self.filter = QLineEdit(placeholderText=self.tr("Words, a name, a date, or the beginning of a hash"))
        self.filter.setAccessibleName(self.tr("Filter events"))
        self.filter.setClearButtonEnabled(True)
        self.model = TableModel([self.tr("Event"), self.tr("When, who"), self.tr("What")], self)
        self.table = Table(self.model, self.tr("Chain of custody"), 2)
        self.sheet = FactSheet(self.tr("Facts of the event"))
        self.told = label("", "second", wrap=True)
        self.verify = button(self.tr("Verify the case"))
        self.prove = button(self.tr("Prove this event"))
        self.copy = button(self.tr("Copy the proof"))
        self.copy.hide()
        split = QSplitter()
        split.addWidget(self.table)
        split.addWidget(self.sheet)
        split.setSizes([560, 420])
        top = QHBoxLayout()
        top.addWidget(self.kinds)
        top.addWidget(self.filter, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        foot = QHBoxLayout()
        for control in (self.verify, self.prove, self.copy):
            control.setAutoDefault(False)
            foot.addWidget(control)
        foot.addStretch(1)
        foot.addWidget(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(9)
        column.addLayout(top)
        column.addWidget(split, 1)
        column.addWidget(self.told)
        column.addLayout(foot)
        self._timer = QTimer(self, singleShot=True, interval=_GATHER_MS)
        self._timer.timeout.connect(self.refresh)
        self.filter.textChanged.connect(self._typed)
        self.kinds.currentIndexChanged.connect(self.refresh)
        self.table.selectionModel().currentRowChanged.connect(self._chosen)
        self.verify.clicked.connect(self._verify)
        self.prove.clicked.connect(self._prove)
        self.copy.clicked.connect(self._copy)
        self.show_events(events, head)

    def show_events(self, events: tuple[CustodyEvent, ...], head: CustodyHead | None) -> None:
        """Take the chain as it stands now; what was chosen stays chosen."""
        self._events, self._head = events, head
        self.refresh()

    def show_proof(self, proof: Proof) -> None:
        """Show that an event is in the chain, and offer the proof as text."""
        self._proof = proof
        self.copy.show()
        words = self.tr("Event {seq} is one of the {n} events under the signed head: a path of {k} hashes leads to it.")
        broken = self.tr("Event {seq} is NOT proved by the chain as it stands. Verify the case.")
        self.told.setText((words if proof.holds else broken).format(seq=proof.seq, n=proof.size, k=proof.steps))

    def show_verification(self, outcome: Verification) -> None:
        """Show what verifying the case found."""
        self.verify.setEnabled(True)
        bad = [f"{line.subject}: {line.detail}" for line in outcome.bad]
        if bad:
            self.told.setObjectName("alarm")
            self.told.setText(self.tr("MISMATCH. {what}").format(what="  ".join(bad)))
        else:
            self.told.setObjectName("second")
            self.told.setText(self.tr("Verified: every one of {n} checks holds.").format(n=len(outcome.lines)))
        self.told.style().polish(self.told)

    @Slot()
    def _typed(self) -> None:
        self._timer.start()

    @Slot()
    def refresh(self) -> None:
        wanted, kind = self.filter.text(), str(self.kinds.currentData())
        chosen = str(self.table.currentIndex().data(CellRole.KEY) or "")
        found = [event for event in self._events if matches(event, wanted, kind)]
        self.model.show([event_row(event) for event in found])
        keys = [row.key for row in self.model.rows]
        if keys:
            self.table.selectRow(keys.index(chosen) if chosen in keys else len(keys) - 1)
            self.table.scrollTo(self.table.currentIndex())
        words = self.tr("{n} of {m} events").format(n=len(found), m=len(self._events))
        if not found and self._events:
            words += self.tr(". Nothing holds all of these words: clear the filter or choose another kind.")
        elif self._head is not None:
            words += self.tr(" · head {code}").format(code=self._head.code)
        self.told.setText(words)
        self._chosen()

    @property
    def chosen(self) -> CustodyEvent | None:
        key = str(self.table.currentIndex().data(CellRole.KEY) or "")
        return next((event for event in self._events if event.hash.hex() == key), None)

    @Slot()
    def _chosen(self, _: QModelIndex = QModelIndex(), __: QModelIndex = QModelIndex()) -> None:  # noqa: B008
        event = self.chosen
        self.prove.setEnabled(event is not None)
        self.copy.hide()
        self.sheet.show_sections(_sections(event) if event is not None else [Section(self.tr("No event chosen"))])

    @Slot()
    def _verify(self) -> None:
        self.verify.setEnabled(False)
        self.told.setText(self.tr("Verifying: every event, every file and every row of the case …"))
        self.verify_wanted.emit()

    @Slot()
    def _prove(self) -> None:
        event = self.chosen
        if event is not None:
            self.proof_wanted.emit(event.seq)

    @Slot()
    def _copy(self) -> None:
        if self._proof is not None:
            QApplication.clipboard().setText(self._proof.text)
            self.told.setText(self.tr("The proof of event {n} is on the clipboard.").format(n=self._proof.seq))


def _sections(event: CustodyEvent) -> list[Section]:
    """Everything in an event, the salt of its body left out."""
    chain = (
        Fact("Number", str(event.seq)),
        Fact("When", moment(event.at)),
        Fact("Who", event.actor),
        Fact("Hash", event.hash.hex(), mono=True),
        Fact("Before it", event.prev.hex(), mono=True),
    )
    try:
        body = json.loads(event.body)
    except ValueError:
        body = {"body": event.body}
    facts = tuple(
        Fact(name.replace("_", " "), _plain(value))
        for name, value in (body if isinstance(body, dict) else {"body": body}).items()
        if name != "salt" and value not in ("", None, [], {})
    )
    title = event.kind.value.replace("_", " ").capitalize()
    return [Section(title, facts=facts), Section("In the chain", facts=chain)]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
