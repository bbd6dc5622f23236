"""Post-processing of a pair: the same draw gives the same picture, and the map turns with it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from training_samples import face

from workstation.training import degrade
from workstation.training.measures import sharpness

RGB = face().rgb.astype(np.uint8)
STILL = degrade.Draw(False, 1.0, 1.0, (1.0, 1.0, 1.0), 0.0, 0, (), (0, 0), False)


@pytest.mark.parametrize("seed", range(12))
def test_the_same_draw_does_the_same(seed: int) -> None:
    how = degrade.draw(np.random.default_rng(seed))
    assert how == degrade.draw(np.random.default_rng(seed))
    one, two = degrade.apply(RGB, how), degrade.apply(RGB, how)
    assert np.array_equal(one, two)
    assert one.shape == RGB.shape
    assert one.dtype == np.uint8


def test_draws_differ_and_cover_every_part() -> None:
    draws = [degrade.draw(np.random.default_rng(seed)) for seed in range(200)]
    assert len(set(draws)) == 200
    for part in (
        lambda d: d.flip,
        lambda d: d.shrink < 1,
        lambda d: d.gamma != 1,
        lambda d: d.gains != (1.0, 1.0, 1.0),
        lambda d: d.noise > 0,
        lambda d: len(d.qualities) == 2,
        lambda d: d.grey,
        lambda d: d.shift != (0, 0),
        lambda d: d.blur > 0,
        lambda d: len(d.chain) == 1,
        lambda d: len(d.chain) == 3,
        lambda d: d.screenshot > 1,
        lambda d: 0 < d.screenshot < 1,
    ):
        assert 0 < sum(part(d) for d in draws) < 200


def test_no_strength_leaves_the_picture_but_for_mirroring() -> None:
    for seed in range(20):
        how = degrade.draw(np.random.default_rng(seed), 0.0)
        expected = RGB[:, ::-1] if how.flip else RGB
        assert np.array_equal(degrade.apply(RGB, how), expected)


def test_a_map_is_mirrored_with_its_picture() -> None:
    field = np.zeros((64, 64), np.float32)
    field[10, 3] = 1
    assert np.array_equal(degrade.apply_to_mask(field, STILL), field)
    turned = degrade.apply_to_mask(field, replace(STILL, flip=True))
    assert turned[10, 60] == 1
    assert turned.sum() == 1
    marked = np.zeros_like(RGB)
    marked[40:44, 12:16] = 255
    seen = degrade.apply(marked, replace(STILL, flip=True))
    small = cv2.resize(seen[..., 0], (64, 64), interpolation=cv2.INTER_AREA)
    assert np.unravel_index(int(small.argmax()), small.shape) == (10, 60)


def test_softness_is_ordered() -> None:
    edges = [sharpness(degrade.apply(RGB, STILL, amount)) for amount in (-1.0, -0.4, 0.0, 0.5, 1.5)]
    assert edges == sorted(edges, reverse=True)
    assert len(set(edges)) == 5


@pytest.mark.parametrize("shift", [(0, 0), (3, 5), (7, 7)])
def test_compression_moves_nothing(shift: tuple[int, int]) -> None:
    seen = degrade.apply(RGB, replace(STILL, qualities=(95,), shift=shift))
    assert seen.shape == RGB.shape
    assert np.abs(seen.astype(int) - RGB).mean() < 3
    assert not np.array_equal(seen, RGB)


def test_grey_is_grey_and_small_keeps_the_size() -> None:
    grey = degrade.apply(RGB, replace(STILL, grey=True))
    assert (np.ptp(grey, axis=-1) == 0).all()
    small = degrade.apply(RGB, replace(STILL, shrink=0.35))
    assert small.shape == RGB.shape
    assert sharpness(small) < sharpness(RGB)


def test_every_step_of_the_world_leaves_its_mark_and_the_size() -> None:
    steps = ({"blur": 1.0}, {"chain": ((0.6, 75), (0.8, 70))}, {"screenshot": 0.7, "screen_sharp": 0.5})
    seen = [degrade.apply(RGB, replace(STILL, **step)) for step in steps]
    for picture in seen:
        assert picture.shape == RGB.shape
        assert picture.dtype == np.uint8
        assert 0.5 < np.abs(picture.astype(int) - RGB).mean() < 12
    assert sharpness(seen[0]) < sharpness(RGB)
    crisp, dull = (degrade.apply(RGB, replace(STILL, screenshot=1.4, screen_sharp=sharp)) for sharp in (0.8, 0.0))
    assert sharpness(crisp) > sharpness(dull)


def test_compression_twice_is_on_two_grids() -> None:
    """The second compression does not see the first one's grid: it is not a repetition that changes nothing."""
    once = degrade.apply(RGB, replace(STILL, qualities=(60,)))
    twice = degrade.apply(RGB, replace(STILL, qualities=(60, 60)))
    same = degrade.apply(once, replace(STILL, qualities=(60,)))
    moved = np.abs(twice.astype(int) - once).mean()
    assert moved > 2 * np.abs(same.astype(int) - once).mean()


def test_sharpness_after_evening_says_nothing_on_which_is_which() -> None:
    """A pair of which one is much softer: each order is as likely, and the draws are those that were asked for."""
    soft = cv2.GaussianBlur(RGB, (0, 0), 1.2)
    pairs = [degrade.even(RGB, soft, np.random.default_rng(seed)) for seed in range(80)]
    gaps = np.array([sharpness(two) - sharpness(one) for one, two in pairs])
    assert sharpness(soft) < sharpness(RGB) - 1
    assert abs(np.median(gaps)) < 0.15
    assert 0.36 < (gaps > 0).mean() < 0.64
    assert 0.4 < gaps.std() < 0.75
    swapped = degrade.even(soft, RGB, np.random.default_rng(3))
    assert sharpness(swapped[0]) == pytest.approx(sharpness(pairs[3][0]), abs=0.05)


def test_without_spread_a_pair_is_left_alone_and_equal_pictures_stay_near() -> None:
    one, two = degrade.even(RGB, RGB[::-1].copy(), np.random.default_rng(0), 0.0)
    assert np.array_equal(one, RGB)
    assert np.array_equal(two, RGB[::-1])
    gaps = [np.ptp([sharpness(rgb) for rgb in degrade.even(RGB, RGB, np.random.default_rng(n))]) for n in range(20)]
    assert 0.1 < np.mean(gaps) < 0.9
