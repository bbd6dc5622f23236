"""From traces to verdicts: standardising by genuine faces, taking out overall sharpness, and linear layers.

Every step was fitted in closed form or by logistic regression (`workstation.training.traces`); torch is here so that
the numbers are plain tensors in a safetensors file like those of any other detector.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.detectors.traces.features import CONTEXT_NAMES, NAMES, WHOLE_NAMES
from workstation.detectors.traces.regions import PARTS

LIMIT = 4.0
# Mean of |z| of a standard normal number, so that the second half of the inputs is centred too.
_MEAN_SIZE = 0.798


class Standard(nn.Module):
    """Numbers to how far they stand out from genuine faces: what context explains is taken out, the rest is divided by
    its spread and cut off at `LIMIT`; what could not be measured (NaN) stands out by nothing.

    ``forward(values, context)``: (N, *shape) and (N, C) standardised to (N, *shape).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(shape))
        self.scale = nn.Parameter(torch.ones(shape))
        self.slope = nn.Parameter(torch.zeros(*shape, len(CONTEXT_NAMES)))

    def forward(self, values: Tensor, context: Tensor) -> Tensor:
        explained = torch.einsum("...c,nc->n...", self.slope, context)
        found = (values - self.mean - explained) / self.scale
        return torch.nan_to_num(found, nan=0.0, posinf=LIMIT, neginf=-LIMIT).clamp(-LIMIT, LIMIT)


class Fusion(nn.Module):
    """``forward(parts, whole, context)``: (N, 5, D), (N, W), (N, C) to the score's logit (N,) and the logits of the
    parts (N, 5), in the order of `PARTS`."""

    def __init__(self) -> None:
        super().__init__()
        count, width = len(PARTS), len(NAMES)
        self.context_mean = nn.Parameter(torch.zeros(len(CONTEXT_NAMES)))
        self.context_scale = nn.Parameter(torch.ones(len(CONTEXT_NAMES)))
        self.part = Standard((count, width))
        # Turned so that among genuine faces nothing goes together: what is usual alone may be rare in company.
        self.turn = nn.Parameter(torch.eye(width).repeat(count, 1, 1))
        self.part_weight = nn.Parameter(torch.randn(count, 3 * width) * 0.05)
        self.part_bias = nn.Parameter(torch.zeros(count))
        self.whole = Standard((len(WHOLE_NAMES),))
        self.whole_weight = nn.Parameter(torch.randn(2 * len(WHOLE_NAMES)) * 0.05)
        self.whole_bias = nn.Parameter(torch.zeros(1))
        self.score_weight = nn.Parameter(torch.full((count + 2,), 0.3))
        self.score_bias = nn.Parameter(torch.zeros(1))
        # What overall sharpness still does to the score of genuine faces, taken out last.
        self.score_slope = nn.Parameter(torch.zeros(2 * len(CONTEXT_NAMES)))

    def forward(self, parts: Tensor, whole: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        place = self.place_of(context)
        logits = self.parts_of(parts, place)
        rest = self.rest_of(whole, place)
        score = nnf.linear(joined(logits, rest), self.score_weight[None], self.score_bias)[:, 0]
        return score - bent(place) @ self.score_slope, logits

    def place_of(self, context: Tensor) -> Tensor:
        """Context in units of genuine faces: (N, C)."""
        return torch.nan_to_num((context - self.context_mean) / self.context_scale).clamp(-LIMIT, LIMIT)

    def inputs_of(self, parts: Tensor, place: Tensor) -> Tensor:
        """What the parts' regressions are given: (N, 5, 3 D)."""
        found = self.part(parts, place)
        turned = torch.einsum("npd,pde->npe", found, self.turn).clamp(-LIMIT, LIMIT)
        return torch.cat([signed_and_size(found), turned.abs() - _MEAN_SIZE], dim=-1)

    def parts_of(self, parts: Tensor, place: Tensor) -> Tensor:
        """Logits of the parts: (N, 5)."""
        return torch.einsum("npd,pd->np", self.inputs_of(parts, place), self.part_weight) + self.part_bias

    def rest_of(self, whole: Tensor, place: Tensor) -> Tensor:
        """Logit of the crop as a whole: (N,)."""
        found: Tensor = signed_and_size(self.whole(whole, place)) @ self.whole_weight + self.whole_bias
        return found


def signed_and_size(found: Tensor) -> Tensor:
    """(..., D) to (..., 2 D): how far and which way, and how far whichever way."""
    return torch.cat([found, found.abs() - _MEAN_SIZE], dim=-1)


def bent(place: Tensor) -> Tensor:
    """(N, C) standardised context to (N, 2 C): itself and its square."""
    return torch.cat([place, place.square() - 1], dim=-1)


def joined(logits: Tensor, rest: Tensor) -> Tensor:
    """What the score is made of: each part's logit, the largest of them, and that of the whole crop: (N, 7)."""
    return torch.cat([logits, logits.amax(dim=1, keepdim=True), rest[:, None]], dim=1)
