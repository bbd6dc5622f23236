"""Reports that were built."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from workstation.domain.errors import InputError
from workstation.domain.ids import CaseId, ReportId
from workstation.domain.reports import ReportRecord
from workstation.storage.tables import Reports


def next_number(connection: Connection) -> int:
    return int(connection.execute(select(func.max(Reports.number))).scalar() or 0) + 1


def add(connection: Connection, record: ReportRecord) -> None:
    """Raises: InputError when the number, the id or the path is already taken."""
    taken = (Reports.number == record.number) | (Reports.id == record.id) | (Reports.path == record.path)
    if connection.execute(select(Reports.number).where(taken)).first() is not None:
        raise InputError(f"Report {record.number} is already recorded.", "Ask for the next number.")
    values = {
        "number": record.number,
        "id": record.id,
        "path": record.path,
        "sha256": record.sha256,
        "size": record.size,
        "built_at": record.built_at,
        "signer": record.signer,
        "custody_count": record.custody_count,
        "custody_hash": record.custody_hash,
    }
    connection.execute(insert(Reports), values)


def every(connection: Connection, case: CaseId) -> tuple[ReportRecord, ...]:
    rows = connection.execute(select(Reports.__table__).order_by(Reports.number))
    return tuple(
        ReportRecord(
            id=ReportId(row.id),
            case=case,
            number=row.number,
            path=row.path,
            sha256=row.sha256,
            size=row.size,
            built_at=row.built_at,
            signer=row.signer,
            custody_count=row.custody_count,
            custody_hash=row.custody_hash,
        )
        for row in rows
    )
