"""Lines of a verification, and reading tables that somebody may have damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from sqlcipher3 import dbapi2

from workstation.domain.custody import CheckLine, CheckState
from workstation.domain.errors import WorkstationError


def good(subject: str, detail: str) -> CheckLine:
    return CheckLine(subject, CheckState.OK, detail)


def bad(subject: str, detail: str) -> CheckLine:
    return CheckLine(subject, CheckState.BAD, detail)


def guarded(subject: str, check: Callable[[], Sequence[CheckLine] | None]) -> list[CheckLine]:
    """Run one check; a table that cannot be read, or holds what it never should, becomes a line of its own."""
    try:
        return list(check() or ())
    except (dbapi2.Error, ValueError, TypeError, KeyError, OverflowError, WorkstationError) as fault:
        return [bad(subject, f"cannot be read: {fault}")]


def rows(connection: sqlite3.Connection, statement: str, *values: object) -> list[dict[str, object]]:
    """Rows as dictionaries. Text that is no UTF-8 any more comes back with replacement characters."""
    cursor = connection.execute(statement, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def lenient(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
