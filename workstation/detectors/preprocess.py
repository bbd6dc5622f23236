"""From aligned crops to normalised pixels, as the card says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.detectors import InputSpec
from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop

if TYPE_CHECKING:
    from torch import Tensor


def pixels(crops: Sequence[FaceCrop], spec: InputSpec) -> npt.NDArray[np.float32]:
    """Resize crops to the card's input: (N, 3, size, size) float32, normalised, channels in the card's order.

    "area" is OpenCV's area average; "bicubic" and "bilinear" are torch's with antialiasing, which for shrinking equals
    Pillow's filter, the one CLIP was published with (methods: CLIPProcessor, bicubic).

    Raises:
        InputError: a crop is not square of the card's crop size.
    """
    for crop in crops:
        if crop.rgb.shape != (spec.crop_size, spec.crop_size, 3):
            raise InputError(f"A crop of {crop.rgb.shape} does not fit a card that wants {spec.crop_size} px.")
    if spec.interpolation == "area" or spec.size == spec.crop_size:
        small = [cv2.resize(c.rgb, (spec.size, spec.size), interpolation=cv2.INTER_AREA) for c in crops]
        values = np.stack(small).transpose(0, 3, 1, 2).astype(np.float32) / 255
    else:
        values = _antialiased(np.stack([c.rgb for c in crops]), spec).numpy()
    if spec.colour == "bgr":
        values = values[:, ::-1]
    mean = np.array(spec.mean, np.float32)[None, :, None, None]
    std = np.array(spec.std, np.float32)[None, :, None, None]
    found: npt.NDArray[np.float32] = np.ascontiguousarray((values - mean) / std, dtype=np.float32)
    return found


def _antialiased(rgb: npt.NDArray[np.uint8], spec: InputSpec) -> Tensor:
    import torch
    import torch.nn.functional as nnf

    # On bytes torch rounds between its two passes as Pillow does; on floats it does not.
    values = torch.from_numpy(rgb).permute(0, 3, 1, 2)
    small = nnf.interpolate(values, size=(spec.size, spec.size), mode=spec.interpolation, antialias=True)
    return small.float() / 255
