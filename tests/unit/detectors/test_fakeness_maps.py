"""A map lies on the frame exactly where its crop was cut from: turns, mirrors, scales, half pixels (U1)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workstation.detectors.maps import map_from_crop, map_on_frame
from workstation.domain.geometry import Affine, Point
from workstation.domain.results import FakenessMap

SIDE = 8
VALUES = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)


def test_a_shifted_map_is_copied_pixel_by_pixel() -> None:
    placed = map_on_frame(FakenessMap(VALUES, Affine(1, 0, -5, 0, 1, -3)), 20, 30)
    assert placed.shape == (20, 30)
    assert placed.dtype == np.float32
    assert np.array_equal(placed[3:11, 5:13], VALUES)
    outside = np.ones((20, 30), bool)
    outside[3:11, 5:13] = False
    assert np.isnan(placed[outside]).all()


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (Affine(-1, 0, SIDE - 1, 0, 1, 0), VALUES[:, ::-1]),
        (Affine(1, 0, 0, 0, -1, SIDE - 1), VALUES[::-1]),
        (Affine(0, 1, 0, -1, 0, SIDE - 1), np.rot90(VALUES, -1)),
        (Affine(0, -1, SIDE - 1, 1, 0, 0), np.rot90(VALUES, 1)),
        (Affine(-1, 0, SIDE - 1, 0, -1, SIDE - 1), VALUES[::-1, ::-1]),
        (Affine(0, 1, 0, 1, 0, 0), VALUES.T),
    ],
    ids=["mirrored", "upside down", "quarter turn", "quarter turn back", "half turn", "across"],
)
def test_turns_and_mirrors_are_exact(transform: Affine, expected: np.ndarray) -> None:
    placed = map_on_frame(FakenessMap(VALUES, transform), SIDE, SIDE)
    np.testing.assert_allclose(placed, expected, atol=1e-6)


def test_a_map_of_half_the_crop_covers_the_same_square() -> None:
    """Scaling moves pixel centres by half a pixel's difference; forgetting it draws every map half a pixel off."""
    coarse = np.array([[0, 1], [0, 1]], np.float32)
    placed = map_on_frame(FakenessMap(coarse, Affine(1, 0, 0, 0, 1, 0)), 4, 4, crop_size=4)
    np.testing.assert_allclose(placed, [[0, 0.25, 0.75, 1]] * 4, atol=1e-6)
    middle = map_from_crop(64, 256).apply(Point(127.5, 127.5))
    assert (middle.x, middle.y) == (31.5, 31.5)


def test_a_frame_shrunk_into_its_crop_gets_its_map_back_at_full_size() -> None:
    field = np.zeros((SIDE, SIDE), np.float32)
    field[2, 5] = 1
    frame = map_on_frame(FakenessMap(field, Affine(0.25, 0, -0.375, 0, 0.25, -0.375)), 32, 32)
    assert not np.isnan(frame).any()
    ys, xs = np.nonzero(frame > 0.5)
    assert (ys.mean(), xs.mean()) == (2 * 4 + 1.5, 5 * 4 + 1.5)


def test_a_crop_beside_the_frame_leaves_only_nan() -> None:
    placed = map_on_frame(FakenessMap(VALUES, Affine(1, 0, -100, 0, 1, -100)), 20, 30)
    assert np.isnan(placed).all()


@pytest.mark.parametrize(
    "values", [np.zeros((2, 3), np.float32), np.zeros(4, np.float32), np.zeros((0, 0), np.float32)]
)
def test_what_is_no_map_is_refused(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="fakeness map"):
        map_on_frame(FakenessMap(values, Affine(1, 0, 0, 0, 1, 0)), 4, 4)
    with pytest.raises(ValueError, match="frame"):
        map_on_frame(FakenessMap(VALUES, Affine(1, 0, 0, 0, 1, 0)), 0, 4)


@given(
    turn=st.floats(-math.pi, math.pi),
    scale=st.floats(0.1, 8),
    tx=st.floats(-40, 40),
    ty=st.floats(-40, 40),
    mirror=st.booleans(),
)
def test_any_placement_follows_the_map(turn: float, scale: float, tx: float, ty: float, mirror: bool) -> None:
    """A map that is a plane u / side has, at every frame pixel inside, the value of that pixel's own crop place."""
    c, s = scale * math.cos(turn), scale * math.sin(turn)
    transform = Affine(-c if mirror else c, -s, tx, -s if mirror else s, c, ty)
    plane = np.tile(np.arange(SIDE, dtype=np.float32) / SIDE, (SIDE, 1))
    placed = map_on_frame(FakenessMap(plane, transform), 24, 24)
    ys, xs = np.mgrid[:24, :24]
    u = transform.a * xs + transform.b * ys + transform.tx
    v = transform.c * xs + transform.d * ys + transform.ty
    edge = 1e-6 * (1 + scale)
    low, high = -0.5, SIDE - 0.5
    surely_in = (u > low + edge) & (u < high - edge) & (v > low + edge) & (v < high - edge)
    surely_out = (u < low - edge) | (u > high + edge) | (v < low - edge) | (v > high + edge)
    assert not np.isnan(placed[surely_in]).any()
    assert np.isnan(placed[surely_out]).all()
    expected = np.clip(u, 0, SIDE - 1) / SIDE
    # OpenCV places samples on a grid of 1/32 pixel.
    assert np.abs(placed[surely_in] - expected[surely_in]).max(initial=0) <= (1 / 32 + 1e-3) / SIDE
    inside = placed[~np.isnan(placed)]
    assert ((inside >= 0) & (inside <= 1)).all()
