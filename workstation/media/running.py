"""A running decoder child as its parent holds it, however it came into being."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

_STEP_SECONDS = 0.002


class RunningChild(Protocol):
    """Its three pipes and its fate. ``errors`` is None where standard error is not kept."""

    inbox: int
    outbox: int
    errors: int | None

    @property
    def pid(self) -> int:
        """Process id as this process sees it."""
        ...

    def kill(self) -> None:
        """End it at once; harmless when it has ended."""
        ...

    def wait(self, seconds: float) -> int | None:
        """Its exit code (minus the signal that ended it), None when it still runs after ``seconds``."""
        ...

    def release(self) -> None:
        """Close the pipes, which ends it if it still listens, and leave no zombie. Call once, after its end or kill."""
        ...


class SpawnedChild:
    """A child that is a direct subprocess."""

    def __init__(self, process: subprocess.Popen[bytes], on_release: Callable[[], None] | None = None) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._on_release = on_release
        self.inbox = process.stdin.fileno()
        self.outbox = process.stdout.fileno()
        self.errors = process.stderr.fileno() if process.stderr is not None else None

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._process.kill()

    def wait(self, seconds: float) -> int | None:
        # Polled in short steps, because the time limit of Popen.wait backs off to 50 ms.
        deadline = time.monotonic() + seconds
        while (code := self._process.poll()) is None and time.monotonic() < deadline:
            time.sleep(_STEP_SECONDS)
        return code

    def release(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()
        if self._on_release is not None:
            self._on_release()


class ForkedChild:
    """A child of the starter: not ours to wait for, but ours to signal and to watch through its pidfd."""

    def __init__(self, handle: int, reap: Callable[[], int | None], inbox: int, outbox: int, errors: int) -> None:
        self._handle = handle
        self._reap = reap
        self._code: int | None = None
        self._reaped = False
        self.inbox = inbox
        self.outbox = outbox
        self.errors: int | None = errors

    @property
    def pid(self) -> int:
        text = Path(f"/proc/self/fdinfo/{self._handle}").read_text(encoding="ascii")
        return int(text.partition("Pid:")[2].split()[0])

    def kill(self) -> None:
        if sys.platform.startswith("linux"):
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def wait(self, seconds: float) -> int | None:
        if not self._reaped:
            waiter = select.poll()
            waiter.register(self._handle, select.POLLIN)
            if not waiter.poll(seconds * 1000):
                return None
            self._reaped = True
            code = self._reap()
            # The starter is gone, and its children with it: all that is known is that the child was ended.
            self._code = -int(signal.SIGKILL) if code is None else code
        return self._code

    def release(self) -> None:
        for fd in (self.inbox, self.outbox, self.errors):
            if fd is not None:
                os.close(fd)
        while self.wait(5.0) is None:
            self.kill()
        os.close(self._handle)
