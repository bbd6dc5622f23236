"""A small button that puts its text on the clipboard and says so."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QTimer, Slot
from PySide6.QtWidgets import QApplication, QToolButton, QWidget

from workstation.ui.theme.icons import icon
from workstation.ui.theme.sheet import current_theme


class CopyButton(QToolButton):
    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text_to_copy = ""
        self.setAccessibleName(name)
        self.setToolTip(name)
        self._timer = QTimer(self, singleShot=True, interval=1200)
        self._timer.timeout.connect(self._dress)
        self.clicked.connect(self._copy)
        self._dress()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._dress()

    @Slot()
    def _copy(self) -> None:
        QApplication.clipboard().setText(self.text_to_copy)
        self.setIcon(icon("check", current_theme().text))
        self._timer.start()

    @Slot()
    def _dress(self) -> None:
        self.setIcon(icon("copy", current_theme().second))
