"""Cards of Effort packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from workstation.detectors.clip_ln.network import IMAGE_MEAN, IMAGE_STD
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec, WeightsSpec

TOWER = "ViT-L-14-quickgelu"
SMALL_VISION: Mapping[str, object] = {
    "image_size": 32,
    "patch_size": 8,
    "width": 64,
    "layers": 2,
    "head_width": 16,
    "mlp_ratio": 2.0,
    "quick_gelu": True,
}


def paper_card(form: str = "split", *, licence: str = "none", origin: str = "none") -> DetectorCard:
    """The card of the published size, ViT-L/14, untrained; ``form`` is "split" (rank 1) or "merged"."""
    return DetectorCard(
        id="effort-vit-l14",
        name="Effort, ViT-L/14",
        version="0",
        family="effort",
        summary="CLIP with its attention split by singular values: all but the smallest frozen, the smallest trained.",
        trace="whatever set the forgeries of its training apart, anywhere in the crop",
        paper="Effort, ICML 2025",
        baseline=False,
        input=InputSpec(224, 256, 1.3, IMAGE_MEAN, IMAGE_STD, "bicubic"),
        output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, "softmax of class manipulated, 0 to 1, uncalibrated", False),
        weights=WeightsSpec("model.safetensors", "0" * 64, 1, licence, origin),
        network={"tower": TOWER, "form": "split", "rank": 1} if form == "split" else {"tower": TOWER, "form": "merged"},
        training="Not trained: the weights are freshly drawn.",
        limits=_LIMITS,
        verified=(
            "Query, key, value and output of all 24 blocks are split; at rank 1 that trains 196,704 numbers, as "
            "published.",
            "At the start the network answers as the tower it was made from; its merged form as the split one.",
        ),
        unverified=(
            "Which feature the head reads is our choice: the class token after the last LayerNorm, not normalised.",
            "Formulas and weights of the two constraints are our choice; the publication's were not at hand.",
            "The published figures (video AUC on Celeb-DF-v2 0.956, mean of seven sets 0.917): no published weights "
            "were run here.",
        ),
    )


def small_card(form: str = "split") -> DetectorCard:
    """A tower of two blocks, for tests and for training on a small machine."""
    card = paper_card(form)
    table = {name: value for name, value in card.network.items() if name != "tower"}
    return replace(
        card,
        id="effort-small",
        name="Effort, small tower",
        baseline=True,
        input=InputSpec(32, 64, 1.3, IMAGE_MEAN, IMAGE_STD, "bicubic"),
        network={**table, "vision": dict(SMALL_VISION)},
        verified=(),
        unverified=("The published tower is ViT-L/14; this one is small and of the same kind.", *card.unverified[:2]),
    )


_LIMITS = (
    "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
    "It gives no map: nothing says which part of the face its score comes from.",
    "Laboratory figures do not carry over to casework: open detectors lost about half of theirs on material collected "
    "from the field (Deepfake-Eval-2024).",
)
