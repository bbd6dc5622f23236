"""Go to a time or a frame: "12.48", "1:02.5" or "f 120"."""

from __future__ import annotations

import re

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from workstation.ui.exhibit import ExhibitData
from workstation.ui.widgets.labels import label

_FRAME = re.compile(r"^\s*(?:f|#|frame)\s*(\d+)\s*$", re.IGNORECASE)
_CLOCK = re.compile(r"^\s*(?:(\d+):)?(?:(\d+):)?(\d+(?:[.,]\d*)?)\s*s?\s*$")


def read_place(text: str, data: ExhibitData) -> int | None:
    """Ordinal of the place named, held inside the exhibit; None when the words name none.

    Frames are counted from 1 as the header counts them.
    """
    frame = _FRAME.match(text)
    if frame is not None:
        return min(max(int(frame.group(1)) - 1, 0), data.frames - 1)
    clock = _CLOCK.match(text)
    if clock is None:
        return None
    first, second, seconds = clock.groups()
    total = float(seconds.replace(",", "."))
    if first is not None and second is not None:
        total += int(first) * 3600 + int(second) * 60
    elif first is not None:
        total += int(first) * 60
    return data.nearest(total)


class GoToDialog(QDialog):
    def __init__(self, data: ExhibitData, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data = data
        self.ordinal: int | None = None
        self.setWindowTitle(self.tr("Go to"))
        self.setMinimumWidth(340)
        self.field = QLineEdit()
        self.field.setPlaceholderText(self.tr("12.48, 1:02.5 or f 120"))
        self.field.setAccessibleName(self.tr("Time or frame"))
        self._hint = label("", "second")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._go = buttons.addButton(self.tr("Go"), QDialogButtonBox.ButtonRole.AcceptRole)
        self._go.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addWidget(self._hint)
        column.addWidget(buttons)
        self.field.textChanged.connect(self._check)
        self._check()

    @Slot()
    def _check(self) -> None:
        self.ordinal = read_place(self.field.text(), self._data) if self.field.text().strip() else None
        self._go.setEnabled(self.ordinal is not None)
        if self.ordinal is not None:
            seconds = self._data.seconds(self.ordinal)
            words = self.tr("frame {n} at {s} s").format(n=self.ordinal + 1, s=f"{seconds:.3f}")
        else:
            last = self._data.seconds(self._data.frames - 1)
            words = self.tr("{n} frames, up to {s} s").format(n=self._data.frames, s=f"{last:.3f}")
        self._hint.setText(words)
