"""Cards of ADDNet packages: at the scale of the publication and at one that a CPU can train. None has weights."""

from __future__ import annotations

from collections.abc import Mapping

from workstation.domain.detectors import DetectorCard, Direction, InputSpec, Level, OutputSpec, WeightsSpec

SEQUENCE, LEAST = 16, 4

_PAPER = "WildDeepfake, Zi et al., ACM MM 2020, arXiv 2101.01456"
_SCALE = "softmax of class manipulated, 0 to 1, uncalibrated"
_LIMITS = (
    "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
    "Its mask is drawn from five landmarks: where they are misplaced it looks beside the organs.",
    "No weights were published; figures printed for the published network do not hold for these weights.",
)
_SHARED = (
    "Five products with one mask, at 224, 109, 55, 28 and 14 pixels for an input of 224, as drawn",
    "Parameters of the ADD block at Xception's widths: 1,106,760",
)
_OURS = (
    "Sizes and values of the mask, its pooling windows, crop and normalisation: not printed, our choice",
    "Widths: not printed, Xception's",
)
_UNTRAINED = "Not trained: weights drawn at random."
_WEIGHTS = WeightsSpec("model.safetensors", "0" * 64, 1, "none", "drawn at random")


def paper_card_2d() -> DetectorCard:
    """ADDNet-2D at the published scale: input 224, Xception's widths, eight blocks 3."""
    network = {"entry": [32, 64, 128, 256, 728], "middle": 8, "exit": [1024, 1536, 2048], "head": 128}
    return _frame_card("addnet-2d", "ADDNet-2D", 224, network)


def small_card_2d() -> DetectorCard:
    """The same network at input 128 and a tenth of the widths, for training on a CPU."""
    network = {"entry": [12, 24, 32, 48, 80], "middle": 4, "exit": [96, 128, 160], "head": 32}
    return _frame_card("addnet-2d-small", "ADDNet-2D, small", 128, network)


def paper_card_3d() -> DetectorCard:
    """ADDNet-3D with the ADD block of the published scale; the 3D classifier is ours."""
    network = {"entry": [32, 64, 128, 256, 728], "volume": [256, 256, 512]}
    return _sequence_card("addnet-3d", "ADDNet-3D", 224, network)


def small_card_3d() -> DetectorCard:
    """The same at input 96 and a tenth of the widths, for training on a CPU."""
    network = {"entry": [12, 24, 32, 48, 80], "volume": [32, 32, 64]}
    return _sequence_card("addnet-3d-small", "ADDNet-3D, small", 96, network)


def _frame_card(identity: str, name: str, side: int, network: Mapping[str, object]) -> DetectorCard:
    return DetectorCard(
        id=identity,
        name=name,
        version="0.1",
        family="addnet2d",
        summary="Scores a face by what lies on and around its organs, which a mask from landmarks brings out.",
        trace="Whatever sets the training forgeries apart on eyes, nose and mouth; it gives no map.",
        paper=_PAPER,
        baseline=True,
        input=_input(side),
        output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, _SCALE, False),
        weights=_WEIGHTS,
        network=network,
        training=_UNTRAINED,
        limits=_LIMITS,
        verified=(
            *_SHARED,
            "Eight blocks 3: 8,607,872; exit: 6,788,384; body: 16,503,016 parameters at Xception's widths",
        ),
        unverified=(*_OURS, "The two last convolutions: 3 x 3 with stride 2, then one over what is left, our choice"),
    )


def _sequence_card(identity: str, name: str, side: int, network: Mapping[str, object]) -> DetectorCard:
    return DetectorCard(
        id=identity,
        name=name,
        version="0.1",
        family="addnet3d",
        summary="Scores a track as a whole: one ADD block for all frames, 3D convolutions over them in order.",
        trace="Whatever sets the training sequences apart on and around the organs, and how it changes from frame to "
        "frame; it gives no map and nothing for a single frame.",
        paper=_PAPER,
        baseline=True,
        input=_input(side),
        output=OutputSpec(
            Direction.HIGHER_IS_MANIPULATED, _SCALE, False, level=Level.TRACK, sequence=SEQUENCE, least=LEAST
        ),
        weights=_WEIGHTS,
        network=network,
        training=_UNTRAINED,
        limits=(*_LIMITS, "How far apart the frames of a track lie in time is not told to it."),
        verified=(*_SHARED, "One ADD block for all frames; one label for a sequence"),
        unverified=(*_OURS, "The 3D classifier and the number of frames (4 to 16): our choice"),
    )


def _input(side: int) -> InputSpec:
    # Values 0..1 as they are: the mask then darkens what it covers, as in the figure.
    return InputSpec(side, 256, 1.3, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "area")
