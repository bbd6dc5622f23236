"""Ask for the passphrase of an encrypted case. It is handed on and never kept."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from workstation.ui.widgets.labels import label


class PassphraseDialog(QDialog):
    """``text`` is the passphrase. ``wrong`` says that the one before did not fit."""

    def __init__(self, case: str, *, wrong: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Encrypted case"))
        self.setMinimumWidth(420)
        self.field = QLineEdit()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setAccessibleName(self.tr("Passphrase"))
        shown = QCheckBox(self.tr("Show what I type"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.yes = buttons.addButton(self.tr("Open"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.yes.setDefault(True)
        self.yes.setEnabled(False)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(8)
        if wrong:
            column.addWidget(label(self.tr("That passphrase does not open this case."), "heading", wrap=True))
        column.addWidget(label(self.tr("Passphrase of {case}").format(case=case), wrap=True))
        column.addWidget(self.field)
        column.addWidget(shown)
        column.addWidget(buttons)
        shown.toggled.connect(self._show)
        self.field.textChanged.connect(self._check)

    @property
    def text(self) -> str:
        return self.field.text()

    @Slot(bool)
    def _show(self, shown: bool) -> None:
        self.field.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)

    @Slot()
    def _check(self) -> None:
        self.yes.setEnabled(bool(self.field.text()))
