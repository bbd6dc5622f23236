"""ViT-L/14 with random weights: for the benchmark, where only speed and agreement between two paths count."""

from __future__ import annotations

import torch

from workstation.detectors import runtime
from workstation.detectors.clip_ln.detector import ClipLnDetector
from workstation.detectors.clip_ln.network import IMAGE_MEAN, IMAGE_STD, build
from workstation.detectors.preprocess import pixels
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec, WeightsSpec
from workstation.domain.faces import FaceCrop

TOWER = "ViT-L-14-quickgelu"
_SPREAD = 20.0


def random_vit_l14(
    seed: int, device: str | None = None, precision: str | None = None, *, lean: bool = True
) -> ClipLnDetector:
    """Build the tower of the published detector (224 px, 303,179,776 parameters) with weights drawn from ``seed``.

    The head is drawn wide; ``centre`` puts its scores in the middle of the scale.
    """
    device = device or runtime.pick_device()
    card = DetectorCard(
        id="vit-l-14-random",
        name="ViT-L/14 with random weights",
        version=str(seed),
        family="clip_ln",
        summary="Benchmark only.",
        trace="none",
        paper="arXiv 2503.19683",
        baseline=True,
        input=InputSpec(224, 256, 1.3, IMAGE_MEAN, IMAGE_STD, "bicubic"),
        output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, "softmax of random weights", False),
        weights=WeightsSpec("none.safetensors", "0" * 64, 0, "none", "random"),
        network={"tower": TOWER},
        training="none",
        limits=("It says nothing about any face.",),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build(card.network)
        torch.nn.init.normal_(network.head.weight, std=_SPREAD)
    return ClipLnDetector(card, network, device, precision or runtime.pick_precision(device), lean=lean)


def centre(crop: FaceCrop, exact: ClipLnDetector, *others: ClipLnDetector) -> None:
    """Give ``exact`` and ``others`` the same bias, with which ``exact`` answers 0.5 to ``crop``.

    Random towers see all faces as nearly alike; without this every score would stand at one end of the scale.
    """
    values = torch.from_numpy(pixels([crop], exact.card.input)).to(device=exact.device)
    with torch.inference_mode():
        feature = exact.network.features(values.to(next(exact.network.tower.parameters()).dtype))[0]
        bias = -(exact.network.head.weight @ feature)
    for detector in (exact, *others):
        detector.network.head.bias.data = bias.clone().to(detector.device)
