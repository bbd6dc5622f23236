"""Figures with intervals: area under the ROC curve by ranks, bootstrap over items, rank correlation, sharpness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.detectors import ValidationRecord
from workstation.domain.media import RgbArray

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


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


def bootstrap(
    value: float, again: Callable[[npt.NDArray[np.int64]], float], units: int, draws: int, seed: int
) -> Figure:
    """``value`` with the 2.5 and 97.5 percentiles of ``again`` over resamples of ``units`` independent units.

    Resamples without a value (one class drew nothing) are passed over; a value that is NaN has no interval.
    """
    if np.isnan(value):
        return Figure(value, value, value)
    random = np.random.default_rng(seed)
    values = [again(random.integers(units, size=units)) for _ in range(draws)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    # A statistic of few units may lie outside the percentiles of its own resamples.
    return Figure(value, min(float(low), value), max(float(high), value))


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


def paired_auc_figure(
    genuine: Values, manipulated: Values, group: npt.NDArray[np.int64], draws: int = 500, seed: int = 0
) -> Figure:
    """AUC of pairs whose members and neighbours hang together: whole groups (one picture, say) are resampled.

    Args:
        genuine, manipulated: scores of the pairs, row by row.
        group: of each row.
    """
    rows = [np.flatnonzero(group == name) for name in np.unique(group)]

    def again(chosen: npt.NDArray[np.int64]) -> float:
        taken = np.concatenate([rows[number] for number in chosen])
        return auc(genuine[taken], manipulated[taken])

    return bootstrap(auc(genuine, manipulated), again, len(rows), draws, seed)


def matched(genuine: Values, manipulated: Values, within: float) -> list[tuple[int, int]]:
    """Pair every manipulated item with the nearest genuine one that is free and no further than ``within``.

    Returns:
        (row of the genuine, row of the manipulated) of each pair, nearest pairs first.
    """
    gaps = np.abs(genuine[:, None] - manipulated[None, :])
    pairs: list[tuple[int, int]] = []
    taken, given = np.zeros(len(genuine), np.bool_), np.zeros(len(manipulated), np.bool_)
    for flat in np.argsort(gaps, axis=None, kind="stable"):
        one, two = divmod(int(flat), len(manipulated))
        if gaps[one, two] > within:
            break
        if not (taken[one] or given[two]):
            taken[one] = given[two] = True
            pairs.append((one, two))
    return pairs


def rank_correlation(one: Values, two: Values) -> float:
    """Spearman's coefficient; NaN when one side is constant."""
    a, b = ranks(one), ranks(two)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def rank_correlation_figure(
    one: Values, two: Values, group: npt.NDArray[np.int64], draws: int = 500, seed: int = 0
) -> Figure:
    """Spearman's coefficient; whole groups are resampled."""
    rows = [np.flatnonzero(group == name) for name in np.unique(group)]

    def again(chosen: npt.NDArray[np.int64]) -> float:
        taken = np.concatenate([rows[number] for number in chosen])
        return rank_correlation(one[taken], two[taken])

    return bootstrap(rank_correlation(one, two), again, len(rows), draws, seed)


def sharpness(rgb: RgbArray) -> float:
    """Logarithm of the variance of the Laplacian of the grey picture: the shortcut every figure is held against."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return float(np.log(cv2.Laplacian(grey, cv2.CV_32F).var() + 1e-3))


def rounded_record(
    dataset: str, genuine: int, manipulated: int, measure: str, figure: Figure, note: str
) -> ValidationRecord | None:
    """A record with its interval rounded outwards; None when the figure cannot be taken (a class is empty, or every
    value is the same)."""
    if not np.isfinite([figure.value, figure.low, figure.high]).all():
        return None
    return ValidationRecord(
        dataset, genuine, manipulated, measure, round(figure.value, 4), _down(figure.low), _up(figure.high), note
    )


def _down(value: float) -> float:
    return float(np.floor(value * 1e4) / 1e4)


def _up(value: float) -> float:
    return float(np.ceil(value * 1e4) / 1e4)
