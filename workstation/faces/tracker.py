"""Which faces of one exhibit are the same face through time.

Faces of a frame are matched one to one to the tracks seen so far (Hungarian assignment, Kuhn 1955) by where the five
points lie, how large the face is and how much the boxes overlap, and, when the caller gives it, by what the crop looks
like. How far a face may have moved grows with the time since it was last seen, because examined frames may be seconds
apart.

A track is a claim that position, size and look are continuous; it is not a claim of identity. Limits:

* When two pairings are nearly as good as each other (people crossing, one face hiding another) the tracker ends both
  tracks and starts new ones rather than guess. So a person may have several tracks.
* A cut to another face at the same place and size can be told only by the look (`look_of`). Without looks, or right
  after a resume, such a cut is joined into one track.
* With looks, a sharp change of light or of what is behind the head can split the track of one person, and a cut
  between people who look alike (about 1 pair in 10 of random portraits) is still joined.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.faces import FaceCrop, FaceDetection, FaceTrack
from workstation.domain.ids import TrackId, new_id
from workstation.domain.media import FrameRef

Look = npt.NDArray[np.float32]

_NEVER = 1e6
# Mean landmark movement allowed, in face sizes: at once, and after a second or more.
_REACH_NEAR, _REACH_FAR, _FAR_SECONDS = 0.6, 2.0, 1.0
# Allowed change of size as a factor: at once, and after a second or more.
_GROWTH_NEAR, _GROWTH_FAR = 1.5, 2.2
# A track is kept while it missed at most this many examined frames, or for this many seconds.
_KEEP_FRAMES, _KEEP_SECONDS = 2, 2.0
# Two pairings closer than this in cost are not told apart.
_DOUBT = 0.12
# One person within a shot stays above 0.78, head turned from side to side included; of pairs of different people in
# portraits, 97 in 100 stay below that.
_LEAST_LOOK = 0.7
_LOOK_SIDE = 8


@dataclass(slots=True)
class _Live:
    id: TrackId
    number: int
    seconds: float
    detection: FaceDetection
    look: Look | None = None
    missed: int = 0


def look_of(crop: FaceCrop) -> Look:
    """A small picture of the middle of the crop as a unit vector (192 numbers), for telling a cut from a movement.

    8 x 8 pixels of L*a*b*; the mean of L is removed, so that exposure matters little and skin, hair and background do.
    """
    side = crop.size
    edge = side // 8
    inner = np.ascontiguousarray(crop.rgb[edge : side - edge, edge : side - edge])
    small = cv2.resize(inner, (_LOOK_SIDE, _LOOK_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), dtype=np.float32)
    lab[..., 0] -= lab[..., 0].mean()
    vector = lab.reshape(-1)
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), dtype=np.float32)


def likeness(one: Look, other: Look) -> float:
    """How alike two looks are, -1..1 and 1 for equal ones; a mirrored look counts too, because heads turn."""
    turned = other.reshape(_LOOK_SIDE, _LOOK_SIDE, 3)[:, ::-1].reshape(-1)
    return max(float(np.dot(one, other)), float(np.dot(one, turned)))


class Tracker:
    """Follows the faces of one exhibit. The same frames in the same order always give the same numbers.

    Args:
        make_id: gives the id of each new track.
    """

    def __init__(self, make_id: Callable[[], str] = new_id) -> None:
        self._make_id = make_id
        self._live: list[_Live] = []
        self._count = 0

    def restore(self, tracks: Sequence[FaceTrack]) -> None:
        """Continue from tracks of an earlier run: numbers go on, and each may be continued from its last observation.

        Looks are not stored, so the first match after a resume goes by geometry alone.
        """
        self._count = max([self._count, *(track.number for track in tracks)])
        times = sorted({o.frame.seconds for track in tracks for o in track.observations})
        self._live = []
        for track in sorted(tracks, key=lambda t: t.number):
            if track.observations:
                last = max(track.observations, key=lambda o: o.frame.seconds)
                missed = sum(1 for t in times if t > last.frame.seconds)
                self._live.append(_Live(track.id, track.number, last.frame.seconds, last.detection, None, missed))

    def update(
        self, ref: FrameRef, detections: Sequence[FaceDetection], looks: Sequence[Look] | None = None
    ) -> list[tuple[TrackId, int]]:
        """Take in the faces of the next examined frame.

        Args:
            ref: the frame; frames come in rising time, but a gap of any length is allowed.
            detections: the frame's faces; an empty list counts as a frame in which every track was missed.
            looks: `look_of` for each detection, or None to go by geometry alone.

        Returns:
            For each detection, in order, the id and the number of its track.

        Raises:
            ValueError: when there are not as many looks as detections.
        """
        if looks is not None and len(looks) != len(detections):
            raise ValueError(f"{len(looks)} looks for {len(detections)} detections")
        now = ref.seconds
        self._live = [t for t in self._live if t.missed <= _KEEP_FRAMES or abs(now - t.seconds) <= _KEEP_SECONDS]
        own: list[Look | None] = list(looks) if looks is not None else [None] * len(detections)
        matched = self._match(now, detections, own)
        for track in self._live:
            track.missed += 1
        answer: list[tuple[TrackId, int] | None] = [None] * len(detections)
        fresh = sorted((i for i in range(len(detections)) if i not in matched), key=lambda i: _order(detections[i]))
        for i in fresh:
            self._count += 1
            track = _Live(TrackId(self._make_id()), self._count, now, detections[i], own[i])
            self._live.append(track)
            answer[i] = (track.id, track.number)
        for i, track in matched.items():
            track.seconds, track.detection, track.missed = now, detections[i], 0
            track.look = own[i] if own[i] is not None else track.look
            answer[i] = (track.id, track.number)
        return [pair for pair in answer if pair is not None]

    def _match(self, now: float, detections: Sequence[FaceDetection], looks: Sequence[Look | None]) -> dict[int, _Live]:
        from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

        if not self._live or not detections:
            return {}
        cost = np.array(
            [[_cost(t, d, look, now) for d, look in zip(detections, looks, strict=True)] for t in self._live]
        )
        rows, columns = linear_sum_assignment(cost)
        pairs = [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if cost[r, c] < _NEVER]
        unsure, ended = _doubtful(cost, pairs)
        matched = {c: self._live[r] for r, c in pairs if c not in unsure}
        self._live = [t for r, t in enumerate(self._live) if r not in ended]
        return matched


def _order(detection: FaceDetection) -> tuple[float, float, float]:
    return (-detection.box.area, detection.box.x0, detection.box.y0)


def _cost(track: _Live, detection: FaceDetection, look: Look | None, now: float) -> float:
    """Cost of continuing ``track`` with ``detection``; _NEVER when it is out of reach."""
    before, after = track.detection, detection
    size = math.sqrt(max(math.sqrt(before.box.area * after.box.area), 1e-9))
    moved = sum(math.hypot(p.x - q.x, p.y - q.y) for p, q in zip(before.landmarks, after.landmarks, strict=True))
    distance = moved / 5 / size
    growth = abs(math.log(max(after.box.area, 1e-9) / max(before.box.area, 1e-9))) / 2
    far = min(abs(now - track.seconds) / _FAR_SECONDS, 1.0)
    if distance > _REACH_NEAR + far * (_REACH_FAR - _REACH_NEAR):
        return _NEVER
    if growth > math.log(_GROWTH_NEAR + far * (_GROWTH_FAR - _GROWTH_NEAR)):
        return _NEVER
    alike = 1.0
    if look is not None and track.look is not None:
        alike = likeness(look, track.look)
        if alike < _LEAST_LOOK:
            return _NEVER
    return distance + growth + 0.5 * (1 - before.box.iou(after.box)) + (1 - alike)


def _doubtful(cost: npt.NDArray[np.float64], pairs: Sequence[tuple[int, int]]) -> tuple[set[int], set[int]]:
    """Find pairs that could as well be exchanged with another pair, or given to a track that went without.

    Returns:
        The detections that stay unmatched, and the tracks that end (all with a claim, so that a doubt is met once).
    """
    unsure: set[int] = set()
    ended: set[int] = set()
    used = {r for r, _ in pairs}
    for k, (r, c) in enumerate(pairs):
        for other, column in pairs[k + 1 :]:
            if cost[r, column] + cost[other, c] - cost[r, c] - cost[other, column] < _DOUBT:
                unsure |= {c, column}
                ended |= {r, other}
        rivals = {i for i in range(cost.shape[0]) if i not in used and cost[i, c] - cost[r, c] < _DOUBT}
        if rivals:
            unsure.add(c)
            ended |= rivals | {r}
    return unsure, ended
