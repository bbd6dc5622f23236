"""A finder and detectors without networks, so that a run takes a second; all around them is the real thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.fakes.clips import astronaut_rgb
from tests.fakes.pattern_engine import RINGS, SLOPE, _Pattern
from workstation.domain.detectors import Detector, InstalledDetector
from workstation.domain.faces import FaceDetection
from workstation.domain.geometry import Box, Point
from workstation.domain.media import RgbArray
from workstation.media.clips import write_clip

WIDTH, HEIGHT, LEFT = 480, 400, 40
_SCALE = HEIGHT / 240
# Where a real finder (mtcnn) sees the portrait's face when it is 240 pixels high.
_BOX = (85.4, 29.9, 124.8, 82.5)
_POINTS = ((96.5, 47.7), (116.2, 49.1), (106.1, 60.6), (95.3, 66.1), (115.0, 67.5))


class KnownFace:
    """Finds the one face of :func:`write_face_clip`, where it was put."""

    id = "mtcnn"
    weights_sha256 = "0" * 64
    settings: Mapping[str, float] = {}

    def find(self, frames: Sequence[RgbArray]) -> list[list[FaceDetection]]:
        x0, y0, x1, y1 = (value * _SCALE for value in _BOX)
        one, two, three, four, five = (Point(x * _SCALE + LEFT, y * _SCALE) for x, y in _POINTS)
        face = FaceDetection(Box(x0 + LEFT, y0, x1 + LEFT, y1), (one, two, three, four, five), 0.99, self.id)
        return [[face] for _ in frames]


def fit_out() -> None:
    """Give every engine of this process the known face and the two pattern detectors, and no device to look for."""
    from workstation.app.engine import Engine
    from workstation.app.workshop import Workshop
    from workstation.detectors import runtime

    packages = (InstalledDetector(RINGS, "", True), InstalledDetector(SLOPE, "", True))

    def detector(
        workshop: Workshop, detector_id: str, card_sha256: str = "", settings: Mapping[str, str] | None = None
    ) -> Detector:
        workshop.description = "CPU, float32, known patterns"
        return _Pattern(RINGS if detector_id == RINGS.id else SLOPE)

    patched: Any = Engine
    patched.detectors = lambda _: packages
    patched = Workshop
    patched.finder = lambda *_: KnownFace()
    patched.detector = detector
    patched = runtime
    patched.devices = lambda: {"cpu": "a processor"}


def write_face_clip(path: Path, count: int, seed: int = 0) -> Path:
    """``count`` frames of the portrait, each with a mark of its own so that no two frames are alike."""
    portrait = astronaut_rgb(HEIGHT)

    def frames() -> Iterator[RgbArray]:
        for number in range(count):
            frame = np.full((HEIGHT, WIDTH, 3), 96, np.uint8)
            frame[:, LEFT : LEFT + HEIGHT] = portrait
            frame[300:340, 4 : 4 + (number * 5) % 30] = (seed * 37) % 200 + 30
            frame[:, 450:] = (number * 11 + seed * 53) % 256
            yield frame

    write_clip(path, frames())
    return path
