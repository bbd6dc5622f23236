"""Auto-encoders that differ in how their decoder enlarges, and the critic of the adversarial ones."""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.training.kinds import Maker

MAKERS = tuple(maker for maker in Maker if maker not in (Maker.NONE, Maker.GIVEN))
STRIDE = 4


class Doubling(nn.Module):
    """Twice the side, one of four ways: nearest, bilinear, transposed convolution (3 x 3, uneven overlap), shuffle."""

    def __init__(self, into: int, out: int, way: str) -> None:
        super().__init__()
        self.way = way
        self.layer: nn.Module
        if way == "transposed":
            self.layer = nn.ConvTranspose2d(into, out, 3, stride=2, padding=1, output_padding=1)
        elif way == "shuffle":
            self.layer = nn.Sequential(nn.Conv2d(into, 4 * out, 3, padding=1), nn.PixelShuffle(2))
        else:
            self.layer = nn.Conv2d(into, out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, into, h, w) to (n, out, 2h, 2w)."""
        if self.way == "nearest":
            x = nnf.interpolate(x, scale_factor=2, mode="nearest")
        elif self.way == "bilinear":
            x = nnf.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        found: Tensor = self.layer(x)
        return found


class Remaker(nn.Module):
    """A convolutional auto-encoder: two halvings to ``code`` channels and two doublings back.

    Args:
        way: of enlarging, the second part of a `Maker`'s name.
        width: channels at full side.
        code: channels of the code, at a quarter of the side.
    """

    def __init__(self, way: str, width: int = 16, code: int = 32) -> None:
        super().__init__()
        w = width
        self.encoder = nn.Sequential(
            nn.Conv2d(3, w, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(w, 2 * w, 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(2 * w, 3 * w, 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(3 * w, code, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(code, 3 * w, 3, padding=1),
            nn.LeakyReLU(0.1),
            Doubling(3 * w, 2 * w, way),
            nn.LeakyReLU(0.1),
            Doubling(2 * w, w, way),
            nn.LeakyReLU(0.1),
            nn.Conv2d(w, 3, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, h, w) of -1..1, sides multiples of 4, to the same shape, unbounded."""
        found: Tensor = self.decoder(self.encoder(x))
        return found


class Critic(nn.Module):
    """Scores patches of 16 px; higher for photographs (hinge loss)."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, h, w) to (n, 1, h / 4, w / 4)."""
        found: Tensor = self.body(x)
        return found


def network_of(maker: Maker) -> Remaker:
    """An untrained network of a maker. Raises: ValueError for those that are no networks of ours."""
    if maker in (Maker.NONE, Maker.GIVEN):
        raise ValueError(f"there is no network for {maker}")
    return Remaker(maker.value.split("-")[1])


def seeded(maker: Maker, seed: int) -> Remaker:
    """The network drawn from a seed, with the global generator left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + MAKERS.index(maker))
        return network_of(maker)
