"""The published path, as the benchmark's named reference: sequential OpenCV read, MTCNN at full size frame by frame,
one float32 tower call a face (methods: LN-tuned CLIP, arXiv 2503.19683, section on preprocessing).

It is kept plain on purpose. Nothing else in the product uses it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from workstation.domain.detectors import Detector
from workstation.domain.errors import DamagedMedia
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.faces.alignment import align


@dataclass(frozen=True, slots=True)
class PathTimes:
    """One pass: score of the largest face of each frame (None without a face) and seconds of its parts."""

    scores: tuple[float | None, ...]
    decode_s: float
    find_s: float
    score_s: float

    @property
    def total_s(self) -> float:
        return self.decode_s + self.find_s + self.score_s


class PublishedFinder:
    """facenet-pytorch's MTCNN exactly as released: one frame at a time, at full size."""

    def __init__(self, device: str = "cpu") -> None:
        from facenet_pytorch import MTCNN

        self._mtcnn = MTCNN(keep_all=True, device=device)

    def landmarks(self, rgb: np.ndarray) -> tuple[Point, ...] | None:
        """Five landmarks of the largest face, or None."""
        boxes, _, points = self._mtcnn.detect(rgb, landmarks=True)
        if boxes is None:
            return None
        sides = np.asarray(boxes, dtype=np.float64)
        best = int(np.argmax((sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1])))
        return tuple(Point(float(x), float(y)) for x, y in points[best])


def run_published(
    clip: Path,
    ordinals: Sequence[int],
    finder: PublishedFinder,
    tower: Detector,
    clock: Callable[[], float] = time.perf_counter,
) -> PathTimes:
    """Run the published path over the frames ``ordinals`` of ``clip``.

    Args:
        tower: a float32 detector; it is called with one face at a time.

    Raises:
        DamagedMedia: the clip ends before the last frame wanted.
    """
    start = clock()
    frames = _read_sequentially(clip, ordinals)
    decoded = clock()
    crops: list[FaceCrop | None] = []
    for rgb in frames:
        marks = finder.landmarks(rgb)
        crops.append(align(rgb, marks) if marks else None)
    found = clock()
    scores = tuple(tower.read([crop])[0].value if crop is not None else None for crop in crops)
    return PathTimes(scores, decoded - start, found - decoded, clock() - found)


def _read_sequentially(clip: Path, ordinals: Sequence[int]) -> list[np.ndarray]:
    wanted, frames = set(ordinals), []
    capture = cv2.VideoCapture(str(clip))
    try:
        for number in range(max(ordinals) + 1):
            good, bgr = capture.read()
            if not good:
                raise DamagedMedia(f"{clip.name} ends at frame {number}.")
            if number in wanted:
                frames.append(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    finally:
        capture.release()
    return frames
