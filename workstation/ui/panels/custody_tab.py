"""The chain of custody as a table, with the short code of its head (E6, E7)."""

from __future__ import annotations

import json

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from workstation.domain.custody import CustodyEvent
from workstation.ui.desk import Desk
from workstation.ui.models.tables import Cell, Row, TableModel
from workstation.ui.theme.sheet import mono_font
from workstation.ui.widgets.copy_button import CopyButton
from workstation.ui.widgets.labels import label
from workstation.ui.widgets.table import Table
from workstation.ui.words import moment

_TOLD = ("exhibit", "name", "file", "path", "number", "state", "what", "sha256", "reason", "error", "title")


class CustodyTab(QWidget):
    """Newest event last, as in the chain itself."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.setObjectName("panel")
        self._count = label("", "second")
        self._code = QLabel()
        self._copy = CopyButton(self.tr("Copy the code of the chain's head"))
        self._hint = label(
            self.tr("Write this code down: it pins every event up to here, even if the chain were cut later."), "second"
        )
        self._hint.setWordWrap(True)
        self.model = TableModel([self.tr("Event"), self.tr("When, who"), self.tr("What")], self)
        self.table = Table(self.model, self.tr("Chain of custody"), 2)
        code = QHBoxLayout()
        code.setSpacing(6)
        code.addWidget(self._code)
        code.addWidget(self._copy)
        code.addStretch(1)
        head = QVBoxLayout()
        head.setContentsMargins(10, 9, 10, 7)
        head.setSpacing(3)
        head.addWidget(self._count)
        head.addLayout(code)
        head.addWidget(self._hint)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.table, 1)
        self._old = False
        desk.custody_shown.connect(self.refresh)
        desk.case_shown.connect(self.refresh)
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        if self._old:
            self._fill()
        QTimer.singleShot(0, self.table.scrollToBottom)

    @Slot()
    def refresh(self) -> None:
        head = self._desk.head
        self._code.setFont(mono_font(self.font()))
        self._code.setText(head.code if head else "")
        self._copy.text_to_copy = head.code if head else ""
        self._copy.setVisible(head is not None)
        self._hint.setVisible(head is not None)
        count = head.count if head else 0
        self._count.setText(
            self.tr("{n} events · head of the chain").format(n=count) if head else self.tr("No case is open.")
        )
        self._old = True
        if self.isVisible():
            self._fill()

    def _fill(self) -> None:
        """Write the events into the table; a chain of thousands only when it is looked at."""
        self._old = False
        at_end = self.table.verticalScrollBar().value() == self.table.verticalScrollBar().maximum()
        self.model.show([event_row(event) for event in self._desk.custody])
        if at_end:
            self.table.scrollToBottom()


def event_row(event: CustodyEvent) -> Row:
    """One event: its number and hash, when and who, what."""
    return Row(
        event.hash.hex(),
        (
            Cell(str(event.seq), event.hash.hex()[:6], tip=f"hash {event.hash.hex()}"),
            Cell(moment(event.at)[:19], event.actor, tip=moment(event.at)),
            Cell(event.kind.value.replace("_", " "), _told(event.body), tip=event.body),
        ),
    )


def _told(body: str) -> str:
    try:
        facts = json.loads(body)
    except ValueError:
        return body
    if not isinstance(facts, dict):
        return body
    told = [str(facts[name])[:40] for name in _TOLD if facts.get(name) not in (None, "", [], {})]
    return " · ".join(told[:3])
