"""Where the engine's threads meet the window: any thread posts, the GUI thread alone is told.

``post`` appends to a deque and emits one queued wake signal; the slot drains the deque and emits a typed signal for
each event. Receivers connect real slots: a lambda connected across threads would run in the posting thread.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance, Slot
from PySide6.QtGui import QImage

from workstation.app.shots import Shots
from workstation.app.strips import Proxy
from workstation.domain.errors import WorkstationError
from workstation.domain.events import (
    CaseChanged,
    CaseSaved,
    Event,
    EvidenceChanged,
    ExaminationChanged,
    JobChanged,
)
from workstation.domain.ids import EvidenceId
from workstation.domain.media import Frame

_DRAIN_S = 0.012


@dataclass(frozen=True, slots=True)
class FrameArrived(Event):
    """A frame that was asked for, ready to paint, or why it cannot be shown. ``ticket`` names the request.

    With ``proxy`` there is no frame: ``images`` is a stand-in until the frame comes, and must be shown as one.
    """

    ticket: int
    evidence: EvidenceId
    ordinal: int
    frame: Frame | None
    images: tuple[QImage, ...]
    error: WorkstationError | None
    proxy: Proxy | None = None


@dataclass(frozen=True, slots=True)
class ReadDone(Event):
    """A background read ended: its value, or the error it raised. ``ticket`` names the request."""

    ticket: int
    value: object
    error: Exception | None


@dataclass(frozen=True, slots=True)
class ShotsFound(Event):
    """The shots of an exhibit were found, or why they were not."""

    evidence: EvidenceId
    shots: Shots


class Bridge(QObject):
    """Lives in the GUI thread. All signals are emitted there."""

    job_changed = Signal(object)
    case_changed = Signal(object)
    evidence_changed = Signal(object)
    examination_changed = Signal(object)
    case_saved = Signal(object)
    frame_arrived = Signal(object)
    read_done = Signal(object)
    shots_found = Signal(object)
    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._events: deque[Event] = deque()
        self._lock = threading.Lock()
        self._woken = False
        self._closed = False
        self.wakes = 0
        self._routes: dict[type[Event], SignalInstance] = {
            JobChanged: self.job_changed,
            CaseChanged: self.case_changed,
            EvidenceChanged: self.evidence_changed,
            ExaminationChanged: self.examination_changed,
            CaseSaved: self.case_saved,
            FrameArrived: self.frame_arrived,
            ReadDone: self.read_done,
            ShotsFound: self.shots_found,
        }
        self._wake.connect(self._drain, Qt.ConnectionType.QueuedConnection)

    def deliver(self, kind: type[Event], signal: SignalInstance) -> None:
        """Emit ``signal`` in the GUI thread for every event of a kind that has no signal here."""
        self._routes[kind] = signal

    def post(self, event: Event) -> None:
        """Hand over an event from any thread. Returns at once; after ``close`` it does nothing."""
        with self._lock:
            if self._closed:
                return
            self._events.append(event)
            if self._woken:
                return
            self._woken = True
            self._wake.emit()

    def close(self) -> None:
        """Stop listening: nothing is delivered from here on."""
        with self._lock:
            self._closed = True
            self._events.clear()

    @Slot()
    def _drain(self) -> None:
        """Deliver in order for at most 12 ms, then let the window breathe and come back for the rest."""
        self.wakes += 1
        until = time.perf_counter() + _DRAIN_S
        while True:
            with self._lock:
                if not self._events:
                    self._woken = False
                    return
                event = self._events.popleft()
            route = self._routes.get(type(event))
            if route is not None:
                route.emit(event)
            if time.perf_counter() > until:
                self._wake.emit()
                return
