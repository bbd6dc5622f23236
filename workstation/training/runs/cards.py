"""The card of what a run trains, before its weights: the family's own card, with the configuration's choices in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from workstation.detectors.clip_ln.network import IMAGE_MEAN, IMAGE_STD
from workstation.detectors.fakelocator.lite import ENCODERS
from workstation.domain.detectors import DetectorCard, Direction, InputSpec, Level, OutputSpec, WeightsSpec
from workstation.domain.errors import InputError
from workstation.training.batches import CROP_MARGIN, CROP_SIDE
from workstation.training.runs.config import Config, DetectorPart

_SOFTMAX = "softmax of class manipulated, 0 to 1, uncalibrated"
_NO_WEIGHTS = WeightsSpec("model.safetensors", "0" * 64, 1, "none", "none")
_UNCALIBRATED = (
    "Its score is uncalibrated: it is neither a probability nor comparable with another detector's.",
    "It gives no map: nothing says which part of the face its score comes from.",
)
SMALL_VISION: Mapping[str, object] = {
    "image_size": 160,
    "patch_size": 16,
    "width": 160,
    "layers": 4,
    "head_width": 40,
    "mlp_ratio": 3.0,
    "quick_gelu": True,
}


def base_card(config: Config) -> DetectorCard:
    """The card that a run trains towards; text on the training and digests are filled in when it is packaged.

    Raises:
        InputError: the family has no such variant.
        CardInvalid: the family cannot build what the network table asks for.
    """
    from workstation.detectors import registry

    part, package = config.detector, config.package
    card = _BUILDERS[part.family](part)
    network = {**card.network, **part.network}
    if "tower" in part.network:
        network.pop("vision", None)
    if "vision" in part.network:
        network.pop("tower", None)
    if "encoder" in network:
        network.pop("widths", None)
    side = part.size or _side_of(network, card)
    limits = tuple(dict.fromkeys((*card.limits, *package.limits)))
    card = replace(
        card,
        id=package.id,
        name=package.name,
        version=package.version,
        baseline=package.baseline,
        network=network,
        input=replace(card.input, size=side, crop_size=CROP_SIDE, crop_margin=min(card.input.crop_margin, CROP_MARGIN)),
        output=_output(card, network, side, config.run.frames),
        weights=replace(_NO_WEIGHTS, licence=package.licence, origin="trained by a run of this program"),
        limits=limits,
    )
    registry.skeleton(card)
    return card


def _side_of(network: Mapping[str, object], card: DetectorCard) -> int:
    """The side that the network table itself fixes, or the card's."""
    for name, entry in (("vision", "image_size"), ("adapter", "side")):
        table = network.get(name)
        if (
            isinstance(table, Mapping)
            and isinstance(table.get(entry), int)
            and not (name == "vision" and "adapter" in network)
        ):
            return int(cast(int, table[entry]))
    return card.input.size


def _output(card: DetectorCard, network: Mapping[str, object], side: int, frames: int) -> OutputSpec:
    adapter = network.get("adapter")
    if card.family == "fakelocator":
        return replace(card.output, map_size=side)
    if isinstance(adapter, Mapping):
        return replace(card.output, map_size=4 * side // int(cast(int, adapter["patch"])))
    if card.output.level is Level.TRACK:
        return replace(card.output, sequence=frames, least=min(card.output.least, frames))
    return card.output


def _clip_ln(part: DetectorPart) -> DetectorCard:
    paper = part.scale == "paper"
    return DetectorCard(
        id="clip-ln",
        name="CLIP-LN",
        version="0",
        family="clip_ln",
        summary="A vision transformer with a linear head on its normalised class token; one score for a face.",
        trace="Whatever sets the training forgeries apart in the whole crop; it gives no map.",
        paper="Architecture and losses after arXiv 2503.19683; not the published weights.",
        baseline=True,
        input=InputSpec(224 if paper else 160, 256, 1.3, IMAGE_MEAN, IMAGE_STD, "bicubic" if paper else "area"),
        output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, _SOFTMAX, False),
        weights=_NO_WEIGHTS,
        network={"tower": "ViT-L-14-quickgelu"} if paper else {"vision": dict(SMALL_VISION)},
        training="Not trained.",
        limits=_UNCALIBRATED,
        verified=(
            "The feature is the class token after the last LayerNorm, of length one, read by a linear layer with two "
            "outputs, the second of them manipulated, as in the published code.",
        ),
        unverified=(
            "The published weights are not these. None of the published figures was reproduced: training data, "
            "forgeries and measures are others.",
        ),
    )


