"""The chain of custody: kinds of events, canonical bytes, hash linking and the short code of its head (E6, E7).

An event's hash covers a domain tag and every field, each with its length in front, so that no two different events can
give the same bytes. Events since format 1.1 (tag v2) are hashed over the SHA-256 of their body instead of the body, so
that a log whose bodies were taken out still verifies; every such body holds 16 random bytes ("salt"), so that nobody
can find a body that was taken out by trying. Events of format 1.0 (tag v1) stay valid as they are.

The Merkle leaf of an event (``domain.merkle``) is its hash: the entry hashed with 0x00 in front is those 32 bytes.
Signing (Ed25519) belongs to ``workstation.storage``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

GENESIS = bytes(32)
_TAG_V1 = b"workstation custody event v1"
_TAG_V2 = b"workstation custody event v2"


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
    """Where the chain ends: number of events and hash of the last one. Pinned outside the case (E7).

    ``root`` is the Merkle root over every event so far (32 bytes), empty where it was not worked out; it follows from
    the hash and takes no part in comparing heads.
    """

    count: int
    hash: bytes
    root: bytes = field(default=b"", compare=False)

    @property
    def code(self) -> str:
        """A short code a person can write down: 20 base-32 characters (100 bits of the head hash) in groups of five."""
        text = base64.b32encode(hashlib.sha256(self.count.to_bytes(8, "big") + self.hash).digest()).decode()[:20]
        return "-".join(text[i : i + 5] for i in range(0, 20, 5))


def canonical_json(value: Mapping[str, object]) -> str:
    """Return JSON with sorted keys, no spaces and no NaN: the same value always gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def body_digest(body: str) -> bytes:
    """SHA-256 of an event's body as UTF-8 (32 bytes)."""
    return hashlib.sha256(body.encode()).digest()


def event_hash(seq: int, at: str, actor: str, kind: str, body: str, prev: bytes) -> bytes:
    """The hash of an event (32 bytes), as it is made since format 1.1."""
    return event_hash_of(seq, at, actor, kind, body_digest(body), prev)


def event_hash_of(seq: int, at: str, actor: str, kind: str, body_sha256: bytes, prev: bytes) -> bytes:
    """The same from the digest of the body alone: SHA-256 over the tag v2 and the length-prefixed fields."""
    return _over(_TAG_V2, str(seq).encode(), at.encode(), actor.encode(), kind.encode(), body_sha256, prev)


def event_hash_v1(seq: int, at: str, actor: str, kind: str, body: str, prev: bytes) -> bytes:
    """The hash of an event of format 1.0: over the tag v1 and the length-prefixed fields, the body among them."""
    return _over(_TAG_V1, str(seq).encode(), at.encode(), actor.encode(), kind.encode(), body.encode(), prev)


def _over(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
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
