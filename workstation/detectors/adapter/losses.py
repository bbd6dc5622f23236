"""Losses of the adapter (after Forensics-Adapter, CVPR 2025).

At hand were the publication's weights, 10 L1 + 200 MSE + 20 intra + 10 inter, and not its formulas. Ours: L1 and MSE
are between drawn and true boundary; "intra" parts the boundary's tokens from the rest of the same picture, "inter"
gathers pictures of one class and parts the classes; cross-entropy on the score has weight 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor

from workstation.detectors.adapter.network import AdapterAnswer

_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class AdapterLosses:
    """Weights of the sum."""

    cross_entropy: float = 1.0
    absolute: float = 10.0
    squared: float = 200.0
    intra: float = 20.0
    inter: float = 10.0

    def total(self, answer: AdapterAnswer, boundary: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            boundary: (N, 1, map, map) in 0..1, all 0 for a genuine picture.
            labels: (N,) of 0 (genuine) and 1 (manipulated).
        """
        drawn = torch.sigmoid(answer.boundary)
        return (
            self.cross_entropy * nnf.cross_entropy(answer.logits, labels)
            + self.absolute * nnf.l1_loss(drawn, boundary)
            + self.squared * nnf.mse_loss(drawn, boundary)
            + self.intra * intra(answer.patches, boundary)
            + self.inter * inter(answer.patches, labels)
        )


def boundary_of(mask: Tensor, blur: float = 3.0) -> Tensor:
    """The boundary of a blend: 4 m (1 - m) of the softened mask, 1 where two pictures are mixed in equal parts.

    The formula is Face X-ray's (Li et al., CVPR 2020, section 3.1).

    Args:
        mask: (N, 1, H, W) in 0..1, 1 where pixels came from another picture.
        blur: standard deviation of the softening in pixels; our choice.
    """
    reach = max(1, round(3 * blur))
    places = torch.arange(-reach, reach + 1, dtype=mask.dtype, device=mask.device)
    line = torch.exp(-0.5 * (places / blur) ** 2)
    line = line / line.sum()
    padded = nnf.pad(mask, (reach,) * 4, mode="replicate")
    soft = nnf.conv2d(nnf.conv2d(padded, line[None, None, :, None]), line[None, None, None])
    return (4 * soft * (1 - soft)).clamp(0, 1)


def intra(patches: Tensor, boundary: Tensor) -> Tensor:
    """Mean likeness (cosine, 0 where opposed) of a picture's tokens on the boundary and off it; 0..1.

    Pictures without a boundary are left out; 0 when no picture has one.
    """
    grid = round(patches.shape[1] ** 0.5)
    on = nnf.adaptive_avg_pool2d(boundary, grid).flatten(1)
    has = on.sum(dim=1) > _LEAST
    if not bool(has.any()):
        return patches.sum() * 0
    on, values = on[has], patches[has]
    one = (values * on[..., None]).sum(1) / on.sum(1, keepdim=True)
    off = 1 - on
    two = (values * off[..., None]).sum(1) / off.sum(1, keepdim=True).clamp_min(_LEAST)
    return nnf.cosine_similarity(one, two).clamp_min(0).mean()


def inter(patches: Tensor, labels: Tensor) -> Tensor:
    """Over pairs of pictures: 1 - likeness within a class, likeness (0 where opposed) between classes; 0..2."""
    means = nnf.normalize(patches.mean(dim=1), dim=-1)
    alike = means @ means.T
    same = labels[:, None] == labels[None]
    first, second = torch.triu_indices(len(labels), len(labels), offset=1, device=labels.device)
    if len(first) == 0:
        return patches.sum() * 0
    within = same[first, second]
    pairs = alike[first, second]
    return torch.where(within, 1 - pairs, pairs.clamp_min(0)).mean()
