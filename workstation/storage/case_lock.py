"""One writer per case, held by the operating system so that a killed program never leaves it behind."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path

from workstation.domain.errors import CaseReadOnly

_PATIENCE_S = 0.5
_SIZE = 512


class CaseLock:
    """The exclusive right to write one case.

    POSIX uses ``flock`` (bound to the open file, so two stores in one process exclude each other too). The Windows path
    (``msvcrt.locking`` on a byte far behind the text) follows the same interface and is untested.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, path: Path) -> CaseLock:
        """Take the lock, waiting half a second at most.

        Raises:
            CaseReadOnly: another program or window holds it, or the file cannot be made.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        except OSError as fault:
            raise CaseReadOnly(
                f"The case folder {path.parent} cannot be written ({fault.strerror}).", "Open it for reading only."
            ) from fault
        deadline = time.monotonic() + _PATIENCE_S
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                holder = _holder(descriptor)
                os.close(descriptor)
                raise CaseReadOnly(
                    f"The case in {path.parent} is open elsewhere{holder}.", "Close it there, or open it for reading."
                )
            time.sleep(0.05)
        _sign(descriptor)
        return cls(descriptor)

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


def _sign(descriptor: int) -> None:
    """Write who holds the lock, for the line another program shows; a full disk must not stop the opening."""
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {platform.node()}".encode(), 0)
    except (OSError, AttributeError):
        return


def _holder(descriptor: int) -> str:
    try:
        text = os.pread(descriptor, _SIZE, 0).decode(errors="replace").strip()
    except (OSError, AttributeError):
        return ""
    return f" ({text})" if text else ""


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
