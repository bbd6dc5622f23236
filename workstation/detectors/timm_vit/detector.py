"""Running a GenD package on a tower of timm: one score for every crop, no map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from workstation.detectors.merging import NO_MERGING, SETTINGS, guided_by, set_up
from workstation.detectors.preprocess import pixels
from workstation.detectors.runtime import batched, usable
from workstation.detectors.settings import NO_SETTINGS, refuse_unknown
from workstation.detectors.timm_vit.network import TimmVit, build_network, fill_buffers
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, DetectorReading, Direction
from workstation.domain.errors import CardInvalid
from workstation.domain.faces import FaceCrop

_BATCH = 8


class TimmVitDetector:
    """Score: softmax of class "manipulated" (class 1), higher = manipulated."""

    def __init__(self, card: DetectorCard, network: TimmVit, device: str, precision: str) -> None:
        self.card = card
        self.device = device
        self.precision = precision
        self._batch = _BATCH
        self._kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
        network.tower.to(device=device, dtype=self._kind)
        network.head.to(device=device, dtype=torch.float32)
        self.network = network.eval()
        self.merging = NO_MERGING

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Score crops in order. Raises: DeviceFault, InputError."""
        return batched(self._read, crops, self._batch, on_shrink=self._shrink)

    def _shrink(self, size: int) -> None:
        self._batch = size

    def _read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        values = torch.from_numpy(pixels(crops, self.card.input)).to(device=self.device, dtype=self._kind)
        with torch.inference_mode(), guided_by(self.merging, crops):
            scores = self.network(values).softmax(dim=-1)[:, 1]
        return [DetectorReading(score) for score in usable(scores.cpu().tolist(), self.card)]


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
