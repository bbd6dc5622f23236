"""Where the organs of a face lie in its crop, drawn from the five landmarks alone.

Five points say where the organs are and not how they are shaped, so every region is an upright ellipse turned with the
line of the eyes; its axes are shares of the distance between the eyes. Shapes and shares are our own choice: the
publications that use such regions (FakeLocator, arXiv 2001.09598; ADDNet, arXiv 2101.01456) take them from a face
parser or from dense landmarks and print no sizes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.errors import LandmarksUnusable
from workstation.domain.geometry import Point

RegionMask = npt.NDArray[np.float32]
ORGANS = ("left_eye", "right_eye", "nose", "mouth")
REGIONS = (*ORGANS, "face")

_SOFT = 0.06


@dataclass(frozen=True, slots=True)
class Ellipse:
    """``x``, ``y`` of the centre, ``across`` and ``down`` half axes in pixels, ``tilt`` in degrees."""

    x: float
    y: float
    across: float
    down: float
    tilt: float


@dataclass(frozen=True, slots=True)
class FaceLayout:
    """Ellipses of the organs and of the whole face, in the order of `REGIONS`, and the distance of the eyes in pixels
    (at least 1)."""

    ellipses: Mapping[str, Ellipse]
    apart: float

    @property
    def softness(self) -> float:
        """Sigma in pixels of the blur that softens the regions' edges."""
        return max(0.5, _SOFT * self.apart)


def face_layout(landmarks: Sequence[Point], crop_size: int, side: int) -> FaceLayout:
    """Place the regions of one face.

    Args:
        landmarks: eye, eye, nose tip, mouth corner, mouth corner in pixels of the crop, the picture's left first.
        crop_size: side of the crop in pixels.
        side: side in pixels of the square the ellipses are for; both cover the same square.

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
    places = {
        "left_eye": (eye, 0.42, 0.34),
        "right_eye": (other, 0.42, 0.34),
        "nose": ((eyes + 2 * nose) / 3, 0.3, 0.45),
        "mouth": (mouth, 0.6, 0.34),
        "face": ((eyes + mouth) / 2, 1.15, 1.6),
    }
    ellipses = {
        name: Ellipse(float(centre[0]), float(centre[1]), across * apart, down * apart, tilt)
        for name, (centre, across, down) in places.items()
    }
    return FaceLayout(MappingProxyType(ellipses), apart)


def fill(canvas: RegionMask, ellipse: Ellipse, value: float) -> None:
    """Set the pixels of ``canvas`` (height, width) float32 inside the ellipse to ``value``."""
    # Landmarks may lie far outside the crop; OpenCV draws in 32-bit numbers.
    x, y = np.clip((ellipse.x, ellipse.y), -1e5, 1e5)
    reach = tuple(max(1, round(min(axis, 1e5))) for axis in (ellipse.across, ellipse.down))
    cv2.ellipse(canvas, (round(float(x)), round(float(y))), reach, ellipse.tilt, 0, 360, value, -1)


def soften(canvas: RegionMask, sigma: float) -> RegionMask:
    """Blur with a Gaussian of ``sigma`` pixels, at most the canvas's own side, and clip to 0..1."""
    # Eyes far outside the crop would ask for a kernel that no memory holds.
    held = min(sigma, float(max(canvas.shape)))
    return np.asarray(np.clip(cv2.GaussianBlur(canvas, (0, 0), held), 0, 1), np.float32)


def organ_regions(landmarks: Sequence[Point], crop_size: int, side: int) -> Mapping[str, RegionMask]:
    """Soft masks of the organs and of the whole face.

    Args:
        landmarks: eye, eye, nose tip, mouth corner, mouth corner in pixels of the crop, the picture's left first.
        crop_size: side of the crop in pixels.
        side: side of the masks in pixels; both cover the same square.

    Returns:
        For each of `REGIONS` ("left_eye" is the one on the picture's left) a mask (side, side) float32 in 0..1, 1
        inside. "face" covers the organs too.

    Raises:
        LandmarksUnusable: a landmark is not a finite number.
    """
    layout = face_layout(landmarks, crop_size, side)
    masks: dict[str, RegionMask] = {}
    for name, ellipse in layout.ellipses.items():
        canvas = np.zeros((side, side), np.float32)
        fill(canvas, ellipse, 1.0)
        masks[name] = soften(canvas, layout.softness)
    return MappingProxyType(masks)
