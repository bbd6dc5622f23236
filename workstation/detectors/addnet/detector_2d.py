"""Running an ADDNet-2D package (family ``addnet2d``): one score for every crop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from workstation.detectors.addnet.mask import organ_masks
from workstation.detectors.addnet.network import AddNet2d
from workstation.detectors.addnet.shapes import frame_shape
from workstation.detectors.preprocess import pixels
from workstation.detectors.runtime import batched, usable
from workstation.detectors.settings import refuse_unknown
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, DetectorReading
from workstation.domain.faces import FaceCrop

_BATCH = 16


class AddNet2dDetector:
    """Score: softmax of class "manipulated". It gives no map: the mask is drawn from landmarks, not found."""

    def __init__(self, card: DetectorCard, network: AddNet2d, device: str, precision: str) -> None:
        self.card = card
        self.device = device
        self.precision = precision
        self._batch = _BATCH
        self._kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self._network = network.to(device).eval()

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Score crops in order. Raises: DeviceFault, InputError, LandmarksUnusable."""
        return batched(self._read, crops, self._batch, on_shrink=self._shrink)

    def _shrink(self, size: int) -> None:
        self._batch = size

    def _read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        values = torch.from_numpy(pixels(crops, self.card.input)).to(self.device)
        mask = torch.from_numpy(organ_masks(crops, self.card.input.size)).to(self.device)
        enabled = self._kind is torch.bfloat16
        with torch.inference_mode(), torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=enabled):
            logits = self._network(values.contiguous(memory_format=torch.channels_last), mask)
        scores = usable(logits.float().softmax(dim=-1)[:, 1].cpu().tolist(), self.card)
        return [DetectorReading(score) for score in scores]


def build(card: DetectorCard) -> AddNet2d:
    """The whole network of a card with freshly drawn weights, on torch's current device. Raises: CardInvalid."""
    return AddNet2d(frame_shape(card))


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str]
) -> AddNet2dDetector:
    """Load a package. Raises: CardInvalid, DetectorError for an unknown setting, WeightsInvalid."""
    refuse_unknown(card, settings)
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    return AddNet2dDetector(card, network.to(memory_format=torch.channels_last), device, precision)
