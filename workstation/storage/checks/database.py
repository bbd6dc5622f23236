"""The database file itself, its triggers, and facts that stand in two places."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from functools import partial

from workstation.domain.custody import CheckLine
from workstation.storage import triggers
from workstation.storage.checks import exhibits, records
from workstation.storage.checks.chain import ReadEvent
from workstation.storage.checks.lines import bad, good, guarded, rows
from workstation.storage.checks.said import Problem, Said


def check_database(connection: sqlite3.Connection) -> list[CheckLine]:
    """SQLite's own integrity check, foreign keys included."""
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)")]
    loose = connection.execute("PRAGMA foreign_key_check").fetchall()
    if found != ["ok"]:
        return [bad("database", f"damaged: {'; '.join(found[:3])}")]
    if loose:
        return [bad("database", f"{len(loose)} rows point to rows that are gone (first in table {loose[0][0]})")]
    return [good("database", "integrity check passed")]


def check_triggers(connection: sqlite3.Connection) -> list[CheckLine]:
    """Whether everything that makes records append-only is there, word for word."""
    number = int(connection.execute("PRAGMA user_version").fetchone()[0])
    wanted = triggers.BY_FORMAT.get(number)
    if wanted is None:
        return [bad("triggers", f"format {number} is not known here")]
    found = rows(connection, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    there = {str(row["name"]): str(row["sql"]) for row in found}
    missing = [name for name in wanted if name not in there]
    changed = [name for name, sql in wanted.items() if name in there and there[name] != sql]
    foreign = [name for name in there if name not in wanted]
    named = (("missing", missing), ("changed", changed), ("foreign", foreign))
    parts = [f"{word}: {', '.join(names)}" for word, names in named if names]
    if parts:
        return [bad("triggers", "; ".join(parts))]
    return [good("triggers", f"all {len(wanted)} are in place")]


def check_facts(connection: sqlite3.Connection, said: Said, events: list[ReadEvent]) -> list[CheckLine]:
    """Hold every row that is not an examination's against what the chain said when it was recorded."""
    number = int(connection.execute("PRAGMA user_version").fetchone()[0])
    parts: list[tuple[str, Callable[[], Iterable[Problem]]]] = [
        ("case facts", lambda: records.case(connection, said)),
        ("exhibits", lambda: exhibits.check(connection, said, number)),
        ("reports", lambda: records.reports(connection, said, events)),
    ]
    if number >= 1001:
        parts += [
            ("derived items", lambda: records.derived(connection, said)),
            ("imports", lambda: records.intake(connection, said)),
            ("edits", lambda: records.edits(connection, said)),
        ]
    lines: list[CheckLine] = []
    for subject, part in parts:
        lines += guarded(subject, partial(_lines, part))
    if not lines:
        told = "case, exhibits, imports, edits, derived items and reports agree with the chain of custody"
        lines = [good("recorded facts", told)]
    return lines + (guarded("imports", lambda: _under_way(connection)) if number >= 1001 else [])


def _under_way(connection: sqlite3.Connection) -> list[CheckLine]:
    """Imports whose outcome no event states yet."""
    found = rows(connection, "SELECT number FROM intake_batches WHERE state = 'running' ORDER BY number")
    detail = "still running, or stopped without an end: what became of its files is not sealed yet"
    return [good(f"import {row['number']}", detail) for row in found]


def _lines(part: Callable[[], Iterable[Problem]]) -> list[CheckLine]:
    return [bad(*problem) for problem in part()]
