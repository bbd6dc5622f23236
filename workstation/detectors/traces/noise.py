"""Level and shape of the noise: a pasted part keeps the noise of its own camera, size and compression."""

from __future__ import annotations

import numpy as np

from workstation.detectors.traces.regions import Planes, Table
from workstation.detectors.traces.view import View, stacked

NAMES = ("level", "axis_level", "peakedness", "evenness", "direction")
# About the variance that rounding to whole grey levels leaves.
_FLOOR = 0.05


def planes(view: View) -> Planes:
    """(5, n, n): second and fourth moment and mean size of the residual, second moments along rows and columns."""
    square = view.fine * view.fine
    return stacked(square, square * square, np.abs(view.fine), view.across * view.across, view.down * view.down)


def describe(mean: Table) -> Table:
    """(..., 5) means to (..., 5): logarithms of both levels, kurtosis, evenness and the ratio of directions."""
    second, fourth, size, across, down = np.moveaxis(mean, -1, 0)
    second = second + _FLOOR
    found = (
        np.log(second),
        np.log(across + down + 2 * _FLOOR),
        np.log((fourth + 3 * _FLOOR**2) / second**2),
        np.log((size + 0.8 * _FLOOR**0.5) ** 2 / second),
        np.log((across + _FLOOR) / (down + _FLOOR)),
    )
    return np.stack(found, axis=-1)
