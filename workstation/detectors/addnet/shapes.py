"""From a card's ``network`` table to the shape of an ADDNet; what is unknown or out of range is refused."""

from __future__ import annotations

from typing import cast

from workstation.detectors.addnet.network import FrameShape, SequenceShape, last_side
from workstation.domain.detectors import DetectorCard, Level
from workstation.domain.errors import CardInvalid

_LARGEST = 4096


def frame_shape(card: DetectorCard) -> FrameShape:
    """Entries ``entry`` (5 widths), ``middle`` (1 to 32 blocks), ``exit`` (3 widths), ``head``. Raises: CardInvalid."""
    _refuse(card, ("entry", "middle", "exit", "head"))
    if card.output.level is not Level.FACE or card.output.sequence:
        raise CardInvalid(f'{card.id}: an addnet2d scores faces; output.level must be "face" and output.sequence 0.')
    side = _side(card)
    # Two convolutions without padding must find something to stand on.
    if (last_side(side) + 1) // 2 < 3:
        raise CardInvalid(f"{card.id}: input.size {side} is too small for the last convolutions of an addnet2d.")
    entry, out = _widths(card, "entry", 5), _widths(card, "exit", 3)
    return FrameShape(
        side,
        cast(tuple[int, int, int, int, int], entry),
        _whole(card, "middle", 32),
        cast(tuple[int, int, int], out),
        _whole(card, "head", _LARGEST),
    )


def sequence_shape(card: DetectorCard) -> SequenceShape:
    """Entries ``entry`` (5 widths) and ``volume`` (3 widths). Raises: CardInvalid."""
    _refuse(card, ("entry", "volume"))
    if card.output.level is not Level.TRACK:
        raise CardInvalid(f'{card.id}: an addnet3d scores tracks; output.level must be "track".')
    entry, volume = _widths(card, "entry", 5), _widths(card, "volume", 3)
    return SequenceShape(_side(card), cast(tuple[int, int, int, int, int], entry), cast(tuple[int, int, int], volume))


def _refuse(card: DetectorCard, known: tuple[str, ...]) -> None:
    unknown = sorted(set(card.network) - set(known))
    if unknown:
        raise CardInvalid(f"{card.id}: an {card.family} has no network.{unknown[0]}.")
    if card.output.map_size:
        raise CardInvalid(f"{card.id}: an {card.family} gives no map; output.map_size must be 0.")


def _side(card: DetectorCard) -> int:
    if last_side(card.input.size) < 2:
        raise CardInvalid(f"{card.id}: input.size {card.input.size} is too small for an {card.family}.")
    return card.input.size


def _whole(card: DetectorCard, name: str, most: int) -> int:
    value = card.network.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise CardInvalid(f"{card.id}: network.{name} must be a whole number from 1 to {most}.")
    return value


def _widths(card: DetectorCard, name: str, count: int) -> tuple[int, ...]:
    value = card.network.get(name)
    good = isinstance(value, list) and len(value) == count
    if not good or not all(type(width) is int and 1 <= width <= _LARGEST for width in cast(list[object], value)):
        raise CardInvalid(f"{card.id}: network.{name} must be {count} whole numbers from 1 to {_LARGEST}.")
    return tuple(cast(list[int], value))
