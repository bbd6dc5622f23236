"""Cards of UniversalFakeDetect packages."""

from __future__ import annotations

from collections.abc import Mapping

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


def paper_card(*, published: bool = False, licence: str = "none", origin: str = "none") -> DetectorCard:
    """The card of the published detector: ViT-L/14 and a linear unit. ``published``: its head is the authors' own."""
    return DetectorCard(
        id="ufd-vit-l14",
        name="UniversalFakeDetect, ViT-L/14",
        version="2023" if published else "0",
        family="ufd",
        summary="A linear unit on the image features of an untouched CLIP tower, made for pictures generated whole.",
        trace="what CLIP's features of generated pictures have in common",
        paper="Ojha, Li, Lee: Towards Universal Fake Image Detectors, CVPR 2023, arXiv 2302.10174",
        baseline=True,
        input=InputSpec(224, 256, 1.3, IMAGE_MEAN, IMAGE_STD, "bicubic"),
        output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, "sigmoid of a linear unit, 0 to 1, uncalibrated", False),
        weights=WeightsSpec("model.safetensors", "0" * 64, 1, licence, origin),
        network={"tower": TOWER, "features": 768},
        training=_PUBLISHED if published else "Not trained: the weights are freshly drawn.",
        limits=_LIMITS,
        verified=(
            "One linear unit on 768 projected features, 769 numbers trained, as the published file of the head has.",
            "Mean and standard deviation of the input are those of the authors' released code.",
        ),
        unverified=(
            "That features are not brought to length one: taken from copies of the authors' code, not from their own "
            "file.",
            "The published figures: the authors give the network the middle 224 pixels of a whole picture, unscaled; "
            "here it gets a face, cut out and scaled to 224.",
        ),
    )


def small_card() -> DetectorCard:
    """A tower of two blocks, for tests and for training on a small machine."""
    from dataclasses import replace

    card = paper_card()
    return replace(
        card,
        id="ufd-small",
        name="UniversalFakeDetect, small tower",
        input=InputSpec(32, 64, 1.3, IMAGE_MEAN, IMAGE_STD, "bicubic"),
        network={"vision": dict(SMALL_VISION), "features": 48},
        verified=(),
        unverified=("The published tower is ViT-L/14; this one is small and of the same kind.",),
    )


_PUBLISHED = "The linear unit alone, by its authors, on ProGAN pictures of 20 kinds of things against photographs."
_LIMITS = (
    "Made for pictures generated whole, not for faces put into a photograph.",
    "The authors give it the middle 224 pixels of a whole picture, unscaled; here it gets an aligned face, scaled.",
    "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
    "On pictures collected in the field it was near chance (Deepfake-Eval-2024: AUC 0.56).",
)
