"""Imports: the list of files as it was asked for, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text, update

from workstation.domain.custody import canonical_json
from workstation.domain.errors import NotFound
from workstation.domain.ids import EvidenceId, IntakeId
from workstation.domain.intake import BatchState, IntakeBatch, IntakeItem, IntakeState
from workstation.storage.described import sha256_of
from workstation.storage.tables import Evidence, IntakeBatches, IntakeItems

LISTED = """SELECT path, size, modified_ns FROM intake_items
WHERE batch = :batch ORDER BY position"""
SETTLED = """SELECT i.position, i.state, e.id, i.code, i.line
FROM intake_items i LEFT JOIN evidence e ON e.position = i.evidence WHERE i.batch = :batch ORDER BY i.position"""


def digest(connection: Connection, statement: str, batch: int) -> str:
    """SHA-256 over the rows of ``statement`` (``LISTED`` or ``SETTLED``): canonical JSON {"rows": [[column, ...]]}."""
    rows = [list(row) for row in connection.execute(text(statement), {"batch": batch})]
    return sha256_of(canonical_json({"rows": rows}))


def begin(
    connection: Connection,
    batch: IntakeId,
    items: Sequence[tuple[str, int, int]],
    at: str,
    words: tuple[str, str, str],
) -> int:
    """Store a batch with its (path, size, mtime_ns) rows and return its number; ``words``: note, purpose, authority."""
    number = int(connection.execute(select(func.max(IntakeBatches.number))).scalar() or 0) + 1
    note, purpose, authority = words
    values = {
        "number": number,
        "id": batch,
        "started_at": at,
        "ended_at": None,
        "state": BatchState.RUNNING.value,
        "note": note,
        "purpose": purpose,
        "authority": authority,
        "total": len(items),
    }
    connection.execute(insert(IntakeBatches), values)
    listed = [
        {
            "batch": number,
            "position": position,
            "path": path,
            "size": size,
            "modified_ns": modified_ns,
            "state": IntakeState.WAITING.value,
            "evidence": None,
            "code": "",
            "line": "",
        }
        for position, (path, size, modified_ns) in enumerate(items, start=1)
    ]
    if listed:
        connection.execute(insert(IntakeItems), listed)
    return number


def number(connection: Connection, batch: IntakeId) -> int:
    """Raises: NotFound."""
    found = connection.execute(select(IntakeBatches.number).where(IntakeBatches.id == batch)).scalar()
    if found is None:
        raise NotFound(f"There is no import with the id {batch}.")
    return int(found)


def one(connection: Connection, batch: IntakeId) -> IntakeBatch:
    """Raises: NotFound."""
    return _read(connection, number(connection, batch))[0]


def state(connection: Connection, batch: int) -> BatchState:
    return BatchState(connection.execute(select(IntakeBatches.state).where(IntakeBatches.number == batch)).scalar_one())


def every(connection: Connection) -> tuple[IntakeBatch, ...]:
    return _read(connection, None)


def _read(connection: Connection, only: int | None) -> tuple[IntakeBatch, ...]:
    counted = select(IntakeItems.batch, IntakeItems.state, func.count()).group_by(IntakeItems.batch, IntakeItems.state)
    wanted = select(IntakeBatches.__table__).order_by(IntakeBatches.number)
    if only is not None:
        counted, wanted = counted.where(IntakeItems.batch == only), wanted.where(IntakeBatches.number == only)
    counts = {(batch, found): int(count) for batch, found, count in connection.execute(counted)}
    return tuple(_batch(row, counts) for row in connection.execute(wanted))


def items(connection: Connection, batch: int, state: IntakeState | None = None) -> tuple[IntakeItem, ...]:
    wanted = (
        select(IntakeItems.__table__, Evidence.id.label("evidence_id"))
        .join_from(IntakeItems, Evidence, Evidence.position == IntakeItems.evidence, isouter=True)
        .where(IntakeItems.batch == batch)
        .order_by(IntakeItems.position)
    )
    if state is not None:
        wanted = wanted.where(IntakeItems.state == state.value)
    return tuple(_item(row) for row in connection.execute(wanted))


def settle(
    connection: Connection, batch: int, position: int, state: IntakeState, evidence: int | None, code: str, line: str
) -> None:
    """Raises: NotFound when the batch has no such file."""
    where = (IntakeItems.batch == batch) & (IntakeItems.position == position)
    values = {"state": state.value, "evidence": evidence, "code": code, "line": line}
    if connection.execute(update(IntakeItems).where(where).values(values)).rowcount != 1:
        raise NotFound(f"Import {batch} has no file {position}.")


def set_state(connection: Connection, batch: int, state: BatchState, ended_at: str | None) -> None:
    change = update(IntakeBatches).where(IntakeBatches.number == batch)
    connection.execute(change.values(state=state.value, ended_at=ended_at))


def _batch(row: Row[Any], counts: dict[tuple[int, str], int]) -> IntakeBatch:
    def count(state: IntakeState) -> int:
        return counts.get((row.number, state.value), 0)

    return IntakeBatch(
        id=IntakeId(row.id),
        started_at=row.started_at,
        ended_at=row.ended_at,
        state=BatchState(row.state),
        note=row.note,
        purpose=row.purpose,
        authority=row.authority,
        total=row.total,
        added=count(IntakeState.ADDED),
        refused=count(IntakeState.REFUSED),
        duplicates=count(IntakeState.DUPLICATE),
    )


def _item(row: Row[Any]) -> IntakeItem:
    evidence = None if row.evidence_id is None else EvidenceId(row.evidence_id)
    return IntakeItem(
        row.position, row.path, row.size, row.modified_ns, IntakeState(row.state), evidence, row.code, row.line
    )
