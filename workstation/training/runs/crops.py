"""From a labelled dataset to crops in pairs: faces found and aligned once, kept in the run's folder.

A manipulated crop is paired with a genuine one of its own recording (the target video of a swap, in the same
compression if it is there), else of its group, which also holds the other member of the swap, else with any: paired
material from one source matters most (arXiv 2508.06248).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from workstation.detectors.mfclip.labels import ForgeryLabel, Generator, made_by, manipulated
from workstation.domain.errors import InputError, LandmarksUnusable
from workstation.domain.faces import FaceCrop
from workstation.faces.alignment import align, warp
from workstation.faces.finder import FaceFinder, load_finder
from workstation.training.batches import CROP_MARGIN, CROP_SIDE, MAP_SIDE, Material
from workstation.training.readers import frames_of, masks_of, read
from workstation.training.runs.config import Config
from workstation.training.runs.data import Prepared, digest_of
from workstation.training.samples import SPLITS, Dataset, Sample, Split

CROPS = "crops"
_GENERATORS = {generator.value.lower(): generator for generator in Generator}
_Rows = list[tuple[Sample, FaceCrop, npt.NDArray[np.uint8] | None, int]]


def prepare_dataset(config: Config, root: Path, output: Path, tell: Callable[[str], None]) -> Prepared:
    """Crops of the training split and of the one that validation uses. Raises: InputError, NotFound."""
    data = config.data
    dataset = read(data.kind, root, **data.options)
    train, held = split_of(dataset, data.validate_on, data.hold_out, data.seed)
    place = output / CROPS
    if not place.is_dir():
        part = place.with_name(f".{place.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        finder = load_finder("mtcnn")
        for name, samples in (("train", train), ("val", held)):
            _write(samples, data.frames, finder, part, name, tell)
        part.rename(place)
    parts = {name: _load(place, name, data.seed) for name in ("train", "val")}
    counts = {
        f"{name} {what}": len(rows)
        for name, part in parts.items()
        for what, rows in (("genuine crops", part.genuine), ("manipulated crops", part.forged))
    }
    methods = ", ".join(parts["train"].kinds)
    return Prepared(
        parts["train"],
        parts["val"],
        {name: digest_of(part) for name, part in parts.items()},
        counts,
        f"{dataset.name}: {counts['train genuine crops']:,} genuine and {counts['train manipulated crops']:,} "
        f"manipulated crops of {len(train):,} items ({methods}), {data.frames} frames of a video; validation on "
        f"{len(held):,} items of other groups",
    )


def split_of(
    dataset: Dataset, validate_on: str, hold_out: float, seed: int
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """The training samples and those held out for validation; test samples are in neither.

    Raises:
        InputError: the dataset has no such split and none is to be held out, or a split lacks a class.
    """
    train = dataset.of("train")
    if validate_on not in SPLITS:
        raise InputError(f'A dataset has no split "{validate_on}".', f"It has {', '.join(SPLITS)}.")
    held = dataset.of(cast(Split, validate_on)) if validate_on != "train" else ()
    if not held and hold_out:
        groups = sorted({sample.group for sample in train})
        count = max(1, round(hold_out * len(groups)))
        chosen = {groups[place] for place in np.random.default_rng(seed).permutation(len(groups))[:count]}
        held = tuple(sample for sample in train if sample.group in chosen)
        train = tuple(sample for sample in train if sample.group not in chosen)
    for name, samples in (("training", train), ("validation", held)):
        for label, wanted in (("genuine", False), ("manipulated", True)):
            if not any(sample.manipulated is wanted for sample in samples):
                raise InputError(
                    f"{dataset.name} has nothing {label} for {name}.",
                    "Hold a share of the training groups out with data.hold_out, or take another dataset.",
                )
    return train, held


def _write(
    samples: Sequence[Sample], count: int, finder: FaceFinder, folder: Path, name: str, tell: Callable[[str], None]
) -> None:
    crops: list[npt.NDArray[np.uint8]] = []
    maps: list[npt.NDArray[np.uint8]] = []
    marks: list[list[tuple[float, float]]] = []
    table: list[dict[str, object]] = []
    for number, sample in enumerate(samples):
        if number % 20 == 0:
            tell(f"{name}: faces of {number} of {len(samples)} items")
        for _, crop, field, frame in _faces(sample, count, finder):
            crops.append(crop.rgb)
            # Where nothing is known of where, all of it counts as changed.
            maps.append(np.full((MAP_SIDE, MAP_SIDE), 255, np.uint8) if field is None else field)
            marks.append([(p.x, p.y) for p in crop.landmarks])
            table.append(
                {
                    "manipulated": sample.manipulated,
                    "method": sample.method,
                    "group": sample.group,
                    "recording": sample.recording,
                    "compression": sample.compression,
                    "item": number,
                    "frame": frame,
                    "mask": field is not None,
                }
            )
    if not crops:
        raise InputError(f"No face was found in any item of {name}.", "Look at the dataset's pictures.")
    np.save(folder / f"{name}-crops.npy", np.stack(crops))
    np.save(folder / f"{name}-maps.npy", np.stack(maps))
    np.save(folder / f"{name}-marks.npy", np.array(marks, np.float32))
    (folder / f"{name}.json").write_text(json.dumps(table), encoding="utf-8")


def _faces(sample: Sample, count: int, finder: FaceFinder) -> _Rows:
    """The largest face of each frame of an item."""
    frames = list(frames_of(sample, count))
    masks = dict(masks_of(sample, [index for index, _ in frames])) if sample.manipulated else {}
    found: _Rows = []
    for index, rgb in frames:
        seen = finder.find([rgb])[0]
        if not seen:
            continue
        try:
            crop = align(rgb, seen[0].landmarks, size=CROP_SIDE, margin=CROP_MARGIN)
        except LandmarksUnusable:
            continue
        field = None
        if (mask := masks.get(index)) is not None and mask.shape == rgb.shape[:2]:
            cut = warp(np.repeat(mask[..., None], 3, axis=-1), crop.crop_from_frame, CROP_SIDE)[..., 0]
            field = np.asarray(cv2.resize(cut, (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_AREA), np.uint8)
        found.append((sample, crop, field, index))
    return found


def _load(folder: Path, name: str, seed: int) -> Material:
    crops, maps = (np.load(folder / f"{name}-{part}.npy", mmap_mode="r") for part in ("crops", "maps"))
    marks = np.load(folder / f"{name}-marks.npy")
    table = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    forged = np.array([row["manipulated"] for row in table], bool)
    items = np.array([row["item"] for row in table], np.int64)
    rows = np.flatnonzero(forged), np.flatnonzero(~forged)
    if not len(rows[0]) or not len(rows[1]):
        raise InputError(f"{name} has faces of one class alone.", "Look at the dataset's pictures.")
    kinds = tuple(sorted({table[row]["method"] for row in rows[0]}))
    kind = np.array([kinds.index(table[row]["method"]) for row in rows[0]], np.int64)
    return Material(
        genuine=crops[rows[1]],
        forged=crops[rows[0]],
        maps=maps[rows[0]],
        of=_partners(table, rows[0], rows[1], seed),
        kind=kind,
        kinds=kinds,
        word=kind,
        words=tuple(_words(name) for name in kinds),
        genuine_marks=marks[rows[1]],
        forged_marks=marks[rows[0]],
        genuine_track=items[rows[1]],
        forged_track=items[rows[0]],
    )


def _partners(
    table: Sequence[Mapping[str, object]],
    forged: npt.NDArray[np.int64],
    genuine: npt.NDArray[np.int64],
    seed: int,
) -> npt.NDArray[np.int64]:
    """For each manipulated crop a genuine one: of the nearest source that has any, the nearest in time, else any."""
    random = np.random.default_rng(seed)
    near: dict[object, list[int]] = {}
    for place, row in enumerate(genuine):
        for source in _sources(table[row]):
            near.setdefault(source, []).append(place)
    found = []
    for row in forged:
        own = next((near[source] for source in _sources(table[row]) if source in near), None)
        if own is None:
            found.append(int(random.integers(len(genuine))))
            continue
        apart = [abs(cast(int, table[genuine[place]]["frame"]) - cast(int, table[row]["frame"])) for place in own]
        nearest = [place for place, far in zip(own, apart, strict=True) if far == min(apart)]
        found.append(nearest[int(random.integers(len(nearest)))])
    return np.array(found, np.int64)


def _sources(row: Mapping[str, object]) -> tuple[tuple[object, ...], ...]:
    """What a crop may have in common with its genuine partner, the nearest first."""
    group, rate = row["group"], row.get("compression", "")
    # Crops that were kept before recordings were noted have their group alone.
    recording = row.get("recording", group)
    return ("recording", recording, rate), ("recording", recording), ("group", group, rate), ("group", group)


def _words(method: str) -> ForgeryLabel:
    """All that is known of a method by its name: GenFace's generators have labels of their own."""
    generator = _GENERATORS.get(method.lower())
    return made_by(generator) if generator else manipulated()
