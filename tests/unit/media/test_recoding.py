"""Frames through a codec and back: same number, same size, worse with every step of the rate factor."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from workstation.domain.errors import InputError
from workstation.media.recoding import CODECS, recode

FACE = np.asarray(skimage.data.astronaut()[40:200, 150:310], np.uint8)


def error(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - two).mean())


@pytest.mark.parametrize("codec", CODECS)
def test_frames_come_back_in_order_and_worse_at_a_higher_rate_factor(codec: str) -> None:
    frames = [np.roll(FACE, step * 9, axis=1) for step in range(4)]
    before = [frame.copy() for frame in frames]
    errors = []
    for crf in (10, 30, 45):
        found = recode(frames, codec, crf)
        assert len(found) == 4
        for made, frame in zip(found, frames, strict=True):
            assert made.shape == frame.shape
            assert made.dtype == np.uint8
            assert error(made, frame) < min(error(made, other) for other in frames if other is not frame)
        errors.append(np.mean([error(a, b) for a, b in zip(found, frames, strict=True)]))
    assert errors == sorted(errors)
    assert errors[0] < 6
    assert errors[2] > errors[0] + 2
    assert all(np.array_equal(a, b) for a, b in zip(frames, before, strict=True))


def test_odd_sizes_keep_their_size_and_one_frame_is_enough() -> None:
    (found,) = recode([FACE[:101, :77]], "h264", 20)
    assert found.shape == (101, 77, 3)
    assert error(found, FACE[:101, :77]) < 8


def test_the_same_frames_give_the_same_frames() -> None:
    one, two = (recode([FACE, FACE[:, ::-1].copy()], "h264", 28) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize(("codec", "crf"), [("vp9", 20), ("h264", 52), ("h265", -1)])
def test_what_is_not_known_is_refused(codec: str, crf: int) -> None:
    with pytest.raises(InputError, match=codec):
        recode([FACE], codec, crf)


def test_a_clip_has_frames_of_one_size() -> None:
    for frames in ([], [FACE, FACE[:80]]):
        with pytest.raises(InputError, match="one size"):
            recode(frames, "h264", 20)
