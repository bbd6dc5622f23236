"""Post-processing of a pair: size, blur, noise, colour, flip, JPEG, chains of services, screenshots; then sharpness.

The same draw is applied to the genuine crop and to its forgery, so that none of it tells them apart. That alone does
not do: blending and warping soften, the softness survives every shared step, and "blurred" becomes "manipulated". So
the last step (`even`) measures the sharpness of both and draws it anew for each of them from one distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.media import RgbArray
from workstation.training.forging.sharpening import retarget, variance

Mask = npt.NDArray[np.float32]

# Largest sides that services scale pictures to are far above a crop's; what a crop loses is a share of its detail.
_SPREAD, _GRAIN = 0.4, 1.2


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of the shared post-processing. ``strength`` 0 leaves only the mirroring.

    Attributes:
        shrink: share of the side that is kept (1 leaves the size).
        qualities: of the JPEG compressions in their order; each later one has another grid than the one before.
        shift: of the first grid, in pixels 0..7.
        blur: sigma in pixels of a blur before everything else.
        chain: (share of the side, JPEG quality) of every service that the picture went through.
        screenshot: scale at which the picture was shown and photographed off the screen, 1 for not at all; stored
            without loss.
        screen_sharp: strength of the sharpening that a viewer puts on it.
    """

    flip: bool
    shrink: float
    gamma: float
    gains: tuple[float, float, float]
    noise: float
    noise_seed: int
    qualities: tuple[int, ...]
    shift: tuple[int, int]
    grey: bool
    blur: float = 0.0
    chain: tuple[tuple[float, int], ...] = ()
    screenshot: float = 1.0
    screen_sharp: float = 0.0


def draw(random: np.random.Generator, strength: float = 1.0) -> Draw:
    """Draw parameters. ``shrink`` is the share of detail kept (a face of 60 px in a 256 px crop keeps about 0.4)."""
    on = random.random(9) < np.array([0.6, 0.4, 0.4, 0.35, 0.85, 0.3, 0.15, 0.15, 0.12]) * strength
    qualities: tuple[int, ...] = ()
    if on[4]:
        qualities = (int(random.integers(45, 98)),)
        if on[5]:
            qualities = (int(random.integers(60, 98)), *qualities)
    chain: tuple[tuple[float, int], ...] = ()
    if on[7]:
        steps = int(random.integers(1, 4))
        chain = tuple((float(random.uniform(0.5, 0.95)), int(random.integers(60, 90))) for _ in range(steps))
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
        blur=float(random.uniform(0.4, 1.4)) if on[6] else 0.0,
        chain=chain,
        screenshot=float(random.uniform(0.6, 1.5)) if on[8] else 1.0,
        screen_sharp=float(random.uniform(0.0, 0.8)) if on[8] else 0.0,
    )


def mirroring(how: Draw) -> Draw:
    """The same draw with everything left out but the mirroring."""
    return Draw(how.flip, 1.0, 1.0, (1.0, 1.0, 1.0), 0.0, how.noise_seed, (), how.shift, False)


def apply(rgb: RgbArray, how: Draw, softness: float = 0.0) -> RgbArray:
    """Apply a draw to one picture of the pair.

    Args:
        rgb: (side, side, 3) uint8.
        softness: own to this picture: above 0 a blur of that sigma, below 0 a sharpening of that strength.
    """
    side = rgb.shape[0]
    seen = rgb[:, ::-1] if how.flip else rgb
    picture: npt.NDArray[Any] = np.ascontiguousarray(seen)
    if softness > 0.05:
        picture = cv2.GaussianBlur(picture, (0, 0), softness)
    elif softness < -0.05:
        picture = cv2.addWeighted(picture, 1 - softness, cv2.GaussianBlur(picture, (0, 0), 1.2), softness, 0)
    if how.blur > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), how.blur)
    if how.gamma != 1.0 or how.gains != (1.0, 1.0, 1.0):
        steps = np.linspace(0, 1, 256)[:, None] ** how.gamma * np.array(how.gains)[None] * 255
        picture = cv2.LUT(picture, np.clip(np.rint(steps), 0, 255).astype(np.uint8)[:, None, :])
    if how.grey:
        picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1)
    if how.shrink < 1.0:
        picture = _resized(picture, max(32, round(side * how.shrink)))
    if how.noise > 0:
        grain = np.random.default_rng(how.noise_seed).standard_normal(picture.shape, dtype=np.float32) * how.noise
        picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    for number, quality in enumerate(how.qualities):
        dy, dx = how.shift
        picture = _jpeg(picture, quality, ((dy + 3 * number) % 8, (dx + 5 * number) % 8))
    for share, quality in how.chain:
        picture = _jpeg(_resized(picture, max(32, round(picture.shape[0] * share))), quality, (0, 0))
    if how.screenshot != 1.0:
        picture = _screenshot(picture, how.screenshot, how.screen_sharp)
    return np.ascontiguousarray(_resized(picture, side), dtype=np.uint8)


def even(
    genuine: RgbArray, forged: RgbArray, random: np.random.Generator, spread: float = 1.0, seen: int = 0
) -> tuple[RgbArray, RgbArray]:
    """Give both pictures of a pair a sharpness of their own, drawn from one distribution, whatever they had before.

    The logarithm of the Laplacian's variance is drawn for each from a normal distribution around the mean of what the
    two had; each gets a little grain, of a strength of its own too, and is sharpened or softened as a whole until it
    has the drawn value. So sharpness says nothing on which is which: given the pair, either order is as likely.

    Args:
        spread: of the draws, 1 for a standard deviation of 0.4 and a grain of 1.2 levels; 0 leaves both as they are.
        seen: side in pixels of what the network is fed, where sharpness is measured; 0 for the crop's own. Even at
            one side is not even at another.
    """
    drawn, seed = random.standard_normal(4), int(random.integers(2**63))
    if spread <= 0:
        return genuine, forged
    grains = np.random.default_rng(seed).standard_normal((2, *genuine.shape[:2], 1), dtype=np.float32)
    middle = float(np.mean([np.log(variance(rgb, seen=seen) + 1e-2) for rgb in (genuine, forged)]))
    # Sharpening does not bring back the finest detail that blending took; grain of a strength of its own hides that.
    pair = [
        rgb + grain * np.float32(_GRAIN * spread * abs(z))
        for rgb, grain, z in zip((genuine, forged), grains, drawn[2:], strict=True)
    ]
    wanted = [float(np.exp(middle + _SPREAD * spread * z)) for z in drawn[:2]]
    done = [retarget(rgb, goal, seen=seen) for rgb, goal in zip(pair, wanted, strict=True)]
    # What needed no sharpening has its grain unclipped still.
    one, two = (np.clip(np.rint(rgb), 0, 255).astype(np.uint8) for rgb in done)
    return one, two


def _resized(rgb: RgbArray, side: int) -> RgbArray:
    if rgb.shape[0] == side:
        return rgb
    way = cv2.INTER_AREA if side < rgb.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, (side, side), interpolation=way), np.uint8)


def _screenshot(rgb: RgbArray, scale: float, sharp: float) -> RgbArray:
    """Shown at another size by a viewer that interpolates and sharpens, and stored without loss."""
    side = max(32, round(rgb.shape[0] * scale))
    shown = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_LINEAR)
    crisp = cv2.addWeighted(shown, 1 + sharp, cv2.GaussianBlur(shown, (0, 0), 1.0), -sharp, 0)
    return np.asarray(crisp, np.uint8)


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
