"""Which tokens merge, and what they become: bipartite soft matching after "Token Merging: Your ViT But Faster"
(arXiv 2210.09461, section 3), written from its description.

Tokens behind the protected ones are split alternately; every token of the first set proposes its most similar token
of the second (cosine of the keys, averaged over heads), and the ``r`` best proposals merge. The order of tokens after a
merge is our choice: they stay in the order of the picture, so that neighbours keep falling into different sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor

# Above the whole range of a cosine: a token that lies wholly in an organ is taken after every one that lies in none.
_ORGAN_PENALTY = 4.0


@dataclass(frozen=True, slots=True)
class Edges:
    """``r`` merges in each picture of a batch, as positions in the sequence: ``source`` goes into ``into``, both
    (N, r) int64. A position is a source once at most, and no source is anybody's target."""

    source: Tensor
    into: Tensor


@dataclass(frozen=True, slots=True)
class Tokens:
    """A sequence under way.

    Attributes:
        x: (N, tokens, width).
        size: how many tokens of the picture each stands for: (N, tokens) float32, whole numbers.
        home: where each token of the untouched sequence is found now: (N, tokens at the start) int64.
        place: which token of the untouched sequence gave each one its position: (N, tokens) int64.
        density: how much of an organ of the face each holds: (N, tokens) float32 in 0..1, or None for "even".
    """

    x: Tensor
    size: Tensor
    home: Tensor
    place: Tensor
    density: Tensor | None = None


def start(x: Tensor, density: Tensor | None = None) -> Tokens:
    """A sequence in which nothing has merged yet. ``density`` is (N, tokens); that of protected tokens is not read."""
    order = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
    size = torch.ones(x.shape[:2], dtype=torch.float32, device=x.device)
    return Tokens(x, size, order, order, density)


def match(keys: Tensor, r: int, prefix: int, density: Tensor | None = None) -> Edges:
    """Choose the ``r`` best edges of every picture.

    Args:
        keys: (N, tokens, head width), averaged over heads.
        r: at most half of the tokens behind the first ``prefix``, which never merge.
        density: (N, tokens) in 0..1; an edge is taken the later, the denser the denser of its two ends is.
    """
    keys = nnf.normalize(keys.float(), dim=-1)
    # The published split counts from the class token, which is an even place.
    similarity = keys[:, prefix + 1 :: 2] @ keys[:, prefix::2].transpose(1, 2)
    if density is not None:
        ends = torch.maximum(density[:, prefix + 1 :: 2, None], density[:, None, prefix::2])
        similarity = similarity - _ORGAN_PENALTY * ends
    best, target = similarity.max(dim=-1)
    edge = best.argsort(dim=-1, descending=True, stable=True)[:, :r]
    return Edges(prefix + 1 + 2 * edge, prefix + 2 * target.gather(1, edge))


def merge_tokens(tokens: Tokens, edges: Edges) -> Tokens:
    """Merge along ``edges``: means weighted by size; every token that takes no part keeps its value to the bit."""
    x, size = tokens.x, tokens.size
    count, length = size.shape
    gone = torch.zeros(count, length, dtype=torch.bool, device=x.device).scatter_(1, edges.source, True)
    kept = gone.to(torch.uint8).argsort(dim=1, stable=True)[:, : length - edges.source.shape[1]]
    # Positions after the merge: what stays moves up by the number of sources before it.
    moved = torch.cumsum(~gone, dim=1) - 1
    into = moved.gather(1, edges.into)
    moved = moved.scatter(1, edges.source, into)
    hit = (torch.arange(kept.shape[1], device=x.device)[None, :, None] == into[:, None, :]).float()

    weight = size.gather(1, edges.source)
    total = size.gather(1, kept) + (hit @ weight[..., None])[..., 0]
    # target + sum of weight * (source - target) / total is the weighted mean, and adds exactly 0 to all other tokens.
    step = _rows(x, edges.source).float() - _rows(x, edges.into).float()
    step = step * (weight / total.gather(1, into))[..., None]
    joined = torch.baddbmm(_rows(x, kept), hit.to(x.dtype), step.to(x.dtype))

    density = tokens.density
    if density is not None:
        brought = (hit * density.gather(1, edges.source)[:, None, :]).amax(dim=-1)
        density = torch.maximum(density.gather(1, kept), brought)
    return Tokens(joined, total, moved.gather(1, tokens.home), tokens.place.gather(1, kept), density)


def proportional(size: Tensor) -> Tensor:
    """What attention adds to its logits so that a token that stands for ``size`` tokens counts as often: (N, 1, 1,
    tokens) float32, the logarithm of the size (section 3.3 of the paper)."""
    return size.log()[:, None, None, :]


def spread(tokens: Tokens) -> Tensor:
    """The sequence at its first length, every token with the value of the one that it merged into: (N, tokens, width).

    Whatever pools over all tokens then weighs them by size of itself.
    """
    return _rows(tokens.x, tokens.home)


def _rows(x: Tensor, index: Tensor) -> Tensor:
    return x.gather(1, index[..., None].expand(-1, -1, x.shape[-1]))
