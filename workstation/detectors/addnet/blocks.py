"""The three kinds of blocks of ADDNet's figure (arXiv 2101.01456), at widths the caller gives.

Two separable convolutions in every block; Xception (arXiv 1610.02357), which the caption names, has three in its middle
flow. The figure also shows a max-pool in block 3, which fits its identity shortcut only with stride 1; it is taken for
a slip of the drawing and left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SeparableConv(nn.Module):
    """Depthwise 3 x 3, padded, then pointwise 1 x 1; neither has a bias. Keeps height and width."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inside, inside, 3, 1, 1, groups=inside, bias=False)
        self.pointwise = nn.Conv2d(inside, outside, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.pointwise(self.depthwise(x))
        return found


class Halving(nn.Module):
    """Block 1, and with ``leading`` block 2: (relu,) sepconv-bn-relu-sepconv-bn-maxpool beside a conv-bn shortcut.

    ``forward``: (N, inside, h, w) to (N, outside, ceil(h / 2), ceil(w / 2)). ``between`` is the width after the first
    separable convolution, by default ``outside``; Xception's exit flow keeps ``inside`` there.
    """

    def __init__(self, inside: int, outside: int, *, leading: bool, between: int | None = None) -> None:
        super().__init__()
        middle = outside if between is None else between
        self.leading = leading
        self.first = SeparableConv(inside, middle)
        self.norm1 = nn.BatchNorm2d(middle)
        self.second = SeparableConv(middle, outside)
        self.norm2 = nn.BatchNorm2d(outside)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.short = nn.Conv2d(inside, outside, 1, 2, bias=False)
        self.norm_short = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(x) if self.leading else x
        y = torch.relu(self.norm1(self.first(y)))
        y = self.pool(self.norm2(self.second(y)))
        found: Tensor = y + self.norm_short(self.short(x))
        return found


class Keeping(nn.Module):
    """Block 3: relu-sepconv-bn-relu-sepconv-bn beside an identity shortcut. Keeps every size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = SeparableConv(width, width)
        self.norm1 = nn.BatchNorm2d(width)
        self.second = SeparableConv(width, width)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(self.first(torch.relu(x)))
        found: Tensor = x + self.norm2(self.second(torch.relu(y)))
        return found
