"""Region masks that take the place of a face parser's map in FakeLocator's encoder (arXiv 2001.09598, section 3.3).

The paper multiplies the map of a face-parsing network into mid-level features. Where no such network is installed
(`workstation.detectors.fakelocator.parsing`), the regions are drawn from the five landmarks, which is a coarser gate
and our own choice. How bright each region is is our choice as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.faces.organs import ORGANS, face_layout, fill, soften

Gate = npt.NDArray[np.float32]
GATES = ("none", "organs", "parsing")

ORGAN, FACE, AROUND = 1.0, 0.6, 0.2


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
    layout = face_layout(landmarks, crop_size, side)
    gate = np.full((side, side), AROUND, np.float32)
    fill(gate, layout.ellipses["face"], FACE)
    for name in ORGANS:
        fill(gate, layout.ellipses[name], ORGAN)
    return soften(gate, layout.softness)


def organ_gates(crops: Sequence[FaceCrop], side: int) -> Gate:
    """Gates of a batch: (N, 1, side, side) float32. Raises: LandmarksUnusable."""
    return np.stack([organ_gate(crop.landmarks, crop.size, side) for crop in crops])[:, None]
