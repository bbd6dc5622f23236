"""Case facts, reports, derived items, imports and the examiner's edits, against the events that recorded them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping

from workstation.domain.custody import CustodyKind, canonical_json
from workstation.storage.checks.chain import ReadEvent
from workstation.storage.checks.exhibits import NOT_SAID
from workstation.storage.checks.lines import rows
from workstation.storage.checks.said import Problem, Said, Statement
from workstation.storage.described import sha256_of
from workstation.storage.repositories.edits import row_text
from workstation.storage.repositories.intake import LISTED, SETTLED

_CASE = {
    "case": "id",
    "number": "number",
    "title": "title",
    "examiner": "examiner",
    "question": "question",
    "created_at": "created_at",
}
_REPORT = ("number", "path", "sha256", "size", "signer", "custody_count", "custody_hash")
_DERIVED = (
    "position",
    "number",
    "kind",
    "parent_kind",
    "parent",
    "parent_sha256",
    "operation",
    "parameters",
    "tool",
    "path",
    "exported",
    "sha256",
    "size",
    "made_at",
    "made_by",
    "note",
)
_GONE = "in the chain of custody, but gone from the case"
_UNKNOWN = "the chain of custody does not know it"


def case(raw: sqlite3.Connection, said: Said) -> Iterator[Problem]:
    """The one row of case_facts; its public key is held against the first event with the chain itself."""
    found = rows(raw, "SELECT * FROM case_facts")
    if not found:
        yield "case facts", "missing"
        return
    if len(found) > 1 or found[0]["single"] != 1:
        yield "case facts", "more than the one row that says what the case is"
    told = next(iter(said.of(CustodyKind.CASE_CREATED)), Statement(0, "", {})).facts
    for name, column in _CASE.items():
        if told.get(name) != found[0][column]:
            yield "case facts", f"{column} is not what was recorded when the case was made"


def reports(raw: sqlite3.Connection, said: Said, events: list[ReadEvent]) -> Iterator[Problem]:
    """Every column; and that the chain still contains the head each report names."""
    told = {s.facts.get("report"): s.facts for s in said.of(CustodyKind.REPORT_BUILT)}
    restated = {i.get("report"): i.get("built_at") for i in _migrated(said, "reports")}
    for row in rows(raw, "SELECT * FROM reports ORDER BY number"):
        subject = f"report {row['number']}"
        facts = told.pop(row["id"], None)
        if facts is None:
            yield subject, _UNKNOWN
            continue
        wrong = [name for name in _REPORT if facts.get(name) != row[name]]
        built_at = facts.get("built_at", restated.get(row["id"], row["built_at"]))
        wrong += ["built_at"] if row["built_at"] != built_at else []
        if wrong:
            yield subject, f"{', '.join(wrong)}: {NOT_SAID}"
        count = row["custody_count"]
        there = isinstance(count, int) and 0 < count <= len(events) and events[count - 1].hash.hex()
        if not wrong and there != row["custody_hash"]:
            yield subject, f"the chain of custody no longer contains the head it was built on (event {count})"
    for facts in told.values():
        yield f"report {facts.get('number')}", _GONE


def _migrated(said: Said, member: str) -> Iterator[dict[str, object]]:
    for statement in said.of(CustodyKind.MIGRATED):
        listed = statement.facts.get(member)
        yield from (i for i in (listed if isinstance(listed, list) else []) if isinstance(i, dict))


def derived(raw: sqlite3.Connection, said: Said) -> Iterator[Problem]:
    """Every column of every item against ``derived`` and ``exported`` (E4)."""
    told = {
        s.facts["derived"]: s.facts
        for s in said.of(CustodyKind.DERIVED, CustodyKind.EXPORTED)
        if "derived" in s.facts and "position" in s.facts
    }
    for row in rows(raw, "SELECT * FROM derived ORDER BY position"):
        subject = f"derived item {row['number']}"
        facts = told.pop(row["id"], None)
        if facts is None:
            yield subject, _UNKNOWN
        elif wrong := [name for name in _DERIVED if facts.get(name) != row[name]]:
            yield subject, f"{', '.join(wrong)}: {NOT_SAID}"
    for facts in told.values():
        yield f"derived item {facts.get('number')}", _GONE


def intake(raw: sqlite3.Connection, said: Said) -> Iterator[Problem]:
    """Every import against its list as it began and what became of each file when it ended."""
    told: dict[object, list[Statement]] = {}
    for statement in said.of(CustodyKind.INTAKE_STARTED, CustodyKind.INTAKE_ENDED):
        told.setdefault(statement.facts.get("intake"), []).append(statement)
    for row in rows(raw, "SELECT * FROM intake_batches ORDER BY number"):
        subject = f"import {row['number']}"
        statements = told.pop(row["id"], [])
        if not statements:
            yield subject, _UNKNOWN
            continue
        wrong = _wrong_batch(row, statements)
        if wrong:
            yield subject, f"{', '.join(wrong)}: {NOT_SAID}"
        values = {"batch": row["number"]}
        started = [s.facts for s in statements if s.kind == CustodyKind.INTAKE_STARTED]
        if any(facts.get("list_sha256") != _digest(raw, LISTED, values) for facts in started):
            yield subject, "its list of files is not the one it began with"
        last = statements[-1]
        ended = last.kind == CustodyKind.INTAKE_ENDED
        if ended and last.facts.get("items_sha256") != _digest(raw, SETTLED, values):
            yield subject, "what became of its files is not what was recorded when it ended"
    for statements in told.values():
        yield f"import {statements[0].facts.get('number')}", _GONE


def _wrong_batch(row: dict[str, object], statements: list[Statement]) -> list[str]:
    first, last = statements[0].facts, statements[-1]
    names = ("number", "started_at", "note", "purpose", "authority", "total")
    wrong = [name for name in names if first.get(name) != row[name]]
    ended = last.kind == CustodyKind.INTAKE_ENDED
    state, at = (last.facts.get("state"), last.facts.get("ended_at")) if ended else ("running", None)
    wrong += ["state"] if row["state"] != state else []
    wrong += ["ended_at"] if row["ended_at"] != at else []
    return wrong


def _digest(raw: sqlite3.Connection, statement: str, values: Mapping[str, object]) -> str:
    listed = [list(row) for row in raw.execute(statement, dict(values))]
    return sha256_of(canonical_json({"rows": listed}))


def edits(raw: sqlite3.Connection, said: Said) -> Iterator[Problem]:
    """Every row of the journal, and the objects as the journal leaves them (U37)."""
    told = {s.facts.get("edit"): s.facts for s in said.of(CustodyKind.EDITED)}
    left: dict[str, tuple[object, object, object]] = {}
    sound = True
    for row in rows(raw, "SELECT * FROM edits ORDER BY seq"):
        facts = told.pop(row["seq"], None)
        if facts is None:
            sound = False
            yield f"edit {row['seq']}", _UNKNOWN
        elif facts.get("sha256") != sha256_of(row_text(row)):
            sound = False
            yield f"edit {row['seq']}", f"its row is {NOT_SAID}"
        else:
            _replay(row, left)
    for facts in told.values():
        sound = False
        yield f"edit {facts.get('edit')}", _GONE
    if sound:
        yield from _objects(raw, left)


def _replay(row: dict[str, object], left: dict[str, tuple[object, object, object]]) -> None:
    for change in json.loads(str(row["changes"])):
        if change["after"] is None:
            left.pop(change["id"], None)
        else:
            left[change["id"]] = (change["kind"], canonical_json(change["after"]), row["seq"])


def _objects(raw: sqlite3.Connection, left: dict[str, tuple[object, object, object]]) -> Iterator[Problem]:
    for row in rows(raw, "SELECT * FROM examiner_objects ORDER BY since, id"):
        wanted = left.pop(str(row["id"]), None)
        if wanted != (row["kind"], row["body"], row["since"]):
            word = (
                "is not there in the journal of edits" if wanted is None else "is not as the journal of edits left it"
            )
            yield f"{row['kind']} {str(row['id'])[:12]}", word
    for identifier, (kind, _, _) in left.items():
        yield f"{kind} {identifier[:12]}", "in the journal of edits, but gone from the case"
