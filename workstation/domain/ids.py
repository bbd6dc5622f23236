"""Typed identifiers. Every id is an opaque random string; names and numbers shown to people are never keys (U8)."""

from __future__ import annotations

import uuid
from typing import NewType

CaseId = NewType("CaseId", str)
EvidenceId = NewType("EvidenceId", str)
ExaminationId = NewType("ExaminationId", str)
TrackId = NewType("TrackId", str)
JobId = NewType("JobId", str)
ReportId = NewType("ReportId", str)
DerivedId = NewType("DerivedId", str)
IntakeId = NewType("IntakeId", str)
ObjectId = NewType("ObjectId", str)


def new_id() -> str:
    """Return a fresh random id: 32 lower-case hexadecimal characters (UUID version 4)."""
    return uuid.uuid4().hex
