"""The database file itself, its triggers, and facts that stand in two places."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence

from workstation.domain.custody import CheckLine, CustodyKind
from workstation.storage import triggers
from workstation.storage.checks.chain import ReadEvent
from workstation.storage.checks.lines import bad, good, rows
from workstation.storage.repositories import summaries

_CASE_FACTS = ("number", "title", "examiner", "question", "created_at")
_EXHIBIT_FACTS = {
    "exhibit": "exhibit",
    "name": "name",
    "sha256": "sha256",
    "size": "size",
    "source": "source_path",
    "taken_in_at": "taken_in_at",
    "taken_in_by": "taken_in_by",
    "machine": "machine",
    "note": "note",
}
_REPORT_FACTS = ("number", "path", "sha256", "size", "signer", "custody_count", "custody_hash")


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


def check_facts(connection: sqlite3.Connection, events: Sequence[ReadEvent]) -> list[CheckLine]:
    """Hold case, exhibits and reports against what the chain said when they were recorded."""
    problems = [*_case(connection, events), *_exhibits(connection, events), *_reports(connection, events)]
    return [bad(subject, detail) for subject, detail in problems] or [
        good("recorded facts", "case, exhibits, examinations and reports agree with the chain of custody")
    ]


def _case(connection: sqlite3.Connection, events: Sequence[ReadEvent]) -> Iterator[tuple[str, str]]:
    found = rows(connection, "SELECT * FROM case_facts")
    if not found:
        yield "case facts", "missing"
        return
    said = events[0].facts() if events else {}
    for name in _CASE_FACTS:
        if said.get(name) != found[0][name]:
            yield "case facts", f"{name} is not what was recorded when the case was made"


def _exhibits(connection: sqlite3.Connection, events: Sequence[ReadEvent]) -> Iterator[tuple[str, str]]:
    said = {e.facts().get("evidence"): e.facts() for e in events if e.kind == CustodyKind.EVIDENCE_TAKEN_IN}
    for row in rows(connection, "SELECT * FROM evidence ORDER BY position"):
        facts = said.pop(row["id"], None)
        subject = f"exhibit {row['exhibit']}"
        if facts is None:
            yield subject, "the chain of custody does not know it"
            continue
        wrong = [name for name, column in _EXHIBIT_FACTS.items() if facts.get(name) != row[column]]
        if wrong:
            yield subject, f"{', '.join(wrong)}: not what the chain of custody recorded"
    for facts in said.values():
        yield f"exhibit {facts.get('exhibit')}", "in the chain of custody, but gone from the case"


def _reports(connection: sqlite3.Connection, events: Sequence[ReadEvent]) -> Iterator[tuple[str, str]]:
    said = {e.facts().get("report"): e.facts() for e in events if e.kind == CustodyKind.REPORT_BUILT}
    for row in rows(connection, "SELECT * FROM reports ORDER BY number"):
        facts = said.pop(row["id"], None)
        if facts is None:
            yield f"report {row['number']}", "the chain of custody does not know it"
        elif wrong := [name for name in _REPORT_FACTS if facts.get(name) != row[name]]:
            yield f"report {row['number']}", f"{', '.join(wrong)}: not what the chain of custody recorded"
    for facts in said.values():
        yield f"report {facts.get('number')}", "in the chain of custody, but gone from the case"


def check_examinations(connection: sqlite3.Connection, events: Sequence[ReadEvent]) -> list[CheckLine]:
    """Hold every stored row of an examination against the digest in the chain, plan and environment too (X1, X10)."""
    lines: list[CheckLine] = []
    known = rows(connection, "SELECT number, id, plan, environment, state FROM examinations ORDER BY number")
    for row in known:
        about = [e for e in events if e.facts().get("examination") == row["id"]]
        lines.append(_examination(connection, row, about))
    gone = {
        e.facts().get("number"): e.facts().get("examination")
        for e in events
        if e.kind == CustodyKind.EXAMINATION_STARTED
    }
    ids = {row["id"] for row in known}
    lines.extend(
        bad(f"examination {number}", "in the chain of custody, but gone from the case")
        for number, run in gone.items()
        if run not in ids
    )
    return lines


def _examination(connection: sqlite3.Connection, row: dict[str, object], about: Sequence[ReadEvent]) -> CheckLine:
    subject = f"examination {row['number']}"
    started = [e.facts() for e in about if e.kind == CustodyKind.EXAMINATION_STARTED]
    ended = [e for e in about if e.kind in (CustodyKind.EXAMINATION_STARTED, CustodyKind.EXAMINATION_ENDED)]
    if not started:
        return bad(subject, "the chain of custody does not know it")
    for name in ("plan", "environment"):
        digest = hashlib.sha256(str(row[name]).encode()).hexdigest()
        if any(facts.get(f"{name}_sha256") != digest for facts in started):
            return bad(subject, f"its {name} is not the one it was started with")
    if ended[-1].kind == CustodyKind.EXAMINATION_STARTED:
        return good(subject, "still running, or stopped without an end: its rows are not sealed yet")
    facts = ended[-1].facts()
    if facts.get("state") != row["state"]:
        return bad(subject, f"it stands as {row['state']}, but ended as {facts.get('state')}")
    stored = connection.execute(summaries.ROWS, {"examination": row["number"]})
    if summaries.rows_digest(stored) != facts.get("results_sha256"):
        return bad(subject, "its stored results are not those it ended with")
    return good(subject, f"{facts.get('frames')} frames as they stood when it ended")
