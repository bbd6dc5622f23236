"""Ready-made domain values for the storage tests: exhibits, plans and examined frames with known numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workstation.domain.clock import now_utc
from workstation.domain.derived import DerivedItem, DerivedKind, ParentKind
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.examinations import DetectorUse, Environment, ExaminationPlan
from workstation.domain.faces import FaceDetection, FaceQuality, Gate, GateReading
from workstation.domain.geometry import Affine, Box, Point
from workstation.domain.ids import DerivedId, EvidenceId, ExaminationId, TrackId, new_id
from workstation.domain.media import FrameIndex, FrameRef, MediaInfo, MediaKind, Orientation, StreamInfo, TimeBase
from workstation.domain.results import Abstention, AbstentionReason, FaceResult, FaceRow, FrameRow, ItemStatus
from workstation.storage.case_store import CaseStore

BASE = TimeBase(1, 12800)
STEP = 512
DETECTORS = ("clip_ln", "fakelocator")
CROP = Affine(1.5, 0.25, -10.0, -0.25, 1.5, 4.125)


def media() -> MediaInfo:
    stream = StreamInfo(
        index=0,
        kind="video",
        codec="h264",
        width=640,
        height=480,
        pixel_format="yuv420p",
        time_base=BASE,
        start_pts=0,
        duration_pts=51200,
        frame_count=100,
        average_rate="25/1",
        orientation=Orientation(90, True),
    )
    return MediaInfo(MediaKind.VIDEO, "mov,mp4", (stream,), 0, 4.0, "libav 61", ("two warnings", "ünï"))


def index(frames: int = 100) -> FrameIndex:
    pts = tuple(-STEP + STEP * i for i in range(frames))
    return FrameIndex(0, BASE, pts, pts[::12])


def take_in(store: CaseStore, source: Path, data: bytes) -> EvidenceItem:
    """Write ``data`` to ``source``, take it into the vault and record it as the next exhibit."""
    source.write_bytes(data)
    stored = store.vault.take_in(source)
    item = EvidenceItem(
        id=EvidenceId(new_id()),
        exhibit=store.next_exhibit(),
        name=source.name,
        source_path=str(source),
        stored_path=stored.relative_path,
        sha256=stored.sha256,
        size=stored.size,
        taken_in_at=now_utc(),
        taken_in_by="Examiner (user)",
        machine="bench",
        media=media(),
        integrity=IntegrityState.VERIFIED,
        verified_at=now_utc(),
    )
    store.add_evidence(item, {"problem": ""})
    return item


def plan(*evidence: EvidenceId) -> ExaminationPlan:
    uses = tuple(DetectorUse(name, "1.0", "a" * 64, "b" * 64) for name in DETECTORS)
    return ExaminationPlan(evidence, uses, "mtcnn", "c" * 64, 32, finder_settings={"threshold": 0.7})


ENVIRONMENT = Environment({"product": "0.1", "device": "cpu", "precision": "float32"})


def frame(ordinal: int, digest: str | None = None) -> FrameRef:
    return FrameRef(0, STEP * ordinal, BASE, f"{ordinal:064x}" if digest is None else digest, ordinal)


def quality(height: float = 120.5) -> FaceQuality:
    return FaceQuality(
        (
            GateReading(Gate.HEIGHT, height, 48.0, True),
            GateReading(Gate.BLUR, 31.25, 12.0, True),
            GateReading(Gate.POSE, float("inf"), 55.0, False),
            GateReading(Gate.EDGE, 0.1 + 0.2, 0.85, True),
        )
    )


def face(number: int, results: Sequence[FaceResult]) -> FaceRow:
    points = (Point(10.1, 20.2), Point(30.3, 20.4), Point(20.5, 30.6), Point(12.7, 40.8), Point(28.9, 41.0))
    detection = FaceDetection(Box(-3.25, 1.0, 60.5, 90.125), points, 0.987654321, "mtcnn")
    return FaceRow(TrackId(f"track-{number}"), number, detection, quality(), tuple(results))


def scored(number: int, detector: str, score: float, digest: str | None = None) -> FaceResult:
    transform = None if digest is None else CROP
    return FaceResult(TrackId(f"track-{number}"), detector, ItemStatus.OK, score, None, digest, transform, 256)


def refused(number: int, detector: str, reason: AbstentionReason, status: ItemStatus) -> FaceResult:
    return FaceResult(
        TrackId(f"track-{number}"), detector, status, abstention=Abstention(reason, "height 20, limit 48")
    )


def full_row(run: ExaminationId, evidence: EvidenceId, ordinal: int, faces: int = 2) -> FrameRow:
    """A frame with ``faces`` faces, each scored by both detectors."""
    rows = [face(n, [scored(n, d, ((ordinal * 7 + n) % 100) / 100) for d in DETECTORS]) for n in range(1, faces + 1)]
    return FrameRow(run, evidence, frame(ordinal), tuple(rows))


def fakeness(seed: int, side: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).random((side, side)).astype(np.float16)


def derived(item: EvidenceItem, number: int, data: bytes) -> DerivedItem:
    """A derivative of an exhibit whose file ``derived/di-<number>.txt`` holds ``data``."""
    return DerivedItem(
        id=DerivedId(new_id()),
        number=f"DI-{number:02d}",
        kind=DerivedKind.DERIVATIVE,
        parent_kind=ParentKind.EVIDENCE,
        parent=item.id,
        parent_sha256=item.sha256,
        operation="listing",
        parameters={"frames": number},
        tool="test",
        path=f"derived/di-{number}.txt",
        exported=False,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        made_at=now_utc(),
        made_by="Examiner",
    )
