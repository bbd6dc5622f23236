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
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (JobState.DONE, JobState.CANCELLED, JobState.FAILED)


class ItemState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobItem:
    """One thing a job works on: an exhibit, a file, a step. ``name`` is what the job called it in its progress."""

    name: str
    state: ItemState


@dataclass(frozen=True, slots=True)
class Job:
    """A job as others see it. ``done``/``total`` count units named by ``unit``; total 0 means not yet known. A
    ``background`` job was asked for by the program itself: closing a case ends it without a question. ``holding``: it
    was asked to pause and goes on to its next check. ``items`` are what it has worked on so far, in order, the newest
    thousand of them; ``can_retry``: it ended without success and can be asked for again."""

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
    holding: bool = False
    items: tuple[JobItem, ...] = ()
    can_retry: bool = False


class JobContext(Protocol):
    """What a running job may do to the outside."""

    def progress(self, done: int, total: int, note: str = "") -> None: ...

    def cancelled(self) -> bool: ...

    def raise_if_cancelled(self) -> None:
        """Raises: Cancelled."""
        ...
