"""Reading a case that somebody else may be writing, or that lies on a medium where nothing can be written.

A read-only connection to a WAL database normally leaves ``-wal`` and ``-shm`` files beside it. Reading must not change
a case folder, so a cleanly closed case (no ``-wal``) is read as immutable, and only a case with a ``-wal`` is read
through it. Where even that cannot be (a copied live case on read-only media), a private copy is read.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path

from sqlcipher3 import dbapi2

from workstation.domain.errors import CaseNotFound
from workstation.storage.case_folder import CaseFolder
from workstation.storage.engine import connect
from workstation.storage.sqlite_errors import primary_code

_CANTOPEN, _READONLY = 14, 8


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a case database read-only, whatever its state; nothing in its folder is made or changed by a closed case.

    Raises:
        CaseNotFound: there is no database file.
        sqlcipher3 errors: it cannot be read.
    """
    folder = CaseFolder(path.parent)
    if not path.is_file():
        raise CaseNotFound(f"There is no case in {path.parent}.", "Name a folder that holds case.sqlite.")
    if not folder.wal.exists():
        return connect(path, "ro", immutable=True)
    try:
        connection = connect(path, "ro")
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except dbapi2.Error:
            connection.close()
            raise
        return connection
    except dbapi2.Error as fault:
        if primary_code(fault) not in (_CANTOPEN, _READONLY):
            raise
    if folder.wal.stat().st_size == 0:
        return connect(path, "ro", immutable=True)
    return _private_copy(folder)


def _private_copy(folder: CaseFolder) -> sqlite3.Connection:
    """Bring database and WAL together in memory: the WAL holds committed pages that immutable reading would miss."""
    with tempfile.TemporaryDirectory(prefix="workstation-read-") as place:
        copy = Path(place) / folder.database.name
        shutil.copyfile(folder.database, copy)
        shutil.copyfile(folder.wal, copy.with_name(folder.wal.name))
        source = connect(copy)
        memory: sqlite3.Connection = dbapi2.connect(":memory:", isolation_level=None, check_same_thread=False)
        try:
            source.backup(memory)
        finally:
            source.close()
        return memory
