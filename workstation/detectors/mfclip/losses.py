"""MFCLIP's three losses, each at weight 1 (arXiv 2409.09724; the weights and the temperature are its successor's,
arXiv 2605.10071)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor

TEMPERATURE = 0.5


@dataclass(frozen=True, slots=True)
class MfclipLoss:
    """The parts (scalars) and their sum."""

    classification: Tensor
    contrastive: Tensor
    language: Tensor

    @property
    def total(self) -> Tensor:
        return self.classification + self.contrastive + self.language


def contrastive(logits: Tensor, rivals: Tensor | None = None) -> Tensor:
    """Symmetric contrastive loss of (N, N) logits, images in rows, texts in columns, true pairs on the diagonal.

    Args:
        rivals: (N, N) bool: which pairs beside the diagonal count as wrong ones. None: all of them, which is CLIP's
            loss. A batch of faces has far more samples than kinds of faces, so most samples share their text with
            others; taken as wrong pairs these would push a picture away from its own description. Pairs whose labels
            the same face may bear (`labels.compatible`) are therefore left out, neither pulled nor pushed.
    """
    if rivals is not None:
        own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        logits = logits.masked_fill(~(rivals | own), float("-inf"))
    target = torch.arange(len(logits), device=logits.device)
    return (nnf.cross_entropy(logits, target) + nnf.cross_entropy(logits.T, target)) / 2


def agreement(text: Tensor, predicted: Tensor) -> Tensor:
    """KL divergence D(softmax(text / 0.5) || softmax(predicted / 0.5)) of (N, width) language features, batch mean.

    The features are taken as they are: at unit length 512 numbers have a softmax so flat that the loss would vanish.
    The text is the teacher and gets no gradient from here, or both could agree by saying nothing.
    """
    teacher = (text.detach() / TEMPERATURE).log_softmax(dim=-1)
    pupil = (predicted / TEMPERATURE).log_softmax(dim=-1)
    return nnf.kl_div(pupil, teacher, reduction="batchmean", log_target=True)
