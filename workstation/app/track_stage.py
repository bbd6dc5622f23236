"""The second part of an examination: readings of whole tracks, after every frame has its row.

A track is read by each detector whose card has a ``sequence``. What is stored already is not read again, so a run that
was stopped goes on where it was; each group of tracks is committed before the next begins.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import cast

from workstation.app.gallery import Gallery
from workstation.app.hub import Hub
from workstation.app.track_crops import CropKind, TrackCrops, Wanted, cut_again, usable_faces
from workstation.app.workshop import Workshop
from workstation.domain.detectors import GalleryPerson, SequenceDetector, TrackContext
from workstation.domain.errors import DetectorError, EvidenceError, InputError
from workstation.domain.events import ExaminationChanged
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import DetectorUse, Examination
from workstation.domain.ids import EvidenceId, TrackId
from workstation.domain.jobs import JobContext
from workstation.domain.measured_here import SETTING
from workstation.domain.results import Abstention, AbstentionReason, FrameRow, ItemStatus, TrackReading
from workstation.storage.case_store import CaseStore

_log = logging.getLogger(__name__)
_GROUP = 8
"""Tracks whose crops are in memory together."""


class TrackStage:
    """Reads the tracks of an examination's exhibits.

    Args:
        store: the case, open for writing.
        workshop: warm networks of this lane.
        examination: running; its frames have their rows.
    """

    def __init__(self, store: CaseStore, hub: Hub, workshop: Workshop, examination: Examination) -> None:
        self._store, self._hub = store, hub
        self._examination = examination
        plan = examination.plan
        self._detectors: list[tuple[DetectorUse, SequenceDetector]] = [
            (use, cast(SequenceDetector, workshop.detector(use.id, use.card_sha256, load_settings(use))))
            for use in plan.detectors
            if use.sequence > 0
        ]
        # One for the whole run: it keeps the crops of the references, which every track is compared with.
        self._people = Gallery(store, hub)
        self._galleries: dict[tuple[str, EvidenceId, TrackId], tuple[GalleryPerson, ...]] = {}

    def run(self, context: JobContext, done: int, total: int) -> None:
        """Read every track that has no reading yet. Raises: Cancelled: between groups of tracks."""
        if not self._detectors:
            return
        for evidence in self._examination.plan.evidence:
            item = self._store.evidence_item(evidence)
            rows = self._store.frame_rows(self._examination.id, evidence)
            numbers = {face.track: face.track_number for row in rows for face in row.faces}
            stored = self._store.readings.stored(self._examination.id, evidence)
            left = [
                track
                for track in sorted(numbers, key=numbers.__getitem__)
                if any((track, use.id) not in stored for use, _ in self._detectors)
            ]
            for start in range(0, len(left), _GROUP):
                context.raise_if_cancelled()
                context.progress(done, total, f"{item.exhibit}: tracks {start + 1} to {min(start + _GROUP, len(left))}")
                group = {track: numbers[track] for track in left[start : start + _GROUP]}
                self._group(context, item, rows, group, stored)

    def _group(
        self,
        context: JobContext,
        item: EvidenceItem,
        rows: Sequence[FrameRow],
        group: Mapping[TrackId, int],
        stored: frozenset[tuple[TrackId, str]],
    ) -> None:
        faces = usable_faces(rows)
        readings: list[TrackReading] = []
        wanted: dict[tuple[TrackId, str], Wanted] = {}
        for use, _ in self._detectors:
            for track in group:
                if (track, use.id) in stored:
                    continue
                usable = len(faces.get(track, ()))
                if usable < use.least:
                    readings.append(self._few(item, track, group[track], use, usable))
                else:
                    wanted[track, use.id] = Wanted(track, self._kind(use), use.sequence)
        cuts: dict[Wanted, TrackCrops] = {}
        fault = ""
        try:
            cuts = cut_again(self._store, item, rows, set(wanted.values()))
        except EvidenceError as error:
            fault = error.message
        for use, detector in self._detectors:
            for track, number in group.items():
                wish = wanted.get((track, use.id))
                if wish is None:
                    continue
                context.raise_if_cancelled()
                if fault:
                    readings.append(self._failed(item, track, number, use, (), fault))
                    continue
                readings.append(self._read(item, track, number, use, detector, cuts[wish]))
        self._store.readings.append(readings)
        self._hub.publish(ExaminationChanged(self._store.case.id, self._examination.id, item.id))

    def _read(
        self,
        item: EvidenceItem,
        track: TrackId,
        number: int,
        use: DetectorUse,
        detector: SequenceDetector,
        cut: TrackCrops,
    ) -> TrackReading:
        if len(cut.crops) < use.least:
            return self._few(item, track, number, use, len(cut.crops))
        try:
            people = self._gallery(item.id, track, use, detector)
            said = detector.read_track(cut.crops, TrackContext(cut.seconds, people))
        except (DetectorError, EvidenceError, InputError) as error:
            _log.warning("%s failed on track %d of %s: %s", use.id, number, item.exhibit, error.message)
            return self._failed(item, track, number, use, cut.ordinals, error.message)
        numbers = [said.value, *(n for m in said.measures for n in (m.value, m.low, m.high))]
        if not all(n is None or math.isfinite(n) for n in numbers):
            return self._failed(item, track, number, use, cut.ordinals, "the detector gave no finite number")
        return TrackReading(
            self._examination.id,
            item.id,
            track,
            number,
            use.id,
            ItemStatus.OK,
            cut.ordinals,
            said.value,
            said.measures,
            said.note,
        )

    def _gallery(
        self, evidence: EvidenceId, track: TrackId, use: DetectorUse, detector: SequenceDetector
    ) -> tuple[GalleryPerson, ...]:
        text = use.settings.get("gallery", "")
        if not text:
            return ()
        key = (use.id, evidence, track)
        if key not in self._galleries:
            self._galleries[key] = self._people.persons(text, evidence, track, detector.card.input)
        return self._galleries[key]

    def _kind(self, use: DetectorUse) -> CropKind:
        plan = self._examination.plan
        return (use.crop_size or plan.crop_size, use.crop_margin or plan.crop_margin)

    def _few(self, item: EvidenceItem, track: TrackId, number: int, use: DetectorUse, usable: int) -> TrackReading:
        detail = f"{usable} usable frames, {use.least} are needed"
        return self._without(
            item, track, number, use, (), ItemStatus.ABSTAINED, Abstention(AbstentionReason.TOO_FEW_FRAMES, detail)
        )

    def _failed(
        self, item: EvidenceItem, track: TrackId, number: int, use: DetectorUse, frames: tuple[int, ...], why: str
    ) -> TrackReading:
        return self._without(
            item, track, number, use, frames, ItemStatus.ERROR, Abstention(AbstentionReason.DETECTOR_FAILED, why)
        )

    def _without(
        self,
        item: EvidenceItem,
        track: TrackId,
        number: int,
        use: DetectorUse,
        frames: tuple[int, ...],
        status: ItemStatus,
        why: Abstention,
    ) -> TrackReading:
        return TrackReading(self._examination.id, item.id, track, number, use.id, status, frames, abstention=why)


def load_settings(use: DetectorUse) -> dict[str, str]:
    """The settings a detector is loaded with; the gallery is given to each reading and not to the network, and what
    was measured of it changes nothing in it."""
    return {name: value for name, value in use.settings.items() if name not in ("gallery", SETTING)}
