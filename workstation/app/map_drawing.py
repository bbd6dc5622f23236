"""A fakeness map as colours and lines, for the window and for exported frames (3.4)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from workstation.domain.geometry import Affine, Point
from workstation.domain.map_scale import Look, MapColours
from workstation.domain.reports import BurnLine

Line = npt.NDArray[np.float32]


@lru_cache(maxsize=4)
def colour_table(colours: MapColours) -> npt.NDArray[np.uint8]:
    """(256, 3) RGB for the values 0, 1/255 ... 1; read-only."""
    steps = np.arange(256, dtype=np.uint8)
    if colours is MapColours.GREY:
        table = np.repeat(steps[:, None], 3, axis=1)
    else:
        import cv2

        bgr = np.asarray(cv2.applyColorMap(steps[:, None], cv2.COLORMAP_CIVIDIS), np.uint8)
        table = np.ascontiguousarray(bgr[:, 0, ::-1])
    table.flags.writeable = False
    return table


def level_lines(values: npt.NDArray[np.floating], level: float) -> tuple[Line, ...]:
    """Where the map crosses ``level``, by marching squares between map pixels.

    Args:
        values: (rows, columns) in 0..1; NaN where there is no map.
        level: 0..1.

    Returns:
        Polylines, each (n, 2) float32 of x and y in map pixels, centres at whole numbers; closed ones end where they
        begin.
    """
    from skimage.measure import find_contours

    grown = np.asarray(values, dtype=np.float32)
    found = find_contours(grown, level)  # type: ignore[no-untyped-call]  # scikit-image has no types
    return tuple(np.ascontiguousarray(line[:, ::-1], dtype=np.float32) for line in found)


def frame_lines(
    values: npt.NDArray[np.floating], crop_from_frame: Affine, crop_size: int, look: Look
) -> list[BurnLine]:
    """The lines of a look in a map over the whole crop, in frame pixels.

    Args:
        values: (side, side) in 0..1. ``crop_from_frame``: frame pixels to pixels of the crop of ``crop_size``.
    """
    back, k = crop_from_frame.inverse(), crop_size / values.shape[0]
    made: list[BurnLine] = []
    for level in look.levels:
        for line in level_lines(values, level):
            crop = (line + 0.5) * k - 0.5
            there = [back.apply(Point(float(x), float(y))) for x, y in crop]
            points = np.array([(point.x, point.y) for point in there], np.float32)
            made.append(BurnLine(points, level, dotted=level != look.threshold))
    return made
