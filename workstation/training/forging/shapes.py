"""Masks from five landmarks: organs, hulls of the inner face, wobbling and softening, and which organs they touch.

Marks are eye, eye, nose tip, mouth corner, mouth corner in pixels of a square crop, the picture's left first. Masks are
(side, side) float32 in 0..1.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.geometry import Point
from workstation.training.kinds import Organ

Picture = npt.NDArray[np.float32]
Mask = npt.NDArray[np.float32]

# Outline of the inner face around the mean of the five points, in distances of the eyes: to the right and up.
_FOREHEAD = ((-1.05, 0.6), (-0.75, 1.15), (0.0, 1.35), (0.75, 1.15), (1.05, 0.6))
_BROWS = ((-1.05, 0.6), (-0.65, 0.95), (0.0, 1.0), (0.65, 0.95), (1.05, 0.6))
_BELOW = ((1.0, -0.6), (0.5, -1.25), (0.0, -1.4), (-0.5, -1.25), (-1.0, -0.6))


def apart(marks: Sequence[Point]) -> float:
    """Distance of the eyes in pixels, at least 1."""
    return max(1.0, float(np.hypot(marks[1].x - marks[0].x, marks[1].y - marks[0].y)))


def axes(marks: Sequence[Point]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Centre of the five points, the unit vector towards the eyes and the one along them to the picture's right."""
    points = np.array([[p.x, p.y] for p in marks], np.float64)
    up = (points[0] + points[1]) / 2 - (points[3] + points[4]) / 2
    up = up / max(1e-6, float(np.linalg.norm(up)))
    return points.mean(axis=0), up, np.array([-up[1], up[0]])


def ellipses(marks: Sequence[Point]) -> dict[str, tuple[float, float, float, float]]:
    """Centre and half axes in pixels of every organ: (x, y, across, down)."""
    eye, other, nose, corner, far = marks
    wide = apart(marks)
    up = axes(marks)[1]
    middle = Point((eye.x + other.x) / 2, (eye.y + other.y) / 2)
    shapes = {
        "left eye": (eye.x, eye.y, 0.36, 0.25),
        "right eye": (other.x, other.y, 0.36, 0.25),
        "left brow": (eye.x + 0.36 * wide * up[0], eye.y + 0.36 * wide * up[1], 0.42, 0.16),
        "right brow": (other.x + 0.36 * wide * up[0], other.y + 0.36 * wide * up[1], 0.42, 0.16),
        "nose": ((nose.x * 2 + middle.x) / 3, (nose.y * 2 + middle.y) / 3, 0.28, 0.42),
        "mouth": ((corner.x + far.x) / 2, (corner.y + far.y) / 2, 0.55, 0.32),
        "eyes": (middle.x, middle.y, 0.95, 0.3),
    }
    return {name: (float(x), float(y), rx * wide, ry * wide) for name, (x, y, rx, ry) in shapes.items()}


def tilt(marks: Sequence[Point]) -> float:
    """Angle in degrees of the line of the eyes."""
    return float(np.degrees(np.arctan2(marks[1].y - marks[0].y, marks[1].x - marks[0].x)))


def organ_mask(marks: Sequence[Point], side: int, organs: Sequence[str], random: np.random.Generator) -> Mask:
    """Soft ellipses over organs (names of `ellipses`), sizes and edges varied."""
    places, wide = ellipses(marks), apart(marks)
    mask = np.zeros((side, side), np.float32)
    for organ in organs:
        x, y, across, down = places[organ]
        grow = random.uniform(0.75, 1.3, 2)
        reach = (max(2, round(across * grow[0])), max(2, round(down * grow[1])))
        cv2.ellipse(mask, (round(x), round(y)), reach, tilt(marks), 0, 360, 1.0, -1)
    return soften(wobble(mask, random, wide * 0.08), random, wide)


