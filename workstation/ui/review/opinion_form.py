"""What an opinion consists of: an outcome in the allowed words, what was seen, and what speaks against it (X8)."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QPlainTextEdit, QVBoxLayout, QWidget

from workstation.app.opinions import Opinion, OpinionOutcome
from workstation.ui.review.opinion_words import outcome, tr
from workstation.ui.widgets.labels import label


def paragraph(name: str, lines: int, hint: str = "") -> QPlainTextEdit:
    """A box for some lines of words; Tab leaves it."""
    box = QPlainTextEdit()
    box.setAccessibleName(name)
    box.setPlaceholderText(hint)
    box.setTabChangesFocus(True)
    box.setFixedHeight(round(box.fontMetrics().lineSpacing() * (lines + 1)))
    return box


class OpinionForm(QWidget):
    """``changed`` with every stroke; ``complete`` when nothing is missing."""

    changed = Signal()

    def __init__(self, opinion: Opinion | None = None) -> None:
        super().__init__()
        self._outcome = QComboBox()
        self._outcome.setAccessibleName(tr("Outcome"))
        self._outcome.addItem(tr("choose…"), None)
        for one in OpinionOutcome:
            self._outcome.addItem(outcome(one), one)
        self.words = paragraph(tr("What is to be seen"), 4, tr("Where, when, and what was compared with what"))
        self.against = paragraph(
            tr("What speaks against it"),
            3,
            tr("Filter, re-encoding, make-up, light, interlacing, stabilisation, enhancement: what was looked for?"),
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        for words, field in (
            (tr("What is to be seen"), self.words),
            (tr("The findings are"), self._outcome),
            (tr("What speaks against it"), self.against),
        ):
            column.addWidget(label(words, "second"))
            column.addWidget(field)
        if opinion is not None:
            self._outcome.setCurrentIndex(self._outcome.findData(opinion.outcome))
            self.words.setPlainText(opinion.words)
            self.against.setPlainText(opinion.against)
        self._outcome.currentIndexChanged.connect(self.changed)
        self.words.textChanged.connect(self.changed)
        self.against.textChanged.connect(self.changed)

    def choose(self, value: OpinionOutcome) -> None:
        self._outcome.setCurrentIndex(self._outcome.findData(value))

    @property
    def outcome(self) -> OpinionOutcome | None:
        value = self._outcome.currentData()
        return None if value is None else OpinionOutcome(value)

    @property
    def complete(self) -> bool:
        texts = (self.words.toPlainText(), self.against.toPlainText())
        return self.outcome is not None and all(text.strip() for text in texts)

    def clear(self) -> None:
        self._outcome.setCurrentIndex(0)
        self.words.clear()
        self.against.clear()
