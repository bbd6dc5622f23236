"""The three ways CLIP's vision tower names its tensors, and the maps between them.

Hugging Face keeps query, key and value apart; OpenAI and open_clip keep them as one tensor of three times the rows, in
that order. PEFT's LN-tuning wraps each LayerNorm: ``base_layer`` is the frozen original, ``ln_tuning_layers.default``
the tuned one that is used (layout of the 2025 checkpoint of arXiv 2503.19683).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

import torch
from torch import Tensor

from workstation.domain.errors import WeightsInvalid

TUNED: Final = ".ln_tuning_layers.default."
ORIGINAL: Final = ".base_layer."
_Value = TypeVar("_Value")

_OUTER: Final = {
    "embeddings.class_embedding": "class_embedding",
    "embeddings.patch_embedding.weight": "conv1.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "pre_layrnorm.weight": "ln_pre.weight",
    "pre_layrnorm.bias": "ln_pre.bias",
    "post_layernorm.weight": "ln_post.weight",
    "post_layernorm.bias": "ln_post.bias",
}
_PARTS: Final = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_THIRDS: Final = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
_HF_BLOCK: Final = re.compile(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
_OC_BLOCK: Final = re.compile(r"transformer\.resblocks\.(\d+)\.(.+?)[._](weight|bias)")


class Place(NamedTuple):
    """Where a tensor of Hugging Face's layout lies in open_clip's: the whole of ``name`` (``third`` None), or its
    first, second or third part along the rows (0, 1, 2: query, key, value)."""

    name: str
    third: int | None = None


def open_clip_place(name: str) -> Place | None:
    """The place of a vision tensor named as Hugging Face does, without ``vision_model.``; None for any other name."""
    if name in _OUTER:
        return Place(_OUTER[name])
    if (found := _HF_BLOCK.fullmatch(name)) is None:
        return None
    block, part, kind = found.groups()
    start = f"transformer.resblocks.{block}."
    if part in _THIRDS:
        return Place(f"{start}attn.in_proj_{kind}", _THIRDS.index(part))
    return Place(f"{start}{_PARTS[part]}.{kind}") if part in _PARTS else None


def hugging_face_names(name: str) -> tuple[str, ...]:
    """The inverse: one name, or the three of query, key and value; empty when open_clip's tower has no such name."""
    for theirs, ours in _OUTER.items():
        if name == ours:
            return (theirs,)
    if (found := _OC_BLOCK.fullmatch(name)) is None:
        return ()
    block, part, kind = found.groups()
    start = f"encoder.layers.{block}."
    if part == "attn.in_proj":
        return tuple(f"{start}{third}.{kind}" for third in _THIRDS)
    for theirs, ours in _PARTS.items():
        if part == ours and name.endswith(f".{kind}"):
            return (f"{start}{theirs}.{kind}",)
    return ()


def to_open_clip(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A vision tower in Hugging Face's names (without ``vision_model.``) as open_clip's ``VisionTransformer`` has it.

    Raises:
        WeightsInvalid: a name is not of the layout, or one of a query, a key and a value is missing.
    """
    whole: dict[str, Tensor] = {}
    thirds: dict[str, dict[int, Tensor]] = {}
    for name, tensor in tensors.items():
        place = open_clip_place(name)
        if place is None:
            raise WeightsInvalid(f'A CLIP vision tower has no tensor "{name}".', _ADVICE)
        if place.third is None:
            whole[place.name] = tensor
        else:
            thirds.setdefault(place.name, {})[place.third] = tensor
    for name, parts in thirds.items():
        if set(parts) != {0, 1, 2} or len({part.shape for part in parts.values()}) != 1:
            raise WeightsInvalid(f"Query, key and value of {name} are not three of one shape.", _ADVICE)
        whole[name] = torch.cat([parts[0], parts[1], parts[2]])
    return whole


def to_hugging_face(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of :func:`to_open_clip`. Raises: WeightsInvalid for a name that is not of the layout."""
    made: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        names = hugging_face_names(name)
        if not names or len(tensor) % len(names):
            raise WeightsInvalid(f'A CLIP vision tower has no tensor "{name}" of this shape.', _ADVICE)
        made.update(zip(names, tensor.chunk(len(names)), strict=True))
    return made


def tuned(tensors: Mapping[str, _Value]) -> dict[str, _Value]:
    """Names without PEFT's wrapping, the tuned LayerNorms in place of the frozen originals.

    Raises:
        WeightsInvalid: an original has no tuned tensor beside it, or a tensor would be there twice.
    """
    kept: dict[str, _Value] = {}
    for name, value in tensors.items():
        if ORIGINAL in name:
            if name.replace(ORIGINAL, TUNED) not in tensors:
                raise WeightsInvalid(f"{name} has no tuned LayerNorm beside it.", _ADVICE)
            continue
        plain = name.replace(TUNED, ".")
        if plain in kept:
            raise WeightsInvalid(f"{plain} is there twice.", _ADVICE)
        kept[plain] = value
    return kept


def under(tensors: Mapping[str, _Value], prefix: str) -> dict[str, _Value]:
    """The entries whose names start with ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def is_hugging_face(names: Iterable[str]) -> bool:
    """Whether names (without ``vision_model.``) are those of a whole tower as Hugging Face names them."""
    found = set(names)
    return set(_OUTER) <= found and all(open_clip_place(name) is not None for name in found)


def is_open_clip(names: Iterable[str]) -> bool:
    """Whether names (without ``visual.``) are those of a whole tower as OpenAI and open_clip name them."""
    found = set(names) - {"proj"}
    return set(_OUTER.values()) <= found and all(hugging_face_names(name) for name in found)


_ADVICE = "Take the file as its publisher names it; this one has another layout."
