"""Evening of sharpness, held against the same thing done slowly: every mean and variance summed by numpy in double."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from training_samples import face, variant

from workstation.domain.media import RgbArray
from workstation.training import degrade
from workstation.training.forging.sharpening import retarget, variance

Field = npt.NDArray[np.float64]
SPREAD, GRAIN = 0.4, 1.2


def _edges(rgb: npt.NDArray[np.generic], seen: int) -> Field:
    grey = np.asarray(rgb, np.float64)
    grey = grey.mean(axis=-1) if grey.ndim == 3 else grey
    if 0 < seen < grey.shape[0]:
        grey = cv2.resize(grey, (seen, seen), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.Laplacian(grey, cv2.CV_64F), np.float64)


def _slow(rgb: npt.NDArray[np.generic], wanted: float, seen: int, inside: npt.NDArray[np.bool_] | None = None) -> Field:
    """Every mask is tried on the whole picture and measured again; twice, for the clipping."""
    done = np.asarray(rgb, np.float64)
    part = np.ones(_edges(done, seen).shape, np.bool_) if inside is None else inside
    for _ in range(2):
        plain = _edges(done, seen)[part]
        if abs(np.log((plain.var() + 1e-3) / (wanted + 1e-3))) < 0.01:
            break
        sigmas = (0.7, 1.1, 1.8, 3.0) if plain.var() > wanted else (0.7, 1.1, 1.8)
        tried = []
        for sigma in sigmas:
            soft = cv2.GaussianBlur(done, (0, 0), sigma * (max(1.0, done.shape[0] / seen) if seen else 1.0))
            added = _edges(done - soft, seen)[part]
            line = (added.var(), 2 * np.mean((plain - plain.mean()) * (added - added.mean())), plain.var() - wanted)
            steps = [0.0, -1.0, 3.0, -line[1] / (2 * line[0]), *(np.roots(line).real if _crosses(line) else ())]
            steps = sorted((a for a in steps if -1 <= a <= 3), key=abs)
            misses = [abs(np.polyval(line, a)) for a in steps]
            best = next(a for a, miss in zip(steps, misses, strict=True) if miss <= min(misses) + 1e-6 * (wanted + 1))
            tried.append((abs(np.polyval(line, best)), best, soft))
            if tried[-1][0] < 1e-3 * (wanted + 1):
                break
        _, strength, soft = min(tried, key=lambda one: one[0])
        done = np.clip(done + strength * (done - soft), 0, 255)
    return done


def _crosses(line: tuple[float, float, float]) -> bool:
    return line[1] ** 2 >= 4 * line[0] * line[2]


def _slow_even(pair: tuple[RgbArray, RgbArray], random: np.random.Generator, seen: int) -> list[Field]:
    drawn, seed = random.standard_normal(4), int(random.integers(2**63))
    grains = np.random.default_rng(seed).standard_normal((2, *pair[0].shape[:2], 1), dtype=np.float32)
    middle = np.mean([np.log(_edges(rgb, seen).var() + 1e-2) for rgb in pair])
    grained = [rgb + grain * np.float32(GRAIN * abs(z)) for rgb, grain, z in zip(pair, grains, drawn[2:], strict=True)]
    goals = [float(np.exp(middle + SPREAD * z)) for z in drawn[:2]]
    return [np.clip(_slow(rgb, goal, seen), 0, 255) for rgb, goal in zip(grained, goals, strict=True)]


@pytest.mark.parametrize("seen", [0, 112, 160, 224])
def test_a_pair_is_evened_as_the_slow_way_evens_it(seen: int) -> None:
    for seed in range(4):
        genuine = face(seed).rgb.astype(np.uint8)
        forged = np.ascontiguousarray(cv2.GaussianBlur(genuine, (0, 0), 0.5 + 0.4 * seed), np.uint8)
        made = degrade.even(genuine, forged, np.random.default_rng(seed), seen=seen)
        for one, slow in zip(made, _slow_even((genuine, forged), np.random.default_rng(seed), seen), strict=True):
            assert np.abs(one - slow).max() < 0.51
            assert variance(one, seen=seen) == pytest.approx(_edges(one, seen).var(), rel=1e-4)


@pytest.mark.parametrize("factor", [0.2, 0.7, 1.6, 6.0])
def test_within_a_mask_too(factor: float) -> None:
    rgb = variant(2)[60:316, 100:356].astype(np.float32)
    inside = np.zeros((256, 256), np.bool_)
    inside[80:190, 70:200] = True
    wanted = float(_edges(rgb, 0)[inside].var()) * factor
    assert np.abs(retarget(rgb, wanted, inside) - _slow(rgb, wanted, 0, inside)).max() < 0.02


def test_grain_on_black_and_white_never_comes_out_as_its_opposite() -> None:
    halves = np.zeros((256, 256, 3), np.uint8)
    halves[:, 128:] = 255
    for seed in range(60):
        for made in degrade.even(halves, halves, np.random.default_rng(seed)):
            assert made[:, :120].max() < 100
            assert made[:, 136:].min() > 155
