"""The settings of this workstation, built from their schema: what is added to the model appears here by itself."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from workstation.app.settings_form import FieldKind, SettingField
from workstation.ui.widgets.labels import button, label

_MOST_HOURS = 24 * 366


class SettingsDialog(QDialog):
    """``values`` holds what was changed, in the form that the file holds. A setting that the environment sets is shown
    and cannot be changed here."""

    def __init__(self, fields: tuple[SettingField, ...], place: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields = fields
        self.setWindowTitle(self.tr("Settings"))
        self.resize(620, 600)
        self.inputs: dict[str, QWidget] = {}
        inside = QWidget()
        inside.setObjectName("panel")
        form = QFormLayout(inside)
        form.setContentsMargins(14, 12, 14, 12)
        form.setVerticalSpacing(4)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for field in fields:
            made = self.inputs[field.name] = self._input(field)
            made.setAccessibleName(field.title)
            made.setAccessibleDescription(field.help)
            made.setEnabled(not field.locked)
            form.addRow(field.title, made)
            words = field.help[:1].upper() + field.help[1:]
            if field.locked:
                words += " " + self.tr("Set by {name} in the environment.").format(name=field.locked)
            note = label(words, "second", wrap=True)
            note.setContentsMargins(0, 0, 0, 10)
            form.addRow(note)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        where = label(self.tr("Kept in {place}. Changes count from the next start.").format(place=place), "second")
        where.setWordWrap(True)
        where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.defaults = button(self.tr("All as at first"), "flat")
        self.defaults.setAutoDefault(False)
        self.defaults.clicked.connect(self._put_defaults)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        foot = QHBoxLayout()
        foot.addWidget(self.defaults)
        foot.addStretch(1)
        foot.addWidget(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(9)
        column.addWidget(area, 1)
        column.addWidget(where)
        column.addLayout(foot)

    @property
    def values(self) -> dict[str, object]:
        """Only what differs from what was shown."""
        now = {field.name: self._value(field) for field in self._fields if not field.locked}
        return {
            field.name: now[field.name] for field in self._fields if now.get(field.name, field.value) != field.value
        }

    def _input(self, field: SettingField) -> QWidget:
        made: QWidget
        if field.kind is FieldKind.CHOICE:
            made = QComboBox()
            for choice in field.choices:
                made.addItem(choice or self.tr("none"), choice)
        elif field.kind is FieldKind.NUMBER:
            made = QDoubleSpinBox()
            made.setRange(field.least if field.least is not None else -1e9, _MOST_HOURS)
            made.setDecimals(2)
        elif field.kind is FieldKind.YES_NO:
            made = QCheckBox()
        else:
            made = QLineEdit()
            made.setPlaceholderText(self.tr("none") if field.kind is FieldKind.TEXT else self.tr("names, with commas"))
        self._put(made, field.value)
        return made

    def _put(self, widget: QWidget, value: object) -> None:
        if isinstance(widget, QComboBox):
            widget.setCurrentIndex(max(0, widget.findData(str(value))))
        elif isinstance(widget, QDoubleSpinBox):
            widget.setValue(float(str(value)))
        elif isinstance(widget, QCheckBox):
            widget.setChecked(bool(value))
        elif isinstance(widget, QLineEdit):
            widget.setText(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))

    def _value(self, field: SettingField) -> object:
        widget = self.inputs[field.name]
        if isinstance(widget, QComboBox):
            return widget.currentData()
        if isinstance(widget, QDoubleSpinBox):
            return widget.value()
        if isinstance(widget, QCheckBox):
            return widget.isChecked()
        text = widget.text().strip() if isinstance(widget, QLineEdit) else ""
        if field.kind is FieldKind.NAMES:
            return [name.strip() for name in text.split(",") if name.strip()]
        return text

    def _put_defaults(self) -> None:
        for field in self._fields:
            if not field.locked:
                self._put(self.inputs[field.name], field.default)
