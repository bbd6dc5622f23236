"""Taking many files in: the list is kept in the case, so that an import that was stopped or killed goes on (E1, U6)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workstation.domain.ids import EvidenceId, IntakeId


class IntakeState(StrEnum):
    """State of one file of an import."""

    WAITING = "waiting"
    ADDED = "added"
    REFUSED = "refused"
    DUPLICATE = "duplicate"


class BatchState(StrEnum):
    """State of an import. An interrupted one was found unfinished when the case was opened."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class IntakeItem:
    """One file asked for. ``evidence`` is the exhibit it became, or the one it duplicates; ``code`` and ``line`` say
    why it was refused. ``size`` in bytes and ``modified_ns`` are as listed, before reading."""

    position: int
    path: str
    size: int
    modified_ns: int
    state: IntakeState
    evidence: EvidenceId | None = None
    code: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class IntakeBatch:
    """One import. ``purpose`` and ``authority`` go into the custody event of every exhibit (E6)."""

    id: IntakeId
    started_at: str
    ended_at: str | None
    state: BatchState
    note: str
    purpose: str
    authority: str
    total: int
    added: int
    refused: int
    duplicates: int

    @property
    def waiting(self) -> int:
        return self.total - self.added - self.refused - self.duplicates


@dataclass(frozen=True, slots=True)
class ExhibitOrigin:
    """What the custody event of an intake says beside the exhibit's own facts (E1, E6).

    Attributes:
        purpose, authority: why and on whose word; empty when nothing was said.
        other_digests: (name, hex) of digests from the same read besides SHA-256.
        zone: the machine's zone at intake, "CET +0100"; machine_id: a digest that stays the same for a machine.
        tool: program and version that took it in.
        event: number of the custody event, 0 when there is none.
    """

    purpose: str = ""
    authority: str = ""
    other_digests: tuple[tuple[str, str], ...] = ()
    zone: str = ""
    machine_id: str = ""
    tool: str = ""
    event: int = 0
