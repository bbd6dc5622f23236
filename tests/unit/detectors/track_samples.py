"""A family that reads tracks, for tests: its scores follow from the crops by a short formula."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from detector_samples import locator_card
from torch import nn

from workstation.detectors import allow
from workstation.detectors.weights import load_weights
from workstation.domain.detectors import (
    DetectorCard,
    DetectorReading,
    Direction,
    Level,
    Measure,
    OutputSpec,
    SequenceReading,
    TrackContext,
)
from workstation.domain.faces import FaceCrop


@dataclass
class TrackDetector:
    """Score: a weight times the mean brightness; measures: its spread, and the likeness to the claimed person."""

    card: DetectorCard
    weight: float
    device: str
    precision: str

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        assert self.card.output.level is Level.FACE, "a detector of tracks is never asked about one face"
        return [DetectorReading(self._score(crop)) for crop in crops]

    def read_track(self, crops: Sequence[FaceCrop], context: TrackContext) -> SequenceReading:
        assert self.card.output.least <= len(crops) <= self.card.output.sequence
        assert len(context.seconds) == len(crops)
        scores = [self._score(crop) for crop in crops]
        claimed = [p for p in context.gallery if p.claimed]
        measures = (
            Measure("spread", "spread of the scores", max(scores) - min(scores)),
            Measure("claimed", "brightness of the claimed person", self._score(claimed[0].crops[0])),
            Measure("unmeasured", "what could not be measured", None),
        )
        return SequenceReading(sum(scores) / len(scores), measures)

    def _score(self, crop: FaceCrop) -> float:
        return float(min(1.0, abs(self.weight) * crop.rgb.mean() / 255))


def build(card: DetectorCard) -> nn.Module:
    return nn.Linear(1, 1, bias=False)


def load(
    card: DetectorCard, folder: Path, *, device: str, precision: str, settings: Mapping[str, str]
) -> TrackDetector:
    with torch.device("meta"):
        network = build(card)
    load_weights(network, card, folder)
    return TrackDetector(card, float(network.get_parameter("weight").detach()[0, 0]), device, precision)


def track_card(level: Level = Level.TRACK, sequence: int = 16, least: int = 4) -> DetectorCard:
    card = locator_card(id="tiny-track", family="tiny_track", network={})
    output = OutputSpec(Direction.HIGHER_IS_MANIPULATED, "brightness, uncalibrated", False, 0, level, sequence, least)
    return replace(card, output=output)


@contextmanager
def offered(site: Path) -> Iterator[None]:
    """Offer this module as the family ``tiny_track`` of an allowed distribution while the block runs."""
    module = types.ModuleType("tiny_track_family")
    module.build, module.load = build, load  # type: ignore[attr-defined]  # made here
    info = site / "tiny_track_family-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-track-family\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{allow.GROUP}]\ntiny_track = tiny_track_family:load\n", encoding="utf-8")
    before = allow.allowed()
    sys.modules["tiny_track_family"] = module
    sys.path.insert(0, str(site))
    allow.only([*before, "tiny-track-family"])
    try:
        yield
    finally:
        allow.only(before)
        sys.path.remove(str(site))
        del sys.modules["tiny_track_family"]
