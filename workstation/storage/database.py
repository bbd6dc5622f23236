"""The unit of work on one case: every change in one transaction on one writer, every read in a short one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from workstation.domain.errors import CaseError, CaseReadOnly
from workstation.storage.engine import reader_engine, short_lived_engine, writer_engine
from workstation.storage.resting import TRIES, resting_state
from workstation.storage.sqlite_errors import typed_errors

T = TypeVar("T")


class Database:
    """Thread-safe access to ``case.sqlite``. Functions handed in get a connection with a transaction open.

    Args:
        key: the raw key (32 bytes) of an encrypted database.
    """

    def __init__(self, path: Path, *, read_only: bool, key: bytes | None = None) -> None:
        self.path = path
        self.read_only = read_only
        self._lock = threading.RLock()
        self._closed = False
        self._writer = None if read_only else writer_engine(path, key=key)
        self._readers = short_lived_engine(path, key) if read_only else reader_engine(path, key)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on one consistent snapshot; once more when another program began to write under it.

        Raises:
            CaseError: the case is closed, damaged or held.
        """
        if self._closed:
            raise CaseError("The case is closed.", "Open it again.")
        for _ in range(TRIES if self.read_only else 0):
            before = resting_state(self.path)
            try:
                done = self._read(work)
            except CaseError:
                if before is None or resting_state(self.path) == before:
                    raise
                continue
            if before is None or resting_state(self.path) == before:
                return done
        return self._read(work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with typed_errors(self.path, writing=not self.read_only), self._readers.begin() as connection:
            return work(connection)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one BEGIN IMMEDIATE transaction: all of it is committed, or nothing.

        Raises:
            CaseReadOnly: the case is open for reading only.
            StorageFull: the disk is full; nothing was changed.
        """
        if self._writer is None:
            raise CaseReadOnly(f"The case in {self.path.parent} is open for reading only.", "Open it for writing.")
        with self._lock:
            if self._closed:
                raise CaseError("The case is closed.", "Open it again.")
            with typed_errors(self.path, writing=True), self._writer.begin() as connection:
                return work(connection)

    def close(self) -> None:
        """Move everything into the database file and let go of it; a second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._readers.dispose()
            if self._writer is None:
                return
            try:
                with typed_errors(self.path, writing=True):
                    raw = self._writer.raw_connection()
                    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    raw.close()
            finally:
                self._writer.dispose()
