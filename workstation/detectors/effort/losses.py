"""What keeps the trained rest of a split layer apart from its frozen main part (after Effort, ICML 2025).

The publication names two constraints, on orthogonality and on singular values; their formulas and weights here are our
own choice. With all singular vectors U = [main, rest], orthogonality is the squared Frobenius norm of U^T U - I, and
the same for V; the other is the change of the weight's squared Frobenius norm, which is the sum of its squared singular
values.

The main part's vectors are never needed: they span what the rest's vectors at the start do not, so with those, S,
||main^T L||^2 = ||L||^2 - ||S^T L||^2. This holds where a layer is square, as all of CLIP's are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.detectors.effort.split import SplitLinear, split_layers


@dataclass(frozen=True, slots=True)
class EffortLosses:
    """Weights of the sum: cross-entropy has 1. All are our choice."""

    orthogonal: float = 1.0
    energy: float = 1.0

    def total(self, network: nn.Module, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch: ``logits`` (N, 2), ``labels`` (N,) of 0 (genuine) and 1 (manipulated)."""
        layers = split_layers(network)
        apart = torch.stack([orthogonality(layer) for layer in layers]).mean()
        drift = torch.stack([energy_drift(layer) for layer in layers]).mean()
        return nnf.cross_entropy(logits, labels) + self.orthogonal * apart + self.energy * drift


def orthogonality(layer: SplitLinear) -> Tensor:
    """||U^T U - I||^2 + ||V^T V - I||^2 over main part and rest together; 0 at the start.

    Raises:
        ValueError: the layer is not square.
    """
    if layer.main.shape[0] != layer.main.shape[1]:
        raise ValueError(f"the layer is {tuple(layer.main.shape)}, not square")
    return _departure(layer.left, layer.start_left) + _departure(layer.right.T, layer.start_right.T)


def energy_drift(layer: SplitLinear) -> Tensor:
    """How far the mean square of the weight has moved, relative to the start: 0 at the start."""
    start = layer.main.square().sum() + layer.start_values.square().sum()
    return (layer.weight.square().sum() - start).abs() / start


def _departure(vectors: Tensor, start: Tensor) -> Tensor:
    own = vectors.T @ vectors - torch.eye(vectors.shape[1], device=vectors.device, dtype=vectors.dtype)
    across = vectors.square().sum() - (start.T @ vectors).square().sum()
    return own.square().sum() + 2 * across.clamp_min(0)
