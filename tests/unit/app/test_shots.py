"""Where a clip cuts, from how much the picture changes: hard cuts are found, movement and fades are none."""

from __future__ import annotations

import itertools

import numpy as np

from workstation.app.shots import cuts, found, signature
from workstation.domain.media import FrameIndex, RgbArray, TimeBase


def scene(number: int, frame: int) -> RgbArray:
    """A ground of its own for each scene, with a bright square that moves."""
    y, x = np.mgrid[0:90, 0:160]
    grounds = [(x, y, x + y), (255 - x, y * 2, x), (y * 2, 255 - y, 255 - x)]
    picture = np.stack([part % 256 for part in grounds[number]], axis=-1).astype(np.uint8)
    left = 5 + frame * 2 % 100
    picture[30:50, left : left + 20] = 240
    return picture


def test_cuts_between_scenes_are_found_and_movement_is_none() -> None:
    frames = [scene(0, n) for n in range(30)] + [scene(1, n) for n in range(25)] + [scene(2, n) for n in range(20)]
    index = FrameIndex(0, TimeBase(1, 25), tuple(range(75)), (0,))
    shots = found([signature(frame) for frame in frames], index)
    assert shots.known
    assert shots.ordinals == (0, 30, 55)
    assert shots.seconds == (0.0, 1.2, 2.2)
    assert shots.end == 3.0


def test_a_fade_and_a_flicker_are_no_cuts() -> None:
    fade = [np.full((90, 160, 3), value, np.uint8) for value in range(20, 220, 4)]
    changes = np.r_[0.0, [abs(int(b[0, 0, 0]) - int(a[0, 0, 0])) / 255 for a, b in itertools.pairwise(fade)]]
    assert cuts(changes) == (0,)
    flicker = np.tile([0.0, 0.3], 40)
    assert cuts(flicker) == (0,)


def test_a_clip_of_one_frame_is_one_shot() -> None:
    shots = found([signature(scene(0, 0))], FrameIndex(0, TimeBase(1, 25), (0,), (0,)))
    assert shots.ordinals == (0,)
