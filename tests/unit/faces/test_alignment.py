"""Alignment: exact similarity, exact transform, exact pixels (methods.md 1.2, G4)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workstation.domain.errors import LandmarksUnusable
from workstation.domain.geometry import Affine, Point
from workstation.faces.alignment import TEMPLATE, align, similarity, target_points, warp

similarities = st.builds(
    lambda turn, scale, x, y: Affine(
        scale * math.cos(turn), -scale * math.sin(turn), x, scale * math.sin(turn), scale * math.cos(turn), y
    ),
    st.floats(-math.pi, math.pi),
    st.floats(0.05, 20),
    st.floats(-2000, 2000),
    st.floats(-2000, 2000),
)


def _placed(frame_from_target: Affine, size: int = 256, margin: float = 1.3) -> list[Point]:
    return [frame_from_target.apply(Point(float(x), float(y))) for x, y in target_points(size, margin)]


def test_target_is_the_template_shrunk_about_the_centre_by_the_margin():
    plain, wide = target_points(256, 1.0), target_points(256, 1.3)
    np.testing.assert_allclose(plain, TEMPLATE * 256 / 112)
    np.testing.assert_allclose((plain - 128) / (wide - 128), 1.3)
    # The left eye of the published preprocessing: ((30.2946 + 8) / 112 * 256 + 0.15 * 256) / 1.3.
    assert wide[0, 0] == pytest.approx((38.2946 / 112 * 256 + 0.15 * 256) / 1.3)


@given(similarities, st.sampled_from([64, 112, 256]), st.floats(1.0, 2.0))
@settings(max_examples=60, deadline=None)
def test_round_trip_crop_maps_template_points_back(frame_from_target: Affine, size: int, margin: float):
    points = _placed(frame_from_target, size, margin)
    crop = align(np.zeros((40, 60, 3), np.uint8), points, size=size, margin=margin)
    back = crop.crop_from_frame.inverse()
    for point, (x, y), mark in zip(points, target_points(size, margin), crop.landmarks, strict=True):
        found = back.apply(Point(float(x), float(y)))
        assert math.hypot(found.x - point.x, found.y - point.y) < 1e-6 * (1 + abs(point.x) + abs(point.y))
        assert math.hypot(mark.x - x, mark.y - y) < 1e-6 * size


@given(st.lists(st.floats(-3, 3), min_size=10, max_size=10))
@settings(max_examples=40, deadline=None)
def test_similarity_is_the_least_squares_one(noise: list[float]):
    source = TEMPLATE * 2 + np.array(noise).reshape(5, 2) + 30
    found = similarity(source, TEMPLATE)

    def error(a: float, b: float, tx: float, ty: float) -> float:
        x = a * source[:, 0] - b * source[:, 1] + tx - TEMPLATE[:, 0]
        y = b * source[:, 0] + a * source[:, 1] + ty - TEMPLATE[:, 1]
        return float(np.sum(x * x + y * y))

    best = (found.a, found.c, found.tx, found.ty)
    assert found.a == found.d
    assert found.b == -found.c
    for i in range(4):
        for step in (-1e-3, 1e-3):
            other = list(best)
            other[i] += step
            assert error(*other) >= error(*best) - 1e-9


@pytest.mark.parametrize("scale", [0.13, 0.24, 0.4, 0.7, 1.0, 1.6, 4.0])
def test_a_dot_lands_where_the_transform_says(scale: float):
    """The transform is exact in OpenCV's pixel-centre convention at every kind of resampling."""
    back = Affine(1 / scale, 0.0, 37.3, 0.0, 1 / scale, 21.8)
    yy, xx = np.mgrid[0:1500, 0:1500].astype(np.float64)
    x, y = (37.3 + 60 / scale), (21.8 + 70 / scale)
    spread = max(2.0, 2.0 / scale)
    dot = 250 * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * spread**2))
    frame = np.repeat(dot.round().astype(np.uint8)[..., None], 3, axis=2)
    crop = warp(frame, back.inverse(), 128)[..., 0].astype(np.float64)
    gy, gx = np.mgrid[0:128, 0:128]
    assert (crop * gx).sum() / crop.sum() == pytest.approx(60, abs=0.06)
    assert (crop * gy).sum() / crop.sum() == pytest.approx(70, abs=0.06)


def test_strong_shrinking_does_not_alias():
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = warp(stripes, Affine(0.2, 0, 0, 0, 0.2, 0), 150)
    assert np.abs(crop[4:-4, 4:-4].astype(int) - 128).max() <= 26


def test_outside_of_the_frame_is_black():
    white = np.full((50, 50, 3), 255, np.uint8)
    for scale in (0.3, 1.0, 3.0):
        crop = warp(white, Affine(scale, 0, 60, 0, scale, 60), 256)
        assert crop[:50].max() == 0
        assert crop[60 + int(20 * scale), 60 + int(20 * scale)].min() == 255


@pytest.mark.parametrize(
    "points",
    [
        [Point(5, 5)] * 5,
        [Point(float("nan"), 0), Point(1, 0), Point(2, 3), Point(1, 4), Point(2, 4)],
        [Point(float("inf"), 0), Point(1, 0), Point(2, 3), Point(1, 4), Point(2, 4)],
        [Point(-float(x), float(y)) for x, y in TEMPLATE],
        [Point(1e9, 0), Point(1e9 + 9, 0), Point(1e9, 3), Point(1e9, 4), Point(2, 4)],
    ],
    ids=["one place", "nan", "inf", "mirrored", "far away"],
)
def test_degenerate_landmarks_give_a_typed_error(points: list[Point]):
    with pytest.raises(LandmarksUnusable) as caught:
        align(np.zeros((10, 10, 3), np.uint8), points)
    assert "\n" not in caught.value.line()


def test_wrong_kinds_of_input_are_refused():
    points = [Point(float(x), float(y)) for x, y in TEMPLATE]
    with pytest.raises(ValueError, match="five landmarks"):
        align(np.zeros((10, 10, 3), np.uint8), points[:4])
    with pytest.raises(ValueError, match="uint8"):
        align(np.zeros((10, 10), np.uint8), points)
    with pytest.raises(ValueError, match="margin"):
        align(np.zeros((10, 10, 3), np.uint8), points, margin=0)
