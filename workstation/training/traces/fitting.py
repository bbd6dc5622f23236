"""Fitting the fusion: standards from genuine faces, one logistic regression for each part, one on top.

The regression on top is fitted on verdicts about people whom the parts' regressions had not seen, or it would trust
them too much.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from workstation.detectors.traces.features import CONTEXT_NAMES, GROUPS, NAMES, WHOLE_NAMES
from workstation.detectors.traces.fusion import Fusion, Standard, bent, joined, signed_and_size
from workstation.detectors.traces.regions import PARTS
from workstation.domain.errors import InputError
from workstation.training.traces.table import Rows, Table

_FOLDS = 4
_SMALLEST_SCALE = 1e-3
_RIDGE = 1e-2
_SHRUNK = 0.1
# Share of genuine training crops that may score above the middle of the scale, for the score and for every part.
_RARE = 0.1


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to fit.

    Attributes:
        groups: of features that are used; the weights of the others are zero.
        strength: inverse of the ridge penalty of the parts' regressions (scikit-learn's ``C``).
        top_strength: of the regression on top.
        signed, sized, turned: use which way a number stands out, how far whichever way, and how far after what goes
            together among genuine faces was taken apart.
    """

    groups: Collection[str] = GROUPS
    strength: float = 0.003
    top_strength: float = 0.03
    signed: bool = True
    sized: bool = True
    turned: bool = True


def fit(rows: Rows, recipe: Recipe | None = None) -> Fusion:
    """Fit a fusion on training people. Raises: InputError when a class is missing."""
    recipe = recipe or Recipe()
    if not len(rows.pair) or set(np.unique(rows.manipulated)) != {0, 1}:
        raise InputError("A fit needs genuine and manipulated crops.", "Measure more pictures.")
    fold = _folds(rows.person)
    verdicts = np.zeros((len(rows.pair), len(PARTS) + 2))
    for number in range(_FOLDS):
        part = _fit_parts(rows.where(fold != number), recipe)
        verdicts[fold == number] = verdicts_of(part, rows.where(fold == number))
    network = _fit_parts(rows, recipe)
    weight, _ = _regression(verdicts, rows.manipulated, recipe.top_strength)
    with torch.no_grad():
        network.score_weight.copy_(torch.from_numpy(weight))
        genuine = rows.manipulated == 0
        place = bent(network.place_of(torch.from_numpy(rows.context[genuine]))).double().numpy()
        slope = _slope(place, verdicts[genuine] @ weight)
        network.score_slope.copy_(torch.from_numpy(slope))
        network.score_bias.fill_(-float(np.quantile(verdicts[genuine] @ weight - place @ slope, 1 - _RARE)))
    return network


def scores(network: Fusion, rows: Rows) -> tuple[Table, Table]:
    """Logits of the score (N,) and of the parts (N, 5)."""
    with torch.inference_mode():
        score, parts = network(*_tensors(rows))
    return score.double().numpy(), parts.double().numpy()


def verdicts_of(network: Fusion, rows: Rows) -> Table:
    """What the regression on top is given: (N, 7)."""
    with torch.inference_mode():
        parts, whole, context = _tensors(rows)
        place = network.place_of(context)
        return joined(network.parts_of(parts, place), network.rest_of(whole, place)).double().numpy()


