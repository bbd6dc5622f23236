"""An examination: the frozen plan of one run and everything needed to repeat it (X1, P3, P5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from workstation.domain.ids import CaseId, EvidenceId, ExaminationId


class ExaminationState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class DetectorUse:
    """A detector as used: id and version with the digests of its card and its weights.

    Attributes:
        crop_size, crop_margin: the crop it was fed; 0 means those of the plan.
        direction, level, sequence, least: as on its card (`OutputSpec`).
        settings: what was chosen for this run beside the card: "merge" (tokens merged after each block) with
            "schedule", "gallery" (canonical JSON of the references used); and "measured", what the laboratory itself
            measured of it and the run relies on (`domain.measured_here`). Empty for the detector as published.
    """

    id: str
    version: str
    card_sha256: str
    weights_sha256: str
    crop_size: int = 0
    crop_margin: float = 0.0
    direction: str = "higher_is_manipulated"
    level: str = "face"
    sequence: int = 0
    least: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Limits of the quality gates: face height in pixels, sharpness (variance of the Laplacian on the 256 px crop),
    turn of the head in degrees of yaw, and the share of the face box that must lie inside the frame."""

    min_height: float = 64.0
    min_sharpness: float = 12.0
    max_turn: float = 55.0
    min_inside: float = 0.85


@dataclass(frozen=True, slots=True)
class ExaminationPlan:
    """What will be done.

    ``frames`` is the number of frames per exhibit, spread evenly over its whole length, or 0 for every frame.
    """

    evidence: tuple[EvidenceId, ...]
    detectors: tuple[DetectorUse, ...]
    finder: str
    finder_sha256: str
    frames: int
    crop_size: int = 256
    crop_margin: float = 1.3
    gates: GateLimits = field(default_factory=GateLimits)
    sampling: str = "even-v1"
    aggregation: str = "mean-over-frames-v1"
    finder_settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Environment:
    """Where it was done: name to value of product, libraries, operating system, processor, device, driver, decoder,
    precision and determinism settings (P3)."""

    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Examination:
    id: ExaminationId
    case: CaseId
    number: int
    plan: ExaminationPlan
    environment: Environment
    state: ExaminationState
    started_at: str
    ended_at: str | None = None
    error: str = ""