def _fakelocator(part: DetectorPart) -> DetectorCard:
    if part.variant:
        return _lite_locator(part)
    side, widths, decoder = (256, [32, 64, 128, 256], 48) if part.scale == "paper" else (192, [16, 32, 64, 128], 24)
    return DetectorCard(
        id="fakelocator",
        name="FakeLocator",
        version="0",
        family="fakelocator",
        summary="Marks where a face was blended, pasted or resampled, and scores the crop.",
        trace="Texture, colour and sharpness that change from one part of the face to the next, and blend edges.",
        paper="After FakeLocator (arXiv 2001.09598, IEEE TIFS 2022); widths, target scale and data are our own.",
        baseline=True,
        input=InputSpec(side, 256, 1.3, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), "area"),
        output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, _SOFTMAX, False, side),
        weights=_NO_WEIGHTS,
        network={"widths": widths, "decoder": decoder, "gate": "none"},
        training="Not trained.",
        limits=(
            _UNCALIBRATED[0],
            "The map says where the picture resembles its training forgeries, on a scale of its own.",
        ),
        verified=(
            "The map is one sigmoid channel as large as the network's input, the class a second output, as the paper "
            "is described by others.",
            "A gate of ones changes nothing, and the map of an untouched training pair is wanted all zero.",
        ),
        unverified=(
            "Neither code nor weights of the paper were found to hold this against; widths, decoder and the scale of "
            "the target map are our own.",
            "None of the paper's figures was reproduced: training data, forgeries and measures are others.",
        ),
    )


# Of an encoder's name: without the layers that see more than a few dozen pixels.
_LOCAL = "_local"


def _lite_locator(part: DetectorPart) -> DetectorCard:
    known = (*ENCODERS, *(f"{name}{_LOCAL}" for name in ENCODERS))
    if part.variant not in known:
        raise InputError(f'fakelocator has no variant "{part.variant}".', f"It has {', '.join(known)}.")
    encoder = part.variant.removesuffix(_LOCAL)
    network: dict[str, object] = {"encoder": encoder, "decoder": 64, "gate": "none"}
    plain = _fakelocator(replace(part, variant=""))
    return replace(
        plain,
        id="fakelocator-lite",
        name="FakeLocator on EfficientNet-Lite0",
        paper="After FakeLocator (arXiv 2001.09598, IEEE TIFS 2022) on the encoder of EfficientNet-Lite0 (ICML 2019); "
        "decoder, target and data are our own.",
        input=InputSpec(256, 256, 1.3, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "area"),
        output=replace(plain.output, map_size=256),
        network=network | ({"depth": 2} if part.variant != encoder else {}),
        verified=(
            *plain.verified,
            "The encoder with its published weights answers bit for bit as the package that published them.",
        ),
    )


def _mfclip(part: DetectorPart) -> DetectorCard:
    from workstation.detectors.mfclip import presets

    return presets.paper_card() if part.scale == "paper" else presets.small_card()


def _addnet2d(part: DetectorPart) -> DetectorCard:
    from workstation.detectors.addnet import cards

    return cards.paper_card_2d() if part.scale == "paper" else cards.small_card_2d()


def _addnet3d(part: DetectorPart) -> DetectorCard:
    from workstation.detectors.addnet import cards

    return cards.paper_card_3d() if part.scale == "paper" else cards.small_card_3d()


def _effort(part: DetectorPart) -> DetectorCard:
    from workstation.detectors.effort import cards

    return cards.paper_card() if part.scale == "paper" else cards.small_card()


def _adapter(part: DetectorPart) -> DetectorCard:
    from workstation.detectors.adapter import cards

    return cards.paper_card() if part.scale == "paper" else cards.small_card()


def _mesonet(part: DetectorPart) -> DetectorCard:
    from workstation.detectors.mesonet import cards

    kind = part.variant or "meso4"
    if kind not in cards.NAMES:
        raise InputError(f'mesonet has no variant "{kind}".', f"It has {', '.join(cards.NAMES)}.")
    return cards.paper_card(kind)


def _timm_vit(part: DetectorPart) -> DetectorCard:
    from workstation.detectors.timm_vit import cards

    kind = part.variant or cards.PE
    if kind not in cards.TOWERS:
        raise InputError(f'timm_vit has no variant "{kind}".', f"It has {', '.join(cards.TOWERS)}.")
    return cards.paper_card(kind) if part.scale == "paper" else cards.small_card(kind)


_BUILDERS: Mapping[str, Callable[[DetectorPart], DetectorCard]] = {
    "clip_ln": _clip_ln,
    "fakelocator": _fakelocator,
    "mfclip": _mfclip,
    "addnet2d": _addnet2d,
    "addnet3d": _addnet3d,
    "effort": _effort,
    "adapter": _adapter,
    "mesonet": _mesonet,
    "timm_vit": _timm_vit,
}
