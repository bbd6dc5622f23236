"""A face in a frame, cut out, and through time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workstation.domain.geometry import Affine, Box, Point
from workstation.domain.ids import TrackId
from workstation.domain.media import FrameRef, RgbArray


@dataclass(frozen=True, slots=True)
class FaceDetection:
    """One face in one frame.

    Attributes:
        box: in pixels of the frame as shown.
        landmarks: eye, eye, nose tip, mouth corner, mouth corner; the picture's left side first.
        confidence: the finder's own 0..1 reading that this is a face. It says nothing on manipulation.
        finder: id of the finder that found it.
    """

    box: Box
    landmarks: tuple[Point, Point, Point, Point, Point]
    confidence: float
    finder: str


class Gate(StrEnum):
    """What is measured on a face before any detector sees it (G4)."""

    HEIGHT = "height"
    BLUR = "blur"
    POSE = "pose"
    EDGE = "edge"


@dataclass(frozen=True, slots=True)
class GateReading:
    """One gate: the value measured, the limit it is held against, and whether it passed. Units are the gate's own."""

    gate: Gate
    value: float
    limit: float
    passed: bool


@dataclass(frozen=True, slots=True)
class FaceQuality:
    readings: tuple[GateReading, ...]

    @property
    def failed(self) -> tuple[GateReading, ...]:
        return tuple(r for r in self.readings if not r.passed)

    @property
    def passed(self) -> bool:
        return not self.failed


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """An aligned face: ``rgb`` is (size, size, 3) uint8; ``crop_from_frame`` maps frame pixels to crop pixels."""

    rgb: RgbArray
    crop_from_frame: Affine
    landmarks: tuple[Point, Point, Point, Point, Point]

    @property
    def size(self) -> int:
        return int(self.rgb.shape[0])


@dataclass(frozen=True, slots=True)
class FaceObservation:
    """A face of a track in one frame, with what the gates said."""

    frame: FrameRef
    detection: FaceDetection
    quality: FaceQuality


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One face through time. ``number`` counts from 1 within an exhibit and examination: the person reads "T1"."""

    id: TrackId
    number: int
    observations: tuple[FaceObservation, ...]

    @property
    def label(self) -> str:
        return f"T{self.number}"
