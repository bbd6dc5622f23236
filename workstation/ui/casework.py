"""The case work round the viewer: keys, search, workspaces, settings, detectors, custody and logs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Qt, Slot
from PySide6.QtWidgets import QDialog, QWidget

from workstation.ui.actions import Actions
from workstation.ui.desk import Desk
from workstation.ui.keys.keymap import read_keys, write_keys
from workstation.ui.models.jobs import JobsModel
from workstation.ui.navigator import Navigator
from workstation.ui.widgets.banner import Banner

if TYPE_CHECKING:
    from workstation.app.engine import Engine


class CaseWork(QObject):
    """Dialogs are opened, not executed: the window goes on while one is up."""

    def __init__(
        self,
        engine: Engine,
        desk: Desk,
        jobs: JobsModel,
        navigator: Navigator,
        banner: Banner,
        window: QWidget,
        settings: QSettings,
    ) -> None:
        super().__init__(window)
        self._engine, self._desk, self._jobs = engine, desk, jobs
        self._navigator, self._banner = navigator, banner
        self._window, self._settings = window, settings
        self._commands: Actions | None = None
        self.dialog: QDialog | None = None

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Id of every action of the case work to what it does."""
        return {"keys.edit": self.edit_keys}

    def attach(self, commands: Actions) -> None:
        """Take the live actions and give them the keys of the user profile."""
        self._commands = commands
        commands.set_keys(read_keys(self._settings))

    def edit_keys(self) -> None:
        from workstation.ui.dialogs.key_editor import KeyEditor

        dialog = KeyEditor(read_keys(self._settings), self._window)
        dialog.accepted.connect(self._keys_changed)
        self._open(dialog)

    @Slot()
    def _keys_changed(self) -> None:
        from workstation.ui.dialogs.key_editor import KeyEditor

        if isinstance(self.dialog, KeyEditor) and self._commands is not None:
            write_keys(self._settings, self.dialog.keys)
            self._commands.set_keys(self.dialog.keys)
            self._banner.tell(self.tr("Keys changed. Shift+F1 shows them all."), seconds=4)

    def _open(self, dialog: QDialog) -> None:
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        dialog.finished.connect(self._closed)
        dialog.open()

    @Slot()
    def _closed(self) -> None:
        if self.dialog is not None and self.dialog is self.sender():
            self.dialog.deleteLater()
            self.dialog = None
