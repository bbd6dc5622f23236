"""Labelled pictures for a figure: which files, and each one's face cut out after the same re-encoding for both classes.

A set is a folder with a ``labels.csv`` (columns ``file`` and ``label``, 1 = manipulated, more are kept) or with the
folders ``real`` and ``fake``. Originals are decoded, compressed alike in memory and only then searched for a face: the
file's own compression must not tell the classes apart.

Two readers: `read_set` and `look` for pictures decoded here, and `read_labelled` for pictures and videos whose frames
somebody else decodes.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from PIL import Image

from workstation.domain.errors import InputError, LandmarksUnusable
from workstation.domain.faces import FaceCrop
from workstation.domain.media import RgbArray
from workstation.faces.alignment import align
from workstation.faces.finder import FaceFinder
from workstation.training.measures import sharpness

QUALITY = 90
_PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
_MORE_PICTURES = _PICTURES | {".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".gif", ".jp2"}
_VIDEOS = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".wmv", ".3gp"}
_LABELS = {"0": False, "genuine": False, "real": False, "1": True, "manipulated": True, "fake": True}
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Item:
    """A labelled picture. ``facts`` are the other columns of its row; ``root`` is the folder its paths start from."""

    path: Path
    manipulated: bool
    root: Path
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The path within the set, with slashes."""
        return self.path.relative_to(self.root).as_posix()

    @property
    def video(self) -> bool:
        return self.path.suffix.lower() in _VIDEOS


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Labelled pictures and videos in a fixed order, and what of the folder was passed over, in words."""

    name: str
    root: Path
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture with its face: crop, size of the frame, and the two shortcuts every figure is held against.

    ``sharpness`` is of the crop; ``table`` is the mean of the original file's JPEG quantisation tables, 0 for another
    format.
    """

    item: Item
    crop: FaceCrop
    height: int
    width: int
    sharpness: float
    table: float


def read_set(folder: Path) -> tuple[Item, ...]:
    """Items of a set in a fixed order. Raises: InputError when the folder holds neither labels nor the two folders."""
    table = folder / "labels.csv"
    if table.is_file():
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows or not {"file", "label"} <= rows[0].keys():
            raise InputError(f"{table.name} of {folder.name} lacks the columns file and label.")
        found = [Item(folder / row["file"], row["label"] == "1", folder, row) for row in rows]
    else:
        pairs = ((folder / "real", False), (folder / "fake", True))
        found = [Item(path, label, folder) for place, label in pairs for path in sorted(place.glob("*"))]
    found = [item for item in found if item.path.suffix.lower() in _PICTURES]
    if not found:
        raise InputError(f"{folder.name} holds no labelled pictures.")
    missing = next((item.path.name for item in found if not item.path.is_file()), None)
    if missing:
        raise InputError(f"{folder.name} lists {missing}, which is not there.")
    return tuple(found)


def read_labelled(folder: Path) -> LabelledSet:
    """Labelled pictures and videos of a folder. A file that is listed and not there stays an item: it is counted.

    Raises:
        InputError: the folder holds neither labels nor the two folders, a label or a name cannot be used, or nothing
            is labelled.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "Name a folder with real/ and fake/, or with labels.csv.")
    table = folder / "labels.csv"
    found = _rows(table, folder) if table.is_file() else _halves(folder)
    kept = [item for item in found if item.path.suffix.lower() in _MORE_PICTURES | _VIDEOS]
    if not kept:
        raise InputError(
            f"{folder.name} holds no labelled pictures or videos.",
            "Put them into the folders real and fake, or list them in labels.csv with the columns file and label.",
        )
    twice = next((name for name, count in Counter(item.name for item in kept).items() if count > 1), None)
    if twice:
        raise InputError(f"labels.csv of {folder.name} lists {twice} more than once.", "Keep one of the rows.")
    other = len(found) - len(kept)
    notes = (f"{other} labelled files are neither pictures nor videos and were passed over",) if other else ()
    return LabelledSet(folder.resolve().name, folder, tuple(kept), notes)


def masks_in(folder: Path, labelled: LabelledSet) -> dict[str, Path]:
    """Masks of manipulated items by the items' names: ``<path or stem of the picture>.png`` in ``folder``.

    Raises:
        InputError: the folder is not there, or holds no mask of any item.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "Name the folder of the masks.")
    found = {}
    for item in labelled.items:
        inside = PurePosixPath(item.name)
        places = (folder / inside.with_suffix(".png"), folder / f"{inside.stem}.png", folder / inside)
        path = next((place for place in places if place.is_file()), None)
        if item.manipulated and path is not None:
            found[item.name] = path
    if not found:
        raise InputError(
            f"{folder.name} holds no mask of a manipulated picture of {labelled.name}.",
            "Give each mask the name of its picture, as PNG of the same size, white where the picture was changed.",
        )
    return found


