"""Where a clip cuts from one shot to the next: estimated from how much the picture changes, for finding one's way.

A frame begins a shot where its small picture differs from the one before by far more than its neighbours do. It is an
aid of the window: no detector and no report uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workstation.domain.media import FrameIndex, RgbArray

_SIDE = 8
_LEAST = 0.10
"""Mean difference 0..1 of the small pictures below which nothing is a cut."""
_TIMES = 4.0
_AROUND = 12

Signature = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shots:
    """``seconds``: at which each shot begins, the first with the first frame; ``end`` of the last. Where they are not
    ``known`` there are none, and ``note`` says why in a few words."""

    known: bool
    ordinals: tuple[int, ...] = ()
    seconds: tuple[float, ...] = ()
    end: float = 0.0
    note: str = ""


def signature(rgb: RgbArray) -> Signature:
    """A picture (height, width, 3) as 8 by 8 samples of its colours, (8, 8, 3) uint8."""
    height, width = rgb.shape[:2]
    rows = (np.arange(8 * _SIDE) * height) // (8 * _SIDE)
    columns = (np.arange(8 * _SIDE) * width) // (8 * _SIDE)
    few = rgb[rows][:, columns].reshape(_SIDE, 8, _SIDE, 8, 3)
    small: Signature = few.mean(axis=(1, 3)).astype(np.uint8)
    return small


def found(signatures: Sequence[Signature], index: FrameIndex) -> Shots:
    """The shots of a clip from the signatures of all its frames, in order."""
    stack = np.stack(signatures).astype(np.int16)
    changes = np.zeros(len(stack))
    changes[1:] = np.abs(np.diff(stack, axis=0)).mean(axis=(1, 2, 3)) / 255
    begins = cuts(changes)
    first, last = index.seconds(0), index.seconds(len(index) - 1)
    end = last + (last - first) / max(1, len(index) - 1)
    return Shots(True, begins, tuple(index.seconds(ordinal) for ordinal in begins), end)


def cuts(changes: npt.NDArray[np.floating]) -> tuple[int, ...]:
    """Ordinals at which a shot begins, the first frame among them.

    Args:
        changes: (frames,) the change from the frame before, 0..1; that of the first frame counts for nothing.
    """
    values = np.asarray(changes, dtype=np.float64)
    found = [0] if len(values) else []
    for at in np.flatnonzero(values >= _LEAST).tolist():
        if at == 0:
            continue
        around = np.r_[values[max(1, at - _AROUND) : at], values[at + 1 : at + 1 + _AROUND]]
        usual = float(np.median(around)) if len(around) else 0.0
        if values[at] >= _TIMES * max(usual, 0.01) and values[at] >= around.max(initial=0.0) * 0.999:
            found.append(at)
    return tuple(found)
