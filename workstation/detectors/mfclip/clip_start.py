"""Starting the language encoder from a published CLIP text tower, which the paper means and its released code never
does (there the line that loads the weights is switched off).

CLIP has positions for one text of 77 tokens; each of the four levels starts with these same positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from workstation.detectors.clip_ln.names import to_open_clip, under
from workstation.detectors.importing.tensors import tensors_of
from workstation.detectors.mfclip.labels import LEVELS
from workstation.detectors.mfclip.language import LanguageEncoder
from workstation.domain.errors import WeightsInvalid

_POSITIONS: Final = "positional_embedding"
_PROJECTION: Final = "text_projection"
_HUGGING_FACE: Final = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": _POSITIONS,
    "final_layer_norm.weight": "ln_final.weight",
    "final_layer_norm.bias": "ln_final.bias",
}
_ADVICE: Final = "Take a CLIP file of a ViT-B/32 or ViT-B/16, as safetensors or as a checkpoint."


def start_from_clip(encoder: LanguageEncoder, path: Path) -> None:
    """Give ``encoder`` the text tower in a CLIP file of Hugging Face, open_clip or OpenAI.

    Raises:
        WeightsInvalid: the file cannot be read safely, has no text tower, or one of another size.
    """
    tower = read_text_tower(path)
    tower[_POSITIONS] = tower[_POSITIONS].repeat(LEVELS, 1)
    wanted = encoder.state_dict()
    for name, tensor in wanted.items():
        if name not in tower:
            raise WeightsInvalid(f"{path.name} holds no CLIP text tower of {len(wanted)} tensors: no {name}.", _ADVICE)
        if tower[name].shape != tensor.shape:
            found, needed = tuple(tower[name].shape), tuple(tensor.shape)
            raise WeightsInvalid(f"{path.name}: {name} has shape {found}, the encoder wants {needed}.", _ADVICE)
    encoder.load_state_dict({name: tower[name] for name in wanted})


def read_text_tower(path: Path) -> dict[str, Tensor]:
    """The text tower of a CLIP file in open_clip's names, float32. Raises: WeightsInvalid."""
    tensors = tensors_of(path)
    theirs = under(tensors, "text_model.")
    if theirs:
        blocks = to_open_clip({name: value for name, value in theirs.items() if name.startswith("encoder.")})
        tower = blocks | {ours: theirs[name] for name, ours in _HUGGING_FACE.items() if name in theirs}
        projection = tensors.get(f"{_PROJECTION}.weight")
        if projection is not None:
            tower[_PROJECTION] = projection.T.contiguous()
    else:
        # open_clip's towers of their own class have the prefix "text.", OpenAI's none.
        tower = under(tensors, "text.") or dict(_without_eyes(tensors))
    if _POSITIONS not in tower:
        raise WeightsInvalid(f"{path.name} holds no CLIP text tower.", _ADVICE)
    return {name: tensor.to(torch.float32) for name, tensor in tower.items()}


def _without_eyes(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if not name.startswith("visual.")}
