"""Running an ADDNet-3D package (family ``addnet3d``): one score for a whole track, none for a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from workstation.detectors.addnet.mask import organ_masks
from workstation.detectors.addnet.network import AddNet3d
from workstation.detectors.addnet.shapes import sequence_shape
from workstation.detectors.preprocess import pixels
from workstation.detectors.runtime import batched, usable
from workstation.detectors.settings import refuse_unknown
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import DetectorCard, DetectorReading, SequenceReading, TrackContext
from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop


class AddNet3dDetector:
    """Score of a track: softmax of class "manipulated" over all its crops at once, in order of time.

    The network was laid out for labels of sequences; what it would say of a single frame is not defined.
    """

    def __init__(self, card: DetectorCard, network: AddNet3d, device: str, precision: str) -> None:
        self.card = card
        self.device = device
        self.precision = precision
        self._kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self._network = network.to(device).eval()

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Raises: InputError, always."""
        raise InputError(f"{self.card.id} reads whole tracks, not single frames.", "Examine a video with it.")

    def read_track(self, crops: Sequence[FaceCrop], context: TrackContext) -> SequenceReading:
        """Score one track from ``output.least`` to ``output.sequence`` crops; none is repeated or left out.

        Raises:
            DeviceFault, LandmarksUnusable.
            InputError: too few or too many crops, or not one time for each.
        """
        least, most = self.card.output.least, self.card.output.sequence
        if not least <= len(crops) <= most:
            raise InputError(f"{self.card.id} reads {least} to {most} crops of a track, not {len(crops)}.")
        if len(context.seconds) != len(crops):
            raise InputError(f"{len(crops)} crops of a track came with {len(context.seconds)} times.")
        (score,) = batched(self._read, [crops], 1)
        note = "" if len(crops) == most else f"Read from {len(crops)} frames; the detector is laid out for {most}."
        return SequenceReading(score, note=note)

    def _read(self, tracks: Sequence[Sequence[FaceCrop]]) -> list[float]:
        (crops,) = tracks
        values = torch.from_numpy(pixels(crops, self.card.input))[None].to(self.device)
        mask = torch.from_numpy(organ_masks(crops, self.card.input.size))[None].to(self.device)
        enabled = self._kind is torch.bfloat16
        with torch.inference_mode(), torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=enabled):
            logits = self._network(values, mask)
        return usable(logits.float().softmax(dim=-1)[:, 1].cpu().tolist(), self.card)


def build(card: DetectorCard) -> AddNet3d:
    """The whole network of a card with freshly drawn weights, on torch's current device. Raises: CardInvalid."""
    return AddNet3d(sequence_shape(card))


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str]
) -> AddNet3dDetector:
    """Load a package. Raises: CardInvalid, DetectorError for an unknown setting, WeightsInvalid."""
    refuse_unknown(card, settings)
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    return AddNet3dDetector(card, network, device, precision)
