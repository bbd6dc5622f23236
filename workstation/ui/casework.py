"""The case work round the viewer: keys, search, workspaces, settings, detectors, custody and logs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDialog, QMainWindow

from workstation.app.contents import Contents, Reader
from workstation.app.proving import Proof, prove
from workstation.app.searching import Hit, search
from workstation.domain.custody import Verification
from workstation.domain.ids import JobId
from workstation.domain.jobs import Job, JobContext, JobState, Lane
from workstation.ui.actions import Actions
from workstation.ui.beginning import Beginning
from workstation.ui.desk import Desk
from workstation.ui.dialogs.custody_viewer import CustodyViewer
from workstation.ui.dialogs.search import Found, SearchDialog
from workstation.ui.keys.keymap import read_keys, write_keys
from workstation.ui.layout import Layout
from workstation.ui.machine_work import MachineWork
from workstation.ui.models.jobs import JobsModel
from workstation.ui.navigator import Navigator
from workstation.ui.panels.case_panel import CasePanel
from workstation.ui.panels.inspector import Inspector
from workstation.ui.tree_work import TreeWork
from workstation.ui.widgets.banner import Banner
from workstation.ui.work import Work
from workstation.ui.workspaces import Workspaces, WorkspaceTabs

if TYPE_CHECKING:
    from workstation.app.engine import Engine


class CaseWork(QObject):
    """Dialogs are opened, not executed: the window goes on while one is up.

    Signals:
        contents_shown: what the case holds was read again.
    """

    contents_shown = Signal()

    def __init__(
        self,
        engine: Engine,
        desk: Desk,
        work: Work,
        jobs: JobsModel,
        navigator: Navigator,
        banner: Banner,
        window: QMainWindow,
        settings: QSettings,
    ) -> None:
        super().__init__(window)
        self._engine, self._desk, self._work, self._jobs = engine, desk, work, jobs
        self._navigator, self._banner = navigator, banner
        self._window, self._settings = window, settings
        self._commands: Actions | None = None
        self._reader: Reader | None = None
        self.contents = Contents()
        self.dialog: QDialog | None = None
        self.machine = MachineWork(engine, desk, jobs, banner, window, settings, work.read_packages)
        self.beginning = Beginning(engine, desk, jobs, work, self)
        self._verifying: JobId | None = None
        jobs.ended.connect(self._ended)
        desk.custody_shown.connect(self._custody_changed)
        desk.case_shown.connect(self._case_shown)
        for signal in (desk.exhibits_shown, desk.custody_shown, desk.marks_shown):
            signal.connect(self._read)

    def take_docks(self, layout: Layout, inspector: Inspector, case_panel: CasePanel, tree: TreeWork) -> None:
        """Take the panels of the window, before its actions are made."""
        self._inspector = inspector
        self._panel, self.tree = case_panel, tree
        tree.take_panel(case_panel, lambda: self.contents)
        self.contents_shown.connect(self._show_contents)
        tabs = {
            "exhibit": inspector.exhibit,
            "notes": inspector.notes,
            "detectors": inspector.detectors,
            "custody": inspector.custody,
        }
        self.spaces = Workspaces(layout, self._settings, lambda name: inspector.reveal(tabs[name]), self)
        self.tabs = WorkspaceTabs(self.spaces)
        self._window.menuBar().setCornerWidget(self.tabs)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Id of every action of the case work to what it does."""
        return {
            **self.spaces.handlers(),
            "layout.reset": self.spaces.reset,
            "keys.edit": self.edit_keys,
            "search": self.open_search,
            "custody.view": self.open_custody,
            "job.pause": self.hold_running,
            **self.machine.handlers(),
            **self.tree.handlers(),
            **self.beginning.handlers(),
        }

    def attach(self, commands: Actions) -> None:
        """Take the live actions and give them the keys of the user profile."""
        self._commands = commands
        commands.set_keys(read_keys(self._settings))
        self.spaces.changed.connect(self._show_space)
        self._jobs.changed.connect(self._show_jobs)
        self._show_jobs()
        self._show_space()

    def further_commands(self) -> list[QAction]:
        """What the command palette offers beside the table of actions: every panel, shown or not."""
        docks = getattr(self._window, "docks", {})
        return [dock.toggleViewAction() for name, dock in docks.items() if name != "jobs"]

    @Slot()
    def _show_space(self) -> None:
        with_case = self._desk.session is not None
        self.tabs.setVisible(with_case)
        if self._commands is not None:
            self.spaces.show_checked(self._commands, with_case)
            self._commands.set_enabled(("search", "custody.view"), with_case)

    @Slot()
    def _case_shown(self) -> None:
        session = self._desk.session
        self._reader = Reader(session) if session is not None else None
        self.contents = Contents()
        self.contents_shown.emit()
        self._show_space()

    @Slot()
    def _show_contents(self) -> None:
        self._panel.show_contents(self.contents)

    @Slot()
    def _read(self) -> None:
        if self._reader is not None:
            reader = self._reader
            self._desk.reader.ask(lambda: (reader, reader.read()), self._took, key="contents", later=True)

    def _took(self, answer: tuple[Reader, Contents]) -> None:
        reader, contents = answer
        if reader is self._reader and contents != self.contents:
            self.contents = contents
            self.contents_shown.emit()

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

    def open_search(self) -> None:
        if self._desk.session is None:
            return
        dialog = SearchDialog(self._search, self._window)
        dialog.chosen.connect(self.go_to)
        self._open(dialog)

    def _search(self, words: str, then: Found) -> None:
        if self._reader is not None:
            self._desk.reader.ask(partial(search, self.contents, self._reader, words), then, key="search")

    @Slot(object)
    def go_to(self, hit: Hit) -> None:
        """Go to where a result leads: a frame, a track, a mark or a report."""
        if hit.report is not None:
            record = next((one for one in self._desk.reports if one.id == hit.report), None)
            if record is not None:
                self._work.open_report(record)
        elif hit.evidence is not None:
            self._navigator.visit(hit.evidence, hit.ordinal, track=hit.track, thing=hit.thing)
        elif hit.thing is not None:
            self._navigator.show_thing(hit.thing)
        if hit.thing is not None:
            self._inspector.reveal(self._inspector.notes)

    def open_custody(self) -> None:
        if self._desk.session is None:
            return
        dialog = CustodyViewer(self._desk.custody, self._desk.head, self._window)
        dialog.verify_wanted.connect(self._verify)
        dialog.proof_wanted.connect(self._prove)
        self._open(dialog)

    @Slot()
    def _custody_changed(self) -> None:
        if isinstance(self.dialog, CustodyViewer):
            self.dialog.show_events(self._desk.custody, self._desk.head)

    @Slot()
    def _verify(self) -> None:
        """Verify the open case against what is pinned on this machine, as a job (E5, E7)."""
        session = self._desk.session
        if session is None:
            return
        folder = session.folder

        def work(context: JobContext) -> dict[str, object]:
            return {"outcome": self._engine.verify_case(folder, context.progress)}

        title = self.tr("Verify case {number}").format(number=session.case.number)
        self._verifying = self._engine.jobs.submit(Lane.CHECK, title, work, case=session.case.id, unit="checks")

    @Slot(object)
    def _ended(self, job: Job) -> None:
        if job.id != self._verifying:
            return
        self._verifying = None
        outcome = (job.result or {}).get("outcome")
        if isinstance(self.dialog, CustodyViewer):
            if isinstance(outcome, Verification):
                self.dialog.show_verification(outcome)
            else:
                self.dialog.verify.setEnabled(True)
                self.dialog.told.setText(job.error or self.tr("The verification was cancelled."))

    @Slot(int)
    def _prove(self, seq: int) -> None:
        session = self._desk.session
        if session is not None:
            self._desk.ask(partial(prove, session, seq), self._proved)

    def _proved(self, proof: Proof) -> None:
        if isinstance(self.dialog, CustodyViewer):
            self.dialog.show_proof(proof)

    @Slot(object)
    def hold_job(self, job: Job) -> None:
        """Pause a job, or let it go on."""
        jobs = self._engine.jobs
        paused = job.state is JobState.PAUSED or job.holding
        self._desk.ask(partial(jobs.resume if paused else jobs.pause, job.id), _nothing)

    def hold_running(self) -> None:
        """Pause the job at work, or let it go on."""
        job = self._jobs.running
        if job is not None:
            self.hold_job(job)

    @Slot()
    def _show_jobs(self) -> None:
        if self._commands is not None:
            self._commands.set_enabled(("job.pause",), self._jobs.running is not None)

    @Slot(object)
    def retry_job(self, job: JobId) -> None:
        """Ask once more for what failed or was cancelled."""
        self._desk.ask(partial(self._engine.jobs.retry, job), self._work.follow)

    def _open(self, dialog: QDialog) -> None:
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = dialog
        dialog.finished.connect(self._closed)
        dialog.show() if isinstance(dialog, SearchDialog) else dialog.open()

    @Slot()
    def _closed(self) -> None:
        if self.dialog is not None and self.dialog is self.sender():
            self.dialog.deleteLater()
            self.dialog = None


def _nothing(_: object) -> None:
    return
