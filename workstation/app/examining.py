"""One examination on the gpu lane: frames in, faces found and tracked, crops scored in batches, rows committed.

Faces are batched across frames and across exhibits. Every batch is committed before the next begins, so a killed
program loses at most the batch in flight and goes on where it stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from workstation.app.hub import Hub
from workstation.app.track_crops import CropKind, open_exhibit
from workstation.app.track_stage import TrackStage, load_settings
from workstation.app.workshop import Workshop
from workstation.domain.case import WorkState
from workstation.domain.clock import now_utc
from workstation.domain.detectors import Detector, DetectorReading, Level
from workstation.domain.errors import DetectorError, EvidenceError, InputError, LandmarksUnusable
from workstation.domain.events import CaseSaved, EvidenceChanged, ExaminationChanged
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.faces import FaceCrop, FaceDetection, FaceObservation, FaceQuality, FaceTrack
from workstation.domain.ids import EvidenceId, TrackId
from workstation.domain.jobs import JobContext
from workstation.domain.media import Frame, FrameRef, TimeBase
from workstation.domain.results import (
    Abstention,
    AbstentionReason,
    FaceResult,
    FaceRow,
    FrameRow,
    ItemStatus,
)
from workstation.domain.sampling import even_sample
from workstation.media.reader import FrameFailure
from workstation.storage.case_store import CaseStore

if TYPE_CHECKING:
    from workstation.faces.tracker import Tracker

_log = logging.getLogger(__name__)
_BATCH_FRAMES = 8
_BATCH_BYTES = 256 * 2**20

Answer = tuple[EvidenceItem, Frame | FrameFailure]


@dataclass
class _Face:
    detection: FaceDetection
    track: TrackId
    number: int
    crops: dict[CropKind, FaceCrop]
    quality: FaceQuality
    abstention: Abstention | None
    results: list[FaceResult] = field(default_factory=list)


@dataclass
class _Item:
    evidence: EvidenceId
    ref: FrameRef
    faces: list[_Face]
    error: str = ""


class ExaminationRun:
    """Carries out (or goes on with) one examination.

    Args:
        store: the case, open for writing.
        workshop: warm networks of this lane.
        examination: as started or reopened in the store.
    """

    def __init__(self, store: CaseStore, hub: Hub, workshop: Workshop, examination: Examination) -> None:
        self._store = store
        self._hub = hub
        self._workshop = workshop
        self._examination = examination
        self._trackers: dict[EvidenceId, Tracker] = {}
        self._finder = workshop.finder(examination.plan.finder)
        plan = examination.plan
        self._kind: CropKind = (plan.crop_size, plan.crop_margin)
        self._detectors: list[tuple[str, Detector, CropKind]] = [
            (
                use.id,
                workshop.detector(use.id, use.card_sha256, load_settings(use)),
                (use.crop_size or plan.crop_size, use.crop_margin or plan.crop_margin),
            )
            for use in plan.detectors
            if use.level == Level.FACE
        ]

    def run(self, context: JobContext) -> Mapping[str, object]:
        """Examine every frame of the plan that has no row yet.

        Raises:
            Cancelled: between batches; committed rows stay and the examination can be resumed.
        """
        items = {item.id: item for item in self._store.evidence()}
        done = total = 0
        work: list[tuple[EvidenceItem, tuple[int, ...]]] = []
        for evidence in self._examination.plan.evidence:
            wanted = even_sample(self._length(items[evidence]), self._examination.plan.frames)
            before = self._store.examined_ordinals(self._examination.id, evidence)
            total += len(wanted)
            done += len(before)
            work.append((items[evidence], tuple(o for o in wanted if o not in before)))
            self._trackers[evidence] = self._tracker(evidence, bool(before))
        context.progress(done, total)
        for batch in _batches(self._answers(work)):
            context.raise_if_cancelled()
            self._examine(batch)
            done += len(batch)
            context.progress(done, total, batch[-1][0].exhibit)
        TrackStage(self._store, self._hub, self._workshop, self._examination).run(context, done, total)
        for evidence in self._examination.plan.evidence:
            self._store.set_work(evidence, WorkState.EXAMINED)
            self._hub.publish(EvidenceChanged(self._store.case.id, evidence))
        return {"examination": self._examination.id, "frames": total}

    def _length(self, item: EvidenceItem) -> int:
        index = self._store.frame_index(item.id)
        if index is None:
            with open_exhibit(self._store, item) as reader:
                index = reader.index
            self._store.put_frame_index(item.id, index)
        return len(index)

    def _answers(self, work: Sequence[tuple[EvidenceItem, tuple[int, ...]]]) -> Iterator[Answer]:
        """Decode exhibit after exhibit; one that no longer opens gives a failure for every frame wanted of it."""
        for item, ordinals in work:
            if not ordinals:
                continue
            left = dict.fromkeys(ordinals)
            try:
                with open_exhibit(self._store, item) as reader:
                    for answer in reader.frames(ordinals):
                        left.pop(answer.ref.ordinal if isinstance(answer, Frame) else answer.ordinal, None)
                        yield item, answer
            except EvidenceError as error:
                index = self._store.frame_index(item.id)
                for ordinal in left:
                    yield item, FrameFailure(ordinal, index.pts[ordinal] if index else 0, error)

    def _tracker(self, evidence: EvidenceId, resumed: bool) -> Tracker:
        from workstation.faces.tracker import Tracker

        tracker = Tracker()
        if resumed:
            tracker.restore(stored_tracks(self._store.frame_rows(self._examination.id, evidence)))
        return tracker

    def _examine(self, batch: Sequence[Answer]) -> None:
        decoded = [answer for _, answer in batch if isinstance(answer, Frame)]
        found = iter(self._finder.find([frame.rgb for frame in decoded]) if decoded else [])
        items: list[_Item] = []
        for evidence, answer in batch:
            if isinstance(answer, Frame):
                items.append(self._frame(evidence, answer, next(found)))
            else:
                items.append(_Item(evidence.id, _unread(evidence, answer), [], error=answer.error.message))
        scored = [face for item in items for face in item.faces if face.abstention is None]
        for name, detector, kind in self._detectors:
            self._score(name, detector, kind, scored)
        self._commit(items)

    def _frame(self, evidence: EvidenceItem, frame: Frame, detections: list[FaceDetection]) -> _Item:
        from workstation.faces.alignment import align
        from workstation.faces.quality import assess, gate_reason
        from workstation.faces.tracker import look_of

        plan = self._examination.plan
        crops: list[FaceCrop | None] = []
        for detection in detections:
            try:
                crops.append(align(frame.rgb, detection.landmarks, size=plan.crop_size, margin=plan.crop_margin))
            except LandmarksUnusable:
                crops.append(None)
        looks = [look_of(crop) for crop in crops if crop is not None]
        # Looks go by position: a frame with a face that cannot be cut out is tracked by geometry alone.
        known = looks if len(looks) == len(detections) else None
        tracked = self._trackers[evidence.id].update(frame.ref, detections, known)
        faces: list[_Face] = []
        for detection, crop, (track, number) in zip(detections, crops, tracked, strict=True):
            if crop is None:
                no_cut = Abstention(AbstentionReason.LANDMARKS_UNUSABLE, "the five landmarks fit no face")
                faces.append(_Face(detection, track, number, {}, FaceQuality(()), no_cut))
                continue
            quality = assess(frame.rgb, detection, crop, plan.gates)
            abstention = None
            if not quality.passed:
                first = quality.failed[0]
                detail = f"{first.gate} {first.value:.3g}, limit {first.limit:.3g}"
                abstention = Abstention(gate_reason(first.gate), detail)
            cut = {} if abstention else self._cut(frame, detection, crop)
            faces.append(_Face(detection, track, number, cut, quality, abstention))
        return _Item(evidence.id, frame.ref, faces)

    def _cut(self, frame: Frame, detection: FaceDetection, crop: FaceCrop) -> dict[CropKind, FaceCrop]:
        """Every crop the detectors want of one face; the plan's own is there already."""
        from workstation.faces.alignment import align

        kinds = {kind for _, _, kind in self._detectors} - {self._kind}
        wanted = {
            (size, margin): align(frame.rgb, detection.landmarks, size=size, margin=margin) for size, margin in kinds
        }
        return {self._kind: crop, **wanted}

    def _score(self, name: str, detector: Detector, kind: CropKind, faces: Sequence[_Face]) -> None:
        crops = [face.crops[kind] for face in faces]
        if not crops:
            return
        try:
            readings: Sequence[DetectorReading | str] = detector.read(crops)
        except (DetectorError, InputError) as error:
            _log.warning("%s failed on %d faces: %s", name, len(crops), error.message)
            readings = [error.message] * len(crops)
        for face, reading in zip(faces, readings, strict=True):
            face.results.append(self._result(name, face, face.crops[kind], reading))

    def _result(self, name: str, face: _Face, crop: FaceCrop, reading: DetectorReading | str) -> FaceResult:
        if isinstance(reading, str) or not np.isfinite(reading.value):
            detail = reading if isinstance(reading, str) else "the detector gave no finite number"
            failed = Abstention(AbstentionReason.DETECTOR_FAILED, detail)
            return FaceResult(face.track, name, ItemStatus.ERROR, abstention=failed)
        digest = None
        if reading.map is not None:
            digest = self._store.arrays.put(np.asarray(reading.map, dtype=np.float16))
        return FaceResult(
            face.track,
            name,
            ItemStatus.OK,
            score=float(reading.value),
            map_digest=digest,
            map_transform=crop.crop_from_frame,
            crop_size=crop.size,
        )

    def _commit(self, items: Sequence[_Item]) -> None:
        rows = []
        for item in items:
            faces = []
            for face in item.faces:
                if face.abstention is not None:
                    face.results = [
                        FaceResult(face.track, name, ItemStatus.ABSTAINED, abstention=face.abstention)
                        for name, _, _ in self._detectors
                    ]
                faces.append(FaceRow(face.track, face.number, face.detection, face.quality, tuple(face.results)))
            rows.append(FrameRow(self._examination.id, item.evidence, item.ref, tuple(faces), item.error))
        self._store.append_rows(rows)
        case = self._store.case.id
        for evidence in dict.fromkeys(item.evidence for item in items):
            ordinals = tuple(item.ref.ordinal for item in items if item.evidence == evidence)
            self._hub.publish(ExaminationChanged(case, self._examination.id, evidence, ordinals))
        self._hub.publish(CaseSaved(case, now_utc()))


