"""What detectors that score a crop by a vision transformer and a small head have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor, nn

from workstation.detectors.merging import NO_MERGING, guided_by
from workstation.detectors.preprocess import pixels
from workstation.detectors.runtime import batched, usable
from workstation.domain.detectors import DetectorCard, DetectorReading
from workstation.domain.faces import FaceCrop

# Larger batches fall out of the processor's cache: 16 faces take 8 % more time each than 8.
_BATCH = 8
_Network = TypeVar("_Network", bound=nn.Module)


class TowerDetector(ABC, Generic[_Network]):
    """One score for every crop, no map.

    Args:
        network: has ``tower``, run in ``precision``, and ``head``, run in float32.
    """

    def __init__(self, card: DetectorCard, network: _Network, device: str, precision: str) -> None:
        self.card = card
        self.device = device
        self.precision = precision
        self._batch = _BATCH
        self._kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
        parts = cast(Any, network)
        parts.tower.to(device=device, dtype=self._kind)
        parts.head.to(device=device, dtype=torch.float32)
        self.network = network.eval()
        # What was done to the tower, for the record: tokens merged after each block, where, and how many are left.
        self.merging = NO_MERGING

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Score crops in order. Raises: DeviceFault, InputError."""
        return batched(self._read, crops, self._batch, on_shrink=self._shrink)

    @abstractmethod
    def scores(self, answers: Tensor) -> Tensor:
        """From what the network answers to N crops to (N,) scores in 0..1, in the direction of the card."""

    def _shrink(self, size: int) -> None:
        self._batch = size

    def _read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        values = torch.from_numpy(pixels(crops, self.card.input)).to(device=self.device, dtype=self._kind)
        with torch.inference_mode(), guided_by(self.merging, crops):
            scores = self.scores(self.network(values).float())
        return [DetectorReading(score) for score in usable(scores.cpu().tolist(), self.card)]