def face_mask(marks: Sequence[Point], side: int, random: np.random.Generator) -> Mask:
    """The inner face: hull of a ring around eyes, nose and mouth, varied in reach, with a soft wobbling edge.

    One in four stops at the brows, as self-blended images leave the forehead's points out with that share. The ring
    stays within the face, and its edge is soft: a seam across the background would be seen by anybody.
    """
    centre, up, along = axes(marks)
    wide = apart(marks)
    reach = random.uniform(0.75, 1.05)
    above = _BROWS if random.random() < 0.25 else _FOREHEAD
    ring = [
        centre + reach * wide * (x * random.uniform(0.8, 1.0) * along + y * random.uniform(0.85, 1.05) * up)
        for x, y in (*above, *_BELOW)
    ]
    hull = cv2.convexHull(np.array(ring, np.float32)).astype(np.int32)
    mask = np.zeros((side, side), np.float32)
    cv2.fillConvexPoly(mask, hull, 1.0)
    return soften(wobble(mask, random, wide * 0.06), random, wide, least=0.03)


def whole_mask(marks: Sequence[Point], side: int, random: np.random.Generator) -> Mask:
    """The whole head as far as the crop shows it: a large soft ellipse, or the whole crop (one in three)."""
    if random.random() < 1 / 3:
        return np.ones((side, side), np.float32)
    centre, up, _ = axes(marks)
    wide = apart(marks)
    x, y = centre + 0.1 * wide * up
    mask = np.zeros((side, side), np.float32)
    reach = (round(wide * random.uniform(1.25, 1.5)), round(wide * random.uniform(1.7, 2.0)))
    cv2.ellipse(mask, (round(float(x)), round(float(y))), reach, tilt(marks), 0, 360, 1.0, -1)
    return soften(wobble(mask, random, wide * 0.08), random, wide)


def wobble(mask: Mask, random: np.random.Generator, amount: float) -> Mask:
    """Elastic deformation of a mask by a smooth random field of about ``amount`` pixels."""
    side = mask.shape[0]
    field = random.normal(0, 1, (2, 8, 8)).astype(np.float32)
    dx, dy = (cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC) * amount for part in field)
    ys, xs = np.mgrid[:side, :side].astype(np.float32)
    return np.asarray(np.clip(cv2.remap(mask, xs + dx, ys + dy, cv2.INTER_LINEAR), 0, 1), np.float32)


def soften(mask: Mask, random: np.random.Generator, wide: float, least: float = 0.0) -> Mask:
    """Blur the edge of a mask by a random width, from hard to broad.

    Args:
        wide: distance of the eyes in pixels; the broadest blur has 0.16 of it.
        least: share of ``wide`` of the narrowest; never below 0.6 pixels.
    """
    sigma = float(np.exp(random.uniform(np.log(max(0.6, least * wide)), np.log(max(1.0, 0.16 * wide)))))
    return np.asarray(np.clip(cv2.GaussianBlur(mask, (0, 0), sigma), 0, 1), np.float32)


def touched(mask: Mask, marks: Sequence[Point], share: float = 0.35) -> Organ:
    """The organs of whose area the mask covers at least ``share``; ``SKIN`` by the same rule for what lies between.

    A mask counts against its own largest weight: a faint blend of an organ is one of that organ.
    """
    side = mask.shape[0]
    mask = mask / max(float(mask.max()), 1e-6)
    found, skin = Organ(0), np.zeros((side, side), np.uint8)
    centre, _, _ = axes(marks)
    wide = apart(marks)
    oval = (max(1, round(1.05 * wide)), max(1, round(1.35 * wide)))
    cv2.ellipse(skin, (round(float(centre[0])), round(float(centre[1]))), oval, tilt(marks), 0, 360, 1, -1)
    for name, (x, y, across, down) in ellipses(marks).items():
        if name == "eyes":
            continue
        spot = np.zeros((side, side), np.uint8)
        reach = (max(1, round(across * 0.8)), max(1, round(down * 0.8)))
        cv2.ellipse(spot, (round(x), round(y)), reach, tilt(marks), 0, 360, 1, -1)
        inside = spot > 0
        if inside.any() and float(mask[inside].mean()) >= share:
            found |= Organ[name.replace(" ", "_").upper()]
        skin[inside] = 0
    between = skin > 0
    if between.any() and float(mask[between].mean()) >= share:
        found |= Organ.SKIN
    return found
