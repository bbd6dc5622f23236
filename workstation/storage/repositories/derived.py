"""Files made from exhibits or from one another."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from workstation.domain.custody import canonical_json
from workstation.domain.derived import DerivedItem, DerivedKind, ParentKind
from workstation.domain.errors import InputError, NotFound
from workstation.domain.ids import DerivedId
from workstation.storage.tables import Derived, Evidence


def next_number(connection: Connection) -> str:
    return f"DI-{int(connection.execute(select(func.max(Derived.position))).scalar() or 0) + 1:02d}"


def add(connection: Connection, item: DerivedItem) -> dict[str, object]:
    """Store an item and return its columns, as the custody event states them.

    Raises:
        InputError: id or number is taken, or the parent's digest is another one.
        NotFound: there is no such parent: the graph has no orphans (E4).
    """
    taken = select(Derived.position).where((Derived.id == item.id) | (Derived.number == item.number))
    if connection.execute(taken).first() is not None:
        raise InputError(f"The number {item.number} is already taken.", "Ask for the next one.")
    table = Evidence if item.parent_kind is ParentKind.EVIDENCE else Derived
    parent = connection.execute(select(table.sha256).where(table.id == item.parent)).scalar()
    if parent is None:
        raise NotFound(
            f"{item.number} was made from {item.parent_kind.value} {item.parent}, which is not in this case."
        )
    if parent != item.parent_sha256:
        raise InputError(f"{item.number} names another SHA-256 of its parent than the case does.", "Make it again.")
    values: dict[str, object] = {
        "position": int(connection.execute(select(func.max(Derived.position))).scalar() or 0) + 1,
        "id": item.id,
        "number": item.number,
        "kind": item.kind.value,
        "parent_kind": item.parent_kind.value,
        "parent": item.parent,
        "parent_sha256": item.parent_sha256,
        "operation": item.operation,
        "parameters": canonical_json(item.parameters),
        "tool": item.tool,
        "path": item.path,
        "exported": int(item.exported),
        "sha256": item.sha256,
        "size": item.size,
        "made_at": item.made_at,
        "made_by": item.made_by,
        "note": item.note,
    }
    connection.execute(insert(Derived), values)
    return values


def every(connection: Connection) -> tuple[DerivedItem, ...]:
    return tuple(_item(row) for row in connection.execute(select(Derived.__table__).order_by(Derived.position)))


def one(connection: Connection, derived: DerivedId) -> DerivedItem:
    """Raises: NotFound."""
    row = connection.execute(select(Derived.__table__).where(Derived.id == derived)).first()
    if row is None:
        raise NotFound(f"There is no derived item with the id {derived}.")
    return _item(row)


def _item(row: Row[Any]) -> DerivedItem:
    return DerivedItem(
        id=DerivedId(row.id),
        number=row.number,
        kind=DerivedKind(row.kind),
        parent_kind=ParentKind(row.parent_kind),
        parent=row.parent,
        parent_sha256=row.parent_sha256,
        operation=row.operation,
        parameters=json.loads(row.parameters),
        tool=row.tool,
        path=row.path,
        exported=bool(row.exported),
        sha256=row.sha256,
        size=row.size,
        made_at=row.made_at,
        made_by=row.made_by,
        note=row.note,
    )
