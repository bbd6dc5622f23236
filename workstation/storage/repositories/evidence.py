"""Exhibits with their frame index and thumbnail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text, update
from sqlalchemy.dialects.sqlite import insert as upsert

from workstation.domain.case import WorkState
from workstation.domain.errors import DuplicateEvidence, NotFound
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.ids import EvidenceId
from workstation.domain.media import FrameIndex
from workstation.storage import mapping
from workstation.storage.described import index_digest, sha256_of
from workstation.storage.tables import Evidence, FrameIndexes, Thumbnails


def next_exhibit(connection: Connection) -> str:
    last = connection.execute(select(func.max(Evidence.position))).scalar()
    return f"EX-{(last or 0) + 1:02d}"


def add(connection: Connection, item: EvidenceItem) -> None:
    """Raises: DuplicateEvidence when the digest, the id or the exhibit number is already there."""
    known = find_by_digest(connection, item.sha256)
    if known is not None:
        raise DuplicateEvidence(f"{item.name} is already in the case as {known.exhibit} (same SHA-256).")
    taken = (Evidence.id == item.id) | (Evidence.exhibit == item.exhibit)
    if connection.execute(select(Evidence.position).where(taken)).first() is not None:
        raise DuplicateEvidence(f"The exhibit number {item.exhibit} is already taken.", "Ask for the next one.")
    values = {
        "position": (connection.execute(select(func.max(Evidence.position))).scalar() or 0) + 1,
        "id": item.id,
        "exhibit": item.exhibit,
        "name": item.name,
        "source_path": item.source_path,
        "stored_path": item.stored_path,
        "sha256": item.sha256,
        "size": item.size,
        "taken_in_at": item.taken_in_at,
        "taken_in_by": item.taken_in_by,
        "machine": item.machine,
        "media": mapping.media_to_text(item.media),
        "problem": item.problem,
        "note": item.note,
        "work": item.work.value,
        "integrity": item.integrity.value,
        "verified_at": item.verified_at,
    }
    connection.execute(insert(Evidence), values)


def every(connection: Connection) -> tuple[EvidenceItem, ...]:
    said = _examiner_states(connection)
    rows = connection.execute(select(Evidence.__table__).order_by(Evidence.position))
    return tuple(_item(row, said) for row in rows)


def one(connection: Connection, evidence: EvidenceId) -> EvidenceItem:
    """Raises: NotFound."""
    row = connection.execute(select(Evidence.__table__).where(Evidence.id == evidence)).first()
    if row is None:
        raise NotFound(f"There is no exhibit with the id {evidence}.")
    return _item(row, _examiner_states(connection))


def position(connection: Connection, evidence: EvidenceId) -> int:
    """The exhibit's key inside the database. Raises: NotFound."""
    found = connection.execute(select(Evidence.position).where(Evidence.id == evidence)).scalar()
    if found is None:
        raise NotFound(f"There is no exhibit with the id {evidence}.")
    return int(found)


def find_by_digest(connection: Connection, sha256: str) -> EvidenceItem | None:
    row = connection.execute(select(Evidence.__table__).where(Evidence.sha256 == sha256)).first()
    return None if row is None else _item(row, _examiner_states(connection))


def set_integrity(connection: Connection, evidence: EvidenceId, state: IntegrityState, at: str) -> None:
    change = update(Evidence).where(Evidence.id == evidence).values(integrity=state.value, verified_at=at)
    connection.execute(change)


def set_work(connection: Connection, evidence: EvidenceId, work: WorkState) -> bool:
    """Set what the program notes; False when it stood so already."""
    if columns(connection, evidence)["work"] == work.value:
        return False
    connection.execute(
        update(Evidence).where(Evidence.position == position(connection, evidence)).values(work=work.value)
    )
    return True


def put_index(connection: Connection, evidence: EvidenceId, index: FrameIndex) -> str | None:
    """Keep an index; return the digest that its custody event states, None when the very same one was there."""
    where = position(connection, evidence)
    values: dict[str, Any] = {
        "stream": index.stream,
        "time_base_num": index.time_base.num,
        "time_base_den": index.time_base.den,
        "pts": mapping.pack_ticks(index.pts),
        "keyframes": mapping.pack_ticks(index.keyframes),
    }
    there = connection.execute(select(FrameIndexes.__table__).where(FrameIndexes.evidence == where)).first()
    if there is not None and dict(there._mapping) == values | {"evidence": where}:
        return None
    row = upsert(FrameIndexes).values(evidence=where, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["evidence"], set_=values))
    return index_digest(index.stream, index.time_base.num, index.time_base.den, values["pts"], values["keyframes"])


def index(connection: Connection, evidence: EvidenceId) -> FrameIndex | None:
    wanted = select(FrameIndexes.__table__).where(FrameIndexes.evidence == position(connection, evidence))
    row = connection.execute(wanted).first()
    if row is None:
        return None
    return mapping.frame_index(row.stream, row.time_base_num, row.time_base_den, row.pts, row.keyframes)


def put_thumbnail(connection: Connection, evidence: EvidenceId, png: bytes) -> str | None:
    """Keep a thumbnail; return the digest that its custody event states, None when the very same one was there."""
    if thumbnail(connection, evidence) == png:
        return None
    row = upsert(Thumbnails).values(evidence=position(connection, evidence), png=png)
    connection.execute(row.on_conflict_do_update(index_elements=["evidence"], set_={"png": png}))
    return sha256_of(png)


def thumbnail(connection: Connection, evidence: EvidenceId) -> bytes | None:
    wanted = select(Thumbnails.png).where(Thumbnails.evidence == position(connection, evidence))
    found = connection.execute(wanted).scalar()
    return None if found is None else bytes(found)


def columns(connection: Connection, evidence: EvidenceId) -> dict[str, Any]:
    """The row as it stands. Raises: NotFound."""
    where = Evidence.position == position(connection, evidence)
    return dict(connection.execute(select(Evidence.__table__).where(where)).one()._mapping)


def _examiner_states(connection: Connection) -> Mapping[str, WorkState]:
    """States of work that the examiner set by an edit; they go before what the program noted (rule 1, U37)."""
    if not connection.exec_driver_sql("SELECT 1 FROM sqlite_schema WHERE name = 'examiner_objects'").first():
        return {}
    wanted = "SELECT body ->> '$.evidence', body ->> '$.state' FROM examiner_objects WHERE kind = 'work_state'"
    return {evidence: WorkState(state) for evidence, state in connection.execute(text(wanted))}


def _item(row: Row[Any], said: Mapping[str, WorkState]) -> EvidenceItem:
    return EvidenceItem(
        id=EvidenceId(row.id),
        exhibit=row.exhibit,
        name=row.name,
        source_path=row.source_path,
        stored_path=row.stored_path,
        sha256=row.sha256,
        size=row.size,
        taken_in_at=row.taken_in_at,
        taken_in_by=row.taken_in_by,
        machine=row.machine,
        media=mapping.media_from_text(row.media),
        problem=row.problem,
        note=row.note,
        work=said.get(row.id) or WorkState(row.work),
        integrity=IntegrityState(row.integrity),
        verified_at=row.verified_at,
    )
