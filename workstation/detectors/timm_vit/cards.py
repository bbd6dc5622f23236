"""Cards of GenD packages on towers of timm."""

from __future__ import annotations

from dataclasses import replace

from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec, WeightsSpec

PE, DINOV3 = "pe", "dinov3"
TOWERS = {PE: "vit_pe_core_large_patch14_336", DINOV3: "vit_large_patch16_dinov3_qkvb"}
_SMALL = {PE: "vit_pe_core_tiny_patch16_384", DINOV3: "vit_tiny_patch16_dinov3_qkvb"}
_NAMES = {PE: "Perception Encoder L/14", DINOV3: "DINOv3 L/16"}
_INPUTS = {
    PE: InputSpec(224, 256, 1.3, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic"),
    DINOV3: InputSpec(224, 256, 1.3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bilinear"),
}


def paper_card(kind: str = PE, *, licence: str = "none", origin: str = "none") -> DetectorCard:
    """The card of the published size, untrained; ``kind`` is "pe" or "dinov3"."""
    norms = "51 norms, 104,448 numbers" if kind == PE else "49 norms, 100,352 numbers"
    return DetectorCard(
        id=f"gend-{kind}-l",
        name=f"GenD, {_NAMES[kind]}",
        version="0",
        family="timm_vit",
        summary=f"{_NAMES[kind]} with tuned norms and a linear head on its feature at length one.",
        trace="whatever set the forgeries of its training apart, anywhere in the crop",
        paper="Deepfake Detection that Generalizes Across Benchmarks (GenD, WACV 2026, arXiv 2508.06248)",
        baseline=False,
        input=_INPUTS[kind],
        output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, "softmax of class manipulated, 0 to 1, uncalibrated", False),
        weights=WeightsSpec("model.safetensors", "0" * 64, 1, licence, origin),
        network={"tower": TOWERS[kind], "head": "linear_norm"},
        training="Not trained: the weights are freshly drawn.",
        limits=_LIMITS,
        verified=(
            f"Norms are tuned by the names of the authors' released code: {norms}.",
            "Head, feature and class order are those of the authors' released code.",
            *(_PE_VERIFIED if kind == PE else _DINO_VERIFIED),
        ),
        unverified=(
            "The names of tensors in the published file: taken from the released code, not from the file, which was "
            "not at hand.",
            "Published video AUROC on Celeb-DF-v2 by a third party's run (0.955 with Perception Encoder, 0.916 with "
            "DINOv3): not run here.",
            *(() if kind == PE else _DINO_UNVERIFIED),
        ),
    )


def small_card(kind: str = PE) -> DetectorCard:
    """timm's smallest tower of the kind with two blocks at 64 px, for tests and training on a small machine."""
    card = paper_card(kind)
    return replace(
        card,
        id=f"gend-{kind}-small",
        name=f"GenD, small tower after {_NAMES[kind]}",
        baseline=True,
        input=replace(card.input, size=64, crop_size=96),
        network={"tower": _SMALL[kind], "head": "linear_norm", "depth": 2},
        verified=(),
        unverified=(f"The published tower is {_NAMES[kind]}; this one is small and of the same kind.",),
    )


_PE_VERIFIED = (
    "Resampling the table of positions once gives the same numbers as timm's own resampling at every call.",
)
_DINO_VERIFIED = (
    "On drawn weights timm's tower agrees with Hugging Face's, from which the published detector takes its feature.",
)
_DINO_UNVERIFIED = (
    "Crops are resized as bytes; the publication's processor resizes decimal numbers, up to half a grey level apart.",
)
_LIMITS = (
    "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
    "It gives no map: nothing says which part of the face its score comes from.",
    "Laboratory figures do not carry over to casework: open detectors lost about half of theirs on material collected "
    "from the field (Deepfake-Eval-2024).",
)
