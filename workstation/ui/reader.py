"""Questions the window asks the engine off the GUI thread: one thread, answers come back through the bridge."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from workstation.domain.errors import WorkstationError
from workstation.ui.bridge import Bridge, ReadDone

_log = logging.getLogger(__name__)
Failed = Callable[[WorkstationError], None]


@dataclass(frozen=True, slots=True)
class _Ask:
    ticket: int
    key: str
    work: Callable[[], object]


class Reader(QObject):
    """Runs ``work`` on its own thread and calls ``then`` with the value in the GUI thread.

    Questions are answered in order. A question with a ``key`` replaces an unanswered one with the same key, so that a
    burst of events costs one read (newest wins).
    """

    idle = Signal()

    def __init__(self, bridge: Bridge, failed: Failed) -> None:
        super().__init__(bridge)
        self._bridge = bridge
        self._failed = failed
        self._condition = threading.Condition()
        self._waiting: deque[_Ask] = deque()
        self._answers: dict[int, tuple[Callable[[Any], None], Failed]] = {}
        self._next = 1
        self._closed = False
        self._thread: threading.Thread | None = None
        bridge.read_done.connect(self._done)

    @property
    def pending(self) -> int:
        """Questions not yet answered."""
        return len(self._answers)

    def ask(
        self, work: Callable[[], Any], then: Callable[[Any], None], *, key: str = "", failed: Failed | None = None
    ) -> None:
        """Ask from the GUI thread. ``then`` and ``failed`` are called in the GUI thread."""
        with self._condition:
            if self._closed:
                return
            if key:
                for old in [entry for entry in self._waiting if entry.key == key]:
                    self._waiting.remove(old)
                    self._answers.pop(old.ticket, None)
            ticket, self._next = self._next, self._next + 1
            self._answers[ticket] = (then, failed or self._failed)
            self._waiting.append(_Ask(ticket, key, work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="window-reader", daemon=True)
                self._thread.start()
            self._condition.notify()

    def close(self) -> None:
        """Forget what was asked and end the thread after the question it is at."""
        with self._condition:
            self._closed = True
            self._waiting.clear()
            self._answers.clear()
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()

    def _serve(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._closed:
                    self._condition.wait()
                if self._closed:
                    return
                ask = self._waiting.popleft()
            try:
                answer = ReadDone(ask.ticket, ask.work(), None)
            except Exception as error:  # noqa: BLE001 - told in the GUI thread, which knows who asked
                answer = ReadDone(ask.ticket, None, error)
            self._bridge.post(answer)

    @Slot(object)
    def _done(self, event: ReadDone) -> None:
        then, failed = self._answers.pop(event.ticket, (None, None))
        if then is None or failed is None:
            return
        if event.error is None:
            then(event.value)
        elif isinstance(event.error, WorkstationError):
            failed(event.error)
        else:
            _log.error("a read failed", exc_info=event.error)
            name = type(event.error).__name__
            failed(WorkstationError(f"An unexpected fault: {name}: {event.error}.", "The log has the details."))
        if not self._answers:
            self.idle.emit()
