"""Examinations with all their rows, against what the chain said when they began and ended (X1, X10)."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence

from workstation.domain.custody import CheckLine, CustodyKind
from workstation.domain.examinations import ExaminationState
from workstation.storage import row_digests
from workstation.storage.checks.lines import bad, good, rows
from workstation.storage.checks.said import Said, Statement
from workstation.storage.repositories import summaries


def check(raw: sqlite3.Connection, said: Said) -> list[CheckLine]:
    """One line for each examination, and one for each that is gone."""
    told: dict[object, list[Statement]] = {}
    for statement in said.of(CustodyKind.EXAMINATION_STARTED, CustodyKind.EXAMINATION_ENDED):
        told.setdefault(statement.facts.get("examination"), []).append(statement)
    order = list(told)
    restated = _restated(said)
    lines = []
    for row in rows(raw, "SELECT * FROM examinations ORDER BY number"):
        about = told.pop(row["id"], [])
        subject = f"examination {row['number']}"
        if not about or about[0].kind != CustodyKind.EXAMINATION_STARTED:
            lines.append(bad(subject, "the chain of custody does not know it"))
        elif order.index(row["id"]) + 1 != row["number"] or about[0].facts.get("number") != row["number"]:
            lines.append(bad(subject, "its number is not the one it was started with"))
        else:
            lines.append(_examination(raw, subject, row, about, restated.get(row["id"], {})))
    for about in told.values():
        subject = f"examination {about[0].facts.get('number')}"
        lines.append(bad(subject, "in the chain of custody, but gone from the case"))
    return lines


def _restated(said: Said) -> dict[object, dict[str, object]]:
    """Times and digests of rows that a migration stated of examinations made under format 1.0."""
    found: dict[object, dict[str, object]] = {}
    for statement in said.of(CustodyKind.MIGRATED):
        listed = statement.facts.get("examinations")
        for item in listed if isinstance(listed, list) else []:
            if isinstance(item, dict):
                found[item.get("examination")] = item
    return found


def _examination(
    raw: sqlite3.Connection,
    subject: str,
    row: dict[str, object],
    about: Sequence[Statement],
    restated: Mapping[str, object],
) -> CheckLine:
    started = [s.facts for s in about if s.kind == CustodyKind.EXAMINATION_STARTED]
    for name in ("plan", "environment"):
        digest = hashlib.sha256(str(row[name]).encode()).hexdigest()
        if any(facts.get(f"{name}_sha256") != digest for facts in started):
            return bad(subject, f"its {name} is not the one it was started with")
    began = started[0].get("started_at", restated.get("started_at", row["started_at"]))
    if row["started_at"] != began:
        return bad(subject, f"it stands as started at {row['started_at']}, but the chain says {began}")
    last = about[-1]
    running = last.kind == CustodyKind.EXAMINATION_STARTED
    state = ExaminationState.RUNNING.value if running else last.facts.get("state")
    if row["state"] != state:
        return bad(subject, f"it stands as {row['state']}, but the chain says {state}")
    ended = None if running else last.facts.get("ended_at", restated.get("ended_at", row["ended_at"]))
    error = "" if running else last.facts.get("error", row["error"])
    wrong = [name for name, value in (("ended_at", ended), ("error", error)) if row[name] != value]
    if wrong:
        return bad(subject, f"{', '.join(wrong)}: not what the chain of custody recorded")
    if running:
        return good(subject, "still running, or stopped without an end: its rows are not sealed yet")
    return _rows(raw, subject, row, {**restated, **last.facts})


def _rows(raw: sqlite3.Connection, subject: str, row: dict[str, object], facts: Mapping[str, object]) -> CheckLine:
    """Hold the tables of rows against the digests made when the examination ended.

    A table that came with a later format than the end is not named there: it may hold no row of the examination.
    """
    tables = facts.get("tables_sha256")
    number = int(raw.execute("PRAGMA user_version").fetchone()[0])
    if isinstance(tables, dict):
        now = row_digests.of_examination(
            lambda sql, values: raw.execute(sql, dict(values)), int(str(row["number"])), number
        )
        later = dict.fromkeys(row_digests.SINCE, row_digests.rows_sha256(()))
        wrong = [table for table, digest in now.items() if (later | tables).get(table) != digest]
        if wrong:
            told = ", ".join(wrong)
            return bad(subject, f"its stored results are not those it ended with (rows of {told})")
    stored = raw.execute(summaries.ROWS, {"examination": row["number"]})
    if summaries.rows_digest(stored) != facts.get("results_sha256"):
        return bad(subject, "its stored results are not those it ended with")
    return good(subject, f"{facts.get('frames')} frames as they stood when it ended")
