"""Reading the published Keras weights of MesoNet (HDF5) and making a package of them.

The four published files hold weights alone, layer by layer in the order in which the layers were built. Nothing of the
file is run: h5py reads arrays, and only those of the names and sizes wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from workstation.detectors.mesonet.cards import paper_card
from workstation.detectors.mesonet.network import build_network
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import WeightsInvalid

Array = npt.NDArray[np.float32]
_LARGEST_FILE = 4 * 2**20
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# SHA-256 of the published files: kind and what each was trained on.
PUBLISHED: Mapping[str, tuple[str, str]] = {
    "036ed30d04ffd9c7506f825b97c86aa64915f5818931da96817b169aad790af5": ("meso4", "DF"),
    "bcfda015d217b9f8d6557693edbdf9f4e79cfd22672541968dd0e2954462b5d7": ("meso4", "F2F"),
    "234586d40058e76ef8b6f27ca4b63c06e31c2a5a69c0d8ba6f30b1468ab7bafa": ("mesoinception4", "DF"),
    "d4533ac8a3197dc35c47405d23d99e888c1d0135e267e03540c7451feaccff3f": ("mesoinception4", "F2F"),
}
# Convolutions in the order they were built: names of the tensors they become. Keras numbers layers on from file to
# file, so only the order of the numbers counts. A branch is built reducing layer first, then the spreading one.
_ORDER = {
    "meso4": tuple(f"blocks.{n}" for n in range(4)),
    "mesoinception4": (
        *(f"blocks.{n}.{part}" for n in range(2) for part in (
            "reduce.0", "reduce.1", "spread.0", "reduce.2", "spread.1", "reduce.3", "spread.2",
        )),
        "blocks.2",
        "blocks.3",
    ),
}  # fmt: skip


def matches(shapes: Mapping[str, tuple[int, ...]], path: Path) -> bool:
    """Whether ``path`` is an HDF5 file with MesoNet's layers; ``shapes`` is not needed."""
    try:
        with path.open("rb") as file:
            if file.read(len(_SIGNATURE)) != _SIGNATURE or path.stat().st_size > _LARGEST_FILE:
                return False
        read_keras(path)
    except (OSError, WeightsInvalid):
        return False
    return True


