"""Change keys: every action with its keys, presets, conflicts in words, and what other keyboards cannot type (U16)."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QKeySequenceEdit,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from workstation.ui.action_specs import ActionSpec, Scope
from workstation.ui.actions import ACTIONS, translated
from workstation.ui.dialogs.command_palette import rank
from workstation.ui.keys.keymap import KeyMap, conflicts, native, portable
from workstation.ui.keys.layouts import uncertain
from workstation.ui.keys.presets import PRESETS
from workstation.ui.models.tables import Cell, CellRole, Row, TableModel
from workstation.ui.widgets.labels import button, label
from workstation.ui.widgets.table import Table

_NAMES = {spec.id: spec for spec in ACTIONS}


class KeyEditor(QDialog):
    """``keys`` is the map as it stands. It cannot be accepted while two actions share a key."""

    def __init__(self, keys: KeyMap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.keys = keys
        self.setWindowTitle(self.tr("Keys"))
        self.resize(720, 640)
        self.presets = QComboBox()
        self.presets.setAccessibleName(self.tr("Preset"))
        self.presets.addItems(list(PRESETS))
        self.presets.setCurrentText(keys.preset)
        self.filter = QLineEdit(placeholderText=self.tr("Filter actions or keys"))
        self.filter.setAccessibleName(self.filter.placeholderText())
        self.filter.setClearButtonEnabled(True)
        self.model = TableModel([self.tr("Action"), self.tr("Keys"), self.tr("Remark")], self)
        self.table = Table(self.model, self.tr("Actions and their keys"), 0)
        self._chosen = label("", "heading")
        self.field = QKeySequenceEdit()
        self.field.setMaximumSequenceLength(1)
        self.field.setAccessibleName(self.tr("Press the new key"))
        self.add = button(self.tr("Add key"))
        self.only = button(self.tr("Only this key"))
        self.none = button(self.tr("No key"))
        self.usual = button(self.tr("As in the preset"))
        self.told = label("", "second", wrap=True)
        self.take = button(self.tr("Take it from there"))
        self.reset_all = button(self.tr("Reset all"), "flat")
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        self.save = self._buttons.button(QDialogButtonBox.StandardButton.Save)
        self._arrange()
        self._connect()
        self._show()
        self.table.selectRow(0)

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.addWidget(label(self.tr("Preset")))
        top.addWidget(self.presets)
        top.addWidget(self.filter, 1)
        edit = QHBoxLayout()
        for widget in (self._chosen, self.field):
            edit.addWidget(widget, 1)
        for control in (self.add, self.only, self.none, self.usual):
            control.setAutoDefault(False)
            edit.addWidget(control)
        told = QHBoxLayout()
        told.addWidget(self.told, 1)
        told.addWidget(self.take)
        foot = QHBoxLayout()
        foot.addWidget(self.reset_all)
        foot.addStretch(1)
        foot.addWidget(self._buttons)
        self.take.setAutoDefault(False)
        self.reset_all.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 12)
        column.setSpacing(9)
        column.addLayout(top)
        column.addWidget(self.table, 1)
        column.addLayout(edit)
        column.addLayout(told)
        column.addLayout(foot)

    def _connect(self) -> None:
        self.presets.currentTextChanged.connect(self._preset_chosen)
        self.filter.textChanged.connect(self._show)
        self.table.selectionModel().currentRowChanged.connect(self._row_chosen)
        self.field.keySequenceChanged.connect(self._typed)
        self.add.clicked.connect(self._add)
        self.only.clicked.connect(self._only)
        self.none.clicked.connect(self._none)
        self.usual.clicked.connect(self._usual)
        self.take.clicked.connect(self._take)
        self.reset_all.clicked.connect(self._reset)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)

    @property
    def chosen(self) -> ActionSpec | None:
        """The action whose keys are being changed."""
        return _NAMES.get(str(self.table.currentIndex().data(CellRole.KEY) or ""))

    def choose(self, name: str) -> None:
        """Go to an action; the filter gives way."""
        self.filter.clear()
        for number, row in enumerate(self.model.rows):
            if row.key == name:
                self.table.selectRow(number)

    @Slot()
    def _show(self) -> None:
        """Draw the map as it stands; conflicts are words in their rows and one line under the table."""
        resolved = self.keys.resolve(ACTIONS)
        shared = conflicts(resolved)
        wanted = self.filter.text()
        before = self.chosen
        rows = []
        for spec in ACTIONS:
            keys = resolved[spec.id]
            if wanted and rank(wanted, translated(spec.text)) is None and rank(wanted, native(keys)) is None:
                continue
            scope = "" if spec.scope is Scope.WINDOW else f" · {translated(spec.scope.value)}"
            cells = (
                Cell(translated(spec.text), translated(spec.group) + scope, tip=translated(spec.tip)),
                Cell(native(keys) or "–", self.tr("changed") if spec.id in self.keys.changes else "", mono=True),
                Cell(*self._remark(spec.id, keys, shared)),
            )
            rows.append(Row(spec.id, cells))
        self.model.show(rows)
        if before is not None:
            for number, row in enumerate(self.model.rows):
                if row.key == before.id and self.chosen != before:
                    self.table.selectRow(number)
        if not self.table.currentIndex().isValid() and rows:
            self.table.selectRow(0)
        self.save.setEnabled(not shared)
        self.take.hide()
        lines = [self._shared(key, names) for key, names in shared.items()]
        self.told.setText(" ".join(lines) or self.tr("No two actions share a key."))
        self._row_chosen()

    def _remark(self, name: str, keys: tuple[str, ...], shared: dict[str, tuple[str, ...]]) -> tuple[str, str]:
        others = [o for key in keys for o in shared.get(key, ()) if o != name]
        if others:
            return self.tr("Conflict"), ", ".join(translated(_NAMES[o].text).rstrip("…") for o in others)
        hard = uncertain(keys)
        return (self.tr("AltGr"), self.tr("on keyboards: {names}").format(names=", ".join(hard))) if hard else ("", "")

    def _shared(self, key: str, names: tuple[str, ...]) -> str:
        words = self.tr("{key} is shared by: {names}.")
        return words.format(key=native([key]), names=", ".join(translated(_NAMES[n].text).rstrip("…") for n in names))

    @Slot()
    def _row_chosen(self, _: QModelIndex = QModelIndex(), __: QModelIndex = QModelIndex()) -> None:  # noqa: B008
        spec = self.chosen
        self._chosen.setText(translated(spec.text).rstrip("…") if spec is not None else "")
        self.usual.setEnabled(spec is not None and spec.id in self.keys.changes)
        self.none.setEnabled(spec is not None and bool(self.keys.resolve(ACTIONS)[spec.id]))
        self.field.clear()
        self._typed()

    @property
    def _key(self) -> str:
        return portable(self.field.keySequence().toString(QKeySequence.SequenceFormat.PortableText))

    @Slot()
    def _typed(self) -> None:
        """Say at once what a key does already, before it is given."""
        key, spec = self._key, self.chosen
        self.add.setEnabled(bool(key) and spec is not None)
        self.only.setEnabled(bool(key) and spec is not None)
        if not key or spec is None:
            return
        others = [name for name, keys in self.keys.resolve(ACTIONS).items() if key in keys and name != spec.id]
        self.take.setVisible(bool(others))
        if others:
            words = self.tr("{key} is the key of: {names}.")
            names = ", ".join(translated(_NAMES[name].text).rstrip("…") for name in others)
            self.told.setText(words.format(key=native([key]), names=names))
        elif hard := uncertain((key,)):
            words = self.tr("{key} needs AltGr on keyboards: {names}. Keep a second key.")
            self.told.setText(words.format(key=native([key]), names=", ".join(hard)))
        else:
            self.told.setText(self.tr("{key} is free.").format(key=native([key])))

    def _give(self, name: str, keys: tuple[str, ...]) -> None:
        self.keys = self.keys.with_keys(name, keys, ACTIONS)
        self._show()

    @Slot()
    def _add(self) -> None:
        spec = self.chosen
        if spec is not None and self._key:
            self._give(spec.id, (*self.keys.resolve(ACTIONS)[spec.id], self._key))

    @Slot()
    def _only(self) -> None:
        spec = self.chosen
        if spec is not None and self._key:
            self._give(spec.id, (self._key,))

    @Slot()
    def _none(self) -> None:
        spec = self.chosen
        if spec is not None:
            self._give(spec.id, ())

    @Slot()
    def _usual(self) -> None:
        spec = self.chosen
        if spec is not None:
            self.keys = self.keys.without_change(spec.id)
            self._show()

    @Slot()
    def _take(self) -> None:
        """Give the typed key to the chosen action and take it from every other."""
        spec, key = self.chosen, self._key
        if spec is None or not key:
            return
        for name, keys in self.keys.resolve(ACTIONS).items():
            if key in keys and name != spec.id:
                self.keys = self.keys.with_keys(name, tuple(k for k in keys if k != key), ACTIONS)
        self._give(spec.id, (*self.keys.resolve(ACTIONS)[spec.id], key))

    @Slot(str)
    def _preset_chosen(self, preset: str) -> None:
        self.keys = KeyMap(preset, self.keys.changes)
        self._show()

    @Slot()
    def _reset(self) -> None:
        """Every key as the preset has it."""
        self.keys = KeyMap(self.keys.preset)
        self._show()

    def keyPressEvent(self, event: object) -> None:  # noqa: N802
        """Return in the filter must not save."""
        if self.filter.hasFocus() and getattr(event, "key", lambda: None)() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.table.setFocus()
            return
        super().keyPressEvent(event)  # type: ignore[arg-type]
