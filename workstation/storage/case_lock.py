"""One writer per case, held by the operating system so that a killed program never leaves it behind."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import sys
import time
from pathlib import Path

from workstation.domain.clock import now_utc
from workstation.domain.errors import CaseReadOnly, StorageFull
from workstation.storage.durable import file_error

_PATIENCE_S = 0.5
_SIZE = 512
# What a lock held by somebody else gives; anything else says that the drive cannot lock.
_HELD = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK, errno.EINTR})


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
            CaseReadOnly: another program or window holds it, the file cannot be made, or the drive knows no locks (some
                network drives: two machines could then write at once).
            StorageFull: the file cannot be made.
        """
        deadline = time.monotonic() + _PATIENCE_S
        descriptor = _opened(path)
        while not (_locked(descriptor, path) and _is_the_file(descriptor, path)):
            if time.monotonic() >= deadline:
                holder = _holder(descriptor)
                os.close(descriptor)
                raise CaseReadOnly(
                    f"The case in {path.parent} is open elsewhere{holder}.", "Close it there, or open it for reading."
                )
            time.sleep(0.05)
            if not _is_the_file(descriptor, path):
                os.close(descriptor)
                descriptor = _opened(path)
        _sign(descriptor)
        return cls(descriptor)

    @staticmethod
    def is_held(path: Path) -> bool:
        """Whether some program has the case open for writing at this moment. Changes nothing; True when in doubt."""
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except FileNotFoundError:
            return False
        except OSError:
            return True
        try:
            return not _try_share(descriptor)
        except OSError:
            return True
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            # The next holder needs a moment to sign; until then nobody must be told of this one.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    except OSError as fault:
        why = file_error(fault, path)
        if isinstance(why, StorageFull):
            raise why from fault
        raise CaseReadOnly(
            f"The case folder {path.parent} cannot be written ({fault.strerror}).", "Open it for reading only."
        ) from fault


def _is_the_file(descriptor: int, path: Path) -> bool:
    """Whether the open file is still the one of that name: a lock on a file that was taken away excludes nobody."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _locked(descriptor: int, path: Path) -> bool:
    try:
        return _try_lock(descriptor)
    except OSError as fault:
        os.close(descriptor)
        raise CaseReadOnly(
            f"The drive of {path.parent} cannot keep two programs from writing at once ({fault.strerror}).",
            "Copy the case to a local disk, or open it for reading only.",
        ) from fault


def _sign(descriptor: int) -> None:
    """Write who holds the lock, for the line another program shows; a full disk must not stop the opening."""
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {platform.node()} since {now_utc()}".encode(), 0)
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

    def _try_share(_: int) -> bool:
        return False

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as fault:
            if fault.errno not in _HELD:
                raise
            return False
        return True

else:
    import fcntl

    def _try_share(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as fault:
            if fault.errno not in _HELD:
                raise
            return False
        return True

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            if fault.errno not in _HELD:
                raise
            return False
        return True
