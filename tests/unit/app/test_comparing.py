"""The difference of two frames is a number for each pixel, on fixed ranges."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from workstation.app.comparing import RANGES, difference, in_range
from workstation.domain.errors import InputError


def test_the_largest_of_three_channels_counts_and_the_order_does_not() -> None:
    one = np.array([[[10, 200, 30], [0, 0, 0]]], np.uint8)
    other = np.array([[[14, 180, 31], [255, 1, 2]]], np.uint8)
    assert difference(one, other).tolist() == [[20, 255]]
    assert difference(other, one).tolist() == [[20, 255]]


def test_equal_frames_have_no_difference_and_one_changed_pixel_is_found() -> None:
    frame = skimage.data.astronaut()
    changed = frame.copy()
    changed[100, 200, 1] ^= 3
    found = difference(frame, changed)
    assert not difference(frame, frame).any()
    assert found.max() <= 3
    assert np.argwhere(found).tolist() == [[100, 200]]


def test_another_size_of_one_shape_is_brought_to_the_first() -> None:
    frame = skimage.data.astronaut()
    half = frame.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
    found = difference(half, frame)
    assert found.shape == (256, 256)
    assert found.mean() < 1.0, "area averages give back what was averaged"
    assert difference(frame, half).shape == (512, 512)


def test_frames_of_different_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="512 × 512 and B 512 × 300"):
        difference(np.zeros((512, 512, 3), np.uint8), np.zeros((300, 512, 3), np.uint8))


@pytest.mark.parametrize("most", RANGES)
def test_ranges_are_fixed_and_end_in_white(most: int) -> None:
    levels = np.arange(256, dtype=np.uint8)[None]
    shown = in_range(levels, most)[0]
    assert shown[0] == 0
    assert (shown[most:] == 255).all()
    assert (np.diff(shown.astype(int)) >= 0).all()
    # One level is one level whatever else is in the frame.
    assert in_range(levels[:, :5], most)[0].tolist() == shown[:5].tolist()


def test_a_range_nobody_offered_is_a_fault() -> None:
    with pytest.raises(ValueError, match="no range"):
        in_range(np.zeros((1, 1), np.uint8), 100)
