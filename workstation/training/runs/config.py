"""The configuration of a training run: one TOML file, typed, with every unknown field refused by its name.

Nothing here loads a network library: a configuration can be checked before anything heavy is started.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from workstation.domain.errors import InputError
from workstation.training.runs.reading import read_table

FAMILIES = ("clip_ln", "fakelocator", "mfclip", "addnet2d", "addnet3d", "effort", "adapter", "mesonet", "timm_vit")
Train = Literal["ln", "full", "scratch", "adapters"]
# What of a family can be trained. LayerNorms alone and adapters stand on a tower that was trained before.
WAYS: Mapping[str, tuple[str, ...]] = {
    "clip_ln": ("ln", "full", "scratch"),
    "timm_vit": ("ln", "full", "scratch"),
    "effort": ("adapters",),
    "adapter": ("adapters",),
}
_PLAIN_WAYS = ("full", "scratch")
# Losses of a family: names and the weights they have where the configuration says nothing.
LOSSES: Mapping[str, Mapping[str, float]] = {
    "clip_ln": {"class": 1.0, "alignment": 0.1, "uniformity": 0.5, "map": 0.0},
    "timm_vit": {"class": 1.0, "alignment": 0.1, "uniformity": 0.5},
    "fakelocator": {"class": 1.0, "map": 1.0, "map_entropy": 0.0, "mask_entropy": 0.0},
    "mfclip": {"class": 1.0, "contrastive": 1.0, "language": 1.0},
    "addnet2d": {"class": 1.0},
    "addnet3d": {"class": 1.0},
    "effort": {"class": 1.0, "orthogonal": 1.0, "energy": 1.0},
    "adapter": {"class": 1.0, "absolute": 10.0, "squared": 200.0, "intra": 20.0, "inter": 10.0},
    "mesonet": {"class": 1.0},
}
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NO_LICENCE = ("", "unknown", "none", "not stated", "n/a", "?", "-")


@dataclass(frozen=True, slots=True)
class DataPart:
    """Where faces come from.

    Attributes:
        source: "portraits" (dataset folders of genuine pictures, of which pseudo-forgeries are made), "pool" (one that
            was made before) or "dataset" (genuine and manipulated files that a reader of ``kind`` understands).
        root: the folder; relative to the configuration.
        frames: of "dataset": frames taken of each video, spread over its length.
        views, per_view: of "portraits": genuine crops of a picture, and forgeries of every kind of each.
        generators: of "portraits": file of trained generators, relative to the configuration; without one no face is
            resynthesised.
        made: of "portraits": folder of pictures that other generators made, relative to the configuration
            (:mod:`workstation.training.made`).
        carriers: of "made": its pictures of nobody are forged, in place of standing for forgeries.
        matched: of "made": every forgery has a genuine crop with the same seam (:mod:`workstation.training.seams`).
        validate_on: the split that early stopping looks at; figures are taken on "test", so it is never that.
        hold_out: of "dataset" without that split: the share of its training groups that is held out instead, 0 for
            none.
        strength: of post-processing shared by the pictures of a pair, 0..1; apart: of sharpness drawn apart, in pixels.
        genuine_only: FakeLocator's partial augmentation, for reproducing it alone; see `Batches`.
        seed: of the pool and of what is held out.
        leave_out: kinds of forgery, or methods of a dataset, that nothing is trained on; all are validated on.
        note: what stands on the card about these data: origin and licence.
        options: of "dataset": what its reader is told beyond the folder.
    """

    source: Literal["portraits", "pool", "dataset"]
    root: str
    kind: str = ""
    frames: int = 8
    views: int = 2
    per_view: int = 2
    generators: str = ""
    made: str = ""
    carriers: bool = False
    matched: bool = False
    validate_on: str = "val"
    hold_out: float = 0.0
    strength: float = 1.0
    apart: float = 1.0
    genuine_only: bool = False
    seed: int = 0
    leave_out: tuple[str, ...] = ()
    note: str = ""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class DetectorPart:
    """What is trained: ``family`` and the ``scale`` of its card; entries of ``network`` take the place of the card's.

    Attributes:
        variant: of mesonet "meso4" or "mesoinception4", of timm_vit "pe" or "dinov3"; empty for the first of them.
        size: side of the network's input in pixels, 0 for the card's.
        train: "ln" (LayerNorms and head), "full" (all, from ``start``), "scratch" (all, freshly drawn) or "adapters"
            (what effort and adapter add to a frozen tower).
        start: weights to start from: a package's folder or a CLIP file, relative to the configuration.
        start_detector: the same as the id of a detector of this machine.
    """

    family: str
    scale: Literal["paper", "small"] = "small"
    variant: str = ""
    size: int = 0
    train: Train = "scratch"
    start: str = ""
    start_detector: str = ""
    network: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class OptimiserPart:
    """``betas`` are Adam's; ``momentum`` is that of "sgd"."""

    rate: float
    kind: Literal["adamw", "adam", "sgd"] = "adamw"
    decay: float = 0.0
    betas: tuple[float, ...] = (0.9, 0.999)
    momentum: float = 0.9


