"""A finding: what was seen, what it is held against, what speaks against it, and the outcome in the allowed words."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from workstation.app.findings import Outcome, Support, check_outcome
from workstation.domain.errors import InputError
from workstation.ui.widgets.labels import label


class FindingDialog(QDialog):
    """``members`` holds the answer. It cannot be accepted without a title, nor with an outcome that lacks what an
    outcome needs (X2, X4, X8).

    Args:
        about: what the finding is about, in words.
        body: the finding as it stands; empty for a new one.
    """

    def __init__(self, about: str, body: Mapping[str, object] | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        there = dict(body or {})
        self.setWindowTitle(self.tr("Finding on {what}").format(what=about))
        self.setMinimumWidth(520)
        self.title = QLineEdit(str(there.get("title", "")))
        self.text = self._box(there, "text", 3)
        self.proposition = QLineEdit(str(there.get("proposition", "")))
        self.proposition.setPlaceholderText(self.tr("the recording is untouched since it was made"))
        self.against = self._box(there, "against", 3)
        self.outcome = QComboBox()
        for outcome in Outcome:
            self.outcome.addItem(outcome.value or self.tr("open"), outcome.value)
        self.outcome.setCurrentIndex(max(0, self.outcome.findData(str(there.get("outcome", "")))))
        told = there.get("support")
        rests = {str(one) for one in told} if isinstance(told, list | tuple) else set()
        row = QHBoxLayout()
        self.support: dict[Support, QCheckBox] = {}
        for support in Support:
            box = self.support[support] = QCheckBox(support.value)
            box.setChecked(support.value in rests)
            box.toggled.connect(self._check)
            row.addWidget(box)
        row.addStretch(1)
        form = QFormLayout()
        form.setVerticalSpacing(9)
        for name, widget in (
            (self.tr("Title"), self.title),
            (self.tr("What was seen"), self.text),
            (self.tr("Held against"), self.proposition),
            (self.tr("Speaks against it"), self.against),
            (self.tr("Outcome"), self.outcome),
        ):
            widget.setAccessibleName(name)
            form.addRow(name, widget)
        form.addRow(self.tr("Rests on"), row)
        self.told = label("", "second", wrap=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        self.save = buttons.button(QDialogButtonBox.StandardButton.Save)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(10)
        column.addLayout(form)
        column.addWidget(self.told)
        column.addWidget(buttons)
        self.title.textChanged.connect(self._check)
        self.proposition.textChanged.connect(self._check)
        self.against.textChanged.connect(self._check)
        self.outcome.currentIndexChanged.connect(self._check)
        self._check()

    @property
    def members(self) -> dict[str, object]:
        return {
            "title": self.title.text().strip(),
            "text": self.text.toPlainText().strip(),
            "proposition": self.proposition.text().strip(),
            "against": self.against.toPlainText().strip(),
            "outcome": str(self.outcome.currentData()),
            "support": [support.value for support, box in self.support.items() if box.isChecked()],
        }

    def _box(self, there: Mapping[str, object], name: str, lines: int) -> QPlainTextEdit:
        box = QPlainTextEdit(str(there.get(name, "")))
        box.setTabChangesFocus(True)
        box.setFixedHeight(round(self.fontMetrics().lineSpacing() * (lines + 1)))
        return box

    @Slot()
    def _check(self) -> None:
        """Say at once what is missing, in the words of the rule."""
        members = self.members
        why = "" if members["title"] else self.tr("Say in a few words what was seen.")
        if not why:
            try:
                check_outcome(members)
            except InputError as fault:
                why = fault.line()
        self.save.setEnabled(not why)
        self.told.setText(why)
