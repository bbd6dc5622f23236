"""Opening a weights file: digest first, safetensors only, and every tensor must fit its network."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import WeightsInvalid

if TYPE_CHECKING:
    from torch import nn


def weights_path(card: DetectorCard, folder: Path) -> Path:
    return folder / card.weights.file


def check_digest(card: DetectorCard, folder: Path) -> None:
    """Raises: WeightsInvalid when the file is missing or its SHA-256 is not the card's."""
    path = weights_path(card, folder)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsInvalid(f"{card.id}: {path.name} cannot be read ({error.strerror}).", _AGAIN) from error
    if digest != card.weights.sha256:
        raise WeightsInvalid(
            f"{card.id}: {path.name} has SHA-256 {digest[:16]}…, its card says {card.weights.sha256[:16]}….", _AGAIN
        )


def shapes(card: DetectorCard, folder: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors, read from the file's header alone.

    Raises:
        WeightsInvalid: the file is no safetensors file (a pickle, say, is never opened).
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights_path(card, folder), framework="np") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        what = _foreign(weights_path(card, folder)) or f"not a safetensors file ({error})"
        raise WeightsInvalid(f"{card.id}: {card.weights.file} is {what}.", _AGAIN) from error


def _foreign(path: Path) -> str:
    """What a file that is no safetensors file is instead, when its first bytes tell; it is never opened as that."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
        if head[:1] == b"\x80" and head[1:2] <= b"\x05":
            return "a pickle, which can run code when it is read, not a safetensors file"
        if head == b"PK\x03\x04":
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
            if any("/code/" in name or name.endswith("constants.pkl") for name in names):
                return "TorchScript, which is a program, not a safetensors file"
            if any(name.endswith("data.pkl") for name in names):
                return "a torch checkpoint with a pickle inside, not a safetensors file"
    except (OSError, zipfile.BadZipFile):
        return ""
    return ""


def check_shapes(network: nn.Module, found: dict[str, tuple[int, ...]], card: DetectorCard) -> None:
    """Raises: WeightsInvalid naming the first tensor that is missing, unknown or of another shape."""
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    for name, shape in wanted.items():
        if name not in found:
            raise WeightsInvalid(f"{card.id}: the weights lack the tensor {name}.", _AGAIN)
        if found[name] != shape:
            raise WeightsInvalid(f"{card.id}: {name} has shape {found[name]}, the network wants {shape}.", _AGAIN)
    unknown = sorted(set(found) - set(wanted))
    if unknown:
        raise WeightsInvalid(f"{card.id}: the network has no tensor {unknown[0]}.", _AGAIN)


def check_finite(card: DetectorCard, folder: Path) -> None:
    """Raises: WeightsInvalid naming the first tensor that holds what is not a finite number."""
    import torch
    from safetensors import safe_open

    with safe_open(weights_path(card, folder), framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - no mapping
            tensor = file.get_tensor(name)
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                raise WeightsInvalid(f"{card.id}: {name} holds values that are no numbers.", _AGAIN)


def load_weights(network: nn.Module, card: DetectorCard, folder: Path) -> None:
    """Check digest and shapes, then give the file's tensors, as float32, to a network on torch's meta device.

    Nothing is allocated before the shapes agree, and no weight is drawn at random only to be overwritten.

    Raises:
        WeightsInvalid: the file is not what the card and the network say.
    """
    from safetensors.torch import load_file

    check_digest(card, folder)
    check_shapes(network, shapes(card, folder), card)
    tensors = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in load_file(weights_path(card, folder)).items()
    }
    network.load_state_dict(tensors, strict=True, assign=True)
    for name, buffer in network.named_buffers():
        if buffer.is_meta:
            raise WeightsInvalid(f"{card.id}: the weights lack the tensor {name}.", _AGAIN)


_AGAIN = "Install the package again from a sound copy."
