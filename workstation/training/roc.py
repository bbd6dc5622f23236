"""Figures of two classes of scores under weights: area under the ROC curve, average precision, equal error rate, and
the share of manipulated items above the score that a given share of genuine ones reaches.

Scores are sorted once; a resample is a weight for each item, so a thousand of them cost a thousand running sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from workstation.training.measures import Figure, Flags, Values

MEASURES = ("auc", "ap", "eer", "tpr_at_1", "tpr_at_5")
NOTHING = dict.fromkeys(MEASURES, float("nan"))


class Ranked:
    """Scores that are higher where manipulated, and what is known of each item.

    Args:
        scores: (n,) finite numbers.
        manipulated: (n,) which items are manipulated.

    Raises:
        ValueError: the two are of different lengths, or a score is no finite number.
    """

    def __init__(self, scores: Values, manipulated: Flags) -> None:
        if scores.shape != manipulated.shape or scores.ndim != 1:
            raise ValueError(f"{scores.shape} scores and {manipulated.shape} labels")
        if not np.isfinite(scores).all():
            raise ValueError("scores are finite numbers")
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        # Ends of runs of equal scores: no threshold lies between equals.
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(scores) else np.empty(0, int)
        self._labels = manipulated[self._order]

    def curve(self, weights: Values | None = None) -> tuple[Values, Values, Values]:
        """(share of genuine, share of manipulated, precision) at or above each distinct score, from none to all.

        Shares of a class without weight are NaN.
        """
        given = np.ones(len(self._order)) if weights is None else weights[self._order]
        found = np.concatenate([[0.0], np.cumsum(given * self._labels)[self._ends]])
        alarms = np.concatenate([[0.0], np.cumsum(given * ~self._labels)[self._ends]])
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(found + alarms > 0, found / (found + alarms), 1.0)
            return alarms / alarms[-1], found / found[-1], precision

    def figures(self, weights: Values | None = None) -> Mapping[str, float]:
        """`MEASURES` by name; all NaN when a class has no weight."""
        fpr, tpr, precision = self.curve(weights)
        if np.isnan(fpr[-1]) or np.isnan(tpr[-1]):
            return NOTHING
        return {
            "auc": float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1])) / 2),
            "ap": float(np.sum(np.diff(tpr) * precision[1:])),
            "eer": _equal_error(fpr, tpr),
            "tpr_at_1": _reached(fpr, tpr, 0.01),
            "tpr_at_5": _reached(fpr, tpr, 0.05),
        }


def _equal_error(fpr: Values, tpr: Values) -> float:
    """Where the curve, straight between its points, has as many false alarms as misses."""
    above = fpr - (1 - tpr)
    after = int(np.argmax(above >= 0))
    if above[after] == 0:
        return float(fpr[after])
    part = -above[after - 1] / (above[after] - above[after - 1])
    return float(fpr[after - 1] + part * (fpr[after] - fpr[after - 1]))


def _reached(fpr: Values, tpr: Values, most: float) -> float:
    """The largest share of manipulated items at a threshold that at most ``most`` of the genuine reach."""
    return float(tpr[fpr <= most + 1e-12].max())


def resamples(manipulated: Flags, group: Sequence[str] | None, draws: int, seed: int) -> Iterator[Values]:
    """Weights of ``draws`` resamples with replacement, (n,) each.

    Without ``group`` the items of each class are resampled, genuine ones first. With it whole groups are: those that
    are genuine throughout, those that are manipulated throughout and those that have both, each by themselves.
    """
    random = np.random.default_rng(seed)
    names = np.arange(len(manipulated)).astype(str) if group is None else np.asarray(group, str)
    distinct, place = np.unique(names, return_inverse=True)
    if group is None:
        distinct, place = names, np.arange(len(manipulated))
    forged = np.bincount(place, weights=manipulated, minlength=len(distinct))
    whole = np.bincount(place, minlength=len(distinct))
    kinds = (forged == 0, forged == whole, (forged > 0) & (forged < whole))
    strata = [np.flatnonzero(kind) for kind in kinds if kind.any()]
    for _ in range(draws):
        times = np.zeros(len(distinct))
        for stratum in strata:
            taken = stratum[random.integers(len(stratum), size=len(stratum))]
            times += np.bincount(taken, minlength=len(distinct))
        yield times[place]


def with_intervals(
    value: Mapping[str, float], again: Callable[[Values], Mapping[str, float]], weights: Iterator[Values]
) -> dict[str, Figure]:
    """Each value with the 2.5 and 97.5 percentiles of ``again`` over the resamples; NaN has no interval."""
    if all(np.isnan(one) for one in value.values()):
        return {name: Figure(one, one, one) for name, one in value.items()}
    drawn = [again(one) for one in weights]
    found = {}
    for name, one in value.items():
        values = np.array([each[name] for each in drawn])
        values = values[~np.isnan(values)]
        if np.isnan(one) or not len(values):
            found[name] = Figure(one, float("nan"), float("nan"))
            continue
        low, high = np.percentile(values, [2.5, 97.5])
        # A statistic of few items may lie outside the percentiles of its own resamples.
        found[name] = Figure(one, min(float(low), one), max(float(high), one))
    return found


def roc_figures(
    scores: Values, manipulated: Flags, group: Sequence[str] | None = None, *, draws: int = 1000, seed: int = 0
) -> dict[str, Figure]:
    """`MEASURES` with 95 % intervals. Scores are higher where manipulated; NaN when a class is empty."""
    ranked = Ranked(scores, manipulated)
    return with_intervals(ranked.figures(), ranked.figures, resamples(manipulated, group, draws, seed))


def at_chance(auc: float, used: tuple[int, int], every: tuple[int, int]) -> float:
    """The AUC when every pair with an item that was not scored counts as one half.

    Args:
        auc: over the scored items; ignored when a class has none of them.
        used: genuine and manipulated items that were scored.
        every: genuine and manipulated items of the set.

    Returns:
        NaN when a class has no item at all.
    """
    pairs, scored = every[0] * every[1], used[0] * used[1]
    if not pairs:
        return float("nan")
    return ((auc * scored if scored else 0.0) + 0.5 * (pairs - scored)) / pairs
