"""CLIP's vision tower with split attention and a linear head (after Effort, ICML 2025).

Query, key, value and output of every block are split by their singular values (`split`); what is trained is the rest
of rank r and the head. For use the parts are added up again: the merged form is a plain tower and costs nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from workstation.detectors.clip_ln.network import ClipLn
from workstation.detectors.clip_ln.network import build as build_clip
from workstation.detectors.effort.split import SplitAttention, split_layers
from workstation.domain.errors import CardInvalid

SPLIT: Final = "split"
MERGED: Final = "merged"
FORMS: Final = (SPLIT, MERGED)


def build_network(table: Mapping[str, object]) -> ClipLn:
    """Build what a card asks for: ``tower`` or ``vision`` (as for clip_ln), ``form`` and, when split, ``rank``.

    Raises:
        CardInvalid: the table has another entry, or asks for what cannot be built.
    """
    for entry in table:
        if entry not in ("tower", "vision", "form", "rank"):
            raise CardInvalid(f"An effort card has no network.{entry}.", "Take the entry off the card.")
    form, rank = table.get("form"), table.get("rank", 1)
    if form not in FORMS or (form == MERGED and "rank" in table):
        raise CardInvalid('network.form of an effort card must be "split" (with a rank) or "merged".')
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        raise CardInvalid("network.rank of an effort card must be a whole number from 1.")
    tower = {name: value for name, value in table.items() if name in ("tower", "vision")}
    network = build_clip({**tower, "head": "linear"})
    if form == SPLIT:
        if rank >= network.width:
            raise CardInvalid(f"network.rank is {rank}; the tower is {network.width} wide.")
        split(network, rank)
    return network


def split(network: ClipLn, rank: int = 1) -> None:
    """Split the attention of every block in place; the network answers as before, but for rounding.

    Raises:
        TypeError: a block's attention is not open_clip's own (it was split already, say).
    """
    for block in _blocks(network):
        attention = block.attn
        if not isinstance(attention, nn.MultiheadAttention):
            raise TypeError(f"the attention is {type(attention).__name__}")
        block.attn = SplitAttention(attention, rank)


def merged_state(network: ClipLn) -> dict[str, Tensor]:
    """The tensors of the same network as a plain tower: main part and rest added up, copied.

    A network that is not split gives its own tensors.
    """
    state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    for number, block in enumerate(_blocks(network)):
        attention = block.attn
        if not isinstance(attention, SplitAttention):
            continue
        start = f"tower.transformer.resblocks.{number}.attn."
        for name in [name for name in state if name.startswith(start)]:
            del state[name]
        parts = (attention.query, attention.key, attention.value)
        with torch.no_grad():
            state[f"{start}in_proj_weight"] = torch.cat([part.weight for part in parts])
            state[f"{start}in_proj_bias"] = torch.cat([part.bias for part in parts])
            state[f"{start}out_proj.weight"] = attention.out.weight.clone()
            state[f"{start}out_proj.bias"] = attention.out.bias.clone()
    return state


def merged_table(table: Mapping[str, object]) -> dict[str, object]:
    """The network table of the merged form of a card's network."""
    return {**{name: value for name, value in table.items() if name in ("tower", "vision")}, "form": MERGED}


def merged(network: ClipLn, table: Mapping[str, object]) -> ClipLn:
    """A plain network that answers as ``network``, which was built from ``table``, does."""
    with torch.device("meta"):
        plain = build_network(merged_table(table))
    plain.load_state_dict(merged_state(network), assign=True)
    return plain


def set_effort_training(network: ClipLn) -> tuple[int, int]:
    """Freeze everything but the rests and the head.

    Returns:
        Trainable parameters in the rests and in the head: 2,049 x 96 = 196,704 and 2,050 for ViT-L/14 at rank 1.
    """
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    rests = [p for part in split_layers(network) for p in (part.left, part.values, part.right)]
    head = list(network.head.parameters())
    for parameter in (*rests, *head):
        parameter.requires_grad_(True)
    return sum(p.numel() for p in rests), sum(p.numel() for p in head)


def _blocks(network: ClipLn) -> nn.ModuleList:
    blocks = network.tower.get_submodule("transformer.resblocks")
    assert isinstance(blocks, nn.ModuleList)
    return blocks
