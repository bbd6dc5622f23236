"""Training of the embedded FakeLocator: L1 on the map, cross-entropy on the class (arXiv 2001.09598, section 3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from workstation.detectors.fakelocator.network import FakeLocator, LocatorShape
from workstation.training.batches import Batch, Batches
from workstation.training.loop import Outcome, Recipe, train
from workstation.training.losses import map_loss
from workstation.training.pool import load

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Map loss times four plus cross-entropy."""
    device = next(network.parameters()).device
    pixels = batch.pixels.to(device).contiguous(memory_format=torch.channels_last)
    logits, classes = network(pixels)
    target = nnf.interpolate(batch.maps.to(device), size=logits.shape[-2:], mode="bilinear", align_corners=False)
    value: Tensor = 4 * map_loss(logits.float(), target) + nnf.cross_entropy(classes.float(), batch.labels.to(device))
    return value


def scores(network: nn.Module, pixels: Tensor) -> Tensor:
    """Softmax of class "manipulated"."""
    classes: Tensor = network(pixels.contiguous(memory_format=torch.channels_last))[1]
    return classes.float().softmax(dim=-1)[:, 1]


def train_locator(
    pool: Path,
    keep: Path,
    recipe: Recipe,
    shape: LocatorShape | None = None,
    tell: Callable[[str], None] = print,
    *,
    genuine_only: bool = False,
) -> Outcome:
    """Train on the pool in ``pool`` and keep the best weights in ``keep``.

    ``genuine_only`` is the paper's partial augmentation, for reproducing it alone; see `Batches`.
    """
    torch.manual_seed(recipe.seed)
    shape = shape or LocatorShape()
    network = FakeLocator(shape).to(memory_format=torch.channels_last)
    stream = Batches(load(pool, "train"), shape.side, MEAN, STD, genuine_only=genuine_only)
    drawn = stream.endless(recipe.pairs, recipe.seed)
    held = Batches(load(pool, "held"), shape.side, MEAN, STD, strength=0.6, apart=0.5)
    return train(network, drawn, lambda: held.fixed(64, 1), loss, scores, recipe, keep, tell)
