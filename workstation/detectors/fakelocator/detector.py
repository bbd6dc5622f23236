"""Running a FakeLocator package: a score and a full-resolution map for every crop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch

from workstation.detectors.fakelocator.gate import GATES, organ_gates
from workstation.detectors.fakelocator.network import FakeLocator, LocatorShape
from workstation.detectors.preprocess import pixels
from workstation.detectors.runtime import batched, usable
from workstation.detectors.settings import NO_SETTINGS, refuse_unknown
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, DetectorReading
from workstation.domain.errors import CardInvalid
from workstation.domain.faces import FaceCrop

_BATCH = 32


class FakeLocatorDetector:
    """Score: softmax of class "manipulated". Map: (side, side) float32 in 0..1 over the whole crop.

    A card with ``network.gate = "organs"`` gates the encoder by regions around the landmarks.
    """

    def __init__(self, card: DetectorCard, network: FakeLocator, device: str, precision: str) -> None:
        self.card = card
        self.device = device
        self.precision = precision
        self._batch = _BATCH
        self._kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self._gated = card.network.get("gate", "none") == "organs"
        self._network = network.to(device).eval()

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Score crops in order. Raises: DeviceFault, InputError."""
        return batched(self._read, crops, self._batch, on_shrink=self._shrink)

    def _shrink(self, size: int) -> None:
        self._batch = size

    def _read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        values = torch.from_numpy(pixels(crops, self.card.input)).to(self.device)
        side = self.card.input.size
        gate = torch.from_numpy(organ_gates(crops, side)).to(self.device) if self._gated else None
        enabled = self._kind is torch.bfloat16
        with torch.inference_mode(), torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=enabled):
            logits, classes = self._network(values.contiguous(memory_format=torch.channels_last), gate)
        maps = torch.sigmoid(logits.float())[:, 0].cpu().numpy().astype(np.float32)
        scores = usable(classes.float().softmax(dim=-1)[:, 1].cpu().tolist(), self.card)
        return [DetectorReading(score, field) for score, field in zip(scores, maps, strict=True)]


def build(card: DetectorCard) -> FakeLocator:
    """The whole network of a card with freshly drawn weights, on torch's current device. Raises: CardInvalid."""
    return FakeLocator(_shape(card))


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str] = NO_SETTINGS
) -> FakeLocatorDetector:
    """Load a package. Raises: CardInvalid, DetectorError for an unknown setting, WeightsInvalid."""
    refuse_unknown(card, settings)
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    return FakeLocatorDetector(card, network.to(memory_format=torch.channels_last), device, precision)


def _shape(card: DetectorCard) -> LocatorShape:
    unknown = sorted(set(card.network) - {"widths", "decoder", "gate"})
    if unknown:
        raise CardInvalid(f"{card.id}: a fakelocator has no network.{unknown[0]}.")
    if card.network.get("gate", "none") not in GATES:
        raise CardInvalid(f"{card.id}: network.gate must be one of {', '.join(GATES)}.")
    widths, decoder = card.network.get("widths"), card.network.get("decoder")
    good = isinstance(widths, list) and len(widths) == 4 and all(isinstance(w, int) and 0 < w <= 2048 for w in widths)
    if not good or not isinstance(decoder, int) or not 0 < decoder <= 2048:
        raise CardInvalid(f"{card.id}: network.widths must be four whole numbers and network.decoder one.")
    if card.input.size % 16 or card.output.map_size != card.input.size:
        raise CardInvalid(f"{card.id}: input.size must be a multiple of 16 and output.map_size equal to it.")
    four = cast(tuple[int, int, int, int], tuple(cast(list[int], widths)))
    return LocatorShape(card.input.size, four, decoder)
