"""Peaks and bands of the residual's spectrum: enlarging, demosaicing and the up-sampling layers of generators leave
periods (Popescu and Farid, "Exposing digital forgeries by detecting traces of resampling", IEEE TSP 53(2), 2005; Zhang,
Karaman, Chang, "Detecting and simulating artifacts in GAN fake images", WIFS 2019)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workstation.detectors.traces.regions import Table
from workstation.detectors.traces.view import Plane, View

NAMES = ("peak", "flatness", "high_band", "period")
WHOLE_NAMES = ("peak", "flatness", "outer_band", "corner_band", "period", "bend")
WINDOW = 64
_WHOLE = 256


def windows(view: View, centres: Table) -> Table:
    """(k, 4) of square windows around ``centres`` (k, 2) in crop pixels; pushed inwards where they would stand out."""
    side = view.grey.shape[0]
    found = []
    for x, y in centres:
        left, top = (int(np.clip(v - WINDOW / 2, 0, side - WINDOW)) for v in (x, y))
        part = (slice(top, top + WINDOW), slice(left, left + WINDOW))
        found.append(_described(view.across[part] + view.down[part], view.fine[part]))
    return np.array(found)


def whole(view: View) -> Table:
    """(6,) of the middle of the crop."""
    start = max(0, (view.grey.shape[0] - _WHOLE) // 2)
    part = (slice(start, start + _WHOLE), slice(start, start + _WHOLE))
    laplacian = view.across[part] + view.down[part]
    peak, flat, _, period = _described(laplacian, view.fine[part])
    power, radius, corner = _power(laplacian)
    logs = [float(np.log(power[(radius >= a) & (radius < a + 0.1)].mean() + 1e-6)) for a in (0.1, 0.2, 0.3, 0.4)]
    outer = logs[3] - logs[2]
    diagonal = float(np.log(power[corner].mean() + 1e-6)) - logs[3]
    return np.array([peak, flat, outer, diagonal, period, (logs[3] - logs[2]) - (logs[2] - logs[1])])


def _power(plane: Plane) -> tuple[Table, Table, npt.NDArray[np.bool_]]:
    side = plane.shape[0]
    taper = np.hanning(side).astype(np.float32)
    power = np.abs(np.fft.rfft2(plane * taper[:, None] * taper[None])) ** 2 / side**2
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    radius = np.hypot(fx, fy)
    return np.asarray(power, np.float64), radius, (radius >= 0.5) & (np.abs(fx) > 0.3) & (np.abs(fy) > 0.3)


def _described(laplacian: Plane, fine: Plane) -> tuple[float, float, float, float]:
    power, radius, _ = _power(laplacian)
    upper = np.log(power[radius > 0.2] + 1e-4)
    middle = power[(radius > 0.1) & (radius < 0.25)].mean()
    high = float(np.log((power[radius > 0.35].mean() + 1e-4) / (middle + 1e-4)))
    # Resampling makes the noise's strength itself periodic.
    strength = np.minimum(np.abs(fine), 12)
    beats, reach, _ = _power(strength - strength.mean())
    upper_beats = beats[reach > 0.15]
    return (
        float(np.quantile(upper, 0.999) - np.median(upper)),
        float(upper.mean() - np.log(np.exp(upper).mean())),
        high,
        float(np.log((np.quantile(upper_beats, 0.999) + 1e-4) / (np.median(upper_beats) + 1e-4))),
    )
