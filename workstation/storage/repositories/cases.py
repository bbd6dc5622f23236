"""The one row that says what the case is."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select

from workstation.domain.case import Case
from workstation.domain.edits import ObjectKind
from workstation.domain.errors import CaseDamaged
from workstation.domain.ids import CaseId
from workstation.storage.tables import CaseFacts, ExaminerObjects


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
    """Return the case and the ledger key it was made with. Title and question are the examiner's newest words (U37).

    Raises:
        CaseDamaged.
    """
    row = connection.execute(select(CaseFacts.__table__)).first()
    if row is None:
        raise CaseDamaged(f"The case in {folder} has no facts.", "Restore it from a sound copy.")
    said = _texts(connection)
    title, question = said.get("title", row.title), said.get("question", row.question)
    case = Case(CaseId(row.id), row.number, title, row.examiner, question, row.created_at, str(folder))
    return case, bytes(row.public_key)


def _texts(connection: Connection) -> dict[str, str]:
    if not inspect(connection).has_table(ExaminerObjects.__tablename__):
        return {}
    wanted = select(ExaminerObjects.body).where(ExaminerObjects.kind == ObjectKind.CASE_TEXT.value)
    bodies = [json.loads(body) for body in connection.execute(wanted).scalars()]
    return {str(body["field"]): str(body["text"]) for body in bodies}
