"""What a score does when the picture is worse: JPEG, smaller pictures, noise, blur, video codecs, one at a time.

The face is found once, on the picture as it is; the whole picture is then made worse and the face cut again at the same
place. So a curve says what became of the detector's answer, and nothing on whether the face would still be found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.domain.media import RgbArray
from workstation.faces.alignment import align

Recode = Callable[[Sequence[RgbArray], str, int], list[RgbArray]]
"""Frames, codec ("h264" or "h265") and constant rate factor to the frames as they come back."""

CODECS = ("h264", "h265")
# How each is written for people, and the unit of its level.
FAMILIES = {
    "jpeg": ("JPEG compression", "quality"),
    "scale": ("Smaller picture", "side against the original"),
    "noise": ("Noise", "standard deviation in grey levels"),
    "blur": ("Blur", "sigma in pixels"),
    "h264": ("H.264, each frame by itself", "CRF"),
    "h265": ("H.265, each frame by itself", "CRF"),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One way of making a picture worse. ``family`` is one of `FAMILIES`, ``level`` in that family's unit."""

    family: str
    level: float

    @property
    def name(self) -> str:
        return f"{self.family} {self.level:g}"

    def apply(self, rgb: RgbArray, seed: int, recode: Recode | None = None) -> RgbArray:
        """The picture made worse: (height, width, 3) uint8, smaller for "scale".

        Args:
            seed: for noise; the same seed gives the same picture.
            recode: for video codecs.

        Raises:
            ValueError: an unknown family, or a video codec without ``recode``.
        """
        level = self.level
        if self.family == "jpeg":
            _, data = cv2.imencode(
                ".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, round(level)]
            )
            return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])
        if self.family == "scale":
            height, width = (max(1, round(side * level)) for side in rgb.shape[:2])
            return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        if self.family == "noise":
            added = np.random.default_rng(seed).normal(0, level, rgb.shape)
            return np.asarray(np.clip(np.rint(rgb + added), 0, 255), np.uint8)
        if self.family == "blur":
            return np.asarray(cv2.GaussianBlur(rgb, (0, 0), level), np.uint8)
        if self.family in CODECS and recode is not None:
            return recode([rgb], self.family, round(level))[0]
        raise ValueError(f"nothing is known of making a picture worse by {self.name}")


_PLAIN = (
    *(Condition("jpeg", q) for q in (90, 80, 70, 60, 50, 40, 30)),
    *(Condition("scale", s) for s in (0.75, 0.5, 1 / 3, 0.25)),
    *(Condition("noise", s) for s in (2, 5, 10)),
    *(Condition("blur", s) for s in (0.7, 1.5, 3)),
)
_CODECS = tuple(Condition(codec, crf) for codec in CODECS for crf in (23, 32, 40))


def conditions(recode: Recode | None = None) -> tuple[Condition, ...]:
    """Every condition of a robustness curve; video codecs only where there is something to encode with."""
    return _PLAIN + (_CODECS if recode is not None else ())


def cut_again(worse: RgbArray, was: tuple[int, int], landmarks: Sequence[Point], size: int, margin: float) -> FaceCrop:
    """The face at the same place of a picture that may be smaller now; ``was`` is its (height, width) before.

    Raises:
        LandmarksUnusable: as `workstation.faces.alignment.align`.
    """
    y, x = worse.shape[0] / was[0], worse.shape[1] / was[1]
    moved = [Point((mark.x + 0.5) * x - 0.5, (mark.y + 0.5) * y - 0.5) for mark in landmarks]
    return align(worse, moved, size=size, margin=margin)
