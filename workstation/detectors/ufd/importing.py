"""Making a package of the published head of UniversalFakeDetect and a CLIP tower that lies beside it.

The published file is the linear unit alone (``weight`` (1, 768), ``bias`` (1,)): without OpenAI's ViT-L/14 it says
nothing. The tower is looked for in the same folder and is read in any layout that `importing.towers` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from workstation.detectors.ufd.cards import paper_card
from workstation.detectors.ufd.network import build_network
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import WeightsInvalid

if TYPE_CHECKING:
    from torch import Tensor

HEAD: Mapping[str, tuple[int, ...]] = {"weight": (1, 768), "bias": (1,)}
_MOST_FILES = 64


def matches(shapes: Mapping[str, tuple[int, ...]], path: Path) -> bool:
    """Whether the tensors are those of the published head, and no others."""
    return dict(shapes) == HEAD


def convert(path: Path, folder: Path, *, licence: str = "", origin: str = "") -> DetectorCard:
    """Write a package into ``folder``.

    Args:
        path: the head's file, or the folder that holds it; the tower's file lies beside the head's.

    Raises:
        WeightsInvalid: the head or the tower is missing, is not as published, or its licence is not known.
        CardInvalid, DetectorError: the package does not load.
    """
    from workstation.detectors.importing.published import known
    from workstation.detectors.importing.recognise import said_of, sha256_of
    from workstation.detectors.importing.tensors import tensors_of
    from workstation.detectors.importing.towers import read_tower
    from workstation.detectors.packages import write_package

    head, tower = _both(path)
    digest, tower_digest = sha256_of(head), sha256_of(tower)
    said = said_of(head, digest, licence, origin)
    tensors: dict[str, Tensor] = {f"tower.{name}": tensor for name, tensor in read_tower(tower).items()}
    tensors |= {f"head.{name}": tensor.float() for name, tensor in tensors_of(head).items()}
    card = paper_card(
        published=known(digest) is not None,
        licence=f"head: {said[0]}; tower: as its publisher says",
        origin=f"head: {said[1]}; tower: {tower.name}, SHA-256 {tower_digest}",
    )
    with torch.device("meta"):
        wanted = {name: tuple(tensor.shape) for name, tensor in build_network(card.network).state_dict().items()}
    for name in sorted({*wanted, *tensors}):
        found = tuple(tensors[name].shape) if name in tensors else None
        if found != wanted.get(name):
            raise WeightsInvalid(
                f"{tower.name} is not the tower this head was trained on: {name.removeprefix('tower.')} is {found}, "
                f"wanted {wanted.get(name)}.",
                NEEDED,
            )
    return write_package(folder, card, tensors)


def _both(path: Path) -> tuple[Path, Path]:
    """The head's file and the tower's. Raises: WeightsInvalid saying which is missing."""
    from workstation.detectors.importing.tensors import shapes_of
    from workstation.detectors.importing.towers import is_tower

    place = path if path.is_dir() else path.parent
    heads: list[Path] = [] if path.is_dir() else [path]
    towers: list[Path] = []
    for file in sorted(entry for entry in place.iterdir() if entry.is_file())[:_MOST_FILES]:
        try:
            shapes = shapes_of(file)
        except WeightsInvalid:
            continue
        if path.is_dir() and matches(shapes, file):
            heads.append(file)
        elif is_tower(shapes):
            towers.append(file)
    if len(heads) != 1:
        raise WeightsInvalid(f"{place.name} holds {len(heads)} heads of UniversalFakeDetect; one is needed.", NEEDED)
    if len(towers) != 1:
        raise WeightsInvalid(
            f"{heads[0].name} is a linear unit that stands on CLIP's ViT-L/14; {len(towers)} such towers lie beside "
            "it, and one is needed.",
            NEEDED,
        )
    return heads[0], towers[0]


NEEDED = (
    "Put fc_weights.pth and model.safetensors of openai/clip-vit-large-patch14 into one folder, with no other weights."
)
