"""Towers of timm under GenD's head ("Deepfake Detection that Generalizes Across Benchmarks", arXiv 2508.06248).

Perception Encoder gives its attention-pooled feature, DINOv3 its class token after the last norm; the head is shared
with clip_ln. A tower is built for the side it runs at: a Perception Encoder made for 336 px runs at 224 with its table
of positions resampled once, which gives the same numbers as resampling it at every call.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from workstation.detectors.clip_ln.head import LINEAR_NORM, Head, kind_of, unit
from workstation.domain.errors import CardInvalid

PERCEPTION: Final = "vit_pe_core_*"
DINO: Final = "vit_*_patch16_dinov3*"
# GenD unfreezes every parameter whose name contains one of these.
NORMS: Final[Mapping[str, tuple[str, ...]]] = {
    PERCEPTION: ("norm_pre", "norm1", "norm2", "norm"),
    DINO: ("norm1", "norm2", "norm"),
}
_DEEPEST = 64


class TimmVit(nn.Module):
    """``forward(pixels)``: (N, 3, side, side) normalised to logits (N, 2): genuine, manipulated."""

    def __init__(self, tower: nn.Module, width: int, side: int, kind: str, head: str) -> None:
        super().__init__()
        self.tower = tower
        self.side = side
        self.kind = kind
        self.head = Head(width, head)

    def pooled(self, pixels: Tensor) -> Tensor:
        """The tower's feature, of its own length: (N, width)."""
        found: Tensor = self.tower(pixels)
        return found.float()

    def features(self, pixels: Tensor) -> Tensor:
        """The feature at length one, on which the losses are defined: (N, width)."""
        return unit(self.pooled(pixels))

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.head(self.pooled(pixels))
        return logits


def kind_of_tower(name: object) -> str:
    """`PERCEPTION` or `DINO`. Raises: CardInvalid when timm has no such tower, or it is neither."""
    import timm

    if isinstance(name, str) and name in timm.list_models():
        for kind in (PERCEPTION, DINO):
            if fnmatch.fnmatchcase(name, kind):
                return kind
    raise CardInvalid(f'timm has no Perception Encoder or DINOv3 tower "{name}".', "Name one of timm.list_models().")


def build_network(table: Mapping[str, object], side: int) -> TimmVit:
    """Build what a card asks for; nothing is ever downloaded.

    Args:
        table: ``tower`` (timm's name), ``head`` ("linear_norm", also where nothing is said, or "linear"), and ``depth``
            where the tower shall have another number of blocks.
        side: of the input in pixels, a multiple of the tower's patch.

    Raises:
        CardInvalid: the table has another entry, or asks for what cannot be built.
    """
    import timm

    for entry in table:
        if entry not in ("tower", "head", "depth"):
            raise CardInvalid(f"A timm_vit card has no network.{entry}.", "Take the entry off the card.")
    name, depth = table.get("tower"), table.get("depth", 0)
    kind = kind_of_tower(name)
    head = kind_of(table.get("head", LINEAR_NORM))
    if isinstance(depth, bool) or not isinstance(depth, int) or not 0 <= depth <= _DEEPEST:
        raise CardInvalid(f"network.depth of a timm_vit card must be a whole number up to {_DEEPEST}.")
    wanted: dict[str, Any] = {"img_size": side, "dynamic_img_size": False, "num_classes": 0}
    if kind == DINO:
        wanted["global_pool"] = "token"
    if depth:
        wanted["depth"] = depth
    try:
        tower = cast(Any, timm.create_model(str(name), pretrained=False, **wanted))
    except (TypeError, ValueError, RuntimeError, AssertionError, ArithmeticError) as error:
        raise CardInvalid(f"timm cannot build the tower the card asks for: {error}.") from error
    patch = int(tower.patch_embed.patch_size[0])
    if side % patch:
        raise CardInvalid(f"The tower sees patches of {patch} px; {side} px is no multiple of it.")
    return TimmVit(tower, int(tower.num_features), side, kind, head)


def fill_buffers(network: TimmVit) -> None:
    """Give a network on torch's meta device, on the CPU, the buffers that no weights file holds: rotary positions."""
    stored = set(network.state_dict())
    owners: dict[str, nn.Module] = {}
    for name, buffer in list(network.named_buffers()):
        if name in stored or not buffer.is_meta:
            continue
        place, _, leaf = name.rpartition(".")
        owner = network.get_submodule(place)
        owner.register_buffer(leaf, torch.empty_like(buffer, device="cpu"), persistent=False)
        owners[place] = owner
    with torch.device("cpu"):
        for owner in owners.values():
            fill = getattr(owner, "init_non_persistent_buffers", None)
            if fill is None:
                raise CardInvalid(f"timm does not say how {type(owner).__name__} is filled.")
            fill()


def set_norm_tuning(network: TimmVit) -> tuple[int, int, int]:
    """Freeze everything but the norms, by GenD's names, and the head.

    A name is looked for anywhere in a parameter's, as GenD does: "norm" also takes the norm inside Perception Encoder's
    attention pooling.

    Returns:
        Tuned tensors and numbers of the tower, and numbers of the head: 102, 104,448 and 2,050 for
        vit_pe_core_large_patch14_336; 98, 100,352 and 2,050 for vit_large_patch16_dinov3.
    """
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    named = network.tower.named_parameters()
    tuned = [parameter for name, parameter in named if any(part in name for part in NORMS[network.kind])]
    head = list(network.head.parameters())
    for parameter in (*tuned, *head):
        parameter.requires_grad_(True)
    return len(tuned), sum(p.numel() for p in tuned), sum(p.numel() for p in head)
