"""Batches of pairs: genuine half first, both halves under the same draw, maps only for the forged half."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from workstation.training.batches import Batches
from workstation.training.pool import Pool, load

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.3)


@pytest.fixture
def train(made_pool: Path) -> Pool:
    return load(made_pool, "train")


def test_a_pair_shares_everything_but_the_forgery(train: Pool) -> None:
    """With the forgery taken away (the genuine crop in its place) and sharpness left alone, the halves are equal."""
    same = Pool(train.genuine, train.genuine[train.of], train.maps, train.of, train.kind, train.facts)
    for batch, _ in zip(Batches(same, 48, MEAN, STD, apart=0.0).endless(4, 3), range(5), strict=False):
        assert torch.equal(batch.pixels[:4], batch.pixels[4:])
    apart = next(Batches(same, 48, MEAN, STD, apart=1.0).endless(8, 3))
    assert not torch.equal(apart.pixels[:8], apart.pixels[8:])


def test_partial_augmentation_degrades_genuine_pictures_alone_and_is_off_by_default(train: Pool) -> None:
    rows = np.arange(8)
    plain = Batches(train, 256, MEAN, STD).make(rows, np.random.default_rng(4))
    off = Batches(train, 256, MEAN, STD, genuine_only=False).make(rows, np.random.default_rng(4))
    partial = Batches(train, 256, MEAN, STD, genuine_only=True).make(rows, np.random.default_rng(4))
    assert torch.equal(plain.pixels, off.pixels)
    assert torch.equal(partial.pixels[:8], plain.pixels[:8])
    assert torch.equal(partial.maps, plain.maps)
    untouched = Batches(train, 256, MEAN, STD, strength=0.0, apart=0.0).make(rows, np.random.default_rng(4))
    for number in range(8):
        bare = untouched.pixels[8 + number]
        # Only mirroring is left of what the pair's draw does to the forgery.
        found = partial.pixels[8 + number]
        assert torch.equal(found, bare) or torch.equal(found, bare.flip(-1))
        assert torch.equal(found, bare) == torch.equal(partial.maps[8 + number], untouched.maps[8 + number])
    assert not torch.equal(plain.pixels[8:], partial.pixels[8:])


def test_shapes_labels_and_maps(train: Pool) -> None:
    batch = next(Batches(train, 48, MEAN, STD).endless(6, 0))
    assert batch.pixels.shape == (12, 3, 48, 48)
    assert batch.pixels.dtype == torch.float32
    assert batch.labels.tolist() == [0] * 6 + [1] * 6
    assert batch.maps.shape == (12, 1, 64, 64)
    assert not batch.maps[:6].any()
    assert all(field.any() for field in batch.maps[6:])
    assert 0 <= batch.maps.min() <= batch.maps.max() <= 1
    assert batch.kinds.shape == (6,)


def test_pixels_are_normalised(train: Pool) -> None:
    plain = Batches(train, 256, MEAN, STD, strength=0.0, apart=0.0)
    batch = plain.make(np.array([0]), np.random.default_rng(0))
    back = batch.pixels[0] * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    expected = torch.from_numpy(train.genuine[train.of[0]].copy()).permute(2, 0, 1) / 255
    close = [torch.allclose(back, side, atol=1e-4) for side in (expected, expected.flip(-1))]
    assert any(close)


def test_fixed_batches_show_every_forgery_once_and_repeat(train: Pool) -> None:
    batches = Batches(train, 32, MEAN, STD)
    one, two = list(batches.fixed(5, 7)), list(batches.fixed(5, 7))
    assert sum(len(batch.kinds) for batch in one) == len(train.of)
    assert np.array_equal(np.concatenate([batch.kinds for batch in one]), train.kind)
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(one, two, strict=True))


def test_endless_batches_follow_their_seed(train: Pool) -> None:
    batches = Batches(train, 32, MEAN, STD)
    a, b, c = (next(batches.endless(3, seed)) for seed in (1, 1, 2))
    assert torch.equal(a.pixels, b.pixels)
    assert not torch.equal(a.pixels, c.pixels)
