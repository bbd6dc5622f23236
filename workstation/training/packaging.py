"""From trained weights to a detector package: tensors, self-test, card, and proof that the package loads and scores.

A package appears whole or not at all: it is made and tried in a hidden folder beside its place.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from workstation.detectors import packages, registry
from workstation.detectors.cards import read_card, write_card
from workstation.detectors.packages import WEIGHTS_FILE
from workstation.domain.detectors import (
    Detector,
    DetectorCard,
    InstalledDetector,
    Level,
    SequenceDetector,
    TrackContext,
    ValidationRecord,
    WeightsSpec,
)
from workstation.domain.errors import DetectorError, InputError
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Affine, Point
from workstation.domain.kinds_of_forgery import KindFigure, Threshold

# Scores of one crop alone and in a batch differ by rounding only; bfloat16 carries 8 bits.
_ALIKE = 0.02


def write_package(card: DetectorCard, tensors: Mapping[str, Tensor], folder: Path) -> InstalledDetector:
    """Write a package and prove it by loading and scoring.

    Args:
        card: everything but the weights' file, digest and size, which are filled in here.
        folder: the package's own folder; its name is the card's id. A package already there is replaced.

    Raises:
        InputError: the folder's name is not the card's id.
        DetectorError: the package does not load, or scores differently alone and in a batch.
    """
    if folder.name != card.id:
        raise InputError(f"The folder of {card.id} must be called {card.id}, not {folder.name}.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch, old = folder.with_name(f".{card.id}.part"), folder.with_name(f".{card.id}.old")
    for left in (scratch, old):
        shutil.rmtree(left, ignore_errors=True)
    scratch.mkdir()
    try:
        written = packages.write_package(scratch, card, tensors)
        prove(InstalledDetector(written, str(scratch), False))
        if folder.exists():
            folder.rename(old)
        scratch.rename(folder)
    finally:
        for left in (scratch, old):
            shutil.rmtree(left, ignore_errors=True)
    return InstalledDetector(written, str(folder), False)


def record(
    folder: Path,
    validation: Sequence[ValidationRecord],
    *,
    kinds: Sequence[KindFigure] | None = None,
    threshold: Threshold | None = None,
) -> DetectorCard:
    """Write what was measured into the card of a package; its weights stay as they are.

    ``kinds`` and ``threshold`` of None were not measured now and stay as the card has them. Raises: CardInvalid.
    """
    card = dataclasses.replace(read_card(folder), validation=tuple(validation))
    if kinds is not None:
        card = dataclasses.replace(card, kinds=tuple(kinds))
    if threshold is not None:
        card = dataclasses.replace(card, threshold=threshold)
    return write_card(card, folder)


def renewed(card: Sequence[ValidationRecord], taken: Sequence[ValidationRecord]) -> list[ValidationRecord]:
    """A card's records with those taken now in the place of the same ones (set, measure and merging); the others, such
    as those that came with the package, stay."""
    now = {(one.dataset, one.measure, one.merge, one.schedule) for one in taken}
    kept = [one for one in card if (one.dataset, one.measure, one.merge, one.schedule) not in now]
    return [*kept, *taken]


def prove(package: InstalledDetector) -> None:
    """Load a package on the CPU and score the same crops alone, in a batch and again.

    Raises:
        DetectorError: a score is out of range, not repeatable, or another alone than in a batch.
    """
    detector = registry.load(package, device="cpu", precision="float32")
    if detector.card.output.level is Level.TRACK:
        _prove_track(cast(SequenceDetector, detector))
        return
    crops = made_crops(3, detector.card.input.crop_size)
    batch = detector.read(crops)
    again = detector.read(crops)
    alone = [detector.read([crop])[0] for crop in crops]
    for one, two, three in zip(batch, again, alone, strict=True):
        if not 0 <= one.value <= 1:
            raise DetectorError(f"{package.card.id} gave the score {one.value}, which is not in 0..1.")
        if one.value != two.value:
            raise DetectorError(f"{package.card.id} scored the same crop {one.value} and then {two.value}.")
        if abs(one.value - three.value) > _ALIKE:
            raise DetectorError(f"{package.card.id} scored {one.value} in a batch and {three.value} alone.")
    _prove_maps(detector, [reading.map for reading in batch])


def _prove_track(detector: SequenceDetector) -> None:
    crops = made_crops(detector.card.output.least, detector.card.input.crop_size)
    context = TrackContext(tuple(number / 25 for number in range(len(crops))))
    one, two = (detector.read_track(crops, context).value for _ in range(2))
    if one is None or not 0 <= one <= 1 or one != two:
        raise DetectorError(f"{detector.card.id} scored the same track {one} and then {two}.")


def _prove_maps(detector: Detector, maps: Sequence[object]) -> None:
    side = detector.card.output.map_size
    for field in maps:
        if not side:
            if field is not None:
                raise DetectorError(f"{detector.card.id} gave a map, its card says it gives none.")
        elif (
            not isinstance(field, np.ndarray) or field.shape != (side, side) or not 0 <= field.min() <= field.max() <= 1
        ):
            raise DetectorError(f"{detector.card.id} gave no map of {side} x {side} in 0..1.")


def made_crops(count: int, side: int, seed: int = 0) -> list[FaceCrop]:
    """Crops without a face: soft random colours. They prove that a network runs, not that it sees anything."""
    random = np.random.default_rng(seed)
    point = Point(side / 2, side / 2)
    crops = []
    for _ in range(count):
        coarse = torch.from_numpy(random.uniform(0, 255, (1, 3, 12, 12)).astype(np.float32))
        fine = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic").clamp(0, 255)
        rgb = np.ascontiguousarray(fine[0].permute(1, 2, 0).round().to(torch.uint8).numpy())
        crops.append(FaceCrop(rgb, Affine(1, 0, 0, 0, 1, 0), (point,) * 5))
    return crops


def no_weights(licence: str, origin: str) -> WeightsSpec:
    """The part of the weights' description that a person states; the rest is measured when they are written."""
    return WeightsSpec(WEIGHTS_FILE, "0" * 64, 1, licence, origin)
