"""Figures with intervals: area under the ROC curve by ranks, bootstrap over items, rank correlation, sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.media import RgbArray

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def ranks(values: Values) -> Values:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    middle: Values = (last - (count - 1) / 2)[place]
    return middle


def auc(genuine: Values, manipulated: Values) -> float:
    """Probability that a manipulated item outranks a genuine one; ties count half. NaN when a class is empty."""
    if len(genuine) == 0 or len(manipulated) == 0:
        return float("nan")
    place = ranks(np.concatenate([genuine, manipulated]))
    n, m = len(genuine), len(manipulated)
    return float((place[n:].sum() - m * (m + 1) / 2) / (n * m))


def auc_figure(genuine: Values, manipulated: Values, draws: int = 1000, seed: int = 0) -> Figure:
    """AUC with the 2.5 and 97.5 percentiles over ``draws`` resamples of the items of each class."""
    random = np.random.default_rng(seed)
    values = [
        auc(
            genuine[random.integers(len(genuine), size=len(genuine))],
            manipulated[random.integers(len(manipulated), size=len(manipulated))],
        )
        for _ in range(draws)
    ]
    low, high = np.percentile(values, [2.5, 97.5])
    return Figure(auc(genuine, manipulated), float(low), float(high))


def rank_correlation(one: Values, two: Values) -> float:
    """Spearman's coefficient."""
    return float(np.corrcoef(ranks(one), ranks(two))[0, 1])


def sharpness(rgb: RgbArray) -> float:
    """Logarithm of the variance of the Laplacian of the grey picture: the shortcut every figure is held against."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return float(np.log(cv2.Laplacian(grey, cv2.CV_32F).var() + 1e-3))
