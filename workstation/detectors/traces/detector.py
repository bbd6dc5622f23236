"""Running a traces package: a score and a coarse map of which part of the face stands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from workstation.detectors.runtime import batched, usable
from workstation.detectors.settings import refuse_unknown
from workstation.detectors.traces.features import Traces, measure
from workstation.detectors.traces.fusion import Fusion
from workstation.detectors.traces.regions import CELL, PARTS
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, DetectorReading, Direction, MapArray
from workstation.domain.errors import CardInvalid, InputError
from workstation.domain.faces import FaceCrop
from workstation.faces.organs import organ_regions

MEASURES = 1
"""Number of the set of measures; weights of another number mean something else."""
_LEAST_SIDE = 256
_BATCH = 16


class TracesDetector:
    """Score: logistic function of the fused traces. Map: (side, side) float32 in 0..1 over the whole crop.

    A part of the face is as bright as its own verdict; where parts overlap, either may be what stands out.
    """

    def __init__(self, card: DetectorCard, network: Fusion, device: str) -> None:
        self.card = card
        self.device = device
        # A few thousand products for a face: half the digits would save nothing.
        self.precision = "float32"
        self._batch = _BATCH
        self._network = network.to(device).eval()

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Score crops in order. Raises: DeviceFault, InputError, LandmarksUnusable."""
        return batched(self._read, crops, self._batch, on_shrink=self._shrink)

    def _shrink(self, size: int) -> None:
        self._batch = size

    def _read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        side = self.card.input.crop_size
        for crop in crops:
            if crop.rgb.shape != (side, side, 3):
                raise InputError(f"A crop of {crop.rgb.shape} does not fit a card that wants {side} px.")
        values = [tensor.to(self.device) for tensor in tensors([measure(crop) for crop in crops])]
        with torch.inference_mode():
            logits, parts = self._network(*values)
        scores = usable(torch.sigmoid(logits).cpu().tolist(), self.card)
        verdicts = torch.sigmoid(parts).cpu().numpy()
        if not self.card.output.map_size:
            return [DetectorReading(score) for score in scores]
        return [
            DetectorReading(score, painted(crop, verdict, self.card.output.map_size))
            for score, crop, verdict in zip(scores, crops, verdicts, strict=True)
        ]


def tensors(traces: Sequence[Traces]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(N, 5, D), (N, W) and (N, C) float32 of N crops' traces."""
    columns = ([one.parts for one in traces], [one.whole for one in traces], [one.context for one in traces])
    parts, whole, context = (torch.from_numpy(np.stack(column).astype(np.float32)) for column in columns)
    return parts, whole, context


def painted(crop: FaceCrop, verdict: Sequence[float], side: int) -> MapArray:
    """Paint the parts' verdicts (5 numbers in 0..1) where the parts lie."""
    regions = organ_regions(crop.landmarks, crop.size, side)
    clear = np.ones((side, side), np.float32)
    for name, value in zip(PARTS, verdict, strict=True):
        clear *= 1 - np.float32(value) * regions[name]
    return np.asarray(np.clip(1 - clear, 0, 1), np.float32)


def build(card: DetectorCard) -> Fusion:
    """The fusion of a card, on torch's current default device. Raises: CardInvalid."""
    size = card.input.crop_size
    if size != card.input.size or size % CELL or size < _LEAST_SIDE:
        raise CardInvalid(
            f"{card.id}: traces are measured on the crop as it is; input.size and input.crop_size must be the same "
            f"multiple of {CELL}, at least {_LEAST_SIDE}."
        )
    if card.output.direction is not Direction.HIGHER_IS_MANIPULATED:
        raise CardInvalid(f"{card.id}: this family's score is higher where manipulated; the card says otherwise.")
    if dict(card.network) != {"measures": MEASURES}:
        raise CardInvalid(
            f"{card.id}: network.measures must be {MEASURES} and is all a traces card has in its network table.",
            "Correct the card, or use the program the weights were made for.",
        )
    return Fusion()


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str]
) -> TracesDetector:
    """Load a package; it runs in float32 whatever ``precision`` is.

    Raises:
        CardInvalid, WeightsInvalid: the package is not sound.
        DetectorError: there is a setting; this family knows none.
    """
    refuse_unknown(card, settings)
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    return TracesDetector(card, network, device)
