"""Running a clip_ln package: one score for every crop, no map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from workstation.detectors.clip_ln.network import ClipLn, make_lean
from workstation.detectors.clip_ln.network import build as build_network
from workstation.detectors.merging import NO_MERGING, SETTINGS, guided_by, set_up
from workstation.detectors.preprocess import pixels
from workstation.detectors.runtime import batched, usable
from workstation.detectors.settings import NO_SETTINGS, refuse_unknown
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, DetectorReading
from workstation.domain.errors import CardInvalid
from workstation.domain.faces import FaceCrop

# Larger batches fall out of the processor's cache: 16 faces take 8 % more time each than 8.
_BATCH = 8


class ClipLnDetector:
    """Score: softmax of class "manipulated" (class 1), higher = manipulated."""

    def __init__(self, card: DetectorCard, network: ClipLn, device: str, precision: str, *, lean: bool = True) -> None:
        self.card = card
        self.device = device
        self.precision = precision
        self._batch = _BATCH
        self._kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
        network.tower.to(device=device, dtype=self._kind)
        network.head.to(device=device, dtype=torch.float32)
        if lean:
            make_lean(network)
        self.network = network.eval()
        # What was done to the tower, for the record: tokens merged after each block, where, and how many are left.
        self.merging = NO_MERGING

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Score crops in order. Raises: DeviceFault, InputError."""
        return batched(self._read, crops, self._batch, on_shrink=self._shrink)

    def _shrink(self, size: int) -> None:
        self._batch = size

    def _read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        values = torch.from_numpy(pixels(crops, self.card.input)).to(device=self.device, dtype=self._kind)
        with torch.inference_mode(), guided_by(self.merging, crops):
            scores = self.network(values).float().softmax(dim=-1)[:, 1]
        return [DetectorReading(score) for score in usable(scores.cpu().tolist(), self.card)]


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
