"""Training pictures: which files, which person, and their aligned crops.

A folder of portraits has a ``labels.csv`` with the columns ``file`` and ``label``; only genuine pictures (label 0) are
read. The folders and their licences are named on the card of every detector that was trained on them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from workstation.domain.errors import InputError
from workstation.domain.faces import FaceCrop
from workstation.domain.geometry import Point
from workstation.domain.media import RgbArray
from workstation.faces.alignment import align

# The detectors' own crop: what they are trained on is cut exactly as what they will be fed.
POOL_SIDE = 256
MARGIN = 1.3
PEOPLE = "people.csv"
_PICTURES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True, slots=True)
class Portrait:
    """A genuine picture. ``person`` is the same for pictures of one person, so that no person is in two splits."""

    path: Path
    folder: str
    person: str


def list_portraits(root: Path) -> tuple[Portrait, ...]:
    """Every genuine picture of the dataset folders in ``root``, in a fixed order.

    A table ``people.csv`` in ``root`` (``file`` relative to it, ``person``) names the person of a picture anew, for
    those who are in two collections; :mod:`workstation.training.same_people` proposes one.

    Raises:
        InputError: no folder with a ``labels.csv`` is there, or ``people.csv`` has other columns.
    """
    found: list[Portrait] = []
    named = _named(root / PEOPLE)
    for table in sorted(root.glob("*/labels.csv")):
        folder = table.parent
        with table.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                path = folder / row["file"]
                if path.suffix.lower() in _PICTURES and row["label"] == "0" and path.is_file():
                    person = named.get(path.relative_to(root).as_posix()) or _person(folder.name, path.stem)
                    found.append(Portrait(path, folder.name, person))
    if not found:
        raise InputError(f"{root} holds no folder of training pictures.", "Name the folder that holds the datasets.")
    return tuple(found)


def _named(table: Path) -> dict[str, str]:
    if not table.is_file():
        return {}
    with table.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if not {"file", "person"} <= set(rows.fieldnames or ()):
            raise InputError(f"{table} must have the columns file and person.", "Correct the table, or take it away.")
        return {row["file"]: row["person"] for row in rows}


def _person(folder: str, stem: str) -> str:
    """London's neutral and smiling pictures share the number in front; elsewhere one file is one person."""
    if folder.startswith("london"):
        return f"london-{stem.split('_')[0]}"
    return f"{folder.split('_')[0]}-{stem}"


def held_out(portrait: Portrait, every: int = 10) -> bool:
    """Whether a person belongs to the validation split: one in ``every``, by a stable hash of the person."""
    value = 0
    for character in portrait.person:
        value = (value * 131 + ord(character)) % 1_000_003
    return value % every == 0


def read_rgb(path: Path) -> RgbArray | None:
    """Decode a picture to (height, width, 3) uint8, or None when it cannot be read."""
    bgr = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR)
    return None if bgr is None else np.ascontiguousarray(bgr[..., ::-1])


def faces(portraits: Sequence[Portrait]) -> Iterator[tuple[Portrait, RgbArray, tuple[Point, ...]]]:
    """Yield each picture with the landmarks of its largest face; pictures without a face are passed over."""
    from workstation.faces.finder import load_finder

    finder = load_finder("mtcnn")
    for portrait in portraits:
        rgb = read_rgb(portrait.path)
        if rgb is None:
            continue
        found = finder.find([rgb])[0]
        if found:
            yield portrait, rgb, found[0].landmarks


def view(rgb: RgbArray, landmarks: Sequence[Point], random: np.random.Generator) -> FaceCrop:
    """An aligned crop with a little play in scale, angle and place, as finders differ by that much."""
    points = np.array([[p.x, p.y] for p in landmarks])
    centre = points.mean(axis=0)
    spread = np.linalg.norm(points[1] - points[0])
    angle = np.deg2rad(random.uniform(-5, 5))
    scale = random.uniform(0.93, 1.07)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    moved = (points - centre) @ turn.T + centre + random.normal(0, 0.04, 2) * spread
    return align(rgb, [Point(float(x), float(y)) for x, y in moved], size=POOL_SIDE, margin=MARGIN)


def training_crops(root: Path, most: int, seed: int = 0) -> RgbArray:
    """Genuine crops (N, 256, 256, 3) uint8 of at most ``most`` pictures, drawn from those that are not held out.

    Raises:
        InputError: no picture shows a face.
    """
    random = np.random.default_rng(seed)
    known = [portrait for portrait in list_portraits(root) if not held_out(portrait)]
    drawn = [known[number] for number in random.permutation(len(known))[:most]]
    found = [view(rgb, marks, random).rgb for _, rgb, marks in faces(drawn)]
    if not found:
        raise InputError(f"No picture in {root} shows a face.", "Name a folder of portraits.")
    return np.stack(found)
