"""Pseudo-forgeries made from genuine crops alone.

Self-blended images after Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images" (CVPR 2022, section 3),
re-implemented from the description; beside them paste of organs or of the whole inner face from another person, and
organs of the own face resampled and shifted. Every function takes float32 RGB in 0..255 and gives the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.geometry import Point

Picture = npt.NDArray[np.float32]
Mask = npt.NDArray[np.float32]


class Kind(StrEnum):
    """Families of pseudo-forgery; validation is reported for each."""

    SELF_BLEND = "self-blend"
    OTHER_ORGANS = "other-organs"
    OTHER_FACE = "other-face"
    OWN_ORGANS = "own-organs"


@dataclass(frozen=True, slots=True)
class Face:
    """An aligned crop with its landmarks (eye, eye, nose, mouth corner, mouth corner) in crop pixels."""

    rgb: Picture
    marks: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Forgery:
    """``rgb`` differs from the target only where ``mask`` (0..1 blend weight) is above zero."""

    rgb: Picture
    mask: Mask


def blend(source: Picture, target: Picture, mask: Mask) -> Picture:
    """source * mask + target * (1 - mask); mask (height, width) in 0..1."""
    weight = mask[..., None]
    mixed: Picture = source * weight + target * (1 - weight)
    return mixed


def target_map(genuine: Picture, forged: Picture, mask: Mask) -> Mask:
    """The locator's target: grey difference of the pair (FakeLocator, arXiv 2001.09598, section 3), smoothed, scaled.

    The paper takes the bare difference, |genuine - forged| in grey divided by 255. A blend that a person sees changes
    skin by a few levels only, which on a fixed 0..1 scale is black; so the difference is averaged over a few pixels,
    multiplied by ten and cut off at one. Zero for an identical pair, and zero from 8 pixels outside the mask on.
    """
    grey = np.abs((genuine - forged) @ np.array([0.299, 0.587, 0.114], np.float32))
    smooth = cv2.GaussianBlur(grey, (0, 0), 4.0) / 255 * 10
    inside = cv2.GaussianBlur((mask > 0.02).astype(np.float32), (0, 0), 2.0)
    return np.asarray(np.clip(smooth, 0, 1) * inside, np.float32)


def organ_mask(marks: Sequence[Point], side: int, organs: Sequence[str], random: np.random.Generator) -> Mask:
    """Soft ellipses over organs ("left eye", "right eye", "nose", "mouth", "eyes"), sizes and edges varied."""
    eye, other, nose, corner, far = marks
    apart = max(1.0, float(np.hypot(other.x - eye.x, other.y - eye.y)))
    mouth = Point((corner.x + far.x) / 2, (corner.y + far.y) / 2)
    middle = Point((eye.x + other.x) / 2, (eye.y + other.y) / 2)
    bridge = Point((nose.x + middle.x) / 2, (nose.y * 2 + middle.y) / 3)
    shapes = {
        "left eye": (eye, 0.36, 0.25),
        "right eye": (other, 0.36, 0.25),
        "nose": (bridge, 0.28, 0.42),
        "mouth": (mouth, 0.55, 0.32),
        "eyes": (middle, 0.95, 0.3),
    }
    angle = float(np.degrees(np.arctan2(other.y - eye.y, other.x - eye.x)))
    mask = np.zeros((side, side), np.float32)
    for organ in organs:
        place, rx, ry = shapes[organ]
        grow = random.uniform(0.75, 1.3, 2)
        centre = (round(place.x), round(place.y))
        axes = (max(2, round(rx * grow[0] * apart)), max(2, round(ry * grow[1] * apart)))
        cv2.ellipse(mask, centre, axes, angle, 0, 360, 1.0, -1)
    return soften(wobble(mask, random, apart * 0.08), random, apart)


def face_mask(marks: Sequence[Point], side: int, random: np.random.Generator) -> Mask:
    """The inner face: hull of points around eyes, nose and mouth, varied in reach, with a soft wobbling edge."""
    points = np.array([[p.x, p.y] for p in marks])
    centre = points.mean(axis=0)
    apart = max(1.0, float(np.linalg.norm(points[1] - points[0])))
    up = (points[0] + points[1]) / 2 - (points[3] + points[4]) / 2
    up /= max(1e-6, float(np.linalg.norm(up)))
    along = np.array([-up[1], up[0]])
    reach = random.uniform(0.85, 1.25)
    ring = []
    for x, y in (
        (-1.1, 0.55),
        (-0.7, 0.95),
        (0, 1.05),
        (0.7, 0.95),
        (1.1, 0.55),
        (1.0, -0.6),
        (0.5, -1.25),
        (0, -1.4),
        (-0.5, -1.25),
        (-1.0, -0.6),
    ):
        ring.append(
            centre + reach * apart * (x * random.uniform(0.85, 1.1) * along + y * random.uniform(0.85, 1.1) * up)
        )
    hull = cv2.convexHull(np.array(ring, np.float32)).astype(np.int32)
    mask = np.zeros((side, side), np.float32)
    cv2.fillConvexPoly(mask, hull, 1.0)
    return soften(wobble(mask, random, apart * 0.1), random, apart)


def wobble(mask: Mask, random: np.random.Generator, amount: float) -> Mask:
    """Elastic deformation of a mask by a smooth random field of about ``amount`` pixels."""
    side = mask.shape[0]
    field = random.normal(0, 1, (2, 8, 8)).astype(np.float32)
    dx, dy = (cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC) * amount for part in field)
    ys, xs = np.mgrid[:side, :side].astype(np.float32)
    return np.asarray(np.clip(cv2.remap(mask, xs + dx, ys + dy, cv2.INTER_LINEAR), 0, 1), np.float32)


def soften(mask: Mask, random: np.random.Generator, apart: float) -> Mask:
    """Blur the edge of a mask by a random width, from hard to broad."""
    sigma = float(np.exp(random.uniform(np.log(0.6), np.log(max(1.0, 0.16 * apart)))))
    return np.asarray(np.clip(cv2.GaussianBlur(mask, (0, 0), sigma), 0, 1), np.float32)


def recolour(rgb: Picture, random: np.random.Generator, strength: float = 1.0) -> Picture:
    """Random shift of channels, contrast, brightness and saturation."""
    gain = 1 + random.uniform(-0.1, 0.1, 3) * strength
    grey = rgb.mean(axis=-1, keepdims=True)
    saturation = 1 + random.uniform(-0.25, 0.25) * strength
    changed = (grey + (rgb - grey) * saturation) * gain + random.uniform(-10, 10) * strength
    pivot = changed.mean()
    contrast = 1 + random.uniform(-0.12, 0.12) * strength
    return np.asarray(np.clip((changed - pivot) * contrast + pivot, 0, 255), np.float32)


def resample(rgb: Picture, random: np.random.Generator) -> Picture:
    """Lose or gain detail: shrink and enlarge again, or sharpen."""
    side = rgb.shape[0]
    if random.random() < 0.65:
        small = max(16, round(side * random.uniform(0.3, 0.9)))
        way = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[random.integers(4)]
        shrunk = cv2.resize(rgb, (small, small), interpolation=way)
        back = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[random.integers(2)]
        return np.clip(cv2.resize(shrunk, (side, side), interpolation=back), 0, 255).astype(np.float32)
    blurred = cv2.GaussianBlur(rgb, (0, 0), random.uniform(0.8, 2.0))
    return np.clip(rgb + (rgb - blurred) * random.uniform(0.3, 1.2), 0, 255).astype(np.float32)


def move(rgb: Picture, random: np.random.Generator, amount: float = 1.0) -> Picture:
    """Small affine displacement: up to 3 % in x, 2 % in y, 5 % in scale, 3 degrees (times ``amount``)."""
    side = rgb.shape[0]
    matrix = cv2.getRotationMatrix2D(
        (side / 2, side / 2), random.uniform(-3, 3) * amount, 1 + random.uniform(-0.05, 0.05) * amount
    )
    matrix[0, 2] += random.uniform(-0.03, 0.03) * side * amount
    matrix[1, 2] += random.uniform(-0.02, 0.02) * side * amount
    moved = cv2.warpAffine(rgb, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(np.clip(moved, 0, 255), np.float32)


def match_colour(source: Picture, target: Picture, mask: Mask) -> Picture:
    """Give the source the target's mean and spread per channel inside the mask."""
    inside = mask > 0.3
    if inside.sum() < 30:
        return source
    a, b = source[inside], target[inside]
    scaled = (source - a.mean(axis=0)) * (b.std(axis=0) + 1) / (a.std(axis=0) + 1) + b.mean(axis=0)
    return np.asarray(np.clip(scaled, 0, 255), np.float32)


