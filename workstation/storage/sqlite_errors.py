"""SQLite's refusals as typed errors of the product: one line, with advice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlcipher3 import dbapi2

from workstation.domain.errors import (
    CaseDamaged,
    CaseError,
    CaseNotFound,
    CaseReadOnly,
    PermissionRefused,
    StorageFull,
    WorkstationError,
)
from workstation.storage.durable import file_error, write_whole

_FULL, _READONLY, _BUSY, _LOCKED, _CORRUPT, _NOTADB, _CANTOPEN, _IOERR = 13, 8, 5, 6, 11, 26, 14, 10
# What sqlite3_errstr says for each of them.
_SAID = {
    "database or disk is full": _FULL,
    "attempt to write a readonly database": _READONLY,
    "database is locked": _BUSY,
    "database table is locked": _LOCKED,
    "database disk image is malformed": _CORRUPT,
    "file is not a database": _NOTADB,
    "unable to open database file": _CANTOPEN,
    "disk I/O error": _IOERR,
}
_PROBE_BYTES = 1 << 16


def primary_code(fault: BaseException) -> int:
    """SQLite's primary result code (the low byte of the extended one), 0 when there is none.

    The driver's backup gives SQLite's own words alone, without their code.
    """
    code = int(getattr(fault, "sqlite_errorcode", 0) or 0) & 0xFF
    return code or _SAID.get(str(fault), 0)


def as_typed(fault: dbapi2.Error, path: Path, *, writing: bool = False) -> WorkstationError:
    """Return the typed error for what SQLite said about the database at ``path``.

    Args:
        writing: the database was being written: the disk may be asked why it failed.
    """
    code, name = primary_code(fault), f"{path.name} in {path.parent}"
    if code == _FULL:
        return StorageFull(f"There is no room left for {name}.", "Free some space, then try again.")
    if writing and code in (_READONLY, _CANTOPEN, _IOERR):
        why = _what_the_disk_says(path)
        if why is not None:
            return why
    if code == _READONLY:
        return CaseReadOnly(f"{name} cannot be written.", "Open it for reading only.")
    if code in (_BUSY, _LOCKED):
        return CaseReadOnly(f"{name} is held by another program.", "Close it there, then try again.")
    if code in (_CORRUPT, _NOTADB):
        return CaseDamaged(f"The database {name} is damaged.", "Run case verify; restore a sound copy.")
    if code == _CANTOPEN:
        return CaseError(f"The database {name} cannot be opened.", "Check the folder's permissions.")
    if code == _IOERR:
        return CaseError(f"The disk failed under {name} ({fault}).", "Check the disk and its free space.")
    return CaseError(f"The database {name} refused: {fault}.")


def _what_the_disk_says(path: Path) -> WorkstationError | None:
    """Why a database could not be written: SQLite keeps the system's reason (a quota, a medium gone) to itself, so a
    small file is written beside the database and taken away again."""
    folder = path.parent
    if not folder.is_dir():
        return CaseNotFound(f"The folder {folder} is not there any more.", "Put the medium back, then open it again.")
    refused = CaseReadOnly(f"{path.name} in {folder} cannot be written any more.", "Check the medium; open it again.")
    if not os.access(folder, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return refused
    try:
        write_whole(folder / "room", bytes(_PROBE_BYTES), keep=False)
    except OSError as fault:
        why = file_error(fault, path)
        return refused if isinstance(why, PermissionRefused) else why
    return None


@contextmanager
def typed_errors(path: Path, *, writing: bool = False) -> Iterator[None]:
    """Turn every database error inside the block into a typed one; ``writing`` as for ``as_typed``."""
    try:
        yield
    except DBAPIError as fault:
        if isinstance(fault.orig, dbapi2.Error):
            raise as_typed(fault.orig, path, writing=writing) from fault
        raise
    except dbapi2.Error as fault:
        raise as_typed(fault, path, writing=writing) from fault
