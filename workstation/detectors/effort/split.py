"""A linear layer split by its singular values: all but the smallest frozen, the smallest trained.

After "Effort" (ICML 2025): W = U S V^T of n singular values; the n - r largest make a frozen main part, the r smallest
are trained with their vectors. A square layer of 1,024 with r = 1 trains 1,024 + 1 + 1,024 = 2,049 numbers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn


class SplitLinear(nn.Module):
    """``forward(x)``: (..., inside) to (..., outside), with the weight main + left * values @ right.

    Trained: ``left`` (outside, r), ``values`` (r,), ``right`` (r, inside). Frozen: ``main`` (outside, inside), ``bias``
    and, for the losses, the rest's vectors and values as they were at the start.
    """

    main: Tensor
    start_left: Tensor
    start_values: Tensor
    start_right: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, rank: int) -> None:
        super().__init__()
        left, values, right = _smallest(weight.detach(), rank)
        # The difference is taken in the weight's own digits, so that the parts add up to the weight again.
        self.register_buffer("main", weight.detach() - (left * values) @ right)
        self.register_buffer("start_left", left)
        self.register_buffer("start_values", values)
        self.register_buffer("start_right", right)
        self.register_buffer("bias", bias.detach().clone())
        self.left = nn.Parameter(left.clone())
        self.values = nn.Parameter(values.clone())
        self.right = nn.Parameter(right.clone())

    @property
    def weight(self) -> Tensor:
        """Both parts together: (outside, inside)."""
        return self.main + (self.left * self.values) @ self.right

    def forward(self, x: Tensor) -> Tensor:
        return nnf.linear(x, self.weight, self.bias)


class SplitAttention(nn.Module):
    """Self-attention in the place of torch's own, with query, key, value and output each a `SplitLinear`."""

    def __init__(self, attention: nn.MultiheadAttention, rank: int) -> None:
        super().__init__()
        self.heads = attention.num_heads
        query, key, value = attention.in_proj_weight.chunk(3)
        biases = attention.in_proj_bias.chunk(3)
        self.query = SplitLinear(query, biases[0], rank)
        self.key = SplitLinear(key, biases[1], rank)
        self.value = SplitLinear(value, biases[2], rank)
        self.out = SplitLinear(attention.out_proj.weight, attention.out_proj.bias, rank)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, need_weights: bool = False, attn_mask: Tensor | None = None
    ) -> tuple[Tensor, None]:
        """(N, tokens, width) each; attention weights are never given."""
        parts = (self.query(query), self.key(key), self.value(value))
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in parts)
        mixed = nnf.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask)
        return self.out(mixed.transpose(1, 2).flatten(2)), None


def split_layers(network: nn.Module) -> list[SplitLinear]:
    """Every split layer of a network, in order: four for each block."""
    return [part for part in network.modules() if isinstance(part, SplitLinear)]


def _smallest(weight: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors and values of the ``rank`` smallest singular values: (outside, r), (r,), (r, inside)."""
    if weight.is_meta:
        outside, inside = weight.shape
        return weight.new_empty(outside, rank), weight.new_empty(rank), weight.new_empty(rank, inside)
    left, values, right = torch.linalg.svd(weight.double(), full_matrices=False)
    kind = weight.dtype
    return left[:, -rank:].to(kind).contiguous(), values[-rank:].to(kind), right[-rank:].to(kind).contiguous()
