"""Every column of a golden case is held against the chain of custody: one value changed is one bad line that names it.

The digest of the closed file notices any change whatever; here a line about the record itself is asked for.
"""

from __future__ import annotations

import sqlite3
import tarfile
from pathlib import Path

import pytest

from workstation.storage.case_store import CaseStore
from workstation.storage.keys import LedgerKey
from workstation.storage.tables import Base
from workstation.storage.verification import verify_case

CASES = Path(__file__).parents[2] / "golden" / "cases"
COLUMNS = [(table.name, column.name) for table in Base.metadata.sorted_tables for column in table.columns]
# What can change in a case at all: everything else is kept by triggers too.
MUTABLE = [
    ("evidence", "work"),
    ("evidence", "integrity"),
    ("evidence", "verified_at"),
    ("frame_indexes", "pts"),
    ("frame_indexes", "time_base_den"),
    ("thumbnails", "png"),
    ("examinations", "state"),
    ("examinations", "ended_at"),
    ("examinations", "error"),
    ("intake_batches", "state"),
    ("intake_batches", "ended_at"),
    ("intake_items", "state"),
    ("intake_items", "code"),
    ("intake_items", "line"),
    ("examiner_objects", "body"),
    ("examiner_objects", "kind"),
    ("examiner_objects", "since"),
]


@pytest.fixture(params=["format-1.0", "format-1.1", "format-1.2"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, key: LedgerKey) -> Path:
    """A golden case, brought up to date and closed."""
    with tarfile.open(CASES / f"{request.param}.tar.xz") as tar:
        tar.extractall(tmp_path)
    CaseStore.open(tmp_path / request.param, key=key).close()
    return Path(tmp_path / request.param)


def other(value: object) -> object:
    """Another value of the same type."""
    if isinstance(value, str):
        return ("c" if value[:1] == "b" else "b") + value[1:]
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, int | float):
        return value + 1
    return "b"


def change(database: Path, table: str, column: str) -> bool:
    """Change one value in the first row that has one, triggers taken off and put back; False where there is none, or
    where the table itself refuses it."""
    raw = sqlite3.connect(database)
    triggers = raw.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    row = raw.execute(f"SELECT * FROM {table} ORDER BY {column} IS NULL LIMIT 1").fetchone()
    if row is None:
        raw.close()
        return False
    names = [name for (_, name, *_) in raw.execute(f"PRAGMA table_info({table})")]
    for name, _ in triggers:
        raw.execute(f"DROP TRIGGER {name}")
    where = " AND ".join(f"{name} IS ?" for name in names)
    try:
        raw.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (other(row[names.index(column)]), *row))
    except sqlite3.IntegrityError:
        raw.close()
        return False
    for _, text in triggers:
        raw.execute(text)
    raw.commit()
    raw.close()
    return True


def missed(folder: Path, columns: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], int]:
    """Columns whose change no line about a record told of, and how many were changed."""
    database, tried, found = folder / "case.sqlite", 0, []
    sound = database.read_bytes()
    for table, column in columns:
        database.write_bytes(sound)
        if change(database, table, column):
            tried += 1
            if {line.subject for line in verify_case(folder).bad} <= {"database file"}:
                found.append((table, column))
    database.write_bytes(sound)
    assert verify_case(folder).ok
    return found, tried


def test_what_can_change_is_proved(folder: Path) -> None:
    found, tried = missed(folder, MUTABLE)
    assert found == []
    assert tried >= (9 if folder.name == "format-1.0" else len(MUTABLE) - 1)


@pytest.mark.harness
def test_every_column_is_proved(folder: Path) -> None:
    found, tried = missed(folder, COLUMNS)
    assert found == []
    assert tried > {"format-1.0": 80, "format-1.1": 130, "format-1.2": 142}[folder.name]
