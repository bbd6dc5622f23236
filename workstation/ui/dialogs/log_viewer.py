"""The program's log and its crash reports, on this machine; nothing of it is sent anywhere."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from workstation.app.log_reading import LEVELS, LogEntry
from workstation.ui.models.tables import Cell, CellRole, Row, TableModel
from workstation.ui.theme.sheet import mono_font
from workstation.ui.widgets.labels import button, label
from workstation.ui.widgets.table import Table


class LogViewer(QDialog):
    """Signals: read_wanted: the log is to be read again."""

    read_wanted = Signal()

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._entries: tuple[LogEntry, ...] = ()
        self.setWindowTitle(self.tr("Program log"))
        self.resize(900, 600)
        self.levels = QComboBox()
        self.levels.setAccessibleName(self.tr("From which level on"))
        for level in LEVELS[1:4]:
            self.levels.addItem(level.capitalize(), level)
        self.filter = QLineEdit(placeholderText=self.tr("Filter"))
        self.filter.setAccessibleName(self.tr("Filter the log"))
        self.filter.setClearButtonEnabled(True)
        self.model = TableModel([self.tr("When"), self.tr("What")], self)
        self.table = Table(self.model, self.tr("Program log"), 1)
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setAccessibleName(self.tr("The chosen entry in full"))
        self.text.setFont(mono_font(self.font()))
        split = QSplitter()
        split.addWidget(self.table)
        split.addWidget(self.text)
        split.setSizes([520, 380])
        self.told = label("", "second", wrap=True)
        self.again = button(self.tr("Read again"))
        self.show_folder = button(self.tr("Show folder"))
        top = QHBoxLayout()
        top.addWidget(self.levels)
        top.addWidget(self.filter, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        foot = QHBoxLayout()
        for control in (self.again, self.show_folder):
            control.setAutoDefault(False)
            foot.addWidget(control)
        foot.addStretch(1)
        foot.addWidget(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(9)
        column.addLayout(top)
        column.addWidget(split, 1)
        column.addWidget(self.told)
        column.addLayout(foot)
        self.filter.textChanged.connect(self.refresh)
        self.levels.currentIndexChanged.connect(self.refresh)
        self.table.selectionModel().currentRowChanged.connect(self._chosen)
        self.again.clicked.connect(self.read_wanted)
        self.show_folder.clicked.connect(self._show_folder)

    def show_entries(self, entries: tuple[LogEntry, ...], crashes: tuple[Path, ...]) -> None:
        """Take the log as it was read, and name the crash reports there are."""
        self._entries = entries
        self.refresh()
        words = self.tr("In {folder}. It stays on this machine.").format(folder=self._folder)
        if crashes:
            words += self.tr(" {n} crash reports, the newest {name}.").format(n=len(crashes), name=crashes[0].name)
        if not entries:
            words = self.tr("Nothing was noted yet. ") + words
        self.told.setText(words)

    @Slot()
    def refresh(self) -> None:
        least, wanted = LEVELS.index(str(self.levels.currentData())), self.filter.text().casefold()
        rows = []
        for number, entry in enumerate(self._entries):
            level = LEVELS.index(entry.level) if entry.level in LEVELS else 1
            if level >= least and wanted in f"{entry.where} {entry.text} {entry.more}".casefold():
                when = Cell(entry.at[5:], entry.level.lower())
                rows.append(Row(str(number), (when, Cell(entry.text, entry.where, tip=entry.text[:400]))))
        self.model.show(rows)
        if rows:
            self.table.selectRow(len(rows) - 1)
            self.table.scrollToBottom()
        self._chosen()

    @Slot()
    def _chosen(self, _: QModelIndex = QModelIndex(), __: QModelIndex = QModelIndex()) -> None:  # noqa: B008
        key = str(self.table.currentIndex().data(CellRole.KEY) or "")
        if not key:
            self.text.setPlainText("")
            return
        entry = self._entries[int(key)]
        self.text.setPlainText(f"{entry.at} {entry.level}\n{entry.where}\n\n{entry.text}\n{entry.more}".rstrip())

    @Slot()
    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))
