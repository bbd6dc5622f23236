"""A line over the viewer that tells what just happened and offers the next step. It never takes the keyboard."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from workstation.ui.theme.icons import icon
from workstation.ui.theme.sheet import current_theme


class Banner(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._then: Callable[[], object] | None = None
        self.setObjectName("strip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._words = QLabel()
        self._words.setWordWrap(True)
        self._words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._button = QPushButton()
        self._close = QToolButton()
        self._close.setAccessibleName(self.tr("Close this message"))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 8, 6)
        row.setSpacing(10)
        row.addWidget(self._words, 1)
        row.addWidget(self._button)
        row.addWidget(self._close)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.hide)
        self._button.clicked.connect(self._go)
        self._close.clicked.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        return "" if self.isHidden() else self._words.text()

    def tell(self, words: str, button: str = "", then: Callable[[], object] | None = None, *, seconds: int = 0) -> None:
        """Show ``words``; with ``seconds`` they go by themselves."""
        self._words.setText(words)
        self.setAccessibleName(words)
        self._button.setVisible(bool(button))
        self._button.setText(button)
        self._then = then
        self._close.setIcon(icon("close", current_theme().text))
        self.show()
        self._timer.stop()
        if seconds:
            self._timer.start(seconds * 1000)

    @Slot()
    def _go(self) -> None:
        self.hide()
        if self._then is not None:
            self._then()
