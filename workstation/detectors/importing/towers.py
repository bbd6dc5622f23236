"""CLIP's vision tower out of a published file, for the families whose own weights are only what stands on it.

A tower alone has no head and is no detector: `recognise.convert` refuses it, and this module reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workstation.detectors.importing.tensors import shapes_of, tensors_of
from workstation.domain.errors import WeightsInvalid

if TYPE_CHECKING:
    from torch import Tensor

_HUGGING_FACE: Final = "vision_model."
_PROJECTION: Final = "visual_projection.weight"
_OPEN_CLIP: Final = "visual."
# A table of positions that older versions of transformers kept among the weights; it is 0, 1, 2, ….
_POSITIONS: Final = "embeddings.position_ids"


def is_tower(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether a file with these tensors holds a bare CLIP vision tower (beside a text tower, perhaps)."""
    return bool(_layout(shapes))


def read_tower(path: Path) -> dict[str, Tensor]:
    """Read the vision tower of a CLIP file: Hugging Face's, open_clip's or OpenAI's, as safetensors or a checkpoint.

    Returns:
        float32 tensors with the names of open_clip's ``VisionTransformer`` (``class_embedding``, ``conv1.weight``,
        ``transformer.resblocks.0.attn.in_proj_weight``, …), and ``proj`` (width, projection) where the file has the
        projection to the space it shares with texts.

    Raises:
        WeightsInvalid: the file is not readable, or holds no such tower.
    """
    from workstation.detectors.clip_ln.names import to_open_clip, under

    layout = _layout(shapes_of(path))
    if not layout:
        raise WeightsInvalid(f"{path.name} holds no CLIP vision tower.", TOWER_FILES)
    tensors = {name: tensor.float() for name, tensor in tensors_of(path).items() if _wanted(name, layout)}
    if layout == _OPEN_CLIP:
        return under(tensors, _OPEN_CLIP)
    projection = tensors.pop(_PROJECTION, None)
    tower = under(tensors, _HUGGING_FACE)
    tower.pop(_POSITIONS, None)
    made = to_open_clip(tower)
    if projection is not None:
        made["proj"] = projection.T.contiguous()
    return made


def _wanted(name: str, layout: str) -> bool:
    return name.startswith(layout) or name == _PROJECTION


def _layout(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """The prefix of the tower's names, or nothing."""
    from workstation.detectors.clip_ln.names import is_hugging_face, is_open_clip, under

    if is_hugging_face(set(under(shapes, _HUGGING_FACE)) - {_POSITIONS}):
        return _HUGGING_FACE
    return _OPEN_CLIP if is_open_clip(under(shapes, _OPEN_CLIP)) else ""


TOWER_FILES: Final = (
    "Take model.safetensors of openai/clip-vit-large-patch14 (or another of OpenAI's towers there), or a safetensors "
    "file of open_clip."
)
