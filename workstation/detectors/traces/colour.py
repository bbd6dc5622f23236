"""Noise of the colours: how loud it is beside that of the grey, and how far the channels' noise goes together, which a
camera's demosaicing, its processing and colour subsampling set for the whole picture."""

from __future__ import annotations

import cv2
import numpy as np

from workstation.detectors.traces.regions import Planes, Table
from workstation.detectors.traces.view import View, stacked

NAMES = ("red_chroma", "blue_chroma", "red_green", "green_blue", "chroma_slope")
_FLOOR = 0.05


def planes(view: View) -> Planes:
    """(8, n, n): moments of the channels' residuals and of what is left of the chroma."""
    red, green, blue = (np.ascontiguousarray(view.fine_rgb[..., channel]) for channel in range(3))
    chroma = [np.ascontiguousarray(view.rgb[..., channel]) - view.grey for channel in (0, 2)]
    left = [plane - cv2.GaussianBlur(plane, (0, 0), 1.4) for plane in chroma]
    return stacked(
        red * red,
        green * green,
        blue * blue,
        red * green,
        green * blue,
        left[0] * left[0],
        left[1] * left[1],
        (view.across + view.down) ** 2,
    )


def describe(mean: Table) -> Table:
    """(..., 8) means to (..., 5)."""
    red, green, blue, rg, gb, cr, cb, grey = np.moveaxis(mean, -1, 0)
    found = (
        np.log((cr + _FLOOR) / (grey + _FLOOR)),
        np.log((cb + _FLOOR) / (grey + _FLOOR)),
        (rg + _FLOOR) / np.sqrt((red + _FLOOR) * (green + _FLOOR)),
        (gb + _FLOOR) / np.sqrt((green + _FLOOR) * (blue + _FLOOR)),
        np.log((cr + _FLOOR) / (cb + _FLOOR)),
    )
    return np.stack(found, axis=-1)
