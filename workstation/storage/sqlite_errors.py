"""SQLite's refusals as typed errors of the product: one line, with advice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlcipher3 import dbapi2

from workstation.domain.errors import CaseDamaged, CaseError, CaseReadOnly, StorageFull, WorkstationError

_FULL, _READONLY, _BUSY, _LOCKED, _CORRUPT, _NOTADB, _CANTOPEN, _IOERR = 13, 8, 5, 6, 11, 26, 14, 10


def primary_code(fault: BaseException) -> int:
    """SQLite's primary result code (the low byte of the extended one), 0 when there is none."""
    return int(getattr(fault, "sqlite_errorcode", 0) or 0) & 0xFF


def as_typed(fault: dbapi2.Error, path: Path) -> WorkstationError:
    """Return the typed error for what SQLite said about the database at ``path``."""
    code, name = primary_code(fault), f"{path.name} in {path.parent}"
    if code == _FULL:
        return StorageFull(f"There is no room left for {name}.", "Free some space, then try again.")
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


@contextmanager
def typed_errors(path: Path) -> Iterator[None]:
    """Turn every database error inside the block into a typed one."""
    try:
        yield
    except DBAPIError as fault:
        if isinstance(fault.orig, dbapi2.Error):
            raise as_typed(fault.orig, path) from fault
        raise
    except dbapi2.Error as fault:
        raise as_typed(fault, path) from fault
