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
Chosen = npt.NDArray[np.uint8]

_SIGMAS = (0.7, 1.1, 1.8, 3.0)
STRONGEST = 3.0
_MEAN = np.full((1, 3), 1 / 3, np.float32)


def variance(rgb: npt.NDArray[np.generic], where: Where | None = None, seen: int = 0) -> float:
    """Variance of the Laplacian of the grey picture (mean of channels), within ``where`` or everywhere.

    Args:
        seen: side in pixels to which the picture is reduced by area before it is measured; 0 for its own.
    """
    return _moments(_edges(_grey(np.asarray(rgb, np.float32)), seen), _chosen(where))[1]


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
    done = np.ascontiguousarray(rgb, np.float32)
    chosen = _chosen(where)
    for _ in range(rounds):
        grey = _grey(done)
        edges = _edges(grey, seen)
        mean, spread = _moments(edges, chosen)
        if abs(np.log((spread + 1e-3) / (wanted + 1e-3))) < 0.01:
            break
        strength, sigma = _mask(grey, edges, (mean, spread), wanted, chosen, strongest, seen)
        changed = cv2.addWeighted(done, 1 + strength, cv2.GaussianBlur(done, (0, 0), sigma), -strength, 0)
        done = np.asarray(np.clip(changed, 0, 255, out=np.asarray(changed)), np.float32)
    return done


def _mask(
    grey: Picture,
    edges: Picture,
    known: tuple[float, float],
    wanted: float,
    chosen: Chosen | None,
    strongest: float,
    seen: int,
) -> tuple[float, float]:
    """Strength and sigma in pixels of the mask that brings the variance nearest to ``wanted``; ``known``: moments."""
    softening = known[1] > wanted
    # What is reduced afterwards is sharpened as broadly as it will be seen.
    broad = max(1.0, grey.shape[0] / seen) if seen else 1.0
    nearest: tuple[float, float, float] | None = None
    # A narrow mask changes grain, a broad one contours; the narrowest that reaches the target is taken.
    for sigma in _SIGMAS if softening else _SIGMAS[:3]:
        added = _edges(grey - cv2.GaussianBlur(grey, (0, 0), sigma * broad), seen)
        mean, spread = _moments(added, chosen)
        product = float(cv2.mean(cv2.multiply(edges, added), chosen)[0])
        quadratic = (known[1], 2 * (product - known[0] * mean), spread)
        strength, miss = _root(quadratic, wanted, strongest)
        if nearest is None or miss < nearest[0] - 1e-9:
            nearest = (miss, strength, sigma * broad)
        if miss < 1e-3 * (wanted + 1):
            break
    assert nearest is not None
    return nearest[1], nearest[2]


def _root(quadratic: tuple[float, float, float], wanted: float, strongest: float) -> tuple[float, float]:
    """Strength a from -1 that brings c0 + c1 a + c2 a a nearest to ``wanted``, smallest change first; and the miss."""
    c0, c1, c2 = quadratic
    tried = [-1.0, strongest, 0.0]
    if c2 > 1e-9:
        inner = c1 * c1 - 4 * c2 * (c0 - wanted)
        tried.append(-c1 / (2 * c2))
        if inner >= 0:
            tried += [(-c1 - inner**0.5) / (2 * c2), (-c1 + inner**0.5) / (2 * c2)]
    held = [a for a in tried if -1 <= a <= strongest]
    misses = [abs(c0 + c1 * a + c2 * a * a - wanted) for a in held]
    least = min(misses) + 1e-6 * (wanted + 1)
    best = min((a for a, miss in zip(held, misses, strict=True) if miss <= least), key=abs)
    return best, abs(c0 + c1 * best + c2 * best * best - wanted)


def _grey(rgb: Picture) -> Picture:
    if rgb.ndim == 2:
        return rgb
    # One pass over the pixels: a mean along three neighbouring values is the slowest sum that numpy has.
    return np.asarray(cv2.transform(np.ascontiguousarray(rgb), _MEAN), np.float32)


def _edges(grey: Picture, seen: int = 0) -> Picture:
    if 0 < seen < grey.shape[0]:
        # Reducing, blurring and the Laplacian are linear, so the quadratic holds for what is seen too.
        grey = np.asarray(cv2.resize(grey, (seen, seen), interpolation=cv2.INTER_AREA), np.float32)
    return np.asarray(cv2.Laplacian(grey, cv2.CV_32F), np.float32)


def _chosen(where: Where | None) -> Chosen | None:
    return None if where is None else np.ascontiguousarray(where).view(np.uint8)


def _moments(values: Picture, chosen: Chosen | None) -> tuple[float, float]:
    """Mean and variance, summed in double precision."""
    mean, deviation = cv2.meanStdDev(values, mask=chosen)
    return float(mean[0, 0]), float(deviation[0, 0]) ** 2
