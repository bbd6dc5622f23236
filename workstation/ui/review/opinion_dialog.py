"""The first examiner's propositions and visual opinion on an exhibit, written before its scores are shown (X5, X6)."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLayout, QLineEdit, QVBoxLayout, QWidget

from workstation.app.opinions import OpinionState
from workstation.ui.review.opinion_form import OpinionForm
from workstation.ui.review.opinion_words import tr
from workstation.ui.widgets.labels import label


class OpinionDialog(QDialog):
    """Accepted, it holds two propositions, a name, and a complete form."""

    def __init__(self, exhibit: str, state: OpinionState, examiner: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Visual opinion on {exhibit}").format(exhibit=exhibit))
        self.setMinimumWidth(560)
        told = state.propositions
        self.first = self._line(tr("First proposition"), told.first if told else "", tr("The face was replaced"))
        self.second = self._line(
            tr("Second proposition"), told.second if told else "", tr("The clip is as the camera made it")
        )
        self.by = self._line(tr("Examiner"), state.first.by if state.first else examiner, "")
        self.form = OpinionForm(state.first)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.yes = buttons.addButton(tr("Record opinion"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.yes.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        lead = (
            tr("The scores stay sealed until this is recorded. Afterwards a change is marked as made with scores open.")
            if state.sealed
            else tr("The scores of this exhibit are open, and the record will say so.")
        )
        column = QVBoxLayout(self)
        column.setSizeConstraint(QLayout.SizeConstraint.SetMinimumSize)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(5)
        column.addWidget(label(lead, wrap=True))
        for field in (self.first, self.second):
            column.addWidget(label(field.accessibleName(), "second"))
            column.addWidget(field)
        column.addWidget(self.form)
        column.addWidget(label(self.by.accessibleName(), "second"))
        column.addWidget(self.by)
        column.addSpacing(8)
        column.addWidget(buttons)
        for line in (self.first, self.second, self.by):
            line.textChanged.connect(self._check)
        self.form.changed.connect(self._check)
        self._check()
        self.resize(self.minimumWidth(), self.sizeHint().height() + 2 * self.fontMetrics().lineSpacing())

    def _line(self, name: str, text: str, hint: str) -> QLineEdit:
        field = QLineEdit(text)
        field.setAccessibleName(name)
        field.setPlaceholderText(hint)
        return field

    @Slot()
    def _check(self) -> None:
        lines = (self.first, self.second, self.by)
        self.yes.setEnabled(self.form.complete and all(line.text().strip() for line in lines))