def _fit_parts(rows: Rows, recipe: Recipe) -> Fusion:
    network = Fusion()
    genuine = rows.where(rows.manipulated == 0)
    parts, whole, context = _tensors(rows)
    with torch.no_grad():
        network.context_mean.copy_(torch.from_numpy(np.nanmean(genuine.context, axis=0)))
        network.context_scale.copy_(torch.from_numpy(np.nanstd(genuine.context, axis=0) + _SMALLEST_SCALE))
        own_place = network.place_of(torch.from_numpy(genuine.context))
        own = own_place.double().numpy()
        for number in range(len(PARTS)):
            _standardise(network.part, (number,), genuine.parts[:, number].astype(np.float64), own)
        _standardise(network.whole, (), genuine.whole.astype(np.float64), own)
        plain = network.part(torch.from_numpy(genuine.parts), own_place).double().numpy()
        chosen = np.array([group in recipe.groups for group, _ in NAMES])
        for number in range(len(PARTS)):
            network.turn[number] = torch.from_numpy(_whitening(plain[:, number], chosen))
        place = network.place_of(context)
        seen = network.inputs_of(parts, place).double().numpy()
        used = np.concatenate([_used(NAMES, recipe), chosen * recipe.turned])
        for number in range(len(PARTS)):
            known = rows.labels[:, number] >= 0
            x, y = seen[known, number] * used, rows.labels[known, number]
            weight, _ = _regression(x, y, recipe.strength)
            network.part_weight[number] = torch.from_numpy(weight * used)
            plain_logits = seen[rows.manipulated == 0, number] @ (weight * used)
            network.part_bias[number] = -float(np.quantile(plain_logits, 1 - _RARE))
        used = _used(WHOLE_NAMES, recipe)
        x = signed_and_size(network.whole(whole, place)).double().numpy() * used
        weight, bias = _regression(x, rows.manipulated, recipe.strength)
        network.whole_weight.copy_(torch.from_numpy(weight * used))
        network.whole_bias.fill_(bias)
    return network


def _standardise(standard: Standard, at: tuple[int, ...], values: Table, context: Table) -> None:
    """Least squares on context with a small ridge; mean and spread of the rest, without the outermost hundredths."""
    for column in range(values.shape[1]):
        known = np.isfinite(values[:, column])
        if known.sum() < 2 * len(CONTEXT_NAMES):
            continue
        y, x = values[known, column], context[known]
        low, high = np.quantile(y, [0.01, 0.99])
        y = y.clip(low, high)
        middle = x.mean(axis=0)
        x = x - middle
        slope = _slope(x, y)
        left = y - x @ slope
        standard.mean[(*at, column)] = float(left.mean() - middle @ slope)
        standard.scale[(*at, column)] = max(float(left.std()), _SMALLEST_SCALE)
        standard.slope[(*at, column)] = torch.from_numpy(slope)


def _whitening(found: Table, chosen: npt.NDArray[np.bool_]) -> Table:
    """(D, D): the chosen columns turned and scaled so that genuine faces have spread 1 whichever way; the others 0."""
    turn = np.zeros((len(chosen), len(chosen)))
    some = found[:, chosen]
    if not some.shape[1]:
        return turn
    covariance = np.cov(some.T).reshape(some.shape[1], -1)
    values, vectors = np.linalg.eigh((1 - _SHRUNK) * covariance + _SHRUNK * np.eye(some.shape[1]))
    turn[np.ix_(chosen, chosen)] = vectors / np.sqrt(values)
    return turn


def _slope(x: Table, y: Table) -> Table:
    """Least squares with a small ridge, apart from the means."""
    centred = x - x.mean(axis=0)
    gram = centred.T @ centred + _RIDGE * len(x) * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(gram, centred.T @ (y - y.mean())), np.float64)


def _regression(x: Table, y: npt.NDArray[np.int64], strength: float) -> tuple[Table, float]:
    """Weights and bias; zeros when there is nothing to tell apart."""
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(y)) < 2 or not np.any(x):
        return np.zeros(x.shape[1]), 0.0
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=200, solver="newton-cholesky")
    model.fit(x, y)
    return np.asarray(model.coef_[0], np.float64), float(model.intercept_[0])


def _used(names: Sequence[tuple[str, str]], recipe: Recipe) -> Table:
    chosen = np.array([group in recipe.groups for group, _ in names], np.float64)
    return np.concatenate([chosen * recipe.signed, chosen * recipe.sized])


def _folds(person: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A fold for every person, the same for all of a person's rows."""
    return (person * 2654435761 % 2**32) // 2**16 % _FOLDS


def _tensors(rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
    return torch.from_numpy(rows.parts), torch.from_numpy(rows.whole), torch.from_numpy(rows.context)


def only(recipe: Recipe, *groups: str) -> Recipe:
    """The recipe with these groups alone."""
    return replace(recipe, groups=groups)


def without(recipe: Recipe, group: str) -> Recipe:
    """The recipe with all its groups but one."""
    return replace(recipe, groups=tuple(name for name in recipe.groups if name != group))
