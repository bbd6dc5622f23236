"""Ask what is taken in: files and folders, where they are from, why, and by what order (E1, E6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from workstation.ui.widgets.labels import button, label

MEDIA = (
    "*.jpg *.jpeg *.png *.webp *.tif *.tiff *.heic *.heif *.bmp *.mp4 *.mov *.mkv *.avi *.webm *.m4v *.mpg *.ts *.3gp"
)


@dataclass(frozen=True, slots=True)
class IntakeChoice:
    paths: tuple[Path, ...]
    note: str = ""
    purpose: str = ""
    authority: str = ""


class IntakeDialog(QDialog):
    """``choice`` is complete once the dialog was accepted."""

    def __init__(self, settings: QSettings, paths: Sequence[Path] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("Add exhibits"))
        self.setMinimumSize(600, 460)
        self.list = QListWidget()
        self.list.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.list.setAccessibleName(self.tr("Files and folders to take in"))
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        files, folder = button(self.tr("Add &files…")), button(self.tr("Add f&older…"))
        self._drop = button(self.tr("&Remove from the list"))
        for press, act in ((files, self._add_files), (folder, self._add_folder), (self._drop, self._remove)):
            press.setAutoDefault(False)
            press.clicked.connect(act)
        presses = QHBoxLayout()
        presses.setSpacing(6)
        presses.addWidget(files)
        presses.addWidget(folder)
        presses.addStretch(1)
        presses.addWidget(self._drop)
        self.purpose = QLineEdit(placeholderText=self.tr("Why: e.g. examination for face manipulation"))
        self.authority = QLineEdit(placeholderText=self.tr("By what order, consent or mandate, with its number"))
        self.note = QPlainTextEdit()
        self.note.setPlaceholderText(self.tr("From whom, on what medium, how and when it was acquired"))
        self.note.setTabChangesFocus(True)
        self.note.setFixedHeight(self.fontMetrics().height() * 3 + 14)
        form = QFormLayout()
        form.setHorizontalSpacing(14)
        form.setVerticalSpacing(9)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(self.tr("&Purpose"), self.purpose)
        form.addRow(self.tr("&Authority"), self.authority)
        form.addRow(self.tr("&Note"), self.note)
        words = self.tr(
            "Every file found is listed in the case before the first is read. Files are copied and hashed; the sources "
            "are only read. Hidden files and links inside folders are left out and listed."
        )
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.take = buttons.addButton(self.tr("Take in"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.take.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addWidget(self.list, 1)
        column.addLayout(presses)
        column.addLayout(form)
        column.addWidget(label(words, "second", wrap=True))
        column.addWidget(buttons)
        self.list.itemSelectionChanged.connect(self._check)
        self.add(paths)

    @property
    def choice(self) -> IntakeChoice:
        paths = tuple(Path(self.list.item(row).text()) for row in range(self.list.count()))
        return IntakeChoice(
            paths,
            self.note.toPlainText().strip(),
            self.purpose.text().strip(),
            self.authority.text().strip(),
        )

    def add(self, paths: Sequence[Path]) -> None:
        """Put files or folders on the list, each once."""
        there = {self.list.item(row).text() for row in range(self.list.count())}
        for path in paths:
            if str(path) not in there:
                there.add(str(path))
                self.list.addItem(str(path))
        self._check()

    @Slot()
    def _add_files(self) -> None:
        kinds = self.tr("Pictures and videos ({patterns});;All files (*)").format(patterns=MEDIA)
        paths, _ = QFileDialog.getOpenFileNames(self, self.tr("Files to take in"), self._start(), kinds)
        self._chosen([Path(path) for path in paths])

    @Slot()
    def _add_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, self.tr("Folder to take in"), self._start())
        self._chosen([Path(path)] if path else [])

    @Slot()
    def _remove(self) -> None:
        for item in self.list.selectedItems():
            self.list.takeItem(self.list.row(item))
        self._check()

    @Slot()
    def _check(self) -> None:
        self.take.setEnabled(self.list.count() > 0)
        self._drop.setEnabled(bool(self.list.selectedItems()))

    def _start(self) -> str:
        return str(self._settings.value("intake", str(Path.home())))

    def _chosen(self, paths: list[Path]) -> None:
        if paths:
            self._settings.setValue("intake", str(paths[0].parent))
            self.add(paths)
