"""One consistent state of a case while others write it: the database through SQLite's backup, then every file.

The database goes first. What it names is on disk before it is named and never changes or leaves afterwards: the files
copied later hold at least everything the snapshot speaks of.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workstation.domain.custody import CustodyHead, CustodyKind, Verification
from workstation.domain.errors import Cancelled, CaseExists, CaseReadOnly, IntegrityMismatch
from workstation.storage import leftovers
from workstation.storage.anchor import write_anchor
from workstation.storage.case_folder import CaseFolder
from workstation.storage.case_store import CaseStore
from workstation.storage.checkpoints import Ledger
from workstation.storage.closing import closed_state
from workstation.storage.durable import file_error, flush_folder, part_name
from workstation.storage.engine import connect, writer_engine
from workstation.storage.keys import LedgerKey
from workstation.storage.outside_reader import open_for_reading
from workstation.storage.rewriting import content_names
from workstation.storage.sealing import CaseSeal
from workstation.storage.sqlite_errors import typed_errors
from workstation.storage.switching import flush_tree
from workstation.storage.verification import verify_case

Progress = Callable[[int, int, str], None]
Cancel = Callable[[], bool]
_BLOCK = 4 << 20

COUNTED = {
    "exhibits": "evidence",
    "examinations": "examinations",
    "frames": "frames",
    "results": "results",
    "track readings": "track_readings",
    "reports": "reports",
    "derived items": "derived",
    "custody events": "custody",
}


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that verified: where it is, where its chain ends, and how much it holds."""

    folder: Path
    head: CustodyHead
    files: int
    bytes: int
    counts: dict[str, int]
    verification: Verification


def snapshot_database(source: Path, target: Path, seal: CaseSeal | None, *, outside: bool = False) -> None:
    """Copy a database that may be written meanwhile into a new file, as one transaction sees it; ``outside`` when this
    program is not the one that has the case open for writing.

    An encrypted one stays encrypted under the same key. Raises: StorageFull, CaseError, CaseDamaged.
    """
    key = None if seal is None else seal.database_key
    with typed_errors(source):
        reading = open_for_reading(source, key) if outside else connect(source, key=key)
        try:
            with typed_errors(target):
                writing = connect(target, "rwc", key=key)
                try:
                    reading.backup(writing)
                    writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    writing.close()
        finally:
            reading.close()


def counts_in(database: Path, seal: CaseSeal | None, *, live: bool = False) -> dict[str, int]:
    """How many of everything a database holds (U9), of tables that its format has; ``live`` while it is written.

    Raises: CaseError, CaseDamaged.
    """
    key = None if seal is None else seal.database_key
    with typed_errors(database):
        connection = connect(database, "rw" if live else "ro", immutable=not live, key=key)
        try:
            connection.execute("BEGIN")
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            counted = {name: table for name, table in COUNTED.items() if table in there}
            ask = "SELECT count(*) FROM "
            return {name: int(connection.execute(ask + table).fetchone()[0]) for name, table in counted.items()}
        finally:
            connection.close()


def head_in(database: Path, seal: CaseSeal | None) -> CustodyHead:
    """The head of the chain in a database that nobody else has open. Raises: CaseError, CaseDamaged."""
    engine = writer_engine(database, key=None if seal is None else seal.database_key)
    try:
        with typed_errors(database), engine.begin() as connection:
            return Ledger().head(connection)
    finally:
        with contextlib.suppress(Exception):
            raw = engine.raw_connection()
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            raw.close()
        engine.dispose()


def writing_key(store: CaseStore) -> LedgerKey:
    """The ledger key a case is being written with. Raises: CaseReadOnly."""
    key = store.ledger_key
    if key is None:
        raise CaseReadOnly(f"Case {store.case.number} is open for reading only.", "Open it for writing.")
    return key


