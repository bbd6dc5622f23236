"""Tracks: one to one, independent of order, lenient over long gaps, never joined when in doubt (P6, G4)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from workstation.domain.faces import FaceCrop, FaceDetection, FaceObservation, FaceQuality, FaceTrack
from workstation.domain.geometry import Affine, Box, Point
from workstation.domain.ids import TrackId
from workstation.domain.media import FrameRef, TimeBase
from workstation.faces.alignment import TEMPLATE
from workstation.faces.tracker import Tracker, likeness, look_of


def _face(x: float, y: float, side: float = 100) -> FaceDetection:
    a, b, c, d, e = (Point(x + side * (float(u) - 56) / 112, y + side * (float(v) - 72) / 112) for u, v in TEMPLATE)
    box = Box(x - side * 0.4, y - side * 0.5, x + side * 0.4, y + side * 0.5)
    return FaceDetection(box, (a, b, c, d, e), 0.99, "test")


def _at(seconds: float) -> FrameRef:
    return FrameRef(0, round(seconds * 1000), TimeBase(1, 1000), "", round(seconds * 25))


def _numbers(tracker: Tracker, seconds: float, faces: Sequence[FaceDetection]) -> list[int]:
    return [number for _, number in tracker.update(_at(seconds), faces)]


def _crop(rgb: np.ndarray) -> FaceCrop:
    marks = tuple(Point(0, 0) for _ in range(5))
    return FaceCrop(np.ascontiguousarray(rgb), Affine(1, 0, 0, 0, 1, 0), marks)  # type: ignore[arg-type]


def test_two_faces_keep_their_tracks_through_small_movements():
    tracker = Tracker()
    ids = set()
    for i in range(50):
        pairs = tracker.update(_at(i / 25), [_face(200 + 3 * i, 200), _face(700 - 2 * i, 220 + i, 140)])
        assert [number for _, number in pairs] == [2, 1]
        ids |= set(pairs)
    assert len(ids) == 2


@given(st.permutations(range(4)), st.permutations(range(4)))
@settings(max_examples=40, deadline=None)
def test_order_of_detections_changes_nothing(first: list[int], second: list[int]):
    before = [_face(150 + 260 * i, 300, 90 + 10 * i) for i in range(4)]
    after = [_face(165 + 260 * i, 310, 92 + 10 * i) for i in range(4)]
    tracker = Tracker(iter("abcd").__next__)
    start = tracker.update(_at(0), [before[i] for i in first])
    then = tracker.update(_at(0.1), [after[i] for i in second])
    by_face = dict(zip(first, start, strict=True))
    assert dict(zip(second, then, strict=True)) == by_face
    assert [by_face[i][1] for i in range(4)] == [4, 3, 2, 1]


def test_frames_far_apart_match_by_place_and_size():
    tracker = Tracker()
    assert _numbers(tracker, 0, [_face(400, 300), _face(1100, 320, 120)]) == [2, 1]
    assert _numbers(tracker, 12, [_face(540, 350, 130), _face(1000, 300, 110)]) == [2, 1]


def test_the_same_jump_between_neighbouring_frames_starts_a_new_track():
    tracker = Tracker()
    assert _numbers(tracker, 0, [_face(400, 300)]) == [1]
    assert _numbers(tracker, 0.04, [_face(540, 350, 130)]) == [2]


def test_another_size_or_place_is_another_track():
    tracker = Tracker()
    assert _numbers(tracker, 0, [_face(400, 300, 100)]) == [1]
    assert _numbers(tracker, 5, [_face(400, 300, 300)]) == [2]
    assert _numbers(tracker, 10, [_face(1500, 300, 300)]) == [3]


def test_a_face_that_is_missed_comes_back_but_not_for_ever():
    tracker = Tracker()
    assert _numbers(tracker, 0, [_face(400, 300)]) == [1]
    for second in (5, 10):
        assert _numbers(tracker, second, []) == []
    assert _numbers(tracker, 15, [_face(410, 300)]) == [1]
    for second in (20, 25, 30):
        _numbers(tracker, second, [])
    assert _numbers(tracker, 35, [_face(410, 300)]) == [2]


def test_people_who_cross_are_never_exchanged_silently():
    """Either a face keeps its own track, or a new one starts; no track ever holds both people."""
    tracker = Tracker()
    owner: dict[int, str] = {}
    for i in range(41):
        left, right = _face(300 + 10 * i, 300), _face(700 - 10 * i, 305)
        numbers = _numbers(tracker, i * 0.4, [left, right])
        for number, person in zip(numbers, "ab", strict=True):
            assert owner.setdefault(number, person) == person, f"track {number} at step {i}"
    assert len(owner) <= 8


def test_a_doubt_is_met_once():
    tracker = Tracker()
    _numbers(tracker, 0, [_face(400, 300), _face(440, 300)])
    assert _numbers(tracker, 0.5, [_face(420, 300)]) == [3]
    assert _numbers(tracker, 1.0, [_face(420, 300)]) == [3]


def test_a_cut_to_another_face_is_told_by_the_look():
    portrait = _crop(skimage.data.astronaut()[20:276, 100:356])
    other = _crop(skimage.data.chelsea()[20:276, 80:336])
    looks = [look_of(portrait), look_of(_crop(portrait.rgb[:, ::-1])), look_of(other)]
    assert likeness(looks[0], looks[1]) == pytest.approx(1, abs=1e-5)
    assert likeness(looks[0], looks[2]) < 0.7
    dimmer = look_of(_crop((portrait.rgb * 0.8).astype(np.uint8)))
    assert likeness(looks[0], dimmer) > 0.9
    tracker = Tracker()
    numbers = [tracker.update(_at(i), [_face(400, 300)], [look])[0][1] for i, look in enumerate(looks)]
    assert numbers == [1, 1, 2]
    with pytest.raises(ValueError, match="looks"):
        tracker.update(_at(9), [_face(400, 300)], [])


def test_resumed_tracks_go_on():
    def observation(seconds: float, face: FaceDetection) -> FaceObservation:
        return FaceObservation(_at(seconds), face, FaceQuality(()))

    kept = FaceTrack(TrackId("kept"), 3, (observation(0, _face(300, 300)), observation(1, _face(310, 300))))
    gone = FaceTrack(TrackId("gone"), 1, (observation(0, _face(900, 300)),))
    later = FaceTrack(TrackId("later"), 2, tuple(observation(s, _face(1500, 300)) for s in (1, 2, 3, 4)))
    tracker = Tracker(iter("xyz").__next__)
    tracker.restore([kept, later, gone])
    answer = tracker.update(_at(5), [_face(1500, 310), _face(905, 300), _face(600, 900, 60)])
    assert answer == [(TrackId("later"), 2), (TrackId("x"), 4), (TrackId("y"), 5)]


def test_every_track_holds_at_most_one_face_of_a_frame():
    tracker = Tracker()
    crowd = [_face(200 + 60 * i, 300 + 55 * j, 50) for i, j in itertools.product(range(4), range(3))]
    for i in range(5):
        pairs = tracker.update(_at(i / 25), crowd)
        assert len({track for track, _ in pairs}) == len(crowd)
