"""What the examiner does with a case: make, open, take in, run, report, export. Long work is always a job."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QObject, QSettings, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from workstation.app.filed_records import measured_of
from workstation.app.planning import Measured
from workstation.app.view_export import ViewExport, export_view
from workstation.domain.detectors import InstalledDetector
from workstation.domain.errors import InputError, WorkstationError
from workstation.domain.examinations import ExaminationState
from workstation.domain.ids import ExaminationId, IntakeId, JobId
from workstation.domain.jobs import Job, JobState, Lane
from workstation.domain.map_scale import Look
from workstation.domain.reports import ReportRecord
from workstation.ui.desk import Desk
from workstation.ui.dialogs.confirm import ConfirmBox
from workstation.ui.dialogs.intake import IntakeDialog
from workstation.ui.dialogs.new_case import NewCaseDialog
from workstation.ui.dialogs.run import Finders, RunDialog
from workstation.ui.dialogs.told import ErrorBox
from workstation.ui.exhibit import ExhibitData
from workstation.ui.models.jobs import JobsModel
from workstation.ui.navigator import Navigator
from workstation.ui.viewer.compose import threshold_of
from workstation.ui.viewer.state import OverlayState
from workstation.ui.widgets.banner import Banner
from workstation.ui.words import plural

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.app.session import CaseSession
    from workstation.app.unfinished import Unfinished

_log = logging.getLogger(__name__)


class Work(QObject):
    """Dialogs are opened, not executed: the window goes on while one is up."""

    packages_known = Signal(object)

    def __init__(
        self,
        engine: Engine,
        desk: Desk,
        jobs: JobsModel,
        navigator: Navigator,
        overlay: OverlayState,
        banner: Banner,
        window: QWidget,
        settings: QSettings,
    ) -> None:
        super().__init__(window)
        self._engine, self._desk, self._jobs = engine, desk, jobs
        self._navigator, self._overlay, self._banner = navigator, overlay, banner
        self._window, self._settings = window, settings
        self._mine: set[JobId] = set()
        self.packages: tuple[InstalledDetector, ...] = ()
        self.dialog: QDialog | None = None
        self._then: Callable[[], object] | None = None
        desk.failed.connect(self.tell)
        desk.locked.connect(self.offer_reading)
        desk.case_shown.connect(self.look_for_unfinished)
        jobs.ended.connect(self._ended)

    def read_packages(self) -> None:
        """Read the cards of the detectors, in the background."""
        self._desk.ask(self._engine.detectors, self._took_packages)

    def new_case(self) -> None:
        dialog = NewCaseDialog(self._settings, self._window)
        dialog.accepted.connect(self._new_accepted)
        self._open_dialog(dialog)

    def open_case(self) -> None:
        start = str(self._settings.value("cases", str(Path.home())))
        folder = QFileDialog.getExistingDirectory(self._window, self.tr("Open the folder of a case"), start)
        if folder:
            self.open_folder(Path(folder))

    @Slot(object)
    def open_folder(self, folder: Path) -> None:
        self.ask_before_ending(self.tr("Open another case"), partial(self._desk.open_case, folder))

    def close_case(self) -> None:
        self.ask_before_ending(self.tr("Close the case"), self._desk.close_case)

    def ask_before_ending(self, what: str, then: Callable[[], object]) -> None:
        """Do it at once when nothing runs; else ask first, because it cancels what runs."""
        active = self._jobs.case_work
        if not active:
            then()
            return
        count = plural(len(active), self.tr("job is at work"), self.tr("jobs are at work"))
        detail = self.tr("This cancels them. What was committed stays in the case; an examination can be gone on with.")
        box = ConfirmBox(what, f"{count}: {active[0].title}", detail, what, self._window)
        self._then = then
        box.accepted.connect(self._sure)
        self._open_dialog(box)

    @Slot()
    def _sure(self) -> None:
        then, self._then = self._then, None
        if then is not None:
            then()

    def add_exhibits(self) -> None:
        dialog = IntakeDialog(self._settings, parent=self._window)
        dialog.accepted.connect(self._intake_accepted)
        self._open_dialog(dialog)

    @Slot()
    def _intake_accepted(self) -> None:
        if isinstance(self.dialog, IntakeDialog):
            chosen = self.dialog.choice
            self.take_in(list(chosen.paths), chosen.note, chosen.purpose, chosen.authority)

    def take_in(self, paths: list[Path], note: str = "", purpose: str = "", authority: str = "") -> None:
        """Import files or folders; used by the dialog and by dropping."""
        session = self._desk.session
        if session is None:
            self.tell(InputError("No case is open.", "Make or open a case, then add the files to it."))
            return
        self._desk.ask(partial(session.import_files, paths, note, purpose, authority), self._submitted)

    @Slot()
    def look_for_unfinished(self) -> None:
        """Offer to go on with what the case just opened was left in the middle of (U6)."""
        session = self._desk.session
        if session is not None and not session.read_only:
            self._desk.ask(lambda: (session, session.unfinished()), self._offer_unfinished)

    def _offer_unfinished(self, answer: tuple[CaseSession, Unfinished]) -> None:
        session, left = answer
        if session is not self._desk.session or not left:
            return
        words = " ".join(left.lines())
        if left.intake is not None:
            self._banner.tell(words, self.tr("Continue the import"), partial(self._go_on_with_import, left.intake.id))
        else:
            run = left.examinations[-1]
            go_on = partial(self._go_on_with_examination, run.id)
            self._banner.tell(words, self.tr("Continue examination {n}").format(n=run.number), go_on)

    def _go_on_with_import(self, batch: IntakeId) -> None:
        if self._desk.session is not None:
            self._desk.ask(partial(self._desk.session.resume_import, batch), self._submitted)

    def _go_on_with_examination(self, examination: ExaminationId) -> None:
        if self._desk.session is not None:
            self._desk.ask(partial(self._desk.session.resume, examination), self._submitted)

    def verify(self) -> None:
        if self._desk.session is not None:
            self._desk.ask(self._desk.session.verify_evidence, self._submitted)

    def run(self) -> None:
        """Ask what to run. The finders are read first, off the GUI thread."""
        if self._desk.session is not None:
            self._desk.ask(self._runnable, self._ask_run)

    def _runnable(self) -> tuple[tuple[InstalledDetector, ...], Finders, Measured]:
        packages = self._engine.detectors()
        return packages, self._engine.finders(), measured_of(self._engine.home, packages)

    def resume(self) -> None:
        session, data = self._desk.session, self._desk.data
        if session is not None and data is not None and data.run is not None:
            self._desk.ask(partial(session.resume, data.run.id), self._submitted)

    @property
    def can_resume(self) -> bool:
        data = self._desk.data
        stopped = (ExaminationState.CANCELLED, ExaminationState.FAILED, ExaminationState.INTERRUPTED)
        return data is not None and data.run is not None and data.run.state in stopped

    def cancel(self) -> bool:
        """Cancel the running job of this case, else the last queued one; whether there was any."""
        active = self._jobs.case_work
        if not active:
            return False
        job = next((job for job in active if job.state is JobState.RUNNING), active[-1])
        self.cancel_job(job.id)
        self._banner.tell(
            self.tr("Cancelling: {job}. What was committed stays in the case.").format(job=job.title), seconds=6
        )
        return True

    @Slot(object)
    def cancel_job(self, job: JobId) -> None:
        self._desk.ask(partial(self._engine.jobs.cancel, job), _nothing)

    def build_report(self) -> None:
        if self._desk.session is not None:
            self._desk.ask(self._desk.session.build_report, self._submitted)

    def export_frame(self) -> None:
        data = self._desk.data
        if data is None or not data.frames:
            return
        name = f"{data.item.exhibit}-frame-{self._navigator.ordinal + 1:06d}.png"
        start = Path(str(self._settings.value("exports", str(Path.home())))) / name
        path, _ = QFileDialog.getSaveFileName(
            self._window, self.tr("Export this frame with its burn-in"), str(start), self.tr("PNG picture (*.png)")
        )
        if path:
            self._settings.setValue("exports", str(Path(path).parent))
            self.export_frame_to(Path(path))

    def export_frame_to(self, path: Path) -> None:
        session, data = self._desk.session, self._desk.data
        if session is None or data is None:
            return
        run = data.run.id if data.run is not None else None
        export = partial(
            session.export_frame,
            data.item.id,
            self._navigator.ordinal,
            path,
            examination=run,
            detector=self._overlay.detector,
            opacity=self._overlay.opacity,
            look=self._look(data),
        )
        self._desk.ask(export, self._submitted)

    def export_view(self, seen: Callable[[Path], ViewExport | None]) -> None:
        """Ask where to, then write out what the viewer shows now."""
        data = self._desk.data
        if data is None or not data.frames:
            return
        start = Path(str(self._settings.value("exports", str(Path.home())))) / f"{data.item.exhibit}-view.png"
        path, _ = QFileDialog.getSaveFileName(
            self._window, self.tr("Export what is seen"), str(start), self.tr("PNG picture (*.png)")
        )
        if path:
            self._settings.setValue("exports", str(Path(path).parent))
            self.export_view_to(seen(Path(path)))

    def export_view_to(self, request: ViewExport | None) -> None:
        session = self._desk.session
        if session is None:
            return
        if request is None:
            self.tell(InputError("There is no exact frame in the viewer.", "Wait for it, then export again."))
            return
        self._desk.ask(partial(export_view, self._engine, session, request), self._submitted)

    def _look(self, data: ExhibitData) -> Look:
        """What is drawn over the frame in the window now: nothing while the overlay is off."""
        return Look(self._overlay.seen, self._overlay.colours, threshold_of(data, self._overlay.detector))

    @Slot(object)
    def open_report(self, report: ReportRecord) -> None:
        session = self._desk.session
        if session is not None:
            path = Path(report.path)
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path if path.is_absolute() else session.folder / path)))

    @Slot(object)
    def tell(self, error: WorkstationError) -> None:
        """Show an error: one line and what to do."""
        self._open_dialog(ErrorBox(error, self._window))

    @Slot(object)
    def offer_reading(self, error: WorkstationError) -> None:
        """A case that is open elsewhere can be opened for reading only."""
        folder = self._desk.asked
        box = ErrorBox(error, self._window)
        if folder is not None:
            box.offer(self.tr("Open for reading only"), partial(self._desk.open_case, folder, read_only=True))
        self._open_dialog(box)

    def tell_unexpected(self, kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
        """A fault nobody foresaw: into the log in full, and one line to the examiner. The window goes on."""
        _log.error("an unexpected fault in the window", exc_info=(kind, fault, trace))
        if issubclass(kind, Exception):
            line = f"An unexpected fault in the window: {kind.__name__}: {fault}."
            self.tell(WorkstationError(line, "What was committed is safe. The log has the details."))

    def _open_dialog(self, dialog: QDialog) -> None:
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = dialog
        dialog.finished.connect(self._dialog_done)
        dialog.open()

    @Slot()
    def _dialog_done(self) -> None:
        if self.dialog is not None and self.dialog is self.sender():
            self.dialog.deleteLater()
            self.dialog = None

    @Slot()
    def _new_accepted(self) -> None:
        if isinstance(self.dialog, NewCaseDialog):
            answer = self.dialog.answer
            make = partial(
                self._desk.create_case,
                answer.folder,
                number=answer.number,
                title=answer.title,
                examiner=answer.examiner,
                question=answer.question,
                passphrase=answer.passphrase,
            )
            self.ask_before_ending(self.tr("Make the new case"), make)

    def _took_packages(self, packages: tuple[InstalledDetector, ...]) -> None:
        self.packages = packages
        self.packages_known.emit(packages)

    def _ask_run(self, answer: tuple[Any, Any, Any]) -> None:
        packages, finders, measured = answer
        self._took_packages(packages)
        shown = self._desk.data.item.id if self._desk.data else None
        dialog = RunDialog(self._desk.items, shown, packages, finders, self._window, measured=measured)
        dialog.accepted.connect(self._run_accepted)
        self._open_dialog(dialog)

    @Slot()
    def _run_accepted(self) -> None:
        session = self._desk.session
        if isinstance(self.dialog, RunDialog) and session is not None:
            chosen = self.dialog.choice
            run = partial(
                session.examine, chosen.evidence, chosen.detectors, chosen.frames, chosen.finder, chosen.merging
            )
            self._desk.ask(run, self._submitted)

    def follow(self, job: JobId) -> None:
        """Tell what this job did when it ends, as of one asked for here."""
        self._submitted(job)

    def _submitted(self, job: JobId) -> None:
        self._mine.add(job)
        known = next((entry for entry in self._jobs.jobs if entry.id == job and entry.state.ended), None)
        if known is not None:
            self._ended(known)

    @Slot(object)
    def _ended(self, job: Job) -> None:
        if job.background and job.result and job.result.get("mismatch"):
            self._done(job)
            return
        if job.id not in self._mine:
            return
        self._mine.discard(job.id)
        if job.state is JobState.FAILED:
            again = partial(self._desk.ask, partial(self._engine.jobs.retry, job.id), self.follow)
            self._banner.tell(f"{job.title}: {job.error}", self.tr("Try again"), again)
        elif job.state is JobState.DONE:
            self._done(job)

    def _done(self, job: Job) -> None:
        result = job.result or {}
        refused = result.get("refused")
        path = result.get("path")
        total = result.get("total")
        if isinstance(refused, list) and refused:
            lines = [str(entry.get("line", "")) for entry in refused[:3] if isinstance(entry, dict)]
            more = self.tr(" and {n} more").format(n=len(refused) - 3) if len(refused) > 3 else ""
            count = plural(len(refused), self.tr("file was refused"), self.tr("files were refused"))
            self._banner.tell(f"{count}: " + "  ".join(lines) + more)
        elif isinstance(total, int):
            added = bool(result.get("added"))
            words = self.tr("Run examination…") if added else ""
            self._banner.tell(_taken_in(result, total), words, self.run, seconds=0 if added else 8)
        elif path and job.lane is Lane.REPORT:
            place = Path(str(path))
            digest = str(result.get("sha256", ""))[:12]
            words = self.tr("Written: {name} · SHA-256 {digest}…").format(name=place.name, digest=digest)
            opened = partial(QDesktopServices.openUrl, QUrl.fromLocalFile(str(place)))
            self._banner.tell(words, self.tr("Open"), opened)
        elif isinstance(result.get("mismatch"), list) and result["mismatch"]:
            self._banner.tell(self.tr("MISMATCH: {names}").format(names=", ".join(map(str, result["mismatch"]))))  # type: ignore[call-overload]
        elif job.lane is Lane.GPU:
            words = self.tr("{job}: done. What each track scored stands on the right.").format(job=job.title)
            self._banner.tell(words, self.tr("Build signed report"), self.build_report)


def _nothing(_: object) -> None:
    return


def _taken_in(result: Mapping[str, object], total: int) -> str:
    """What an import did, every listed file counted once (X10)."""
    added, same, left = (len(result[name]) for name in ("added", "duplicates", "left_out"))  # type: ignore[arg-type]  # lists by contract
    parts = [QCoreApplication.translate("work", "{n} taken in").format(n=added)]
    if same:
        parts.append(QCoreApplication.translate("work", "{n} already in the case").format(n=same))
    if left:
        parts.append(QCoreApplication.translate("work", "{n} left out").format(n=left))
    return QCoreApplication.translate("work", "{total} listed: {parts}.").format(total=total, parts=", ".join(parts))
