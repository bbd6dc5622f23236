"""Cards of MFCLIP at the published size and at one that a processor can train; both without weights."""

from __future__ import annotations

from dataclasses import replace

from workstation.detectors.mfclip.network import TextShape
from workstation.detectors.mfclip.shapes import table_of
from workstation.detectors.mfclip.vision import VisionShape
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec, WeightsSpec

PAPER = "MFCLIP, IEEE TIFS 20, 2025, 5888-5903, arXiv 2409.09724"
SMALL = VisionShape(
    side=112,
    image=((16, 2), (32, 2), (64, 2), (128, 2)),
    noise=((16, 2), (32, 2)),
    width=128,
    heads=4,
    mlp=256,
    image_depth=2,
    noise_depth=1,
    attention="head",
)
SEQUENCE, LEAST = 16, 4


def paper_card() -> DetectorCard:
    """The published size, 224 px, with all four levels of words."""
    return _card("mfclip-paper", "MFCLIP at the published size", VisionShape(), TextShape())


def small_card(levels: int = 2) -> DetectorCard:
    """112 px and a quarter of the width, with as many levels as the training data has labels for (1..4)."""
    text = TextShape(levels=levels, width=128, layers=2, heads=4)
    card = _card("mfclip-small", "MFCLIP, small", SMALL, text)
    # Pools of training crops are kept at this size.
    return replace(card, input=replace(card.input, crop_size=256))


def _card(name: str, title: str, vision: VisionShape, text: TextShape) -> DetectorCard:
    return DetectorCard(
        id=name,
        name=title,
        version="1",
        family="mfclip",
        summary="Looks at the whole face and at the noise of its richest quarter; was taught with words on how a "
        "manipulated face came about. Reads the picture alone.",
        trace="noise and texture of generated or blended regions",
        paper=PAPER,
        baseline=False,
        # The crop is cut at the network's own size: resampling twice would wipe out the noise that is looked at.
        input=InputSpec(vision.side, vision.side, 1.3, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "area"),
        output=OutputSpec(
            Direction.HIGHER_IS_MANIPULATED, "softmax, uncalibrated", False, sequence=SEQUENCE, least=LEAST
        ),
        weights=WeightsSpec("model.safetensors", "0" * 64, 1, "none", "untrained"),
        network=table_of(vision, text),
        training="none",
        limits=(
            "No trained weights were published; these are not the authors'.",
            "Closeness to descriptions is exploratory and was not validated; it names no generator.",
            "Noise is lost by strong compression and by resizing; a face much larger than the crop is shrunk.",
        ),
        verified=(
            "At the published size every part has the published count of parameters: 77,824,739 that read a face. "
            "Positions have 22,528 fewer than published, as there they belong to the 24 places of a batch, which is an "
            "error, and here to the two places of a sequence.",
            "Every level of words reaches the text's feature; in the released code levels 2 to 4 cannot.",
            "The richest quarter is that of lowest co-occurrence homogeneity, equal to scikit-image's figure.",
        ),
        unverified=(
            "Scores: no weights, training script or logs were published to hold them against.",
            "Pair attention by labels, the exempted pairs of one text, the scaling of pixels for each branch and the "
            "normalisation of language features are our choices; the publication's were not found or fix the batch.",
        ),
    )
