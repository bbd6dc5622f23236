"""Whether the database has the tables, indexes and marks of its format, no fewer and no more."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import cache

from sqlcipher3 import dbapi2

from workstation.domain.custody import CheckLine
from workstation.storage.checks.lines import bad, good, rows

_OWN = "alembic_version"
_OBJECTS = "SELECT name, type, sql FROM sqlite_schema WHERE type <> 'trigger'"


@cache
def steps() -> Mapping[int, tuple[str, tuple[str, ...]]]:
    """What each format added, and the migration step it ends with; a test holds this against the migrations.

    Loaded when needed: the steps bring the migration library with them.
    """
    from workstation.storage.migrations.versions import (
        v0001_first_format,
        v0002_descriptions_and_edits,
        v0003_track_readings,
    )

    return {
        1000: (v0001_first_format.revision, v0001_first_format._TABLES),
        1001: (v0002_descriptions_and_edits.revision, v0002_descriptions_and_edits._TABLES),
        1002: (v0003_track_readings.revision, v0003_track_readings._TABLES),
    }


@cache
def expected(number: int) -> Mapping[str, tuple[str, str]]:
    """Name to (type, statement) of every table and index of a format."""
    raw = dbapi2.connect(":memory:", isolation_level=None)
    try:
        raw.execute(f"CREATE TABLE {_OWN} (version_num TEXT PRIMARY KEY)")
        for step, (_, statements) in sorted(steps().items()):
            for statement in statements if step <= number else ():
                raw.execute(statement)
        found = _objects(raw)
    finally:
        raw.close()
    return found


def _objects(raw: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    found = {str(r["name"]): (str(r["type"]), str(r["sql"])) for r in rows(raw, _OBJECTS)}
    # The text of alembic's own table is alembic's; only its presence and its one row matter.
    return {name: (kind, "" if _OWN in name else sql) for name, (kind, sql) in found.items()}


def check_schema(raw: sqlite3.Connection) -> list[CheckLine]:
    """Name every table and index that is missing, altered or foreign, and a wrong mark of the format."""
    number = int(raw.execute("PRAGMA user_version").fetchone()[0])
    if number not in steps():
        return [bad("tables", f"format {number} is not known here")]
    revision, wanted, there = steps()[number][0], expected(number), _objects(raw)
    named = (
        ("missing", [name for name in wanted if name not in there]),
        ("changed", [name for name in wanted if name in there and there[name] != wanted[name]]),
        ("foreign", [name for name in there if name not in wanted]),
    )
    parts = [f"{word}: {', '.join(names)}" for word, names in named if names]
    if parts:
        return [bad("tables", "; ".join(parts))]
    marks = [str(row["version_num"]) for row in rows(raw, f"SELECT version_num FROM {_OWN}")]
    if marks != [revision]:
        told = ", ".join(marks) or "nothing"
        return [bad("tables", f"alembic_version says {told}; a case of this format has {revision}")]
    return [good("tables", f"those of format {number // 1000}.{number % 1000}, and no other")]
