"""Where a face has its organs, as a density over a tower's patches, and how it reaches the tower.

That the density of tokens should vary over the picture is FlexDiT's idea (arXiv 2412.06028), which learns it for a
generator; to keep it where the organs of the face are is our own choice and needs no training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import cv2
import numpy as np
import numpy.typing as npt

from workstation.detectors.merging.schedule import MergePlan
from workstation.domain.faces import FaceCrop
from workstation.faces.organs import ORGANS, organ_regions

Density = npt.NDArray[np.float32]
_SIDE = 128
_CURRENT: ContextVar[Density | None] = ContextVar("merging_density", default=None)


def organ_density(crops: Sequence[FaceCrop], grid: tuple[int, int]) -> Density:
    """How much of each patch belongs to an eye, the nose or the mouth.

    Args:
        grid: rows and columns of the patches over the whole crop.

    Returns:
        (N, rows * columns) float32 in 0..1, row by row as towers number their patches.

    Raises:
        LandmarksUnusable: a crop's landmarks are not finite numbers.
    """
    rows, columns = grid
    found = np.zeros((len(crops), rows * columns), np.float32)
    for number, crop in enumerate(crops):
        regions = organ_regions(crop.landmarks, crop.size, _SIDE)
        whole = np.maximum.reduce([regions[name] for name in ORGANS])
        found[number] = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA).reshape(-1)
    return found


@contextmanager
def guided(density: Density | None) -> Iterator[None]:
    """Hand the density of a batch, (N, patches), to every merging tower that is called inside, on this thread only."""
    token = _CURRENT.set(density)
    try:
        yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def guided_by(plan: MergePlan, crops: Sequence[FaceCrop]) -> Iterator[None]:
    """:func:`guided` with the organs of these crops where the plan asks for them; otherwise nothing is measured."""
    with guided(organ_density(crops, plan.grid) if plan.by_organs else None):
        yield


def current() -> Density | None:
    """What :func:`guided` handed over on this thread."""
    return _CURRENT.get()
