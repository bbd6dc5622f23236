"""The two heads of GenD (arXiv 2508.06248) and of LN-tuned CLIP (arXiv 2503.19683): a linear layer, or one on the
L2-normalised feature. Shared by every family whose published head is one of them."""

from __future__ import annotations

from typing import Final

import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.domain.errors import CardInvalid

LINEAR: Final = "linear"
LINEAR_NORM: Final = "linear_norm"
HEADS: Final = (LINEAR, LINEAR_NORM)


class Head(nn.Linear):
    """``forward(features)``: (N, width) of any length to logits (N, classes): genuine, manipulated.

    Tensors are ``weight`` and ``bias``, as those of the linear layer it is. ``kind`` says whether features are brought
    to length one first ("linear_norm") or taken as they are ("linear").
    """

    def __init__(self, width: int, kind: str = LINEAR_NORM, classes: int = 2) -> None:
        super().__init__(width, classes)
        self.kind = kind

    def forward(self, features: Tensor) -> Tensor:
        values = features.float()
        return super().forward(unit(values) if self.kind == LINEAR_NORM else values)


def unit(features: Tensor) -> Tensor:
    """Features of length one: (N, width)."""
    return nnf.normalize(features.float(), dim=-1)


def kind_of(value: object) -> str:
    """The head a card's network table asks for. Raises: CardInvalid when it is none of `HEADS`."""
    if value not in HEADS:
        raise CardInvalid(f"The head of a card is {' or '.join(HEADS)}, not {value!r}.")
    return str(value)
