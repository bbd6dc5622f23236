"""Packages of GenD's files on Perception Encoder and DINOv3.

The layout follows the authors' released code: the tower under ``feature_extractor.backbone.``, the head as
``model.linear``. The files themselves were not at hand, so a file is taken only when every name and shape fits exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from workstation.detectors.timm_vit.cards import DINOV3, PE, paper_card
from workstation.detectors.timm_vit.cards import TOWERS as PUBLISHED
from workstation.detectors.timm_vit.names import dino_to_timm
from workstation.detectors.timm_vit.network import build_network
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import WeightsInvalid

PREFIX: Final = "feature_extractor.backbone."
_HEAD: Final = {"model.linear.weight": "head.weight", "model.linear.bias": "head.bias"}
# Towers by kind, width and number of blocks. DINOv3 is taken in timm's form that keeps the biases of query and value.
TOWERS: Final = {
    (PE, 1024, 24): "vit_pe_core_large_patch14_336",
    (PE, 768, 12): "vit_pe_core_base_patch16_224",
    (PE, 192, 12): "vit_pe_core_tiny_patch16_384",
    (DINOV3, 1024, 24): "vit_large_patch16_dinov3_qkvb",
    (DINOV3, 768, 12): "vit_base_patch16_dinov3_qkvb",
    (DINOV3, 192, 12): "vit_tiny_patch16_dinov3_qkvb",
}


def matches(shapes: Mapping[str, tuple[int, ...]], path: Path) -> bool:
    """Whether the names are those of one of the two layouts; sizes are looked at when it is converted."""
    return bool(_kind(shapes)) and all(name in shapes for name in _HEAD)


def convert(path: Path, folder: Path, *, licence: str = "", origin: str = "") -> DetectorCard:
    """Write a package of a GenD file into ``folder``.

    Raises:
        WeightsInvalid: a tensor is missing, unknown or of another shape, or the licence is not known.
        CardInvalid, DetectorError: the package does not load.
    """
    from workstation.detectors.importing.recognise import said_of, sha256_of
    from workstation.detectors.importing.tensors import tensors_of
    from workstation.detectors.packages import write_package

    digest = sha256_of(path)
    licence, origin = said_of(path, digest, licence, origin)
    stored = tensors_of(path)
    kind = _kind({name: tuple(tensor.shape) for name, tensor in stored.items()})
    if not kind:
        raise WeightsInvalid(f"{path.name} is no GenD file on Perception Encoder or DINOv3.", _ADVICE)
    card = paper_card(kind, licence=licence, origin=origin)
    tensors = as_timm(stored, kind, path.name)
    name = _tower(tensors, kind, path.name)
    network = {"tower": name, "head": "linear_norm"}
    if kind == PE:
        tensors["tower.pos_embed"] = _resampled(tensors["tower.pos_embed"], card.input.size, name, path.name)
    with torch.device("meta"):
        wanted = build_network(network, card.input.size).state_dict()
    for entry in sorted({*wanted, *tensors}):
        found = tuple(tensors[entry].shape) if entry in tensors else None
        if entry not in wanted or found != tuple(wanted[entry].shape):
            raise WeightsInvalid(f"{path.name}: {entry} is {found}; the network's is another or none.", _ADVICE)
    if name != PUBLISHED[kind]:
        # Counts and name on the card are those of the published size.
        card = replace(card, name=f"GenD, {name}", summary=_OTHER, verified=(), unverified=(_OTHER, *card.unverified))
    card = replace(
        card,
        id=f"gend-{kind}-{digest[:8]}",
        version=digest[:12],
        network=network,
        training=_TRAINING,
        unverified=(*card.unverified, "That features are normalised before the head: the file does not say."),
    )
    return write_package(folder, card, tensors)


def as_timm(stored: Mapping[str, Tensor], kind: str, name: str) -> dict[str, Tensor]:
    """A file's tensors, float32, with the network's names. Raises: WeightsInvalid for a name that has no place."""
    tower: dict[str, Tensor] = {}
    made: dict[str, Tensor] = {}
    for entry, tensor in stored.items():
        if entry in _HEAD:
            made[_HEAD[entry]] = tensor.float()
        elif entry.startswith(PREFIX):
            tower[entry.removeprefix(PREFIX)] = tensor.float()
        else:
            raise WeightsInvalid(f"{name}: the layout of GenD has no tensor {entry}.", _ADVICE)
    plain = dino_to_timm(tower) if kind == DINOV3 else tower
    return made | {f"tower.{entry}": tensor for entry, tensor in plain.items()}


def _kind(shapes: Mapping[str, tuple[int, ...]]) -> str:
    if f"{PREFIX}pos_embed" in shapes and f"{PREFIX}attn_pool.latent" in shapes:
        return PE
    return DINOV3 if f"{PREFIX}embeddings.register_tokens" in shapes else ""


def _tower(tensors: Mapping[str, Tensor], kind: str, name: str) -> str:
    blocks = {entry.split(".")[2] for entry in tensors if entry.startswith("tower.blocks.")}
    width = tensors["tower.cls_token"].shape[-1] if "tower.cls_token" in tensors else 0
    found = TOWERS.get((kind, width, len(blocks)))
    if found is None:
        raise WeightsInvalid(f"{name} is of a tower {width} wide with {len(blocks)} blocks, which is none known here.")
    return found


def _resampled(table: Tensor, side: int, tower: str, name: str) -> Tensor:
    """The table of positions for ``side`` pixels: (1, 1 + patches, width), the class token's row first."""
    from timm.layers.pos_embed import resample_abs_pos_embed

    patch = 14 if "patch14" in tower else 16
    grid = math.isqrt(max(table.shape[1] - 1, 0)) if table.ndim == 3 else 0
    if table.ndim != 3 or table.shape[0] != 1 or grid * grid != table.shape[1] - 1 or not grid:
        raise WeightsInvalid(f"{name}: the table of positions is {tuple(table.shape)}.", _ADVICE)
    new = side // patch
    found: Tensor = resample_abs_pos_embed(table, new_size=[new, new], old_size=[grid, grid], num_prefix_tokens=1)
    return found


_OTHER = "A tower of another size than the published ones, under GenD's head."
_TRAINING = (
    "Not trained here. As published: norms and head only, on FaceForensics++ (c23, training split). FaceForensics++ is "
    "given out for research only."
)
_ADVICE = "Take model.safetensors of yermandy/GenD_PE_L or yermandy/GenD_DINOv3_L as published."
