"""What a careful retoucher does when pasting: colour, sharpness and grain are made those of the surroundings."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from workstation.training.forging import sharpening
from workstation.training.forging.shapes import Mask, Picture

_BANDS, _PAD = 48, 16
# Bands below a period of 17 pixels are light and shape, not detail.
_COARSE = 4
# Luma and the two differences of colour, ITU-T T.871, of levels 0..255 without an offset.
_LUMA_CHROMA: npt.NDArray[np.float32] = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
_IMMERKAER: npt.NDArray[np.float32] = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def recolour(rgb: Picture, random: np.random.Generator, strength: float = 1.0) -> Picture:
    """Random shift of channels (up to 20 levels, three in ten), hue, saturation, brightness and contrast."""
    shift = random.uniform(-20, 20, 3) if random.random() < 0.3 else np.zeros(3)
    gain = 1 + random.uniform(-0.07, 0.07, 3)
    grey = rgb.mean(axis=-1, keepdims=True)
    saturation = 1 + random.uniform(-0.3, 0.3) * strength
    bright, contrast = random.uniform(-0.1, 0.1) * 128, 1 + random.uniform(-0.1, 0.1) * strength
    changed = (grey + (rgb - grey) * saturation) * (1 + (gain - 1) * strength) + (shift + bright) * strength
    pivot = changed.mean()
    return np.asarray(np.clip((changed - pivot) * contrast + pivot, 0, 255), np.float32)


def resample(rgb: Picture, random: np.random.Generator) -> Picture:
    """Lose or gain detail, one as often as the other: shrink and enlarge again, or sharpen."""
    side = rgb.shape[0]
    if random.random() < 0.5:
        small = max(16, round(side * random.uniform(0.3, 0.9)))
        way = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[random.integers(4)]
        shrunk = cv2.resize(rgb, (small, small), interpolation=way)
        back = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[random.integers(2)]
        return np.clip(cv2.resize(shrunk, (side, side), interpolation=back), 0, 255).astype(np.float32)
    blurred = cv2.GaussianBlur(rgb, (0, 0), random.uniform(0.8, 2.0))
    return np.clip(rgb + (rgb - blurred) * random.uniform(0.3, 1.2), 0, 255).astype(np.float32)


def match_colour(source: Picture, target: Picture, mask: Mask) -> Picture:
    """Give the source the target's mean and spread per channel inside the mask."""
    inside = mask > 0.3
    if inside.sum() < 30:
        return source
    a, b = source[inside], target[inside]
    # Beyond a third, contrast is no longer light but make-up.
    spread = np.clip((b.std(axis=0) + 1) / (a.std(axis=0) + 1), 0.75, 1.33)
    return np.asarray(np.clip((source - a.mean(axis=0)) * spread + b.mean(axis=0), 0, 255), np.float32)


def with_light_of(source: Picture, target: Picture, sigma: float) -> Picture:
    """The source with everything coarser than ``sigma`` pixels taken from the target: no cast, no other light."""
    coarse = cv2.GaussianBlur(np.asarray(target - source, np.float32), (0, 0), sigma)
    return np.asarray(np.clip(source + coarse, 0, 255), np.float32)


def even_sharpness(forged: Picture, target: Picture, mask: Mask) -> Picture:
    """Sharpen or soften until the Laplacian variance inside the mask is near the target's: blur must not tell.

    What has lost all detail is not sharpened back to it: that draws black contours, which tell sooner than softness.
    """
    inside = mask > 0.3
    if inside.sum() < 60:
        return forged
    return sharpening.retarget(forged, sharpening.variance(target, inside), inside, rounds=1, strongest=1.2)


def grain(rgb: Picture, where: npt.NDArray[np.bool_]) -> float:
    """Standard deviation of the noise in the flatter half of ``where`` (Immerkaer, CVIU 64(2), 1996), in levels."""
    grey = np.asarray(rgb.mean(axis=-1), np.float32)
    rough = cv2.blur(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 2.0)), (5, 5))
    if where.sum() < 30:
        return 0.0
    flat = where & (rough <= np.median(rough[where]))
    answer = np.abs(cv2.filter2D(grey, cv2.CV_32F, _IMMERKAER))[flat]
    return float(answer.mean() * np.sqrt(np.pi / 2) / 6)


