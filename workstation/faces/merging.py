"""From what a network saw at several scales to one list of faces."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from workstation.domain.errors import LandmarksUnusable
from workstation.domain.faces import FaceDetection
from workstation.faces.alignment import TEMPLATE, similarity

# Two detections are one face when their points lie closer than this share of the smaller face, or the boxes overlap so.
_SAME_POINTS = 0.25
_SAME_BOX = 0.5


def _usable(face: FaceDetection) -> bool:
    box = face.box
    if not all(math.isfinite(v) for v in (box.x0, box.y0, box.x1, box.y1, face.confidence)) or box.area <= 0:
        return False
    try:
        similarity(np.array([[p.x, p.y] for p in face.landmarks], dtype=np.float64), TEMPLATE)
    except LandmarksUnusable:
        return False
    return True


def _same(one: FaceDetection, other: FaceDetection) -> bool:
    if one.box.iou(other.box) > _SAME_BOX:
        return True
    size = math.sqrt(min(one.box.area, other.box.area))
    apart = sum(math.hypot(p.x - q.x, p.y - q.y) for p, q in zip(one.landmarks, other.landmarks, strict=True)) / 5
    return apart < _SAME_POINTS * size


def merged(*searches: Iterable[FaceDetection]) -> list[FaceDetection]:
    """Keep one detection per face and sort them by box area, largest first.

    Args:
        searches: detections of each search, the most trusted first. Of the same face an earlier search's detection is
            kept; within one search the most confident.

    What cannot be a face is left out: an empty or non-finite box, or five points that lie on one another or are only a
    mirror image of a face (`alignment.similarity` refuses them), which networks give for false alarms.
    """
    kept: list[FaceDetection] = []
    for faces in searches:
        for face in sorted(filter(_usable, faces), key=lambda f: (-f.confidence, -f.box.area, f.box.x0, f.box.y0)):
            if not any(_same(face, other) for other in kept):
                kept.append(face)
    return sorted(kept, key=lambda f: (-f.box.area, f.box.x0, f.box.y0))
