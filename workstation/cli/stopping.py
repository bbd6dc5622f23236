"""Being asked to end: a terminal that closes, a system that shuts down and Ctrl+C end a command in the same way (U5).

The job in flight is cancelled at its next check, what was committed stays, the case is closed, and the exit code is 11.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

# SIGHUP does not exist on Windows.
_ASKED = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass
class Stopping:
    """Whether this command was asked to end."""

    asked: bool = False

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        # A system that shuts down asks more than once; the closing that is under way must not be torn by that.
        first, self.asked = not self.asked, True
        if first:
            raise KeyboardInterrupt


@contextmanager
def ends_like_ctrl_c() -> Iterator[Stopping]:
    """Inside the block SIGTERM and SIGHUP raise KeyboardInterrupt once. Only for the main thread; elsewhere a no-op."""
    stopping = Stopping()
    before = {}
    try:
        for number in _ASKED:
            before[number] = signal.signal(number, stopping._ask)
    except ValueError:  # not the main thread
        before = {}
    try:
        yield stopping
    except KeyboardInterrupt:
        stopping.asked = True
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
