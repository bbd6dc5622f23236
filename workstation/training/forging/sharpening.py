"""Measured re-targeting of sharpness: one closed form that gives a picture the Laplacian variance that is asked for.

With g the grey picture, b its blur and L the Laplacian, the picture p + a (p - blur p) has the Laplacian
L(g) + a L(g - b), whose variance is a quadratic in a. So the strength of an unsharp mask (a > 0) or of a softening
(-1 <= a < 0) that gives the wanted variance is a root, found without trial.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]
Where = npt.NDArray[np.bool_]

_SIGMAS = (0.7, 1.1, 1.8, 3.0)
_STRONGEST = 3.0


def variance(rgb: npt.NDArray[np.generic], where: Where | None = None) -> float:
    """Variance of the Laplacian of the grey picture (mean of channels), within ``where`` or everywhere."""
    found = _laplacian(np.asarray(rgb, np.float32))
    return float((found if where is None else found[where]).var())


def retarget(rgb: Picture, wanted: float, where: Where | None = None, *, rounds: int = 2) -> Picture:
    """Sharpen or soften a picture of 0..255 until its Laplacian variance is ``wanted``, as nearly as strengths allow.

    Args:
        wanted: variance, within ``where`` when that is given. The change itself is made everywhere.
        rounds: how often the result is measured and put right again, for the clipping to 0..255.
    """
    done = np.asarray(rgb, np.float32)
    for _ in range(rounds):
        if abs(np.log((variance(done, where) + 1e-3) / (wanted + 1e-3))) < 0.01:
            break
        done = _once(done, wanted, where)
    return done


def _once(rgb: Picture, wanted: float, where: Where | None) -> Picture:
    edges = _laplacian(rgb)
    plain = edges if where is None else edges[where]
    softening = float(plain.var()) > wanted
    nearest: tuple[float, float, Picture] | None = None
    # A narrow mask sharpens grain, a broad one contours; softening begins with the narrowest that reaches the target.
    for sigma in _SIGMAS if softening else _SIGMAS[1:3]:
        detail = rgb - cv2.GaussianBlur(rgb, (0, 0), sigma)
        added = _laplacian(detail)
        part = added if where is None else added[where]
        strength, miss = _root(plain, part, wanted)
        if nearest is None or miss < nearest[0] - 1e-9:
            nearest = (miss, strength, detail)
        if miss < 1e-3 * (wanted + 1):
            break
    assert nearest is not None
    return np.asarray(np.clip(rgb + nearest[1] * nearest[2], 0, 255), np.float32)


def _root(plain: Picture, part: Picture, wanted: float) -> tuple[float, float]:
    """Strength in -1..3 that brings var(plain + a part) nearest to ``wanted``, smallest change first; and the miss."""
    c0, c2 = float(plain.var()), float(part.var())
    c1 = 2 * float(((plain - plain.mean()) * (part - part.mean())).mean())
    tried = [-1.0, _STRONGEST, 0.0]
    if c2 > 1e-9:
        inner = c1 * c1 - 4 * c2 * (c0 - wanted)
        tried.append(-c1 / (2 * c2))
        if inner >= 0:
            tried += [(-c1 - np.sqrt(inner)) / (2 * c2), (-c1 + np.sqrt(inner)) / (2 * c2)]
    held = [float(a) for a in tried if -1 <= a <= _STRONGEST]
    misses = [abs(c0 + c1 * a + c2 * a * a - wanted) for a in held]
    least = min(misses) + 1e-6 * (wanted + 1)
    best = min((a for a, miss in zip(held, misses, strict=True) if miss <= least), key=abs)
    return best, abs(c0 + c1 * best + c2 * best * best - wanted)


def _laplacian(rgb: Picture) -> Picture:
    grey = rgb.mean(axis=-1) if rgb.ndim == 3 else rgb
    return np.asarray(cv2.Laplacian(np.asarray(grey, np.float32), cv2.CV_32F), np.float32)
