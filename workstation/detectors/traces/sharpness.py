"""How detail is spread over scales. Only differences between parts of one face are used: that a whole picture is soft
or crisp says nothing."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from workstation.detectors.traces.regions import Planes, Table
from workstation.detectors.traces.view import View, stacked

NAMES = ("finest_to_fine", "fine_to_middle", "middle_to_coarse", "laplacian_to_slope", "coarse")
_SIGMAS = (0.7, 1.4, 2.8, 5.6)
_FLOOR = 0.05


def planes(view: View) -> Planes:
    """(6, n, n): energy of four bands, of the Laplacian and of the slope."""
    soft = [view.grey, *(cv2.GaussianBlur(view.grey, (0, 0), sigma) for sigma in _SIGMAS)]
    bands = [(a - b) ** 2 for a, b in pairwise(soft)]
    laplacian = view.across + view.down
    x, y = cv2.Sobel(soft[1], cv2.CV_32F, 1, 0), cv2.Sobel(soft[1], cv2.CV_32F, 0, 1)
    return stacked(*bands, laplacian * laplacian, np.asarray((x * x + y * y) / 64, np.float32))


def describe(mean: Table) -> Table:
    """(..., 6) means to (..., 5): logarithms of the ratios of neighbouring bands, and of the coarsest band."""
    logs = np.log(mean + _FLOOR)
    found = (
        logs[..., 0] - logs[..., 1],
        logs[..., 1] - logs[..., 2],
        logs[..., 2] - logs[..., 3],
        logs[..., 4] - logs[..., 5],
        logs[..., 3],
    )
    return np.stack(found, axis=-1)
