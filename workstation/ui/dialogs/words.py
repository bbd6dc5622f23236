"""Ask for a line or a paragraph of the examiner's own words."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCompleter, QDialog, QDialogButtonBox, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from workstation.ui.widgets.labels import label


class WordsDialog(QDialog):
    """``text`` holds the answer, without blanks at its ends. An empty answer cannot be accepted.

    Args:
        title: names the deed; the accepting button carries it too.
        question: what the words are for.
        lines: more than one gives a box of that height instead of a line.
        known: answers given before, offered while a line is typed.
    """

    def __init__(
        self,
        title: str,
        question: str,
        text: str = "",
        *,
        lines: int = 1,
        hint: str = "",
        known: Sequence[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(420)
        self._line: QLineEdit | None = None
        self._box: QPlainTextEdit | None = None
        self.field: QLineEdit | QPlainTextEdit
        if lines == 1:
            self._line = self.field = QLineEdit(text)
            self._line.textChanged.connect(self._check)
            self._line.selectAll()
            if known:
                offers = QCompleter(list(known), self._line)
                offers.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
                self._line.setCompleter(offers)
        else:
            self._box = self.field = QPlainTextEdit(text)
            self._box.setTabChangesFocus(True)
            self._box.setFixedHeight(round(self.fontMetrics().lineSpacing() * (lines + 1)))
            self._box.textChanged.connect(self._check)
        self.field.setPlaceholderText(hint)
        self.field.setAccessibleName(question)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.yes = buttons.addButton(title, QDialogButtonBox.ButtonRole.AcceptRole)
        self.yes.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(8)
        column.addWidget(label(question, wrap=True))
        column.addWidget(self.field)
        column.addWidget(buttons)
        self._check()

    @property
    def text(self) -> str:
        words = self._line.text() if self._line is not None else self._box.toPlainText() if self._box else ""
        return words.strip()

    @Slot()
    def _check(self) -> None:
        self.yes.setEnabled(bool(self.text))
