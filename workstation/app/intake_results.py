"""What an import did, as plain data: every file asked for is counted exactly once (X10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workstation.app.listing import LEFT_OUT
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId, IntakeId
from workstation.domain.intake import IntakeBatch, IntakeItem, IntakeState


@dataclass(frozen=True, slots=True)
class IntakeWish:
    """What is asked for. ``purpose`` and ``authority`` go into the custody event of every exhibit (E6);
    ``second_digest`` is computed from the same read besides SHA-256 (E1), empty for none."""

    paths: tuple[Path, ...]
    note: str = ""
    purpose: str = ""
    authority: str = ""
    second_digest: str = ""


@dataclass(frozen=True, slots=True)
class Turned:
    """A file that did not become an exhibit, and why, in one line. ``evidence`` is the exhibit it equals, if any."""

    path: str
    code: str
    line: str
    evidence: EvidenceId | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """An import at its end. ``changed`` and ``notes`` are remarks on files that are counted in the other four."""

    batch: IntakeId
    added: tuple[EvidenceItem, ...]
    duplicates: tuple[Turned, ...]
    refused: tuple[Turned, ...]
    left_out: tuple[Turned, ...]
    waiting: int = 0
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def total(self) -> int:
        return len(self.added) + len(self.duplicates) + len(self.refused) + len(self.left_out) + self.waiting

    def as_result(self) -> dict[str, object]:
        return {
            "batch": self.batch,
            "total": self.total,
            "added": [item.id for item in self.added],
            "duplicates": [_plain(entry) for entry in self.duplicates],
            "refused": [_plain(entry) for entry in self.refused],
            "left_out": [_plain(entry) for entry in self.left_out],
            "waiting": self.waiting,
            "changed": list(self.changed),
            "notes": list(self.notes),
        }


def summed_up(
    batch: IntakeBatch,
    items: Sequence[IntakeItem],
    exhibits: Mapping[EvidenceId, EvidenceItem],
    changed: Sequence[str],
    notes: Sequence[str],
) -> Intake:
    """Sum up an import from its list, so that what earlier runs of it did is counted too."""
    became = [i.evidence for i in items if i.state is IntakeState.ADDED and i.evidence is not None]
    turned = [i for i in items if i.state is IntakeState.REFUSED]
    return Intake(
        batch=batch.id,
        added=tuple(exhibits[evidence] for evidence in became),
        duplicates=tuple(_turned(i) for i in items if i.state is IntakeState.DUPLICATE),
        refused=tuple(_turned(i) for i in turned if i.code != LEFT_OUT),
        left_out=tuple(_turned(i) for i in turned if i.code == LEFT_OUT),
        waiting=sum(i.state is IntakeState.WAITING for i in items),
        changed=tuple(changed),
        notes=tuple(notes),
    )


def _turned(item: IntakeItem) -> Turned:
    return Turned(item.path, item.code, item.line, item.evidence)


def _plain(entry: Turned) -> dict[str, object]:
    told: dict[str, object] = {"path": entry.path, "code": entry.code, "line": entry.line}
    return told | {"evidence": entry.evidence} if entry.evidence is not None else told
