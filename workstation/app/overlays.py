"""Placing a fakeness map on its frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workstation.domain.detectors import MapArray
from workstation.domain.geometry import Affine
from workstation.domain.results import FakenessMap


def frame_map(
    values: npt.NDArray[np.floating], crop_from_frame: Affine, crop_size: int, shape: tuple[int, ...]
) -> MapArray:
    """Return the map in frame coordinates: (height, width) float32 in 0..1, NaN outside the crop.

    Args:
        values: (side, side) map over the whole crop.
        crop_from_frame: frame pixels to pixels of the crop of ``crop_size``.
        shape: height and width of the frame.
    """
    from workstation.detectors.maps import map_on_frame

    fakeness = FakenessMap(np.asarray(values, dtype=np.float32), crop_from_frame)
    return map_on_frame(fakeness, int(shape[0]), int(shape[1]), crop_size=crop_size or None)
