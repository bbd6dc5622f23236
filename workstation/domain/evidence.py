"""Exhibits (E1, E4): one received object with its digest and intake facts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workstation.domain.case import WorkState
from workstation.domain.ids import EvidenceId
from workstation.domain.media import MediaInfo


class IntegrityState(StrEnum):
    """Stated in words wherever it is shown (requirements 3.4)."""

    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    MISMATCH = "MISMATCH"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """An exhibit.

    Attributes:
        exhibit: what people call it, "EX-01".
        source_path: where it was taken from.
        stored_path: path inside the case folder, content-addressed by ``sha256``.
        size: bytes.
        taken_in_at: ISO 8601 UTC.
        media: what the probe found; None when the file is kept but cannot be decoded (see ``problem``).
        problem: one line saying why it cannot be examined; empty when it can.
    """

    id: EvidenceId
    exhibit: str
    name: str
    source_path: str
    stored_path: str
    sha256: str
    size: int
    taken_in_at: str
    taken_in_by: str
    machine: str
    media: MediaInfo | None
    problem: str = ""
    note: str = ""
    work: WorkState = WorkState.TO_DO
    integrity: IntegrityState = IntegrityState.NOT_VERIFIED
    verified_at: str = ""
