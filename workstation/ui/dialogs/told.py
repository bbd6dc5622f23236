"""An error: what happened in one line, and what to do."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from workstation.domain.errors import IntegrityMismatch, WorkstationError
from workstation.ui.theme.icons import icon
from workstation.ui.theme.sheet import current_theme
from workstation.ui.widgets.labels import label


class ErrorBox(QDialog):
    """Red only when the integrity of evidence is in question (3.4)."""

    def __init__(self, error: WorkstationError, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = current_theme()
        bad = isinstance(error, IntegrityMismatch)
        self.setWindowTitle(self.tr("Integrity") if bad else self.tr("This could not be done"))
        self.setMinimumWidth(460)
        mark = QLabel()
        name, colour = ("alarm", theme.alarm) if bad else ("info", theme.text)
        mark.setPixmap(icon(name, colour).pixmap(QSize(26, 26), self.devicePixelRatioF()))
        mark.setAlignment(Qt.AlignmentFlag.AlignTop)
        message = label(error.message, "alarm" if bad else "heading")
        advice = QLabel(error.advice)
        code = label(self.tr("Code: {code}").format(code=error.code), "second")
        for line in (message, advice, code):
            line.setWordWrap(True)
            line.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
            line.setTextFormat(Qt.TextFormat.PlainText)
            line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        advice.setVisible(bool(error.advice))
        words = QVBoxLayout()
        words.setSpacing(6)
        words.addWidget(message)
        words.addWidget(advice)
        words.addWidget(code)
        words.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(mark)
        row.addLayout(words, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setDefault(True)
        self._buttons = buttons
        self._then: Callable[[], object] | None = None
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 14)
        column.setSpacing(16)
        column.addLayout(row)
        column.addWidget(buttons)

    def offer(self, text: str, then: Callable[[], object]) -> None:
        """Add a button that closes the box and does something about it."""
        self._then = then
        button = self._buttons.addButton(text, QDialogButtonBox.ButtonRole.AcceptRole)
        button.setDefault(True)
        self._buttons.accepted.connect(self._go)

    @Slot()
    def _go(self) -> None:
        self.accept()
        if self._then is not None:
            self._then()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.resize(self.width(), self._column.totalHeightForWidth(self.width()))
