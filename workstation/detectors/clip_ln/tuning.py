"""LN-tuning: which numbers of a tower are trained (arXiv 2503.19683, section 3.2; GenD, arXiv 2508.06248)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class TuningCounts:
    """What LN-tuning trains: LayerNorms, their tensors and numbers, the head's numbers, and the tower's in all."""

    norms: int
    tensors: int
    tuned: int
    head: int
    tower: int

    @property
    def trained(self) -> int:
        return self.tuned + self.head

    @property
    def share(self) -> float:
        """Of the tower's numbers, without the head: 0.000338 for ViT-L/14."""
        return self.tuned / self.tower


def layer_norms(tower: nn.Module) -> dict[str, nn.LayerNorm]:
    """Every LayerNorm of a tower by its name: before the blocks, two in each block, after the blocks."""
    return {name: part for name, part in tower.named_modules() if isinstance(part, nn.LayerNorm)}


def tune_norms(tower: nn.Module, head: nn.Module) -> TuningCounts:
    """Freeze a tower but for its LayerNorms; the head is trained. For ViT-L/14: 50 LayerNorms, 102,400 + 2,050."""
    for parameter in tower.parameters():
        parameter.requires_grad_(False)
    norms = layer_norms(tower)
    tuned = [parameter for part in norms.values() for parameter in part.parameters()]
    for parameter in (*tuned, *head.parameters()):
        parameter.requires_grad_(True)
    return TuningCounts(
        norms=len(norms),
        tensors=len(tuned),
        tuned=sum(p.numel() for p in tuned),
        head=sum(p.numel() for p in head.parameters()),
        tower=sum(p.numel() for p in tower.parameters()),
    )


def set_ln_tuning(module: nn.Module) -> tuple[int, int]:
    """Freeze everything of a network but its tower's LayerNorms and its head.

    Returns:
        Trainable parameters in the tower and in the head: 102,400 and 2,050 for ViT-L/14.
    """
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    counts = tune_norms(module.get_submodule("tower"), module.get_submodule("head"))
    return counts.tuned, counts.head


def slerp(one: Tensor, two: Tensor, t: Tensor) -> Tensor:
    """Spherical interpolation of unit vectors: (N, width), t (N, 1) in 0..1; t = 0 gives ``one``, 1 gives ``two``."""
    cosine = (one * two).sum(dim=-1, keepdim=True).clamp(-1 + 1e-6, 1 - 1e-6)
    angle = torch.acos(cosine)
    mixed = (torch.sin((1 - t) * angle) * one + torch.sin(t * angle) * two) / torch.sin(angle)
    return nnf.normalize(mixed, dim=-1)
