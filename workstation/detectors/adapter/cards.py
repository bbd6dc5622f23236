"""Cards of adapter packages."""

from __future__ import annotations

from dataclasses import asdict, replace

from workstation.detectors.adapter.side import FINER, SideShape
from workstation.detectors.clip_ln.network import IMAGE_MEAN, IMAGE_STD
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec, WeightsSpec

SMALL_SHAPE = SideShape(side=64, patch=16, width=48, depth=2, heads=3, queries=8, joins=2, guided=1)
SMALL_VISION: dict[str, object] = {
    "image_size": 32,
    "patch_size": 8,
    "width": 64,
    "layers": 2,
    "head_width": 16,
    "mlp_ratio": 2.0,
    "quick_gelu": True,
}


def paper_card(*, licence: str = "none", origin: str = "none") -> DetectorCard:
    """The card of the published size: ViT-L/14, a tiny vision transformer, 128 queries, 256 px; untrained."""
    shape = SideShape()
    return DetectorCard(
        id="adapter-vit-l14",
        name="Boundary adapter, ViT-L/14",
        version="0",
        family="adapter",
        summary="Frozen CLIP with a small network beside it that draws a blend's boundary and guides CLIP's attention.",
        trace="the boundary along which a face was blended into a picture",
        paper="after Forensics-Adapter, CVPR 2025; the way its parts are joined is ours",
        baseline=False,
        input=InputSpec(shape.side, 256, 1.3, IMAGE_MEAN, IMAGE_STD, "area"),
        output=OutputSpec(
            Direction.HIGHER_IS_MANIPULATED,
            "softmax of class manipulated, 0 to 1, uncalibrated",
            False,
            FINER * shape.grid,
        ),
        weights=WeightsSpec("model.safetensors", "0" * 64, 1, licence, origin),
        network={"tower": "ViT-L-14-quickgelu", "adapter": asdict(shape)},
        training="Not trained: the weights are freshly drawn.",
        limits=_LIMITS,
        verified=(
            "As published: a frozen ViT-L/14, a tiny vision transformer beside it, 128 learned queries, 256 px, and "
            "the weights of four losses.",
            "CLIP itself is untouched; without a bias the guided class token is CLIP's own.",
        ),
        unverified=(
            "Ours, because the publication's way was not at hand: where the tokens of the two networks meet, how "
            "queries become a bias, which of CLIP's blocks get one, how the map is drawn, and the formulas of the "
            "losses. The name says after, not as.",
            "None of the publication's figures is claimed for it, and its weights do not fit.",
        ),
    )


def small_card() -> DetectorCard:
    """A tower of two blocks and a small adapter, for tests and for training on a small machine."""
    card = paper_card()
    return replace(
        card,
        id="adapter-small",
        name="Boundary adapter, small tower",
        baseline=True,
        input=InputSpec(SMALL_SHAPE.side, 96, 1.3, IMAGE_MEAN, IMAGE_STD, "area"),
        output=replace(card.output, map_size=FINER * SMALL_SHAPE.grid),
        network={"vision": dict(SMALL_VISION), "adapter": asdict(SMALL_SHAPE)},
        verified=card.verified[1:],
        unverified=("The published tower is ViT-L/14; this one is small and of the same kind.", *card.unverified),
    )


_LIMITS = (
    "It looks for the boundary of a blend: a face generated whole has none.",
    "The map shows where a boundary was drawn, not what was changed: the inside of a swapped face stays dark.",
    "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
)
