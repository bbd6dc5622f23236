"""A file appears whole or not at all: written beside its place, flushed to disk, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from workstation.domain.errors import PermissionRefused, ReportError, StorageFull, WorkstationError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def put_file(
    path: Path, data: bytes, *, mode: int = 0o644, check: Callable[[Path], None] | None = None, replace: bool = True
) -> None:
    """Write ``data`` to ``path``; a failure leaves neither a half-written nor a temporary file.

    Args:
        mode: permission bits of the file, set before the first byte is written.
        check: called with the temporary file before it takes its name; what it raises stops the writing.
        replace: False refuses when ``path`` exists.

    Raises:
        StorageFull: the disk or the quota is full.
        PermissionRefused: the folder or the file may not be written.
        ReportError: the folder is missing, the name is taken, or the disk failed.
    """
    _sweep(path)
    temporary = path.with_name(f".{path.name[:60]}.{secrets.token_hex(6)}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with os.fdopen(descriptor, "wb") as file:
            _claim(descriptor)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if check is not None:
            check(temporary)
        if not replace and path.exists():
            raise ReportError(f"{path.name} exists already.", "Choose another name.")
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as fault:
        raise file_error(fault, path) from fault
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def file_error(fault: OSError, path: Path) -> WorkstationError:
    """Turn what the operating system said about ``path`` into one line with advice."""
    if fault.errno in _FULL:
        return StorageFull(f"There is no room left to write {path.name}.", "Free some space or choose another disk.")
    if fault.errno in _REFUSED:
        return PermissionRefused(f"{path.name} may not be written or read here.", "Choose another folder.")
    if fault.errno in (errno.ENOENT, errno.ENOTDIR):
        return ReportError(f"The folder of {path.name} does not exist.", "Create it or choose another.")
    if fault.errno == errno.EISDIR:
        return ReportError(f"{path.name} is a folder.", "Give the name of a file.")
    return ReportError(f"{path.name} could not be written: {fault.strerror or fault}.", "Check the disk.")


if sys.platform == "win32":

    def _claim(_: int) -> bool:
        return False  # an open file cannot be removed there anyway

else:
    import fcntl

    def _claim(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _sweep(path: Path) -> None:
    """Remove what a killed program left while it wrote ``path``: unlike the folder of a case, nobody else cleans here.

    What a program is writing at this moment it has claimed with a lock, which ends with it.
    """
    before, after = f".{path.name[:60]}.", ".part"
    with contextlib.suppress(OSError):
        for left in path.parent.glob(f".*{after}"):
            middle = left.name.removeprefix(before).removesuffix(after)
            if left.name != f"{before}{middle}{after}" or len(middle) != 12 or not left.is_file():
                continue
            descriptor = os.open(left, os.O_RDONLY)
            try:
                if _claim(descriptor):
                    left.unlink()
            finally:
                os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself last (POSIX); systems that cannot open a folder do it on their own."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
