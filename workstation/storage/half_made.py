"""A folder in which the program was killed while it made a case: it never was one, so the place may be used again."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlcipher3 import dbapi2

from workstation.domain.errors import WorkstationError
from workstation.storage.anchor import read_anchor
from workstation.storage.case_folder import CaseFolder
from workstation.storage.case_lock import CaseLock
from workstation.storage.outside_reader import open_for_reading


def clear_half_made(root: Path) -> None:
    """Empty ``root`` when all it holds are the beginnings of a case whose first transaction was never committed.

    Anything else stays as it is, and so does everything in doubt: a file of another name, a file inside one of the
    folders, a database with one table, an encrypted database that is not empty, a lock that somebody holds.

    Raises:
        OSError: it cannot be emptied.
    """
    folder = CaseFolder(root.absolute())
    if not folder.root.is_dir() or not any(folder.root.iterdir()) or not _holds_only_beginnings(folder):
        return
    try:
        lock = CaseLock.take(folder.lock)
    except WorkstationError:
        return
    try:
        if _never_filled(folder):
            for entry in folder.root.iterdir():
                if entry.is_dir():
                    shutil.rmtree(entry)
                elif entry != folder.lock:
                    entry.unlink()
            folder.lock.unlink()
    finally:
        lock.release()


def _holds_only_beginnings(folder: CaseFolder) -> bool:
    files = {folder.database.name, folder.anchor.name, folder.lock.name, folder.key_file.name}
    files |= {f"{folder.database.name}-{ending}" for ending in ("wal", "shm", "journal")}
    for entry in folder.root.iterdir():
        if entry in folder.parts:
            if not entry.is_dir() or any(entry.iterdir()):
                return False
        elif not entry.is_file() or (entry.name not in files and not _is_part(entry, files)):
            return False
    return True


def _is_part(entry: Path, files: set[str]) -> bool:
    return entry.name.endswith(".part") and any(entry.name.startswith(f".{name}.") for name in files)


def _never_filled(folder: CaseFolder) -> bool:
    try:
        return _is_empty(folder)
    except (dbapi2.Error, WorkstationError):
        return False


def _is_empty(folder: CaseFolder) -> bool:
    """Whether the database was never filled. SQLite looks, not we: a committed table may lie in the WAL alone."""
    if folder.anchor.exists() and read_anchor(folder.anchor).head.count > 1:
        return False
    if not folder.database.exists() or folder.database.stat().st_size == 0:
        return not folder.wal.exists() or folder.wal.stat().st_size == 0
    if folder.key_file.exists():
        return False
    connection = open_for_reading(folder.database)
    try:
        return bool(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0)
    finally:
        connection.close()
