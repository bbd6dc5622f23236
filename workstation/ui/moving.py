"""Cases that move: exported, backed up, taken in from a pack, opened with a passphrase. Long work is a job."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from workstation.domain.errors import CaseLocked, WorkstationError
from workstation.domain.ids import JobId
from workstation.domain.jobs import Job, JobState
from workstation.ui.desk import Desk
from workstation.ui.dialogs.export import ExportDialog
from workstation.ui.dialogs.passphrase import PassphraseDialog
from workstation.ui.models.jobs import JobsModel
from workstation.ui.widgets.banner import Banner

if TYPE_CHECKING:
    from workstation.app.engine import Engine


class Moving(QObject):
    """Dialogs are opened, not executed. What a finished job made is told in the banner."""

    def __init__(
        self, engine: Engine, desk: Desk, jobs: JobsModel, banner: Banner, window: QWidget, settings: QSettings
    ) -> None:
        super().__init__(window)
        self._engine, self._desk, self._jobs = engine, desk, jobs
        self._banner, self._window, self._settings = banner, window, settings
        self._told: dict[JobId, tuple[Callable[[Job], None], Callable[[], None] | None]] = {}
        self._then: Callable[[QDialog], None] = _nothing
        self.dialog: QDialog | None = None
        desk.sealed.connect(self.ask_passphrase)
        jobs.ended.connect(self._ended)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Id of every action to what it does."""
        return {"case.export": self.ask_export, "case.backup": self.ask_backup, "case.import": self.ask_import}

    def ask_export(self) -> None:
        session = self._desk.session
        if session is not None:
            self._open(ExportDialog(self._desk.items, session.case.number, self._settings, self._window), self._export)

    def ask_backup(self) -> None:
        start = str(self._settings.value("backups", str(Path.home())))
        name = QFileDialog.getExistingDirectory(self._window, self.tr("Empty folder for the backup"), start)
        if name:
            self._settings.setValue("backups", str(Path(name).parent))
            self.back_up(Path(name))

    def back_up(self, folder: Path) -> None:
        """Copy the open case, as it stands at one moment, into an empty folder."""
        session = self._desk.session
        if session is not None:
            from workstation.app import portability

            work = partial(portability.back_up, self._engine, session, folder)
            self._desk.ask(work, lambda job: self._follow(job, self._backed_up))

    def ask_import(self) -> None:
        start = str(self._settings.value("exports", str(Path.home())))
        pack, _ = QFileDialog.getOpenFileName(self._window, self.tr("Pack to take in"), start, self.tr("Pack (*.zip)"))
        if not pack:
            return
        start = str(self._settings.value("cases", str(Path.home())))
        folder = QFileDialog.getExistingDirectory(self._window, self.tr("Folder the case folder is made in"), start)
        if folder:
            self.take_in_pack(Path(pack), Path(folder) / Path(pack).stem)

    def take_in_pack(self, pack: Path, folder: Path, passphrase: str | None = None) -> None:
        """Unpack a case into a new folder; it is verified before it stands there. An encrypted one is asked for its
        passphrase."""
        from workstation.app import portability

        work = partial(portability.import_pack, self._engine, pack, folder, passphrase=passphrase)
        locked = partial(self._pack_locked, pack, folder, passphrase is not None)
        self._desk.ask(work, lambda job: self._follow(job, self._taken_in, locked))

    def _pack_locked(self, pack: Path, folder: Path, tried: bool) -> None:
        def unlock(dialog: QDialog) -> None:
            if isinstance(dialog, PassphraseDialog):
                self.take_in_pack(pack, folder, dialog.text)

        self._open(PassphraseDialog(pack.name, wrong=tried, parent=self._window), unlock)

    @Slot(object)
    def ask_passphrase(self, _: WorkstationError) -> None:
        """The case asked for is encrypted; ask, and say when the last answer was wrong."""
        opening = self._desk.opening
        if opening is not None:
            self._open(PassphraseDialog(opening.folder.name, wrong=opening.tried, parent=self._window), self._unlock)

    def _unlock(self, dialog: QDialog) -> None:
        opening = self._desk.opening
        if isinstance(dialog, PassphraseDialog) and opening is not None:
            self._desk.open_case(opening.folder, read_only=opening.read_only, passphrase=dialog.text)

    def _export(self, dialog: QDialog) -> None:
        session = self._desk.session
        if not isinstance(dialog, ExportDialog) or session is None:
            return
        from workstation.app import portability

        chosen = dialog.choice
        wish = portability.ExportWish(
            chosen.target, chosen.purpose, chosen.authority, chosen.recipient, chosen.only, chosen.media
        )
        work = partial(portability.export, self._engine, session, wish)
        self._desk.ask(work, lambda job: self._follow(job, self._exported))

    def _exported(self, job: Job) -> None:
        result = job.result or {}
        place = Path(str(result.get("path", "")))
        words = self.tr("Exported: {name} · {n} members, verified · SHA-256 {digest}…").format(
            name=place.name, n=result.get("members", 0), digest=str(result.get("sha256", ""))[:12]
        )
        show = partial(QDesktopServices.openUrl, QUrl.fromLocalFile(str(place.parent)))
        self._banner.tell(words, self.tr("Show folder"), show)

    def _backed_up(self, job: Job) -> None:
        result = job.result or {}
        words = self.tr("Backed up: {n} files, verified · head code {code}").format(
            n=result.get("files", 0), code=result.get("code", "")
        )
        self._banner.tell(words)

    def _taken_in(self, job: Job) -> None:
        folder = Path(str((job.result or {}).get("folder", "")))
        words = self.tr("Taken in and verified: {name}").format(name=folder.name)
        self._banner.tell(words, self.tr("Open this case"), partial(self._desk.open_case, folder))
        self._desk.read_known()

    def _follow(self, job: JobId, told: Callable[[Job], None], locked: Callable[[], None] | None = None) -> None:
        self._told[job] = (told, locked)
        known = next((entry for entry in self._jobs.jobs if entry.id == job and entry.state.ended), None)
        if known is not None:
            self._ended(known)

    @Slot(object)
    def _ended(self, job: Job) -> None:
        told, locked = self._told.pop(job.id, (None, None))
        if told is None:
            return
        if job.state is JobState.DONE:
            told(job)
        elif job.error_code == CaseLocked.code and locked is not None:
            locked()
        elif job.state is JobState.FAILED:
            self._banner.tell(f"{job.title}: {job.error}")

    def _open(self, dialog: QDialog, then: Callable[[QDialog], None]) -> None:
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = dialog
        self._then = then
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        dialog.finished.connect(self._answered)
        dialog.open()

    @Slot(int)
    def _answered(self, code: int) -> None:
        dialog, self.dialog = self.dialog, None
        if dialog is not None:
            if code == QDialog.DialogCode.Accepted:
                self._then(dialog)
            dialog.deleteLater()


def _nothing(_: QDialog) -> None:
    return