@dataclass(frozen=True, slots=True)
class SchedulePart:
    """The rate over the run: ``warm_up`` and ``every`` are shares of it (0..1).

    "constant"; "cosine" falls from the rate to ``floor`` times it, ``cycles`` times; "step" multiplies it by ``factor``
    after every share ``every``; "linear" holds it for the share ``hold`` and falls to nothing.
    """

    kind: Literal["constant", "cosine", "step", "linear"] = "cosine"
    warm_up: float = 0.0
    floor: float = 0.0
    cycles: int = 1
    every: float = 0.5
    factor: float = 0.1
    hold: float = 0.75


@dataclass(frozen=True, slots=True)
class RunPart:
    """How it runs.

    Attributes:
        pairs: genuine crops in a batch, each with a manipulated one beside it; of sequences the same.
        steps, minutes: the budget, one of the two. Minutes become steps once, by a measurement at the start.
        frames: crops of a sequence, for families that read tracks.
        window: side in pixels of the part of the input that is trained on, the same part for both of a pair; 0 for all
            of it. What is fed later is whole, so this is for convolutional families alone.
        ema: weight of the past in the averaged weights, 0 for none; what is validated and packaged is the average.
        clip: largest norm of the gradient, 0 for no limit.
        patience: validations without a better one after which the run ends, 0 for never.
        workers: processes that prepare batches, 0 for none. threads: of torch, 0 for its own choice.
        devices, strategy: how many devices, and which of Lightning's strategies joins them.
    """

    pairs: int
    steps: int = 0
    minutes: float = 0.0
    seed: int = 0
    frames: int = 8
    window: int = 0
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    ema: float = 0.998
    clip: float = 1.0
    validate_every: int = 500
    checkpoint_every: int = 200
    patience: int = 0
    workers: int = 0
    threads: int = 0
    devices: int = 1
    strategy: str = "auto"


@dataclass(frozen=True, slots=True)
class LatentPart:
    """Latent augmentation by slerp: "none", "replace", "expand" (``times`` as many) or "beside" (a second term)."""

    way: Literal["none", "replace", "expand", "beside"] = "none"
    times: int = 8


@dataclass(frozen=True, slots=True)
class PackagePart:
    """What is packaged. ``limits`` are added to the family's own; ``install`` files the package on this machine."""

    id: str
    name: str
    licence: str
    version: str = "0.1"
    baseline: bool = True
    limits: tuple[str, ...] = ()
    install: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """One run. ``sha256`` is the digest of the file; ``folder`` is what its relative paths start from."""

    data: DataPart
    detector: DetectorPart
    optimiser: OptimiserPart
    run: RunPart
    package: PackagePart
    format: int = 1
    schedule: SchedulePart = SchedulePart()
    latent: LatentPart = LatentPart()
    losses: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    sha256: str = ""
    folder: str = ""

    def path(self, name: str) -> Path:
        """A path named in the file."""
        return Path(self.folder) / Path(name).expanduser()

    def weights(self) -> dict[str, float]:
        """Every loss of the family with its weight."""
        return {**LOSSES[self.detector.family], **self.losses}


def read_config(path: Path) -> Config:
    """Read and check a configuration.

    Raises:
        InputError: naming the field that is unknown, missing, of another kind or out of range.
    """
    try:
        data = path.read_bytes()
        table = tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).", "Name a training configuration.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path.name} is not TOML: {error}.", "Correct the configuration.") from error
    for name in ("sha256", "folder"):
        if name in table:
            raise InputError(f'A training configuration has no field "{name}".', "Take it out.")
    config = read_table(Config, table)
    return check(replace(config, sha256=hashlib.sha256(data).hexdigest(), folder=str(path.resolve().parent)))


