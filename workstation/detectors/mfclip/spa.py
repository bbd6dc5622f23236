"""Sample pair attention: a learned gate on every pair of an image and a text (arXiv 2409.09724, SPA).

Published: one number for each place of a 24 x 24 matrix of logits. What stands at a place changes with every batch, so
such a gate can learn nothing about a pair, and every batch must have 24 samples. Ours ("labels") learns one number for
each pair of prompts on each level; a pair's gate is the sigmoid of their sum over the four levels. It knows what it
gates and fits every batch. In both, a gate that is wide open (A to +infinity) leaves plain contrastive logits.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workstation.detectors.mfclip.labels import SIZES
from workstation.domain.errors import InputError

FORMS = ("labels", "published")
PUBLISHED_BATCH = 24
# sigmoid(4 * 0.5) = 0.88: near plain contrastive logits at the start, and still free to move.
_START = 0.5


class SamplePairAttention(nn.Module):
    """``forward(logits, codes)``: (N, N) logits, images in rows and texts in columns, of samples whose labels have
    ``codes`` (N, 4) int64 (`labels.ForgeryLabel.codes`), to gated logits (N, N).

    Parameters: 194 ("labels": 9 + 25 + 16 + 144) or 576 ("published").

    Raises:
        InputError: the published form is given another batch than 24.
    """

    def __init__(self, form: str = "labels") -> None:
        super().__init__()
        if form not in FORMS:
            raise ValueError(f"sample pair attention is {' or '.join(FORMS)}, not {form}")
        self.form = form
        if form == "published":
            gates = [torch.full((PUBLISHED_BATCH, PUBLISHED_BATCH), len(SIZES) * _START)]
        else:
            gates = [torch.full((size, size), _START) for size in SIZES]
        self.gates = nn.ParameterList(nn.Parameter(gate) for gate in gates)

    def forward(self, logits: Tensor, codes: Tensor) -> Tensor:
        if self.form == "labels":
            levels = enumerate(self.gates)
            total = torch.stack([gate[codes[:, n, None], codes[None, :, n]] for n, gate in levels]).sum(dim=0)
            return logits * torch.sigmoid(total)
        if len(logits) != PUBLISHED_BATCH:
            raise InputError(
                f"The published sample pair attention takes batches of {PUBLISHED_BATCH}, not {len(logits)}.",
                'Use the form "labels", which takes any.',
            )
        return logits * torch.sigmoid(self.gates[0])
