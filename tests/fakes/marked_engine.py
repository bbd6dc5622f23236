"""An engine whose only detector sees pure red: its score and map say where a red mark is, so directions can be proved.

The detector is a fake with a known pattern; everything around it (media, faces, storage, overlays) is the real thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import skimage.data

from workstation.app.engine import Engine
from workstation.app.workshop import Workshop
from workstation.domain.detectors import (
    Detector,
    DetectorCard,
    DetectorReading,
    Direction,
    InputSpec,
    InstalledDetector,
    OutputSpec,
    WeightsSpec,
)
from workstation.domain.faces import FaceCrop
from workstation.domain.media import RgbArray
from workstation.faces.finder import FaceFinder

MAP_SIDE = 64

CARD = DetectorCard(
    id="red-mark",
    name="Red mark",
    version="1",
    family="test",
    summary="Answers to pure red.",
    trace="pure red",
    paper="",
    baseline=True,
    input=InputSpec(256, 256, 1.3, (0, 0, 0), (1, 1, 1), "bilinear"),
    output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, "share of pure red", False, MAP_SIDE),
    weights=WeightsSpec("none", "0" * 64, 0, "Apache-2.0", "no weights"),
    network={},
    training="none",
    limits=(),
    card_sha256="1" * 64,
)


class RedMarkDetector:
    """Map: red minus the larger of green and blue, 0..1, area-averaged to 64 x 64. Score: largest value of the map."""

    card = CARD
    device = "cpu"
    precision = "float32"

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        readings = []
        for crop in crops:
            rgb = crop.rgb.astype(np.float32) / 255
            red = np.clip(rgb[..., 0] - rgb[..., 1:].max(axis=-1) - 0.4, 0, 1) / 0.6
            field = cv2.resize(np.clip(red, 0, 1), (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_AREA)
            readings.append(DetectorReading(float(field.max()), field))
        return readings


class _MarkedWorkshop(Workshop):
    # Loading the face finder takes seconds; it holds no state, so every engine of a test run shares one.
    _shared: ClassVar[dict[str, FaceFinder]] = {}

    def finder(self, finder_id: str) -> FaceFinder:
        if finder_id not in self._shared:
            self._shared[finder_id] = super().finder(finder_id)
        return self._shared[finder_id]

    def detector(self, detector_id: str, card_sha256: str = "", settings: Mapping[str, str] | None = None) -> Detector:
        self.description = "CPU, float32"
        return RedMarkDetector()


class MarkedEngine(Engine):
    """The real engine with the fake detector on its gpu lane."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.workshop = _MarkedWorkshop(self.home.detectors, self.home.weights)

    def detectors(self) -> tuple[InstalledDetector, ...]:
        return (InstalledDetector(CARD, "", True),)


def marked_portrait(mark: tuple[int, int] | None = (200, 125), scale: float = 1.0) -> RgbArray:
    """The public-domain portrait with a red disc (radius 6 px before scaling) centred on ``mark`` (x, y)."""
    picture = np.asarray(skimage.data.astronaut()).copy()
    if mark is not None:
        cv2.circle(picture, mark, 6, (255, 0, 0), -1, cv2.LINE_AA)
    if scale != 1.0:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return picture
