"""Background work as plain data. A job ends in exactly one of done, cancelled, failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from workstation.domain.ids import CaseId, JobId


class Lane(StrEnum):
    IO = "io"
    GPU = "gpu"
    REPORT = "report"
    CHECK = "check"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (JobState.DONE, JobState.CANCELLED, JobState.FAILED)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as others see it. ``done``/``total`` count units named by ``unit``; total 0 means not yet known. A
    ``background`` job was asked for by the program itself: closing a case ends it without a question."""

    id: JobId
    lane: Lane
    title: str
    case: CaseId | None
    state: JobState
    done: int = 0
    total: int = 0
    unit: str = ""
    note: str = ""
    error: str = ""
    error_code: str = ""
    result: Mapping[str, object] | None = None
    background: bool = False


class JobContext(Protocol):
    """What a running job may do to the outside."""

    def progress(self, done: int, total: int, note: str = "") -> None: ...

    def cancelled(self) -> bool: ...

    def raise_if_cancelled(self) -> None:
        """Raises: Cancelled."""
        ...
