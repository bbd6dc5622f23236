"""What belongs to this machine and not to a case: settings, detectors, the log, and faults nobody foresaw."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Slot
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from workstation.app.crash_reports import crash_text, write_crash_report
from workstation.app.log_reading import LogEntry, crash_reports, read_log
from workstation.app.settings_form import FILE, form, save
from workstation.domain.detectors import InstalledDetector
from workstation.domain.errors import WorkstationError
from workstation.domain.ids import JobId
from workstation.domain.jobs import Job, JobContext, JobState, Lane
from workstation.ui.desk import Desk
from workstation.ui.dialogs.confirm import ConfirmBox
from workstation.ui.dialogs.detector_manager import DetectorManager
from workstation.ui.dialogs.log_viewer import LogViewer
from workstation.ui.dialogs.settings import SettingsDialog
from workstation.ui.models.jobs import JobsModel
from workstation.ui.widgets.banner import Banner

if TYPE_CHECKING:
    from workstation.app.engine import Engine

_log = logging.getLogger(__name__)
Packages = tuple[InstalledDetector, ...]


class MachineWork(QObject):
    """Dialogs are opened, not executed. Self-tests and imports are jobs; what they found is shown where they were
    asked for."""

    def __init__(
        self,
        engine: Engine,
        desk: Desk,
        jobs: JobsModel,
        banner: Banner,
        window: QWidget,
        settings: QSettings,
        packages_changed: Callable[[], object],
    ) -> None:
        super().__init__(window)
        self._engine, self._desk, self._jobs = engine, desk, jobs
        self._banner, self._window, self._settings = banner, window, settings
        self._packages_changed = packages_changed
        self._waiting: dict[JobId, Callable[[Job], object]] = {}
        self._removing: InstalledDetector | None = None
        self.dialog: QDialog | None = None
        self.question: QDialog | None = None
        jobs.ended.connect(self._ended)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Id of every action to what it does."""
        return {
            "settings": self.open_settings,
            "detectors.manage": self.open_detectors,
            "log.view": self.open_log,
        }

    def open_settings(self) -> None:
        self._desk.ask(lambda: form(self._engine.settings), self._show_settings)

    def _show_settings(self, fields: object) -> None:
        dialog = SettingsDialog(fields, str(self._engine.home.root / FILE), self._window)  # type: ignore[arg-type]
        dialog.accepted.connect(self._settings_accepted)
        self._open(dialog)

    @Slot()
    def _settings_accepted(self) -> None:
        if isinstance(self.dialog, SettingsDialog) and self.dialog.values:
            values = self.dialog.values
            self._desk.ask(partial(save, self._engine.home.root, values), self._settings_saved)

    def _settings_saved(self, _: object) -> None:
        self._banner.tell(self.tr("Settings saved. They count from the next start of the program."), seconds=8)

    def open_detectors(self) -> None:
        self._desk.ask(self._engine.detectors, self._show_detectors)

    def _show_detectors(self, packages: Packages) -> None:
        dialog = DetectorManager(packages, self._window)
        dialog.import_wanted.connect(self._choose_package)
        dialog.test_wanted.connect(self.test_detector)
        dialog.remove_wanted.connect(self._ask_remove)
        self._open(dialog)

    @Slot()
    def _choose_package(self) -> None:
        start = str(self._settings.value("packages", str(Path.home())))
        name, _ = QFileDialog.getOpenFileName(
            self._window,
            self.tr("Detector package"),
            start,
            self.tr("Packages (*.zip *.tar *.tar.gz *.tgz card.toml);;Every file (*)"),
        )
        if name:
            path = Path(name)
            self._settings.setValue("packages", str(path.parent))
            self.import_detector(path.parent if path.name == "card.toml" else path)

    def import_detector(self, source: Path) -> None:
        """Check a package and file it, as a job; the list shows it then."""

        def work(_: JobContext) -> dict[str, object]:
            return {"package": self._engine.install_detector(source).card.id}

        self._submit(Lane.IO, self.tr("Import detector {name}").format(name=source.name), work, self._imported)

    def _imported(self, job: Job) -> None:
        name = str((job.result or {}).get("package", ""))
        words = job.error if job.state is JobState.FAILED else self.tr("Imported: {name}").format(name=name)
        self._read_packages(words)

    @Slot(object)
    def test_detector(self, package: InstalledDetector) -> None:
        """Let a detector answer its sealed self-test, on the lane that may load networks (V7)."""

        def work(_: JobContext) -> dict[str, object]:
            return {"outcome": self._engine.verify_detector(package)}

        def tested(job: Job) -> None:
            if not isinstance(self.dialog, DetectorManager):
                return
            if job.state is JobState.DONE and job.result is not None:
                self.dialog.show_test(package.card.id, job.result["outcome"])  # type: ignore[arg-type]
            else:
                self._read_packages(job.error)

        self._submit(Lane.GPU, self.tr("Self-test of {name}").format(name=package.card.id), work, tested)

    @Slot(object)
    def _ask_remove(self, package: InstalledDetector) -> None:
        self._removing = package
        what = self.tr("Remove {name}").format(name=package.card.id)
        detail = self.tr("Results made with it stay in their cases. It can be imported again from its package.")
        self.question = ConfirmBox(what, self.tr("Take this detector off this machine?"), detail, what, self._window)
        self.question.accepted.connect(self._remove)
        self.question.open()

    @Slot()
    def _remove(self) -> None:
        package, self._removing = self._removing, None
        if package is not None:
            name = package.card.id
            words = self.tr("Removed: {name}").format(name=name)
            self._desk.ask(partial(self._engine.remove_detector, name), lambda _: self._read_packages(words))

    def _read_packages(self, words: str = "") -> None:
        self._packages_changed()

        def took(packages: Packages) -> None:
            if isinstance(self.dialog, DetectorManager):
                self.dialog.show_packages(packages, words)

        self._desk.ask(self._engine.detectors, took)

    def open_log(self) -> None:
        dialog = LogViewer(self._engine.home.logs, self._window)
        dialog.read_wanted.connect(self._read_log)
        self._open(dialog)
        self._read_log()

    @Slot()
    def _read_log(self) -> None:
        home = self._engine.home
        self._desk.ask(lambda: (read_log(home), crash_reports(home)), self._took_log)

    def _took_log(self, answer: tuple[tuple[LogEntry, ...], tuple[Path, ...]]) -> None:
        if isinstance(self.dialog, LogViewer):
            self.dialog.show_entries(*answer)

    def tell_unexpected(self, kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
        """A fault nobody foresaw: into the log, into a local report that is shown in full, and sent nowhere."""
        from workstation.ui.dialogs.crash import CrashBox

        _log.error("an unexpected fault in the window", exc_info=(kind, fault, trace))
        if not issubclass(kind, Exception) or isinstance(self.dialog, CrashBox):
            return
        home = self._engine.home
        written: list[Path] = []

        def write(with_contents: bool) -> tuple[Path, str]:
            text = crash_text(fault, with_contents=with_contents)
            path = write_crash_report(home, fault, with_contents=with_contents)
            for old in [one for one in written if one != path]:
                old.unlink(missing_ok=True)
            written[:] = [path]
            return path, text

        self._open(CrashBox(fault, write, self._window))

    def _submit(
        self, lane: Lane, title: str, work: Callable[[JobContext], dict[str, object]], then: Callable[[Job], object]
    ) -> None:
        try:
            job = self._engine.jobs.submit(lane, title, work)
        except WorkstationError as fault:
            self._desk.failed.emit(fault)
            return
        self._waiting[job] = then

    @Slot(object)
    def _ended(self, job: Job) -> None:
        then = self._waiting.pop(job.id, None)
        if then is not None:
            then(job)

    def _open(self, dialog: QDialog) -> None:
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = dialog
        dialog.finished.connect(self._closed)
        dialog.open()

    @Slot()
    def _closed(self) -> None:
        if self.dialog is not None and self.dialog is self.sender():
            self.dialog.deleteLater()
            self.dialog = None
