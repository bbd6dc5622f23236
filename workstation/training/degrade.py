"""Post-processing shared by a genuine crop and its forgery: size, blur, noise, colour, flip, JPEG.

The same draw is applied to both pictures of a pair, so that none of it tells them apart. One thing is drawn apart on
purpose: overall sharpness, because blending itself blurs and "blurred" must not become "manipulated".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.media import RgbArray

Mask = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of the shared post-processing. ``strength`` 0 leaves only the mirroring."""

    flip: bool
    shrink: float
    gamma: float
    gains: tuple[float, float, float]
    noise: float
    noise_seed: int
    qualities: tuple[int, ...]
    shift: tuple[int, int]
    grey: bool


def draw(random: np.random.Generator, strength: float = 1.0) -> Draw:
    """Draw parameters. ``shrink`` is the share of detail kept (a face of 60 px in a 256 px crop keeps about 0.4)."""
    on = random.random(6) < np.array([0.6, 0.4, 0.4, 0.35, 0.85, 0.25]) * strength
    qualities: tuple[int, ...] = ()
    if on[4]:
        qualities = (int(random.integers(45, 98)),)
        if on[5]:
            qualities = (int(random.integers(60, 98)), *qualities)
    return Draw(
        flip=bool(random.random() < 0.5),
        shrink=float(random.uniform(0.35, 1.0)) if on[0] else 1.0,
        gamma=float(np.exp(random.uniform(-0.25, 0.25))) if on[1] else 1.0,
        gains=tuple(1 + random.uniform(-0.08, 0.08, 3)) if on[2] else (1.0, 1.0, 1.0),
        noise=float(random.uniform(0.5, 5.0)) if on[3] else 0.0,
        noise_seed=int(random.integers(2**31)),
        qualities=qualities,
        shift=(int(random.integers(8)), int(random.integers(8))),
        grey=bool(random.random() < 0.06 * strength),
    )


def mirroring(how: Draw) -> Draw:
    """The same draw with everything left out but the mirroring."""
    return Draw(how.flip, 1.0, 1.0, (1.0, 1.0, 1.0), 0.0, how.noise_seed, (), how.shift, False)


def apply(rgb: RgbArray, how: Draw, softness: float = 0.0) -> RgbArray:
    """Apply a draw to one picture of the pair.

    Args:
        softness: own to this picture: above 0 a blur of that sigma, below 0 a sharpening of that strength.
    """
    side = rgb.shape[0]
    seen = rgb[:, ::-1] if how.flip else rgb
    picture: npt.NDArray[Any] = np.ascontiguousarray(seen)
    if softness > 0.05:
        picture = cv2.GaussianBlur(picture, (0, 0), softness)
    elif softness < -0.05:
        picture = cv2.addWeighted(picture, 1 - softness, cv2.GaussianBlur(picture, (0, 0), 1.2), softness, 0)
    if how.gamma != 1.0 or how.gains != (1.0, 1.0, 1.0):
        steps = np.linspace(0, 1, 256)[:, None] ** how.gamma * np.array(how.gains)[None] * 255
        picture = cv2.LUT(picture, np.clip(np.rint(steps), 0, 255).astype(np.uint8)[:, None, :])
    if how.grey:
        picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1)
    if how.shrink < 1.0:
        small = max(32, round(side * how.shrink))
        picture = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    if how.noise > 0:
        grain = np.random.default_rng(how.noise_seed).standard_normal(picture.shape, dtype=np.float32) * how.noise
        picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    for quality in how.qualities:
        picture = _jpeg(picture, quality, how.shift)
    if picture.shape[0] != side:
        picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(picture, dtype=np.uint8)


def _jpeg(rgb: RgbArray, quality: int, shift: tuple[int, int]) -> RgbArray:
    """Compress with the 8 x 8 grid moved by ``shift``, as a crop of a larger compressed picture has it."""
    dy, dx = shift
    padded = cv2.copyMakeBorder(rgb, dy, 0, dx, 0, cv2.BORDER_REFLECT) if dy or dx else rgb
    _, data = cv2.imencode(".jpg", padded[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[dy:, dx:, ::-1])


def apply_to_mask(mask: Mask, how: Draw) -> Mask:
    """Mirror a target map as its picture was."""
    return np.ascontiguousarray(mask[:, ::-1]) if how.flip else mask
