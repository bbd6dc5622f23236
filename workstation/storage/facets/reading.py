"""Reading tables that a case of an older format does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from workstation.storage.open_case import OpenCase

T = TypeVar("T")
SINCE = 1001
"""The format number that brought the tables of the facets."""


def is_there(connection: Connection) -> bool:
    """Whether this database has the tables of format 1.1."""
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar() or 0) >= SINCE


def read_or(opened: OpenCase, work: Callable[[Connection], T], empty: T) -> T:
    """Run ``work`` on one snapshot, or answer ``empty`` where the case is of an older format."""
    return opened.read(lambda connection: work(connection) if is_there(connection) else empty)
