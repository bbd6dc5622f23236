"""The real engine with detectors of known answers: one wants another crop, two read whole tracks; one is validated for
face swaps, one for every kind of forgery, two for none.

What they say follows from their crops alone: the brightness of each. They also keep what they were given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.fakes.kind_figures import standing
from tests.fakes.pattern_engine import SLOPE
from workstation.app.engine import Engine
from workstation.app.workshop import Workshop
from workstation.domain.detectors import (
    DetectorCard,
    DetectorReading,
    Direction,
    InputSpec,
    InstalledDetector,
    Level,
    Measure,
    OutputSpec,
    SequenceDetector,
    SequenceReading,
    TrackContext,
    ValidationRecord,
)
from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop
from workstation.domain.kinds_of_forgery import ForgeryClass

WIDE = replace(
    SLOPE,
    id="wide",
    input=InputSpec(64, 128, 2.0, (0, 0, 0), (1, 1, 1), "bilinear"),
    output=OutputSpec(Direction.LOWER_IS_MANIPULATED, "brightness", False),
    validation=(ValidationRecord("pattern", 10, 10, "AUC", 0.5, 0.4, 0.6, merge=2, schedule="even"),),
    card_sha256="4" * 64,
    kinds=standing(ForgeryClass.FACE_SWAP),
)
PACE = replace(
    SLOPE,
    id="pace",
    output=OutputSpec(Direction.LOWER_IS_MANIPULATED, "brightness", False, 0, Level.TRACK, 6, 3),
    card_sha256="5" * 64,
)
BOTH = replace(
    SLOPE,
    id="both",
    output=OutputSpec(Direction.HIGHER_IS_MANIPULATED, "brightness", False, 0, Level.FACE, 4, 1),
    card_sha256="6" * 64,
    kinds=standing(*ForgeryClass),
)
CARDS = {card.id: card for card in (SLOPE, WIDE, PACE, BOTH)}


def brightness(crop: FaceCrop) -> float:
    return float(crop.rgb.mean() / 255)


class KnownDetector:
    """``seen`` and ``tracks``: every crop read by itself, and every track read as a whole."""

    device = "cpu"
    precision = "float32"

    def __init__(self, card: DetectorCard) -> None:
        self.card = card
        self.seen: list[FaceCrop] = []
        self.tracks: list[tuple[FaceCrop, ...]] = []
        self.fails = False
        self.shift = 0.0

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        if self.card.output.level is Level.TRACK:
            raise InputError("This detector reads whole tracks.")
        self.seen += crops
        return [DetectorReading(brightness(crop)) for crop in crops]

    def read_track(self, crops: Sequence[FaceCrop], context: TrackContext) -> SequenceReading:
        assert len(crops) == len(context.seconds)
        if self.fails:
            raise InputError("It fails on purpose.")
        self.tracks.append(tuple(crops))
        values = [brightness(crop) for crop in crops]
        spread = Measure(
            "spread", "brightness, spread", float(np.std(values)), min(values), max(values), "least to most", True
        )
        return SequenceReading(float(np.mean(values)) + self.shift, (spread,), "Brightness of the crops.")


class _Known(Workshop):
    def __init__(self, detectors: Path, weights: Path) -> None:
        super().__init__(detectors, weights)
        self.made: dict[str, KnownDetector] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def detector(
        self, detector_id: str, card_sha256: str = "", settings: Mapping[str, str] | None = None
    ) -> SequenceDetector:
        self.description = "CPU, float32, known answers"
        self.asked.append((detector_id, dict(settings or {})))
        return self.made.setdefault(detector_id, KnownDetector(CARDS[detector_id]))


class TrackEngine(Engine):
    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.known = _Known(self.home.detectors, self.home.weights)
        self.workshop = self.known

    def detectors(self) -> tuple[InstalledDetector, ...]:
        return tuple(InstalledDetector(card, "", True) for card in CARDS.values())
