"""From a card's network table to the shapes of the network, and back."""

from __future__ import annotations

from workstation.detectors.mfclip.language import READ_OUTS
from workstation.detectors.mfclip.network import TextShape
from workstation.detectors.mfclip.vision import ATTENTION_SCALES, VisionShape
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import CardInvalid

# Entry of the table: field of the shape, least, most.
_VISION = {
    "width": ("width", 8, 4096),
    "heads": ("heads", 1, 64),
    "mlp": ("mlp", 8, 16384),
    "image_depth": ("image_depth", 1, 48),
    "noise_depth": ("noise_depth", 1, 48),
}
_TEXT = {
    "levels": ("levels", 1, 4),
    "text_width": ("width", 8, 4096),
    "text_layers": ("layers", 1, 48),
    "text_heads": ("heads", 1, 64),
}
_STAGES = ("image", "noise")
_WORDS = {"attention": ATTENTION_SCALES, "read_out": READ_OUTS}
_KNOWN = {*_VISION, *_TEXT, *_WORDS, *(f"{branch}_{part}" for branch in _STAGES for part in ("widths", "convs"))}


def shapes_of(card: DetectorCard) -> tuple[VisionShape, TextShape]:
    """What a card's network table asks for; what it leaves out is of the published size. Raises: CardInvalid."""
    table = card.network
    for name in sorted(set(table) - _KNOWN):
        raise CardInvalid(f"{card.id}: a mfclip has no network.{name}.")
    if tuple(card.input.mean) != (0, 0, 0) or tuple(card.input.std) != (1, 1, 1) or card.input.colour != "rgb":
        raise CardInvalid(f"{card.id}: a mfclip is fed RGB in 0..1: input.mean must be zeros, input.std ones.")
    for name, allowed in _WORDS.items():
        if table.get(name, allowed[0]) not in allowed:
            raise CardInvalid(f"{card.id}: network.{name} must be {' or '.join(allowed)}.")
    plain = VisionShape()
    vision = VisionShape(
        side=card.input.size,
        image=_stages(card, "image", plain.image),
        noise=_stages(card, "noise", plain.noise),
        attention=str(table.get("attention", plain.attention)),
        **{field: _number(card, name, low, high) for name, (field, low, high) in _VISION.items() if name in table},
    )
    text = TextShape(
        read_out=str(table.get("read_out", TextShape().read_out)),
        **{field: _number(card, name, low, high) for name, (field, low, high) in _TEXT.items() if name in table},
    )
    if vision.width % vision.heads or text.width % text.heads:
        raise CardInvalid(f"{card.id}: a width must be a multiple of its heads.")
    if vision.side % 2 or not vision.side >> len(vision.image) or not (vision.side // 2) >> len(vision.noise):
        raise CardInvalid(f"{card.id}: input.size must be even and survive the halvings of both branches.")
    return vision, text


def table_of(vision: VisionShape, text: TextShape) -> dict[str, object]:
    """The network table that gives these shapes; the side is the card's ``input.size``."""
    table: dict[str, object] = {name: getattr(vision, field) for name, (field, _, _) in _VISION.items()}
    table |= {name: getattr(text, field) for name, (field, _, _) in _TEXT.items()}
    for branch in _STAGES:
        stages: tuple[tuple[int, int], ...] = getattr(vision, branch)
        table |= {f"{branch}_widths": [width for width, _ in stages], f"{branch}_convs": [n for _, n in stages]}
    return table | {"attention": vision.attention, "read_out": text.read_out}


def _number(card: DetectorCard, name: str, least: int, most: int) -> int:
    value = card.network[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise CardInvalid(f"{card.id}: network.{name} must be a whole number from {least} to {most}.")
    return value


def _stages(card: DetectorCard, branch: str, plain: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    lists = []
    for name, position, most in ((f"{branch}_widths", 0, 4096), (f"{branch}_convs", 1, 16)):
        values = card.network.get(name, [stage[position] for stage in plain])
        good = isinstance(values, list | tuple) and 1 <= len(values) <= 8
        if not good or not all(type(value) is int and 1 <= value <= most for value in values):  # type: ignore[attr-defined]
            raise CardInvalid(f"{card.id}: network.{name} must be one to eight whole numbers from 1 to {most}.")
        lists.append(list(values))  # type: ignore[call-overload]
    if len(lists[0]) != len(lists[1]):
        raise CardInvalid(f"{card.id}: network.{branch}_widths and network.{branch}_convs must be equally long.")
    return tuple(zip(*lists, strict=True))
