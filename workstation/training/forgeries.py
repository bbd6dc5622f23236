"""Pseudo-forgeries made from genuine crops alone: what each kind is made of.

Self-blended images after Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images" (CVPR 2022, section 3),
re-implemented from the description; faces and organs of other people or of another picture of the same person;
changed expressions; regions and whole faces resynthesised by a network trained here. Pictures are float32 RGB in
0..255, and a forgery equals its target wherever its mask is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from workstation.domain.errors import InputError
from workstation.domain.geometry import Point
from workstation.training.forging.blends import blend, compose
from workstation.training.forging.retouch import (
    even_sharpness,
    even_spectrum,
    match_colour,
    recolour,
    regrain,
    resample,
    with_colours_of,
    with_light_of,
)
from workstation.training.forging.shapes import (
    Mask,
    Picture,
    apart,
    face_mask,
    organ_mask,
    soften,
    touched,
    whole_mask,
    wobble,
)
from workstation.training.forging.warps import expression, move, place, place_exactly
from workstation.training.kinds import GENERATED, WITHOUT_NETWORKS, Blend, Kind, Maker, Truth

__all__ = [
    "Face",
    "Forgery",
    "Kind",
    "Mask",
    "Picture",
    "Remake",
    "blend",
    "even_sharpness",
    "face_mask",
    "forge",
    "organ_mask",
    "place",
    "self_blend",
    "soften",
    "target_map",
    "wobble",
]

# A network's answer to a picture of any side that is a multiple of 8: the same picture made anew, and by which network.
Remake = Callable[[Picture, np.random.Generator], tuple[Picture, Maker]]

_RATIOS = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
_ORGANS: tuple[tuple[str, ...], ...] = (
    ("mouth",),
    ("eyes",),
    ("nose",),
    ("left brow", "right brow"),
    ("left eye", "right eye"),
    ("left eye",),
    ("right eye",),
    ("left eye", "right eye", "left brow", "right brow"),
    ("left eye", "right eye", "mouth"),
    ("nose", "mouth"),
    ("left eye", "right eye", "nose", "mouth"),
)


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
    truth: Truth


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


def self_blend(
    face: Face,
    random: np.random.Generator,
    *,
    ratio: float | None = None,
    mask: Mask | None = None,
    changed: bool = True,
    change_target: bool = False,
) -> tuple[Picture, Picture, Mask]:
    """One self-blended pair: (genuine, forged, mask), all before post-processing.

    Args:
        ratio: factor of the mask; drawn from .25, .5, .75, 1, 1, 1 when not given.
        mask: drawn when not given.
        changed: False leaves out every change of colour, detail and place, so that the forged is the genuine.
        change_target: change the surroundings in place of the source, as the paper does for every second pair; the
            genuine picture of the pair is then the changed one.
    """
    side = face.rgb.shape[0]
    where = face_mask(face.marks, side, random) if mask is None else mask
    source, target = face.rgb, face.rgb
    if changed:
        altered = resample(recolour(face.rgb, random), random)
        if _monochrome(face.rgb):
            altered = _grey(altered)
        source, target = (source, altered) if change_target else (altered, target)
        source = move(source, random)
    if change_target:
        # As whole levels, so that a pair is equal outside its mask after it was stored.
        target = np.rint(target).astype(np.float32)
    weight = where * np.float32(random.choice(_RATIOS) if ratio is None else ratio)
    return target, _levels(blend(source, target, weight)), weight


def forge(kind: Kind, face: Face, donor: Face, random: np.random.Generator, remake: Remake | None = None) -> Forgery:
    """Make one forgery of ``face``.

    Args:
        donor: for the kinds that paste: another person's face, or for own organs another picture of the same person
            (the face itself where there is none). The other kinds do not look at it.
        remake: the network of the two resynthesised kinds.

    Raises:
        InputError: a resynthesised kind without a network, or a picture that is made of no face.
    """
    if kind is Kind.MADE_FACE:
        raise InputError("A picture of nobody is not made of a face.", "Give a folder of made pictures.")
    if kind is Kind.SELF_BLEND:
        _, forged, mask = self_blend(face, random)
        return Forgery(forged, mask, Truth(kind, organs=touched(mask, face.marks)))
    if kind is Kind.WARPED:
        changed, mask = expression(face.rgb, face.marks, random)
        how, maker = Blend.ALPHA, Maker.NONE
        changed = _retouched(changed, face.rgb, mask, random)
    elif kind in GENERATED:
        if remake is None:
            raise InputError("Resynthesised faces need generators.", "Train them first and name their file.")
        changed, mask, maker = _remade(kind, face, random, remake)
        how = Blend.ALPHA
        changed = _retouched(changed, face.rgb, mask, random)
    else:
        # Drawn before anything that looks at the pictures, so that a seed has one seam whatever is pasted.
        how, maker = (Blend.ALPHA, Blend.POISSON, Blend.PYRAMID)[random.choice(3, p=[0.4, 0.35, 0.25])], Maker.NONE
        changed, mask = _pasted(kind, face, donor, random)
    if _monochrome(face.rgb):
        changed = _grey(changed)
    mixed, exact = compose(how, changed, face.rgb, mask)
    return Forgery(_levels(mixed), exact, Truth(kind, how, maker, touched(exact, face.marks)))


def _pasted(kind: Kind, face: Face, donor: Face, random: np.random.Generator) -> tuple[Picture, Mask]:
    side = face.rgb.shape[0]
    if kind is Kind.OTHER_FACE:
        mask = face_mask(face.marks, side, random)
    else:
        mask = organ_mask(face.marks, side, _ORGANS[int(random.integers(len(_ORGANS)))], random)
    laid = place_exactly if random.random() < 0.5 else place
    changed = laid(donor.rgb, donor.marks, face.marks, side)
    if kind is Kind.OWN_ORGANS and donor is face:
        changed = move(match_colour(recolour(changed, random, 0.6), face.rgb, mask), random, 1.5)
        changed = resample(changed, random) if random.random() < 0.6 else changed
    else:
        if _monochrome(changed) and not _monochrome(face.rgb):
            changed = with_colours_of(changed, face.rgb)
        changed = match_colour(changed, face.rgb, mask) if random.random() < 0.9 else changed
        # Other light than the target's would be a sign of its own; a careful hand takes that away.
        if random.random() < 0.6:
            changed = with_light_of(changed, face.rgb, apart(face.marks) * random.uniform(0.25, 0.6))
        changed = recolour(changed, random, 0.25)
    opacity = np.float32(random.choice([0.8, 1.0, 1.0, 1.0]))
    return _retouched(changed, face.rgb, mask, random), mask * opacity


def _remade(kind: Kind, face: Face, random: np.random.Generator, remake: Remake) -> tuple[Picture, Mask, Maker]:
    side = face.rgb.shape[0]
    made, maker = remake(face.rgb, random)
    # A small network shifts colours, and "brown" must not become "manipulated".
    made = with_light_of(made, face.rgb, apart(face.marks) * random.uniform(0.04, 0.2))
    if kind is Kind.REMADE_FACE:
        return made, whole_mask(face.marks, side, random), maker
    if random.random() < 0.4:
        return made, face_mask(face.marks, side, random), maker
    return made, organ_mask(face.marks, side, _ORGANS[int(random.integers(len(_ORGANS)))], random), maker


def _retouched(changed: Picture, target: Picture, mask: Mask, random: np.random.Generator) -> Picture:
    """Sharpness and grain of the surroundings, more often than not: careless work must occur too."""
    evened, grained = random.random() < 0.75, random.random() < 0.6
    # Most of a picture without its grain or with another spectrum is no seam but a smoother picture, which would be a
    # sign by itself.
    if (mask > 0.3).mean() > 0.35:
        return even_spectrum(regrain(changed, target, mask, random), target, mask)
    if evened:
        changed = even_sharpness(changed, target, mask)
    return regrain(changed, target, mask, random) if grained else changed


def _levels(rgb: Picture) -> Picture:
    return np.rint(np.clip(rgb, 0, 255)).astype(np.float32)


def _grey(rgb: Picture) -> Picture:
    return np.repeat(rgb.mean(axis=-1, keepdims=True), 3, axis=-1).astype(np.float32)


def _monochrome(rgb: Picture) -> bool:
    """Colour in a black-and-white photograph would be too easy a sign."""
    return float(np.ptp(rgb, axis=-1).mean()) < 12


def unlike(one: Face, two: Face) -> float:
    """How badly a donor suits a face: colour and brightness of the inner face in levels, and pose. 0 is the same."""
    return float(np.abs(_look(one) - _look(two)).sum())


def _look(face: Face) -> np.ndarray:
    """Mean colour between the eyes and the mouth, and where the nose stands between the eyes, in levels."""
    eye, other, nose, corner, far = face.marks
    x0, x1 = sorted((round(eye.x), round(other.x)))
    y0, y1 = sorted((round((eye.y + other.y) / 2), round((corner.y + far.y) / 2)))
    spot = face.rgb[max(0, y0) : max(1, y1), max(0, x0) : max(1, x1)]
    mean = spot.mean(axis=(0, 1)) if spot.size else np.zeros(3)
    turned = (nose.x - (eye.x + other.x) / 2) / apart(face.marks)
    # A tenth of the distance of the eyes is worth thirty levels: a turned head is seen before a darker one.
    return np.append(mean, 300 * turned)


def kinds_with(remake: Remake | None) -> Sequence[Kind]:
    """The kinds that can be made of a face: all of them with a network, else those that need none."""
    return WITHOUT_NETWORKS if remake is None else (*WITHOUT_NETWORKS, *GENERATED)
