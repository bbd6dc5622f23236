"""Running an adapter package: a score and a map of the blend's boundary for every crop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from workstation.detectors.adapter.network import AdapterNetwork, build_network
from workstation.detectors.preprocess import pixels
from workstation.detectors.runtime import batched, usable
from workstation.detectors.settings import NO_SETTINGS, refuse_unknown
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, DetectorReading, Direction
from workstation.domain.errors import CardInvalid
from workstation.domain.faces import FaceCrop

_BATCH = 8


class AdapterDetector:
    """Score: softmax of class "manipulated". Map: (map_size, map_size) float32 in 0..1, 1 = boundary of a blend."""

    def __init__(self, card: DetectorCard, network: AdapterNetwork, device: str, precision: str) -> None:
        self.card = card
        self.device = device
        self.precision = precision
        self._batch = _BATCH
        network.to(device=device, dtype=torch.float32)
        # CLIP does nearly all of the work; the adapter is small and stays exact.
        network.tower.to(dtype=torch.bfloat16 if precision == "bfloat16" else torch.float32)
        self.network = network.eval()

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Score crops in order. Raises: DeviceFault, InputError."""
        return batched(self._read, crops, self._batch, on_shrink=self._shrink)

    def _shrink(self, size: int) -> None:
        self._batch = size

    def _read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        values = torch.from_numpy(pixels(crops, self.card.input)).to(self.device)
        with torch.inference_mode():
            answer = self.network(values)
            maps = torch.sigmoid(answer.boundary)[:, 0].cpu().numpy().astype(np.float32)
            scores = usable(answer.logits.softmax(dim=-1)[:, 1].cpu().tolist(), self.card)
        return [DetectorReading(score, field) for score, field in zip(scores, maps, strict=True)]


def build(card: DetectorCard) -> AdapterNetwork:
    """The whole network of a card with freshly drawn weights, on torch's current device. Raises: CardInvalid."""
    network = build_network(card.network)
    if network.side.shape.side != card.input.size:
        raise CardInvalid(f"{card.id}: input.size is {card.input.size}, the adapter takes {network.side.shape.side}.")
    if card.output.map_size != network.map_size:
        raise CardInvalid(f"{card.id}: output.map_size is {card.output.map_size}, the map has {network.map_size}.")
    if card.output.direction is not Direction.HIGHER_IS_MANIPULATED:
        raise CardInvalid(f"{card.id}: an adapter's score is higher where manipulated; the card says otherwise.")
    return network


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str] = NO_SETTINGS
) -> AdapterDetector:
    """Load a package. Tokens cannot be merged: the adapter needs every cell.

    Raises:
        CardInvalid, WeightsInvalid.
        DetectorError: there is a setting; it knows none.
    """
    refuse_unknown(card, settings)
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    return AdapterDetector(card, network, device, precision)
