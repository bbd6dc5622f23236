"""One crop prepared once for all features: grey, colour, and what is left of them after a high-pass."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from workstation.detectors.traces.regions import CELL, Parts, Planes, parts_of
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine

Plane = npt.NDArray[np.float32]

# Difference of two Laplacians (Immerkaer, "Fast noise variance estimation", CVIU 64(2), 1996): blind to slopes and
# curves, so that what is left is mostly noise. Divided so that white noise of spread 1 keeps spread 1.
_FINE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
_SECOND = np.array([[1, -2, 1]], np.float32) / np.sqrt(np.float32(6))


@dataclass(frozen=True, slots=True)
class View:
    """What the features read.

    Attributes:
        rgb: (side, side, 3) float32 in 0..255.
        grey: (side, side) float32 in 0..255.
        fine: (side, side) residual of ``grey``.
        fine_rgb: (side, side, 3) residual of each channel.
        across, down: second differences of ``grey`` along rows and along columns.
        crop_from_frame: frame pixels to crop pixels, by which traces of the frame's own grid are found.
    """

    rgb: Plane
    grey: Plane
    fine: Plane
    fine_rgb: Plane
    across: Plane
    down: Plane
    parts: Parts
    crop_from_frame: Affine

    @property
    def cells(self) -> int:
        return int(self.grey.shape[0]) // CELL


def view_of(crop: FaceCrop) -> View:
    """Prepare a crop whose side is a multiple of `CELL`. Raises: LandmarksUnusable."""
    rgb = crop.rgb.astype(np.float32)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    fine_rgb = cv2.filter2D(rgb, cv2.CV_32F, _FINE, borderType=cv2.BORDER_REFLECT)
    return View(
        rgb,
        np.asarray(grey, np.float32),
        np.asarray(cv2.cvtColor(fine_rgb, cv2.COLOR_RGB2GRAY), np.float32),
        np.asarray(fine_rgb, np.float32),
        np.asarray(cv2.filter2D(grey, cv2.CV_32F, _SECOND, borderType=cv2.BORDER_REFLECT), np.float32),
        np.asarray(cv2.filter2D(grey, cv2.CV_32F, _SECOND.T, borderType=cv2.BORDER_REFLECT), np.float32),
        parts_of(crop),
        crop.crop_from_frame,
    )


def pooled(plane: Plane) -> Plane:
    """Means over the cells of a plane: (side, side) to (n, n)."""
    n = plane.shape[0] // CELL
    return np.asarray(cv2.resize(plane, (n, n), interpolation=cv2.INTER_AREA), np.float32)


def stacked(*planes: Plane) -> Planes:
    """Cell means of several planes: (k, n, n)."""
    return np.stack([pooled(plane) for plane in planes])
