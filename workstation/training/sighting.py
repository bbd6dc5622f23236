"""The face of a labelled item: in every frame that was handed in, the face that counts, or why none does.

Of a picture that is the largest face; of a video the face of the track that was seen best (most usable faces, then the
first), so that a person in the background does not enter the mean. Gates are those of an examination.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from workstation.domain.errors import LandmarksUnusable
from workstation.domain.examinations import GateLimits
from workstation.domain.faces import FaceCrop, FaceDetection
from workstation.domain.geometry import Box
from workstation.domain.media import Frame, RgbArray
from workstation.domain.results import AbstentionReason
from workstation.faces.alignment import align
from workstation.faces.finder import FaceFinder
from workstation.faces.quality import assess, gate_reason
from workstation.faces.tracker import Tracker, look_of

# Boxes of one face in a picture and in the same picture made worse share at least this much of both together.
_SAME_FACE = 0.3


@dataclass(frozen=True, slots=True)
class Sighting:
    """One frame of an item with the face that counts. ``reason`` is empty when the face can be used."""

    frame: Frame
    detection: FaceDetection | None
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    detection: FaceDetection
    crop: FaceCrop | None
    reason: str
    detail: str


def sightings(
    frames: Sequence[Frame], found: Sequence[Sequence[FaceDetection]], *, video: bool, gates: GateLimits | None
) -> list[Sighting]:
    """The face that counts in each frame.

    Args:
        frames: of one item, in order of time.
        found: faces of each frame, the largest first.
        gates: limits of the quality gates; None takes every face whose landmarks can be used.
    """
    faces = [[_assessed(frame, face, gates) for face in every] for frame, every in zip(frames, found, strict=True)]
    chosen = _main_track(frames, faces) if video else [every[0] if every else None for every in faces]
    none = AbstentionReason.NO_FACE.value
    return [
        Sighting(frame, face.detection, face.reason, face.detail) if face else Sighting(frame, None, none)
        for frame, face in zip(frames, chosen, strict=True)
    ]


def why(seen: Sequence[Sighting]) -> tuple[str, str]:
    """The most frequent reason for which nothing of an item can be used, with a detail of it."""
    if not seen:
        return AbstentionReason.FRAME_UNREADABLE.value, "no frame was read"
    reason, _ = Counter(one.reason for one in seen).most_common(1)[0]
    return reason, next(one.detail for one in seen if one.reason == reason)


def found_again(worse: RgbArray | None, sight: Sighting, finder: FaceFinder, gates: GateLimits | None) -> Sighting:
    """The face of a sighting, looked for in its picture made worse, which may be smaller.

    Returns:
        A sighting in the worse picture: of the face whose box covers most of the place where it was (at least
        `_SAME_FACE` of both together); ``reason`` says why an examination would abstain, empty when it would not.
    """
    if worse is None:
        return Sighting(sight.frame, None, AbstentionReason.FRAME_UNREADABLE.value, "the condition gave no picture")
    frame = Frame(sight.frame.ref, worse)
    assert sight.detection is not None
    y, x = worse.shape[0] / sight.frame.rgb.shape[0], worse.shape[1] / sight.frame.rgb.shape[1]
    box = sight.detection.box
    place = Box((box.x0 + 0.5) * x - 0.5, (box.y0 + 0.5) * y - 0.5, (box.x1 + 0.5) * x - 0.5, (box.y1 + 0.5) * y - 0.5)
    faces = finder.find([worse])[0]
    nearest = max(faces, key=lambda face: face.box.iou(place), default=None)
    if nearest is None or nearest.box.iou(place) < _SAME_FACE:
        return Sighting(frame, None, AbstentionReason.NO_FACE.value)
    face = _assessed(frame, nearest, gates)
    return Sighting(frame, nearest, face.reason, face.detail)


def find_all(finder: FaceFinder, frames: Sequence[Frame], batch: int = 8) -> list[list[FaceDetection]]:
    """Faces of every frame, searched a few at a time."""
    found: list[list[FaceDetection]] = []
    for start in range(0, len(frames), batch):
        found.extend(finder.find([frame.rgb for frame in frames[start : start + batch]]))
    return found


def _assessed(frame: Frame, face: FaceDetection, gates: GateLimits | None) -> _Found:
    try:
        crop = align(frame.rgb, face.landmarks)
        quality = assess(frame.rgb, face, crop, gates) if gates is not None else None
    except LandmarksUnusable:
        return _Found(face, None, AbstentionReason.LANDMARKS_UNUSABLE.value, "the five landmarks fit no face")
    if quality is None or quality.passed:
        return _Found(face, crop, "", "")
    first = quality.failed[0]
    return _Found(face, crop, gate_reason(first.gate).value, f"{first.gate} {first.value:.3g}, limit {first.limit:.3g}")


def _main_track(frames: Sequence[Frame], faces: Sequence[Sequence[_Found]]) -> list[_Found | None]:
    tracker = Tracker()
    tracks: dict[int, dict[int, _Found]] = {}
    for place, (frame, every) in enumerate(zip(frames, faces, strict=True)):
        looks = [look_of(face.crop) for face in every if face.crop is not None]
        known = looks if len(looks) == len(every) else None
        numbers = tracker.update(frame.ref, [face.detection for face in every], known)
        for face, (_, number) in zip(every, numbers, strict=True):
            tracks.setdefault(number, {})[place] = face
    if not tracks:
        return [None] * len(frames)
    usable = {number: sum(not face.reason for face in seen.values()) for number, seen in tracks.items()}
    main = min(tracks, key=lambda number: (-usable[number], -len(tracks[number]), number))
    return [tracks[main].get(place) for place in range(len(frames))]
