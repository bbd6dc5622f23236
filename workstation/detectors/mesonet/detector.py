"""Running a MesoNet package: one score for every crop, no map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from workstation.detectors.mesonet.network import SIDE, MesoNet, build_network
from workstation.detectors.preprocess import pixels
from workstation.detectors.runtime import batched, usable
from workstation.detectors.settings import refuse_unknown
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, DetectorReading, Direction
from workstation.domain.errors import CardInvalid
from workstation.domain.faces import FaceCrop

_BATCH = 32


class MesoNetDetector:
    """Score: the published output, lower = manipulated."""

    def __init__(self, card: DetectorCard, network: MesoNet, device: str) -> None:
        self.card = card
        self.device = device
        # The whole network costs less than reading the picture; half the digits would save nothing.
        self.precision = "float32"
        self._batch = _BATCH
        self.network = network.to(device).eval()

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Score crops in order. Raises: DeviceFault, InputError."""
        return batched(self._read, crops, self._batch, on_shrink=self._shrink)

    def _shrink(self, size: int) -> None:
        self._batch = size

    def _read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        values = torch.from_numpy(pixels(crops, self.card.input)).to(self.device)
        with torch.inference_mode():
            scores = self.network(values)
        return [DetectorReading(score) for score in usable(scores.cpu().tolist(), self.card)]


def build(card: DetectorCard) -> MesoNet:
    """The network of a card, on torch's current default device. Raises: CardInvalid."""
    if card.input.size != SIDE:
        raise CardInvalid(f"{card.id}: input.size is {card.input.size}, MesoNet takes {SIDE} px.")
    if card.output.direction is not Direction.LOWER_IS_MANIPULATED:
        raise CardInvalid(f"{card.id}: MesoNet's output is lower where manipulated; the card says otherwise.")
    if card.output.map_size:
        raise CardInvalid(f"{card.id}: MesoNet gives no fakeness map.")
    return build_network(card.network)


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str]
) -> MesoNetDetector:
    """Load a package; it runs in float32 whatever ``precision`` is.

    Raises:
        CardInvalid, WeightsInvalid: the package is not sound.
        DetectorError: there is a setting; MesoNet knows none.
    """
    refuse_unknown(card, settings)
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    return MesoNetDetector(card, network, device)
