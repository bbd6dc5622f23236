"""Which pixels of a picture are face, by the five landmarks alone: where a map has to be right (V4).

Over a whole crop a pixel AUC is mostly "face, not background", which a blob in the middle answers without looking.
Inside the face it has to say which part of it was changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workstation.domain.geometry import Point
from workstation.faces.alignment import TEMPLATE

REACH = 1.25
"""Radius of the face in eye distances, about the middle of the five points.

On the template of the alignment the eyes lie 0.58 eye distances above that middle and the corners of the mouth 0.58
below it. With the usual proportions of adults (pupils 63 mm apart, brows about 25 mm above them, chin about 48 mm below
the mouth, cheekbones about 135 mm apart; Farkas, "Anthropometry of the Head and Face", 2nd ed. 1994) the brows end at
1.0, the cheeks at 1.1 and the chin at 1.3: a disc of 1.25 holds brows, eyes, cheeks, mouth and all but the lowest rim
of the chin, and leaves out hair, ears, neck and background. A disc, because it needs no direction and is the level set
of the prior it is held against.
"""

# Eyes to mouth on the template, beside eye to eye: a head that turns brings the eyes together and leaves this alone.
_EYES = float(np.hypot(*(TEMPLATE[1] - TEMPLATE[0])))
_DOWN = float(np.hypot(*((TEMPLATE[3] + TEMPLATE[4]) / 2 - (TEMPLATE[0] + TEMPLATE[1]) / 2)))


def eye_distance(marks: Sequence[Point]) -> float:
    """Eye distance in pixels that the face would have seen from the front, never below that of the marks themselves.

    Args:
        marks: eye, eye, nose tip, mouth corner, mouth corner.
    """
    eye, other, _, corner, far = (np.array([mark.x, mark.y]) for mark in marks)
    across = float(np.hypot(*(other - eye)))
    down = float(np.hypot(*((corner + far) / 2 - (eye + other) / 2)))
    return max(across, down * _EYES / _DOWN)


def closeness(marks: Sequence[Point], shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Minus the distance in pixels of each pixel from the middle of the five points: (height, width), at most 0.

    This is the prior that needs no picture: everything it says follows from where the face lies.
    """
    x, y = np.mean([[mark.x, mark.y] for mark in marks], axis=0)
    ys, xs = np.mgrid[: shape[0], : shape[1]]
    return np.asarray(-np.hypot(xs - x, ys - y), np.float64)


def face_area(marks: Sequence[Point], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """The pixels within `REACH` of the middle of the face: (height, width) bool."""
    return np.asarray(closeness(marks, shape) >= -REACH * eye_distance(marks), np.bool_)
