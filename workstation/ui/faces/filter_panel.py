"""What the gallery is narrowed down to: everything that is known of a face, but nothing that a detector gave."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QFrame, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from workstation.app.face_listing import FaceFilter
from workstation.domain.evidence import EvidenceItem
from workstation.ui.faces.words import tr, work_states
from workstation.ui.widgets.labels import button, label


class FilterPanel(QFrame):
    """A popup under the filter button. ``changed`` is emitted with every choice."""

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("palette")
        self._exhibit = QComboBox()
        self._exhibit.addItem(tr("any"), None)
        self._height = self._spin(tr("px"), 2000)
        self._sharp = self._spin("", 2000)
        self._turn = self._spin("°", 90)
        self._seconds = self._spin("s", 36000)
        self._passed = self._spin("%", 100)
        self._named = self._three(tr("named"), tr("without a name"))
        self._excluded = self._three(tr("excluded"), tr("relied on"))
        self._abstained = self._three(tr("with abstentions"), tr("without abstentions"))
        self._work = QComboBox()
        for words, state in work_states():
            self._work.addItem(words, state)
        form = QFormLayout()
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for words, field in (
            (tr("Exhibit"), self._exhibit),
            (tr("Face height at least"), self._height),
            (tr("Sharpness at least"), self._sharp),
            (tr("Turn of the head at most"), self._turn),
            (tr("On screen at least"), self._seconds),
            (tr("Through the gates at least"), self._passed),
            (tr("Name"), self._named),
            (tr("Exclusion"), self._excluded),
            (tr("Abstentions"), self._abstained),
            (tr("Work state"), self._work),
        ):
            field.setAccessibleName(words)
            form.addRow(words, field)
        clear = button(tr("Show every face"))
        clear.clicked.connect(self.clear)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(9)
        column.addWidget(label(tr("Show faces that are"), "heading"))
        column.addLayout(form)
        column.addLayout(row)
        for box in self.findChildren(QComboBox):
            box.currentIndexChanged.connect(self._tell)
        for spin in self.findChildren(QSpinBox):
            spin.valueChanged.connect(self._tell)

    def set_exhibits(self, items: tuple[EvidenceItem, ...]) -> None:
        """Offer these exhibits; the one chosen stays, if it is still there."""
        chosen = self._exhibit.currentData()
        self._exhibit.blockSignals(True)
        self._exhibit.clear()
        self._exhibit.addItem(tr("any"), None)
        for item in items:
            self._exhibit.addItem(item.exhibit, item.id)
        self._exhibit.setCurrentIndex(max(0, self._exhibit.findData(chosen)))
        self._exhibit.blockSignals(False)

    def filter(self, words: str) -> FaceFilter:
        """What is chosen, with the words typed beside the panel."""
        return FaceFilter(
            words=words.strip(),
            evidence=self._exhibit.currentData(),
            least_height=self._height.value() or None,
            least_sharpness=self._sharp.value() or None,
            most_turn=self._turn.value() or None,
            least_seconds=self._seconds.value() or None,
            least_passed=self._passed.value() / 100 or None,
            named=self._named.currentData(),
            excluded=self._excluded.currentData(),
            abstained=self._abstained.currentData(),
            work=self._work.currentData(),
        )

    @Slot()
    def clear(self) -> None:
        for field in (*self.findChildren(QComboBox), *self.findChildren(QSpinBox)):
            field.blockSignals(True)
            if isinstance(field, QComboBox):
                field.setCurrentIndex(0)
            elif isinstance(field, QSpinBox):
                field.setValue(0)
            field.blockSignals(False)
        self.changed.emit()

    @Slot()
    def _tell(self) -> None:
        self.changed.emit()

    def _spin(self, unit: str, most: int) -> QSpinBox:
        box = QSpinBox()
        box.setRange(0, most)
        box.setSpecialValueText(tr("any"))
        if unit:
            box.setSuffix(f" {unit}")
        return box

    def _three(self, yes: str, no: str) -> QComboBox:
        box = QComboBox()
        for words, value in ((tr("any"), None), (yes, True), (no, False)):
            box.addItem(words, value)
        return box
