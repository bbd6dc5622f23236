"""The small vision transformer that runs beside CLIP, with learned queries of its own.

After Forensics-Adapter (CVPR 2025), of which these facts were at hand: a tiny vision transformer beside a frozen
ViT-L/14, 128 learned queries, 256 pixels. How the parts are joined is our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from timm.models.vision_transformer import Block
from torch import Tensor, nn

# Each cell of the grid is drawn as so many by so many points of the map.
FINER = 4


@dataclass(frozen=True, slots=True)
class SideShape:
    """Sizes of the adapter: input side and patch in pixels, width, blocks, attention heads, learned queries, places at
    which CLIP's tokens come in, and how many of CLIP's last blocks get a bias."""

    side: int = 256
    patch: int = 16
    width: int = 192
    depth: int = 12
    heads: int = 3
    queries: int = 128
    joins: int = 4
    guided: int = 8

    @property
    def grid(self) -> int:
        return self.side // self.patch


@dataclass(frozen=True, slots=True)
class SideAnswer:
    """What the adapter gives for a batch.

    Attributes:
        patches: (N, grid * grid, width), the picture's tokens, on which two of the losses are defined.
        boundary: (N, 1, 4 grid, 4 grid) logits, above 0 where a blend's boundary is seen.
        bias: (N, guided, CLIP's heads, grid * grid), added to the attention of CLIP's guided class token.
    """

    patches: Tensor
    boundary: Tensor
    bias: Tensor


class SideNetwork(nn.Module):
    """``forward(pixels, clip)``: (N, 3, side, side) and CLIP's patch tokens at each join, (N, grid * grid, CLIP's
    width), to a `SideAnswer`."""

    def __init__(self, shape: SideShape, clip_width: int, clip_heads: int) -> None:
        super().__init__()
        self.shape = shape
        width, count = shape.width, shape.grid**2
        self.patch = nn.Conv2d(3, width, shape.patch, shape.patch)
        self.positions = nn.Parameter(0.02 * torch.randn(1, count, width))
        self.queries = nn.Parameter(0.02 * torch.randn(1, shape.queries, width))
        self.joins = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(clip_width), nn.Linear(clip_width, width)) for _ in range(shape.joins)
        )
        self.blocks = nn.ModuleList(Block(width, shape.heads, qkv_bias=True) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(width)
        self.draw = nn.Linear(width + shape.queries, FINER * FINER)
        # At 0 the class token is guided nowhere: training starts from CLIP as it is.
        self.guide = nn.Parameter(torch.zeros(shape.queries, shape.guided, clip_heads))

    def forward(self, pixels: Tensor, clip: Sequence[Tensor]) -> SideAnswer:
        patches = self.patch(pixels).flatten(2).transpose(1, 2) + self.positions
        count = patches.shape[1]
        x = torch.cat([patches, self.queries.expand(len(pixels), -1, -1)], dim=1)
        places = join_places(self.shape.depth, self.shape.joins)
        for number, block in enumerate(self.blocks):
            for join, place in enumerate(places):
                if place == number:
                    x = torch.cat([x[:, :count] + self.joins[join](clip[join]), x[:, count:]], dim=1)
            x = block(x)
        x = self.norm(x)
        patches, queries = x[:, :count], x[:, count:]
        # How much each query sees in each cell: (N, queries, cells).
        seen = queries @ patches.transpose(1, 2) * self.shape.width**-0.5
        cells = self.draw(torch.cat([patches, seen.transpose(1, 2)], dim=-1)).transpose(1, 2)
        drawn = nnf.pixel_shuffle(cells.unflatten(2, (self.shape.grid, self.shape.grid)), FINER)
        return SideAnswer(patches, drawn, torch.einsum("nqp,qgh->nghp", seen, self.guide))


def join_places(depth: int, joins: int) -> tuple[int, ...]:
    """Before which of ``depth`` blocks CLIP's tokens come in, evenly from the first."""
    return tuple(number * depth // joins for number in range(joins))


def clip_places(layers: int, joins: int) -> tuple[int, ...]:
    """After how many of CLIP's ``layers`` blocks its tokens are taken for each join, evenly up to the last."""
    return tuple((number + 1) * layers // joins for number in range(joins))
