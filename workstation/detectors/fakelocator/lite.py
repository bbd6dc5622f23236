"""FakeLocator on an encoder that was trained before: EfficientNet-Lite0 with a decoder to a full-resolution map.

The paper leaves the encoder open (arXiv 2001.09598, section 3); this one is EfficientNet (Tan and Le, ICML 2019) in the
variant for small devices: no squeeze-and-excitation, ReLU6. Self-blended images were published on an EfficientNet
that knew ImageNet as well (Shiohara and Yamasaki, CVPR 2022, section 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import timm
import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.detectors.fakelocator.network import summary, up

ENCODERS = {"efficientnet_lite0": "tf_efficientnet_lite0"}
# Channels at 1/4, 1/8, 1/16 and 1/32 of the side.
_WIDTHS = (24, 40, 112, 320)
DEPTH = len(_WIDTHS)
# The blocks of the encoder whose answers these are.
_BLOCKS = (1, 2, 4, 6)


@dataclass(frozen=True, slots=True)
class LiteShape:
    """``side`` of the input in pixels; ``decoder`` width.

    ``depth`` is how many of the features at 1/4, 1/8, 1/16 and 1/32 of the side there are, at least two. With two a
    feature sees 67 pixels and no face: what is found is texture, wherever it stands (patch forensics, Chai et al.,
    ECCV 2020, section 3: the fewer layers, the better on generators that were not seen).
    """

    side: int
    decoder: int
    encoder: str = "efficientnet_lite0"
    depth: int = DEPTH

    @property
    def widths(self) -> tuple[int, ...]:
        return _WIDTHS[: self.depth]


class _Join(nn.Module):
    """Coarse features laid on finer ones and smoothed, one depthwise and one pointwise convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.smooth = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, groups=width, bias=False),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU6(inplace=True),
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        found: Tensor = self.smooth(up(coarse, fine) + fine)
        return found


class LiteLocator(nn.Module):
    """Encoder-decoder with a classification head over three depths of features and what the map says as a whole.

    ``forward(pixels, gate=None)``: ``pixels`` (N, 3, h, w) normalised, sides multiples of 32 (it is convolutional: it
    may be trained on windows of the crops it is fed later); ``gate`` (N, 1, h, w) in 0..1 or None. Returns map logits
    (N, 1, h, w) and class logits (N, 2): genuine, manipulated.
    """

    def __init__(self, shape: LiteShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = timm.create_model(
            ENCODERS[shape.encoder], pretrained=False, features_only=True, out_indices=tuple(range(1, shape.depth + 1))
        )
        blocks = cast(nn.Sequential, self.encoder.get_submodule("blocks"))
        del blocks[_BLOCKS[shape.depth - 1] + 1 :]
        k = shape.decoder
        self.sides = nn.ModuleList(nn.Conv2d(width, k, 1) for width in shape.widths)
        self.joins = nn.ModuleList(_Join(k) for _ in shape.widths[1:])
        self.to_map = nn.Conv2d(k, 1, 3, 1, 1)
        self.classify = nn.Linear(sum(shape.widths[1:]) + 3, 2)
        nn.init.constant_(self.to_map.bias, -2.0)  # type: ignore[arg-type]  # a bias is there: bias=True is the default

    def forward(self, pixels: Tensor, gate: Tensor | None = None) -> tuple[Tensor, Tensor]:
        features = self.levels(pixels, gate)
        y = self.sides[-1](features[-1])
        for side, join, fine in zip(
            reversed(self.sides[:-1]), reversed(self.joins), reversed(features[:-1]), strict=True
        ):
            y = join(y, side(fine))
        logits = up(self.to_map(y), pixels)
        means = [part.mean(dim=(2, 3)) for part in features[1:]]
        return logits, self.classify(torch.cat([*means, summary(logits)], dim=1))

    def encode(self, pixels: Tensor, gate: Tensor | None = None) -> tuple[Tensor, ...]:
        """Features at 1/8 of the side and coarser, as many as there are, all of them behind the gate."""
        return tuple(self.levels(pixels, gate)[1:])

    def levels(self, pixels: Tensor, gate: Tensor | None = None) -> list[Tensor]:
        """Features at 1/4, 1/8 and so on; the gate multiplies those at 1/4, and so all that follow."""
        if gate is None:
            return cast(list[Tensor], self.encoder(pixels))
        x: Tensor = self.encoder.get_submodule("bn1")(self.encoder.get_submodule("conv_stem")(pixels))
        found: list[Tensor] = []
        for number, block in enumerate(cast(nn.Sequential, self.encoder.get_submodule("blocks"))):
            x = block(x)
            if number == 1:
                x = x * nnf.adaptive_avg_pool2d(gate, (x.shape[-2], x.shape[-1]))
            if number in _BLOCKS:
                found.append(x)
        return found
