"""From labelled items to a row for every one of them: scored, abstained with a reason, or an error. None is dropped.

Items are read one after the other and their faces scored in batches, so that memory holds one batch. Frames come from
whoever decodes them: this room does not.
"""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np

from workstation.domain.detectors import Detector, DetectorReading, Level, SequenceDetector, TrackContext
from workstation.domain.errors import DetectorError, InputError, LandmarksUnusable, WorkstationError
from workstation.domain.examinations import GateLimits
from workstation.domain.faces import FaceCrop
from workstation.domain.media import Frame, RgbArray
from workstation.domain.results import AbstentionReason
from workstation.domain.sampling import even_sample
from workstation.faces.alignment import align
from workstation.faces.finder import FaceFinder
from workstation.training import shortcuts
from workstation.training.kind_figures import compressed
from workstation.training.labelled import Item, LabelledSet, jpeg_table, recompressed
from workstation.training.localisation import Masked, against_mask, mask_of, organ_means
from workstation.training.measures import Values
from workstation.training.robustness import Condition, Recode, cut_again
from workstation.training.sighting import Sighting, find_all, found_again, sightings, why

OK, ABSTAINED, ERROR = "ok", "abstained", "error"
Reader = Callable[[Item, int], Iterable[Frame]]
"""Gives so many frames of an item, spread evenly over its length; raises WorkstationError when it cannot be read."""
_BATCH_FRAMES = 16
# Frames of an item in which its face is looked for again under every condition: enough to say whether it is lost.
_ASKED = 4
_Met = tuple[float, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a set is scored.

    Attributes:
        reencode: quality of the JPEG that every frame goes through first, so that the files' own compression does not
            tell the classes apart; None leaves frames as decoded.
        frames: frames of a video, spread evenly.
        gates: limits of the quality gates; None scores every face whose landmarks can be used.
        conditions: what robustness is measured under; empty for none.
        masks: where pixel masks are, by the path of their picture; None goes by the column ``mask``.
    """

    reencode: int | None = None
    frames: int = 32
    gates: GateLimits | None = field(default_factory=GateLimits)
    conditions: tuple[Condition, ...] = ()
    masks: Mapping[str, Path] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one detector said about one item.

    Attributes:
        score: raw, in the direction of its card; the mean over frames. None unless ``status`` is "ok".
        frame_scores: of each frame that was scored.
        shortcuts: by name (`workstation.training.shortcuts`), with "crop_bytes", what the crop takes as JPEG; means
            over frames.
        under: by condition, (raw score, shortcuts of the crop).
        masked: how the map agrees with the mask, where there are both.
        organs: (4,) means of the map around left eye, right eye, nose and mouth, or None.
        ungated: the score over every face that could be cut out, whatever the gates said; None where there is none.
    """

    status: str
    reason: str = ""
    detail: str = ""
    score: float | None = None
    frame_scores: tuple[float, ...] = ()
    shortcuts: Mapping[str, float] = field(default_factory=dict)
    under: Mapping[str, tuple[float, Mapping[str, float]]] = field(default_factory=dict)
    masked: Masked | None = None
    organs: Values | None = None
    ungated: float | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """One item with an outcome for each detector. ``face_height`` is the median height of the finder's box in pixels,
    None when no face was found; ``sha256`` is of the file, empty when it could not be read; ``lost`` is why an
    examination would abstain under a condition, by the condition's name, of what it would score as it is."""

    item: Item
    sha256: str
    face_height: float | None
    frames: int
    outcomes: tuple[Outcome, ...]
    lost: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Read:
    item: Item
    sha256: str
    table: float
    size: int
    frames: tuple[Frame, ...]
    error: str = ""


def score_set(
    labelled: LabelledSet,
    detectors: Sequence[Detector],
    finder: FaceFinder,
    read: Reader,
    settings: Settings,
    *,
    recode: Recode | None = None,
    tell: Callable[[int, int, str], None] = lambda _done, _total, _name: None,
) -> list[Scored]:
    """Score every item with every detector, in the order of the set.

    Args:
        tell: called with items done, items in all and a name; what it raises ends the scoring.
    """
    rows: list[Scored] = []
    total = len(labelled.items)
    for batch in _batches(_read(item, read, settings) for item in labelled.items):
        rows.extend(_score_batch(batch, detectors, finder, settings, recode))
        tell(len(rows), total, batch[-1].item.name)
    return rows


def _read(item: Item, read: Reader, settings: Settings) -> _Read:
    try:
        data = item.path.read_bytes() if not item.video else b""
        with item.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = item.path.stat().st_size
    except OSError as error:
        return _Read(item, "", 0.0, 0, (), f"the file cannot be read ({error.strerror or error})")
    table = jpeg_table(data) if data else 0.0
    try:
        frames = tuple(_prepared(frame, settings) for frame in read(item, settings.frames if item.video else 1))
    except WorkstationError as error:
        return _Read(item, digest, table, size, (), error.message)
    return _Read(item, digest, table, size, frames, "" if frames else "no frame could be decoded")


def _prepared(frame: Frame, settings: Settings) -> Frame:
    return frame if settings.reencode is None else Frame(frame.ref, recompressed(frame.rgb, settings.reencode))


def _batches(reads: Iterator[_Read]) -> Iterator[list[_Read]]:
    batch: list[_Read] = []
    for one in reads:
        batch.append(one)
        if sum(len(each.frames) for each in batch) >= _BATCH_FRAMES or len(batch) >= _BATCH_FRAMES:
            yield batch
            batch = []
    if batch:
        yield batch


def _score_batch(
    batch: Sequence[_Read],
    detectors: Sequence[Detector],
    finder: FaceFinder,
    settings: Settings,
    recode: Recode | None,
) -> list[Scored]:
    found = iter(find_all(finder, [frame for one in batch for frame in one.frames]))
    seen = [
        sightings(one.frames, [next(found) for _ in one.frames], video=one.item.video, gates=settings.gates)
        for one in batch
    ]
    reading = [_Detecting(detector, settings) for detector in detectors]
    lost = _under_conditions(reading, seen, finder, settings, recode)
    every = [one.outcomes(batch, seen) for one in reading]
    rows = []
    for place, (one, its) in enumerate(zip(batch, seen, strict=True)):
        usable = [sight for sight in its if sight.detection is not None and not sight.reason]
        tall = [s.detection.box.height for s in usable or its if s.detection is not None]
        height = statistics.median(tall) if tall else None
        outcomes = tuple(outcomes[place] for outcomes in every)
        rows.append(Scored(one.item, one.sha256, height, len(usable), outcomes, lost[place]))
    return rows


def _under_conditions(
    reading: Sequence[_Detecting],
    seen: Sequence[Sequence[Sighting]],
    finder: FaceFinder,
    settings: Settings,
    recode: Recode | None,
) -> list[dict[str, str]]:
    """Let every detector read the faces made worse; why an item would be lost, by condition, for each item.

    A picture made worse is made once and dropped again, whatever the number of detectors.
    """
    usable = [[sight for sight in its if not sight.reason] for its in seen]
    asked = [set(even_sample(len(its), _ASKED)) for its in usable]
    lost: list[dict[str, str]] = [{} for _ in seen]
    kinds = {one.kind for one in reading}
    for condition in settings.conditions:
        cut: dict[tuple[int, float], list[FaceCrop | None]] = {kind: [] for kind in kinds}
        for place, its in enumerate(usable):
            again: list[Sighting] = []
            for number, sight in enumerate(its):
                worse = _worse(sight, condition, recode)
                for kind, crops in cut.items():
                    crops.append(_cut_again(worse, sight, kind))
                if number in asked[place]:
                    again.append(found_again(worse, sight, finder, settings.gates))
            if again and all(sight.reason for sight in again):
                lost[place][condition.name] = why(again)[0]
        for one in reading:
            one.read_under(condition, cut[one.kind])
    return lost


def _worse(sight: Sighting, condition: Condition, recode: Recode | None) -> RgbArray | None:
    seed = int(sight.frame.ref.digest[:8] or "0", 16)
    try:
        return condition.apply(sight.frame.rgb, seed, recode)
    except WorkstationError:
        # One codec that refuses one picture costs the curve that point, whose count says so.
        return None


def _cut_again(worse: RgbArray | None, sight: Sighting, kind: tuple[int, float]) -> FaceCrop | None:
    assert sight.detection is not None
    try:
        was = sight.frame.rgb.shape[:2]
        return cut_again(worse, was, sight.detection.landmarks, *kind) if worse is not None else None
    except LandmarksUnusable:
        return None


class _Detecting:
    """One detector on one batch of items."""

    def __init__(self, detector: Detector, settings: Settings) -> None:
        self._detector, self._settings = detector, settings
        self.kind = (detector.card.input.crop_size, detector.card.input.crop_margin)
        self._under: dict[str, list[_Met | None]] = {}

    def read_under(self, condition: Condition, crops: Sequence[FaceCrop | None]) -> None:
        """Read the usable faces of the batch, in their order, as a condition left them; None is none."""
        if self._detector.card.output.level is Level.TRACK:
            return
        readings = iter(self._readings([crop for crop in crops if crop is not None]))
        values: list[_Met | None] = []
        for crop in crops:
            if crop is None:
                values.append(None)
                continue
            reading = next(readings)
            met = (reading.value, shortcuts.of_crop(crop.rgb)) if isinstance(reading, DetectorReading) else None
            values.append(met)
        self._under[condition.name] = values

    def outcomes(self, batch: Sequence[_Read], seen: Sequence[Sequence[Sighting]]) -> list[Outcome]:
        if self._detector.card.output.level is Level.TRACK:
            return [self._track(one, its) for one, its in zip(batch, seen, strict=True)]
        usable = [[sight for sight in its if not sight.reason] for its in seen]
        faces = [[sight for sight in its if _can_be_cut(sight)] for its in seen]
        crops = [self._cut(sight) for its in faces for sight in its]
        readings = iter(self._readings(crops))
        worse = {name: iter(scores) for name, scores in self._under.items()}
        left = iter(crops)
        found = []
        for one, its, its_faces, its_usable in zip(batch, seen, faces, usable, strict=True):
            every = [(sight, next(left), next(readings)) for sight in its_faces]
            mine = [(crop, reading) for sight, crop, reading in every if not sight.reason]
            under = {name: [next(scores) for _ in its_usable] for name, scores in worse.items()}
            values = [reading.value for _, _, reading in every if isinstance(reading, DetectorReading)]
            outcome = self._outcome(one, its, its_usable, mine, under)
            found.append(replace(outcome, ungated=statistics.fmean(values) if values else None))
        return found

    def _cut(self, sight: Sighting) -> FaceCrop:
        assert sight.detection is not None
        return align(sight.frame.rgb, sight.detection.landmarks, size=self.kind[0], margin=self.kind[1])

    def _readings(self, crops: Sequence[FaceCrop]) -> list[DetectorReading | str]:
        try:
            readings: list[DetectorReading] = self._detector.read(crops) if crops else []
        except (DetectorError, InputError) as error:
            return [error.message] * len(crops)
        return [one if np.isfinite(one.value) else "the detector gave no finite number" for one in readings]

    def _outcome(
        self,
        one: _Read,
        seen: Sequence[Sighting],
        usable: Sequence[Sighting],
        mine: Sequence[tuple[FaceCrop, DetectorReading | str]],
        under: Mapping[str, Sequence[_Met | None]],
    ) -> Outcome:
        if one.error:
            return Outcome(ERROR, AbstentionReason.FRAME_UNREADABLE.value, one.error)
        if not usable:
            return Outcome(ABSTAINED, *why(seen))
        good = [(crop, reading) for crop, reading in mine if isinstance(reading, DetectorReading)]
        if not good:
            first = next(reading for _, reading in mine if isinstance(reading, str))
            return Outcome(ERROR, AbstentionReason.DETECTOR_FAILED.value, first)
        scores = tuple(float(reading.value) for _, reading in good)
        crop, reading = good[0]
        frame = usable[0].frame.rgb
        masked = None
        if reading.map is not None and not one.item.video and one.item.manipulated:
            mask = mask_of(one.item, self._settings.masks)
            masked = against_mask(reading.map, crop, mask, frame.shape[:2]) if mask is not None else None
        maps = [organ_means(crop, reading.map) for crop, reading in good if reading.map is not None]
        return Outcome(
            OK,
            score=statistics.fmean(scores),
            frame_scores=scores,
            shortcuts=self._shortcuts(one, [crop for crop, _ in good], frame),
            under={name: met for name, values in under.items() if (met := _mean(values)) is not None},
            masked=masked,
            organs=np.mean(maps, axis=0) if maps else None,
        )

    def _track(self, one: _Read, seen: Sequence[Sighting]) -> Outcome:
        """A detector that reads tracks alone: the usable faces of the item's track, read together."""
        usable = [sight for sight in seen if not sight.reason]
        spec = self._detector.card.output
        if one.error:
            return Outcome(ERROR, AbstentionReason.FRAME_UNREADABLE.value, one.error)
        if not usable:
            return Outcome(ABSTAINED, *why(seen))
        if len(usable) < spec.least:
            few = f"{len(usable)} usable faces, {spec.least} needed"
            return Outcome(ABSTAINED, AbstentionReason.TOO_FEW_FRAMES.value, few)
        chosen = [usable[place] for place in even_sample(len(usable), spec.sequence)]
        crops = [self._cut(sight) for sight in chosen]
        context = TrackContext(tuple(sight.frame.ref.seconds for sight in chosen))
        try:
            reading = cast(SequenceDetector, self._detector).read_track(crops, context)
        except (DetectorError, InputError) as error:
            return Outcome(ERROR, AbstentionReason.DETECTOR_FAILED.value, error.message)
        if reading.value is None or not np.isfinite(reading.value):
            return Outcome(ABSTAINED, "no_score", reading.note or "the detector gave measures and no score")
        found = self._shortcuts(one, crops, chosen[0].frame.rgb)
        return Outcome(OK, score=float(reading.value), shortcuts=found)

    def _shortcuts(self, one: _Read, crops: Sequence[FaceCrop], frame: RgbArray) -> dict[str, float]:
        each = [shortcuts.of_crop(crop.rgb) for crop in crops]
        means = {name: statistics.fmean(values[name] for values in each) for name in each[0]}
        means["crop_bytes"] = statistics.fmean(compressed(crop.rgb) for crop in crops)
        return shortcuts.of_file(one.table, one.size, frame.shape[0], frame.shape[1]) | means


def _can_be_cut(sight: Sighting) -> bool:
    return sight.detection is not None and sight.reason != AbstentionReason.LANDMARKS_UNUSABLE.value


def _mean(values: Sequence[_Met | None]) -> _Met | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    names = known[0][1]
    return (
        statistics.fmean(score for score, _ in known),
        {name: statistics.fmean(table[name] for _, table in known) for name in names},
    )