def place(donor: Face, marks: Sequence[Point], side: int) -> Picture:
    """Warp another face so that its landmarks lie on ``marks`` (least squares similarity)."""
    source = np.array([[p.x, p.y] for p in donor.marks], np.float32)
    target = np.array([[p.x, p.y] for p in marks], np.float32)
    matrix: npt.NDArray[Any] | None = cv2.estimateAffinePartial2D(source, target, method=cv2.LMEDS)[0]
    if matrix is None:
        return donor.rgb
    moved = cv2.warpAffine(donor.rgb, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(np.clip(moved, 0, 255), np.float32)


def even_sharpness(forged: Picture, target: Picture, mask: Mask) -> Picture:
    """Sharpen or soften inside the mask until its Laplacian spread equals the target's: blur must not give it away."""
    inside = mask > 0.3
    if inside.sum() < 60:
        return forged
    wanted = _laplacian(target)[inside].std()
    best, gap = forged, abs(_laplacian(forged)[inside].std() - wanted)
    blurred = cv2.GaussianBlur(forged, (0, 0), 1.2)
    for amount in (-0.6, -0.3, 0.4, 0.8, 1.4, 2.2):
        trial = np.clip(forged + (forged - blurred) * amount, 0, 255).astype(np.float32)
        distance = abs(_laplacian(trial)[inside].std() - wanted)
        if distance < gap:
            best, gap = trial, distance
    return best


def _laplacian(rgb: Picture) -> Picture:
    found: Picture = cv2.Laplacian(rgb.mean(axis=-1), cv2.CV_32F)
    return found


def forge(kind: Kind, face: Face, donor: Face, random: np.random.Generator) -> Forgery:
    """Make one forgery of ``face``; ``donor`` is another person's and used by the paste kinds only."""
    side = face.rgb.shape[0]
    if kind is Kind.SELF_BLEND:
        mask = face_mask(face.marks, side, random)
        changed = move(resample(recolour(face.rgb, random), random), random)
    elif kind is Kind.OWN_ORGANS:
        mask = organ_mask(face.marks, side, _choose(random), random)
        changed = move(recolour(face.rgb, random), random, 1.5)
        changed = resample(changed, random) if random.random() < 0.7 else changed
    else:
        whole = kind is Kind.OTHER_FACE
        mask = face_mask(face.marks, side, random) if whole else organ_mask(face.marks, side, _choose(random), random)
        changed = place(donor, face.marks, side)
        if random.random() < 0.8:
            changed = match_colour(changed, face.rgb, mask)
        changed = recolour(changed, random, 0.4)
        if random.random() < 0.3:
            changed = resample(changed, random)
    if _monochrome(face.rgb):
        changed = np.repeat(changed.mean(axis=-1, keepdims=True), 3, axis=-1)
    mask = mask * float(random.choice([0.6, 0.8, 1.0, 1.0, 1.0]))
    if random.random() < 0.5:
        changed = even_sharpness(changed, face.rgb, mask)
    forged = np.clip(blend(changed, face.rgb, mask), 0, 255)
    return Forgery(np.rint(forged).astype(np.float32), mask)


def _monochrome(rgb: Picture) -> bool:
    """Colour in a black-and-white photograph would be too easy a sign."""
    return float(np.ptp(rgb, axis=-1).mean()) < 12


def _choose(random: np.random.Generator) -> list[str]:
    sets: Sequence[list[str]] = (
        ["mouth"],
        ["eyes"],
        ["nose"],
        ["left eye", "right eye"],
        ["left eye"],
        ["right eye"],
        ["left eye", "right eye", "mouth"],
        ["nose", "mouth"],
        ["left eye", "right eye", "nose", "mouth"],
    )
    return sets[int(random.integers(len(sets)))]
