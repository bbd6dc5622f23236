"""What may be done to the examiner's objects: refused in one line, before anything is written (U37)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from workstation.domain.case import WorkState
from workstation.domain.edits import Change, ExaminerObject, ObjectKind
from workstation.domain.errors import InputError
from workstation.domain.ids import EvidenceId
from workstation.storage.repositories import edits
from workstation.storage.repositories import evidence as exhibits

CASE_FIELDS = frozenset({"title", "question", "authority", "purpose"})
REQUIRED: Mapping[ObjectKind, frozenset[str]] = {
    ObjectKind.BOOKMARK: frozenset({"evidence", "stream", "pts", "label"}),
    ObjectKind.NOTE: frozenset({"about", "text"}),
    ObjectKind.TAG: frozenset({"path", "about"}),
    ObjectKind.TRACK_NAME: frozenset({"examination", "evidence", "track", "name"}),
    ObjectKind.EXCLUSION: frozenset({"examination", "evidence", "track", "pts", "reason"}),
    ObjectKind.TRACK_SPLIT: frozenset({"examination", "evidence", "track", "pts"}),
    ObjectKind.TRACK_JOIN: frozenset({"examination", "evidence", "members"}),
    ObjectKind.WORK_STATE: frozenset({"evidence", "state"}),
    ObjectKind.PERSON: frozenset({"name"}),
    ObjectKind.REFERENCE: frozenset({"person", "examination", "evidence", "track"}),
    ObjectKind.CLAIM: frozenset({"person", "evidence", "track"}),
    ObjectKind.FINDING: frozenset({"title", "about", "parent"}),
    ObjectKind.POLICY: frozenset({"field", "on"}),
    ObjectKind.PROPOSITIONS: frozenset({"evidence", "first", "second"}),
    ObjectKind.OPINION: frozenset({"evidence", "role", "by", "outcome", "words", "against", "blind"}),
    ObjectKind.UNSEALING: frozenset({"evidence", "what", "by", "reason"}),
    ObjectKind.RESOLUTION: frozenset({"evidence", "outcome", "reason", "by", "level"}),
    ObjectKind.CASE_TEXT: frozenset({"field", "text"}),
}
_ONE_FOR_EACH: Mapping[ObjectKind, tuple[str, ...]] = {
    ObjectKind.TRACK_NAME: ("examination", "evidence", "track", "since"),
    ObjectKind.TRACK_SPLIT: ("examination", "evidence", "track", "pts"),
    ObjectKind.WORK_STATE: ("evidence",),
    ObjectKind.REFERENCE: ("examination", "evidence", "track"),
    ObjectKind.CLAIM: ("evidence", "track"),
    ObjectKind.POLICY: ("field",),
    ObjectKind.PROPOSITIONS: ("evidence",),
    ObjectKind.OPINION: ("evidence", "role"),
    ObjectKind.RESOLUTION: ("evidence",),
    ObjectKind.CASE_TEXT: ("field",),
}
_ON_EXHIBITS = frozenset(
    {
        ObjectKind.WORK_STATE,
        ObjectKind.REFERENCE,
        ObjectKind.CLAIM,
        ObjectKind.TRACK_SPLIT,
        ObjectKind.TRACK_JOIN,
        ObjectKind.PROPOSITIONS,
        ObjectKind.OPINION,
        ObjectKind.UNSEALING,
        ObjectKind.RESOLUTION,
    }
)
_ABOUT_PERSONS = frozenset({ObjectKind.PERSON, ObjectKind.REFERENCE, ObjectKind.CLAIM})


def plain(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Bodies as they will be read back from the case.

    Raises:
        InputError: no change at all, or a body that is no plain JSON.
    """
    if not changes:
        raise InputError("An edit has at least one change.")
    try:
        text = edits.changes_to_text(changes)
        text.encode()
    except (TypeError, ValueError) as fault:
        raise InputError(f"This cannot be kept in a case: {fault}.") from fault
    same = edits.changes_from_text(text)
    if any(same_body(change.before, change.after) for change in same):
        raise InputError("A change that changes nothing is no edit.")
    if len({change.id for change in same}) < len(same):
        raise InputError("One edit changes each object once.")
    return same


