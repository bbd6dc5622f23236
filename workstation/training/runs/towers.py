"""Trainees on vision transformers: LN-tuned CLIP and GenD, Effort's split attention, the boundary adapter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.detectors.adapter.losses import boundary_of, inter, intra
from workstation.detectors.adapter.network import AdapterAnswer, AdapterNetwork
from workstation.detectors.clip_ln.head import LINEAR, unit
from workstation.detectors.clip_ln.network import ClipLn
from workstation.detectors.effort.losses import energy_drift, orthogonality
from workstation.detectors.effort.split import split_layers
from workstation.detectors.timm_vit.network import TimmVit
from workstation.domain.detectors import InputSpec
from workstation.domain.errors import InputError
from workstation.training.batches import Batch, Material
from workstation.training.losses import alignment, interpolated, uniformity
from workstation.training.runs.config import LatentPart
from workstation.training.runs.trainee import Trainee, manipulated

# More patches of one picture say little that is new.
_PATCHES, _PER_CROP = 40_000, 200


class UnitTrainee(Trainee):
    """Cross-entropy, alignment and uniformity on unit features (arXiv 2503.19683, section 3.3; arXiv 2508.06248).

    The loss "map" teaches the patch tokens of a clip_ln the map of the pair, through a linear layer that is thrown away
    afterwards; without it a small tower that starts from nothing learns nothing in an hour. It is ours.
    """

    network: ClipLn | TimmVit

    def __init__(self, network: ClipLn | TimmVit, weights: Mapping[str, float], latent: LatentPart) -> None:
        super().__init__(network, weights)
        self.latent = latent
        if latent.way != "none" and network.head.kind == LINEAR:
            raise InputError("Latent augmentation is defined on features of length one.", 'Set head to "linear_norm".')
        self.read = nn.Linear(network.width, 1) if weights.get("map") and isinstance(network, ClipLn) else None

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        labels, patches = batch.labels, None
        if self.read is not None:
            tokens = cast(ClipLn, self.network).tokens(batch.pixels)
            pooled, patches = tokens[:, 0].float(), self.read(tokens[:, 1:])[..., 0]
        else:
            pooled = self.network.pooled(batch.pixels)
        features = unit(pooled)
        way = self.latent.way
        if way in ("replace", "expand"):
            features, labels = interpolated(features, labels, way, times=self.latent.times)
            pooled = features
        found = {"class": nnf.cross_entropy(self.network.head(pooled).float(), labels)}
        if way == "beside":
            mixed, names = interpolated(features, labels, "replace")
            found["class"] = found["class"] + nnf.cross_entropy(self.network.head(mixed).float(), names)
        if self.weights["alignment"]:
            found["alignment"] = alignment(features, labels)
        if self.weights["uniformity"]:
            found["uniformity"] = uniformity(features)
        if patches is not None:
            target = nnf.adaptive_avg_pool2d(batch.maps, round(patches.shape[1] ** 0.5)).flatten(1)
            found["map"] = nnf.binary_cross_entropy_with_logits(patches.float(), target)
        return found

    def scores(self, batch: Batch) -> Tensor:
        return manipulated(self.network(batch.pixels))


class EffortTrainee(Trainee):
    """Cross-entropy and the two constraints on what is trained of a split layer (Effort, ICML 2025)."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        layers = split_layers(self.network)
        found = {"class": nnf.cross_entropy(self.network(batch.pixels).float(), batch.labels)}
        if self.weights["orthogonal"]:
            found["orthogonal"] = torch.stack([orthogonality(layer) for layer in layers]).mean()
        if self.weights["energy"]:
            found["energy"] = torch.stack([energy_drift(layer) for layer in layers]).mean()
        return found

    def scores(self, batch: Batch) -> Tensor:
        return manipulated(self.network(batch.pixels))


class AdapterTrainee(Trainee):
    """Cross-entropy and four losses on the boundary of the blend (after Forensics-Adapter, CVPR 2025)."""

    network: AdapterNetwork

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        answer: AdapterAnswer = self.network(batch.pixels)
        side = self.network.map_size
        with torch.autocast(batch.pixels.device.type, enabled=False):
            mask = nnf.interpolate(batch.masks, (side, side), mode="bilinear", align_corners=False)
            boundary = boundary_of(mask)
            drawn = torch.sigmoid(answer.boundary.float())
            patches = answer.patches.float()
            return {
                "class": nnf.cross_entropy(answer.logits.float(), batch.labels),
                "absolute": nnf.l1_loss(drawn, boundary),
                "squared": nnf.mse_loss(drawn, boundary),
                "intra": intra(patches, boundary),
                "inter": inter(patches, batch.labels),
            }

    def scores(self, batch: Batch) -> Tensor:
        return manipulated(self.network(batch.pixels).logits)


def whiten_patches(
    detector: ClipLn, material: Material, spec: InputSpec, patches: int = _PATCHES, seed: int = 0
) -> None:
    """Start the patch embedding as the whitened principal components of training patches.

    A random start lets brightness drown the fine texture that forgeries disturb; a transformer of this size does not
    get past that in an hour. Only for towers trained from nothing.
    """
    weight = cast(nn.Conv2d, detector.tower.conv1).weight
    size, width = weight.shape[-1], weight.shape[0]
    random = np.random.default_rng(seed)
    side = detector.side
    rows: list[npt.NDArray[np.float32]] = []
    mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
    while len(rows) < min(patches, _PER_CROP * len(material.genuine)):
        rgb = material.genuine[int(random.integers(len(material.genuine)))]
        small = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        normal = (small - mean) / std
        for _ in range(20):
            y, x = random.integers(side - size, size=2)
            rows.append(normal[y : y + size, x : x + size].transpose(2, 0, 1).reshape(-1))
    values, vectors = np.linalg.eigh(np.cov(np.stack(rows).T))
    order = np.argsort(values)[::-1][:width]
    basis = vectors[:, order] / np.sqrt(values[order] + 1e-4)
    start = torch.from_numpy(np.ascontiguousarray(basis.T, dtype=np.float32))
    with torch.no_grad():
        # A tower wider than a patch has numbers keeps its random start in the rest.
        weight[: len(start)] = start.reshape(-1, *weight.shape[1:])
