"""Ask for a new case: where, which number, who examines, and the question put to the examiner."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSettings, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from workstation.ui.widgets.labels import label

# The engine refuses shorter ones.
_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class NewCase:
    folder: Path
    number: str
    title: str
    examiner: str
    question: str
    passphrase: str | None


class NewCaseDialog(QDialog):
    """``answer`` is complete once the dialog was accepted."""

    def __init__(self, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("New case"))
        self.setMinimumWidth(560)
        self.number = QLineEdit(placeholderText=self.tr("e.g. 2026-014"))
        self.title = QLineEdit(placeholderText=self.tr("What the matter is called"))
        self.examiner = QLineEdit(str(settings.value("examiner", "")))
        self.examiner.setPlaceholderText(self.tr("Name and role, as the report will print it"))
        self.question = QPlainTextEdit()
        self.question.setPlaceholderText(self.tr("The question put to the examiner, in the client's words"))
        self.question.setTabChangesFocus(True)
        self.question.setFixedHeight(self.fontMetrics().height() * 4 + 14)
        self.passphrase = QLineEdit(placeholderText=self.tr("Leave empty for a case that is not encrypted"))
        self.repeated = QLineEdit(placeholderText=self.tr("The same again"))
        for field in (self.passphrase, self.repeated):
            field.setEchoMode(QLineEdit.EchoMode.Password)
        self._parent_folder = Path(str(settings.value("cases", str(Path.home()))))
        self.folder = QLineEdit()
        browse = QPushButton(self.tr("Choose…"))
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        where = QHBoxLayout()
        where.setSpacing(6)
        where.addWidget(self.folder, 1)
        where.addWidget(browse)
        form = QFormLayout()
        form.setHorizontalSpacing(14)
        form.setVerticalSpacing(9)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(self.tr("Case &number"), self.number)
        form.addRow(self.tr("&Title"), self.title)
        form.addRow(self.tr("&Examiner"), self.examiner)
        form.addRow(self.tr("&Question"), self.question)
        where_name = QLabel(self.tr("&Folder"))
        where_name.setBuddy(self.folder)
        form.addRow(where_name, where)
        form.addRow(self.tr("&Passphrase"), self.passphrase)
        form.addRow(self.tr("Rep&eat it"), self.repeated)
        self._hint = label("", "second")
        self._hint.setWordWrap(True)
        self._hint.setMinimumHeight(self.fontMetrics().height() * 2)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._make = buttons.addButton(self.tr("Make case"), QDialogButtonBox.ButtonRole.AcceptRole)
        self._make.setDefault(True)
        buttons.accepted.connect(self._accepted)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addLayout(form)
        column.addWidget(self._hint)
        column.addWidget(buttons)
        self._followed = ""
        for field in (self.number, self.title, self.examiner, self.folder, self.passphrase, self.repeated):
            field.textChanged.connect(self._check)
        self.number.textChanged.connect(self._propose)
        self._propose()
        self._check()

    @property
    def answer(self) -> NewCase:
        return NewCase(
            Path(self.folder.text().strip()).expanduser(),
            self.number.text().strip(),
            self.title.text().strip(),
            self.examiner.text().strip(),
            self.question.toPlainText().strip(),
            self.passphrase.text() or None,
        )

    @Slot()
    def _propose(self) -> None:
        """The folder follows the number until the examiner names one."""
        if self.folder.text() != self._followed:
            return
        name = re.sub(r"[^\w.-]+", "-", self.number.text().strip()).strip("-.") or "case"
        self._followed = str(self._parent_folder / name)
        self.folder.setText(self._followed)

    @Slot()
    def _browse(self) -> None:
        start = str(self._parent_folder)
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Folder the case folder is made in"), start)
        if chosen:
            self._parent_folder = Path(chosen)
            self._followed = self.folder.text()
            self._propose()

    @Slot()
    def _check(self) -> None:
        missing = [
            name
            for name, field in (
                (self.tr("a case number"), self.number),
                (self.tr("a title"), self.title),
                (self.tr("the examiner's name"), self.examiner),
                (self.tr("a folder"), self.folder),
            )
            if not field.text().strip()
        ]
        secret = self.passphrase.text()
        self.repeated.setEnabled(bool(secret))
        problem = self._passphrase_problem(secret)
        self._make.setEnabled(not missing and not problem)
        if problem:
            self._hint.setText(problem)
        elif missing:
            self._hint.setText(self.tr("Still needed: {what}.").format(what=", ".join(missing)))
        else:
            words = self.tr("The folder is made new. Everything of this case will stand in it.")
            if secret:
                words += " " + self.tr("Without the passphrase nobody can open it again.")
            self._hint.setText(words)

    def _passphrase_problem(self, secret: str) -> str:
        if not secret:
            return ""
        if len(secret) < _SHORTEST:
            return self.tr("A passphrase has at least {n} characters.").format(n=_SHORTEST)
        return "" if secret == self.repeated.text() else self.tr("The passphrase and its repetition differ.")

    @Slot()
    def _accepted(self) -> None:
        answer = self.answer
        self._settings.setValue("examiner", answer.examiner)
        self._settings.setValue("cases", str(answer.folder.parent))
        self.accept()
