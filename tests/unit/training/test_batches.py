"""Batches of pairs: genuine half first, both halves under the same draw, maps only for the forged half."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from run_samples import write_pool

from workstation.detectors.mfclip.labels import genuine
from workstation.domain.detectors import InputSpec
from workstation.faces.alignment import align, target_points
from workstation.training.batches import CROP_SIDE, Batches, Material
from workstation.training.pool import load
from workstation.training.runs.data import material_of

MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.3)


def spec(side: int, margin: float = 1.3) -> InputSpec:
    return InputSpec(side, CROP_SIDE, margin, MEAN, STD, "area")


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return material_of(load(write_pool(tmp_path_factory.mktemp("textures"), train=6), "train"))


def test_a_pair_shares_everything_but_the_forgery(train: Material) -> None:
    """With the forgery taken away (the genuine crop in its place) and sharpness left alone, the halves are equal."""
    same = replace(train, forged=train.genuine[train.of])
    for step in range(5):
        batch = Batches(same, spec(48), apart=0.0).at(step, 4, 3)
        assert torch.equal(batch.pixels[:4], batch.pixels[4:])
    apart = Batches(same, spec(48), apart=1.0).at(0, 8, 3)
    assert not torch.equal(apart.pixels[:8], apart.pixels[8:])


def test_partial_augmentation_degrades_genuine_pictures_alone_and_is_off_by_default(train: Material) -> None:
    rows = np.arange(8)

    def made(**how: float) -> torch.Tensor:
        return Batches(train, spec(CROP_SIDE), **how).make(rows, np.random.default_rng(4)).pixels  # type: ignore[arg-type]

    plain, partial = made(apart=0.0), made(apart=0.0, genuine_only=True)
    assert torch.equal(partial[:8], plain[:8])
    untouched = made(strength=0.0, apart=0.0)
    for number in range(8):
        # Only mirroring is left of what the pair's draw does to the forgery.
        found, bare = partial[8 + number], untouched[8 + number]
        assert torch.equal(found, bare) or torch.equal(found, bare.flip(-1))
    assert not torch.equal(plain[8:], partial[8:])


def test_shapes_labels_maps_and_words(train: Material) -> None:
    batch = Batches(train, spec(48)).at(0, 6, 0)
    assert batch.pixels.shape == (12, 3, 48, 48)
    assert batch.pixels.dtype == torch.float32
    assert batch.labels.tolist() == [0] * 6 + [1] * 6
    assert batch.maps.shape == batch.masks.shape == (12, 1, 64, 64)
    assert not batch.maps[:6].any()
    assert all(field.any() for field in batch.maps[6:])
    assert 0 <= batch.maps.min() <= batch.maps.max() <= 1
    assert batch.kinds.shape == (6,)
    assert batch.words[:6] == (genuine(),) * 6
    assert all(label != genuine() for label in batch.words[6:])


def test_pixels_are_normalised(train: Material) -> None:
    batch = Batches(train, spec(CROP_SIDE), strength=0.0, apart=0.0).make(np.array([0]), np.random.default_rng(0))
    back = batch.pixels[0] * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    expected = torch.from_numpy(np.array(train.genuine[train.of[0]])).permute(2, 0, 1) / 255
    assert any(torch.allclose(back, side, atol=1e-4) for side in (expected, expected.flip(-1)))


def test_landmarks_are_mirrored_with_the_picture(train: Material) -> None:
    batches = Batches(train, spec(32), strength=0.0, apart=0.0)
    template = torch.from_numpy(target_points(CROP_SIDE, 1.3).astype(np.float32)) / CROP_SIDE
    seen = set()
    for step in range(12):
        marks = batches.at(step, 1, 0).marks
        mirrored = not torch.allclose(marks[0], template, atol=1e-5)
        seen.add(mirrored)
        # Whichever way it is turned, the picture's left eye is on the left, and both of a pair agree.
        assert marks[0, 0, 0] < marks[0, 1, 0]
        assert torch.equal(marks[0], marks[1])
        if mirrored:
            assert abs(float(marks[0, 2, 0]) - ((CROP_SIDE - 1) / CROP_SIDE - float(template[2, 0]))) < 1e-5
    assert seen == {True, False}


def test_a_smaller_margin_cuts_what_alignment_would_have_cut() -> None:
    """The crop at margin 1.04 made out of one at 1.3 is the one that the picture itself gives, but for resampling."""
    from training_samples import MARKS, variant

    wide, near = align(variant(0), MARKS, margin=1.3), align(variant(0), MARKS, margin=1.04)
    one = np.asarray([wide.rgb])
    marks = np.array([[[p.x, p.y] for p in wide.landmarks]], np.float32)
    row = np.zeros(1, np.int64)
    fields = np.full((1, 64, 64), 255, np.uint8)
    material = Material(one, one, fields, row, row, ("any",), row, (genuine(),), None, marks, marks)
    bare = InputSpec(CROP_SIDE, CROP_SIDE, 1.04, (0, 0, 0), (1, 1, 1), "area")
    batches = Batches(material, bare, strength=0.0, apart=0.0)
    plain = next(
        b
        for b in (batches.at(step, 1, 0) for step in range(9))
        if b.marks[0, 0, 0] * 256 < 128 and not _turned(b, near)
    )
    found = plain.pixels[0].numpy().transpose(1, 2, 0) * 255
    assert np.abs(found - near.rgb)[8:-8, 8:-8].mean() < 4
    expected = np.array([[p.x, p.y] for p in near.landmarks])
    assert np.abs(plain.marks[0].numpy() * CROP_SIDE - expected).max() < 0.05


def _turned(batch: object, near: object) -> bool:
    marks = batch.marks[0].numpy() * CROP_SIDE  # type: ignore[attr-defined]
    return bool(abs(marks[2, 0] - near.landmarks[2].x) > 0.5)  # type: ignore[attr-defined]


def test_fixed_batches_show_every_forgery_once_and_repeat(train: Material) -> None:
    batches = Batches(train, spec(32))
    one, two = list(batches.fixed(5, 7)), list(batches.fixed(5, 7))
    assert sum(len(batch.kinds) for batch in one) == len(train.of)
    assert np.array_equal(np.concatenate([batch.kinds for batch in one]), train.kind)
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(one, two, strict=True))
    assert sum(len(batch.kinds) for batch in batches.fixed(2, 7, most=3)) == 3


def test_a_batch_is_a_function_of_seed_and_step(train: Material) -> None:
    batches = Batches(train, spec(32))
    later = batches.at(7, 3, 1)
    for step in range(3):
        batches.at(step, 3, 1)
    assert torch.equal(batches.at(7, 3, 1).pixels, later.pixels)
    for other in (batches.at(8, 3, 1), batches.at(7, 3, 2), batches.at(7, 3, 1, part=1)):
        assert not torch.equal(other.pixels, later.pixels)


def test_stills_drift_alike_and_sequences_keep_their_order(train: Material) -> None:
    same = replace(train, forged=train.genuine[train.of])
    batch = Batches(same, spec(32), strength=0.0, apart=0.0, frames=4).at(0, 2, 0)
    assert batch.pixels.shape == (4, 4, 3, 32, 32)
    assert torch.equal(batch.pixels[:2], batch.pixels[2:])
    assert not torch.equal(batch.pixels[0, 0], batch.pixels[0, 3])
    tracked = replace(
        train, genuine_track=np.zeros(len(train.genuine), np.int64), forged_track=np.zeros(len(train.of), np.int64)
    )
    shown = Batches(tracked, spec(CROP_SIDE), strength=0.0, apart=0.0, frames=3).at(0, 1, 0).pixels[0]
    back = (shown * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]) * 255
    for place, frame in zip(back, np.linspace(0, len(train.genuine) - 1, 3).round().astype(int), strict=True):
        expected = torch.from_numpy(np.array(train.genuine[frame])).permute(2, 0, 1).float()
        assert any(torch.allclose(place, side, atol=0.1) for side in (expected, expected.flip(-1)))


def test_crops_of_another_make_are_refused(train: Material) -> None:
    for bad in (replace(spec(32), crop_size=128), spec(32, margin=1.5)):
        with pytest.raises(ValueError, match="crops for training"):
            Batches(train, bad)


def test_a_window_is_the_same_part_of_both_and_of_their_maps(train: Material) -> None:
    whole = Batches(train, spec(CROP_SIDE), strength=0.0, apart=0.0)
    cut = Batches(train, spec(CROP_SIDE), strength=0.0, apart=0.0, window=96)
    rows = np.arange(4)
    full, part = (one.make(rows, np.random.default_rng(5)) for one in (whole, cut))
    assert part.pixels.shape == (8, 3, 96, 96)
    assert part.maps.shape == part.masks.shape == (8, 1, 24, 24)
    assert torch.equal(part.labels, full.labels)
    places = set()
    for pair in range(4):
        # The landmarks tell where the window lies.
        first = full.marks[pair, 0] * CROP_SIDE - part.marks[pair, 0] * 96
        x, y = (int(value) for value in first.round())
        places.add((x, y))
        for row in (pair, 4 + pair):
            assert torch.equal(part.pixels[row], full.pixels[row, :, y : y + 96, x : x + 96])
            assert torch.equal(part.masks[row], full.masks[row, :, y // 4 : y // 4 + 24, x // 4 : x // 4 + 24])
        assert part.masks[4 + pair].sum() > 0.2 * full.masks[4 + pair].sum()
    assert len(places) > 1


def test_windows_are_of_single_pictures_at_the_crops_own_scale(train: Material) -> None:
    for how in ({"window": 96, "frames": 2}, {"window": 97}, {"window": 320}):
        with pytest.raises(ValueError, match="windows"):
            Batches(train, spec(CROP_SIDE), **how)
    with pytest.raises(ValueError, match="windows"):
        Batches(train, spec(128), window=96)


def test_a_kind_that_is_left_out_is_never_drawn(train: Material) -> None:
    first, *_ = sorted({train.kinds[kind] for kind in train.kind})
    plain, without = Batches(train, spec(32)), Batches(train, spec(32), leave_out=[first])
    number = train.kinds.index(first)
    assert any((plain.at(step, 8, 0).kinds == number).any() for step in range(4))
    assert not any((without.at(step, 8, 0).kinds == number).any() for step in range(12))
    assert len(list(without.fixed(64, 0))) == len(list(plain.fixed(64, 0)))
