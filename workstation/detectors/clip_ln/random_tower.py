"""ViT-L/14 with random weights: for the benchmark, where only speed and agreement between two paths count."""

from __future__ import annotations

import torch

from workstation.detectors import runtime
from workstation.detectors.clip_ln.detector import ClipLnDetector
from workstation.detectors.clip_ln.network import IMAGE_MEAN, IMAGE_STD, build
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec, WeightsSpec

TOWER = "ViT-L-14-quickgelu"
_SPREAD = 20.0


def random_vit_l14(seed: int, device: str | None = None, precision: str | None = None) -> ClipLnDetector:
    """Build the tower of the published detector (224 px, 303,179,776 parameters) with weights drawn from ``seed``.

    The head is drawn wide and its bias set to answer 0.5 to a grey picture, so that scores are not all at one end.
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
        with torch.inference_mode():
            middle = network.features(torch.zeros(1, 3, network.side, network.side))
        network.head.bias.data.copy_(-(network.head.weight.data @ middle.data[0]))
    return ClipLnDetector(card, network, device, precision or runtime.pick_precision(device))
