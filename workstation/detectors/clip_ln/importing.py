"""Packages of the published LN-tuned CLIP detectors: GenD's safetensors and the 2025 checkpoint, by their layouts.

GenD (arXiv 2508.06248) stores plain names; the 2025 checkpoint (arXiv 2503.19683) is a Lightning dictionary whose
LayerNorms lie twice in it, the frozen originals and the tuned ones. Taking the originals by mistake gives CLIP as
OpenAI left it with a head that was trained on something else; `names.tuned` takes the tuned ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from workstation.detectors.clip_ln.published_cards import described
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import WeightsInvalid

if TYPE_CHECKING:
    from torch import Tensor

GEND: Final = "feature_extractor.vision_model."
LN_TUNED: Final = "feature_extractor.base_model.model.vision_model."
_HEAD: Final = ("model.linear.weight", "model.linear.bias")
# In the published files, and read by nothing: the projection to texts, and a table of positions 0, 1, 2, ….
_UNUSED: Final = ("visual_projection.weight", "embeddings.position_ids")
_HEAD_WIDTH: Final = 64
_Value = TypeVar("_Value")

# OpenAI's towers by width, blocks, patch and side, under the names open_clip builds them by.
TOWERS: Final = {
    (1024, 24, 14, 224): "ViT-L-14-quickgelu",
    (1024, 24, 14, 336): "ViT-L-14-336-quickgelu",
    (768, 12, 16, 224): "ViT-B-16-quickgelu",
    (768, 12, 32, 224): "ViT-B-32-quickgelu",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file names the tower: by ``prefix``, with PEFT's LayerNorms when ``wrapped``."""

    prefix: str
    wrapped: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A published file as the network takes it.

    Attributes:
        tensors: float32, with the network's names.
        network: the card's network table.
        side: of the tower's input in pixels.
        wrapped: the file was the 2025 checkpoint, with tuned LayerNorms beside frozen ones.
        dropped: names of tensors that no detector reads.
        head_said: the file itself says which head it is.
    """

    tensors: dict[str, Tensor]
    network: Mapping[str, object]
    side: int
    wrapped: bool
    dropped: tuple[str, ...]
    head_said: bool


def matches(shapes: Mapping[str, tuple[int, ...]], path: Path) -> bool:
    """Whether the tensors are those of one of the two layouts, with nothing missing in the tower's outer parts."""
    return _layout(shapes) is not None


def convert(path: Path, folder: Path, *, licence: str, origin: str) -> DetectorCard:
    """Write a package of a published file into ``folder``.

    Raises:
        WeightsInvalid: the file does not hold what its layout promises, or its licence is not known.
        CardInvalid, DetectorError: the package does not load.
    """
    from workstation.detectors.importing.recognise import said_of, sha256_of
    from workstation.detectors.packages import write_package

    digest = sha256_of(path)
    licence, origin = said_of(path, digest, licence, origin)
    found = read(path)
    card = described(found.network, found.side, digest, licence, origin, wrapped=found.wrapped, dropped=found.dropped)
    if not found.head_said:
        card = card.with_head_unsaid()
    return write_package(folder, card.card, found.tensors)


def read(path: Path) -> Read:
    """Read a published file of one of the two layouts. Raises: WeightsInvalid."""
    from workstation.detectors.clip_ln.names import to_open_clip, tuned
    from workstation.detectors.importing.restricted_pickle import read_checkpoint
    from workstation.detectors.importing.tensors import Form, form_of, state_of, tensors_of

    said: str = ""
    if form_of(path) is Form.CHECKPOINT:
        checkpoint = read_checkpoint(path)
        said = _head_said(checkpoint.get("hyper_parameters"))
        stored = state_of(checkpoint)
    else:
        stored = tensors_of(path)
    layout = _layout({name: tuple(tensor.shape) for name, tensor in stored.items()})
    if layout is None:
        raise WeightsInvalid(f"{path.name} is not a published file of LN-tuned CLIP.")
    head = {f"head.{name.rpartition('.')[2]}": stored[name].float() for name in _HEAD}
    tower, dropped = _split(stored, layout)
    plain = tuned(tower) if layout.wrapped else tower
    converted = to_open_clip(plain)
    table, side = network_table({name: tuple(tensor.shape) for name, tensor in converted.items()})
    tensors = {f"tower.{name}": tensor.float() for name, tensor in converted.items()} | head
    network = {**table, "head": said or "linear_norm"}
    return Read(tensors, network, side, layout.wrapped, dropped, bool(said))


