"""The network of FakeLocator: encoder, decoder to a full-resolution map, classification head, parsing gate.

After "FakeLocator: Robust Localization of GAN-Based Face Manipulations" (arXiv 2001.09598v4, section 3): the map is
regressed per pixel as a real value, a face-parsing map multiplies the encoder's mid-level features, and a second
branch classifies. No code was published; widths and blocks are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class LocatorShape:
    """``side`` of the input in pixels; ``widths`` of the features at 1/2, 1/4, 1/8, 1/16 of it; ``decoder`` width."""

    side: int = 192
    widths: tuple[int, int, int, int] = (16, 32, 64, 128)
    decoder: int = 24


class _Residual(nn.Module):
    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outside)
        self.second = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outside)
        self.short = (
            nn.Identity()
            if stride == 1 and inside == outside
            else nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))
        )

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm1(self.first(x)))
        return torch.relu(self.norm2(self.second(y)) + self.short(x))


class FakeLocator(nn.Module):
    """Encoder-decoder.

    ``forward(pixels, gate=None)``: ``pixels`` (N, 3, side, side) normalised; ``gate`` (N, 1, side, side) in 0..1 or
    None (a gate of ones is the same as none). Returns map logits (N, 1, side, side) and class logits (N, 2): genuine,
    manipulated.
    """

    def __init__(self, shape: LocatorShape) -> None:
        super().__init__()
        a, b, c, d = shape.widths
        k = shape.decoder
        self.shape = shape
        self.stem = nn.Sequential(
            nn.Conv2d(3, a, 3, 2, 1, bias=False),
            nn.BatchNorm2d(a),
            nn.ReLU(inplace=True),
            nn.Conv2d(a, b, 3, 2, 1, bias=False),
            nn.BatchNorm2d(b),
            nn.ReLU(inplace=True),
        )
        self.stage1 = _Residual(b, b, 1)
        self.stage2 = nn.Sequential(_Residual(b, c, 2), _Residual(c, c, 1))
        self.stage3 = nn.Sequential(_Residual(c, d, 2), _Residual(d, d, 1))
        self.side1, self.side2, self.side3 = nn.Conv2d(b, k, 1), nn.Conv2d(c, k, 1), nn.Conv2d(d, k, 1)
        self.merge2, self.merge1 = _Residual(k, k, 1), _Residual(k, k, 1)
        self.to_map = nn.Conv2d(k, 1, 3, 1, 1)
        self.classify = nn.Linear(d + 3, 2)
        nn.init.constant_(self.to_map.bias, -2.0)  # type: ignore[arg-type]  # a bias is there: bias=True is the default

    def forward(self, pixels: Tensor, gate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        e1, e2, e3 = self.encode(pixels, gate)
        y = self.merge2(up(self.side3(e3), e2) + self.side2(e2))
        y = self.merge1(up(y, e1) + self.side1(e1))
        logits = up(self.to_map(y), pixels)
        return logits, self.classify(torch.cat([e3.mean(dim=(2, 3)), summary(logits)], dim=1))

    def encode(self, pixels: Tensor, gate: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Features at 1/4, 1/8 and 1/16 of the side, all of them behind the gate."""
        e1 = self.stage1(self.stem(pixels))
        if gate is not None:
            e1 = e1 * nnf.adaptive_avg_pool2d(gate, e1.shape[-2:])
        e2 = self.stage2(e1)
        return e1, e2, self.stage3(e2)


def up(x: Tensor, like: Tensor) -> Tensor:
    return nnf.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def summary(logits: Tensor) -> Tensor:
    """What the map says as a whole: logit mean, mean of the largest twentieth, and share above one half."""
    small = nnf.adaptive_avg_pool2d(logits, 32).flatten(1)
    top = small.topk(max(1, small.shape[1] // 20), dim=1).values.mean(dim=1)
    return torch.stack([small.mean(dim=1), top, torch.sigmoid(small).mean(dim=1)], dim=1)
