"""Steps across the edge of a part: where something was pasted or blended, noise, detail and slope change over a short
way. The edge of a forgery is not known, so six rings over the part's own edge are held against their neighbours."""

from __future__ import annotations

import cv2
import numpy as np

from workstation.detectors.traces.regions import Planes, Table, means
from workstation.detectors.traces.view import View, stacked

NAMES = ("noise_step", "slope_step", "chroma_step", "noise_bend", "slope_bend", "outward", "outward_most")
_FLOOR = 0.05


def compare(view: View, noise: Planes, sharp: Planes, colour: Planes) -> Table:
    """Cell planes of the other features to (parts, 7). A ring outside the frame is passed over; NaN where all are."""
    parts = view.parts
    x, y = _slopes(view)
    flat = stacked(x * x + y * y)[0]
    rings = means(parts.rings, np.stack([noise[3] + noise[4], sharp[5], colour[5] + colour[6], flat]))
    logs = np.log(rings + _FLOOR)
    step, bend = np.abs(np.diff(logs, axis=1)), np.abs(np.diff(logs, n=2, axis=1))
    cells = stacked(x, y)
    along = np.einsum("pdij,dij->pij", parts.outward, cells) ** 2
    share = np.stack(
        [
            means(parts.rings[number], along[number][None])[:, 0]
            / (means(parts.rings[number], (cells**2).sum(axis=0)[None])[:, 0] + _FLOOR)
            for number in range(len(along))
        ]
    )
    found = (
        _most(step[..., 0]),
        _most(step[..., 1]),
        _most(step[..., 2]),
        _most(bend[..., 0]),
        _most(bend[..., 1]),
        _mean(share),
        _most(share),
    )
    return np.stack(found, axis=-1)


def _slopes(view: View) -> tuple[Planes, Planes]:
    soft = cv2.GaussianBlur(view.grey, (0, 0), 1.0)
    return (
        np.asarray(cv2.Sobel(soft, cv2.CV_32F, 1, 0) / 8, np.float32),
        np.asarray(cv2.Sobel(soft, cv2.CV_32F, 0, 1) / 8, np.float32),
    )


def _most(table: Table) -> Table:
    whole = np.atleast_1d(np.isfinite(table).any(axis=1))
    return np.where(whole, np.nanmax(np.where(whole[:, None], table, 0.0), axis=1), np.nan)


def _mean(table: Table) -> Table:
    whole = np.atleast_1d(np.isfinite(table).any(axis=1))
    return np.where(whole, np.nanmean(np.where(whole[:, None], table, 0.0), axis=1), np.nan)
