"""Placing a fakeness map on the frame its crop was cut from (U1: what is drawn lies where it was measured)."""

from __future__ import annotations

import math

import cv2
import numpy as np

from workstation.domain.detectors import MapArray
from workstation.domain.geometry import Affine, Point
from workstation.domain.results import FakenessMap


def map_from_crop(map_side: int, crop_size: int) -> Affine:
    """Crop pixels to map pixels. Both cover the same square; a pixel's centre is at its integer index, so the scale
    k = map_side / crop_size comes with a shift of (k - 1) / 2."""
    k = map_side / crop_size
    return Affine(k, 0.0, (k - 1) / 2, 0.0, k, (k - 1) / 2)


def map_on_frame(fakeness: FakenessMap, height: int, width: int, *, crop_size: int | None = None) -> MapArray:
    """Resample a map into frame coordinates, bilinear.

    Args:
        fakeness: the map over the whole crop, and the map from frame pixels to crop pixels.
        height, width: of the frame as shown, in pixels.
        crop_size: side of the crop that ``fakeness.crop_from_frame`` points into; by default the side of the map.

    Returns:
        (height, width) float32, the map's own range inside the crop, NaN outside it. The crop's border is half a pixel
        outside its outermost pixel centres.

    Raises:
        ValueError: the map is not square, or the frame has no pixels.
    """
    values = np.ascontiguousarray(fakeness.values, dtype=np.float32)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or values.size == 0:
        raise ValueError(f"a fakeness map is (side, side), not {values.shape}")
    if height < 1 or width < 1:
        raise ValueError(f"a frame of {width} x {height} pixels has no place for a map")
    side = values.shape[0]
    transform = fakeness.crop_from_frame
    if crop_size is not None and crop_size != side:
        transform = transform.then(map_from_crop(side, crop_size))
    placed = np.full((height, width), np.nan, dtype=np.float32)
    x0, y0, x1, y1 = _reach(transform, side, height, width)
    if x0 >= x1 or y0 >= y1:
        return placed
    matrix = Affine(1.0, 0.0, x0, 0.0, 1.0, y0).then(transform).matrix
    warped = cv2.warpAffine(
        values,
        matrix,
        (x1 - x0, y1 - y0),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    xs, ys = np.meshgrid(np.arange(x1 - x0), np.arange(y1 - y0))
    u = matrix[0, 0] * xs + matrix[0, 1] * ys + matrix[0, 2]
    v = matrix[1, 0] * xs + matrix[1, 1] * ys + matrix[1, 2]
    # A hair of slack: rounding must not eat a border that falls exactly on a pixel centre.
    low, high = -0.5 - 1e-9, side - 0.5 + 1e-9
    inside = (u >= low) & (u <= high) & (v >= low) & (v <= high)
    placed[y0:y1, x0:x1] = np.where(inside, warped, np.nan)
    return placed


def _reach(transform: Affine, side: int, height: int, width: int) -> tuple[int, int, int, int]:
    """The part of the frame the crop touches: first column and row, and one past the last."""
    back = transform.inverse()
    corners = [back.apply(Point(x, y)) for x in (-0.5, side - 0.5) for y in (-0.5, side - 0.5)]
    x0 = max(0, math.floor(min(p.x for p in corners)))
    y0 = max(0, math.floor(min(p.y for p in corners)))
    x1 = min(width, math.ceil(max(p.x for p in corners)) + 1)
    y1 = min(height, math.ceil(max(p.y for p in corners)) + 1)
    return x0, y0, x1, y1
