"""Running a UniversalFakeDetect package: one score for every crop, no map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from workstation.detectors.merging import SETTINGS, set_up
from workstation.detectors.settings import NO_SETTINGS, refuse_unknown
from workstation.detectors.tower_detector import TowerDetector
from workstation.detectors.ufd.network import Ufd, build_network
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, Direction
from workstation.domain.errors import CardInvalid


class UfdDetector(TowerDetector[Ufd]):
    """Score: sigmoid of the linear unit, higher = manipulated."""

    def scores(self, answers: Tensor) -> Tensor:
        """Sigmoid of the logit."""
        return torch.sigmoid(answers)


def build(card: DetectorCard) -> Ufd:
    """The whole network of a card with freshly drawn weights, on torch's current device. Raises: CardInvalid."""
    network = build_network(card.network)
    if network.side != card.input.size:
        raise CardInvalid(f"{card.id}: input.size is {card.input.size}, the tower takes {network.side} px.")
    if card.output.map_size or card.output.direction is not Direction.HIGHER_IS_MANIPULATED:
        raise CardInvalid(f"{card.id}: a ufd detector gives no map, and higher scores where manipulated.")
    return network


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str] = NO_SETTINGS
) -> UfdDetector:
    """Load a package; ``settings`` may ask for merging that the card has figures for.

    Raises:
        CardInvalid, WeightsInvalid.
        DetectorError: a setting is unknown, or asks for merging that was not measured.
    """
    refuse_unknown(card, settings, SETTINGS)
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    detector = UfdDetector(card, network, device, precision)
    detector.merging = set_up(card, network.tower, settings)
    return detector
