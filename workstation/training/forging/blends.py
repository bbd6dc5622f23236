"""Ways of putting a changed picture into a target: alpha, Poisson (Perez et al., 2003), Laplacian pyramid (Burt, 1983).

Each gives the forged picture and the mask outside of which it is the target, pixel for pixel.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from workstation.training.kinds import Blend

Picture = npt.NDArray[np.float32]
Mask = npt.NDArray[np.float32]

_LEAST_AREA = 64


def blend(source: Picture, target: Picture, mask: Mask) -> Picture:
    """source * mask + target * (1 - mask); mask (height, width) in 0..1."""
    weight = mask[..., None]
    mixed: Picture = source * weight + target * (1 - weight)
    return mixed


def compose(how: Blend, source: Picture, target: Picture, mask: Mask) -> tuple[Picture, Mask]:
    """Put ``source`` into ``target`` within ``mask``; returns the forged picture and the exact mask."""
    if how is Blend.POISSON:
        return poisson(source, target, mask)
    if how is Blend.PYRAMID:
        return pyramid(source, target, mask)
    return blend(source, target, mask), mask


def poisson(source: Picture, target: Picture, mask: Mask) -> tuple[Picture, Mask]:
    """Seamless cloning of the source's gradients where the mask is at least one half.

    What is too small to be cloned, or covers the whole picture, is blended by weights instead.
    """
    inside = (mask >= 0.5 * max(float(mask.max()), 1e-6)).astype(np.uint8)
    # Cloning needs a target around the hole; OpenCV drops what lies on the border and then shifts the rest.
    inside[:3], inside[-3:], inside[:, :3], inside[:, -3:] = 0, 0, 0, 0
    if int(inside.sum()) < _LEAST_AREA or int(inside.sum()) > 0.8 * inside.size:
        return blend(source, target, mask), mask
    x, y, width, height = cv2.boundingRect(inside)
    bare = [np.clip(np.rint(rgb), 0, 255).astype(np.uint8) for rgb in (source, target)]
    # OpenCV 5 writes into the mask that it is given.
    cloned = cv2.seamlessClone(
        bare[0], bare[1], inside.copy() * 255, (x + width // 2, y + height // 2), cv2.NORMAL_CLONE
    )
    exact = inside.astype(np.float32) * float(mask.max())
    return blend(cloned.astype(np.float32), target, exact), exact


def pyramid(source: Picture, target: Picture, mask: Mask, levels: int = 4) -> tuple[Picture, Mask]:
    """Blend band by band, coarse bands over broad seams and fine ones over narrow seams.

    Coarse bands reach beyond the mask; what is further than a few pixels from it is left as it was.
    """
    mixed = np.zeros_like(target)
    ones, twos, weights = _gauss(source, levels), _gauss(target, levels), _gauss(mask, levels)
    for level in reversed(range(levels + 1)):
        one, two, weight = ones[level], twos[level], weights[level][..., None]
        if level == levels:
            mixed = one * weight + two * (1 - weight)
            continue
        size = (one.shape[1], one.shape[0])
        bands = [
            here - cv2.pyrUp(coarse, dstsize=size) for here, coarse in ((one, ones[level + 1]), (two, twos[level + 1]))
        ]
        mixed = cv2.pyrUp(mixed, dstsize=size) + bands[0] * weight + bands[1] * (1 - weight)
    spread = cv2.GaussianBlur(cv2.dilate(mask, np.ones((9, 9), np.uint8)), (0, 0), 3.0)
    exact = np.asarray(np.where(spread < 0.02, 0, np.clip(np.maximum(spread, mask), 0, 1)), np.float32)
    return blend(np.clip(mixed, 0, 255).astype(np.float32), target, exact), exact


def _gauss(picture: npt.NDArray[np.float32], levels: int) -> list[npt.NDArray[np.float32]]:
    found = [np.asarray(picture, np.float32)]
    for _ in range(levels):
        found.append(np.asarray(cv2.pyrDown(found[-1]), np.float32))
    return found
