"""A pool of crops on disk: genuine views and their pseudo-forgeries with target maps, made once, read by every run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.errors import InputError
from workstation.domain.media import RgbArray
from workstation.training.forgeries import Face, Kind, forge, target_map
from workstation.training.portraits import POOL_SIDE, faces, held_out, list_portraits, view

MAP_SIDE = 64
KINDS = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Pool:
    """One split. ``genuine`` (N, 256, 256, 3) uint8; ``forged`` (M, 256, 256, 3); ``maps`` (M, 64, 64) uint8.

    ``of`` gives for each forgery the row of its genuine crop, ``kind`` the position of its kind in ``KINDS``.
    """

    genuine: RgbArray
    forged: RgbArray
    maps: npt.NDArray[np.uint8]
    of: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    facts: dict[str, int]


def build(
    data: Path,
    out: Path,
    *,
    views: int = 2,
    per_view: int = 2,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Write the pools ``train`` and ``held`` into ``out``.

    Args:
        data: folder of dataset folders, see :mod:`workstation.training.portraits`.
        views: genuine crops per picture, each with a play of its own.
        per_view: forgeries of every kind per genuine crop.

    Raises:
        InputError: the folder holds no pictures, or too few for one of the splits.
    """
    random = np.random.default_rng(seed)
    split: dict[bool, list[Face]] = {False: [], True: []}
    counts: dict[bool, dict[str, int]] = {False: {}, True: {}}
    portraits = list_portraits(data)
    for number, (portrait, rgb, marks) in enumerate(faces(portraits)):
        held = held_out(portrait)
        for _ in range(views):
            crop = view(rgb, marks, random)
            split[held].append(Face(crop.rgb.astype(np.float32), crop.landmarks))
        counts[held][portrait.folder] = counts[held].get(portrait.folder, 0) + 1
        if number % 200 == 199:
            tell(f"{number + 1} pictures cropped")
    used = sum(count for each in counts.values() for count in each.values())
    tell(f"{used} of {len(portraits)} pictures used; the others cannot be read or show no face")
    for crops in split.values():
        if len(crops) <= views:
            raise InputError("Pasting needs two pictures among the held-out people and two among the others.")
    out.mkdir(parents=True, exist_ok=True)
    for held, name in ((False, "train"), (True, "held")):
        _write(split[held], counts[held], out, name, per_view if not held else 1, views, random, tell)


def _write(
    crops: list[Face],
    counts: dict[str, int],
    out: Path,
    name: str,
    per_view: int,
    views: int,
    random: np.random.Generator,
    tell: Callable[[str], None],
) -> None:
    total = len(crops) * per_view * len(KINDS)
    shape = (POOL_SIDE, POOL_SIDE, 3)
    genuine = np.lib.format.open_memmap(out / f"{name}-genuine.npy", "w+", np.uint8, (len(crops), *shape))
    forged = np.lib.format.open_memmap(out / f"{name}-forged.npy", "w+", np.uint8, (total, *shape))
    maps = np.lib.format.open_memmap(out / f"{name}-maps.npy", "w+", np.uint8, (total, MAP_SIDE, MAP_SIDE))
    of, kinds = np.zeros(total, np.int64), np.zeros(total, np.int64)
    row = 0
    for number, face in enumerate(crops):
        genuine[number] = face.rgb.astype(np.uint8)
        for kind_number, kind in enumerate(KINDS):
            for _ in range(per_view):
                donor = crops[_other(number, len(crops), views, random)]
                made = forge(kind, face, donor, random)
                forged[row] = made.rgb.astype(np.uint8)
                field = target_map(face.rgb, made.rgb, made.mask)
                small = cv2.resize(field, (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_AREA)
                maps[row] = np.rint(small * 255).astype(np.uint8)
                of[row], kinds[row] = number, kind_number
                row += 1
        if number % 200 == 199:
            tell(f"{name}: forgeries of {number + 1} of {len(crops)} crops")
    for array in (genuine, forged, maps):
        array.flush()
    np.savez(out / f"{name}-index.npz", of=of, kind=kinds)
    (out / f"{name}.json").write_text(json.dumps(counts), encoding="utf-8")


def _other(number: int, total: int, views: int, random: np.random.Generator) -> int:
    """A crop of another picture; there must be one. Views of one picture stand side by side."""
    while True:
        other = int(random.integers(total))
        if other // views != number // views:
            return other


def load(out: Path, name: str) -> Pool:
    """Open a split read-only, memory-mapped. Raises: InputError when it was not built."""
    if not (out / f"{name}-index.npz").is_file():
        raise InputError(f"{out} holds no pool {name}.", "Build it first.")
    with np.load(out / f"{name}-index.npz") as index:
        of, kind = index["of"], index["kind"]
    arrays = [np.load(out / f"{name}-{part}.npy", mmap_mode="r") for part in ("genuine", "forged", "maps")]
    facts = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
    return Pool(arrays[0], arrays[1], arrays[2], of, kind, facts)
