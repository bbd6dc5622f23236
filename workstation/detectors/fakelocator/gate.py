"""Region masks that take the place of a face parser's map in FakeLocator's encoder (arXiv 2001.09598, section 3.3).

The paper multiplies the map of a face-parsing network into mid-level features. No such network ships with this
program; the regions are drawn from the five landmarks instead, which is a coarser gate and our own choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.errors import LandmarksUnusable
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point

Gate = npt.NDArray[np.float32]
GATES = ("none", "organs")

_ORGAN, _FACE, _AROUND = 1.0, 0.6, 0.2


def organ_gate(landmarks: Sequence[Point], crop_size: int, side: int) -> Gate:
    """Draw the regions of one crop: organs 1, rest of the face 0.6, everything around it 0.2, with soft edges.

    Args:
        landmarks: eye, eye, nose tip, mouth corner, mouth corner in pixels of the crop.
        crop_size: side of the crop in pixels.
        side: side of the gate in pixels; both cover the same square.

    Returns:
        (side, side) float32 in 0..1.

    Raises:
        LandmarksUnusable: a landmark is not a finite number.
    """
    k = side / crop_size
    eye, other, nose, corner, far = (np.array([p.x, p.y]) * k + (k - 1) / 2 for p in landmarks)
    if not np.isfinite([eye, other, nose, corner, far]).all():
        raise LandmarksUnusable("The face's five points are not usable numbers.", "The face is left out.")
    apart = max(1.0, float(np.hypot(*(other - eye))))
    tilt = math.degrees(math.atan2(*(other - eye)[::-1]))
    eyes, mouth = (eye + other) / 2, (corner + far) / 2
    gate = np.full((side, side), _AROUND, np.float32)
    _ellipse(gate, (eyes + mouth) / 2, (1.15 * apart, 1.6 * apart), tilt, _FACE)
    for place, across, down in ((eye, 0.42, 0.34), (other, 0.42, 0.34), ((eyes + 2 * nose) / 3, 0.3, 0.45)):
        _ellipse(gate, place, (across * apart, down * apart), tilt, _ORGAN)
    _ellipse(gate, mouth, (0.6 * apart, 0.34 * apart), tilt, _ORGAN)
    return np.asarray(np.clip(cv2.GaussianBlur(gate, (0, 0), max(0.5, 0.06 * apart)), 0, 1), np.float32)


def organ_gates(crops: Sequence[FaceCrop], side: int) -> Gate:
    """Gates of a batch: (N, 1, side, side) float32. Raises: LandmarksUnusable."""
    return np.stack([organ_gate(crop.landmarks, crop.size, side) for crop in crops])[:, None]


def _ellipse(gate: Gate, centre: npt.NDArray[np.float64], axes: tuple[float, float], tilt: float, value: float) -> None:
    # Landmarks may lie far outside the crop; OpenCV draws in 32-bit numbers.
    x, y = np.clip(centre, -1e5, 1e5)
    reach = tuple(max(1, round(min(axis, 1e5))) for axis in axes)
    cv2.ellipse(gate, (round(float(x)), round(float(y))), reach, tilt, 0, 360, value, -1)
