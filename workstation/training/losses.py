"""Losses on unit features (arXiv 2503.19683 and GenD, arXiv 2508.06248) and on fakeness maps (arXiv 2001.09598)."""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor


def alignment(features: Tensor, labels: Tensor) -> Tensor:
    """Mean squared distance over pairs of the same label; features (N, width) of unit norm. 0 for equal features."""
    distance = torch.cdist(features, features).square()
    same = (labels[:, None] == labels[None, :]).triu(1)
    return distance[same].mean() if same.any() else features.sum() * 0


def uniformity(features: Tensor) -> Tensor:
    """log of the mean over pairs of exp(-2 d^2), clamped at 1e-6. Two antipodal points give -8."""
    distance = torch.pdist(features).square()
    return torch.exp(-2 * distance).mean().clamp(min=1e-6).log()


def map_loss(logits: Tensor, target: Tensor, cross_entropy: float = 0.5) -> Tensor:
    """L1 between the map and its target (the paper's choice), with a share of binary cross-entropy.

    L1 alone settles on an empty map when targets are sparse; the cross-entropy keeps a gradient there.
    """
    plain = nnf.l1_loss(torch.sigmoid(logits), target)
    return plain + cross_entropy * nnf.binary_cross_entropy_with_logits(logits, target)
