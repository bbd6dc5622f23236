"""What every family offers to a run: its losses by name, its scores, and the tensors of its package."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from workstation.training.batches import CROP_SIDE, Batch


class Trainee(nn.Module):
    """A network with all that is trained beside it.

    Attributes:
        network: the module whose tensors a package of the family holds.
        weights: of the losses, by name; one of weight 0 need not be calculated.
    """

    def __init__(self, network: nn.Module, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.network = network
        self.weights = dict(weights)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The losses of a batch (scalars), not weighted."""
        raise NotImplementedError

    def scores(self, batch: Batch) -> Tensor:
        """One score for each item, 0..1, higher = manipulated: (2n,)."""
        raise NotImplementedError

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of a package."""
        return self.network.state_dict()

    def total(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum, and its parts without their weights."""
        parts = {name: value for name, value in self.losses(batch).items() if self.weights[name]}
        return torch.stack([self.weights[name] * value for name, value in parts.items()]).sum(), parts


def manipulated(logits: Tensor) -> Tensor:
    """Softmax of class "manipulated" of (N, 2) logits."""
    return logits.float().softmax(dim=-1)[:, 1]


def marks_in_pixels(batch: Batch) -> Tensor:
    """Landmarks of every crop in pixels of the crop, on the CPU: (all crops, 5, 2)."""
    return batch.marks.detach().cpu().flatten(0, -3) * CROP_SIDE
