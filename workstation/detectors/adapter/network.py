"""Frozen CLIP, an adapter beside it, and a class token of CLIP that the adapter guides (after Forensics-Adapter).

CLIP runs untouched. A second class token starts from CLIP's own before the last blocks; in each of them it reads the
untouched patch tokens with the adapter's bias added to its attention, and is read by nobody. Without a bias it is
CLIP's class token. The head reads it; the map is the boundary the adapter draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.detectors.adapter.side import FINER, SideNetwork, SideShape, clip_places
from workstation.detectors.clip_ln.network import ClipLn
from workstation.detectors.clip_ln.network import build as build_clip
from workstation.domain.errors import CardInvalid

_LARGEST = 4096


@dataclass(frozen=True, slots=True)
class AdapterAnswer:
    """``logits`` (N, 2): genuine, manipulated; ``boundary`` (N, 1, map, map) logits; ``patches`` (N, cells, width)."""

    logits: Tensor
    boundary: Tensor
    patches: Tensor


class AdapterNetwork(nn.Module):
    """``forward(pixels)``: (N, 3, side, side), normalised as CLIP's input, to an `AdapterAnswer`."""

    def __init__(self, clip: ClipLn, shape: SideShape) -> None:
        super().__init__()
        self.tower = clip.tower
        self.clip_side = clip.side
        blocks = cast(Any, self.tower).transformer.resblocks
        self.layers = len(blocks)
        self.heads = int(blocks[0].attn.num_heads)
        self.side = SideNetwork(shape, clip.width, self.heads)
        self.head = nn.Linear(clip.width, 2)
        self.map_size = FINER * shape.grid

    def states(self, pixels: Tensor) -> list[Tensor]:
        """CLIP's tokens before the first block and after each: (N, 1 + cells, width) every time."""
        tower = cast(Any, self.tower)
        kind = tower.class_embedding.dtype
        small = nnf.interpolate(
            pixels, (self.clip_side, self.clip_side), mode="bicubic", align_corners=False, antialias=True
        )
        found = [tower._embeds(small.to(kind))]
        for block in tower.transformer.resblocks:
            found.append(block(found[-1]))
        return found

    def guided(self, states: list[Tensor], bias: Tensor) -> Tensor:
        """The guided class token after the last LayerNorm: (N, width) float32.

        Args:
            bias: (N, guided, heads, cells), added to the attention to each cell; to the token itself nothing is added.
        """
        tower = cast(Any, self.tower)
        first = self.layers - bias.shape[1]
        token = states[first][:, :1]
        for number in range(first, self.layers):
            block = tower.transformer.resblocks[number]
            around = block.ln_1(torch.cat([token, states[number][:, 1:]], dim=1))
            added = nnf.pad(bias[:, number - first], (1, 0)).flatten(0, 1)[:, None].to(around.dtype)
            read, _ = block.attn(around[:, :1], around, around, need_weights=False, attn_mask=added)
            token = token + block.ls_1(read)
            token = token + block.ls_2(block.mlp(block.ln_2(token)))
        found: Tensor = tower.ln_post(token)[:, 0].float()
        return found

    def forward(self, pixels: Tensor) -> AdapterAnswer:
        states = self.states(pixels)
        places = clip_places(self.layers, self.side.shape.joins)
        answer = self.side(pixels, [states[place][:, 1:].float() for place in places])
        logits = self.head(self.guided(states, answer.bias))
        return AdapterAnswer(logits, answer.boundary, answer.patches)


def build_network(table: Mapping[str, object]) -> AdapterNetwork:
    """Build what a card asks for: ``tower`` or ``vision`` (as for clip_ln) and ``adapter``, a table of `SideShape`.

    Raises:
        CardInvalid: the table has another entry, or its parts do not fit each other.
    """
    for entry in table:
        if entry not in ("tower", "vision", "adapter"):
            raise CardInvalid(f"An adapter card has no network.{entry}.", "Take the entry off the card.")
    shape = _shape(table.get("adapter"))
    clip = build_clip({name: value for name, value in table.items() if name != "adapter"})
    tower = cast(Any, clip.tower)
    layers = len(tower.transformer.resblocks)
    if tuple(tower.grid_size) != (shape.grid, shape.grid):
        raise CardInvalid(f"The adapter sees {shape.grid} x {shape.grid} cells, CLIP's tower {tower.grid_size}.")
    if shape.guided > layers or shape.joins > min(layers, shape.depth):
        raise CardInvalid(f"The adapter has more joins or guided blocks than there are blocks ({layers} in CLIP).")
    return AdapterNetwork(clip, shape)


def set_adapter_training(network: AdapterNetwork) -> tuple[int, int]:
    """Freeze CLIP; the adapter and the head are trained. Returns the parameters of each."""
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    parts = (network.side, network.head)
    for part in parts:
        for parameter in part.parameters():
            parameter.requires_grad_(True)
    one, two = (sum(p.numel() for p in part.parameters()) for part in parts)
    return one, two


def _shape(table: object) -> SideShape:
    if not isinstance(table, Mapping):
        raise CardInvalid("An adapter card needs a table network.adapter.", "Correct the card.")
    known = {field.name for field in fields(SideShape)}
    for name, value in table.items():
        if name not in known:
            raise CardInvalid(f"An adapter card has no network.adapter.{name}.", "Take the entry off the card.")
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LARGEST:
            raise CardInvalid(f"network.adapter.{name} must be a whole number from 1 to {_LARGEST}.")
    shape = SideShape(**{str(name): cast(int, value) for name, value in table.items()})
    if shape.side % shape.patch or shape.width % shape.heads:
        raise CardInvalid("network.adapter: side must be a multiple of patch, and width of heads.")
    return shape