def _layout(shapes: Mapping[str, tuple[int, ...]]) -> Layout | None:
    from workstation.detectors.clip_ln.names import TUNED, is_hugging_face, tuned

    if any(name not in shapes for name in _HEAD) or shapes[_HEAD[1]] != (2,) or len(shapes[_HEAD[0]]) != 2:
        return None
    for layout in (Layout(LN_TUNED, True), Layout(GEND, False)):
        try:
            tower, _ = _split(shapes, layout)
            if layout.wrapped and not any(TUNED in name for name in tower):
                continue
            plain = tuned(tower) if layout.wrapped else tower
        except WeightsInvalid:
            continue
        if is_hugging_face(plain) and plain["embeddings.class_embedding"] == (shapes[_HEAD[0]][1],):
            return layout
    return None


def _split(stored: Mapping[str, _Value], layout: Layout) -> tuple[dict[str, _Value], tuple[str, ...]]:
    """The tower's tensors without their prefix, and the names of those that nothing reads.

    Raises:
        WeightsInvalid: there is a tensor that is neither.
    """
    outer = layout.prefix.removesuffix("vision_model.")
    tower: dict[str, _Value] = {}
    dropped: list[str] = []
    for name, value in stored.items():
        inner = name.removeprefix(layout.prefix)
        if name in _HEAD:
            continue
        if inner in _UNUSED or name.removeprefix(outer) in _UNUSED:
            dropped.append(name)
        elif name.startswith(layout.prefix):
            tower[inner] = value
        else:
            raise WeightsInvalid(f'The layout has no tensor "{name}".')
    return tower, tuple(dropped)


def network_table(shapes: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, object], int]:
    """The network table of a tower with these shapes (open_clip's names), and the side of its input.

    Raises:
        WeightsInvalid: the shapes are not those of one vision transformer.
    """
    blocks = {name.split(".")[2] for name in shapes if name.startswith("transformer.")}
    patches, width = (*shapes["positional_embedding"], 0)[:2]
    kernel = shapes["conv1.weight"]
    grid = round((patches - 1) ** 0.5)
    sound = (
        len(kernel) == 4
        and kernel[:2] == (width, 3)
        and kernel[2] == kernel[3]
        and grid * grid == patches - 1
        and blocks == {str(number) for number in range(len(blocks))}
        and width % _HEAD_WIDTH == 0
        and width > 0
    )
    if not sound:
        raise WeightsInvalid("Its tensors are not those of one of CLIP's vision transformers.")
    side = grid * kernel[2]
    name = TOWERS.get((width, len(blocks), kernel[2], side))
    if name is not None:
        return {"tower": name}, side
    hidden = shapes.get("transformer.resblocks.0.mlp.c_fc.bias", (4 * width,))[0]
    vision = {
        "image_size": side,
        "patch_size": kernel[2],
        "width": width,
        "layers": len(blocks),
        "head_width": _HEAD_WIDTH,
        "mlp_ratio": hidden / width,
        "quick_gelu": True,
    }
    return {"vision": vision}, side


def _head_said(hyper_parameters: object) -> str:
    """The head that a checkpoint's own configuration names, as a card calls it; "" when it names none."""
    from workstation.detectors.importing.pickle_machine import Inert

    value: object = None
    if isinstance(hyper_parameters, dict):
        value = hyper_parameters.get("head")
    elif isinstance(hyper_parameters, Inert):
        pairs = dict(zip(map(str, hyper_parameters.items[::2]), hyper_parameters.items[1::2], strict=False))
        value = pairs.get("head")
    if isinstance(value, Inert) and value.args:
        value = value.args[0]
    return {"linear": "linear", "linearnorm": "linear_norm"}.get(str(value).lower(), "")
