"""Cutting a face out: five points to the ArcFace template, with a margin, at a fixed size (methods.md 1.2).

The target points are those of DeepfakeBench's preprocessing (Yan et al., "DeepfakeBench", NeurIPS 2023 Datasets and
Benchmarks, section 3), which the ``clip_ln`` detector was published with: the 112x96 ArcFace template with x shifted by
+8 into a 112x112 frame, put on the output with a margin around the centre,

    target = size * (0.5 + (template / 112 - 0.5) / margin).

A larger margin makes the face smaller. Pixel coordinates follow OpenCV: a pixel's centre is at its integer index.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from workstation.domain.errors import LandmarksUnusable
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, FloatArray, Point
from workstation.domain.media import RgbArray

TEMPLATE_SIDE = 112.0
# ArcFace (Deng et al., CVPR 2019) reference points; the first number of each pair already carries the +8 shift.
TEMPLATE: FloatArray = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ],
    dtype=np.float64,
)
# A frontal face fits at about 0.99, a full profile at about 0.78, swapped sides at about 0.23.
_LEAST_FIT = 0.5
_LEAST_SPREAD = 1e-3
_LARGEST_COORDINATE = 1e6


def target_points(size: int = 256, margin: float = 1.3) -> FloatArray:
    """Where the five points go in the crop: (5, 2) float64, x and y in pixels of a ``size`` x ``size`` picture.

    Raises:
        ValueError: when ``size`` is below 1 or ``margin`` is not a finite number above 0.
    """
    if size < 1 or not math.isfinite(margin) or margin <= 0:
        raise ValueError(f"a crop needs a size of at least 1 and a margin above 0, not {size} and {margin}")
    return np.asarray(size * (0.5 + (TEMPLATE / TEMPLATE_SIDE - 0.5) / margin), dtype=np.float64)


def similarity(source: FloatArray, target: FloatArray) -> Affine:
    """Return the least-squares similarity (turn, scale, shift; no reflection) from ``source`` to ``target``.

    This is Umeyama's estimate (IEEE TPAMI 13(4), 1991) in the plane, where it has a closed form: with centred points
    as complex numbers s and t, turn and scale together are sum(conj(s) t) / sum(|s|^2).

    Args:
        source: (n, 2) float64, n >= 2.
        target: (n, 2) float64.

    Raises:
        LandmarksUnusable: when the points are not finite, (nearly) coincide, or fit only as a mirror image.
    """
    if source.shape != target.shape or source.ndim != 2 or source.shape[0] < 2 or source.shape[1] != 2:
        raise ValueError(f"two lists of at least two points are needed, not {source.shape} and {target.shape}")
    if not np.isfinite(source).all() or np.abs(source).max() > _LARGEST_COORDINATE:
        raise LandmarksUnusable("The face's five points are not usable numbers.", "The face is left out.")
    s = source[:, 0] + 1j * source[:, 1]
    t = target[:, 0] + 1j * target[:, 1]
    s_mean, t_mean = s.mean(), t.mean()
    s, t = s - s_mean, t - t_mean
    s_power, t_power = float(np.sum(np.abs(s) ** 2)), float(np.sum(np.abs(t) ** 2))
    if math.sqrt(s_power / len(s)) < _LEAST_SPREAD:
        raise LandmarksUnusable("The face's five points lie on one another.", "The face is left out.")
    product = complex(np.sum(np.conj(s) * t))
    if abs(product) < _LEAST_FIT * math.sqrt(s_power * t_power):
        raise LandmarksUnusable(
            "The face's five points do not form a face (mirrored or out of order).", "The face is left out."
        )
    turn = product / s_power
    shift = complex(t_mean - turn * s_mean)
    return Affine(turn.real, -turn.imag, shift.real, turn.imag, turn.real, shift.imag)


def warp(rgb: RgbArray, crop_from_frame: Affine, size: int) -> RgbArray:
    """Resample a frame into a ``size`` x ``size`` crop; what lies outside the frame is black.

    Enlarging (scale >= 1) is bicubic, mild shrinking bilinear. From a shrink of 2 on, whole k x k blocks of frame
    pixels (k = floor(1 / scale)) are averaged first and the rest is bilinear, so that fine texture does not alias into
    the crop. The block means sit on exact positions, so ``crop_from_frame`` stays true in every case.

    Args:
        rgb: (height, width, 3) uint8.
        crop_from_frame: frame pixels to crop pixels.
        size: side of the crop in pixels.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise ValueError(f"a frame is (height, width, 3) uint8, not {rgb.shape} {rgb.dtype}")
    scale = crop_from_frame.scale
    source, shrink, transform = np.ascontiguousarray(rgb), int(1.0 / scale), crop_from_frame
    if shrink >= 2:
        source, transform = _reduced(source, crop_from_frame, size, shrink)
        if source.size == 0:
            return np.zeros((size, size, 3), dtype=np.uint8)
    flags = cv2.INTER_CUBIC if scale >= 1.0 else cv2.INTER_LINEAR
    warped = cv2.warpAffine(
        source, transform.matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0)
    )
    return np.asarray(warped, dtype=np.uint8)


