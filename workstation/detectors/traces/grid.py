"""The 8 x 8 grid that JPEG leaves in the frame: its strength and its place inside a part against those around it.

The grid belongs to the frame, not to the crop, so pixels are sorted by where they were in the frame. Measures of a
pasted part's own grid follow Li, Yuan, Yu, "Passive detection of doctored JPEG image via block artifact grid
extraction" (Signal Processing 89(9), 2009) in their idea only.
"""

from __future__ import annotations

import numpy as np

from workstation.detectors.traces.regions import CELL, Planes, Table
from workstation.detectors.traces.view import View

NAMES = ("strength", "phase_x", "phase_y", "concentration")
_BLOCK = 8


def planes(view: View) -> Planes:
    """(32, n, n): sums of |second difference| by place in the block, and counts, along x and along y."""
    n, side = view.cells, view.grey.shape[0]
    back = view.crop_from_frame.inverse()
    xs, ys = np.arange(side, dtype=np.float32)[None], np.arange(side, dtype=np.float32)[:, None]
    cell = (np.arange(side) // CELL).clip(max=n - 1)
    base = (cell[:, None] * n + cell[None, :]) * _BLOCK
    m = back.matrix.astype(np.float32)
    found = []
    for row, plane in ((m[0], view.across), (m[1], view.down)):
        place = np.floor(row[0] * xs + row[1] * ys + (row[2] + np.float32(0.5))).astype(np.int64) % _BLOCK
        where = (base + place).ravel()
        limited = np.minimum(np.abs(plane), 12).ravel()
        for weights in (limited, None):
            sums = np.bincount(where, weights=weights, minlength=n * n * _BLOCK)
            found.append(sums.reshape(n, n, _BLOCK).transpose(2, 0, 1))
    return np.concatenate(found).astype(np.float32)


def profiles(mean: Table) -> Table:
    """(..., 32) means to (..., 2, 8): how loud each place in the block is, along x and y, in units of their mean."""
    table = mean.reshape(*mean.shape[:-1], 2, 2, _BLOCK)
    loud = (table[..., 0, :] + 0.01) / (table[..., 1, :] + 0.01)
    return np.asarray(loud / loud.mean(axis=-1, keepdims=True) - 1)


def compare(inside: Table, around: Table, whole: Table) -> Table:
    """(parts, 32), (parts, 32), (32,) to (parts, 4): strength at the face's own place of the grid inside less around;
    how unlike the two profiles are along x and y; how much one place of the block stands out inside less around."""
    a, b, w = profiles(inside), profiles(around), profiles(whole)
    best = w.argmax(axis=-1)
    at = [a[:, k, best[k]] - b[:, k, best[k]] for k in (0, 1)]
    unlike = [1 - _likeness(a[:, k], b[:, k]) for k in (0, 1)]
    stands = a.max(axis=-1).sum(axis=-1) - b.max(axis=-1).sum(axis=-1)
    return np.stack([at[0] + at[1], *unlike, stands], axis=-1)


def _likeness(one: Table, two: Table) -> Table:
    product = (one * two).sum(axis=-1)
    return np.asarray(product / (np.sqrt((one**2).sum(axis=-1) * (two**2).sum(axis=-1)) + 1e-4))
