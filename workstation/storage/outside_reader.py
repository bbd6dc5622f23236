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
from workstation.storage.engine import connect, unlock
from workstation.storage.sqlite_errors import primary_code

_CANTOPEN, _READONLY = 14, 8


def open_for_reading(path: Path, key: bytes | None = None) -> sqlite3.Connection:
    """Open a case database read-only, whatever its state; nothing in its folder is made or changed by a closed case.

    Args:
        key: the raw key (32 bytes) of an encrypted database.

    Raises:
        CaseNotFound: there is no database file.
        sqlcipher3 errors: it cannot be read.
    """
    folder = CaseFolder(path.parent)
    if not path.is_file():
        raise CaseNotFound(f"There is no case in {path.parent}.", "Name a folder that holds case.sqlite.")
    if not folder.wal.exists():
        return connect(path, "ro", immutable=True, key=key)
    try:
        connection = connect(path, "ro", key=key)
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
        return connect(path, "ro", immutable=True, key=key)
    return _private_copy(folder, key)


def _private_copy(folder: CaseFolder, key: bytes | None) -> sqlite3.Connection:
    """Bring database and WAL together in memory: the WAL holds committed pages that immutable reading would miss."""
    with tempfile.TemporaryDirectory(prefix="workstation-read-") as place:
        copy = Path(place) / folder.database.name
        shutil.copyfile(folder.database, copy)
        shutil.copyfile(folder.wal, copy.with_name(folder.wal.name))
        memory: sqlite3.Connection = dbapi2.connect(":memory:", isolation_level=None, check_same_thread=False)
        unlock(memory, None)
        if key is not None:
            _decrypted_into(memory, copy, key)
            return memory
        source = connect(copy)
        try:
            source.backup(memory)
        finally:
            source.close()
        return memory


def _decrypted_into(memory: sqlite3.Connection, copy: Path, key: bytes) -> None:
    """SQLite's backup does not lead from an encrypted database to a plain one, not even in memory."""
    memory.execute("ATTACH DATABASE ? AS source KEY \"x'" + key.hex() + "'\"", (str(copy),))
    memory.execute("SELECT sqlcipher_export('main', 'source')")
    for name in ("application_id", "user_version"):
        number = int(memory.execute(f"PRAGMA source.{name}").fetchone()[0])
        memory.execute(f"PRAGMA main.{name}={number}")
    memory.execute("DETACH DATABASE source")
