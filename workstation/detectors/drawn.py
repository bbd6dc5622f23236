"""Drawn faces: made-up crops for self-tests and tests. They prove that a network runs as before, not what it sees."""

from __future__ import annotations

import cv2
import numpy as np

from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, FloatArray, Point
from workstation.domain.media import RgbArray
from workstation.faces.alignment import target_points

_SKINS = ((236, 200, 176), (201, 152, 120), (146, 98, 70), (92, 62, 48))
_SHIFT = 4


def drawn_crops(size: int, count: int, seed: int = 0, margin: float = 1.3) -> list[FaceCrop]:
    """Draw ``count`` faces, each of another look, as aligned crops of ``size`` x ``size`` pixels.

    Args:
        size: side in pixels, at least 16.
        count: how many.
        seed: the same seed draws the same faces.
        margin: as in `workstation.faces.alignment.target_points`.

    Returns:
        Crops whose five landmarks stand exactly at the template's places for ``size`` and ``margin``.
    """
    random = np.random.default_rng(seed)
    marks = target_points(size, margin)
    one, two, three, four, five = (Point(float(x), float(y)) for x, y in marks)
    crops = []
    for _ in range(count):
        rgb = _face(size, marks, random)
        rgb.setflags(write=False)
        crops.append(FaceCrop(rgb, Affine(1, 0, 0, 0, 1, 0), (one, two, three, four, five)))
    return crops


def _face(size: int, marks: FloatArray, random: np.random.Generator) -> RgbArray:
    """One face on a shaded ground, with light from a side and grain, so that no filter sees a flat field."""
    left, right, nose, mouth_left, mouth_right = marks
    unit = float(np.linalg.norm(right - left))
    skin = np.array(_SKINS[int(random.integers(len(_SKINS)))], np.float64) + random.uniform(-12, 12, 3)
    y, x = np.mgrid[0:size, 0:size] / size
    ground = random.uniform(40, 210, 3) + (x * random.uniform(-60, 60) + y * random.uniform(-60, 60))[..., None]
    picture = np.ascontiguousarray(np.clip(ground, 0, 255), dtype=np.uint8)
    middle = (left + right + mouth_left + mouth_right) / 4
    down = np.array([0.0, unit])
    hair = random.uniform(20, 150) * np.array([1.0, 0.8, 0.6])
    _oval(picture, middle - 0.35 * down, (1.22 * unit, 1.6 * unit), hair)
    _oval(picture, middle + 0.05 * down, (1.02 * unit, 1.42 * unit), skin)
    iris = random.uniform(40, 140) * np.array([0.8, 0.9, 1.0])
    open_by = random.uniform(0.11, 0.17)
    for eye in (left, right):
        _oval(picture, eye - 0.3 * down, (0.26 * unit, 0.05 * unit), hair)
        _oval(picture, eye, (0.22 * unit, open_by * unit), (238, 236, 230))
        _oval(picture, eye, (0.1 * unit, 0.1 * unit), iris)
        _oval(picture, eye, (0.045 * unit, 0.045 * unit), (12, 12, 12))
    _oval(picture, nose - 0.12 * down, (0.13 * unit, 0.28 * unit), skin * 1.06)
    _oval(picture, nose + 0.1 * down, (0.18 * unit, 0.07 * unit), skin * 0.78)
    mouth = (mouth_left + mouth_right) / 2
    half = float(np.linalg.norm(mouth_right - mouth_left)) / 2
    _oval(picture, mouth, (half, random.uniform(0.1, 0.2) * unit), skin * (0.85, 0.5, 0.5))
    _oval(picture, mouth, (0.85 * half, 0.03 * unit), skin * 0.35)
    light = 1 + random.uniform(-0.25, 0.25) * (x - 0.5) + random.uniform(-0.15, 0.15) * (y - 0.5)
    grain = cv2.GaussianBlur(random.normal(0, 6, (size, size)), (0, 0), 0.7)
    lit = cv2.GaussianBlur(picture, (0, 0), max(0.4, size / 320)) * light[..., None] + grain[..., None]
    return np.ascontiguousarray(np.clip(np.rint(lit), 0, 255), dtype=np.uint8)


def _oval(picture: RgbArray, centre: object, axes: tuple[float, float], colour: object) -> None:
    scale = 1 << _SHIFT
    x, y = (round(float(v) * scale) for v in np.asarray(centre, np.float64))
    width, height = (max(scale // 2, round(v * scale)) for v in axes)
    ink = tuple(float(v) for v in np.clip(np.asarray(colour, np.float64), 0, 255).round())
    cv2.ellipse(picture, (x, y), (width, height), 0, 0, 360, ink, -1, cv2.LINE_AA, _SHIFT)
