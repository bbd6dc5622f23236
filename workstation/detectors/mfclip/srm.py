"""Three fixed high-pass filters of the spatial rich model (Fridrich and Kodovsky, IEEE TIFS 7(3), 2012)."""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

# Residuals beyond it say no more than that there is an edge. It is meant for grey values 0..255.
TRUNCATION = 3.0
_KB = ((0, 0, 0, 0, 0), (0, -1, 2, -1, 0), (0, 2, -4, 2, 0), (0, -1, 2, -1, 0), (0, 0, 0, 0, 0))
_KV = ((-1, 2, -2, 2, -1), (2, -6, 8, -6, 2), (-2, 8, -12, 8, -2), (2, -6, 8, -6, 2), (-1, 2, -2, 2, -1))
_SECOND = ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), (0, 1, -2, 1, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0))


class NoiseResidual(nn.Module):
    """``forward(pixels)``: (N, 3, h, w) in 0..255 to residuals (N, 3, h, w) in -3..3, in float32.

    One filter gives one channel, summed over the three colours. The picture is padded with zeros. Residuals are small
    differences of large numbers: bfloat16 would round most of them away, so it is never used here.
    """

    def __init__(self) -> None:
        super().__init__()
        filters = torch.stack([torch.tensor(_KB) / 4, torch.tensor(_KV) / 12, torch.tensor(_SECOND) / 2])
        self.filters: Tensor
        self.register_buffer("filters", filters[:, None].repeat(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        with torch.autocast(pixels.device.type, enabled=False):
            residual = nnf.conv2d(pixels.float(), self.filters.float(), padding=2)
        return nnf.hardtanh(residual, -TRUNCATION, TRUNCATION)
