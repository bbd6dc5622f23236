"""The least a window needs of an engine: a hub and an empty queue. For widgets that are shown values made by hand."""

from __future__ import annotations

from typing import Any

from workstation.app.hub import Hub
from workstation.app.jobs.queue import JobQueue


class BareEngine:
    """No case, no detectors, no threads."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.jobs = JobQueue(self.hub)

    def device(self) -> str:
        return ""

    def known_cases(self) -> tuple[Any, ...]:
        return ()

    def detectors(self) -> tuple[Any, ...]:
        return ()