def read_keras(path: Path) -> tuple[str, dict[str, Tensor]]:
    """Read a Keras weights file.

    Returns:
        The kind ("meso4" or "mesoinception4") and the tensors under the network's names, float32.

    Raises:
        WeightsInvalid: the file is no HDF5 file or holds other layers, sizes or numbers than MesoNet's.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise WeightsInvalid(f"{path.name} is too large to be MesoNet's weights.", _ADVICE)
        with h5py.File(path, "r") as file:
            layers = {kind: _layers(file, kind, path.name) for kind in ("conv2d", "batch_normalization", "dense")}
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise WeightsInvalid(f"{path.name} cannot be read as a Keras weights file ({error}).", _ADVICE) from error
    kinds = {len(names): kind for kind, names in _ORDER.items()}
    kind = kinds.get(len(layers["conv2d"]), "")
    if not kind or len(layers["batch_normalization"]) != 4 or len(layers["dense"]) != 2:
        counts = ", ".join(f"{len(found)} {name}" for name, found in layers.items())
        raise WeightsInvalid(f"{path.name} holds other layers than MesoNet ({counts}).", _ADVICE)
    tensors = _as_tensors(kind, layers)
    with torch.device("meta"):
        wanted = build_network({"kind": kind}).state_dict()
    for name, tensor in wanted.items():
        if tensors[name].shape != tensor.shape:
            shape = tuple(tensors[name].shape)
            raise WeightsInvalid(f"{path.name}: {name} has shape {shape}, not {tuple(tensor.shape)}.", _ADVICE)
        if not torch.isfinite(tensors[name]).all():
            raise WeightsInvalid(f"{path.name}: {name} holds a value that is no number.", _ADVICE)
    return kind, tensors


def convert(path: Path, folder: Path, *, licence: str = "", origin: str = "") -> DetectorCard:
    """Write a package of a Keras weights file into ``folder``.

    Raises:
        WeightsInvalid: as :func:`read_keras`, or the file is not a published one and no licence was given.
    """
    from workstation.detectors.importing.recognise import said_of, sha256_of
    from workstation.detectors.packages import write_package

    kind, tensors = read_keras(path)
    digest = sha256_of(path)
    licence, origin = said_of(path, digest, licence, origin)
    published, trained_on = PUBLISHED.get(digest, ("", ""))
    known = published == kind
    card = paper_card(
        kind,
        trained_on=trained_on if known else "",
        licence=licence,
        origin=f"{origin}; SHA-256 {digest}" if digest not in origin else origin,
    )
    if not known:
        # Whose weights these are is only what the person says; nothing of the publication is claimed for them.
        card = replace(card, id=f"{card.id}-{digest[:8]}", name=f"{card.name}, other weights", training=_UNKNOWN)
    return write_package(folder, card, tensors)


def _layers(file: h5py.File, kind: str, name: str) -> list[dict[str, Array]]:
    """Arrays of all layers of a kind, by the number in their name."""
    found: list[tuple[int, dict[str, Array]]] = []
    for layer, group in file.items():
        head, _, number = layer.rpartition("_")
        if head != kind or not number.isdigit():
            continue
        if not isinstance(group, h5py.Group) or not isinstance(inner := group.get(layer), h5py.Group):
            raise WeightsInvalid(f"{name}: the layer {layer} is not laid out as Keras does.", _ADVICE)
        arrays: dict[str, Array] = {}
        for entry, array in inner.items():
            if not isinstance(array, h5py.Dataset) or array.dtype != np.float32 or array.size > _LARGEST_FILE // 4:
                raise WeightsInvalid(f"{name}: {layer}/{entry} is not an array of float32 numbers.", _ADVICE)
            arrays[entry.removesuffix(":0")] = np.asarray(array[()], np.float32)
        found.append((int(number), arrays))
    return [arrays for _, arrays in sorted(found, key=lambda pair: pair[0])]


def _as_tensors(kind: str, layers: Mapping[str, list[dict[str, Array]]]) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    try:
        for name, arrays in zip(_built(kind, len(layers["conv2d"])), layers["conv2d"], strict=True):
            # Keras keeps height, width, in, out; torch out, in, height, width.
            tensors[f"{name}.weight"] = _tensor(arrays["kernel"].transpose(3, 2, 0, 1))
            tensors[f"{name}.bias"] = _tensor(arrays["bias"])
        for number, arrays in enumerate(layers["batch_normalization"]):
            for ours, theirs in _NORM.items():
                tensors[f"norms.{number}.{ours}"] = _tensor(arrays[theirs])
            tensors[f"norms.{number}.num_batches_tracked"] = torch.zeros((), dtype=torch.int64)
        hidden, genuine = layers["dense"]
        # Keras flattens height, width, channel; torch channel, height, width.
        kernel = hidden["kernel"].reshape(8, 8, 16, -1).transpose(3, 2, 0, 1)
        tensors["hidden.weight"] = _tensor(kernel.reshape(len(kernel), -1))
        tensors["hidden.bias"] = _tensor(hidden["bias"])
        tensors["genuine.weight"] = _tensor(genuine["kernel"].T)
        tensors["genuine.bias"] = _tensor(genuine["bias"])
    except (KeyError, ValueError) as error:
        raise WeightsInvalid(f"A layer of the weights file is not as MesoNet's ({error}).", _ADVICE) from error
    return tensors


def _built(kind: str, count: int) -> tuple[str, ...]:
    names = _ORDER[kind]
    return names if len(names) == count else ()


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
_UNKNOWN = "Not known: the file is none of the published ones."
_ADVICE = "Name one of the four published files of MesoNet."
