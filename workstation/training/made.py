"""Pictures that generators made elsewhere, beside the portraits of a pool: whole people who never were, and portraits
that a network made anew.

A folder holds a ``labels.csv`` with the columns ``file``, ``label`` (1) and ``of``: the portrait that a picture was
made of, relative to the folder of the portraits, or nothing. The first kind is cut as the portrait is and takes the
place of a generator of our own; the second is found and cut by itself.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop
from workstation.domain.media import RgbArray
from workstation.faces.alignment import warp
from workstation.training.forgeries import Picture, Remake
from workstation.training.kinds import Maker
from workstation.training.portraits import POOL_SIDE, Portrait, read_rgb

# Portraits come compressed and at all sizes; made pictures come as they left the network. Without a past like theirs
# "never compressed" would be the sign of "made".
_FACES = (150, 520)
_QUALITIES = (72, 97)
# Of the faces that are made anew, the share that these pictures supply where a network of our own could as well.
_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class MadePicture:
    """A picture of a generator; ``of`` names the portrait that it was made of, or nothing."""

    path: Path
    of: str


def list_made(folder: Path) -> tuple[MadePicture, ...]:
    """Every made picture of a folder in a fixed order. Raises: InputError naming the table or the file."""
    table = folder / "labels.csv"
    if not table.is_file():
        raise InputError(f"{folder} has no labels.csv.", "List its pictures there: file, label, of.")
    found: list[MadePicture] = []
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row.get("label") != "1" or "of" not in row:
                raise InputError(
                    f"{table} must have the columns file, label and of, and 1 as every label.", "Correct the table."
                )
            path = folder / row["file"]
            if not path.is_file():
                raise InputError(f"{table} names {row['file']}, which is not there.", "Correct the table.")
            found.append(MadePicture(path, row["of"]))
    if not found:
        raise InputError(f"{table} lists no picture.", "List its pictures there: file, label, of.")
    return tuple(found)


def strangers(made: Sequence[MadePicture]) -> tuple[Portrait, ...]:
    """Those of nobody, as portraits of one person each, so that no picture is in two splits."""
    return tuple(Portrait(one.path, "made", f"made-{one.path.stem}") for one in made if not one.of)


def by_portrait(made: Sequence[MadePicture], root: Path) -> Mapping[Path, tuple[Path, ...]]:
    """Those of portraits, by the portrait's path. Raises: InputError when a portrait is not there."""
    found: dict[Path, tuple[Path, ...]] = {}
    for one in made:
        if one.of:
            if not (root / one.of).is_file():
                raise InputError(f"{one.path.name} is said to be made of {one.of}, which is not there.")
            found[root / one.of] = (*found.get(root / one.of, ()), one.path)
    return found


def cut_alike(paths: Sequence[Path], like: RgbArray, crop: FaceCrop) -> tuple[RgbArray, ...]:
    """The same crop out of pictures made of a portrait: (256, 256, 3) uint8 each.

    Args:
        like: the portrait; crop: what was cut out of it.
    """
    found = []
    for path in paths:
        rgb = read_rgb(path)
        if rgb is None:
            raise InputError(f"{path.name} cannot be read.", "Take it out of the table.")
        if rgb.shape != like.shape:
            rgb = np.asarray(cv2.resize(rgb, like.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
        found.append(warp(rgb, crop.crop_from_frame, POOL_SIDE))
    return tuple(found)


def as_published(rgb: RgbArray, apart: float, random: np.random.Generator) -> tuple[RgbArray, float]:
    """A picture at the size and with the compression of a portrait, and by what its sides were multiplied.

    Args:
        apart: distance of the eyes in pixels.
    """
    wanted = float(np.exp(random.uniform(*np.log(_FACES))))
    # A face is about two and a half times as wide as its eyes are apart.
    scale = min(1.0, wanted / (2.5 * apart))
    size = round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(*_QUALITIES))]
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), quality)
    back = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(back[..., ::-1]), scale


def remaker(crops: Sequence[RgbArray], own: Remake | None, random: np.random.Generator) -> Remake | None:
    """What makes one face anew: one of its made crops, or a network of our own where there is one."""
    if not crops or (own is not None and random.random() >= _SHARE):
        return own
    chosen = crops[int(random.integers(len(crops)))].astype(np.float32)

    def given(rgb: Picture, _: np.random.Generator) -> tuple[Picture, Maker]:
        return chosen, Maker.GIVEN

    return given
