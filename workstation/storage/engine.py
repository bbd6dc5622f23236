"""Engines on one case database: exactly one writer connection, readers of their own, pragmas on every connection.

Pragmas and the guard follow what was measured for this design: WAL with ``synchronous=FULL`` (every commit is flushed),
foreign keys, untrusted schema, recursive triggers (so that REPLACE meets the delete triggers), and an authorizer that
takes DROP, ALTER, ATTACH and ``writable_schema`` away from the writer.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, QueuePool, StaticPool, create_engine, event
from sqlcipher3 import dbapi2

# SQLite 3.7.0 to 3.51.2 can lose committed transactions when two connections write and checkpoint at one instant.
OLDEST_SQLITE = (3, 51, 3)
if dbapi2.sqlite_version_info < OLDEST_SQLITE:
    raise ImportError(f"SQLite {dbapi2.sqlite_version} is too old for a case; 3.51.3 or newer is needed (sqlcipher3)")

_PRAGMAS = (
    "PRAGMA busy_timeout=5000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA cell_size_check=ON",
    "PRAGMA mmap_size=0",
    "PRAGMA synchronous=FULL",
)
_DENIED = frozenset(
    {
        dbapi2.SQLITE_ALTER_TABLE,
        dbapi2.SQLITE_ATTACH,
        dbapi2.SQLITE_DETACH,
        dbapi2.SQLITE_DROP_INDEX,
        dbapi2.SQLITE_DROP_TABLE,
        dbapi2.SQLITE_DROP_TRIGGER,
        dbapi2.SQLITE_DROP_VIEW,
    }
)
_DENIED_PRAGMAS = frozenset({"writable_schema", "recursive_triggers", "foreign_keys", "application_id", "user_version"})


def connect(path: Path, mode: str = "rw", *, immutable: bool = False, key: bytes | None = None) -> sqlite3.Connection:
    """Open one connection with every pragma set and transactions left to the caller.

    Args:
        mode: "rwc" makes the file, "rw" needs it, "ro" only reads.
        immutable: promise SQLite that nobody writes meanwhile; no lock, WAL or shared-memory file is touched.
        key: the raw key (32 bytes) of an encrypted database; None for a plain one.
    """
    uri = f"file:{quote(path.as_posix())}?mode={mode}" + ("&immutable=1" if immutable else "")
    connection: sqlite3.Connection = dbapi2.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        unlock(connection, key)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except dbapi2.Error:
        connection.close()
        raise
    return connection


def unlock(connection: sqlite3.Connection, key: bytes | None) -> None:
    """Give a fresh connection the raw key (32 bytes) of its database; this must come before every other statement."""
    connection.execute("PRAGMA cipher_log_level=NONE")  # a wrong key would be told on standard error
    if key is not None:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")


def guard(connection: sqlite3.Connection) -> None:
    """Take away from a connection what could undo the append-only triggers."""

    def authorize(action: int, first: str | None, second: str | None, _database: str | None, _inner: str | None) -> int:
        if action in _DENIED:
            return int(dbapi2.SQLITE_DENY)
        if action == dbapi2.SQLITE_PRAGMA and second is not None and str(first).lower() in _DENIED_PRAGMAS:
            return int(dbapi2.SQLITE_DENY)
        return 0

    connection.set_authorizer(authorize)


def writer_engine(path: Path, *, create: bool = False, guarded: bool = True, key: bytes | None = None) -> Engine:
    """The single writer: one connection, WAL, every transaction a BEGIN IMMEDIATE."""

    def opened() -> sqlite3.Connection:
        connection = connect(path, "rwc" if create else "rw", key=key)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except dbapi2.Error:
            connection.close()
            raise
        if guarded:
            guard(connection)
        return connection

    engine = create_engine("sqlite://", module=dbapi2, creator=opened, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def reader_engine(path: Path, key: bytes | None = None) -> Engine:
    """Readers beside the writer of the same store: pooled, and unable to write (``query_only``)."""

    def opened() -> sqlite3.Connection:
        connection = connect(path, key=key)
        connection.execute("PRAGMA query_only=ON")
        return connection

    engine = create_engine("sqlite://", module=dbapi2, creator=opened, poolclass=QueuePool, pool_size=4)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def short_lived_engine(path: Path, key: bytes | None = None) -> Engine:
    """Readers of a case that this program does not write: each read opens and closes its own connection."""
    from workstation.storage.outside_reader import open_for_reading

    engine = create_engine("sqlite://", module=dbapi2, creator=lambda: open_for_reading(path, key), poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine
