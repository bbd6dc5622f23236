"""Score, map, abstention and summary as separate records; raw results are never overwritten (X10)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workstation.domain.detectors import MapArray, Measure
from workstation.domain.faces import FaceDetection, FaceQuality, Gate, GateReading
from workstation.domain.geometry import Affine
from workstation.domain.ids import EvidenceId, ExaminationId, TrackId
from workstation.domain.media import FrameRef


class ItemStatus(StrEnum):
    """The status of one (frame, track, detector). Totals over statuses always add up (X10, G14)."""

    OK = "ok"
    ABSTAINED = "abstained"
    NO_FACE = "no_face"
    ERROR = "error"


class AbstentionReason(StrEnum):
    """Why nothing was scored (G4)."""

    NO_FACE = "no_face"
    FACE_TOO_SMALL = "face_too_small"
    FACE_BLURRED = "face_blurred"
    FACE_TURNED = "face_turned"
    FACE_AT_EDGE = "face_at_edge"
    LANDMARKS_UNUSABLE = "landmarks_unusable"
    FRAME_UNREADABLE = "frame_unreadable"
    DETECTOR_FAILED = "detector_failed"
    TOO_FEW_FRAMES = "too_few_frames"


@dataclass(frozen=True, slots=True)
class Abstention:
    """A typed refusal to score, with one sentence of detail (the measured value and the limit)."""

    reason: AbstentionReason
    detail: str


@dataclass(frozen=True, slots=True)
class FakenessMap:
    """``values``: (side, side) float32 in 0..1 in crop coordinates, 1 = manipulated. ``crop_from_frame`` places it."""

    values: MapArray
    crop_from_frame: Affine


@dataclass(frozen=True, slots=True)
class FaceResult:
    """What one detector gave for one face in one frame, or why it gave nothing.

    ``map_digest`` is the SHA-256 of the stored array in the case's ``maps/`` folder; ``map_transform`` maps frame
    pixels to crop pixels of ``crop_size``.
    """

    track: TrackId
    detector: str
    status: ItemStatus
    score: float | None = None
    abstention: Abstention | None = None
    map_digest: str | None = None
    map_transform: Affine | None = None
    crop_size: int = 0


@dataclass(frozen=True, slots=True)
class FaceRow:
    """A face of a frame with its track and every detector's result."""

    track: TrackId
    track_number: int
    detection: FaceDetection
    quality: FaceQuality
    results: tuple[FaceResult, ...]


@dataclass(frozen=True, slots=True)
class FrameRow:
    """One examined frame: its faces, or why it has none. ``error`` is set when the frame could not be decoded."""

    examination: ExaminationId
    evidence: EvidenceId
    frame: FrameRef
    faces: tuple[FaceRow, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class TrackFace:
    """A face of a track without what detectors gave for it: where it is, how tall (pixels of the frame), what the gates
    measured, and how many detectors scored it, abstained, or failed."""

    track: TrackId
    track_number: int
    ordinal: int
    pts: int
    seconds: float
    height: float
    gates: tuple[GateReading, ...]
    scored: int
    abstained: int
    errors: int

    @property
    def passed(self) -> bool:
        """Whether it was measured and passed every gate."""
        return bool(self.gates) and all(reading.passed for reading in self.gates)

    def gate(self, gate: Gate) -> float | None:
        """What one gate measured, in its own units; None where it was not measured."""
        return next((reading.value for reading in self.gates if reading.gate is gate), None)


@dataclass(frozen=True, slots=True)
class TrackSummary:
    """One detector over one track.

    ``mean``, ``median``, ``low``/``high`` (5th and 95th percentile over frames) are None when no frame could be scored.
    The spread is over frames of this track: it is not an error rate and the score is uncalibrated. ``peak`` is the
    frame whose score points most to manipulation: the highest, or the lowest where the detector's direction is so.
    """

    track: TrackId
    track_number: int
    detector: str
    frames_scored: int
    frames_abstained: int
    frames_error: int
    mean: float | None
    median: float | None
    low: float | None
    high: float | None
    first_seconds: float
    last_seconds: float
    peak: FrameRef | None
    abstentions: tuple[tuple[AbstentionReason, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TrackReading:
    """What one detector said about one track as a whole, or why it said nothing.

    ``frames`` are the ordinals of the frames it was given, in order. Scores of single frames are `FaceResult`s; this
    is never made from them.
    """

    examination: ExaminationId
    evidence: EvidenceId
    track: TrackId
    track_number: int
    detector: str
    status: ItemStatus
    frames: tuple[int, ...]
    value: float | None = None
    measures: tuple[Measure, ...] = ()
    note: str = ""
    abstention: Abstention | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of an exhibit was looked at. ``examined`` = ``with_face`` + ``without_face`` + ``unreadable``."""

    frames_total: int
    examined: int
    with_face: int
    without_face: int
    unreadable: int
    scored: int
    abstained: int
    errors: int
