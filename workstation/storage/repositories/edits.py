"""The journal of edits, and the examiner's objects as it leaves them.

What undo and redo would do is read off the journal itself, never kept beside it: nothing can come apart from it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from workstation.domain.custody import canonical_json
from workstation.domain.edits import Change, Edit, EditAction, ExaminerObject, ObjectKind
from workstation.domain.ids import ObjectId
from workstation.storage.tables import Edits, ExaminerObjects


def changes_to_text(changes: Iterable[Change]) -> str:
    """Canonical JSON list of {"after", "before", "id", "kind"}; the same changes always give the same text.

    Raises:
        ValueError, TypeError: a body is not plain JSON.
    """
    listed = [{"id": c.id, "kind": c.kind.value, "before": c.before, "after": c.after} for c in changes]
    return "[" + ",".join(canonical_json(change) for change in listed) + "]"


def changes_from_text(text: str) -> tuple[Change, ...]:
    return tuple(
        Change(ObjectId(value["id"]), ObjectKind(value["kind"]), value["before"], value["after"])
        for value in json.loads(text)
    )


def row_text(row: Mapping[str, object]) -> str:
    """The canonical bytes of a journal row as text: canonical JSON of its seven columns, ``changes`` as stored text.

    The custody event ``edited`` holds the SHA-256 of this (as UTF-8).
    """
    return canonical_json({name: row[name] for name in ("seq", "at", "actor", "label", "action", "target", "changes")})


def append(
    connection: Connection,
    at: str,
    actor: str,
    label: str,
    action: EditAction,
    target: int,
    changes: tuple[Change, ...],
) -> dict[str, object]:
    """Write the next row, bring the objects to where it leaves them, and return its columns."""
    values: dict[str, object] = {
        "seq": last_seq(connection) + 1,
        "at": at,
        "actor": actor,
        "label": label,
        "action": action.value,
        "target": target,
        "changes": changes_to_text(changes),
    }
    connection.execute(insert(Edits), values)
    for change in changes:
        if change.after is None:
            connection.execute(delete(ExaminerObjects).where(ExaminerObjects.id == change.id))
            continue
        parts = {"kind": change.kind.value, "body": canonical_json(change.after), "since": values["seq"]}
        row = upsert(ExaminerObjects).values(id=change.id, **parts)
        connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=parts))
    return values


def last_seq(connection: Connection) -> int:
    return int(connection.execute(select(func.max(Edits.seq))).scalar() or 0)


def one(connection: Connection, seq: int) -> Edit:
    """The edit with this number, which must be there."""
    return _edit(connection.execute(select(Edits.__table__).where(Edits.seq == seq)).one())


def every(connection: Connection) -> tuple[Edit, ...]:
    return tuple(_edit(row) for row in connection.execute(select(Edits.__table__).order_by(Edits.seq)))


def to_undo(connection: Connection, seq: int | None = None) -> int:
    """The ``do`` that undo would take back after the first ``seq`` rows (all of them by default); 0 for none.

    What lies below an edit that was taken back is what lay on top just before it was done.
    """
    at = last_seq(connection) if seq is None else seq
    while at > 0:
        action, target = _step(connection, at)
        if action is EditAction.DO:
            return at
        if action is EditAction.REDO:
            return target
        at = target - 1
    return 0


def to_redo(connection: Connection, seq: int | None = None) -> int:
    """The ``do`` that redo would bring back after the first ``seq`` rows (all of them by default); 0 for none.

    A ``do`` leaves nothing to redo; what lies below an edit that was brought back is what lay on top just before it was
    taken back.
    """
    at = last_seq(connection) if seq is None else seq
    while at > 0:
        action, target = _step(connection, at)
        if action is EditAction.DO:
            return 0
        if action is EditAction.UNDO:
            return target
        undone = select(func.max(Edits.seq)).where(Edits.target == target, Edits.seq < at, Edits.action == "undo")
        at = int(connection.execute(undone).scalar_one()) - 1
    return 0


def _step(connection: Connection, seq: int) -> tuple[EditAction, int]:
    row = connection.execute(select(Edits.action, Edits.target).where(Edits.seq == seq)).one()
    return EditAction(row.action), int(row.target)


def objects(connection: Connection, kind: ObjectKind | None = None) -> tuple[ExaminerObject, ...]:
    """Every object, in the order of the edits that wrote them last."""
    wanted = select(ExaminerObjects.__table__).order_by(ExaminerObjects.since, ExaminerObjects.id)
    if kind is not None:
        wanted = wanted.where(ExaminerObjects.kind == kind.value)
    return tuple(_object(row) for row in connection.execute(wanted))


def find(connection: Connection, identifier: ObjectId) -> ExaminerObject | None:
    row = connection.execute(select(ExaminerObjects.__table__).where(ExaminerObjects.id == identifier)).first()
    return None if row is None else _object(row)


def _object(row: Row[Any]) -> ExaminerObject:
    return ExaminerObject(ObjectId(row.id), ObjectKind(row.kind), json.loads(row.body))


def _edit(row: Row[Any]) -> Edit:
    action = EditAction(row.action)
    return Edit(row.seq, row.at, row.actor, row.label, action, row.target, changes_from_text(row.changes))
