"""Running a GenD package on a tower of timm: one score for every crop, no map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from workstation.detectors.merging import SETTINGS, set_up
from workstation.detectors.settings import NO_SETTINGS, refuse_unknown
from workstation.detectors.timm_vit.network import TimmVit, build_network, fill_buffers
from workstation.detectors.tower_detector import TowerDetector
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, Direction
from workstation.domain.errors import CardInvalid


class TimmVitDetector(TowerDetector[TimmVit]):
    """Score: softmax of class "manipulated" (class 1), higher = manipulated."""

    def scores(self, answers: Tensor) -> Tensor:
        """Softmax of class "manipulated"."""
        return answers.softmax(dim=-1)[:, 1]


def build(card: DetectorCard) -> TimmVit:
    """The whole network of a card with freshly drawn weights, on torch's current device. Raises: CardInvalid."""
    if card.output.map_size or card.output.direction is not Direction.HIGHER_IS_MANIPULATED:
        raise CardInvalid(f"{card.id}: a timm_vit detector gives no map, and higher scores where manipulated.")
    return build_network(card.network, card.input.size)


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str] = NO_SETTINGS
) -> TimmVitDetector:
    """Load a package; ``settings`` may ask for merging that the card has figures for.

    Raises:
        CardInvalid, WeightsInvalid.
        DetectorError: a setting is unknown, or asks for merging that was not measured.
    """
    refuse_unknown(card, settings, SETTINGS)
    with torch.device("meta"):
        network = build(card)
    fill_buffers(network)
    load_weights(network, card, folder)
    detector = TimmVitDetector(card, network, device, precision)
    detector.merging = set_up(card, network.tower, settings)
    return detector
