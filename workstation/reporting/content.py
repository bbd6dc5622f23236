"""What every section may look up: the facts, the signer, the digest of the twin, and names by id."""

from __future__ import annotations

from dataclasses import dataclass

from workstation.domain.detectors import DetectorCard, Direction, Level
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination, ExaminationPlan
from workstation.domain.ids import EvidenceId
from workstation.domain.kinds_of_forgery import ForgeryClass
from workstation.domain.reports import ExhibitFacts, ExhibitProvenance, ReportFacts
from workstation.reporting.signing import Identity
from workstation.reporting.wording import LANGUAGE, say

_CONTENTS_ROOM = 36


@dataclass(frozen=True, slots=True)
class Content:
    facts: ReportFacts
    identity: Identity
    json_sha256: str
    language: str = LANGUAGE

    @property
    def title(self) -> str:
        return say("document.title", number=self.facts.number, case=self.facts.case.number)

    @property
    def header(self) -> str:
        case = self.facts.case
        return " · ".join(part for part in (say("document.header", case=case.number), case.title) if part.strip())

    @property
    def few_headings(self) -> bool:
        """Whether the contents have room for the second level on one page."""
        facts = self.facts
        return len(facts.exhibits) + len(facts.cards) + len(facts.relied_on) + len(self.items) < _CONTENTS_ROOM

    @property
    def items(self) -> tuple[EvidenceItem, ...]:
        """Every exhibit of the case once, in the order of their names."""
        found = {entry.item.id: entry.item for entry in self.facts.exhibits}
        found |= {item.id: item for item in self.facts.not_examined}
        return tuple(sorted(found.values(), key=lambda item: (item.exhibit, item.id)))

    @property
    def relied(self) -> tuple[Examination, ...]:
        return tuple(run for run in self.facts.examinations if run.id in self.facts.relied_on)

    @property
    def detectors(self) -> tuple[str, ...]:
        """Ids of all detectors that the report relies on, in the order of their plans."""
        planned = [use.id for run in self.relied for use in run.plan.detectors]
        measured = [track.detector for entry in self.facts.exhibits for track in entry.tracks]
        drawn = [line.detector for entry in self.facts.exhibits for line in entry.series]
        whole = [reading.detector for entry in self.facts.exhibits for reading in entry.readings]
        return tuple(dict.fromkeys([*planned, *measured, *drawn, *whole]))

    def provenance(self, evidence: EvidenceId) -> ExhibitProvenance | None:
        """How an exhibit came here; None when nothing of it was gathered."""
        return next((entry for entry in self.facts.provenance if entry.evidence == evidence), None)

    def exhibit_name(self, evidence: EvidenceId) -> str:
        return next((item.exhibit for item in self.items if item.id == evidence), evidence[:8])

    def card(self, detector: str) -> DetectorCard | None:
        return next((card for card in self.facts.cards if card.id == detector), None)

    def detector_name(self, detector: str) -> str:
        card = self.card(detector)
        return card.name if card is not None else detector

    def calibrated(self, detector: str) -> bool:
        """False when no card says otherwise (L6)."""
        card = self.card(detector)
        return card is not None and card.output.calibrated

    def scale(self, detector: str) -> str:
        """Calibrated or not; and which way it points where that is down."""
        scale = say("results.scale.calibrated" if self.calibrated(detector) else "results.scale.uncalibrated")
        return say("results.scale.falling", scale=scale) if self.falling(detector) else scale

    def falling(self, detector: str) -> bool:
        """Whether lower scores point to manipulation: as the plans relied on say."""
        uses = (use for run in self.relied for use in run.plan.detectors)
        return any(use.id == detector and use.direction == Direction.LOWER_IS_MANIPULATED for use in uses)

    def validated(self, detector: str) -> tuple[ForgeryClass, ...]:
        """Kinds of forgery for which its score is printed with some exhibit."""
        held = {kind for entry in self.facts.exhibits for kind in entry.validated.get(detector, ())}
        return tuple(kind for kind in ForgeryClass if kind in held)

    def direction(self, detector: str) -> str:
        """Which way its scores point, in words."""
        falling = self.falling(detector)
        way = Direction.LOWER_IS_MANIPULATED if falling else Direction.HIGHER_IS_MANIPULATED
        return say(f"direction.{way.value}")


def frames_asked(plan: ExaminationPlan) -> str:
    return say("runs.frames.all") if plan.frames <= 0 else say("runs.frames.some", count=plan.frames)


def followed(entry: ExhibitFacts) -> int:
    """Tracks of an exhibit, whichever detectors read them."""
    return len({track.track for track in entry.tracks} | {reading.track for reading in entry.readings})


def scores_frames(entry: ExhibitFacts) -> bool:
    """Whether any detector of the examination scores single frames."""
    return bool(entry.tracks) or any(use.level != Level.TRACK for use in entry.examination.plan.detectors)


def unseen(entry: ExhibitFacts) -> int:
    """Frames of an exhibit that the examination did not look at."""
    return max(0, entry.coverage.frames_total - entry.coverage.examined)