def _unread(evidence: EvidenceItem, failure: FrameFailure) -> FrameRef:
    """Name a frame that could not be decoded: it has a time but no digest."""
    if evidence.media is None:
        return FrameRef(0, failure.pts, TimeBase(1, 1), "", failure.ordinal)
    return FrameRef(evidence.media.primary, failure.pts, evidence.media.video.time_base, "", failure.ordinal)


def stored_tracks(rows: Sequence[FrameRow]) -> tuple[FaceTrack, ...]:
    """Gather the faces of stored rows into tracks, in presentation order."""
    observations: dict[TrackId, list[FaceObservation]] = {}
    numbers: dict[TrackId, int] = {}
    for row in rows:
        for face in row.faces:
            numbers[face.track] = face.track_number
            observations.setdefault(face.track, []).append(FaceObservation(row.frame, face.detection, face.quality))
    return tuple(FaceTrack(track, numbers[track], tuple(seen)) for track, seen in observations.items())


def _batches(answers: Iterator[Answer]) -> Iterator[list[Answer]]:
    batch: list[Answer] = []
    size = 0
    for item, answer in answers:
        batch.append((item, answer))
        size += answer.rgb.nbytes if isinstance(answer, Frame) else 0
        if len(batch) >= _BATCH_FRAMES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
