"""What this program is, which version, and what its numbers mean."""

from __future__ import annotations

import platform

import PySide6
from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

import workstation
from workstation.ui.widgets.labels import label


class AboutBox(QDialog):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About"))
        self.setMinimumWidth(460)
        title = label(f"Workstation {workstation.__version__}", "title")
        lines = (
            self.tr("Examines faces in pictures and videos for traces of manipulation. It works offline."),
            self.tr(
                "Scores are raw outputs of detectors between 0 and 1. They are uncalibrated: neither a probability nor "
                "a conclusion. Spreads are over the frames of one track, not error rates."
            ),
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(10)
        column.addWidget(title)
        for line in lines:
            words = QLabel(line)
            words.setWordWrap(True)
            column.addWidget(words)
        versions = f"Python {platform.python_version()} · Qt {qVersion()} · PySide {PySide6.__version__} · Apache-2.0"
        column.addWidget(label(versions, "second"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
