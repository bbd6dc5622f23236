"""The first five minutes: the sample case, and files dropped before there is a case."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from workstation.app.sample_case import FRAMES, is_made, make_sample, sample_folder
from workstation.domain.ids import JobId
from workstation.domain.jobs import Job, JobState
from workstation.ui.desk import Desk
from workstation.ui.models.jobs import JobsModel
from workstation.ui.work import Work

if TYPE_CHECKING:
    from workstation.app.engine import Engine


class Beginning(QObject):
    """Leads from nothing to a result that can be read.

    Signals:
        told(str): what is being made, or why it was not; empty when there is nothing to say any more.
    """

    told = Signal(str)

    def __init__(self, engine: Engine, desk: Desk, jobs: JobsModel, work: Work, parent: QObject) -> None:
        super().__init__(parent)
        self._engine, self._desk, self._jobs, self._work = engine, desk, jobs, work
        self._making: JobId | None = None
        self._dropped: list[Path] = []
        self._run_in: Path | None = None
        jobs.ended.connect(self._ended)
        desk.case_shown.connect(self._case_shown)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """Id of every action to what it does."""
        return {"case.sample": self.open_sample}

    def open_sample(self) -> None:
        """Open the sample case; make it first when it is not there."""
        if is_made(self._engine.home):
            self._open()
        elif self._making is None:
            self._making = make_sample(self._engine)
            self.told.emit(self.tr("Making the sample case: two clips from a public-domain portrait …"))

    def begin_with(self, paths: list[Path]) -> None:
        """Files dropped while no case is open: ask for a case, then take them in."""
        self._work.new_case()
        self._dropped = paths
        if self._work.dialog is not None:
            # Another case, opened later, must not get them.
            self._work.dialog.rejected.connect(self._forget)

    @Slot()
    def _forget(self) -> None:
        self._dropped = []

    def _open(self) -> None:
        self._run_in = sample_folder(self._engine.home)
        self._work.open_folder(self._run_in)

    @Slot(object)
    def _ended(self, job: Job) -> None:
        if job.id != self._making:
            return
        self._making = None
        self.told.emit("")
        if job.state is JobState.DONE:
            self._open()
        else:
            self.told.emit(job.error or self.tr("The sample case was not made: it was cancelled. Try again."))

    @Slot()
    def _case_shown(self) -> None:
        session = self._desk.session
        if session is None:
            return
        dropped, self._dropped = self._dropped, []
        if dropped:
            self._work.take_in(dropped)
        wanted, self._run_in = self._run_in, None
        if wanted is not None and session.folder.resolve() == wanted.resolve() and not session.read_only:
            self._desk.ask(lambda: session.examinations(), partial(self._examine_once, wanted))

    def _examine_once(self, folder: Path, runs: tuple[object, ...]) -> None:
        session = self._desk.session
        if session is not None and not runs and session.folder.resolve() == folder.resolve():
            self._desk.ask(partial(session.examine, frames=FRAMES), self._work.follow)
