"""Losses on unit features and their latent augmentation (arXiv 2503.19683 and GenD, arXiv 2508.06248)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from workstation.detectors.clip_ln.tuning import slerp


def alignment(features: Tensor, labels: Tensor) -> Tensor:
    """Mean squared distance over pairs of the same label; features (N, width) of unit norm. 0 for equal features."""
    distance = torch.pdist(features).square()
    one, two = torch.triu_indices(len(features), len(features), 1, device=features.device)
    same = labels[one] == labels[two]
    return distance[same].mean() if same.any() else features.sum() * 0


def uniformity(features: Tensor) -> Tensor:
    """log of the mean over all pairs of exp(-2 d^2), clamped at 1e-6 (-13.8). Two antipodal points give -8, no less.

    A single feature has no pair and gives 0.
    """
    if len(features) < 2:
        return features.sum() * 0
    distance = torch.pdist(features).square()
    return torch.exp(-2 * distance).mean().clamp(min=1e-6).log()


def interpolated(
    features: Tensor,
    labels: Tensor,
    way: Literal["replace", "expand"],
    *,
    times: int = 8,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Latent augmentation: slerp of every unit feature with another of its class, by permutation, t even in 0..1.

    Args:
        way: "replace" gives the interpolated features alone, as the released code of arXiv 2503.19683 does; "expand"
            puts them behind the originals, as the text of arXiv 2508.06248 (first version) does, 128 to 1024.
        times: of "expand": how many times as many features come back, at least 1.
        generator: draws permutations and t, on the CPU; torch's own when None.

    Returns:
        Features (N, width), or (N times ``times``, width), and their labels. A class with one feature keeps it.

    Raises:
        ValueError: ``way`` or ``times`` is none of these.
    """
    if way not in ("replace", "expand") or times < 1:
        raise ValueError(f"latent augmentation is replace or expand, at least once, not {way} {times} times")
    rounds = 1 if way == "replace" else times - 1
    made = [_mixed_within_classes(features, labels, generator) for _ in range(rounds)]
    parts = made if way == "replace" else [features, *made]
    return torch.cat(parts), labels.repeat(len(parts))


def _mixed_within_classes(features: Tensor, labels: Tensor, generator: torch.Generator | None) -> Tensor:
    partner = torch.arange(len(labels))
    for label in sorted(set(labels.tolist())):
        mine = (labels.cpu() == label).nonzero()[:, 0]
        partner[mine] = mine[torch.randperm(len(mine), generator=generator)]
    t = torch.rand(len(labels), 1, generator=generator).to(features)
    return slerp(features, features[partner.to(features.device)], t)
