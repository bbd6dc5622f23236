"""What the engine tells its doors. Events carry ids only; views read lazily what they need."""

from __future__ import annotations

from dataclasses import dataclass

from workstation.domain.ids import CaseId, EvidenceId, ExaminationId
from workstation.domain.jobs import Job


@dataclass(frozen=True, slots=True)
class Event:
    """Base of every event."""


@dataclass(frozen=True, slots=True)
class JobChanged(Event):
    job: Job


@dataclass(frozen=True, slots=True)
class CaseChanged(Event):
    """Facts of the case or its list of exhibits, examinations or reports changed."""

    case: CaseId


@dataclass(frozen=True, slots=True)
class EvidenceChanged(Event):
    case: CaseId
    evidence: EvidenceId


@dataclass(frozen=True, slots=True)
class ExaminationChanged(Event):
    """State changed, or rows for the frames ``ordinals`` of one exhibit were committed."""

    case: CaseId
    examination: ExaminationId
    evidence: EvidenceId | None = None
    ordinals: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseSaved(Event):
    """Everything up to ``at`` (ISO 8601 UTC) is committed."""

    case: CaseId
    at: str
