"""A detector's card: everything about a method and its weights that can be read without loading a network (P4, V3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from workstation.domain.faces import FaceCrop
from workstation.domain.kinds_of_forgery import KindFigure, Threshold

MapArray = npt.NDArray[np.float32]


class Direction(StrEnum):
    """Which way a raw score points."""

    HIGHER_IS_MANIPULATED = "higher_is_manipulated"
    LOWER_IS_MANIPULATED = "lower_is_manipulated"


class Level(StrEnum):
    """What a detector scores: every face of every frame, or a track as a whole and nothing else."""

    FACE = "face"
    TRACK = "track"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What the network is fed: an aligned crop of ``crop_size`` pixels at ``crop_margin``, resized to ``size``.

    ``mean`` and ``std`` apply to values 0..1 in the order ``colour`` ("rgb" or "bgr") that the network is fed;
    ``interpolation`` is "bicubic", "bilinear" or "area".
    """

    size: int
    crop_size: int
    crop_margin: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    colour: str = "rgb"


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """What the detector gives.

    Attributes:
        map_size: side of the fakeness map in pixels, 0 when the detector gives none.
        level: ``TRACK`` detectors give nothing for a single frame.
        sequence: the most crops of one track that are read together (`SequenceDetector`), spread evenly over it; 0
            when the detector has no reading of a whole track.
        least: the fewest crops of a track it needs; with fewer it abstains.
    """

    direction: Direction
    scale: str
    calibrated: bool
    map_size: int = 0
    level: Level = Level.FACE
    sequence: int = 0
    least: int = 1


@dataclass(frozen=True, slots=True)
class SelfTestSpec:
    """The sealed self-test of a package: fixed crops with the answers its maker got on a CPU in float32.

    ``file`` is relative to the package folder; ``tolerance`` is the largest difference of a score that passes.
    """

    file: str
    sha256: str
    tolerance: float


@dataclass(frozen=True, slots=True)
class WeightsSpec:
    """``file`` (safetensors or ONNX) is relative to the package folder; ``sha256`` is 64 lower-case hexadecimal
    characters."""

    file: str
    sha256: str
    size: int
    licence: str
    origin: str


@dataclass(frozen=True, slots=True)
class ValidationRecord:
    """One measured figure on a named set, with its 95 % interval (V3, V4).

    ``merge`` and ``schedule`` say with how much token merging it was measured: ``merge`` tokens fewer after each block,
    where (`workstation.detectors.merging`); 0 and "" without.
    """

    dataset: str
    items_genuine: int
    items_manipulated: int
    measure: str
    value: float
    low: float
    high: float
    note: str = ""
    merge: int = 0
    schedule: str = ""


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """The card of a detector package.

    ``family`` names the code that runs it (entry point in group ``workstation.detectors``); ``network`` holds that
    family's own parameters (plain TOML values). ``verified`` and ``unverified`` say, line by line, what was and what
    was not held against the publication. ``kinds`` are the figures by kind of forgery, from which is computed for what
    a score may be shown (`kinds_of_forgery.validated_kinds`); ``threshold`` is None where the package ships none.
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
    self_test: SelfTestSpec | None = None
    verified: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    kinds: tuple[KindFigure, ...] = ()
    threshold: Threshold | None = None


@dataclass(frozen=True, slots=True)
class DetectorReading:
    """What a detector said about one crop.

    ``value`` is in 0..1 in the direction of the card. ``map`` is (side, side) float32 in 0..1 over the whole crop,
    1 meaning manipulated, or None.
    """

    value: float
    map: MapArray | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """A named number beside a score, always uncalibrated.

    Attributes:
        name: an identifier that does not change between versions, such as "reference_median".
        label: the same for people, such as "similarity to the reference, median".
        value: None when it could not be measured; ``about`` says why then.
        low, high: the spread that ``about`` names (such as "5 % to 95 % of 32 frames"), or None.
        exploratory: it was not validated and supports no statement (X9).
    """

    name: str
    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    about: str = ""
    exploratory: bool = False


@dataclass(frozen=True, slots=True)
class GalleryPerson:
    """Reference crops of one person of the case; ``claimed`` is the person whom the exhibit is said to show."""

    name: str
    claimed: bool
    crops: tuple[FaceCrop, ...]


@dataclass(frozen=True, slots=True)
class TrackContext:
    """What is known about a track beside its crops: presentation time of each in seconds, and the case's gallery."""

    seconds: tuple[float, ...]
    gallery: tuple[GalleryPerson, ...] = ()


@dataclass(frozen=True, slots=True)
class SequenceReading:
    """What a detector said about a track as a whole. ``value`` is in 0..1 in the direction of the card, or None when
    there are measures alone. ``note`` is one sentence, or empty."""

    value: float | None
    measures: tuple[Measure, ...] = ()
    note: str = ""


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


class SequenceDetector(Detector, Protocol):
    """A loaded detector that reads a track as a whole; its card's ``output.sequence`` is above 0."""

    def read_track(self, crops: Sequence[FaceCrop], context: TrackContext) -> SequenceReading:
        """Read ``output.least`` to ``output.sequence`` crops of one track, in order of time.

        Raises:
            DeviceFault, InputError: as `Detector.read`.
        """
        ...


@dataclass(frozen=True, slots=True)
class InstalledDetector:
    """A package on this machine: its card, its folder, and whether it came with the program."""

    card: DetectorCard
    folder: str
    embedded: bool
    problem: str = field(default="")
