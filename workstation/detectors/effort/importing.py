"""Merged Effort weights as one file: writing it, and making a package of it.

The layout is ours: a safetensors file with open_clip's names of the tower under ``effort_merged.tower.`` and the head
under ``effort_merged.head.``, and the network table as JSON in its header. The layout of weights that others publish
was not at hand, so no other is taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from workstation.detectors.clip_ln.network import ClipLn
from workstation.detectors.effort.cards import paper_card
from workstation.detectors.effort.network import MERGED, build_network, merged_state, merged_table
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import WeightsInvalid

PREFIX = "effort_merged."


def matches(shapes: Mapping[str, tuple[int, ...]], path: Path) -> bool:
    """Whether every tensor is under our prefix, and the head is one of two classes."""
    head = shapes.get(f"{PREFIX}head.weight", ())
    return bool(shapes) and all(name.startswith(PREFIX) for name in shapes) and len(head) == 2 and head[0] == 2


def export_merged(network: ClipLn, table: Mapping[str, object], path: Path) -> None:
    """Write a network that was built from ``table``, split or not, as one file of merged weights. Raises: OSError."""
    from safetensors.torch import save_file

    tensors = {f"{PREFIX}{name}": tensor.contiguous() for name, tensor in merged_state(network).items()}
    save_file(tensors, path, metadata={_ENTRY: json.dumps(merged_table(table), sort_keys=True)})


def convert(path: Path, folder: Path, *, licence: str = "", origin: str = "") -> DetectorCard:
    """Write a package of a file of merged weights into ``folder``.

    Raises:
        WeightsInvalid: a tensor is missing, unknown or of another shape, or no licence was given.
        CardInvalid, DetectorError: the package does not load.
    """
    import torch

    from workstation.detectors.importing.recognise import said_of, sha256_of
    from workstation.detectors.importing.tensors import tensors_of
    from workstation.detectors.packages import write_package

    digest = sha256_of(path)
    licence, origin = said_of(path, digest, licence, origin)
    tensors = {name.removeprefix(PREFIX): tensor.float() for name, tensor in tensors_of(path).items()}
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    table = _table(path)
    with torch.device("meta"):
        network = build_network(table)
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    for name in sorted({*wanted, *shapes}):
        if shapes.get(name) != wanted.get(name):
            raise WeightsInvalid(f"{path.name}: {name} is {shapes.get(name)}, wanted {wanted.get(name)}.", _ADVICE)
    card = paper_card(MERGED, licence=licence, origin=origin)
    card = replace(
        card,
        id=f"effort-{digest[:8]}",
        name="Effort, merged weights",
        version=digest[:12],
        input=replace(card.input, size=network.side),
        network=table,
        training="Not trained here; what its maker says of it is not known.",
    )
    return write_package(folder, card, tensors)


def _table(path: Path) -> dict[str, object]:
    """The network table in the file's header. Raises: WeightsInvalid."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            table = json.loads((file.metadata() or {})[_ENTRY])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise WeightsInvalid(f"{path.name} does not say which network it is of ({error}).", _ADVICE) from error
    if not isinstance(table, dict) or table.get("form") != MERGED:
        raise WeightsInvalid(f"{path.name} is not of a merged Effort network.", _ADVICE)
    return table


_ENTRY = "network"
_ADVICE = "Take a file that was written as merged weights by this program."
