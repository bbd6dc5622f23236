"""A pool in one file: what is in it comes back bit for bit, and the file is no larger than asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workstation.domain.errors import InputError
from workstation.training import pool
from workstation.training.packed_pool import pack


def test_everything_packed_comes_back_bit_for_bit(made_pool: Path, tmp_path: Path) -> None:
    size = pack(made_pool, tmp_path / "pool.packed", each=9)
    assert size == (tmp_path / "pool.packed").stat().st_size
    for name in ("train", "held"):
        whole, packed = pool.load(made_pool, name), pool.load(tmp_path / "pool.packed", name)
        assert packed.facts == whole.facts
        assert len(packed.genuine) == len(whole.genuine)
        assert len(packed.forged) == len(whole.forged)
        assert packed.genuine.dtype == packed.forged.dtype == np.uint8
        for row in range(len(packed.genuine)):
            same = [n for n in range(len(whole.genuine)) if np.array_equal(whole.genuine[n], packed.genuine[row])]
            assert len(same) == 1
            assert packed.group[row] == whole.group[same[0]]
            ours, theirs = np.flatnonzero(packed.of == row), np.flatnonzero(whole.of == same[0])
            for part in ("forged", "maps", "masks", "bits", "kind", "label", "organs", "blend", "maker"):
                one, two = getattr(packed, part)[ours], getattr(whole, part)[theirs]
                order = np.argsort(packed.kind[ours]), np.argsort(whole.kind[theirs])
                assert np.array_equal(one[order[0]], two[order[1]])


def test_a_small_file_keeps_people_before_views_and_stays_below_its_limit(made_pool: Path, tmp_path: Path) -> None:
    # What one view of everybody in training takes, with one forgery each.
    most = pack(made_pool, tmp_path / "one", each=1, side=128)
    limit = most * 2 // 3
    assert pack(made_pool, tmp_path / "two", each=1, side=128, limit=limit) <= limit
    small = pool.load(tmp_path / "two", "train")
    assert small.genuine.shape[1:] == (128, 128, 3)
    assert 0 < len(small.genuine) < len(pool.load(tmp_path / "one", "train").genuine)
    counts = np.bincount(np.unique(small.group, return_inverse=True)[1])
    assert counts.max() - counts.min() <= 1
    assert len(set(small.kind.tolist())) > 1
    for row, of in enumerate(small.of):
        changed = (small.forged[row] != small.genuine[of]).any(axis=-1)
        assert changed.any()
        assert not changed[~small.mask(row)].any()


def test_what_cannot_be_packed_or_opened_is_one_sentence(made_pool: Path, tmp_path: Path) -> None:
    for options in ({"side": 100}, {"side": 8}, {"limit": 1000}):
        with pytest.raises(InputError):
            pack(made_pool, tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())
    (tmp_path / "text").write_text("no pool", encoding="utf-8")
    with pytest.raises(InputError, match="no packed pool"):
        pool.load(tmp_path / "text", "train")
