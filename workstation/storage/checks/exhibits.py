"""Exhibits and everything that was found in them, against the events that recorded it (E1, E2, E5)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from workstation.domain.case import WorkState
from workstation.domain.custody import CustodyKind, canonical_json
from workstation.domain.streams import StreamDigest
from workstation.storage.checks.lines import rows
from workstation.storage.checks.said import Problem, Said, Statement
from workstation.storage.described import Described, exhibit_facts, index_digest, sha256_of, streams_text

_TAKEN_IN = {
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
_LATER = ("stored_path", "media_sha256", "problem")
NOT_SAID = "not what the chain of custody recorded"


def check(raw: sqlite3.Connection, said: Said, number: int) -> Iterator[Problem]:
    """Every column of evidence, frame_indexes, thumbnails and, since format 1.1, of what describes exhibits."""
    found = rows(raw, "SELECT * FROM evidence ORDER BY position")
    yield from _exhibits(found, said, number)
    if number < 1001:
        return
    names = {row["position"]: str(row["exhibit"]) for row in found}
    ids = {row["position"]: str(row["id"]) for row in found}
    yield from _indexes(raw, said, names, ids)
    yield from _thumbnails(raw, said, names, ids)
    yield from _descriptions(raw, said, names, ids)


def _exhibits(found: list[dict[str, object]], said: Said, number: int) -> Iterator[Problem]:
    taken = {s.facts.get("evidence"): (n, s) for n, s in enumerate(said.of(CustodyKind.EVIDENCE_TAKEN_IN), 1)}
    restated = said.newest_described(Described.EXHIBIT)
    work = said.newest_described(Described.WORK)
    outcomes = said.of(CustodyKind.EVIDENCE_VERIFIED, CustodyKind.EVIDENCE_MISMATCH)
    newest = {s.facts.get("evidence"): s for s in outcomes}
    for row in found:
        subject, identifier = f"exhibit {row['exhibit']}", str(row["id"])
        if identifier not in taken:
            yield subject, "the chain of custody does not know it"
            continue
        place, intake = taken.pop(identifier)
        wrong = [name for name, column in _TAKEN_IN.items() if intake.facts.get(name) != row[column]]
        wrong += ["position"] if row["position"] != place else []
        later = intake if "stored_path" in intake.facts else _restated(restated.get(identifier))
        if later is not None:
            wrong += _later(row, later, newest.get(identifier))
        elif number >= 1001:
            wrong.append("what was found at intake")
        if number >= 1001:
            state = work[identifier].facts.get("sha256") if identifier in work else sha256_of(WorkState.TO_DO.value)
            wrong += ["work"] if state != sha256_of(str(row["work"])) else []
        if wrong:
            yield subject, f"{', '.join(wrong)}: {NOT_SAID}"
    for _, intake in taken.values():
        yield f"exhibit {intake.facts.get('exhibit')}", "in the chain of custody, but gone from the case"


def _restated(statement: Statement | None) -> Statement | None:
    """What a migration stated of an exhibit taken in under format 1.0, as far as it agrees with its own digest."""
    facts = None if statement is None else statement.facts.get("facts")
    if statement is None or not isinstance(facts, dict):
        return None
    if sha256_of(canonical_json(facts)) != statement.facts.get("sha256"):
        return None
    return Statement(statement.seq, statement.kind, facts)


def _later(row: dict[str, object], told: Statement, newest: Statement | None) -> list[str]:
    """Columns that are stated since format 1.1, and the two that follow the newest verification."""
    now, facts = exhibit_facts(row), told.facts
    wrong = [name for name in _LATER if facts.get(name) != now[name]]
    state, at = facts.get("integrity"), facts.get("verified_at")
    if newest is not None and newest.seq > told.seq:
        state, at = newest.facts.get("state"), newest.facts.get("at")
    wrong += ["integrity"] if row["integrity"] != state else []
    wrong += ["verified_at"] if row["verified_at"] != at else []
    return wrong


def _indexes(
    raw: sqlite3.Connection, said: Said, names: dict[object, str], ids: dict[object, str]
) -> Iterator[Problem]:
    told = said.newest_described(Described.FRAME_INDEX)
    for row in rows(raw, "SELECT * FROM frame_indexes"):
        facts = _facts(told.pop(ids.get(row["evidence"], ""), None))
        parts = (row["stream"], row["time_base_num"], row["time_base_den"], row["pts"], row["keyframes"])
        if facts.get("sha256") != index_digest(*parts):  # type: ignore[arg-type]
            yield f"frame index of {names.get(row['evidence'], '?')}", NOT_SAID
    for left in told.values():
        yield f"frame index of {left.facts.get('exhibit')}", "in the chain of custody, but gone from the case"


def _thumbnails(
    raw: sqlite3.Connection, said: Said, names: dict[object, str], ids: dict[object, str]
) -> Iterator[Problem]:
    told = said.newest_described(Described.THUMBNAIL)
    for row in rows(raw, "SELECT * FROM thumbnails"):
        facts = _facts(told.pop(ids.get(row["evidence"], ""), None))
        png = row["png"]
        if not isinstance(png, bytes) or facts.get("sha256") != sha256_of(png):
            yield f"thumbnail of {names.get(row['evidence'], '?')}", NOT_SAID
    for left in told.values():
        yield f"thumbnail of {left.facts.get('exhibit')}", "in the chain of custody, but gone from the case"


def _facts(statement: Statement | None) -> dict[str, object]:
    return {} if statement is None else statement.facts


def _descriptions(
    raw: sqlite3.Connection, said: Said, names: dict[object, str], ids: dict[object, str]
) -> Iterator[Problem]:
    kinds = (Described.STREAMS.value, Described.METADATA.value)
    told = [s.facts for s in said.of(CustodyKind.EVIDENCE_DESCRIBED) if s.facts.get("what") in kinds]
    found = rows(raw, "SELECT * FROM descriptions ORDER BY number")
    streams: dict[object, list[dict[str, object]]] = {}
    for row in rows(raw, "SELECT * FROM stream_digests ORDER BY description, position"):
        streams.setdefault(row["description"], []).append(row)
    texts = {row["description"]: row["text"] for row in rows(raw, "SELECT * FROM metadata")}
    for place, row in enumerate(found, start=1):
        subject = f"{row['what']} of {names.get(row['evidence'], '?')} (description {row['number']})"
        facts = told[place - 1] if place <= len(told) else {}
        same = (ids.get(row["evidence"], ""), row["what"], row["sha256"], row["number"])
        if same != (facts.get("evidence"), facts.get("what"), facts.get("sha256"), place):
            yield subject, NOT_SAID
            continue
        if row["described_at"] != facts.get("described_at", row["described_at"]):
            yield subject, f"described_at: {NOT_SAID}"
        yield from _content(subject, row, streams.pop(row["number"], []), texts.pop(row["number"], None))
    for facts in told[len(found) :]:
        yield f"{facts.get('what')} of {facts.get('exhibit')}", "in the chain of custody, but gone from the case"
    for number in (*streams, *texts):
        yield f"description {number}", "rows that belong to no description"


def _content(subject: str, row: dict[str, object], streams: list[dict[str, object]], text: object) -> Iterator[Problem]:
    """The rows below one description against the digest it states."""
    if row["what"] == Described.METADATA:
        if streams or not isinstance(text, str) or sha256_of(text) != row["sha256"]:
            yield subject, "its text is not the one it was recorded with"
        return
    columns = ("stream", "kind", "codec", "packets", "size", "sha256", "normal_sha256")
    digests = tuple(StreamDigest(*(s[name] for name in columns)) for s in streams)  # type: ignore[arg-type]
    places = [s["position"] for s in streams]
    if text is not None or places != list(range(len(places))) or sha256_of(streams_text(digests)) != row["sha256"]:
        yield subject, "its digests of streams are not those it was recorded with"