def _rows(table: Path, folder: Path) -> list[Item]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            columns = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"labels.csv of {folder.name} cannot be read ({error}).", "Save it as UTF-8 CSV.") from error
    if not {"file", "label"} <= set(columns):
        raise InputError(
            f"labels.csv of {folder.name} lacks the columns file and label.", "Name them in its first line."
        )
    found = []
    for number, row in enumerate(rows, start=2):
        name, label = (row["file"] or "").strip(), (row["label"] or "").strip().lower()
        if label not in _LABELS:
            raise InputError(
                f'Line {number} of labels.csv of {folder.name} has the label "{label}".',
                "Write 0 for genuine and 1 for manipulated.",
            )
        inside = PurePosixPath(name)
        if not name or inside.is_absolute() or ".." in inside.parts:
            raise InputError(
                f'Line {number} of labels.csv of {folder.name} names "{name}", which is not inside the folder.',
                "Give paths from the folder of labels.csv.",
            )
        facts = {key: value or "" for key, value in row.items() if isinstance(key, str) and not isinstance(value, list)}
        found.append(Item(folder / inside, _LABELS[label], folder, facts))
    return found


def _halves(folder: Path) -> list[Item]:
    pairs = ((folder / "real", False), (folder / "fake", True))
    return [
        Item(path, label, folder)
        for place, label in pairs
        for path in sorted(place.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    ]


def look(
    items: Sequence[Item],
    finder: FaceFinder,
    *,
    size: int = 256,
    margin: float = 1.3,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[list[Seen], list[Item]]:
    """Cut the largest face out of every picture.

    Returns:
        What was seen, in order, and the items that cannot be used (unreadable, or no usable face).
    """
    seen: list[Seen] = []
    lost: list[Item] = []
    for start in range(0, len(items), _BATCH):
        part = [(item, *_decoded(item)) for item in items[start : start + _BATCH]]
        good = [(item, rgb, table) for item, rgb, table in part if rgb is not None]
        lost.extend(item for item, rgb, _ in part if rgb is None)
        for (item, rgb, table), faces in zip(good, finder.find([rgb for _, rgb, _ in good]), strict=True):
            try:
                crop = align(rgb, faces[0].landmarks, size=size, margin=margin) if faces else None
            except LandmarksUnusable:
                crop = None
            if crop is None:
                lost.append(item)
            else:
                seen.append(Seen(item, crop, rgb.shape[0], rgb.shape[1], sharpness(crop.rgb), table))
        if start % 80 == 0:
            tell(f"{items[0].root.name}: {min(start + _BATCH, len(items))} of {len(items)} pictures")
    return seen, lost


def _decoded(item: Item) -> tuple[RgbArray | None, float]:
    data = item.path.read_bytes()
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if bgr is None:
        return None, 0.0
    return recompressed(np.ascontiguousarray(bgr[..., ::-1], np.uint8)), jpeg_table(data)


def recompressed(rgb: RgbArray, quality: int = QUALITY) -> RgbArray:
    """Compress as JPEG in memory and decode again."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def jpeg_table(data: bytes) -> float:
    """Mean of the quantisation tables in a JPEG's header (higher = coarser), 0 for any other format."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            tables = getattr(picture, "quantization", None) or {}
    except (OSError, ValueError):
        return 0.0
    numbers = [value for table in tables.values() for value in table]
    return float(np.mean(numbers)) if numbers else 0.0


def where(seen: Sequence[Seen], column: str, value: str) -> list[Seen]:
    """Those whose row has ``value`` in ``column``."""
    return [one for one in seen if one.item.facts.get(column) == value]


def masks(seen: Sequence[Seen]) -> Iterator[tuple[Seen, RgbArray]]:
    """Those with a pixel mask of their own (column ``mask``), with it: (height, width) uint8, above 127 = changed."""
    for one in seen:
        name = one.item.facts.get("mask", "")
        path = one.item.root / name
        if name and path.is_file():
            mask = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
            if mask is not None and mask.shape == (one.height, one.width):
                yield one, np.asarray(mask, np.uint8)
