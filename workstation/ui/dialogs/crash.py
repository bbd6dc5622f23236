"""A fault nobody foresaw: what was written about it, where it lies, and whether the words of the fault go into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QApplication, QCheckBox, QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from workstation.domain.errors import WorkstationError
from workstation.ui.theme.sheet import mono_font
from workstation.ui.widgets.labels import label


class CrashBox(QDialog):
    """Args:

    error: what was raised.
    write: writes the report, with or without the words of the fault, and returns its file and its text.
    """

    def __init__(
        self,
        error: BaseException,
        write: Callable[[bool], tuple[Path, str]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._write = write
        self.setWindowTitle(self.tr("An unexpected fault"))
        self.resize(640, 460)
        head = label(self.tr("An unexpected fault in the window: {name}.").format(name=type(error).__name__), "heading")
        what = label(self.tr("What was committed is safe, and the window goes on. Close and open the case if not."))
        what.setWordWrap(True)
        self.place = label("", "second", wrap=True)
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setAccessibleName(self.tr("The crash report"))
        self.text.setFont(mono_font(self.font()))
        self.contents = QCheckBox(self.tr("Keep the words of the fault; they may name files of the case"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = buttons.addButton(self.tr("Copy"), QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(9)
        for widget in (head, what, self.place):
            column.addWidget(widget)
        column.addWidget(self.text, 1)
        column.addWidget(self.contents)
        column.addWidget(buttons)
        self.contents.toggled.connect(self._written)
        self.copy.clicked.connect(self._copied)
        self._written()

    @Slot()
    def _written(self) -> None:
        try:
            path, text = self._write(self.contents.isChecked())
        except WorkstationError as fault:
            self.place.setText(fault.line())
            return
        self.text.setPlainText(text)
        self.place.setText(self.tr("Written to {path}. It stays on this machine; nothing was sent.").format(path=path))

    @Slot()
    def _copied(self) -> None:
        QApplication.clipboard().setText(self.text.toPlainText())
