"""Reading the chain of custody."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, select

from workstation.domain.custody import CustodyEvent, CustodyKind
from workstation.domain.errors import CaseDamaged
from workstation.storage.tables import Custody

_KEY_EVENTS = (CustodyKind.CASE_CREATED.value, CustodyKind.CASE_OPENED.value)


def events(connection: Connection) -> tuple[CustodyEvent, ...]:
    """Every event in order. Raises: CaseDamaged on a kind this program does not know."""
    return tuple(_event(row) for row in connection.execute(select(Custody.__table__).order_by(Custody.seq)))


def hash_at(connection: Connection, seq: int) -> bytes | None:
    found = connection.execute(select(Custody.hash).where(Custody.seq == seq)).scalar()
    return None if found is None else bytes(found)


def keys(connection: Connection) -> tuple[bytes, ...]:
    """Public keys named by the chain, in order: each opening for writing names the key of its installation."""
    wanted = select(Custody.body).where(Custody.kind.in_(_KEY_EVENTS)).order_by(Custody.seq)
    return tuple(key for body in connection.execute(wanted).scalars() if (key := _named(body)))


def key_in_force(connection: Connection, first: bytes) -> bytes:
    """The public key the newest events are signed with; ``first`` where the chain names none."""
    return (first, *keys(connection))[-1]


def is_sealed(connection: Connection) -> bool:
    """Whether the newest ``sealed`` event says that the case was sealed for the archive and not opened up since."""
    wanted = select(Custody.body).where(Custody.kind == CustodyKind.SEALED.value).order_by(Custody.seq.desc()).limit(1)
    body = connection.execute(wanted).scalar()
    try:
        return body is not None and json.loads(body).get("state") == "sealed"
    except (ValueError, AttributeError):
        return True


def _named(body: str) -> bytes:
    try:
        return bytes.fromhex(json.loads(body)["ledger_key"])
    except (ValueError, KeyError, TypeError):
        return b""


def _event(row: Row[Any]) -> CustodyEvent:
    try:
        kind = CustodyKind(row.kind)
    except ValueError:
        raise CaseDamaged(f"Custody event {row.seq} is of an unknown kind.", "Run case verify.") from None
    return CustodyEvent(
        row.seq, row.at, row.actor, kind, row.body, bytes(row.prev), bytes(row.hash), bytes(row.signature)
    )
