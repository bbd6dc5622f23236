"""Training of a clip_ln detector (arXiv 2503.19683): cross-entropy, alignment and uniformity on unit features.

With a pre-trained tower only LayerNorms and the head are trained (``tune="ln"``). The embedded small tower starts from
nothing, so all of it is trained (``tune="all"``) and its patch tokens are taught the map of the pair beside it: without
that a transformer of this size learns nothing in an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, cast

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.detectors.clip_ln.network import IMAGE_MEAN, IMAGE_STD, ClipLn, build, set_ln_tuning
from workstation.detectors.clip_ln.starting import start_from
from workstation.training.batches import Batch, Batches
from workstation.training.loop import Outcome, Recipe, train
from workstation.training.losses import alignment, interpolated, uniformity
from workstation.training.pool import Pool, load

SMALL_VISION = {
    "image_size": 160,
    "patch_size": 16,
    "width": 160,
    "layers": 4,
    "head_width": 40,
    "mlp_ratio": 3.0,
    "quick_gelu": True,
}


def whiten_patches(detector: ClipLn, pool: Pool, patches: int = 40_000, seed: int = 0) -> None:
    """Start the patch embedding as the whitened principal components of training patches.

    A random start lets brightness drown the fine texture that forgeries disturb; a transformer of this size does not
    get past that in an hour. Only for towers trained from nothing.
    """
    weight = cast(nn.Conv2d, detector.tower.conv1).weight
    size, width = weight.shape[-1], weight.shape[0]
    random = np.random.default_rng(seed)
    side = detector.side
    rows: list[npt.NDArray[np.float32]] = []
    mean, std = (np.array(v, np.float32) for v in (IMAGE_MEAN, IMAGE_STD))
    while len(rows) < patches:
        rgb = pool.genuine[int(random.integers(len(pool.genuine)))]
        small = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        normal = (small - mean) / std
        for _ in range(20):
            y, x = random.integers(side - size, size=2)
            rows.append(normal[y : y + size, x : x + size].transpose(2, 0, 1).reshape(-1))
    seen = np.stack(rows)
    values, vectors = np.linalg.eigh(np.cov(seen.T))
    order = np.argsort(values)[::-1][:width]
    basis = vectors[:, order] / np.sqrt(values[order] + 1e-4)
    start = torch.from_numpy(np.ascontiguousarray(basis.T, dtype=np.float32))
    with torch.no_grad():
        # A tower wider than a patch has numbers keeps its random start in the rest.
        weight[: len(start)] = start.reshape(-1, *weight.shape[1:])


class WithTeacher(nn.Module):
    """The detector with a linear layer that reads a map off its patch tokens; that layer is thrown away afterwards."""

    def __init__(self, detector: ClipLn) -> None:
        super().__init__()
        self.detector = detector
        self.read = nn.Linear(detector.width, 1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Unit features (N, width), class logits (N, 2), patch logits (N, patches)."""
        tokens = self.detector.tokens(pixels)
        features = nnf.normalize(tokens[:, 0].float(), dim=-1)
        return features, self.detector.head(features), self.read(tokens[:, 1:])[..., 0]


def make_loss(align: float, uniform: float, dense: float, interpolate: bool) -> Callable[[nn.Module, Batch], Tensor]:
    """Cross-entropy + ``align`` * alignment + ``uniform`` * uniformity + ``dense`` * cross-entropy of the patch map.

    ``interpolate`` adds, beside every feature, a slerp with another of its class (section 3.4 of the paper).
    """

    def loss(network: nn.Module, batch: Batch) -> Tensor:
        device = next(network.parameters()).device
        labels = batch.labels.to(device)
        features, logits, patches = network(batch.pixels.to(device))
        value = nnf.cross_entropy(logits.float(), labels)
        value = value + align * alignment(features, labels) + uniform * uniformity(features)
        if interpolate:
            mixed, names = interpolated(features, labels, "replace")
            head = cast(WithTeacher, network).detector.head
            value = value + nnf.cross_entropy(head(mixed).float(), names)
        if dense:
            side = round(patches.shape[1] ** 0.5)
            target = nnf.adaptive_avg_pool2d(batch.maps.to(device), side).flatten(1)
            value = value + dense * nnf.binary_cross_entropy_with_logits(patches.float(), target)
        return value

    return loss


def scores(network: nn.Module, pixels: Tensor) -> Tensor:
    """Softmax of class "manipulated"."""
    classes: Tensor = network(pixels)[1]
    return classes.float().softmax(dim=-1)[:, 1]


def train_clip(
    pool: Path,
    keep: Path,
    recipe: Recipe,
    *,
    network: Mapping[str, object] | None = None,
    tower: Path | None = None,
    tune: Literal["all", "ln"] = "all",
    dense: float = 3.0,
    tell: Callable[[str], None] = print,
) -> Outcome:
    """Train on the pool in ``pool`` and keep the best weights (with the teacher's layer) in ``keep``.

    ``tower`` is a published CLIP file to start from, in place of a freshly drawn ``network``.
    """
    torch.manual_seed(recipe.seed)
    detector = start_from(tower) if tower else build(network or {"vision": SMALL_VISION})
    people = load(pool, "train")
    if tune == "ln":
        set_ln_tuning(detector)
    elif tower is None:
        whiten_patches(detector, people, seed=recipe.seed)
    drawn = Batches(people, detector.side, IMAGE_MEAN, IMAGE_STD, strength=0.7, apart=0.6)
    held = Batches(load(pool, "held"), detector.side, IMAGE_MEAN, IMAGE_STD, strength=0.6, apart=0.5)
    loss = make_loss(0.1, 0.05, dense, interpolate=True)
    pairs = drawn.endless(recipe.pairs, recipe.seed)
    return train(WithTeacher(detector), pairs, lambda: held.fixed(64, 1), loss, scores, recipe, keep, tell)
