"""Questions the window asks the engine off the GUI thread: two threads, answers come back through the bridge."""

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


class _Line:
    """Questions that one thread answers in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: deque[_Ask] = deque()
        self.thread: threading.Thread | None = None


class Reader(QObject):
    """Runs ``work`` on a thread of its own and calls ``then`` with the value in the GUI thread.

    Questions are answered in order, those that nobody waits for on a second thread. A question with a ``key`` replaces
    an unanswered one with the same key, so that a burst of events costs one read (newest wins).
    """

    idle = Signal()

    def __init__(self, bridge: Bridge, failed: Failed) -> None:
        super().__init__(bridge)
        self._bridge = bridge
        self._failed = failed
        self._condition = threading.Condition()
        self._now, self._later = _Line("window-reader"), _Line("window-reader-later")
        self._answers: dict[int, tuple[Callable[[Any], None], Failed]] = {}
        self._next = 1
        self._closed = False
        bridge.read_done.connect(self._done)

    @property
    def pending(self) -> int:
        """Questions not yet answered."""
        return len(self._answers)

    def ask(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        *,
        key: str = "",
        failed: Failed | None = None,
        later: bool = False,
    ) -> None:
        """Ask from the GUI thread. ``then`` and ``failed`` are called in the GUI thread.

        Args:
            later: nobody waits for it, and it may take long.
        """
        line = self._later if later else self._now
        with self._condition:
            if self._closed:
                return
            if key:
                for old in [entry for entry in line.waiting if entry.key == key]:
                    line.waiting.remove(old)
                    self._answers.pop(old.ticket, None)
            ticket, self._next = self._next, self._next + 1
            self._answers[ticket] = (then, failed or self._failed)
            line.waiting.append(_Ask(ticket, key, work))
            if line.thread is None:
                line.thread = threading.Thread(target=self._serve, args=(line,), name=line.name, daemon=True)
                line.thread.start()
            self._condition.notify_all()

    def close(self) -> None:
        """Forget what was asked and end the threads after the questions they are at."""
        with self._condition:
            self._closed = True
            for line in (self._now, self._later):
                line.waiting.clear()
            self._answers.clear()
            self._condition.notify_all()
        for line in (self._now, self._later):
            if line.thread is not None:
                line.thread.join()

    def _serve(self, line: _Line) -> None:
        while True:
            with self._condition:
                while not line.waiting and not self._closed:
                    self._condition.wait()
                if self._closed:
                    return
                ask = line.waiting.popleft()
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
