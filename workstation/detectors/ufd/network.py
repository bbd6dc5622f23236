"""A linear unit on CLIP's projected image features (Ojha, Li, Lee: "Towards Universal Fake Image Detectors that
Generalize Across Generative Models", CVPR 2023, section 4).

The feature is what CLIP compares with texts: the class token after the last LayerNorm, times the visual projection. It
is not brought to length one. The tower stays as OpenAI left it; only the unit was trained, towards 1 for generated
pictures.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from workstation.detectors.clip_ln.network import build as build_clip
from workstation.domain.errors import CardInvalid


class Ufd(nn.Module):
    """``forward(pixels)``: (N, 3, side, side) normalised to (N,) logits, above 0 towards manipulated."""

    def __init__(self, tower: nn.Module, width: int, side: int, features: int) -> None:
        super().__init__()
        # As OpenAI draws it; the package's own numbers take its place.
        tower.proj = nn.Parameter(torch.randn(width, features) * width**-0.5)
        self.tower = tower
        self.side = side
        self.head = nn.Linear(features, 1)

    def features(self, pixels: Tensor) -> Tensor:
        """Projected image features, of their own length: (N, features)."""
        found: Tensor = self.tower(pixels)
        return found.float()

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(pixels))
        return logits[:, 0]


def build_network(table: Mapping[str, object]) -> Ufd:
    """Build what a card asks for: ``tower`` (open_clip's name) or ``vision`` (its parameters), and ``features``.

    ``features`` is the width of the projected features: 768 for ViT-L/14.

    Raises:
        CardInvalid: the table has another entry, or asks for a tower that cannot be built.
    """
    features = table.get("features")
    if isinstance(features, bool) or not isinstance(features, int) or not 0 < features <= 4096:
        raise CardInvalid("network.features of a ufd card must be a whole number from 1 to 4096.", "Correct the card.")
    for entry in table:
        if entry not in ("tower", "vision", "features"):
            raise CardInvalid(f"A ufd card has no network.{entry}.", "Take the entry off the card.")
    clip = build_clip({name: value for name, value in table.items() if name != "features"})
    return Ufd(clip.tower, clip.width, clip.side, features)


def set_head_training(network: Ufd) -> int:
    """Freeze the tower; only the linear unit is trained (section 4). Returns its parameters: 769 for ViT-L/14."""
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for parameter in network.head.parameters():
        parameter.requires_grad_(True)
    return sum(p.numel() for p in network.head.parameters())
