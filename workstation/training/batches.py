"""Batches of pairs: a genuine crop and one of its forgeries under the same post-processing, genuine half first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from workstation.training import degrade
from workstation.training.pool import Pool


@dataclass(frozen=True, slots=True)
class Batch:
    """``pixels`` (2n, 3, side, side) float32 normalised; ``labels`` (2n,) 0 genuine, 1 manipulated; ``maps``
    (2n, 1, 64, 64) float32 in 0..1, zero for genuine; ``kinds`` (n,) of the forgeries."""

    pixels: Tensor
    labels: Tensor
    maps: Tensor
    kinds: npt.NDArray[np.int64]


class Batches:
    """Draws batches from a pool.

    Args:
        side: input side of the network in pixels.
        mean, std: normalisation of values 0..1.
        strength: of the post-processing, 0..1.
        apart: spread of the sharpness drawn apart for the two pictures of a pair, in pixels of blur.
        genuine_only: degrade genuine pictures alone and leave forgeries as they were made, but for the mirroring. This
            is FakeLocator's "partial data augmentation" (arXiv 2001.09598) and here for reproducing it alone: it makes
            degradation itself the sign of "genuine", a shortcut that a network takes before any other. What is trained
            so calls a recompressed forgery genuine; do not ship it.
    """

    def __init__(
        self,
        pool: Pool,
        side: int,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        strength: float = 1.0,
        apart: float = 1.0,
        genuine_only: bool = False,
    ) -> None:
        self._pool = pool
        self._side = side
        self._mean = np.array(mean, np.float32)[:, None, None]
        self._std = np.array(std, np.float32)[:, None, None]
        self._strength = strength
        self._apart = apart
        self._genuine_only = genuine_only

    def endless(self, pairs: int, seed: int) -> Iterator[Batch]:
        """Random batches of ``pairs`` pairs, without end."""
        random = np.random.default_rng(seed)
        while True:
            yield self.make(random.integers(len(self._pool.of), size=pairs), random)

    def fixed(self, pairs: int, seed: int) -> Iterator[Batch]:
        """Every forgery of the pool once, with the same draws each time."""
        random = np.random.default_rng(seed)
        for start in range(0, len(self._pool.of), pairs):
            yield self.make(np.arange(start, min(start + pairs, len(self._pool.of))), random)

    def make(self, rows: npt.NDArray[np.int64], random: np.random.Generator) -> Batch:
        genuine: list[npt.NDArray[np.float32]] = []
        forged: list[npt.NDArray[np.float32]] = []
        maps: list[npt.NDArray[np.float32]] = []
        for row in rows:
            how = degrade.draw(random, self._strength)
            for bare, into, spared in (
                (self._pool.genuine[self._pool.of[row]], genuine, False),
                (self._pool.forged[row], forged, self._genuine_only),
            ):
                # Drawn in any case, so that the pictures of the next pair do not depend on the option.
                softness = float(random.normal(0.15, 0.6)) * self._apart if random.random() < 0.5 else 0.0
                done = degrade.apply(bare, degrade.mirroring(how)) if spared else degrade.apply(bare, how, softness)
                into.append(self._pixels(done))
            maps.append(degrade.apply_to_mask(self._pool.maps[row].astype(np.float32) / 255, how))
        count = len(rows)
        labels = torch.cat([torch.zeros(count, dtype=torch.long), torch.ones(count, dtype=torch.long)])
        targets = np.concatenate([np.zeros_like(np.stack(maps)), np.stack(maps)])[:, None]
        pixels = torch.from_numpy(np.stack(genuine + forged))
        return Batch(pixels, labels, torch.from_numpy(targets), self._pool.kind[rows])

    def _pixels(self, rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        small = cv2.resize(rgb, (self._side, self._side), interpolation=cv2.INTER_AREA)
        return np.asarray((small.transpose(2, 0, 1).astype(np.float32) / 255 - self._mean) / self._std, np.float32)
