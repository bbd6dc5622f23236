"""Frame rows and exhibits made by hand: every number in them is chosen by the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workstation.app.lanes import build_lanes
from workstation.domain.evidence import EvidenceItem, IntegrityState
from workstation.domain.examinations import (
    DetectorUse,
    Environment,
    Examination,
    ExaminationPlan,
    ExaminationState,
)
from workstation.domain.faces import FaceDetection, FaceQuality
from workstation.domain.geometry import Box, Point
from workstation.domain.ids import CaseId, EvidenceId, ExaminationId, TrackId
from workstation.domain.media import FrameIndex, FrameRef, MediaInfo, MediaKind, StreamInfo, TimeBase
from workstation.domain.results import Abstention, AbstentionReason, FaceResult, FaceRow, FrameRow, ItemStatus
from workstation.domain.series import STATUSES, ExhibitSeries, FrameSeries, ScoreSeries, TrackSeries
from workstation.ui.exhibit import ExhibitData

BASE = TimeBase(1, 25)
EVIDENCE, RUN = EvidenceId("exhibit"), ExaminationId("run")
Faces = Mapping[int, tuple[ItemStatus, float | None]]


def frame_row(
    ordinal: int,
    faces: Faces,
    *,
    detectors: Sequence[str] = ("a",),
    error: str = "",
    reason: AbstentionReason = AbstentionReason.FACE_TOO_SMALL,
) -> FrameRow:
    """A row at ``ordinal / 25`` s. ``faces``: track number to status and the first detector's score; each further
    detector gives four fifths of the one before."""
    ref = FrameRef(0, ordinal, BASE, f"{ordinal:064x}", ordinal)
    made = []
    for number, (status, score) in faces.items():
        track = TrackId(f"track-{number}")
        why = None if status is ItemStatus.OK else Abstention(reason, "height 31, limit 48")
        results = tuple(
            FaceResult(track, name, status, None if score is None else score * 0.8**place, why)
            for place, name in enumerate(detectors)
        )
        points = (Point(30, 40), Point(50, 40), Point(40, 50), Point(32, 60), Point(48, 60))
        detection = FaceDetection(Box(20, 20, 60, 70), points, 0.99, "hand")
        made.append(FaceRow(track, number, detection, FaceQuality(()), results))
    return FrameRow(RUN, EVIDENCE, ref, tuple(made), error)


def exhibit(rows: Sequence[FrameRow], *, frames: int = 70, detectors: Sequence[str] = ("a",)) -> ExhibitData:
    """An exhibit of ``frames`` frames at 25 a second with these rows under one examination."""
    frames = max([frames, *(row.frame.ordinal + 1 for row in rows)])
    stream = StreamInfo(0, "video", "h264", 320, 240, time_base=BASE, frame_count=frames)
    media = MediaInfo(MediaKind.VIDEO, "mp4", (stream,), 0, frames / 25)
    item = EvidenceItem(
        EVIDENCE, "EX-01", "hand.mp4", "/hand.mp4", "evidence/x", "ab" * 32, 1000, "", "E", "m", media,
        integrity=IntegrityState.VERIFIED,
    )  # fmt: skip
    uses = tuple(DetectorUse(name, "1", "0" * 64, "0" * 64) for name in detectors)
    plan = ExaminationPlan((EVIDENCE,), uses, "hand", "0" * 64, 0)
    run = Examination(RUN, CaseId("case"), 1, plan, Environment({}), ExaminationState.DONE, "")
    by_ordinal = {row.frame.ordinal: row for row in rows}
    index = FrameIndex(0, BASE, tuple(range(frames)), tuple(range(0, frames, 12)))
    series = series_of(rows)
    lanes = build_lanes(series, detectors)
    return ExhibitData(item, index, (run,), run, by_ordinal, (), None, lanes, series=series)


def series_of(rows: Sequence[FrameRow]) -> ExhibitSeries:
    """The same rows in columns, gathered one by one."""
    ordered = sorted(rows, key=lambda row: row.frame.ordinal)
    numbers: dict[TrackId, int] = {}
    seen: dict[TrackId, list[int]] = {}
    found: dict[tuple[TrackId, str], list[tuple[int, FaceResult]]] = {}
    mapped: set[str] = set()
    for row in ordered:
        for face in row.faces:
            numbers[face.track] = face.track_number
            seen.setdefault(face.track, []).append(row.frame.ordinal)
            for result in face.results:
                found.setdefault((face.track, result.detector), []).append((row.frame.ordinal, result))
                mapped |= {result.detector} if result.map_digest else set()
    frames = FrameSeries(
        np.array([row.frame.ordinal for row in ordered], dtype=np.int64),
        np.array([row.frame.seconds for row in ordered], dtype=np.float64),
        np.array([len(row.faces) for row in ordered], dtype=np.int64),
        {row.frame.ordinal: row.error for row in ordered if row.error},
    )
    tracks = tuple(
        TrackSeries(track, numbers[track], np.array(seen[track], dtype=np.int64))
        for track in sorted(numbers, key=numbers.__getitem__)
    )
    scores = tuple(_scores(*key, found[key]) for key in sorted(found, key=lambda k: (numbers[k[0]], k[1])))
    return ExhibitSeries(frames, tracks, scores, frozenset(mapped))


def _scores(track: TrackId, detector: str, results: Sequence[tuple[int, FaceResult]]) -> ScoreSeries:
    return ScoreSeries(
        track,
        detector,
        np.array([ordinal for ordinal, _ in results], dtype=np.int64),
        np.array([STATUSES.index(result.status) for _, result in results], dtype=np.uint8),
        np.array([np.nan if result.score is None else result.score for _, result in results], dtype=np.float64),
        {ordinal: result.abstention for ordinal, result in results if result.abstention is not None},
    )
