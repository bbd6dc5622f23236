"""Running a FakeLocator package: a score and a full-resolution map for every crop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from workstation.detectors.fakelocator.gate import GATES, organ_gates
from workstation.detectors.fakelocator.lite import ENCODERS, LiteLocator, LiteShape
from workstation.detectors.fakelocator.network import FakeLocator, LocatorShape
from workstation.detectors.fakelocator.parsing import FaceParser, open_parser
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

    A card with ``network.gate = "organs"`` gates the encoder by regions around the landmarks, one with "parsing" by the
    map of a face-parsing network, which must then be installed.

    Attributes:
        extra_digests: SHA-256 by name of the files beside the package that the scores rest on.
    """

    def __init__(
        self,
        card: DetectorCard,
        network: FakeLocator | LiteLocator,
        device: str,
        precision: str,
        parser: FaceParser | None = None,
    ) -> None:
        self.card = card
        self.device = device
        self.precision = precision
        self._batch = _BATCH
        self._kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self._gated = card.network.get("gate", "none") == "organs"
        self._parser = parser
        self.extra_digests: Mapping[str, str] = {} if parser is None else {parser.name: parser.sha256}
        self._network = network.to(device).eval()

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Score crops in order. Raises: DeviceFault, InputError."""
        return batched(self._read, crops, self._batch, on_shrink=self._shrink)

    def _shrink(self, size: int) -> None:
        self._batch = size

    def features(self, crops: Sequence[FaceCrop]) -> npt.NDArray[np.float32]:
        """What the encoder makes of crops: (N, widths[3]) float32, its last features averaged over the crop.

        Raises: DeviceFault, InputError, LandmarksUnusable.
        """
        rows = batched(self._features, crops, self._batch, on_shrink=self._shrink)
        return np.stack(rows) if rows else np.zeros((0, self._network.shape.widths[3]), np.float32)

    def _features(self, crops: Sequence[FaceCrop]) -> list[npt.NDArray[np.float32]]:
        values, gate = self._inputs(crops)
        with self._mode():
            last = self._network.encode(values, gate)[-1]
        return list(last.float().mean(dim=(2, 3)).cpu().numpy())

    def _read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        values, gate = self._inputs(crops)
        with self._mode():
            logits, classes = self._network(values, gate)
        maps = torch.sigmoid(logits.float())[:, 0].cpu().numpy().astype(np.float32)
        scores = usable(classes.float().softmax(dim=-1)[:, 1].cpu().tolist(), self.card)
        return [DetectorReading(score, field) for score, field in zip(scores, maps, strict=True)]

    def _inputs(self, crops: Sequence[FaceCrop]) -> tuple[Tensor, Tensor | None]:
        values = torch.from_numpy(pixels(crops, self.card.input)).to(self.device)
        return values.contiguous(memory_format=torch.channels_last), self._gates(crops)

    def _gates(self, crops: Sequence[FaceCrop]) -> Tensor | None:
        side = self.card.input.size
        if self._parser is not None:
            return torch.from_numpy(self._parser.gates(crops, side)).to(self.device)
        return torch.from_numpy(organ_gates(crops, side)).to(self.device) if self._gated else None

    @contextmanager
    def _mode(self) -> Iterator[None]:
        enabled = self._kind is torch.bfloat16
        with torch.inference_mode(), torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=enabled):
            yield


def build(card: DetectorCard) -> FakeLocator | LiteLocator:
    """The whole network of a card with freshly drawn weights, on torch's current device. Raises: CardInvalid."""
    return LiteLocator(_lite_shape(card)) if "encoder" in card.network else FakeLocator(_shape(card))


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str] = NO_SETTINGS
) -> FakeLocatorDetector:
    """Load a package.

    Raises:
        CardInvalid: the ``network`` table is not a fakelocator's.
        DetectorError: an unknown setting.
        WeightsInvalid: the weights are not the card's, or its gate needs a face parser that is not installed.
    """
    refuse_unknown(card, settings)
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    parser = open_parser(card.id, folder) if card.network.get("gate") == "parsing" else None
    return FakeLocatorDetector(card, network.to(memory_format=torch.channels_last), device, precision, parser)


def _check(card: DetectorCard, entries: set[str]) -> None:
    unknown = sorted(set(card.network) - entries)
    if unknown:
        raise CardInvalid(f"{card.id}: a fakelocator has no network.{unknown[0]}.")
    if card.network.get("gate", "none") not in GATES:
        raise CardInvalid(f"{card.id}: network.gate must be one of {', '.join(GATES)}.")


def _lite_shape(card: DetectorCard) -> LiteShape:
    _check(card, {"encoder", "decoder", "gate", "depth"})
    encoder, decoder, depth = card.network["encoder"], card.network.get("decoder"), card.network.get("depth", 4)
    if encoder not in ENCODERS:
        raise CardInvalid(f"{card.id}: network.encoder must be one of {', '.join(ENCODERS)}.")
    if not isinstance(decoder, int) or not 0 < decoder <= 2048:
        raise CardInvalid(f"{card.id}: network.decoder must be a whole number.")
    if depth not in (2, 3, 4):
        raise CardInvalid(f"{card.id}: network.depth must be 2, 3 or 4.")
    if card.input.size % 32 or card.output.map_size != card.input.size:
        raise CardInvalid(f"{card.id}: input.size must be a multiple of 32 and output.map_size equal to it.")
    return LiteShape(card.input.size, decoder, str(encoder), int(depth))


def _shape(card: DetectorCard) -> LocatorShape:
    _check(card, {"widths", "decoder", "gate"})
    widths, decoder = card.network.get("widths"), card.network.get("decoder")
    good = isinstance(widths, list) and len(widths) == 4 and all(isinstance(w, int) and 0 < w <= 2048 for w in widths)
    if not good or not isinstance(decoder, int) or not 0 < decoder <= 2048:
        raise CardInvalid(f"{card.id}: network.widths must be four whole numbers and network.decoder one.")
    if card.input.size % 16 or card.output.map_size != card.input.size:
        raise CardInvalid(f"{card.id}: input.size must be a multiple of 16 and output.map_size equal to it.")
    four = cast(tuple[int, int, int, int], tuple(cast(list[int], widths)))
    return LocatorShape(card.input.size, four, decoder)
