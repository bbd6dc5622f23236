"""Running a MFCLIP package: a score for every face, and for a track how near it is to each description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from workstation.detectors.mfclip.network import Mfclip
from workstation.detectors.mfclip.prompts import phrases
from workstation.detectors.mfclip.shapes import shapes_of
from workstation.detectors.preprocess import pixels
from workstation.detectors.runtime import batched, usable
from workstation.detectors.settings import NO_SETTINGS, refuse_unknown
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, DetectorReading, Measure, SequenceReading, TrackContext
from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop

NOTE = "The closeness to descriptions is exploratory; it was not validated and supports no statement."
_BATCH = 8
_NOTHING = (None, None, None)


class MfclipDetector:
    """Score: softmax of class "manipulated". Of a track: closeness to every description, exploratory, no score."""

    def __init__(self, card: DetectorCard, network: Mfclip, device: str, precision: str) -> None:
        self.card = card
        self.device = device
        self.precision = precision
        self._batch = _BATCH
        self._reduced = precision == "bfloat16"
        self._phrases = phrases(shapes_of(card)[1].levels)
        self._taught = network.descriptions.any(dim=1).tolist()
        self.network = network.to(device).eval()

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Score crops in order. Raises: DeviceFault, InputError."""
        return batched(self._scores, crops, self._batch, on_shrink=self._shrink)

    def read_track(self, crops: Sequence[FaceCrop], context: TrackContext) -> SequenceReading:
        """Closeness of the language feature that the crops call for to each description, as measures alone.

        Each is a correlation in -1..1: the mean over the crops, with the 5 % and 95 % points among them.

        Raises:
            DeviceFault, InputError: also when there is no crop.
        """
        if not crops:
            raise InputError("A track without a face cannot be read.", "Choose a track with faces.")
        rows = np.array(batched(self._closeness, crops, self._batch, on_shrink=self._shrink))
        low, high = np.quantile(rows, (0.05, 0.95), axis=0)
        spread = f"mean and 5 % to 95 % of {len(crops)} faces; -1 to 1; exploratory, not validated"
        measures = []
        for n, (phrase, taught) in enumerate(zip(self._phrases, self._taught, strict=True)):
            label = f"closeness to the description “{phrase.words}” (level {phrase.level})"
            value, least, most = (float(rows[:, n].mean()), float(low[n]), float(high[n])) if taught else _NOTHING
            about = spread if taught else "the training data had no face of this kind"
            measures.append(Measure(phrase.name, label, value, least, most, about, exploratory=True))
        return SequenceReading(None, tuple(measures), NOTE)

    def _shrink(self, size: int) -> None:
        self._batch = size

    def _scores(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        logits, _ = self._run(crops)
        return [DetectorReading(score) for score in usable(logits.softmax(dim=-1)[:, 1].cpu().tolist(), self.card)]

    def _closeness(self, crops: Sequence[FaceCrop]) -> list[list[float]]:
        _, predicted = self._run(crops)
        found = self.network.closeness(predicted).cpu().tolist()
        return [usable(row, self.card) for row in found]

    def _run(self, crops: Sequence[FaceCrop]) -> tuple[torch.Tensor, torch.Tensor]:
        values = torch.from_numpy(pixels(crops, self.card.input)).to(self.device)
        kind = torch.device(self.device).type
        with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=self._reduced):
            output = self.network(values)
        return output.logits.float(), output.predicted.float()


def build(card: DetectorCard) -> Mfclip:
    """The network of a card with freshly drawn weights, on torch's current default device. Raises: CardInvalid."""
    return Mfclip(*shapes_of(card))


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str] = NO_SETTINGS
) -> MfclipDetector:
    """Load a package. Raises: CardInvalid, DetectorError for an unknown setting, WeightsInvalid."""
    refuse_unknown(card, settings)
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    return MfclipDetector(card, network, device, precision)
