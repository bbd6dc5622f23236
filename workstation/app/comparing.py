"""Two frames against each other, pixel by pixel. Nothing is stretched to the frame: ranges are fixed and named."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workstation.domain.errors import InputError
from workstation.domain.media import RgbArray

RANGES = (255, 64, 16)
"""Upper ends that a difference can be shown up to; what is larger is drawn as the end."""
Levels = npt.NDArray[np.uint8]


def difference(one: RgbArray, other: RgbArray) -> Levels:
    """The largest absolute difference of red, green and blue for each pixel.

    Args:
        one, other: (height, width, 3) uint8 of one shape of picture. Another size of the same shape is brought to the
            size of ``one`` first, by area averages when it is larger and bilinear when it is smaller.

    Returns:
        (height, width) uint8, 0..255.

    Raises:
        InputError: the pictures differ in shape, so that no pixel has its counterpart.
    """
    rows, columns = one.shape[:2]
    if one.shape != other.shape:
        there_rows, there_columns = other.shape[:2]
        if abs(there_rows * columns - rows * there_columns) > max(columns, there_columns):
            raise InputError(
                f"A is {columns} × {rows} and B {there_columns} × {there_rows} pixels: they have no pixels in common.",
                "Compare frames of one shape, or use blink or wipe.",
            )
        import cv2

        smaller = there_rows < rows
        way = cv2.INTER_LINEAR if smaller else cv2.INTER_AREA
        other = np.asarray(cv2.resize(other, (columns, rows), interpolation=way), np.uint8)
    larger, lesser = np.maximum(one, other), np.minimum(one, other)
    apart = np.subtract(larger, lesser, out=larger)
    return np.asarray(np.maximum(np.maximum(apart[..., 0], apart[..., 1]), apart[..., 2]))


def in_range(levels: Levels, most: int) -> Levels:
    """The difference as grey: black 0, white ``most`` and more.

    Args:
        levels: (height, width) uint8. ``most``: one of ``RANGES``.
    """
    if most not in RANGES:
        raise ValueError(f"{most} is no range of a difference")
    table = np.minimum(np.rint(np.arange(256) * (255 / most)), 255).astype(np.uint8)
    return np.asarray(table[levels], np.uint8)