def same_body(one: Mapping[str, object] | None, other: Mapping[str, object] | None) -> bool:
    """Whether two bodies are the same text: 1, 1.0 and true are three things here."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def check(connection: Connection, changes: Sequence[Change]) -> None:
    """Hold changes against what stands now and against the rules of their kinds.

    Raises:
        InputError: ``before`` is not what stands, a member is missing, or another object says the same thing already.
        NotFound: a work state, a reference or a claim for an exhibit that is not there.
    """
    for change in changes:
        there = edits.find(connection, change.id)
        if there is not None and there.kind is not change.kind:
            raise InputError(f"This object is a {there.kind.value}, not a {change.kind.value}.")
        if not same_body(None if there is None else there.body, change.before):
            raise InputError(
                f"This {_name(change.kind)} was changed meanwhile.", "Look at it as it stands now, then try again."
            )
        if change.after is not None:
            _check_body(connection, change.kind, change.after)
    for kind in {change.kind for change in changes if change.kind in _ONE_FOR_EACH}:
        _check_single(edits.objects(connection, kind), [c for c in changes if c.kind is kind])
    if _ABOUT_PERSONS & {change.kind for change in changes}:
        _check_persons(connection, changes)


def _check_body(connection: Connection, kind: ObjectKind, body: Mapping[str, object]) -> None:
    missing = sorted(REQUIRED[kind] - body.keys())
    if missing:
        raise InputError(f"A {_name(kind)} needs {', '.join(missing)}.")
    if kind in _ON_EXHIBITS:
        exhibits.position(connection, EvidenceId(str(body["evidence"])))
    if kind is ObjectKind.PERSON and not (isinstance(body["name"], str) and body["name"].strip()):
        raise InputError("A person has a name.")
    if kind is ObjectKind.WORK_STATE and body["state"] not in set(WorkState):
        raise InputError(f'"{body["state"]}" is no state of work.', f"States: {', '.join(WorkState)}.")
    if kind is ObjectKind.TRACK_JOIN and not _members(body["members"]):
        raise InputError("Tracks are joined from two or more.", "Choose at least two.")
    if kind is ObjectKind.CASE_TEXT:
        if body["field"] not in CASE_FIELDS:
            raise InputError(f'"{body["field"]}" is no text of a case.', f"Texts: {', '.join(sorted(CASE_FIELDS))}.")
        if not isinstance(body["text"], str):
            raise InputError("A text of a case is text.")


def _members(told: object) -> bool:
    """Whether these are two or more pieces of tracks, each once: [track, since or null]."""
    if not isinstance(told, list) or len(told) < 2:
        return False
    sound = all(
        isinstance(m, list)
        and len(m) == 2
        and isinstance(m[0], str)
        and (m[1] is None or (isinstance(m[1], int) and not isinstance(m[1], bool)))
        for m in told
    )
    return sound and len({json.dumps(m) for m in told}) == len(told)


def _check_single(there: Sequence[ExaminerObject], changes: Sequence[Change]) -> None:
    touched = {change.id for change in changes}
    bodies = [o.body for o in there if o.id not in touched] + [c.after for c in changes if c.after is not None]
    members = _ONE_FOR_EACH[changes[0].kind]
    subjects = [json.dumps([body.get(name) for name in members]) for body in bodies]
    if len(set(subjects)) < len(subjects):
        raise InputError(f"There is a {_name(changes[0].kind)} for this already.", "Change that one.")


def _check_persons(connection: Connection, changes: Sequence[Change]) -> None:
    """References and claims are about a person who is there when the edit is done, and names tell persons apart."""
    bodies = {there.id: (there.kind, there.body) for there in edits.objects(connection) if there.kind in _ABOUT_PERSONS}
    for change in changes:
        bodies.pop(change.id, None)
        if change.kind in _ABOUT_PERSONS and change.after is not None:
            bodies[change.id] = (change.kind, change.after)
    persons = {key: str(body["name"]) for key, (kind, body) in bodies.items() if kind is ObjectKind.PERSON}
    names = [" ".join(name.split()).casefold() for name in persons.values()]
    if len(set(names)) < len(names):
        raise InputError("There is a person of this name already.", "Give another name.")
    for kind, body in bodies.values():
        if kind is not ObjectKind.PERSON and body["person"] not in persons:
            raise InputError(
                f"This {_name(kind)} is about a person who is not in the case.",
                "Take its references and claims away with the person.",
            )


def _name(kind: ObjectKind) -> str:
    return kind.value.replace("_", " ")
