"""Made-up datasets: crops and mirrored halves of the public-domain astronaut portrait stand in for different people."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from workstation.domain.geometry import Point
from workstation.domain.media import RgbArray
from workstation.faces.alignment import align
from workstation.training.forgeries import Face

# Where the portrait's own eyes, nose and mouth corners are, in its pixels.
MARKS = tuple(Point(x, y) for x, y in ((205.0, 101.7), (246.8, 103.7), (224.7, 129.0), (201.7, 139.2), (245.3, 141.9)))


def portrait() -> RgbArray:
    return np.asarray(skimage.data.astronaut(), np.uint8)


def variant(number: int) -> RgbArray:
    """The portrait in other colours, sharpness and grain, as a camera of its own would show it."""
    random = np.random.default_rng(number)
    rgb = portrait().astype(np.float32) * random.uniform(0.7, 1.1, 3).astype(np.float32)
    rgb = cv2.GaussianBlur(rgb, (0, 0), 0.3 + 0.3 * (number % 3)) + random.normal(0, 3, rgb.shape)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def face(number: int = 0) -> Face:
    """An aligned crop of 256 pixels."""
    crop = align(variant(number), MARKS)
    return Face(crop.rgb.astype(np.float32), crop.landmarks)


def write_rgb(path: Path, rgb: RgbArray, quality: int = 95) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix == ".jpg" else []
    _, data = cv2.imencode(path.suffix, np.ascontiguousarray(rgb[..., ::-1]), options)
    path.write_bytes(data.tobytes())


def write_dataset(folder: Path, rows: list[tuple[str, str]], table: bool = True) -> None:
    """Write pictures (variants in order) and, if wanted, their labels.csv."""
    for number, (name, _) in enumerate(rows):
        write_rgb(folder / name, variant(number)[:330, 50:400])
    if table:
        with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "label"])
            writer.writerows(rows)
