"""A detector's card: everything about a method and its weights that can be read without loading a network (P4, V3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from workstation.domain.faces import FaceCrop

MapArray = npt.NDArray[np.float32]


class Direction(StrEnum):
    """Which way a raw score points."""

    HIGHER_IS_MANIPULATED = "higher_is_manipulated"
    LOWER_IS_MANIPULATED = "lower_is_manipulated"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What the network is fed: an aligned crop of ``crop_size`` pixels at ``crop_margin``, resized to ``size``.

    ``mean`` and ``std`` apply to values 0..1 in RGB order; ``interpolation`` is "bicubic", "bilinear" or "area".
    """

    size: int
    crop_size: int
    crop_margin: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """``map_size`` is the side of the fakeness map in pixels, 0 when the detector gives none."""

    direction: Direction
    scale: str
    calibrated: bool
    map_size: int = 0


@dataclass(frozen=True, slots=True)
class WeightsSpec:
    """``file`` is relative to the package folder; ``sha256`` is 64 lower-case hexadecimal characters."""

    file: str
    sha256: str
    size: int
    licence: str
    origin: str


@dataclass(frozen=True, slots=True)
class ValidationRecord:
    """One measured figure on a named set, with its 95 % interval (V3, V4). ``value`` is None when not measured."""

    dataset: str
    items_genuine: int
    items_manipulated: int
    measure: str
    value: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """The card of a detector package.

    ``family`` names the code that runs it (entry point in group ``workstation.detectors``); ``network`` holds that
    family's own parameters (plain TOML values).
    """

    id: str
    name: str
    version: str
    family: str
    summary: str
    trace: str
    paper: str
    baseline: bool
    input: InputSpec
    output: OutputSpec
    weights: WeightsSpec
    network: Mapping[str, object]
    training: str
    limits: tuple[str, ...]
    validation: tuple[ValidationRecord, ...] = ()
    card_sha256: str = ""


@dataclass(frozen=True, slots=True)
class DetectorReading:
    """What a detector said about one crop.

    ``value`` is in 0..1 in the direction of the card. ``map`` is (side, side) float32 in 0..1 over the whole crop,
    1 meaning manipulated, or None.
    """

    value: float
    map: MapArray | None = None


class Detector(Protocol):
    """A loaded detector. It lives on the gpu lane's thread and is never shared across threads."""

    @property
    def card(self) -> DetectorCard: ...

    @property
    def device(self) -> str: ...

    @property
    def precision(self) -> str: ...

    def read(self, crops: Sequence[FaceCrop]) -> list[DetectorReading]:
        """Score a batch of aligned crops, in order.

        Raises:
            DeviceFault: when the device has too little memory even for a single crop.
        """
        ...


@dataclass(frozen=True, slots=True)
class InstalledDetector:
    """A package on this machine: its card, its folder, and whether it came with the program."""

    card: DetectorCard
    folder: str
    embedded: bool
    problem: str = field(default="")
