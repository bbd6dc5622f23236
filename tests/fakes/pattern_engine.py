"""The real engine with two detectors of known pattern: one scores and maps and is validated for face swaps, the other
only scores and is validated for nothing.

Their answers follow from the crop alone, so that pictures and tests are the same on every machine. Everything around
them (media, faces, tracks, storage, overlays, report) is the real thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from tests.fakes.kind_figures import FAILING, THRESHOLD, standing
from tests.fakes.marked_engine import CARD
from workstation.app.engine import Engine
from workstation.app.workshop import Workshop
from workstation.domain.detectors import (
    Detector,
    DetectorCard,
    DetectorReading,
    InstalledDetector,
    OutputSpec,
    ValidationRecord,
)
from workstation.domain.faces import FaceCrop
from workstation.domain.kinds_of_forgery import ForgeryClass

SIDE = 128

RINGS = replace(
    CARD,
    id="rings",
    name="Rings",
    version="1.0",
    summary="A known pattern: a bright spot on the left eye, a ring on the mouth.",
    trace="nothing; the pattern is fixed",
    training="Not trained. The pattern is drawn.",
    limits=("Says nothing about the picture.", "Used to prove directions."),
    output=OutputSpec(CARD.output.direction, "0 to 1", False, SIDE),
    validation=(ValidationRecord("pattern", 10, 10, "AUC", 0.5, 0.4, 0.6),),
    card_sha256="2" * 64,
    kinds=(*standing(ForgeryClass.FACE_SWAP), FAILING),
    threshold=THRESHOLD,
)
SLOPE = replace(
    RINGS,
    id="slope",
    name="Slope",
    summary="A known score: how bright the crop is.",
    output=OutputSpec(CARD.output.direction, "0 to 1", False, 0),
    validation=(),
    card_sha256="3" * 64,
    kinds=(),
    threshold=None,
)

BOTH = (RINGS.id, SLOPE.id)
"""Slope is validated for nothing: an examination has it only when it is named."""


def rings_map() -> npt.NDArray[np.float32]:
    """(128, 128) in 0..1: a bright spot at (46, 52), a ring round (64, 92), black corners."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    spot = np.exp(-((x - 46) ** 2 + (y - 52) ** 2) / 60)
    ring = 0.7 * np.exp(-((np.hypot(x - 64, (y - 92) * 1.5) - 14) ** 2) / 22)
    return np.clip(spot + ring, 0, 1).astype(np.float32)


class _Pattern:
    device = "cpu"
    precision = "float32"

    def __init__(self, card: DetectorCard) -> None:
        self.card = card

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        readings = []
        for crop in crops:
            grey = cv2.cvtColor(crop.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
            if self.card.output.map_size:
                value = 0.5 + 0.4 * np.sin(40 * float(grey[100:140, 90:160].mean()))
                readings.append(DetectorReading(float(value), rings_map()))
            else:
                readings.append(DetectorReading(float(np.clip(grey.mean() * 0.7, 0, 1)), None))
        return readings


class _PatternWorkshop(Workshop):
    def detector(self, detector_id: str, card_sha256: str = "", settings: Mapping[str, str] | None = None) -> Detector:
        self.description = "CPU, float32, known patterns"
        return _Pattern(RINGS if detector_id == RINGS.id else SLOPE)


class PatternEngine(Engine):
    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.workshop = _PatternWorkshop(self.home.detectors, self.home.weights)

    def detectors(self) -> tuple[InstalledDetector, ...]:
        return (InstalledDetector(RINGS, "", True), InstalledDetector(SLOPE, "", True))
