"""MFCLIP's vision encoder: the whole picture, and the noise of its richest quarter (arXiv 2409.09724, MVE).

Each branch is a plain network of convolutions whose last features become one token; a transformer lets it and a class
token look at each other; the two class tokens are added and the sum is L2-normalised.

What differs from the released code, on purpose: positions belong to the two places of a sequence, not to the places of
a batch of 24; height and width are not swapped; both branches are fed the same RGB values, scaled for each as it
needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.detectors.mfclip.selector import richest
from workstation.detectors.mfclip.srm import NoiseResidual

# "width" is the published scale of attention, width^-0.5; "head" the usual one, (width / heads)^-0.5.
ATTENTION_SCALES = ("width", "head")


@dataclass(frozen=True, slots=True)
class VisionShape:
    """``side`` of the input in pixels, even. ``image`` and ``noise`` list the stages of each branch as (width,
    convolutions); every stage ends in a maximum over 2 x 2. The rest is of the transformers."""

    side: int = 224
    image: tuple[tuple[int, int], ...] = ((32, 3), (64, 3), (128, 3), (256, 4), (512, 4))
    noise: tuple[tuple[int, int], ...] = ((32, 3), (64, 3))
    width: int = 512
    heads: int = 8
    mlp: int = 2048
    image_depth: int = 6
    noise_depth: int = 3
    attention: str = "width"


class _Block(nn.Module):
    """Attention, then two linear layers, each after a LayerNorm and added to what came in; no bias before attention."""

    def __init__(self, shape: VisionShape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.scale = (width if shape.attention == "width" else width // shape.heads) ** -0.5
        self.norm1 = nn.LayerNorm(width)
        self.mix = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, shape.mlp), nn.GELU(), nn.Linear(shape.mlp, width))

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        parts = self.mix(self.norm1(x)).reshape(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = nnf.scaled_dot_product_attention(query, key, value, scale=self.scale)
        x = x + self.out(mixed.transpose(1, 2).reshape(n, length, width))
        after: Tensor = x + self.mlp(self.norm2(x))
        return after


class _TokenEncoder(nn.Module):
    """(N, features) to the class token (N, width) that has looked at them."""

    def __init__(self, features: int, depth: int, shape: VisionShape) -> None:
        super().__init__()
        self.project = nn.Linear(features, shape.width)
        self.cls = nn.Parameter(torch.empty(1, 1, shape.width))
        self.positions = nn.Parameter(torch.empty(1, 2, shape.width))
        self.blocks = nn.Sequential(*(_Block(shape) for _ in range(depth)))
        nn.init.normal_(self.cls, std=0.02)
        nn.init.normal_(self.positions, std=0.02)

    def forward(self, features: Tensor) -> Tensor:
        token = self.project(features)[:, None]
        x = torch.cat([self.cls.expand(len(token), -1, -1), token], dim=1) + self.positions
        seen: Tensor = self.blocks(x)[:, 0]
        return seen


def _convolutions(stages: tuple[tuple[int, int], ...]) -> nn.Sequential:
    inside, layers = 3, []
    for width, repeats in stages:
        for _ in range(repeats):
            layers += [nn.Conv2d(inside, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            inside = width
        layers.append(nn.MaxPool2d(2))
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(*layers)


def _features(stages: tuple[tuple[int, int], ...], side: int) -> int:
    return int(stages[-1][0] * (side >> len(stages)) ** 2)


class VisionEncoder(nn.Module):
    """``forward(pixels)``: (N, 3, side, side) RGB in 0..1 to unit vectors (N, width)."""

    def __init__(self, shape: VisionShape) -> None:
        super().__init__()
        self.residual = NoiseResidual()
        self.image_cnn = _convolutions(shape.image)
        self.image_encoder = _TokenEncoder(_features(shape.image, shape.side), shape.image_depth, shape)
        self.noise_cnn = _convolutions(shape.noise)
        self.noise_encoder = _TokenEncoder(_features(shape.noise, shape.side // 2), shape.noise_depth, shape)

    def forward(self, pixels: Tensor) -> Tensor:
        whole = self.image_encoder(self.image_cnn(2 * pixels - 1).flatten(1))
        noise = self.noise_encoder(self.noise_cnn(self.residual(255 * richest(pixels))).flatten(1))
        return nnf.normalize((whole + noise).float(), dim=-1)
