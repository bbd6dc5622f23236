"""The case: the container of one legal matter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workstation.domain.ids import CaseId


class WorkState(StrEnum):
    """State of work, never of opinion (window rule 1)."""

    TO_DO = "to do"
    EXAMINED = "examined"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Case:
    """``created_at`` is ISO 8601 UTC; ``folder`` the absolute path of the case folder on this machine."""

    id: CaseId
    number: str
    title: str
    examiner: str
    question: str
    created_at: str
    folder: str


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A case in this workstation's catalogue. ``available`` is False when its folder is not there now."""

    id: CaseId
    number: str
    title: str
    folder: str
    opened_at: str
    available: bool
