"""The card of a traces package."""

from __future__ import annotations

from workstation.domain.detectors import DetectorCard, Direction, InputSpec, OutputSpec, WeightsSpec

SIDE, MARGIN, MAP_SIDE = 320, 1.3, 32


def small_card() -> DetectorCard:
    """The card of a package whose weights are freshly drawn; weights are filled in when a package is written."""
    return DetectorCard(
        id="traces-untrained",
        name="Traces, untrained",
        version="0",
        family="traces",
        summary="Compares parts of a face with one another and with the skin around them by classical measures.",
        trace="Noise, detail, colour noise, compression grid and spectrum that differ from part to part of one face.",
        paper="No one publication: classical measures, each named in its module.",
        baseline=True,
        input=InputSpec(SIDE, SIDE, MARGIN, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "area"),
        output=OutputSpec(
            Direction.HIGHER_IS_MANIPULATED, "logistic function of fused traces, 0 to 1, uncalibrated", False, MAP_SIDE
        ),
        weights=WeightsSpec("model.safetensors", "0" * 64, 1, "none", "none"),
        network={"measures": 1},
        training="Not trained: the weights are freshly drawn.",
        limits=(
            "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
            "It measures differences inside one face: a face made whole in one piece has none.",
        ),
        unverified=("Untrained weights: nothing was measured.",),
    )
