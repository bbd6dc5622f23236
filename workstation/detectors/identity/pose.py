"""Pose and expression from five landmarks: proxies, good enough to sort frames by, not measurements of a head.

Yaw is `workstation.faces.quality.yaw`, degrees from a mean head. Pitch and mouth are bare ratios without a unit. All
are computed in the crop, whose alignment is a similarity, so they are those of the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.faces.alignment import TEMPLATE
from workstation.faces.quality import yaw

Numbers = npt.NDArray[np.float64]

BIN_DEGREES = 15.0


@dataclass(frozen=True, slots=True)
class Poses:
    """One number for each face, each (n,) float64.

    Attributes:
        yaw: degrees, positive when the nose points to the right of the picture.
        pitch: how far the nose tip lies from the eyes towards the mouth, as a share of that distance, less the same
            share of the ArcFace template; about 0 for a level frontal head, positive when the head is bowed.
        mouth: width of the mouth over the distance of the eyes.
    """

    yaw: Numbers
    pitch: Numbers
    mouth: Numbers

    @property
    def bins(self) -> npt.NDArray[np.int64]:
        """Number of the yaw bin of each face: bins of 15 degrees, bin 0 from -7.5 to 7.5."""
        return np.asarray(np.floor(self.yaw / BIN_DEGREES + 0.5), np.int64)

    @property
    def expression(self) -> Numbers:
        """Expression energy: how far the mouth's width is from the track's median, as a share of it (absolute)."""
        if len(self.mouth) == 0:
            return self.mouth
        middle = max(float(np.median(self.mouth)), 1e-6)
        return np.asarray(np.abs(self.mouth / middle - 1.0), np.float64)


def poses(crops: Sequence[FaceCrop]) -> Poses:
    """Pose proxies of crops, in order."""
    marks = [crop.landmarks for crop in crops]
    return Poses(
        np.array([yaw(points) for points in marks], np.float64),
        np.array([_nose(points) - _LEVEL for points in marks], np.float64),
        np.array([_mouth(points) for points in marks], np.float64),
    )


def _nose(landmarks: Sequence[Point]) -> float:
    points = np.array([[p.x, p.y] for p in landmarks], np.float64)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down = mouth - eyes
    length = float(np.dot(down, down))
    return float(np.dot(points[2] - eyes, down) / length) if length > 1e-9 else _LEVEL


def _mouth(landmarks: Sequence[Point]) -> float:
    points = np.array([[p.x, p.y] for p in landmarks], np.float64)
    apart = float(np.hypot(*(points[1] - points[0])))
    return float(np.hypot(*(points[4] - points[3])) / max(apart, 1e-6))


_LEVEL = 0.5
_LEVEL = _nose([Point(float(x), float(y)) for x, y in TEMPLATE])
