"""Running an Effort package: one score for every crop, no map. Split weights are merged before they run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from workstation.detectors.clip_ln.detector import ClipLnDetector
from workstation.detectors.clip_ln.network import ClipLn
from workstation.detectors.effort.network import SPLIT, build_network, merged
from workstation.detectors.merging import SETTINGS, set_up
from workstation.detectors.settings import NO_SETTINGS, refuse_unknown
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, Direction
from workstation.domain.errors import CardInvalid


def build(card: DetectorCard) -> ClipLn:
    """The whole network of a card with freshly drawn weights, on torch's current device. Raises: CardInvalid."""
    network = build_network(card.network)
    if network.side != card.input.size:
        raise CardInvalid(f"{card.id}: input.size is {card.input.size}, the tower takes {network.side} px.")
    if card.output.map_size or card.output.direction is not Direction.HIGHER_IS_MANIPULATED:
        raise CardInvalid(f"{card.id}: an effort detector gives no map, and higher scores where manipulated.")
    return network


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str] = NO_SETTINGS
) -> ClipLnDetector:
    """Load a package; ``settings`` may ask for merging of tokens that the card has figures for.

    The score is the softmax of class "manipulated". Raises:
        CardInvalid, WeightsInvalid.
        DetectorError: a setting is unknown, or asks for merging that was not measured.
    """
    refuse_unknown(card, settings, SETTINGS)
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    if card.network["form"] == SPLIT:
        network = merged(network, card.network)
    detector = ClipLnDetector(card, network, device, precision)
    detector.merging = set_up(card, network.tower, settings)
    return detector
