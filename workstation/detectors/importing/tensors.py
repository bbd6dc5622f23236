"""What tensors a weights file holds, and their values, whatever safe form it has.

Forms: safetensors; torch checkpoints, read without running anything (`restricted_pickle`); HDF5 as Keras writes it
(names and shapes only: its family reads the values). An ONNX file is a program of its own kind and has no tensors here.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workstation.detectors.importing.restricted_pickle import LARGEST_FILE, read_checkpoint, torchscript_refused
from workstation.domain.errors import WeightsInvalid

if TYPE_CHECKING:
    from torch import Tensor

# Under these names trainers keep the weights of a checkpoint that holds more than weights.
STATE_NAMES: Final = ("state_dict", "model_state_dict", "model", "net", "network", "params")
_ADVICE = "Take the file its publisher names as weights."


class Form(StrEnum):
    """How a file is written."""

    SAFETENSORS = "safetensors"
    CHECKPOINT = "torch checkpoint"
    HDF5 = "HDF5"
    ONNX = "ONNX"


def form_of(path: Path) -> Form:
    """Tell the form by the first bytes and, for ONNX which has no mark, by the name.

    Raises:
        WeightsInvalid: the file cannot be read, is a TorchScript archive, or is nothing known.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
        size = path.stat().st_size
    except OSError as error:
        raise WeightsInvalid(f"{path.name} cannot be read ({error.strerror or error}).") from error
    if size > LARGEST_FILE:
        raise WeightsInvalid(f"{path.name} is larger than {LARGEST_FILE >> 30} GiB.")
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return Form.HDF5
    if start.startswith(b"PK\x03\x04"):
        if _is_torchscript(path):
            raise torchscript_refused(path)
        return Form.CHECKPOINT
    if start[8:9] == b"{" and 2 <= int.from_bytes(start[:8], "little") <= size - 8:
        return Form.SAFETENSORS
    if start.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return Form.CHECKPOINT
    if path.suffix.lower() == ".onnx":
        return Form.ONNX
    raise WeightsInvalid(f"{path.name} is no weights file that can be read here.", _ADVICE)


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the file's tensors; empty for ONNX. Raises: WeightsInvalid."""
    form = form_of(path)
    if form is Form.SAFETENSORS:
        return _safetensors_shapes(path)
    if form is Form.CHECKPOINT:
        return {name: tuple(tensor.shape) for name, tensor in state_of(read_checkpoint(path, values=False)).items()}
    return _hdf5_shapes(path) if form is Form.HDF5 else {}


def tensors_of(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file or a torch checkpoint, in the types they are stored in.

    Raises:
        WeightsInvalid: the file cannot be read safely, or its numbers are for its detector's own importer to read.
    """
    form = form_of(path)
    if form is Form.SAFETENSORS:
        return _safetensors(path)
    if form is Form.CHECKPOINT:
        return state_of(read_checkpoint(path))
    raise WeightsInvalid(f"{path.name} is {form}, whose numbers are read by its detector's own importer.", _ADVICE)


def state_of(checkpoint: Mapping[str, object]) -> dict[str, Tensor]:
    """The tensors of a checkpoint: those under one of `STATE_NAMES`, or those at the top; empty when it has none."""
    import torch

    for name in STATE_NAMES:
        inner = checkpoint.get(name)
        if isinstance(inner, dict) and any(isinstance(value, torch.Tensor) for value in inner.values()):
            return {str(key): value for key, value in inner.items() if isinstance(value, torch.Tensor)}
    return {key: value for key, value in checkpoint.items() if isinstance(value, torch.Tensor)}


def _is_torchscript(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            inner = {name.partition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    return "constants.pkl" in inner or any(name.startswith("code/") for name in inner)


def _safetensors_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        raise WeightsInvalid(f"{path.name} is not a sound safetensors file ({error}).", _ADVICE) from error


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        loaded: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsInvalid(f"{path.name} is not a sound safetensors file ({error}).", _ADVICE) from error
    return loaded


def _hdf5_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    import h5py

    found: dict[str, tuple[int, ...]] = {}

    def note(name: str, thing: object) -> None:
        if isinstance(thing, h5py.Dataset):
            found[name] = tuple(thing.shape)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(note)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise WeightsInvalid(f"{path.name} is not a sound HDF5 file ({error}).", _ADVICE) from error
    return found
