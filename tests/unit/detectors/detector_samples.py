"""Tiny packages of both families with random weights, and crops to feed them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from workstation.detectors import weights as weights_module
from workstation.detectors.cards import write_card
from workstation.detectors.clip_ln.network import IMAGE_MEAN, IMAGE_STD, build
from workstation.detectors.fakelocator.network import FakeLocator, LocatorShape
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec, ValidationRecord, WeightsSpec
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point

CROP = 64
SHAPE = LocatorShape(side=32, widths=(4, 4, 8, 8), decoder=4)
VISION = {
    "image_size": 32,
    "patch_size": 8,
    "width": 32,
    "layers": 2,
    "head_width": 16,
    "mlp_ratio": 2.0,
    "quick_gelu": True,
}


def locator_card(**changes: object) -> DetectorCard:
    card = DetectorCard(
        id="tiny-locator",
        name="Tiny locator",
        version="1",
        family="fakelocator",
        summary="Random weights.",
        trace="none",
        paper="",
        baseline=True,
        input=InputSpec(SHAPE.side, CROP, 1.3, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), "area"),
        output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, "softmax, uncalibrated", False, SHAPE.side),
        weights=WeightsSpec("model.safetensors", "0" * 64, 1, "Apache-2.0", "random"),
        network={"widths": list(SHAPE.widths), "decoder": SHAPE.decoder},
        training="none",
        limits=("It says nothing about any face.",),
        validation=(ValidationRecord("made-up set", 3, 4, "AUC", 0.5, 0.25, 0.75, "a note"),),
    )
    return replace(card, **changes)  # type: ignore[arg-type]  # fields of the card


def clip_card(**changes: object) -> DetectorCard:
    card = locator_card(
        id="tiny-clip",
        family="clip_ln",
        input=InputSpec(32, CROP, 1.3, IMAGE_MEAN, IMAGE_STD, "bicubic"),
        output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, "softmax, uncalibrated", False),
        network={"vision": VISION},
    )
    return replace(card, **changes)  # type: ignore[arg-type]  # fields of the card


def network_of(card: DetectorCard) -> nn.Module:
    torch.manual_seed(3)
    if card.family == "clip_ln":
        network: nn.Module = build(card.network)
        nn.init.normal_(network.get_parameter("head.weight"), std=3.0)
        return network.eval()
    network = FakeLocator(SHAPE)
    nn.init.normal_(network.get_parameter("classify.weight"), std=1.0)
    return network.eval()


def write_package(folder: Path, card: DetectorCard, tensors: dict[str, torch.Tensor] | None = None) -> DetectorCard:
    """Write a package into ``folder`` and return its card with the digest filled in."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = network_of(card).state_dict() if tensors is None else tensors
    path = folder / card.weights.file
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return sign(folder, card)


def sign(folder: Path, card: DetectorCard) -> DetectorCard:
    """Write the card anew with the digest and size its weights file has now."""
    data = weights_module.weights_path(card, folder).read_bytes()
    spec = replace(card.weights, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    return write_card(replace(card, weights=spec), folder)


def crop(seed: int = 0, side: int = CROP) -> FaceCrop:
    random = np.random.default_rng(seed)
    k = side / CROP
    marks = tuple(Point(x * k, y * k) for x, y in ((22, 26), (42, 26), (32, 38), (25, 48), (39, 48)))
    rgb = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
    return FaceCrop(rgb, Affine(1, 0, 0, 0, 1, 0), marks)  # type: ignore[arg-type]  # five points
