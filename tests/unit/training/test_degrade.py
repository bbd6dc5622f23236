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
