"""Proof that a stream of batches has no way round: what separates the two halves of its pairs without any learning.

Everything is measured on the pixels in the form in which a batch leaves (:mod:`workstation.training.batches`), turned
back into levels. A shortcut that scores far from 0.50 here is one that a network will take before it looks at a face.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.media import RgbArray
from workstation.training.measures import Values, auc, paired_auc_figure, sharpness
from workstation.training.shortcuts import high_frequency

if TYPE_CHECKING:
    from workstation.training.batches import Batch

# Name of each, with what it is in words. The first five must say nothing; the last two are no demand: that a part of a
# face differs from the rest is what a detector is to find.
SHORTCUTS: Mapping[str, str] = {
    "jpeg_table": "JPEG quality estimated from the comb of DCT coefficients",
    "bytes": "bytes of the picture's data after one fixed JPEG encoding",
    "metadata": "bytes before the picture's data after the same encoding",
    "sharpness": "logarithm of the variance of the Laplacian",
    "high_frequency": "share of the detail in the highest frequencies",
}
LOCAL: Mapping[str, str] = {
    "inside_sharpness": "sharpness inside the mask against outside",
    "inside_grain": "finest detail inside the mask against outside",
}
_QUALITY = 90
_QUALITIES = tuple(range(40, 99, 3))
# The luma table of ITU-T T.81, annex K.1.
_LUMA: npt.NDArray[np.float64] = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float64,
)


@dataclass(frozen=True, slots=True)
class StreamFigure:
    """How well one shortcut alone tells the halves of the pairs of one kind apart.

    Attributes:
        auc: 0.5 is nothing; above it manipulated crops have the larger value.
        error: standard error, whole groups resampled.
        pairs: pairs measured.
        first: share of the pairs of which the manipulated crop has the larger value, ties half.
    """

    auc: float
    error: float
    pairs: int
    first: float


def levels(pixels: npt.NDArray[np.float32], mean: Sequence[float], std: Sequence[float]) -> RgbArray:
    """Normalised (3, side, side) back to (side, side, 3) uint8."""
    rgb = (pixels.transpose(1, 2, 0) * np.array(std, np.float32) + np.array(mean, np.float32)) * 255
    return np.ascontiguousarray(np.clip(np.rint(rgb), 0, 255), np.uint8)


def measured(rgb: RgbArray, mask: npt.NDArray[np.float32]) -> dict[str, float]:
    """Every shortcut of one crop; ``mask`` (any side) in 0..1 is that of the pair's forgery, for both its pictures."""
    header, data = _encoded(rgb)
    found = {
        "jpeg_table": estimated_quality(rgb),
        "bytes": float(data),
        "metadata": float(header),
        "sharpness": sharpness(rgb),
        "high_frequency": high_frequency(rgb),
    }
    side = rgb.shape[0]
    inside = cv2.resize(mask, (side, side), interpolation=cv2.INTER_LINEAR) > 0.5
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    edges = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 0.8))
    for name, field in (("inside_sharpness", edges), ("inside_grain", fine)):
        both = inside.sum() >= 30 and (~inside).sum() >= 30
        found[name] = float(np.log((field[inside].mean() + 0.1) / (field[~inside].mean() + 0.1))) if both else 0.0
    return found


def table_of(
    batches: Iterable[Batch],
    mean: Sequence[float],
    std: Sequence[float],
    kinds: Sequence[str],
    groups: npt.NDArray[np.int64] | None = None,
    draws: int = 200,
) -> dict[str, dict[str, StreamFigure]]:
    """Figures by kind of forgery and shortcut, kinds that did not occur left out.

    Args:
        kinds: names of the codes in a batch.
        groups: of each pair in the order of the batches (a person, say); every pair its own when not given.
    """
    rows: list[tuple[dict[str, float], dict[str, float]]] = []
    codes: list[int] = []
    for batch in batches:
        pixels, masks = batch.pixels.float().cpu().numpy(), batch.masks.cpu().numpy()
        count = len(batch.kinds)
        for number in range(count):
            mask = masks[count + number, 0]
            pair = [measured(levels(pixels[row], mean, std), mask) for row in (number, count + number)]
            rows.append((pair[0], pair[1]))
        codes += [int(kind) for kind in batch.kinds]
    kind_of, group = np.array(codes), np.arange(len(codes)) if groups is None else groups[: len(codes)]
    found: dict[str, dict[str, StreamFigure]] = {}
    for code in sorted(set(codes)):
        chosen = np.flatnonzero(kind_of == code)
        found[kinds[code]] = {
            name: _figure(
                np.array([rows[row][0][name] for row in chosen]),
                np.array([rows[row][1][name] for row in chosen]),
                group[chosen],
                draws,
            )
            for name in (*SHORTCUTS, *LOCAL)
        }
    return found


def _figure(genuine: Values, forged: Values, group: npt.NDArray[np.int64], draws: int) -> StreamFigure:
    interval = paired_auc_figure(genuine, forged, group, draws)
    first = float(np.mean((forged > genuine) + 0.5 * (forged == genuine)))
    return StreamFigure(auc(genuine, forged), (interval.high - interval.low) / 3.92, len(genuine), first)


def _encoded(rgb: RgbArray) -> tuple[int, int]:
    """Bytes before and from the scan on, of one fixed JPEG encoding."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    whole = data.tobytes()
    header = whole.index(b"\xff\xda")
    return header, len(whole) - header


def _tables() -> npt.NDArray[np.float64]:
    scales = [5000 / quality if quality < 50 else 200 - 2 * quality for quality in _QUALITIES]
    return np.clip(np.floor((np.stack([_LUMA * scale for scale in scales]) + 50) / 100), 1, 255)


def _cosines() -> npt.NDArray[np.float64]:
    n = np.arange(8)
    matrix = np.cos((2 * n[None] + 1) * n[:, None] * np.pi / 16) / 2
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, np.float64)


_LOW = tuple((v, u) for v in range(5) for u in range(5) if 0 < u + v < 5)
_TABLES = _tables()
_LEAST_COMB, _NO_TABLE = 0.25, 100.0
_COSINES = _cosines()


def estimated_quality(rgb: RgbArray) -> float:
    """The quality whose quantisation table the luma coefficients of the 8 x 8 grid fit best, 40..97; 100 for none.

    Coefficients of a decoded JPEG lie near multiples of the table's steps: the mean of cos(2 pi c / step) over
    coefficients of half a step or more is near 1 for the right table. On pictures that were resized or filtered since
    then there is no comb, and none is made up.
    """
    y = rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114]) - 128
    high, wide = y.shape[0] // 8, y.shape[1] // 8
    blocks = y[: high * 8, : wide * 8].reshape(high, 8, wide, 8).transpose(0, 2, 1, 3)
    coefficients = _COSINES @ blocks @ _COSINES.T
    low = np.stack([coefficients[..., v, u].ravel() for v, u in _LOW])
    best, found = _LEAST_COMB, _NO_TABLE
    for quality, table in zip(_QUALITIES, _TABLES, strict=True):
        steps = np.array([table[v, u] for v, u in _LOW])[:, None]
        told = (steps >= 3) & (np.abs(low) >= steps / 2)
        if told.sum() < 50:
            continue
        comb = float(np.cos(2 * np.pi * low / steps)[told].mean())
        if comb > best:
            best, found = comb, float(quality)
    return found
