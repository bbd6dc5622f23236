"""Exhibits are verified when a case is opened and on a schedule while it stays open (E5).

One thread for each watched case; it sleeps, and once in a while asks for a verification. The work itself is a job of
the lane for checks, so that it never holds up an import, and closing the case cancels it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from workstation.app.integrity import verify_exhibits
from workstation.domain.errors import NotFound, WorkstationError
from workstation.domain.ids import JobId
from workstation.domain.jobs import JobContext, Lane

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.app.session import CaseSession

_log = logging.getLogger(__name__)


class Watch:
    """The watch over one open case.

    Args:
        ask: submits a verification and returns its job; ``full`` says whether every exhibit is hashed.
        busy: whether the job named is still under way.
        hours: between two scheduled verifications; 0 for none.
    """

    def __init__(self, ask: Callable[[bool], JobId], busy: Callable[[JobId], bool], hours: float) -> None:
        self._ask, self._busy = ask, busy
        self._seconds = hours * 3600
        self._stop = threading.Event()
        self._last: JobId | None = None
        self._thread: threading.Thread | None = None

    def begin(self, on_open: str) -> None:
        """Verify now ("full", or "quick": only what a glance leaves in doubt; "off": not at all), then on schedule."""
        if on_open != "off":
            self._last = self._ask(on_open == "full")
        if self._seconds > 0:
            self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the schedule and wait for its thread. Safe to call twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            if self._last is not None and self._busy(self._last):
                continue
            try:
                self._last = self._ask(True)
            except (WorkstationError, RuntimeError):
                _log.exception("a scheduled verification could not be started")


def watch(engine: Engine, session: CaseSession) -> Watch:
    """Begin to watch a case that is open for writing, as the settings say."""

    def ask(full: bool) -> JobId:
        def work(context: JobContext) -> dict[str, object]:
            return verify_exhibits(session.store, engine.hub, None, context, only_doubtful=not full)

        return session.submit(Lane.CHECK, "Verify exhibits in the background", work, "bytes", background=True)

    def busy(job: JobId) -> bool:
        try:
            return not engine.jobs.get(job).state.ended
        except NotFound:
            return False

    watching = Watch(ask, busy, engine.settings.verify_every_hours)
    watching.begin(engine.settings.verify_on_open if session.evidence() else "off")
    return watching
