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
STRONGEST = 3.0


def variance(rgb: npt.NDArray[np.generic], where: Where | None = None, seen: int = 0) -> float:
    """Variance of the Laplacian of the grey picture (mean of channels), within ``where`` or everywhere.

    Args:
        seen: side in pixels to which the picture is reduced by area before it is measured; 0 for its own.
    """
    found = _laplacian(np.asarray(rgb, np.float32), seen)
    return float((found if where is None else found[where]).var())


def retarget(
    rgb: Picture,
    wanted: float,
    where: Where | None = None,
    *,
    rounds: int = 2,
    strongest: float = STRONGEST,
    seen: int = 0,
) -> Picture:
    """Sharpen or soften a picture of 0..255 until its Laplacian variance is ``wanted``, as nearly as strengths allow.

    Args:
        wanted: variance, within ``where`` when that is given. The change itself is made everywhere.
        rounds: how often the result is measured and put right again, for the clipping to 0..255.
        strongest: unsharp mask of each round; what it does not reach is left softer than asked for.
        seen: side in pixels to which the picture will be reduced, and in which ``wanted`` is measured; ``where`` must
            not be given with it. 0 for the picture's own.
    """
    done = np.asarray(rgb, np.float32)
    for _ in range(rounds):
        if abs(np.log((variance(done, where, seen) + 1e-3) / (wanted + 1e-3))) < 0.01:
            break
        done = _once(done, wanted, where, strongest, seen)
    return done


def _once(rgb: Picture, wanted: float, where: Where | None, strongest: float, seen: int) -> Picture:
    grey = rgb.mean(axis=-1)
    edges = _laplacian(grey, seen)
    plain = edges if where is None else edges[where]
    softening = float(plain.var()) > wanted
    # What is reduced afterwards is sharpened as broadly as it will be seen.
    broad = max(1.0, rgb.shape[0] / seen) if seen else 1.0
    nearest: tuple[float, float, float] | None = None
    # A narrow mask changes grain, a broad one contours; the narrowest that reaches the target is taken.
    for sigma in _SIGMAS if softening else _SIGMAS[:3]:
        added = _laplacian(grey - cv2.GaussianBlur(grey, (0, 0), sigma * broad), seen)
        part = added if where is None else added[where]
        strength, miss = _root(plain, part, wanted, strongest)
        if nearest is None or miss < nearest[0] - 1e-9:
            nearest = (miss, strength, sigma * broad)
        if miss < 1e-3 * (wanted + 1):
            break
    assert nearest is not None
    _, strength, sigma = nearest
    changed = cv2.addWeighted(rgb, 1 + strength, cv2.GaussianBlur(rgb, (0, 0), sigma), -strength, 0)
    return np.asarray(np.clip(changed, 0, 255), np.float32)


def _root(plain: Picture, part: Picture, wanted: float, strongest: float) -> tuple[float, float]:
    """Strength from -1 that brings var(plain + a part) nearest to ``wanted``, smallest change first; and the miss."""
    c0, c2 = float(plain.var()), float(part.var())
    c1 = 2 * float(((plain - plain.mean()) * (part - part.mean())).mean())
    tried = [-1.0, strongest, 0.0]
    if c2 > 1e-9:
        inner = c1 * c1 - 4 * c2 * (c0 - wanted)
        tried.append(-c1 / (2 * c2))
        if inner >= 0:
            tried += [(-c1 - np.sqrt(inner)) / (2 * c2), (-c1 + np.sqrt(inner)) / (2 * c2)]
    held = [float(a) for a in tried if -1 <= a <= strongest]
    misses = [abs(c0 + c1 * a + c2 * a * a - wanted) for a in held]
    least = min(misses) + 1e-6 * (wanted + 1)
    best = min((a for a, miss in zip(held, misses, strict=True) if miss <= least), key=abs)
    return best, abs(c0 + c1 * best + c2 * best * best - wanted)


def _laplacian(rgb: Picture, seen: int = 0) -> Picture:
    grey = np.asarray(rgb.mean(axis=-1) if rgb.ndim == 3 else rgb, np.float32)
    if 0 < seen < grey.shape[0]:
        # Reducing, blurring and the Laplacian are linear, so the quadratic holds for what is seen too.
        grey = np.asarray(cv2.resize(grey, (seen, seen), interpolation=cv2.INTER_AREA), np.float32)
    return np.asarray(cv2.Laplacian(grey, cv2.CV_32F), np.float32)
