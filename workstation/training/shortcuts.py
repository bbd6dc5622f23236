"""What tells classes apart without looking for a manipulation: compression, size, sharpness, colour.

A figure that one of these reaches as well says nothing on a detector. Each is taken of the very picture that is scored:
of the file as it is (table, bytes, size), or of the crop after the re-encoding (sharpness, high frequencies,
saturation).
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from workstation.domain.media import RgbArray
from workstation.training.measures import Flags, Values, auc, sharpness

# Name of each, with what it is in words.
SHORTCUTS: Mapping[str, str] = {
    "jpeg_table": "mean of the file's JPEG quantisation tables",
    "bytes": "size of the file in bytes",
    "size": "pixels of the picture",
    "sharpness": "logarithm of the variance of the Laplacian of the crop",
    "high_frequency": "share of the crop's detail in its highest frequencies",
    "saturation": "mean saturation of the crop",
}
# Above this share of the sampling rate, frequencies are called high.
_HIGH = 0.25


def of_file(table: float, size: int, height: int, width: int) -> dict[str, float]:
    """The shortcuts that need the file alone: mean JPEG table (0 for another format), bytes, pixels."""
    return {"jpeg_table": table, "bytes": float(size), "size": float(height * width)}


def of_crop(rgb: RgbArray) -> dict[str, float]:
    """The shortcuts of a crop, (side, side, 3) uint8."""
    return {"sharpness": sharpness(rgb), "high_frequency": high_frequency(rgb), "saturation": saturation(rgb)}


def high_frequency(rgb: RgbArray) -> float:
    """Share 0..1 of the spectral energy, the mean left out, that lies above a quarter of the sampling rate."""
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(np.float64)
    power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    y, x = np.fft.fftfreq(grey.shape[0])[:, None], np.fft.fftfreq(grey.shape[1])[None, :]
    total = float(power.sum())
    return float(power[np.hypot(y, x) > _HIGH].sum() / total) if total > 0 else 0.0


def saturation(rgb: RgbArray) -> float:
    """Mean of (largest - smallest channel) / largest, 0..1; black counts as 0."""
    values = rgb.astype(np.float64)
    top, low = values.max(axis=-1), values.min(axis=-1)
    return float(np.where(top > 0, (top - low) / np.maximum(top, 1), 0).mean())


def separations(table: Mapping[str, Values], manipulated: Flags) -> dict[str, float]:
    """How well each shortcut alone separates the classes, whichever way it points: 0.5..1, NaN for one class alone."""
    found = {}
    for name, values in table.items():
        area = auc(values[~manipulated], values[manipulated])
        found[name] = max(area, 1 - area)
    return found


def best(found: Mapping[str, float]) -> tuple[str, float]:
    """The shortcut that separates best; ("", NaN) when there is none."""
    known = {name: value for name, value in found.items() if not np.isnan(value)}
    if not known:
        return "", float("nan")
    name = max(known, key=known.__getitem__)
    return name, known[name]
