"""Files that appear whole or not at all, and what the operating system's refusals mean for an examiner."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from pathlib import Path

from workstation.domain.errors import CaseError, CaseNotFound, PermissionRefused, StorageFull, WorkstationError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
PART_SUFFIX = ".part"


def part_name(path: Path) -> Path:
    """A temporary name in the same folder; ``sweep_parts`` removes what a killed program leaves under it."""
    return path.with_name(f".{path.name[:70]}.{secrets.token_hex(6)}{PART_SUFFIX}")


def write_whole(path: Path, data: bytes, *, sync: bool = True, sync_name: bool = True, keep: bool = True) -> None:
    """Write ``data`` under a temporary name beside ``path``, flush it to disk and rename it into place.

    Args:
        sync: False leaves the flush to the caller (see ``flush_file``); a power cut may then lose the file.
        sync_name: False lets a power cut bring the former file back whole; enough where an older one does no harm.
        keep: False takes the file away again instead of renaming it: a trial whether it could be written.

    Raises:
        OSError: as the system gave it, with nothing left behind; ``file_error`` turns it into a line.
    """
    part = part_name(path)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if keep:
            part.replace(path)
            if sync and sync_name:
                flush_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def flush_file(path: Path) -> None:
    """Make the contents of a written file survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut (POSIX; elsewhere the system sees to it)."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sweep_parts(folder: Path) -> None:
    """Remove temporary files and folders that a killed program left in ``folder`` and its direct children."""
    for pattern in (f".*{PART_SUFFIX}", f"*/.*{PART_SUFFIX}"):
        for part in folder.glob(pattern):
            if part.is_dir() and not part.is_symlink():
                shutil.rmtree(part, ignore_errors=True)
                continue
            with contextlib.suppress(OSError):
                part.unlink()


def file_error(fault: OSError, path: Path) -> WorkstationError:
    """Turn what the operating system said about ``path`` into one line with advice."""
    if fault.errno in _FULL:
        return StorageFull(f"There is no room left to write {path.name}.", "Free some space or choose another disk.")
    if fault.errno in _REFUSED:
        return PermissionRefused(f"{path} may not be read or written here.", "Check its permissions.")
    if fault.errno in (errno.ENOENT, errno.ENOTDIR):
        return CaseNotFound(f"{path} is not there.")
    return CaseError(f"{path}: {fault.strerror or fault}.", "Check the disk.")
