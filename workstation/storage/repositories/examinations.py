"""Examinations: plan, environment, state."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from workstation.domain.errors import NotFound
from workstation.domain.examinations import Environment, Examination, ExaminationPlan, ExaminationState
from workstation.domain.ids import CaseId, ExaminationId
from workstation.storage import mapping
from workstation.storage.tables import Examinations


def start(
    connection: Connection,
    case: CaseId,
    examination: ExaminationId,
    plan: ExaminationPlan,
    environment: Environment,
    at: str,
) -> Examination:
    number = (connection.execute(select(func.max(Examinations.number))).scalar() or 0) + 1
    values = {
        "number": number,
        "id": examination,
        "plan": mapping.plan_to_text(plan),
        "environment": mapping.environment_to_text(environment),
        "state": ExaminationState.RUNNING.value,
        "started_at": at,
        "ended_at": None,
        "error": "",
    }
    connection.execute(insert(Examinations), values)
    return one(connection, case, examination)


def set_state(
    connection: Connection, examination: ExaminationId, state: ExaminationState, ended_at: str | None, error: str
) -> None:
    change = update(Examinations).where(Examinations.id == examination)
    connection.execute(change.values(state=state.value, ended_at=ended_at, error=error))


def every(connection: Connection, case: CaseId) -> tuple[Examination, ...]:
    rows = connection.execute(select(Examinations.__table__).order_by(Examinations.number))
    return tuple(_examination(row, case) for row in rows)


def one(connection: Connection, case: CaseId, examination: ExaminationId) -> Examination:
    """Raises: NotFound."""
    row = connection.execute(select(Examinations.__table__).where(Examinations.id == examination)).first()
    if row is None:
        raise NotFound(f"There is no examination with the id {examination}.")
    return _examination(row, case)


def texts(connection: Connection, examination: ExaminationId) -> tuple[str, str]:
    """Plan and environment as stored. Raises: NotFound."""
    wanted = select(Examinations.plan, Examinations.environment).where(Examinations.id == examination)
    row = connection.execute(wanted).first()
    if row is None:
        raise NotFound(f"There is no examination with the id {examination}.")
    return str(row.plan), str(row.environment)


def number(connection: Connection, examination: ExaminationId) -> int:
    """Raises: NotFound."""
    found = connection.execute(select(Examinations.number).where(Examinations.id == examination)).scalar()
    if found is None:
        raise NotFound(f"There is no examination with the id {examination}.")
    return int(found)


def _examination(row: Row[Any], case: CaseId) -> Examination:
    return Examination(
        id=ExaminationId(row.id),
        case=case,
        number=row.number,
        plan=mapping.plan_from_text(row.plan),
        environment=mapping.environment_from_text(row.environment),
        state=ExaminationState(row.state),
        started_at=row.started_at,
        ended_at=row.ended_at,
        error=row.error,
    )