def check(config: Config) -> Config:
    """The configuration itself when its parts fit each other. Raises: InputError naming the field."""
    _check_detector(config)
    data, run, package = config.data, config.run, config.package
    if config.format != 1:
        raise _bad("format", "1")
    if data.validate_on.lower().startswith("test"):
        raise InputError(
            'Field "data.validate_on" names the test split: what stops a run is no longer test data.',
            'Say "val", or hold a share of the training groups out with data.hold_out.',
        )
    if data.source == "dataset" and not data.kind:
        raise _bad("data.kind", "the reader of the dataset")
    if (run.steps > 0) == (run.minutes > 0):
        raise InputError("A run has a budget in steps or in minutes, one of the two.", "Give run.steps or run.minutes.")
    ranges = (
        ("data.hold_out", data.hold_out, 0, 0.5),
        ("data.strength", data.strength, 0, 1),
        ("data.apart", data.apart, 0, 10),
        ("data.frames", data.frames, 1, 10_000),
        ("data.views", data.views, 1, 1000),
        ("data.per_view", data.per_view, 1, 1000),
        ("run.pairs", run.pairs, 1, 4096),
        ("run.frames", run.frames, 1, 4096),
        ("run.window", run.window, 0, 1024),
        ("run.steps", run.steps, 0, 10**9),
        ("run.minutes", run.minutes, 0, 10**6),
        ("run.seed", run.seed, 0, 2**31),
        ("run.ema", run.ema, 0, 0.999999),
        ("run.clip", run.clip, 0, 1e9),
        ("run.validate_every", run.validate_every, 1, 10**9),
        ("run.checkpoint_every", run.checkpoint_every, 1, 10**9),
        ("run.patience", run.patience, 0, 10**6),
        ("run.workers", run.workers, 0, 256),
        ("run.threads", run.threads, 0, 1024),
        ("run.devices", run.devices, 1, 64),
        ("optimiser.rate", config.optimiser.rate, 1e-12, 100),
        ("optimiser.decay", config.optimiser.decay, 0, 100),
        ("schedule.warm_up", config.schedule.warm_up, 0, 0.9),
        ("schedule.floor", config.schedule.floor, 0, 1),
        ("schedule.cycles", config.schedule.cycles, 1, 10_000),
        ("schedule.every", config.schedule.every, 0.001, 1),
        ("schedule.factor", config.schedule.factor, 0, 1),
        ("schedule.hold", config.schedule.hold, 0, 0.999),
        ("latent.times", config.latent.times, 1, 64),
    )
    for name, value, least, most in ranges:
        if not least <= value <= most:
            raise _bad(name, f"from {least:g} to {most:g}")
    if run.window and config.detector.family != "fakelocator":
        raise InputError(f"{config.detector.family} is not trained on parts of its input.", "Take run.window out.")
    if run.window % 32:
        raise _bad("run.window", "a multiple of 32")
    if (data.carriers or data.matched) and not data.made:
        raise InputError(
            "Carriers and matched seams need made pictures, and none are named.", "Name their folder in data.made."
        )
    if data.carriers and data.matched:
        raise InputError("Made pictures are carriers, or seams are matched with them.", "Take one of the two out.")
    if data.made and data.source != "portraits":
        raise InputError("Made pictures stand beside portraits alone.", "Take data.made out.")
    if len(config.optimiser.betas) != 2 or not all(0 <= beta < 1 for beta in config.optimiser.betas):
        raise _bad("optimiser.betas", "two numbers from 0 to below 1")
    if not _ID.fullmatch(package.id):
        raise _bad("package.id", 'lower-case letters, digits and "-"')
    if not package.name.strip():
        raise _bad("package.name", "a name")
    if package.licence.strip().lower() in _NO_LICENCE:
        raise _bad("package.licence", "the terms under which the weights may be used")
    return config


def _check_detector(config: Config) -> None:
    part = config.detector
    if part.family not in FAMILIES:
        raise _bad("detector.family", f"one of {', '.join(FAMILIES)}")
    ways = WAYS.get(part.family, _PLAIN_WAYS)
    if part.train not in ways:
        raise _bad("detector.train", f"{' or '.join(ways)} for {part.family}")
    started = bool(part.start) + bool(part.start_detector)
    if started > 1 or (part.train == "scratch" and started):
        raise InputError("A run starts from one set of weights, or from none when train is scratch.", _START)
    if part.train != "scratch" and not started:
        raise InputError(f'"{part.train}" needs trained weights to start from.', _START)
    for name in config.losses:
        if name not in LOSSES[part.family]:
            known = ", ".join(LOSSES[part.family])
            raise InputError(f'{part.family} has no loss "{name}".', f"Its losses are {known}.")
    if any(weight < 0 for weight in config.losses.values()):
        raise _bad("losses", "weights from 0 up")
    if config.latent.way != "none" and part.family not in ("clip_ln", "timm_vit"):
        raise InputError(f"{part.family} has no latent augmentation.", "Take latent.way out.")


def _bad(name: str, wanted: str) -> InputError:
    return InputError(f'Field "{name}" of the training configuration must be {wanted}.', "Correct the configuration.")


_START = "Correct detector.start, detector.start_detector or detector.train."
