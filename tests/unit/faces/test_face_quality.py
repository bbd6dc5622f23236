"""The four gates: a portrait passes, a 20 px, blurred, turned or cut face abstains with its reason (G4)."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import skimage.data

from workstation.domain.examinations import GateLimits
from workstation.domain.faces import FaceDetection, FaceQuality, Gate
from workstation.domain.geometry import Box, Point
from workstation.domain.media import RgbArray
from workstation.domain.results import AbstentionReason
from workstation.faces.alignment import align
from workstation.faces.finder import FaceFinder, load_finder
from workstation.faces.quality import assess, gate_reason, inside, sharpness, yaw


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return load_finder("mtcnn")


def _quality(frame: RgbArray, face: FaceDetection) -> FaceQuality:
    return assess(frame, face, align(frame, face.landmarks), GateLimits())


def _head(turn: float, roll: float = 0.0, size: float = 100.0) -> tuple[Point, Point, Point, Point, Point]:
    """Five points of a plain 3-D head (eyes, nose tip, mouth; unit: eye distance) turned by ``turn`` degrees."""
    solid = [(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.6, 0.47), (-0.4, 1.1, 0.02), (0.4, 1.1, 0.02)]
    t, r = math.radians(turn), math.radians(roll)
    points = []
    for x, y, z in solid:
        u, v = x * math.cos(t) + z * math.sin(t), y
        points.append(
            Point(300 + size * (u * math.cos(r) - v * math.sin(r)), 300 + size * (u * math.sin(r) + v * math.cos(r)))
        )
    a, b, c, d, e = points
    return a, b, c, d, e


def test_a_portrait_passes_every_gate(finder: FaceFinder):
    frame = skimage.data.astronaut()
    quality = _quality(frame, finder.find([frame])[0][0])
    assert [reading.gate for reading in quality.readings] == [Gate.HEIGHT, Gate.BLUR, Gate.POSE, Gate.EDGE]
    assert quality.passed, quality.failed


def test_a_face_of_20_px_abstains_because_it_is_small(finder: FaceFinder):
    frame = np.full((360, 640, 3), 90, np.uint8)
    small = cv2.resize(skimage.data.astronaut(), None, fx=0.19, fy=0.19, interpolation=cv2.INTER_AREA)
    frame[100 : 100 + small.shape[0], 200 : 200 + small.shape[1]] = small
    faces = finder.find([frame])[0]
    assert len(faces) == 1
    failed = _quality(frame, faces[0]).failed
    assert [gate_reason(reading.gate) for reading in failed] == [AbstentionReason.FACE_TOO_SMALL]
    assert failed[0].value == pytest.approx(20, abs=4)
    assert failed[0].limit == GateLimits().min_height


def test_a_blurred_face_abstains(finder: FaceFinder):
    frame = skimage.data.astronaut()
    face = finder.find([frame])[0][0]
    values = []
    for sigma in (0.0, 1.0, 2.0, 4.0):
        blurred = frame if sigma == 0 else np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma))
        values.append(sharpness(align(blurred, face.landmarks)))
    assert values == sorted(values, reverse=True)
    soft = np.asarray(cv2.GaussianBlur(frame, (0, 0), 4))
    assert [gate_reason(r.gate) for r in _quality(soft, face).failed] == [AbstentionReason.FACE_BLURRED]


def test_enlarging_a_crop_is_not_taken_for_blur(finder: FaceFinder):
    """A sharp face of 55 px is enlarged more than threefold for its crop; without correction it would look blurred."""
    half = np.asarray(cv2.resize(skimage.data.astronaut(), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    face = finder.find([half])[0][0]
    crop = align(half, face.landmarks)
    assert crop.crop_from_frame.scale > 2.5
    grey = cv2.cvtColor(crop.rgb, cv2.COLOR_RGB2GRAY)
    naive = float(cv2.Laplacian(grey, cv2.CV_32F)[84:215, 69:187].var())
    assert sharpness(crop) > 3 * naive
    assert sharpness(crop) == pytest.approx(sharpness(align(half, face.landmarks, size=128)), rel=0.6)


@pytest.mark.parametrize("turn", [-60, -40, -20, 0, 15, 35, 55, 70])
@pytest.mark.parametrize("roll", [0, 25])
def test_yaw_is_measured_with_its_sign_whatever_the_tilt(turn: float, roll: float):
    assert yaw(_head(turn, roll)) == pytest.approx(turn, abs=4)


def test_a_turned_face_abstains():
    frame = np.random.default_rng(1).integers(0, 255, (700, 700, 3), dtype=np.uint8)
    for turn, passes in ((50, True), (-50, True), (65, False), (-65, False)):
        face = FaceDetection(Box(200, 200, 400, 450), _head(turn), 0.99, "test")
        failed = _quality(frame, face).failed
        assert [gate_reason(r.gate) for r in failed] == ([] if passes else [AbstentionReason.FACE_TURNED])


def test_the_share_inside_the_frame():
    face = FaceDetection(Box(200, 230, 400, 480), _head(0), 0.99, "test")
    assert inside(700, 700, face) == 1.0
    assert inside(300, 700, face) == pytest.approx(0.5, abs=0.03)
    clipped = FaceDetection(Box(200, 230, 299, 480), face.landmarks, 0.99, "test")
    assert inside(300, 700, clipped) == pytest.approx(0.5, abs=0.05), "a clipped box does not hide a cut face"


def test_a_face_at_the_edge_abstains(finder: FaceFinder):
    frame = skimage.data.astronaut()
    face = finder.find([frame])[0][0]
    cut = int(face.landmarks[2].x)
    moved = FaceDetection(
        Box(face.box.x0 - cut, face.box.y0, face.box.x1 - cut, face.box.y1),
        tuple(Point(p.x - cut, p.y) for p in face.landmarks),  # type: ignore[arg-type]
        0.99,
        "test",
    )
    failed = _quality(np.ascontiguousarray(frame[:, cut:]), moved).failed
    assert AbstentionReason.FACE_AT_EDGE in [gate_reason(r.gate) for r in failed]


def test_every_gate_has_a_reason():
    assert len({gate_reason(gate) for gate in Gate}) == len(Gate)