def _reduced(rgb: RgbArray, crop_from_frame: Affine, size: int, shrink: int) -> tuple[RgbArray, Affine]:
    """Average k x k blocks of the region the crop needs; return it and the map from it to the crop."""
    height, width = rgb.shape[:2]
    back = crop_from_frame.inverse()
    corners = [back.apply(Point(x, y)) for x in (-1.0, float(size)) for y in (-1.0, float(size))]
    pad = 2 * shrink
    x0 = min(max(math.floor(min(p.x for p in corners)) - pad, 0), width)
    y0 = min(max(math.floor(min(p.y for p in corners)) - pad, 0), height)
    x1 = max(min(math.ceil(max(p.x for p in corners)) + pad, width), x0)
    y1 = max(min(math.ceil(max(p.y for p in corners)) + pad, height), y0)
    region = rgb[y0:y1, x0:x1]
    if region.size == 0:
        return region, crop_from_frame
    padded = cv2.copyMakeBorder(
        region, 0, -(y1 - y0) % shrink, 0, -(x1 - x0) % shrink, cv2.BORDER_CONSTANT, value=(0, 0, 0)
    )
    small = cv2.resize(padded, (padded.shape[1] // shrink, padded.shape[0] // shrink), interpolation=cv2.INTER_AREA)
    centre = (shrink - 1) / 2
    frame_from_small = Affine(shrink, 0.0, x0 + centre, 0.0, shrink, y0 + centre)
    return np.asarray(small, dtype=np.uint8), frame_from_small.then(crop_from_frame)


def align(rgb: RgbArray, landmarks: Sequence[Point], *, size: int = 256, margin: float = 1.3) -> FaceCrop:
    """Cut an aligned face out of a frame.

    Args:
        rgb: (height, width, 3) uint8, the frame as shown.
        landmarks: eye, eye, nose tip, mouth corner, mouth corner in frame pixels, the picture's left side first.
        size: side of the crop in pixels.
        margin: 1.0 is the ArcFace frame itself; 1.3 shows 1.3 times as much of the head.

    Returns:
        The crop, the exact map from frame pixels to crop pixels, and the landmarks in crop pixels.

    Raises:
        LandmarksUnusable: when the five points do not define a similarity.
        ValueError: when there are not five points, or the frame, size or margin are not of the stated kind.
    """
    if len(landmarks) != 5:
        raise ValueError(f"five landmarks are needed, not {len(landmarks)}")
    source = np.array([[p.x, p.y] for p in landmarks], dtype=np.float64)
    transform = similarity(source, target_points(size, margin))
    crop = warp(rgb, transform, size)
    crop.setflags(write=False)
    a, b, c, d, e = (transform.apply(p) for p in landmarks)
    return FaceCrop(crop, transform, (a, b, c, d, e))
