"""The parts of a face that are compared with one another, as weights over the cells of a crop.

Five parts are asked about: the four organs and the inner face. Each is compared with the skin around it, and the organs
with one another. Shapes are the ellipses of `workstation.faces.organs`, grown or shrunk; shares are our own choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from workstation.domain.faces import FaceCrop
from workstation.faces.organs import ORGANS, REGIONS, face_layout

Planes = npt.NDArray[np.float32]
Table = npt.NDArray[np.float64]

CELL = 8
PARTS = REGIONS
TWIN = {"left_eye": "right_eye", "right_eye": "left_eye", "nose": "mouth", "mouth": "nose"}
# Edges of the rings around a part, in units of its own half axes.
RINGS = (0.4, 0.65, 0.85, 1.0, 1.15, 1.35, 1.65)
_AROUND, _AROUND_FACE = (1.2, 2.0), (1.05, 1.5)
_INNER = 0.85
_LEAST_CELLS = 3.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Weights over the cells of a crop, each row summing to 1, or all zero where too little of a part is in the frame.

    Attributes:
        inside: (5, n, n) of the parts themselves, in the order of `PARTS`.
        around: (5, n, n) of the skin around each.
        rings: (5, 6, n, n) concentric rings over each part's edge.
        outward: (5, 2, n, n) unit vectors (x, y) away from each part's centre.
        held: (n, n) 1 where the cell lies wholly in the frame, else 0.
    """

    inside: Planes
    around: Planes
    rings: Planes
    outward: Planes
    held: Planes


def parts_of(crop: FaceCrop) -> Parts:
    """Lay the parts out on one crop. Raises: LandmarksUnusable when a landmark is not a finite number."""
    n = crop.size // CELL
    held = _held(crop, n)
    layout = face_layout(crop.landmarks, crop.size, 2 * n)
    ys, xs = np.mgrid[: 2 * n, : 2 * n].astype(np.float32)
    reach, ways = [], []
    for name in PARTS:
        ellipse = layout.ellipses[name]
        turn = math.radians(ellipse.tilt)
        dx, dy = xs - ellipse.x, ys - ellipse.y
        along = (dx * math.cos(turn) + dy * math.sin(turn)) / max(ellipse.across, 1.0)
        down = (dy * math.cos(turn) - dx * math.sin(turn)) / max(ellipse.down, 1.0)
        reach.append(np.hypot(along, down))
        far = np.maximum(np.hypot(dx, dy), 1e-6)
        ways.append(np.stack([dx / far, dy / far]))
    radius, outward = np.stack(reach), np.stack(ways)
    organs = radius[: len(ORGANS)]
    skin = (organs > 1.1).all(axis=0) & (radius[-1] < 1.0)
    inside, around, rings = [], [], []
    for number, name in enumerate(PARTS):
        whole = name == "face"
        low, high = _AROUND_FACE if whole else _AROUND
        ring = (radius[number] > low) & (radius[number] < high)
        inside.append(radius[number] < (_INNER if whole else 1.0))
        around.append(ring if whole else ring & skin)
        others = np.ones_like(ring) if whole else (np.delete(organs, number, axis=0) > 1.0).all(axis=0)
        rings.append([(radius[number] >= a) & (radius[number] < b) & others for a, b in pairwise(RINGS)])
    return Parts(
        _weights(np.array(inside), held),
        _weights(np.array(around), held),
        _weights(np.array(rings), held),
        np.asarray(_halved(outward), np.float32),
        held,
    )


def _held(crop: FaceCrop, n: int) -> Planes:
    """Cells without a pixel of the black that stands for "outside the frame", nor next to one."""
    seen = crop.rgb[: n * CELL, : n * CELL].any(axis=-1)
    full = np.atleast_2d(seen.reshape(n, CELL, n, CELL).all(axis=(1, 3)))
    # Black inside a face is a pupil or a shadow; the frame's end is a straight run from the crop's border.
    outside = ~full & _reached(~full)
    padded = np.pad(outside, 1)
    near = [padded[1 + dy : 1 + dy + n, 1 + dx : 1 + dx + n] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return np.asarray(~np.logical_or.reduce(near), np.float32)


def _reached(black: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which black cells are joined to the border by black cells of their own row or column."""
    runs = [np.logical_and.accumulate(black, axis=axis) for axis in (0, 1)]
    runs += [np.flip(np.logical_and.accumulate(np.flip(black, axis), axis=axis), axis) for axis in (0, 1)]
    return np.asarray(np.logical_or.reduce(runs))


def _halved(planes: npt.NDArray[Any]) -> Table:
    n = planes.shape[-1] // 2
    fine: Table = np.asarray(planes, np.float64).reshape(*planes.shape[:-2], n, 2, n, 2)
    return np.asarray(fine.mean(axis=(-3, -1)), np.float64)


def _weights(chosen: npt.NDArray[np.bool_], held: Planes) -> Planes:
    share = _halved(chosen) * held
    total = share.sum(axis=(-2, -1), keepdims=True)
    return np.asarray(np.where(total >= _LEAST_CELLS, share / np.maximum(total, 1e-9), 0.0), np.float32)


def means(weights: Planes, planes: Planes) -> Table:
    """Weighted means of k cell planes over parts: (..., n, n) and (k, n, n) to (..., k), NaN where a part is empty."""
    flat = weights.reshape(-1, weights.shape[-2] * weights.shape[-1]).astype(np.float64)
    found = flat @ planes.reshape(len(planes), -1).astype(np.float64).T
    found[flat.sum(axis=1) < 0.5] = np.nan
    return np.asarray(found.reshape(*weights.shape[:-2], len(planes)), np.float64)
