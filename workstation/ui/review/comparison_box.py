"""The opinions on an exhibit beside one another, whether they agree, and the resolution where they do not (X7)."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from workstation.app.opinions import LEVELS, Agreement, Opinion, OpinionOutcome, OpinionState
from workstation.ui.review.opinion_form import paragraph
from workstation.ui.review.opinion_words import agreement, blindness, level, outcome, tr
from workstation.ui.widgets.labels import label


class ComparisonBox(QDialog):
    """Accepted, it holds a resolution; where nothing is to be resolved it can only be closed.

    Args:
        counted: exhibits on which two opinions agree, and exhibits with two opinions.
    """

    def __init__(
        self,
        exhibit: str,
        state: OpinionState,
        counted: tuple[int, int],
        examiner: str,
        can_write: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Opinions on {exhibit}").format(exhibit=exhibit))
        self.setMinimumWidth(680)
        column = QVBoxLayout(self)
        column.setSizeConstraint(QLayout.SizeConstraint.SetMinimumSize)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(8)
        told = state.propositions
        if told is None:
            column.addWidget(label(tr("No propositions are written on this exhibit yet."), "second", wrap=True))
        else:
            column.addWidget(label(tr("1  {words}").format(words=told.first), wrap=True))
            column.addWidget(label(tr("2  {words}").format(words=told.second), wrap=True))
        # What the second examiner has not written yet must not be led by what the first one wrote.
        open_now = state.second is not None
        row = QHBoxLayout()
        row.setSpacing(18)
        row.addLayout(self._opinion(tr("First examiner"), state.first if open_now or state.first is None else None,
                                    hidden=state.first is not None and not open_now))  # fmt: skip
        row.addLayout(self._opinion(tr("Second examiner"), state.second))
        column.addLayout(row)
        self.verdict = label(agreement(state.agreement), "heading", wrap=True)
        column.addWidget(self.verdict)
        if counted[1]:
            words = tr("In this case: agreement on {n} of {all} exhibits with two opinions. A count, not a rate.")
            column.addWidget(label(words.format(n=counted[0], all=counted[1]), "second", wrap=True))
        buttons = QDialogButtonBox()
        self.outcome, self.level = QComboBox(), QComboBox()
        self.reason = paragraph(tr("Reason of the resolution"), 3)
        self.by = QLineEdit(examiner)
        self.yes = None
        disagree = state.agreement in (Agreement.DISAGREES, Agreement.RESOLVED)
        if disagree and can_write:
            self._resolution(column, state)
            self.yes = buttons.addButton(tr("Record resolution"), QDialogButtonBox.ButtonRole.AcceptRole)
            self.yes.setDefault(True)
            buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        else:
            buttons.addButton(QDialogButtonBox.StandardButton.Close)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addStretch(1)
        column.addWidget(buttons)
        self._check()

    def _opinion(self, name: str, opinion: Opinion | None, *, hidden: bool = False) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(label(name, "heading"))
        if hidden:
            words = tr("Recorded. It stays closed until the second examiner has recorded an opinion.")
            column.addWidget(label(words, "second", wrap=True))
        elif opinion is None:
            column.addWidget(label(tr("No opinion recorded yet."), "second", wrap=True))
        else:
            column.addWidget(label(f"{opinion.by} · {blindness(opinion)}", "second", wrap=True))
            column.addWidget(label(outcome(opinion.outcome), wrap=True))
            column.addWidget(label(opinion.words, wrap=True))
            column.addWidget(label(tr("Against: {words}").format(words=opinion.against), "second", wrap=True))
        column.addStretch(1)
        return column

    def _resolution(self, column: QVBoxLayout, state: OpinionState) -> None:
        there = state.resolution
        for one in OpinionOutcome:
            self.outcome.addItem(outcome(one), one)
        self.level.addItem(tr("choose the level of review…"), 0)
        for number in range(1, len(LEVELS) + 1):
            self.level.addItem(level(number), number)
        if there is not None:
            self.outcome.setCurrentIndex(self.outcome.findData(there.outcome))
            self.level.setCurrentIndex(there.level)
            self.reason.setPlainText(there.reason)
            self.by.setText(there.by)
        for words, field in (
            (tr("Resolved: the findings are"), self.outcome),
            (tr("Why"), self.reason),
            (tr("Level of review"), self.level),
            (tr("Resolved by"), self.by),
        ):
            field.setAccessibleName(words)
            column.addWidget(label(words, "second"))
            column.addWidget(field)
        self.reason.textChanged.connect(self._check)
        self.level.currentIndexChanged.connect(self._check)
        self.by.textChanged.connect(self._check)

    @Slot()
    def _check(self) -> None:
        if self.yes is not None:
            texts = (self.reason.toPlainText(), self.by.text())
            self.yes.setEnabled(bool(self.level.currentData()) and all(text.strip() for text in texts))
