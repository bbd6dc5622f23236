"""What a case was left in the middle of: offered when it is opened, so that nothing is begun again by mistake (U6)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from workstation.domain.examinations import Examination, ExaminationState
from workstation.domain.intake import BatchState, IntakeBatch
from workstation.storage.case_store import CaseStore

_STOPPED = (ExaminationState.INTERRUPTED, ExaminationState.FAILED, ExaminationState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The newest import with files waiting, and examinations that stopped and were not done again later."""

    intake: IntakeBatch | None
    examinations: tuple[Examination, ...]

    def __bool__(self) -> bool:
        return self.intake is not None or bool(self.examinations)

    def lines(self) -> tuple[str, ...]:
        """One sentence for each, for both doors."""
        told = []
        if self.intake is not None:
            batch = self.intake
            waiting = f"{batch.waiting} of {batch.total} files still to be taken in"
            told.append(f"The import of {batch.started_at[:16].replace('T', ' ')} UTC was {batch.state}: {waiting}.")
        for run in self.examinations:
            told.append(f"Examination {run.number} was {run.state} and can be gone on with.")
        return tuple(told)


def unfinished(store: CaseStore) -> Unfinished:
    """What this case was left in the middle of.

    A program that was killed leaves its work marked as running until the case is opened for writing again; a reader
    sees that nobody has the case and calls it interrupted.
    """
    abandoned = not store.being_written
    ended = (BatchState.DONE,) if abandoned else (BatchState.RUNNING, BatchState.DONE)
    batches = [batch for batch in store.intake.batches() if batch.waiting and batch.state not in ended]
    if abandoned:
        batches = [replace(b, state=BatchState.INTERRUPTED) if b.state is BatchState.RUNNING else b for b in batches]
    runs = store.examinations()
    stopped = []
    for place, run in enumerate(runs):
        later = {e for other in runs[place + 1 :] if other.state is ExaminationState.DONE for e in other.plan.evidence}
        if run.state in _STOPPED and not set(run.plan.evidence) <= later:
            stopped.append(run)
    return Unfinished(batches[-1] if batches else None, tuple(stopped))
