"""Writing a detector package: weights, their digest, a sealed self-test and the card."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workstation.detectors import registry, selftest
from workstation.detectors.cards import write_card
from workstation.domain.detectors import DetectorCard, InstalledDetector

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_FILE = "model.safetensors"


def write_package(
    folder: Path, card: DetectorCard, tensors: Mapping[str, Tensor], *, self_test: bool = True
) -> DetectorCard:
    """Write ``tensors`` and ``card`` as a package into ``folder``, which is made when it is not there.

    Args:
        card: file, digest, size and self-test are filled in here.
        self_test: load the family on the CPU in float32, read drawn crops and seal the answers.

    Returns:
        The card as read back.

    Raises:
        CardInvalid, WeightsInvalid, DetectorError: the package does not load or its answers are no numbers.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    # Two names of one tensor are two tensors in a file.
    stored = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    save_file(stored, folder / WEIGHTS_FILE)
    (folder / WEIGHTS_FILE).chmod(0o644)
    weights = dataclasses.replace(card.weights, file=WEIGHTS_FILE)
    return finish_package(folder, dataclasses.replace(card, weights=weights), self_test=self_test)


def finish_package(folder: Path, card: DetectorCard, *, self_test: bool = True) -> DetectorCard:
    """Write the card of a package whose weights file ``card.weights.file`` is in ``folder`` already (ONNX, say).

    Returns and raises: as :func:`write_package`.
    """
    path = folder / card.weights.file
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    weights = dataclasses.replace(card.weights, sha256=digest, size=path.stat().st_size)
    written = write_card(dataclasses.replace(card, weights=weights, self_test=None), folder)
    if not self_test:
        return written
    detector = registry.load(InstalledDetector(written, str(folder), False), device="cpu", precision="float32")
    return write_card(dataclasses.replace(written, self_test=selftest.seal(detector, folder)), folder)


def fresh_package(folder: Path, card: DetectorCard, *, seed: int = 0) -> DetectorCard:
    """Write a package with untrained weights: ``family.build(card)`` drawn from ``seed``. Its scores say nothing.

    Returns and raises: as :func:`write_package`.
    """
    import torch

    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(seed)
        network = registry.build(card)
    return write_package(folder, card, network.state_dict())
