"""Meso-4 and MesoInception-4 (Afchar et al., IEEE WIFS 2018, arXiv 1809.00888, section II).

Four convolution blocks, each with ReLU, batch normalisation and a maximum over 2 x 2 pixels (4 x 4 in the last), then
two dense layers. MesoInception-4 has in place of the first two convolutions four branches side by side, two of them
dilated. The last unit is a sigmoid that was trained towards 1 for genuine faces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.domain.errors import CardInvalid

SIDE: Final = 256
KINDS: Final = ("meso4", "mesoinception4")
# Keras' defaults, with which the published weights were trained; torch's own are 1e-5 and 0.1 the other way round.
_EPSILON, _MOMENTUM = 1e-3, 0.01
_LEAK, _DROPOUT = 0.1, 0.5
_HIDDEN = 16
# Channels of the branches: 1x1, 3x3, 3x3 dilated by 2, 3x3 dilated by 3.
BRANCHES: Final = ((1, 4, 4, 2), (2, 4, 4, 2))


class Branches(nn.Module):
    """Four convolutions side by side, each with ReLU, joined over channels: (N, C, H, W) to (N, sum, H, W)."""

    def __init__(self, inside: int, outside: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(nn.Conv2d(inside, width, 1) for width in outside)
        self.spread = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
            for width, dilation in zip(outside[1:], (1, 2, 3), strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        plain, *narrow = (nnf.relu(layer(x)) for layer in self.reduce)
        wide = [nnf.relu(layer(y)) for layer, y in zip(self.spread, narrow, strict=True)]
        return torch.cat([plain, *wide], dim=1)


class MesoNet(nn.Module):
    """``forward(pixels)``: (N, 3, 256, 256) in 0..1, red first, to (N,) in 0..1: 1 is genuine, as published."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        if kind == "meso4":
            first: list[nn.Module] = [_convolution(3, 8, 3), _convolution(8, 8, 5)]
            widths = (8, 8)
        else:
            widths = (sum(BRANCHES[0]), sum(BRANCHES[1]))
            first = [Branches(3, BRANCHES[0]), Branches(widths[0], BRANCHES[1])]
        self.blocks = nn.ModuleList([*first, _convolution(widths[1], 16, 5), _convolution(16, 16, 5)])
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(width, eps=_EPSILON, momentum=_MOMENTUM) for width in (*widths, 16, 16)
        )
        self.hidden = nn.Linear(16 * (SIDE // 32) ** 2, _HIDDEN)
        self.genuine = nn.Linear(_HIDDEN, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        x = pixels
        for block, norm, pool in zip(self.blocks, self.norms, (2, 2, 2, 4), strict=True):
            x = nnf.max_pool2d(norm(nnf.relu(block(x))), pool)
        x = nnf.dropout(x.flatten(1), _DROPOUT, self.training)
        x = nnf.dropout(nnf.leaky_relu(self.hidden(x), _LEAK), _DROPOUT, self.training)
        return torch.sigmoid(self.genuine(x))[:, 0]


def _convolution(inside: int, outside: int, side: int) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, side, padding=side // 2)


def build_network(table: Mapping[str, object]) -> MesoNet:
    """Build what a card's network table asks for: its only entry ``kind`` is "meso4" or "mesoinception4".

    Raises:
        CardInvalid: the table has another entry or another kind.
    """
    unknown = sorted(set(table) - {"kind"})
    if unknown:
        raise CardInvalid(f"A mesonet card has no network.{unknown[0]}.", "Take the entry off the card.")
    kind = table.get("kind")
    if kind not in KINDS:
        raise CardInvalid(f"network.kind of a mesonet card must be one of {', '.join(KINDS)}.", "Correct the card.")
    return MesoNet(str(kind))
