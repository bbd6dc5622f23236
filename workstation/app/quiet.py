"""A part of a job that is not counted: its progress is not the job's, its cancel is."""

from __future__ import annotations

from workstation.domain.jobs import JobContext


class Quiet:
    """Passes cancel through but keeps the outer job's own steps as its progress."""

    def __init__(self, context: JobContext) -> None:
        self._context = context

    def progress(self, done: int, total: int, note: str = "") -> None:
        pass

    def cancelled(self) -> bool:
        return self._context.cancelled()

    def raise_if_cancelled(self) -> None:
        self._context.raise_if_cancelled()
