"""The jobs of this workstation as the window knows them, kept from the engine's events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workstation.domain.events import JobChanged
from workstation.domain.ids import JobId
from workstation.domain.jobs import Job, JobState
from workstation.ui.bridge import Bridge

if TYPE_CHECKING:
    from workstation.app.engine import Engine

_GATHER_MS = 50


class JobsModel(QObject):
    """``changed`` comes at most twenty times a second; ``ended`` once for every job."""

    changed = Signal()
    ended = Signal(object)

    def __init__(self, engine: Engine, bridge: Bridge) -> None:
        super().__init__(bridge)
        self._engine = engine
        self._jobs: dict[JobId, Job] = {job.id: job for job in engine.jobs.all()}
        self._timer = QTimer(self, singleShot=True, interval=_GATHER_MS)
        self._timer.timeout.connect(self.changed)
        bridge.job_changed.connect(self._job_changed)

    @property
    def jobs(self) -> tuple[Job, ...]:
        return tuple(self._jobs.values())

    @property
    def active(self) -> tuple[Job, ...]:
        """Queued and running, oldest first; without what the program does by itself in the background."""
        return tuple(job for job in self._jobs.values() if not job.state.ended and not job.background)

    @property
    def checking(self) -> bool:
        """Whether exhibits are being verified in the background."""
        return any(job.background and not job.state.ended for job in self._jobs.values())

    @property
    def case_work(self) -> tuple[Job, ...]:
        """Queued and running jobs of a case: what closing would end."""
        return tuple(job for job in self.active if job.case is not None)

    @property
    def running(self) -> Job | None:
        return next((job for job in self.active if job.state in (JobState.RUNNING, JobState.PAUSED)), None)

    @property
    def batch(self) -> tuple[int, int]:
        """(which job of the present batch is at work, how many it has); (0, 0) when nothing is queued."""
        active = len(self.active)
        if not active:
            return 0, 0
        recent = [job for job in self._jobs.values() if not job.background]
        first = next(k for k, job in enumerate(recent) if not job.state.ended)
        total = len(recent) - first
        return total - active + 1, total

    @Slot()
    def clear_ended(self) -> None:
        self._engine.jobs.clear_ended()
        self._jobs = {key: job for key, job in self._jobs.items() if not job.state.ended}
        self.changed.emit()

    @Slot(object)
    def _job_changed(self, event: JobChanged) -> None:
        before = self._jobs.get(event.job.id)
        if before is not None and before.state.ended:
            return
        self._jobs[event.job.id] = event.job
        if event.job.state.ended:
            self.ended.emit(event.job)
        if not self._timer.isActive():
            self._timer.start()
