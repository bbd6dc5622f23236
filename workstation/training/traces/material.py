"""Training material for traces: forgeries made in the frame, not in the crop.

A crop is turned and resampled, which wipes out the very traces that are measured. So a pair is made, degraded and
compressed as a frame of its own size, and both members are cut out afterwards exactly as an examination cuts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from workstation.detectors.traces.regions import CELL, parts_of
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.domain.media import RgbArray
from workstation.faces.alignment import align
from workstation.training.forgeries import Face, Kind, forge
from workstation.training.kinds import WITHOUT_NETWORKS
from workstation.training.portraits import MARGIN

KINDS: tuple[Kind, ...] = tuple(WITHOUT_NETWORKS)
# Eye to eye in a frame, in pixels: a frame of 335 px to one of about 600.
SMALLEST, LARGEST = 45.0, 110.0
# A frame holds the crop at margin 1.3 (4.13 times eye to eye) with room for play.
_FRAME = 5.2
_CHANGED, _UNTOUCHED = 0.5, 0.03

Marks = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A square frame around one face: ``rgb`` (side, side, 3) uint8 and the five landmarks in it."""

    rgb: RgbArray
    marks: Marks


@dataclass(frozen=True, slots=True)
class Pair:
    """A genuine frame and its forgery after the same post-processing. ``mask`` (side, side) float32 in 0..1."""

    genuine: Frame
    forged: Frame
    mask: npt.NDArray[np.float32]
    kind: Kind


def frame_of(rgb: RgbArray, marks: Sequence[Point], random: np.random.Generator) -> Frame:
    """Cut a square frame around a face and shrink it to a drawn size; never enlarge."""
    points = np.array([[p.x, p.y] for p in marks])
    apart = max(float(np.linalg.norm(points[1] - points[0])), 8.0)
    high = min(apart, LARGEST)
    low = min(SMALLEST, high)
    wanted = high if random.random() < 0.4 else float(np.exp(random.uniform(np.log(low), np.log(high))))
    centre = (points[:2].mean(axis=0) + points[3:].mean(axis=0)) / 2
    half = round(_FRAME / 2 * apart)
    x, y = (round(float(v)) for v in centre)
    pad = max(0, half - x, half - y, x + half - rgb.shape[1], y + half - rgb.shape[0])
    held = cv2.copyMakeBorder(rgb, pad, pad, pad, pad, cv2.BORDER_REFLECT) if pad else rgb
    cut = held[y + pad - half : y + pad + half, x + pad - half : x + pad + half]
    moved = points - (x - half, y - half)
    scale = wanted / apart
    if scale < 0.98:
        side = round(2 * half * scale)
        way = (cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_LINEAR)[int(random.integers(3))]
        cut = cv2.resize(cut, (side, side), interpolation=way)
        scale = side / (2 * half)
        moved = (moved + 0.5) * scale - 0.5
    return Frame(np.ascontiguousarray(cut, np.uint8), tuple(Point(float(a), float(b)) for a, b in moved))


def pair_of(kind: Kind, frame: Frame, donor: Frame, random: np.random.Generator) -> Pair:
    """Forge a frame and give both the same post-processing; sharpness alone is drawn apart."""
    face = Face(frame.rgb.astype(np.float32), frame.marks)
    made = forge(kind, face, Face(donor.rgb.astype(np.float32), donor.marks), random)
    how = _drawn(random)
    softness = [_softness(random) for _ in range(2)]
    genuine = _degraded(frame.rgb, how, softness[0])
    forged = _degraded(made.rgb.astype(np.uint8), how, softness[1])
    k = genuine.shape[0] / frame.rgb.shape[0]
    marks = tuple(Point((p.x + 0.5) * k - 0.5, (p.y + 0.5) * k - 0.5) for p in frame.marks)
    side = genuine.shape[0]
    mask = cv2.resize(made.mask, (side, side), interpolation=cv2.INTER_AREA) if k != 1 else made.mask
    return Pair(Frame(genuine, marks), Frame(forged, marks), np.asarray(mask, np.float32), kind)


@dataclass(frozen=True, slots=True)
class _Draw:
    """Post-processing of a pair: first quality, size, noise, last quality. 0 leaves a step out."""

    first: int
    scale: float
    noise: float
    seed: int
    last: int


def _drawn(random: np.random.Generator) -> _Draw:
    on = random.random(3)
    return _Draw(
        int(random.integers(75, 99)) if on[0] < 0.75 else 0,
        float(random.uniform(0.7, 1.0)) if on[1] < 0.2 else 1.0,
        float(random.uniform(0.5, 3.0)) if on[2] < 0.2 else 0.0,
        int(random.integers(2**31)),
        int(random.choice([90, int(random.integers(65, 97))])),
    )


def _softness(random: np.random.Generator) -> float:
    return float(random.normal(0.1, 0.45)) if random.random() < 0.5 else 0.0


def _degraded(rgb: RgbArray, how: _Draw, softness: float) -> RgbArray:
    picture: npt.NDArray[Any] = rgb
    if softness > 0.05:
        picture = cv2.GaussianBlur(picture, (0, 0), max(softness, 0.2))
    elif softness < -0.05:
        picture = cv2.addWeighted(picture, 1 - softness, cv2.GaussianBlur(picture, (0, 0), 1.2), softness, 0)
    if how.first:
        picture = _compressed(picture, how.first)
    if how.scale < 1:
        side = round(picture.shape[0] * how.scale)
        picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    if how.noise:
        grain = np.random.default_rng(how.seed).standard_normal(picture.shape, dtype=np.float32) * how.noise
        picture = np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(_compressed(picture, how.last), np.uint8)


def _compressed(rgb: npt.NDArray[Any], quality: int) -> npt.NDArray[Any]:
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def cut(frame: Frame, size: int, shift: npt.NDArray[np.float64]) -> FaceCrop:
    """Cut the aligned crop; ``shift`` (5, 2), in units of eye to eye, is how far the landmarks are off."""
    apart = np.hypot(frame.marks[1].x - frame.marks[0].x, frame.marks[1].y - frame.marks[0].y)
    marks = [Point(p.x + dx * apart, p.y + dy * apart) for p, (dx, dy) in zip(frame.marks, shift, strict=True)]
    return align(frame.rgb, marks, size=size, margin=MARGIN)


def changed_parts(crop: FaceCrop, mask: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Share of each part that the mask covers: (5,), NaN where the part is outside the frame."""
    size, n = crop.size, crop.size // CELL
    placed = cv2.warpAffine(mask, crop.crop_from_frame.matrix, (size, size), flags=cv2.INTER_LINEAR)
    cells = cv2.resize(placed, (n, n), interpolation=cv2.INTER_AREA)
    inside = parts_of(crop).inside
    share: npt.NDArray[np.float64] = np.asarray((inside * cells).sum(axis=(1, 2)), np.float64)
    share[inside.sum(axis=(1, 2)) < 0.5] = np.nan
    return share


def part_labels(share: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """1 changed, 0 untouched, -1 neither (touched at its edge, or outside the frame)."""
    known = np.nan_to_num(share, nan=_UNTOUCHED * 2)
    return np.where(known > _CHANGED, 1, np.where(known < _UNTOUCHED, 0, -1)).astype(np.int64)


def rounds(count: int, random: np.random.Generator) -> Iterator[Kind]:
    """``count`` different kinds in a drawn order."""
    for number in random.permutation(len(KINDS))[:count]:
        yield KINDS[int(number)]
