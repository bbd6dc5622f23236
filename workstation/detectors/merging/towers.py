"""Merging inside towers of other libraries: each block's attention is run here, its keys are read, its tokens merge
before its own MLP. Names of parameters, and what a tower takes and gives, stay as they are.

After the last block every token of the picture gets the value of the one it merged into, so that pooling over tokens
(mean, attention) weighs them by size, and readers of patch tokens find them where they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
import torch.nn.functional as nnf
from open_clip.transformer import ResidualAttentionBlock
from open_clip.transformer import VisionTransformer as ClipTower
from timm.layers.attention import Attention, AttentionRope
from timm.layers.pos_embed_sincos import apply_rot_embed_cat
from timm.models.eva import Eva, EvaAttention, EvaBlock
from timm.models.vision_transformer import Block
from timm.models.vision_transformer import VisionTransformer as TimmTower
from torch import Tensor, nn

from workstation.detectors.merging import organs
from workstation.detectors.merging.matching import Tokens, match, merge_tokens, proportional, spread, start
from workstation.detectors.merging.schedule import MergePlan, check, plan
from workstation.detectors.mfclip.vision import VisionEncoder
from workstation.domain.errors import DetectorError


@dataclass(frozen=True, slots=True)
class _Way:
    """How a kind of block is run.

    ``attend(block, x, bias, rope)`` gives x after attention, and the keys averaged over heads: (N, tokens, head width).
    ``feed(block, x)`` gives x after the MLP.
    """

    attend: Callable[[Any, Tensor, Tensor | None, Tensor | None], tuple[Tensor, Tensor]]
    feed: Callable[[Any, Tensor], Tensor]


def apply(tower: nn.Module, r: int, schedule: str) -> MergePlan:
    """Make a tower merge ``r`` tokens after each block; with ``r`` = 0 it is not touched.

    open_clip's vision transformer and timm's ``VisionTransformer`` and ``Eva`` (DINOv3, Perception Encoder) are known.
    A schedule by organs needs the batch's density at each call (`organs.guided_by`).

    Raises:
        DetectorError: the tower is of another kind or merges already, or there is no such schedule.
    """
    check(r, schedule)
    if isinstance(tower, ClipTower):
        if isinstance(tower.transformer, _ClipBlocks):
            raise DetectorError("This tower merges tokens already.")
        blocks = list(tower.transformer.resblocks)
        _expect(blocks, ResidualAttentionBlock, (nn.MultiheadAttention,))
        made = plan(len(blocks), tower.positional_embedding.shape[0], 1, tower.grid_size, r, schedule)
        if r:
            tower.transformer = _ClipBlocks(tower.transformer, made)
        return made
    if isinstance(tower, TimmTower | Eva):
        blocks = list(tower.blocks)
        eva = isinstance(tower, Eva)
        if isinstance(tower.blocks, _TimmBlocks | _EvaBlocks):
            raise DetectorError("This tower merges tokens already.")
        _expect(blocks, *((EvaBlock, (EvaAttention, AttentionRope)) if eva else (Block, (Attention,))))
        if getattr(tower, "rope_mixed", False):
            raise DetectorError("Merging knows no rotary positions that differ from block to block.", _LEAVE)
        grid = cast(tuple[int, int], tuple(tower.patch_embed.grid_size))
        prefix = int(tower.num_prefix_tokens)
        made = plan(len(blocks), prefix + grid[0] * grid[1], prefix, grid, r, schedule)
        if r:
            tower.blocks = (_EvaBlocks if eva else _TimmBlocks)(blocks, made)
        return made
    if isinstance(tower, VisionEncoder):
        raise DetectorError("MFCLIP's transformers have two tokens each: there is nothing to merge.", _LEAVE)
    raise DetectorError(f"Merging does not know towers of the kind {type(tower).__name__}.", _LEAVE)


_LEAVE = "Leave merge at 0 for this detector."


def _expect(blocks: list[nn.Module], block: type[nn.Module], attention: tuple[type[nn.Module], ...]) -> None:
    for part in blocks:
        inner = getattr(part, "attn", None)
        if type(part) is not block or type(inner) not in attention:
            kind = f"{type(part).__name__} with {type(inner).__name__}"
            raise DetectorError(f"Merging does not know blocks of the kind {kind}.", _LEAVE)


def run(x: Tensor, blocks: list[nn.Module], made: MergePlan, way: _Way, rope: Tensor | None = None) -> Tokens:
    """All blocks with merging between attention and MLP of each.

    Args:
        x: (N, tokens, width).
        rope: rotary positions of the patches, (patches, numbers), or None.

    Raises:
        DetectorError: the sequence is not as long as planned, or the organs' density is missing or of another batch.
    """
    if x.shape[1] != made.tokens:
        raise DetectorError(f"Merging was planned for {made.tokens} tokens, the tower has {x.shape[1]}.")
    tokens = start(x, _density(x, made))
    places = nnf.pad(rope, (0, 0, made.prefix, 0)) if rope is not None else None
    for number, (block, fewer) in enumerate(zip(blocks, made.steps, strict=True)):
        merged = any(made.steps[:number])
        here = places[tokens.place][:, None, made.prefix :] if places is not None and merged else rope
        value, keys = way.attend(block, tokens.x, proportional(tokens.size) if merged else None, here)
        tokens = replace(tokens, x=value)
        if fewer:
            tokens = merge_tokens(tokens, match(keys, fewer, made.prefix, tokens.density))
        tokens = replace(tokens, x=way.feed(block, tokens.x))
    return tokens


def _density(x: Tensor, made: MergePlan) -> Tensor | None:
    if not made.by_organs:
        return None
    found = organs.current()
    if found is None or found.shape != (len(x), made.tokens - made.prefix):
        have = "none" if found is None else f"{found.shape}"
        raise DetectorError(
            f"Merging by organs needs a density of {(len(x), made.tokens - made.prefix)}; there is {have}."
        )
    return nnf.pad(torch.from_numpy(found).to(x.device), (made.prefix, 0))


class _ClipBlocks(nn.Module):
    """In the place of open_clip's ``transformer``; its blocks keep their names."""

    def __init__(self, transformer: Any, made: MergePlan) -> None:
        super().__init__()
        self.resblocks = transformer.resblocks
        self.made = made

    def forward(self, x: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        _refuse(attn_mask is not None)
        return spread(run(x, list(self.resblocks), self.made, _CLIP))


class _TimmBlocks(nn.Sequential):
    """In the place of timm's ``blocks``, which it calls as one."""

    def __init__(self, blocks: list[nn.Module], made: MergePlan) -> None:
        super().__init__(*blocks)
        self.made = made

    def forward(self, x: Tensor) -> Tensor:
        return spread(run(x, list(self.children()), self.made, _TIMM))


class _EvaBlocks(nn.ModuleList):
    """In the place of the ``blocks`` that timm's ``Eva`` goes through one by one: it meets a single one, which is all
    of them."""

    def __init__(self, blocks: list[nn.Module], made: MergePlan) -> None:
        super().__init__(blocks)
        self.made = made

    def __iter__(self) -> Iterator[nn.Module]:
        return iter((cast(nn.Module, self),))

    def forward(
        self, x: Tensor, rope: Tensor | None = None, attn_mask: Tensor | None = None, is_causal: bool = False
    ) -> Tensor:
        _refuse(attn_mask is not None or is_causal or (rope is not None and rope.ndim != 2))
        return spread(run(x, list(self.children()), self.made, _EVA, rope))


def _refuse(strange: bool) -> None:
    if strange:
        raise DetectorError("Merging knows no masks of the tower's own and no dropped patches.", _LEAVE)


def _heads(x: Tensor, count: int) -> Tensor:
    return x.reshape(x.shape[0], x.shape[1], count, -1).transpose(1, 2)


def _seen(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    if q.dtype == torch.bfloat16 and q.device.type == "cpu":
        return _products(q, k, v, bias).transpose(1, 2).flatten(2)
    if bias is not None and bias.is_cuda:
        # The kernels of a GPU take a mask of the queries' own kind alone.
        bias = bias.to(q.dtype)
    return nnf.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).flatten(2)


def _products(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """Attention as two plain products: on a processor with products in bfloat16 2 to 3 times as fast as the fused
    form, and what torch's own attention module does there."""
    count, heads, length, width = q.shape
    q, k, v = (part.reshape(count * heads, length, width) for part in (q, k, v))
    if bias is None:
        logits = torch.baddbmm(q.new_zeros(1), q, k.transpose(1, 2), beta=0, alpha=width**-0.5)
    else:
        added = bias.to(q.dtype).expand(count, heads, 1, length).reshape(count * heads, 1, length)
        logits = torch.baddbmm(added, q, k.transpose(1, 2), alpha=width**-0.5)
    return torch.bmm(logits.softmax(dim=-1), v).view(count, heads, length, width)


def _clip_attend(block: Any, x: Tensor, bias: Tensor | None, rope: Tensor | None) -> tuple[Tensor, Tensor]:
    attention = block.attn
    mixed = nnf.linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
    q, k, v = (_heads(part, attention.num_heads) for part in mixed.chunk(3, dim=-1))
    return x + block.ls_1(attention.out_proj(_seen(q, k, v, bias))), k.mean(dim=1)


def _clip_feed(block: Any, x: Tensor) -> Tensor:
    fed: Tensor = x + block.ls_2(block.mlp(block.ln_2(x)))
    return fed


def _timm_attention(attention: Any, x: Tensor, bias: Tensor | None, rope: Tensor | None) -> tuple[Tensor, Tensor]:
    q, k, v = _timm_parts(attention, x)
    q, k = attention.q_norm(q), attention.k_norm(k)
    # Before the positions are turned into them: what a token shows, not where it stands, says what it resembles.
    keys = k.mean(dim=1)
    if rope is not None:
        q, k = (_turned(part, rope, attention).type_as(v) for part in (q, k))
    groups = getattr(attention, "num_kv_groups", 1)
    if groups > 1:
        k, v = k.repeat_interleave(groups, dim=1), v.repeat_interleave(groups, dim=1)
    seen = attention.norm(_seen(q, k, v, bias))
    if attention.gate is not None:
        seen = seen * attention.gate(x).sigmoid()
    return attention.proj_drop(attention.proj(seen)), keys


def _timm_parts(attention: Any, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    if attention.qkv is None:
        shares = getattr(attention, "num_kv_heads", attention.num_heads)
        return (
            _heads(attention.q_proj(x), attention.num_heads),
            _heads(attention.k_proj(x), shares),
            _heads(attention.v_proj(x), shares),
        )
    if getattr(attention, "q_bias", None) is not None:
        offset = torch.cat((attention.q_bias, attention.k_bias, attention.v_bias))
        mixed = nnf.linear(x, attention.qkv.weight, offset)
    else:
        mixed = attention.qkv(x)
    q, k, v = (_heads(part, attention.num_heads) for part in mixed.chunk(3, dim=-1))
    return q, k, v


def _turned(x: Tensor, rope: Tensor, attention: Any) -> Tensor:
    first = attention.num_prefix_tokens
    patches = apply_rot_embed_cat(x[:, :, first:], rope, half=getattr(attention, "rotate_half", False))
    return torch.cat((x[:, :, :first], patches), dim=2)


def _timm_attend(block: Any, x: Tensor, bias: Tensor | None, rope: Tensor | None) -> tuple[Tensor, Tensor]:
    seen, keys = _timm_attention(block.attn, block.norm1(x), bias, rope)
    return x + block.drop_path1(block.ls1(seen)), keys


def _timm_feed(block: Any, x: Tensor) -> Tensor:
    fed: Tensor = x + block.drop_path2(block.ls2(block.mlp(block.norm2(x))))
    return fed


def _eva_attend(block: Any, x: Tensor, bias: Tensor | None, rope: Tensor | None) -> tuple[Tensor, Tensor]:
    seen, keys = _timm_attention(block.attn, block.norm1(x), bias, rope)
    return x + block.drop_path1(seen if block.gamma_1 is None else block.gamma_1 * seen), keys


def _eva_feed(block: Any, x: Tensor) -> Tensor:
    fed = block.mlp(block.norm2(x))
    added: Tensor = x + block.drop_path2(fed if block.gamma_2 is None else block.gamma_2 * fed)
    return added


_CLIP = _Way(_clip_attend, _clip_feed)
_TIMM = _Way(_timm_attend, _timm_feed)
_EVA = _Way(_eva_attend, _eva_feed)