def files_of(folder: CaseFolder) -> Iterator[tuple[str, int]]:
    """(name, bytes) of every file besides database and head that belongs to a case, ``case.key`` among them."""
    if folder.key_file.is_file():
        yield folder.key_file.name, folder.key_file.stat().st_size
    for name in content_names(folder):
        with contextlib.suppress(FileNotFoundError):  # a refused file may be discarded while we look
            yield name, (folder.root / name).stat().st_size


def back_up(
    store: CaseStore,
    target: Path,
    on_progress: Progress | None = None,
    cancelled: Cancel | None = None,
    *,
    key: LedgerKey | None = None,
) -> BackedUp:
    """Copy a case into a folder that is not there yet, verify the copy, and record it.

    The copy is a case of its own with the same content, as it stood at one moment, encrypted if this one is.

    Args:
        key: signs the head of the copy of a case that is open for reading only (another program may be writing it);
            nothing is recorded then.

    Raises:
        CaseExists: the folder holds something.
        CaseReadOnly: the case is open for reading only, and no key was given.
        IntegrityMismatch: the copy does not verify; it was removed.
        StorageFull, PermissionRefused, Cancelled: nothing stays behind.
    """
    signing = key if store.read_only and key is not None else writing_key(store)
    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CaseExists(f"{target} is not an empty folder.", "Choose another folder for the backup.")
    part = part_name(target)
    leftovers.sweep(target)
    try:
        part.mkdir(parents=True)
        with leftovers.claimed(part):
            done = _fill(store, signing, part, on_progress, cancelled)
        if target.exists():
            target.rmdir()
        part.rename(target)
        flush_folder(target.parent)
    except OSError as fault:
        raise file_error(fault, target) from fault
    finally:
        shutil.rmtree(part, ignore_errors=True)
    body = {
        "to": str(target),
        "count": done.head.count,
        "hash": done.head.hash.hex(),
        "code": done.head.code,
        "files": done.files,
        "bytes": done.bytes,
        "encrypted": store.encrypted,
    }
    if not store.read_only:
        store.record(CustodyKind.BACKED_UP, body)
    return BackedUp(target, done.head, done.files, done.bytes, done.counts, done.verification)


def _fill(
    store: CaseStore, key: LedgerKey, part: Path, on_progress: Progress | None, cancelled: Cancel | None
) -> BackedUp:
    source, copy = CaseFolder(store.folder), CaseFolder(part)
    for place in copy.parts:
        place.mkdir()
    store.arrays.flush()
    snapshot_database(source.database, copy.database, store.seal, outside=store.read_only)
    files = list(files_of(source))
    total = sum(size for _, size in files) + copy.database.stat().st_size
    done = copy.database.stat().st_size
    count = 0
    for name, size in files:
        if cancelled is not None and cancelled():
            raise Cancelled("The backup was cancelled; nothing of it stays.")
        count += copy_file(source.root / name, copy.root / name)
        done += size
        if on_progress is not None:
            on_progress(done, 2 * total, name)
    head = head_in(copy.database, store.seal)
    flush_tree(part)
    write_anchor(copy.anchor, store.case.id, head, key, closed_state(copy))

    def tell(read: int, whole: int) -> None:
        if on_progress is not None and whole:
            on_progress(total + total * read // whole, 2 * total, "verifying")

    outcome = verify_case(part, seal=store.seal, on_progress=tell, cancelled=cancelled)
    if not outcome.ok:
        line = outcome.bad[0]
        raise IntegrityMismatch(
            f"The copy does not verify ({line.subject}: {line.detail}); it was removed.",
            "Run case verify on the case itself.",
        )
    return BackedUp(part, head, count, total, counts_in(copy.database, store.seal), outcome)


def copy_file(source: Path, target: Path) -> int:
    """Copy one file with its permission bits; 0 when it is gone, 1 otherwise. Raises: OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with source.open("rb") as reading, target.open("xb") as writing:
            shutil.copyfileobj(reading, writing, _BLOCK)
            os.fchmod(writing.fileno(), 0o600) if hasattr(os, "fchmod") else None
    except FileNotFoundError:
        if source.exists():
            raise
        target.unlink(missing_ok=True)
        return 0
    shutil.copymode(source, target)
    return 1
