"""Running a clip_ln package: one score for every crop, no map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from workstation.detectors.clip_ln.network import ClipLn, make_lean
from workstation.detectors.clip_ln.network import build as build_network
from workstation.detectors.merging import SETTINGS, set_up
from workstation.detectors.settings import NO_SETTINGS, refuse_unknown
from workstation.detectors.tower_detector import TowerDetector
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard
from workstation.domain.errors import CardInvalid


class ClipLnDetector(TowerDetector[ClipLn]):
    """Score: softmax of class "manipulated" (class 1), higher = manipulated."""

    def __init__(self, card: DetectorCard, network: ClipLn, device: str, precision: str, *, lean: bool = True) -> None:
        super().__init__(card, network, device, precision)
        if lean:
            make_lean(network)

    def scores(self, answers: Tensor) -> Tensor:
        """Softmax of class "manipulated"."""
        return answers.softmax(dim=-1)[:, 1]


def build(card: DetectorCard) -> ClipLn:
    """The whole network of a card with freshly drawn weights, on torch's current device. Raises: CardInvalid."""
    network = build_network(card.network)
    if network.side != card.input.size:
        raise CardInvalid(f"{card.id}: input.size is {card.input.size}, the tower takes {network.side} px.")
    return network


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str] = NO_SETTINGS
) -> ClipLnDetector:
    """Load a package; ``settings`` may ask for merging that the card has figures for.

    Raises:
        CardInvalid, WeightsInvalid.
        DetectorError: a setting is unknown, or asks for merging that was not measured.
    """
    refuse_unknown(card, settings, SETTINGS)
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    detector = ClipLnDetector(card, network, device, precision)
    detector.merging = set_up(card, network.tower, settings)
    return detector
