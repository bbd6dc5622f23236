"""From the names of GenD's files to timm's.

Perception Encoder is timm's own in GenD, under ``feature_extractor.backbone.``. DINOv3 is Hugging Face's there: query,
key (which has no bias) and value apart, names of its own, and a mask token that nothing reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from workstation.domain.errors import WeightsInvalid

_OUTER: Final = {
    "embeddings.cls_token": "cls_token",
    "embeddings.register_tokens": "reg_token",
    "embeddings.patch_embeddings.weight": "patch_embed.proj.weight",
    "embeddings.patch_embeddings.bias": "patch_embed.proj.bias",
    "norm.weight": "norm.weight",
    "norm.bias": "norm.bias",
}
_PARTS: Final = {
    "norm1.weight": "norm1.weight",
    "norm1.bias": "norm1.bias",
    "norm2.weight": "norm2.weight",
    "norm2.bias": "norm2.bias",
    "attention.o_proj.weight": "attn.proj.weight",
    "attention.o_proj.bias": "attn.proj.bias",
    "attention.q_proj.bias": "attn.q_bias",
    "attention.v_proj.bias": "attn.v_bias",
    "layer_scale1.lambda1": "gamma_1",
    "layer_scale2.lambda1": "gamma_2",
    "mlp.up_proj.weight": "mlp.fc1.weight",
    "mlp.up_proj.bias": "mlp.fc1.bias",
    "mlp.down_proj.weight": "mlp.fc2.weight",
    "mlp.down_proj.bias": "mlp.fc2.bias",
}
_THIRDS: Final = ("attention.q_proj.weight", "attention.k_proj.weight", "attention.v_proj.weight")
UNREAD: Final = "embeddings.mask_token"
# Newer versions of transformers put one more name before the blocks.
_BLOCK: Final = re.compile(r"(?:model\.)?layer\.(\d+)\.(.+)")


def dino_to_timm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename Hugging Face's tensors of a DINOv3 tower; every one has its place.

    Raises:
        WeightsInvalid: a tensor has no place, or one of a block's three projections is missing.
    """
    made: dict[str, Tensor] = {}
    thirds: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        found = _BLOCK.fullmatch(name)
        if name == UNREAD:
            continue
        if name in _OUTER:
            made[_OUTER[name]] = tensor
        elif found and found[2] in _THIRDS:
            thirds.setdefault(found[1], {})[found[2]] = tensor
        elif found and found[2] in _PARTS:
            made[f"blocks.{found[1]}.{_PARTS[found[2]]}"] = tensor
        else:
            raise WeightsInvalid(f'The layout of DINOv3 has no tensor "{name}".')
    for block, parts in thirds.items():
        if len(parts) != len(_THIRDS):
            raise WeightsInvalid(f"Block {block} lacks one of query, key and value.")
        made[f"blocks.{block}.attn.qkv.weight"] = torch.cat([parts[name] for name in _THIRDS])
    return made
