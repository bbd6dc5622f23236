"""Pseudo-forgeries: exact at both ends of a blend, and touching nothing outside their mask."""

from __future__ import annotations

import numpy as np
import pytest
from training_samples import face

from workstation.training.forgeries import (
    Face,
    Kind,
    blend,
    even_sharpness,
    face_mask,
    forge,
    organ_mask,
    place,
    target_map,
)

ALL = ["left eye", "right eye", "nose", "mouth", "eyes"]


def test_a_blend_of_nothing_is_the_target_and_of_everything_the_source() -> None:
    one, two = face(1).rgb, face(2).rgb
    assert np.array_equal(blend(one, two, np.zeros(one.shape[:2], np.float32)), two)
    assert np.array_equal(blend(one, two, np.ones(one.shape[:2], np.float32)), one)
    half = blend(one, two, np.full(one.shape[:2], 0.5, np.float32))
    np.testing.assert_allclose(half, (one + two) / 2, atol=1e-3)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("seed", range(6))
def test_a_forgery_differs_from_its_target_only_inside_its_mask(kind: Kind, seed: int) -> None:
    target, donor = face(1), face(2)
    before = target.rgb.copy()
    made = forge(kind, target, donor, np.random.default_rng(seed))
    assert made.rgb.shape == target.rgb.shape
    assert made.rgb.dtype == np.float32
    assert 0 <= made.rgb.min() <= made.rgb.max() <= 255
    assert made.mask.shape == target.rgb.shape[:2]
    assert 0 <= made.mask.min() <= made.mask.max() <= 1
    assert 0.002 < (made.mask > 0.02).mean() < 0.75
    outside = made.mask == 0
    assert outside.any()
    assert np.array_equal(made.rgb[outside], target.rgb[outside])
    assert np.abs(made.rgb - target.rgb).max() > 3
    assert np.array_equal(target.rgb, before)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_same_draw_gives_the_same_forgery(kind: Kind) -> None:
    one, two = (forge(kind, face(1), face(2), np.random.default_rng(5)) for _ in range(2))
    other = forge(kind, face(1), face(2), np.random.default_rng(6))
    assert np.array_equal(one.rgb, two.rgb)
    assert np.array_equal(one.mask, two.mask)
    assert not np.array_equal(one.rgb, other.rgb)


def test_the_two_kinds_of_the_own_face_never_look_at_the_donor() -> None:
    nobody = Face(np.full((256, 256, 3), np.nan, np.float32), face(1).marks)
    for kind in (Kind.SELF_BLEND, Kind.OWN_ORGANS):
        made = forge(kind, face(1), nobody, np.random.default_rng(1))
        assert np.isfinite(made.rgb).all()


@pytest.mark.parametrize("organ", ALL)
def test_an_organ_mask_covers_its_organ(organ: str) -> None:
    marks = face().marks
    middle = {
        "left eye": marks[0],
        "right eye": marks[1],
        "nose": marks[2],
        "mouth": type(marks[0])((marks[3].x + marks[4].x) / 2, (marks[3].y + marks[4].y) / 2),
        "eyes": marks[0],
    }[organ]
    covered = []
    for seed in range(8):
        mask = organ_mask(marks, 256, [organ], np.random.default_rng(seed))
        assert 0 <= mask.min() <= mask.max() <= 1
        covered.append(mask[round(middle.y), round(middle.x)])
        assert mask[5, 5] < 0.01
    assert np.median(covered) > 0.5


def test_a_face_mask_covers_the_five_points_and_spares_the_corners() -> None:
    marks = face().marks
    for seed in range(8):
        mask = face_mask(marks, 256, np.random.default_rng(seed))
        assert 0 <= mask.min() <= mask.max() <= 1
        assert np.mean([mask[round(p.y), round(p.x)] for p in marks]) > 0.6
        assert mask[2, 2] < 0.05
        assert mask[2, -3] < 0.05


def test_another_face_is_laid_on_the_same_points() -> None:
    donor = face(2)
    moved = Face(np.roll(donor.rgb, (7, -5), axis=(0, 1)), tuple(type(p)(p.x - 5, p.y + 7) for p in donor.marks))
    back = place(moved, donor.marks, 256)
    assert np.abs(back[40:200, 40:200] - donor.rgb[40:200, 40:200]).mean() < 1.5


def test_sharpness_inside_the_mask_is_evened() -> None:
    import cv2

    target = face(0).rgb
    mask = np.zeros(target.shape[:2], np.float32)
    mask[60:200, 60:200] = 1
    soft = cv2.GaussianBlur(target, (0, 0), 1.0)

    def spread(rgb: np.ndarray) -> float:
        return float(cv2.Laplacian(rgb.mean(axis=-1), cv2.CV_32F)[mask > 0.3].std())

    wanted = spread(target)
    assert abs(spread(even_sharpness(soft, target, mask)) - wanted) < abs(spread(soft) - wanted) / 2


def test_the_target_map_is_empty_for_an_identical_pair_and_far_from_the_mask() -> None:
    rgb = face().rgb
    mask = np.zeros(rgb.shape[:2], np.float32)
    mask[100:140, 100:140] = 1
    assert not target_map(rgb, rgb, mask).any()
    other = np.clip(rgb + 40, 0, 255)
    field = target_map(rgb, other, mask)
    assert field.dtype == np.float32
    assert 0 <= field.min() <= field.max() <= 1
    assert field[110:130, 110:130].min() > 0.5
    far = np.ones(mask.shape, bool)
    far[92:148, 92:148] = False
    assert not field[far].any()


def test_a_bigger_edit_gives_a_bigger_mean_target() -> None:
    rgb = np.full((256, 256, 3), 100, np.float32)
    means = []
    for reach in (10, 30, 60, 100):
        mask = np.zeros((256, 256), np.float32)
        mask[128 - reach : 128 + reach, 128 - reach : 128 + reach] = 1
        means.append(target_map(rgb, rgb + 12 * mask[..., None], mask).mean())
    assert means == sorted(means)
    assert means[0] > 0
    stronger = target_map(rgb, rgb + 20 * mask[..., None], mask).mean()
    assert stronger > means[-1]
