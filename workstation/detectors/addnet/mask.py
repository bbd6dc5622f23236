"""The soft organ mask that multiplies ADDNet's picture and features (arXiv 2101.01456, figure of the mask).

In the figure the organs (eyes with brows, nose, mouth) are brightest, the rest of the face is darker and the background
is near black, all with soft edges; the text speaks of landmarks. Kernel sizes and values are not printed. Ours: the
regions of `workstation.faces.organs`, values 1, 0.5 and 0.05, a dilation of 0.08 and a Gaussian of sigma 0.10 times the
distance between the eyes.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.faces.organs import ORGANS, face_layout, fill, soften

Mask = npt.NDArray[np.float32]

ORGAN, FACE, AROUND = 1.0, 0.5, 0.05
DILATION, SIGMA = 0.08, 0.10


def organ_mask(landmarks: Sequence[Point], crop_size: int, side: int) -> Mask:
    """Draw the mask of one crop.

    Args:
        landmarks: eye, eye, nose tip, mouth corner, mouth corner in pixels of the crop, the picture's left first.
        crop_size: side of the crop in pixels.
        side: side of the mask in pixels, the network's input; both cover the same square.

    Returns:
        (side, side) float32 in 0..1.

    Raises:
        LandmarksUnusable: a landmark is not a finite number.
    """
    layout = face_layout(landmarks, crop_size, side)
    mask = np.full((side, side), AROUND, np.float32)
    fill(mask, layout.ellipses["face"], FACE)
    for name in ORGANS:
        fill(mask, layout.ellipses[name], ORGAN)
    reach = min(max(1, round(DILATION * layout.apart)), side)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return soften(np.asarray(cv2.dilate(mask, kernel), np.float32), max(0.5, SIGMA * layout.apart))


def organ_masks(crops: Sequence[FaceCrop], side: int) -> Mask:
    """Masks of a batch: (N, 1, side, side) float32. Raises: LandmarksUnusable."""
    return np.stack([organ_mask(crop.landmarks, crop.size, side) for crop in crops])[:, None]
