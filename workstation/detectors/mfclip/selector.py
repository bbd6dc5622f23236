"""Which quarter of a picture has the richest texture: the one whose grey-level co-occurrence is least homogeneous.

arXiv 2409.09724, noise branch: four patches; co-occurrence of horizontal neighbours (distance 1, angle 0), 256 levels,
symmetric, normalised; the patch of lowest homogeneity.
"""

from __future__ import annotations

import torch
from torch import Tensor


def grey(pixels: Tensor) -> Tensor:
    """Luma (ITU-R BT.601) of (..., 3, h, w) in 0..1 as whole numbers 0..255: (..., h, w) int32.

    In whole numbers, so that every device picks the same patch.
    """
    values = (pixels.float() * 255).round().clamp(0, 255).int()
    red, green, blue = values.unbind(dim=-3)
    return (299 * red + 587 * green + 114 * blue + 500) // 1000


def homogeneity(levels: Tensor) -> Tensor:
    """Homogeneity of the co-occurrence matrix: (..., h, w) whole numbers to (...) float64 in 0..1; w at least 2.

    It is the sum of P(i, j) / (1 + (i - j)^2) over the normalised matrix P. As P counts neighbours, that is the mean of
    1 / (1 + d^2) over all pairs of neighbours, d being their difference; transposing P changes nothing. The mean is the
    same number without the 65,536 cells of a matrix for each patch.
    """
    difference = (levels[..., 1:] - levels[..., :-1]).double()
    return (1 / (1 + difference.square())).mean(dim=(-2, -1))


def quarters(pixels: Tensor) -> Tensor:
    """The four patches of (N, 3, side, side), row by row: (N, 4, 3, side / 2, side / 2); ``side`` is even."""
    n, channels, side, _ = pixels.shape
    half = side // 2
    parts = pixels.reshape(n, channels, 2, half, 2, half)
    return parts.permute(0, 2, 4, 1, 3, 5).reshape(n, 4, channels, half, half)


def richest(pixels: Tensor) -> Tensor:
    """The richest patch of each picture: (N, 3, side, side) in 0..1 to (N, 3, side / 2, side / 2); of equals the first.

    No gradient passes through the choice.
    """
    parts = quarters(pixels)
    chosen = homogeneity(grey(parts.detach())).argmin(dim=1)
    return parts[torch.arange(len(parts), device=parts.device), chosen]
