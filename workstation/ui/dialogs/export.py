"""Ask how a case leaves: whole or a disclosure pack, to whom, why and on whose word (E6, G15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId
from workstation.ui.widgets.labels import label


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """``only`` is empty for the whole case."""

    target: Path
    only: tuple[EvidenceId, ...]
    media: bool
    recipient: str
    purpose: str
    authority: str


class ExportDialog(QDialog):
    """``choice`` is complete once the dialog was accepted."""

    def __init__(
        self, items: Sequence[EvidenceItem], number: str, settings: QSettings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._number = "".join(c if c.isalnum() or c in "._-" else "-" for c in number) or "case"
        self._folder = Path(str(settings.value("exports", str(Path.home()))))
        self.setWindowTitle(self.tr("Export case"))
        self.setMinimumWidth(560)
        self.whole = QRadioButton(self.tr("The &whole case, to go on with elsewhere"))
        self.part = QRadioButton(self.tr("A &disclosure pack: chosen exhibits, all else redacted and still provable"))
        self.whole.setChecked(True)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Exhibits to disclose"))
        self.list.setFixedHeight(self.fontMetrics().lineSpacing() * 6)
        for item in items:
            row = QListWidgetItem(f"{item.exhibit}  {item.name}")
            row.setData(Qt.ItemDataRole.UserRole, item.id)
            row.setFlags(row.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            row.setCheckState(Qt.CheckState.Unchecked)
            self.list.addItem(row)
        self.media = QCheckBox(self.tr("With the originals and the fakeness maps"))
        self.media.setChecked(True)
        self.recipient = QLineEdit(placeholderText=self.tr("Who gets it"))
        self.purpose = QLineEdit(placeholderText=self.tr("Why"))
        self.authority = QLineEdit(placeholderText=self.tr("On whose word: order, warrant, request"))
        self.target = QLineEdit()
        browse = QPushButton(self.tr("Choose…"))
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        where = QHBoxLayout()
        where.addWidget(self.target, 1)
        where.addWidget(browse)
        form = QFormLayout()
        form.setHorizontalSpacing(14)
        form.addRow(self.tr("&Recipient"), self.recipient)
        form.addRow(self.tr("&Purpose"), self.purpose)
        form.addRow(self.tr("&Authority"), self.authority)
        where_name = QLabel(self.tr("&File"))
        where_name.setBuddy(self.target)
        form.addRow(where_name, where)
        self._hint = label("", "second", wrap=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.yes = buttons.addButton(self.tr("Export"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.yes.setDefault(True)
        buttons.accepted.connect(self._accepted)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(9)
        for widget in (self.whole, self.part, self.list, self.media):
            column.addWidget(widget)
        column.addLayout(form)
        column.addWidget(self._hint)
        column.addWidget(buttons)
        self._followed = ""
        self.whole.toggled.connect(self._check)
        self.list.itemChanged.connect(self._check)
        self.target.textChanged.connect(self._check)
        self._check()

    @property
    def choice(self) -> ExportChoice:
        only = self._only() if self.part.isChecked() else ()
        return ExportChoice(
            Path(self.target.text().strip()).expanduser(),
            only,
            self.media.isChecked(),
            self.recipient.text().strip(),
            self.purpose.text().strip(),
            self.authority.text().strip(),
        )

    def _only(self) -> tuple[EvidenceId, ...]:
        rows = (self.list.item(row) for row in range(self.list.count()))
        chosen = (row for row in rows if row.checkState() is Qt.CheckState.Checked)
        return tuple(EvidenceId(str(row.data(Qt.ItemDataRole.UserRole))) for row in chosen)

    @Slot()
    def _browse(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, self.tr("File to export to"), self.target.text(), self.tr("Pack (*.zip)")
        )
        if name:
            self.target.setText(name if name.endswith(".zip") else f"{name}.zip")

    @Slot()
    def _check(self) -> None:
        part = self.part.isChecked()
        self.list.setVisible(part)
        self.media.setVisible(part)
        if self.target.text() == self._followed:
            self._followed = str(self._folder / f"{self._number}{'-disclosure' if part else ''}.zip")
            self.target.setText(self._followed)
        target = Path(self.target.text().strip()).expanduser()
        problem = ""
        if part and not self._only():
            problem = self.tr("Choose at least one exhibit.")
        elif not self.target.text().strip():
            problem = self.tr("Name the file.")
        elif target.exists():
            problem = self.tr("There is such a file already; nothing is overwritten.")
        elif not target.parent.is_dir():
            problem = self.tr("There is no such folder.")
        self.yes.setEnabled(not problem)
        self._hint.setText(
            problem or self.tr("The export is recorded in the chain of custody and checked when written.")
        )

    @Slot()
    def _accepted(self) -> None:
        self._settings.setValue("exports", str(self.choice.target.parent))
        self.accept()
