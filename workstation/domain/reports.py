"""What a report is made from, as plain data: the app gathers it, the reporting room lays it out and signs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workstation.domain.case import Case
from workstation.domain.custody import CustodyEvent, CustodyHead
from workstation.domain.derived import DerivedItem
from workstation.domain.detectors import DetectorCard, MapArray
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.geometry import Box, Point
from workstation.domain.ids import CaseId, EvidenceId, ExaminationId, ReportId
from workstation.domain.intake import ExhibitOrigin
from workstation.domain.kinds_of_forgery import ForgeryClass
from workstation.domain.media import FrameRef, RgbArray
from workstation.domain.results import Abstention, Coverage, ItemStatus, TrackReading, TrackSummary
from workstation.domain.streams import StreamDigest


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One examined frame of a track under one detector: a score, or the status and reason why there is none."""

    seconds: float
    status: ItemStatus
    score: float | None
    abstention: Abstention | None = None


@dataclass(frozen=True, slots=True)
class Series:
    track_number: int
    detector: str
    points: tuple[SeriesPoint, ...]


@dataclass(frozen=True, slots=True)
class BurnFace:
    """A face to draw on a frame: box in frame pixels, track number, detector and score (None = abstained).

    ``falling``: the detector's scores are lower where they point to manipulation. ``validated``: for some kind of
    forgery; if not, words are drawn in place of the score. ``boxed`` False draws its landmarks alone.
    """

    box: Box
    track_number: int
    detector: str
    score: float | None
    note: str = ""
    falling: bool = False
    validated: bool = True
    boxed: bool = True
    landmarks: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class BurnLine:
    """Where a map crosses ``level``: (n, 2) float32 of x and y in frame pixels, centres at whole numbers. A line that
    is no threshold is ``dotted``."""

    points: npt.NDArray[np.float32]
    level: float
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class BurnIn:
    """Everything that is drawn into an exported frame (P11).

    Attributes:
        rgb: (height, width, 3) uint8, the frame as shown.
        map: (height, width) float32 in 0..1 in frame coordinates with NaN where there is no map, or None.
        map_title: what the map shows, always printed in the legend.
        opacity: 0..1 of the map over the frame.
        ramp: (256, 3) uint8, the colours of 0 to 1; None is grey. ``lines`` are drawn over the map.
        map_drawn: False leaves the map itself out, so that only its lines are drawn.
    """

    exhibit: str
    exhibit_sha256: str
    frame: FrameRef
    rgb: RgbArray
    faces: tuple[BurnFace, ...]
    map: MapArray | None
    map_title: str
    opacity: float = 0.45
    frames_examined: int = 0
    frames_total: int = 0
    ramp: RgbArray | None = None
    lines: tuple[BurnLine, ...] = ()
    map_drawn: bool = True


@dataclass(frozen=True, slots=True)
class BurnPane:
    """One view of a picture of several: the letter drawn in it, the exhibit and the frame; ``kind`` says what it is
    there for ("held frame") and is empty where it needs no word."""

    letter: str
    exhibit: str
    exhibit_sha256: str
    frame: FrameRef
    kind: str = ""
    frames_examined: int = 0
    frames_total: int = 0


@dataclass(frozen=True, slots=True)
class BurnScale:
    """A legend: title, places 0..1 with their words, (256, 3) uint8 colours of 0 to 1, levels at which lines are
    drawn."""

    title: str
    ticks: tuple[tuple[float, str], ...]
    ramp: RgbArray
    levels: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class BurnView:
    """What is seen in the viewer, with what names it (P11).

    Attributes:
        rgb: (height, width, 3) uint8, the views as drawn, overlays and letters on them.
        scale: pixels of ``rgb`` for a pixel of the first pane's frame.
        notes: lines under the legend: how the views are compared, what the lines in a map are.
    """

    rgb: RgbArray
    panes: tuple[BurnPane, ...]
    legend: BurnScale
    scale: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """The frame of a track whose score of one detector points most to manipulation. ``reason`` says why it was
    chosen."""

    burn: BurnIn
    track_number: int
    detector: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Results that the examiner does not rely on, and why (X10); they are printed all the same.

    Attributes:
        track_number: 0 for every track.
        seconds: presentation time of the one frame meant; None for every frame.
        readings: results of any status that this covers, with readings of whole tracks where no frame is named.
    """

    track_number: int
    seconds: float | None
    reason: str
    readings: int


@dataclass(frozen=True, slots=True)
class ExhibitFacts:
    """One exhibit under one examination.

    Attributes:
        excluded: readings of faces that some exclusion covers, each once.
        readings: what detectors said about tracks as a whole, in the order of tracks; never made from ``series``.
        validated: kinds of forgery for which each detector's score may be shown, by its id (`domain.standing`).
    """

    item: EvidenceItem
    examination: Examination
    coverage: Coverage
    tracks: tuple[TrackSummary, ...]
    series: tuple[Series, ...]
    key_frames: tuple[KeyFrame, ...]
    thumbnail: RgbArray | None = None
    exclusions: tuple[Exclusion, ...] = ()
    excluded: int = 0
    readings: tuple[TrackReading, ...] = ()
    validated: Mapping[str, tuple[ForgeryClass, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExhibitProvenance:
    """How an exhibit came into the case and what its streams are; ``streams`` None when they were never digested."""

    evidence: EvidenceId
    origin: ExhibitOrigin
    streams: tuple[StreamDigest, ...] | None


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """All a report says. ``examinations`` lists every run, relied on or not (X1); ``exhibits`` those relied on.

    Members with a default came after version 1 of the embedded results; older reports lack them.
    """

    report: ReportId
    number: int
    case: Case
    built_at: str
    examinations: tuple[Examination, ...]
    relied_on: tuple[ExaminationId, ...]
    exhibits: tuple[ExhibitFacts, ...]
    not_examined: tuple[EvidenceItem, ...]
    cards: tuple[DetectorCard, ...]
    custody: tuple[CustodyEvent, ...]
    custody_head: CustodyHead
    ledger_public_key: str
    product: str
    environment: tuple[tuple[str, str], ...]
    provenance: tuple[ExhibitProvenance, ...] = ()
    derived: tuple[DerivedItem, ...] = ()
    custody_checkpoint: str = ""


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """A report that was built: ``path`` inside the case folder (``reports/``), digests of the final bytes."""

    id: ReportId
    case: CaseId
    number: int
    path: str
    sha256: str
    size: int
    built_at: str
    signer: str
    custody_count: int
    custody_hash: str
