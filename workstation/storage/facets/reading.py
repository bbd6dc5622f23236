"""Reading tables that a case of an older format does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from workstation.domain.ids import EvidenceId, ExaminationId
from workstation.storage.open_case import OpenCase
from workstation.storage.repositories import evidence, examinations

T = TypeVar("T")
SINCE = 1001
"""The format number that brought the tables of most facets."""


def is_there(connection: Connection, since: int = SINCE) -> bool:
    """Whether this database has the tables of format ``since``."""
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar() or 0) >= since


def read_or(opened: OpenCase, work: Callable[[Connection], T], empty: T, since: int = SINCE) -> T:
    """Run ``work`` on one snapshot, or answer ``empty`` where the case is of an older format than ``since``."""
    return opened.read(lambda connection: work(connection) if is_there(connection, since) else empty)


def keys(connection: Connection, examination: ExaminationId, item: EvidenceId) -> tuple[int, int]:
    """Number of an examination and position of an exhibit. Raises: NotFound."""
    return examinations.number(connection, examination), evidence.position(connection, item)
