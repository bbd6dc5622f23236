"""Targets and measures of fakeness maps: perfect maps, empty maps, growing edits, agreement with the libraries."""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
import pytest
from scipy.spatial.distance import cosine
from skimage.data import astronaut
from skimage.metrics import structural_similarity
from sklearn.metrics import jaccard_score, roc_auc_score

from workstation.detectors.fakelocator.measures import coss, iou, l1, pixel_auc, psnr, ssim, target_map
from workstation.training.measures import auc

FACE = np.ascontiguousarray(astronaut()[0:192, 128:320])


def _edited(radius: int) -> np.ndarray:
    picture = FACE.copy()
    cv2.circle(picture, (96, 96), radius, (20, 220, 40), -1)
    return picture


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    wanted = target_map(FACE, _edited(40))
    found = np.clip(wanted * 0.7 + random.uniform(0, 0.2, wanted.shape), 0, 1).astype(np.float32)
    return found, wanted


def test_the_target_of_an_identical_pair_is_zero() -> None:
    assert not target_map(FACE, FACE.copy()).any()


def test_the_target_is_the_grey_difference_as_a_real_value() -> None:
    changed = FACE.copy()
    changed[10, 20] = (255, 0, 0)
    plain = FACE.copy()
    plain[10, 20] = (0, 0, 0)
    found = target_map(plain, changed)
    assert found.dtype == np.float32
    assert found[10, 20] == pytest.approx(0.299, abs=1e-6)
    assert np.count_nonzero(found) == 1
    white, black = np.full((8, 8, 3), 255, np.uint8), np.zeros((8, 8, 3), np.uint8)
    assert target_map(white, black) == pytest.approx(1.0)
    np.testing.assert_array_equal(target_map(white, black), target_map(black, white))
    many = target_map(FACE, _edited(40))
    # No threshold: nearly as many values as there are different pixels' differences.
    assert len(np.unique(many)) > 500


def test_a_bigger_edit_has_a_bigger_mean_target() -> None:
    means = [float(target_map(FACE, _edited(radius)).mean()) for radius in (0, 4, 10, 20, 35, 60, 90)]
    assert all(one < two for one, two in pairwise(means))


@pytest.mark.parametrize("radius", [0, 5, 40])
def test_a_perfect_map_has_l1_zero_and_coss_one(radius: int) -> None:
    wanted = target_map(FACE, _edited(radius) if radius else FACE)
    assert l1(wanted, wanted) == 0.0
    assert coss(wanted, wanted) == pytest.approx(1.0, abs=1e-12)
    assert ssim(wanted, wanted) == pytest.approx(1.0)
    assert math.isinf(psnr(wanted, wanted))


def test_coss_of_empty_maps_is_defined() -> None:
    zero, some = np.zeros((6, 6), np.float32), np.full((6, 6), 0.1, np.float32)
    assert coss(zero, zero) == 1.0
    assert coss(zero, some) == coss(some, zero) == 0.0
    # Length does not count, direction does.
    assert coss(some, some * 9) == pytest.approx(1.0)
    one, other = zero.copy(), zero.copy()
    one[0, 0] = other[5, 5] = 1
    assert coss(one, other) == 0.0


def test_measures_agree_with_the_libraries(pair: tuple[np.ndarray, np.ndarray]) -> None:
    found, wanted = pair
    changed = wanted > 0.1
    assert coss(found, wanted) == pytest.approx(1 - cosine(found.ravel().astype(float), wanted.ravel()), abs=1e-6)
    assert l1(found, wanted) == pytest.approx(float(np.mean(np.abs(found - wanted))), abs=1e-6)
    assert psnr(found, wanted) == pytest.approx(-10 * math.log10(float(np.mean((found - wanted) ** 2))), abs=1e-4)
    assert ssim(found, wanted) == pytest.approx(structural_similarity(wanted, found, data_range=1.0), abs=1e-4)
    assert pixel_auc(found, changed) == pytest.approx(roc_auc_score(changed.ravel(), found.ravel()), abs=1e-9)
    assert iou(found, changed, 0.3) == pytest.approx(jaccard_score(changed.ravel(), found.ravel() >= 0.3))


def test_the_pixel_auc_is_the_one_of_the_training_room(pair: tuple[np.ndarray, np.ndarray]) -> None:
    found, wanted = pair
    # Few levels, so that ties are many.
    coarse, changed = np.round(found * 6) / 6, wanted > 0.1
    by_ranks = auc(coarse[~changed].astype(np.float64), coarse[changed].astype(np.float64))
    assert pixel_auc(coarse, changed) == pytest.approx(by_ranks, abs=1e-9)
    assert math.isnan(pixel_auc(found, np.zeros_like(changed)))
    assert math.isnan(pixel_auc(found, np.ones_like(changed)))


def test_overlap_counts_from_the_threshold_on() -> None:
    field = np.zeros((4, 4), np.float32)
    field[:2] = 0.5
    changed = np.zeros((4, 4), np.bool_)
    changed[1:3] = True
    assert iou(field, changed) == pytest.approx(1 / 3)
    assert iou(field, changed, 0.51) == 0.0
    assert iou(np.zeros((4, 4), np.float32), np.zeros((4, 4), np.bool_)) == 1.0


def test_what_is_no_map_is_refused() -> None:
    good = np.zeros((4, 4), np.float32)
    for bad in (good[0], good + 2, good - 1, good * np.nan, np.zeros((5, 4), np.float32)):
        with pytest.raises(ValueError, match="map"):
            coss(bad, good)
    with pytest.raises(ValueError, match="shape"):
        target_map(FACE, FACE[:4])
    with pytest.raises(ValueError, match="uint8"):
        target_map(FACE.astype(np.float32), FACE.astype(np.float32))
