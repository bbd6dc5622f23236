"""Being asked to end from outside: Ctrl+C in the terminal, SIGTERM, and a terminal or session that closes (U5)."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtCore import QSocketNotifier

_ASKED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def when_asked_to_end(close: Callable[[], None]) -> Iterator[None]:
    """Inside the block each of these signals calls ``close`` on the GUI thread, also while nothing happens in it.

    Python runs its handlers between two of its own instructions, and an idle Qt loop executes none: the byte that
    Python writes for every signal wakes the loop.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    notifier = QSocketNotifier(ours.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda *_: ours.recv(64))
    before = {number: signal.signal(number, lambda *_: close()) for number in _ASKED}
    fd = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        notifier.setEnabled(False)
        ours.close()
        theirs.close()
