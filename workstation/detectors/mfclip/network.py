"""What a MFCLIP package holds: the vision encoder, its head, the predictor, and the features of the descriptions.

After arXiv 2409.09724. A face is read from the picture alone; the text tower is needed for training only, and what it
said of each phrase lies in the package as plain numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.detectors.mfclip.prompts import phrases
from workstation.detectors.mfclip.vision import VisionEncoder, VisionShape


@dataclass(frozen=True, slots=True)
class TextShape:
    """The text transformer, which is not in the package.

    ``levels`` of words are given to it, 1 to 4; ``read_out`` is where it is read (`language.READ_OUTS`).
    """

    levels: int = 4
    width: int = 512
    layers: int = 12
    heads: int = 8
    read_out: str = "last_level"


@dataclass(frozen=True, slots=True)
class MfclipOutput:
    """``logits`` (N, 2): genuine, manipulated. ``predicted`` (N, width): the language feature the picture calls for, up
    to a constant added to all its numbers. ``feature`` (N, width): the unit vector both come from."""

    logits: Tensor
    predicted: Tensor
    feature: Tensor


class Mfclip(nn.Module):
    """``forward(pixels)``: (N, 3, side, side) RGB in 0..1 to `MfclipOutput`.

    ``descriptions`` (phrases, width) are unit vectors with mean 0, in the order of `prompts.phrases`; drawn at random
    until `training.MfclipTrainer.package_tensors` puts the text tower's in their place.
    """

    def __init__(self, vision: VisionShape, text: TextShape) -> None:
        super().__init__()
        self.vision = VisionEncoder(vision)
        self.head = nn.Sequential(nn.LayerNorm(vision.width), nn.Linear(vision.width, 2))
        self.predictor = nn.Linear(vision.width, vision.width)
        self.descriptions: Tensor
        self.register_buffer("descriptions", direction(torch.randn(len(phrases(text.levels)), vision.width)))

    def forward(self, pixels: Tensor) -> MfclipOutput:
        feature = self.vision(pixels)
        # The last steps are cheap and would lose most in bfloat16.
        with torch.autocast(pixels.device.type, enabled=False):
            return MfclipOutput(self.head(feature), self.predictor(feature), feature)

    def closeness(self, predicted: Tensor) -> Tensor:
        """Correlation of (N, width) with every description: (N, phrases) in -1..1."""
        return (direction(predicted.float()) @ self.descriptions.T).clamp(-1, 1)


def direction(features: Tensor) -> Tensor:
    """Language features (..., width) without their mean, at unit length.

    The predictor is taught through a softmax, which does not see a constant added to all numbers; neither may the
    comparison.
    """
    return nnf.normalize(features - features.mean(dim=-1, keepdim=True), dim=-1)
