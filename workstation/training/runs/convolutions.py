"""Trainees on convolutions: FakeLocator, ADDNet in its two forms, MesoNet; and MFCLIP with its language side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as nnf
from torch import Tensor

from workstation.detectors.addnet.mask import organ_mask
from workstation.detectors.fakelocator.gate import organ_gates
from workstation.detectors.fakelocator.lite import LiteLocator
from workstation.detectors.fakelocator.network import FakeLocator
from workstation.detectors.mesonet.network import MesoNet
from workstation.detectors.mfclip.labels import ForgeryLabel, genuine
from workstation.detectors.mfclip.training import MfclipTrainer
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point
from workstation.training.batches import CROP_SIDE, Batch
from workstation.training.runs.trainee import Trainee, manipulated, marks_in_pixels


class LocatorTrainee(Trainee):
    """L1 on the map and cross-entropy on the class (arXiv 2001.09598, section 3).

    "map_entropy" is the cross-entropy of the map, ours: L1 alone settles on an empty map when targets are sparse.
    "mask_entropy", ours too, wants of the map where a picture was changed in place of how much: a careful hand changes
    a grey level or two, which as a difference is next to nothing.
    """

    network: FakeLocator | LiteLocator

    def __init__(
        self, network: FakeLocator | LiteLocator, weights: Mapping[str, float], *, gated: bool = False
    ) -> None:
        super().__init__(network.to(memory_format=torch.channels_last), weights)
        self._gated = gated

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        logits, classes = self._both(batch)
        target, mask = (
            nnf.interpolate(part, size=logits.shape[-2:], mode="bilinear", align_corners=False)
            for part in (batch.maps, batch.masks)
        )
        return {
            "class": nnf.cross_entropy(classes.float(), batch.labels),
            "map": nnf.l1_loss(torch.sigmoid(logits.float()), target),
            "map_entropy": nnf.binary_cross_entropy_with_logits(logits.float(), target),
            "mask_entropy": nnf.binary_cross_entropy_with_logits(logits.float(), mask),
        }

    def scores(self, batch: Batch) -> Tensor:
        return manipulated(self._both(batch)[1])

    def _both(self, batch: Batch) -> tuple[Tensor, Tensor]:
        pixels = batch.pixels.contiguous(memory_format=torch.channels_last)
        gate = None
        if self._gated:
            gate = torch.from_numpy(organ_gates(_crops(batch), self.network.shape.side)).to(pixels.device)
        found: tuple[Tensor, Tensor] = self.network(pixels, gate)
        return found


class AddNetTrainee(Trainee):
    """Cross-entropy on the class of a picture, or of a sequence (Zi et al., ACM MM 2020)."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        return {"class": nnf.cross_entropy(self._logits(batch).float(), batch.labels)}

    def scores(self, batch: Batch) -> Tensor:
        return manipulated(self._logits(batch))

    def _logits(self, batch: Batch) -> Tensor:
        side = batch.pixels.shape[-1]
        masks = np.stack([organ_mask(_points(marks), CROP_SIDE, side) for marks in marks_in_pixels(batch)])[:, None]
        mask = torch.from_numpy(masks).reshape(*batch.pixels.shape[:-3], 1, side, side).to(batch.pixels.device)
        found: Tensor = self.network(batch.pixels, mask)
        return found


class MesoTrainee(Trainee):
    """Cross-entropy on the one output, which is trained towards 1 for genuine as in the publication (arXiv 1809.00888).

    That it is cross-entropy is our choice.
    """

    network: MesoNet

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        genuine_score = self.network(batch.pixels)
        with torch.autocast(batch.pixels.device.type, enabled=False):
            wanted = 1 - batch.labels.float()
            return {"class": nnf.binary_cross_entropy(genuine_score.float().clamp(1e-6, 1 - 1e-6), wanted)}

    def scores(self, batch: Batch) -> Tensor:
        found: Tensor = 1 - self.network(batch.pixels).float()
        return found


class MfclipTrainee(Trainee):
    """Cross-entropy, contrastive loss with pair attention, and divergence (arXiv 2409.09724).

    ``taught`` are the labels of the training data; no more can be said of a face than they say.
    """

    def __init__(self, trainer: MfclipTrainer, weights: Mapping[str, float], taught: Sequence[ForgeryLabel]) -> None:
        super().__init__(trainer.network, weights)
        self.trainer = trainer
        self._taught = (genuine(), *taught)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        found = self.trainer(batch.pixels, batch.words)
        return {"class": found.classification, "contrastive": found.contrastive, "language": found.language}

    def scores(self, batch: Batch) -> Tensor:
        return manipulated(self.network(batch.pixels).logits)

    def tensors(self) -> dict[str, Tensor]:
        return self.trainer.package_tensors(self._taught)


def _points(marks: Tensor) -> tuple[Point, Point, Point, Point, Point]:
    a, b, c, d, e = (Point(float(x), float(y)) for x, y in marks)
    return a, b, c, d, e


def _crops(batch: Batch) -> list[FaceCrop]:
    """Crops that have landmarks and no picture: regions are drawn from the points alone."""
    bare = np.zeros((CROP_SIDE, CROP_SIDE, 3), np.uint8)
    return [FaceCrop(bare, Affine(1, 0, 0, 0, 1, 0), _points(marks)) for marks in marks_in_pixels(batch)]
