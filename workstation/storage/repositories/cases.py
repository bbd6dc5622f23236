"""The one row that says what the case is."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, insert, select

from workstation.domain.case import Case
from workstation.domain.errors import CaseDamaged
from workstation.domain.ids import CaseId
from workstation.storage.tables import CaseFacts


def add(connection: Connection, case: Case, public_key: bytes) -> None:
    values = {
        "single": 1,
        "id": case.id,
        "number": case.number,
        "title": case.title,
        "examiner": case.examiner,
        "question": case.question,
        "created_at": case.created_at,
        "public_key": public_key,
    }
    connection.execute(insert(CaseFacts), values)


def load(connection: Connection, folder: Path) -> tuple[Case, bytes]:
    """Return the case and the ledger key it was made with. Raises: CaseDamaged."""
    row = connection.execute(select(CaseFacts.__table__)).first()
    if row is None:
        raise CaseDamaged(f"The case in {folder} has no facts.", "Restore it from a sound copy.")
    case = Case(CaseId(row.id), row.number, row.title, row.examiner, row.question, row.created_at, str(folder))
    return case, bytes(row.public_key)
