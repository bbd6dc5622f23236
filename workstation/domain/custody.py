"""The chain of custody: kinds of events, canonical bytes, hash linking and the short code of its head (E6, E7).

An event's hash covers a domain tag and every field, each with its length in front, so that no two different events can
give the same bytes. Signing (Ed25519) belongs to ``workstation.storage``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

GENESIS = bytes(32)
_TAG = b"workstation custody event v1"


class CustodyKind(StrEnum):
    """The closed list of custody events (E6). A contract test holds it: adding is allowed, removing is not (U36)."""

    CASE_CREATED = "case_created"
    CASE_OPENED = "case_opened"
    CASE_CLOSED = "case_closed"
    EVIDENCE_TAKEN_IN = "evidence_taken_in"
    EVIDENCE_REFUSED = "evidence_refused"
    EVIDENCE_VERIFIED = "evidence_verified"
    EVIDENCE_MISMATCH = "evidence_mismatch"
    EVIDENCE_ACCESSED = "evidence_accessed"
    EXAMINATION_STARTED = "examination_started"
    EXAMINATION_ENDED = "examination_ended"
    EXPORTED = "exported"
    REPORT_BUILT = "report_built"
    REPORT_VERIFIED = "report_verified"
    TRANSFERRED = "transferred"
    REDACTED = "redacted"
    DELETED = "deleted"
    MIGRATED = "migrated"
    CLOCK_CHANGED = "clock_changed"
    SETTINGS_CHANGED = "settings_changed"
    EVIDENCE_DESCRIBED = "evidence_described"
    DERIVED = "derived"
    EDITED = "edited"
    BACKED_UP = "backed_up"
    SEALED = "sealed"
    IMPORTED = "imported"
    REKEYED = "rekeyed"
    INTAKE_STARTED = "intake_started"
    INTAKE_ENDED = "intake_ended"


@dataclass(frozen=True, slots=True)
class CustodyEvent:
    """One row of the chain. ``body`` is canonical JSON text; ``prev``/``hash`` are 32 bytes, ``signature`` 64 bytes."""

    seq: int
    at: str
    actor: str
    kind: CustodyKind
    body: str
    prev: bytes
    hash: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class CustodyHead:
    """Where the chain ends: number of events and hash of the last one. Pinned outside the case (E7)."""

    count: int
    hash: bytes

    @property
    def code(self) -> str:
        """A short code a person can write down: 20 base-32 characters (100 bits of the head hash) in groups of five."""
        text = base64.b32encode(hashlib.sha256(self.count.to_bytes(8, "big") + self.hash).digest()).decode()[:20]
        return "-".join(text[i : i + 5] for i in range(0, 20, 5))


def canonical_json(value: Mapping[str, object]) -> str:
    """Return JSON with sorted keys, no spaces and no NaN: the same value always gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def event_hash(seq: int, at: str, actor: str, kind: str, body: str, prev: bytes) -> bytes:
    """SHA-256 over the domain tag and the length-prefixed fields of an event (32 bytes)."""
    digest = hashlib.sha256()
    for part in (_TAG, str(seq).encode(), at.encode(), actor.encode(), kind.encode(), body.encode(), prev):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


class CheckState(StrEnum):
    OK = "ok"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of a verification: what was checked, whether it held, and what was found."""

    subject: str
    state: CheckState
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of verifying a case or a report; ``ok`` only when every line is."""

    lines: tuple[CheckLine, ...]

    @property
    def ok(self) -> bool:
        return all(line.state is CheckState.OK for line in self.lines)

    @property
    def bad(self) -> tuple[CheckLine, ...]:
        return tuple(line for line in self.lines if line.state is CheckState.BAD)