def regrain(source: Picture, target: Picture, mask: Mask, random: np.random.Generator) -> Picture:
    """Add the grain that the changed part lacks against the target around it, or smooth what it has too much."""
    inside = mask > 0.3
    around = (cv2.dilate(mask, np.ones((25, 25), np.uint8)) > 0.3) & ~inside
    if inside.sum() < 60:
        return source
    # What was changed as a whole has no surroundings left; its grain is that of the photograph it took the place of.
    part = around.sum() >= 60 and inside.mean() < 0.35
    wants = grain(target, around if part else inside)
    has = grain(source, inside)
    if has < wants:
        noise = random.standard_normal((*mask.shape, 3)).astype(np.float32)
        # Half of it common to the channels, as a camera's colour filter and compression leave it.
        noise = 0.8 * noise.mean(axis=-1, keepdims=True) * np.sqrt(3) + 0.6 * noise
        missing = float(np.sqrt(wants * wants - has * has))
        return np.asarray(np.clip(source + noise * missing, 0, 255), np.float32)
    smooth = np.asarray(cv2.bilateralFilter(source, 7, 6 * has + 1e-3, 2.0), np.float32)
    share = float(np.clip((has - wants) / max(has - grain(smooth, inside), 1e-6), 0, 1))
    return np.asarray(source * (1 - share) + smooth * share, np.float32)


def even_spectrum(source: Picture, target: Picture, mask: Mask) -> Picture:
    """Give every band of detail of the source the energy that it has in the target, after both are blended by ``mask``.

    One strength of sharpening makes up for missing fine detail with too much of the coarser: the Laplacian's variance
    is that of the photograph then, and its spectrum is not. Gains are by radial frequency, of brightness and of each
    difference of colour by itself, at most two and at least a half, found twice because a soft mask takes detail away
    where it mixes two pictures.
    """
    high, wide = source.shape[:2]
    window = np.outer(np.hanning(high), np.hanning(wide))
    numbers = np.minimum(_frequency(high, wide).astype(np.int64), _BANDS - 1).ravel()
    counts = np.maximum(np.bincount(numbers, minlength=_BANDS), 1)

    def energies(plane: Mask) -> npt.NDArray[np.float64]:
        power = np.abs(np.fft.rfft2((plane - plane.mean()) * window)) ** 2
        return np.asarray(np.bincount(numbers, power.ravel(), _BANDS) / counts + 1e-6, np.float64)

    # Continued by its mirror image, because a spectrum knows no borders.
    padded = np.pad(source @ _LUMA_CHROMA.T, ((_PAD, _PAD), (_PAD, _PAD), (0, 0)), mode="symmetric")
    goal = target @ _LUMA_CHROMA.T
    where = _frequency(*padded.shape[:2]) - 0.5
    planes = []
    for plane, wanted in zip(np.moveaxis(padded, -1, 0), np.moveaxis(goal, -1, 0), strict=True):
        spectrum, gains = np.fft.rfft2(plane), np.ones(_BANDS)
        found, energy = plane[_PAD:-_PAD, _PAD:-_PAD], energies(wanted)
        for _ in range(2):
            missing = np.sqrt(energy / energies(wanted + (found - wanted) * mask))
            missing[:_COARSE] = 1
            gains = np.clip(gains * np.convolve(np.pad(missing, 1, mode="edge"), [0.25, 0.5, 0.25], "valid"), 0.5, 2.0)
            field = np.interp(where, np.arange(_BANDS), gains)
            filtered = np.fft.irfft2(spectrum * field, s=plane.shape)
            found = np.asarray(filtered[_PAD:-_PAD, _PAD:-_PAD], np.float32)
        planes.append(found)
    mixed = np.stack(planes, axis=-1) @ np.linalg.inv(_LUMA_CHROMA).T.astype(np.float32)
    return np.asarray(np.clip(mixed, 0, 255), np.float32)


def _frequency(high: int, wide: int) -> npt.NDArray[np.float64]:
    """Radial frequency of each place of a half spectrum, in bands."""
    radial = np.hypot(np.fft.fftfreq(high)[:, None], np.fft.rfftfreq(wide)[None])
    return np.asarray(radial / np.sqrt(0.5) * _BANDS, np.float64)


def with_colours_of(source: Picture, target: Picture) -> Picture:
    """A black-and-white source in the target's coarse colours: its own brightness, hue and saturation from there."""
    coarse = cv2.GaussianBlur(target, (0, 0), 4.0)
    share = (coarse + 1) / (coarse.mean(axis=-1, keepdims=True) + 1)
    return np.asarray(np.clip(source.mean(axis=-1, keepdims=True) * share, 0, 255), np.float32)
