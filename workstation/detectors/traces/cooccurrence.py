"""How often neighbouring residuals go together (after Fridrich and Kodovsky, "Rich models for steganalysis", IEEE TIFS
7(3), 2012, section II, cut down to pairs).

Residuals are quantised in steps of the crop's own mean residual, so that a louder or sharper picture gives the same
table.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workstation.detectors.traces.regions import CELL, Planes, Table
from workstation.detectors.traces.view import Plane, View

# Pairs (a, b) of -2..2 fall together with (b, a) and (-a, -b).
_LEVELS = 2
_STEP = 0.7


def _classes() -> tuple[npt.NDArray[np.intp], tuple[str, ...]]:
    side = 2 * _LEVELS + 1
    names: dict[tuple[int, int], int] = {}
    table = np.zeros((side, side), np.intp)
    for a in range(-_LEVELS, _LEVELS + 1):
        for b in range(-_LEVELS, _LEVELS + 1):
            key = max((a, b), (b, a), (-a, -b), (-b, -a))
            table[a + _LEVELS, b + _LEVELS] = names.setdefault(key, len(names))
    return table.ravel(), tuple(f"{a}_{b}" for a, b in names)


_CLASS, _PAIRS = _classes()
COUNT = len(_PAIRS)
NAMES = tuple(f"{way}_{pair}" for way in ("along", "beside") for pair in _PAIRS)
_FLOOR = 0.01


def planes(view: View) -> Planes:
    """(18, n, n): share of each class of pairs, along the residual's own direction and beside it."""
    n = view.cells
    across, down = _quantised(view.across), _quantised(view.down)
    along = _counted(across[:, :-1], across[:, 1:], n) + _counted(down[:-1], down[1:], n)
    beside = _counted(across[:-1], across[1:], n) + _counted(down[:, :-1], down[:, 1:], n)
    return np.asarray(np.concatenate([along, beside]) / np.float32(2 * CELL * CELL), np.float32)


def _quantised(residual: Plane) -> npt.NDArray[np.int16]:
    step = max(_STEP * float(np.abs(residual).mean()), 0.2)
    return np.asarray(np.clip(np.rint(residual / step), -_LEVELS, _LEVELS) + _LEVELS, np.int16)


def _counted(one: npt.NDArray[np.int16], two: npt.NDArray[np.int16], n: int) -> Planes:
    pair = one * (2 * _LEVELS + 1) + two
    height, width = pair.shape
    row, column = np.minimum(np.arange(height) // CELL, n - 1), np.minimum(np.arange(width) // CELL, n - 1)
    place = (row[:, None] * n + column[None, :]) * COUNT + _CLASS[pair]
    found = np.bincount(place.ravel(), minlength=n * n * COUNT).reshape(n, n, COUNT)
    return np.asarray(found.transpose(2, 0, 1), np.float32)


def describe(mean: Table) -> Table:
    """(..., 18) shares to (..., 18) logarithms."""
    return np.asarray(np.log(mean + _FLOOR))
