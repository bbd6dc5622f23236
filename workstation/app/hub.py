"""One place where the engine tells its doors what happened."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from workstation.domain.events import Event

_log = logging.getLogger(__name__)
Listener = Callable[[Event], None]


class Hub:
    """Hands every event to every listener, on the thread that published it.

    A listener must return at once; the window's listener only appends to a deque. A listener that raises is logged and
    does not disturb the others.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; the returned function removes it and may be called more than once."""
        with self._lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def publish(self, event: Event) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - one broken door must not stop the engine or the other door
                _log.exception("a listener failed on %s", type(event).__name__)
