"""Searching a frame with a network of fixed input: the picture at several sizes on one square canvas.

A network made for a 640 px canvas misses faces that fill it, because its largest anchors are smaller than that. So the
whole picture is searched at 640 px and again at 320 px inside the canvas; large frames are also searched in overlapping
tiles at half size, for small faces; and when nothing is found, at more sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from workstation.domain.faces import FaceDetection
from workstation.domain.geometry import Box, Point
from workstation.domain.media import RgbArray
from workstation.faces.merging import merged

CANVAS = 640
SIDES = (640, 320)
MORE_SIDES = (160, 448)
_TILE = 1280
_TILE_FROM = 1600
_OVERLAP = 0.2
_TOUCHING = 4.0


def canvas_settings(score: float, overlap: float) -> Mapping[str, float]:
    """Everything that decides what a canvas finder finds, as the examination records it (P5)."""
    sides = {f"side_{i}": side for i, side in enumerate((*SIDES, *MORE_SIDES), 1)}
    return {"score": score, "overlap": overlap, "canvas": CANVAS, **sides}


@dataclass(frozen=True, slots=True)
class View:
    """A canvas (640, 640, 3) uint8 RGB and where it is from: frame = origin + (canvas - offset) / scale, per axis."""

    canvas: RgbArray
    region: Box
    scale: tuple[float, float]
    offset: tuple[int, int]

    def to_frame(self, x: float, y: float) -> Point:
        """Map a canvas pixel to the frame, pixel centres to pixel centres."""
        sx, sy = self.scale
        return Point(
            self.region.x0 + (x - self.offset[0] + 0.5) / sx - 0.5,
            self.region.y0 + (y - self.offset[1] + 0.5) / sy - 0.5,
        )


def view(frame: RgbArray, side: int, region: Box | None = None) -> View:
    """Put a region of the frame (default: all) in the middle of a black canvas, its long side ``side`` pixels."""
    height, width = frame.shape[:2]
    where = region or Box(0, 0, width, height)
    part = frame[int(where.y0) : int(where.y1), int(where.x0) : int(where.x1)]
    rows, columns = part.shape[:2]
    ratio = side / max(rows, columns)
    new = max(1, round(columns * ratio)), max(1, round(rows * ratio))
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    left, top = (CANVAS - new[0]) // 2, (CANVAS - new[1]) // 2
    canvas = np.zeros((CANVAS, CANVAS, 3), dtype=np.uint8)
    canvas[top : top + new[1], left : left + new[0]] = cv2.resize(part, new, interpolation=how)
    return View(canvas, where, (new[0] / columns, new[1] / rows), (left, top))


def tiles(height: int, width: int) -> list[Box]:
    """Overlapping windows over a large frame; none when its long side is at most 1600 pixels."""
    if max(height, width) <= _TILE_FROM:
        return []

    def starts(length: int) -> list[int]:
        if length <= _TILE:
            return [0]
        count = 1 + int(np.ceil((length - _TILE) / (_TILE * (1 - _OVERLAP))))
        return [round(i * (length - _TILE) / (count - 1)) for i in range(count)]

    return [Box(x, y, min(x + _TILE, width), min(y + _TILE, height)) for y in starts(height) for x in starts(width)]


def detection(
    seen: View, box: Sequence[float], points: npt.NDArray[np.float64], confidence: float, finder: str
) -> FaceDetection:
    """A face in frame pixels from canvas coordinates: ``box`` x0, y0, x1, y1 and ``points`` (5, 2)."""
    first, last = seen.to_frame(box[0], box[1]), seen.to_frame(box[2], box[3])
    a, b, c, d, e = (seen.to_frame(float(x), float(y)) for x, y in points)
    return FaceDetection(Box(first.x, first.y, last.x, last.y), (a, b, c, d, e), min(max(confidence, 0.0), 1.0), finder)


def search(frame: RgbArray, look: Callable[[View], list[FaceDetection]]) -> list[FaceDetection]:
    """Search a frame at every size it needs and merge what ``look`` finds, largest face first.

    Args:
        frame: (height, width, 3) uint8.
        look: runs the network on one canvas and gives faces in frame pixels (see `detection`).

    Raises:
        ValueError: when the frame is not (height, width, 3) uint8.
    """
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or frame.size == 0:
        raise ValueError(f"a frame is (height, width, 3) uint8, not {frame.shape} {frame.dtype}")
    frame = np.ascontiguousarray(frame)
    height, width = frame.shape[:2]
    whole = [face for side in SIDES for face in look(view(frame, side))]
    parts = [
        face
        for region in tiles(height, width)
        for face in look(view(frame, CANVAS, region))
        if not _cut_off(face, region, height, width)
    ]
    if not whole and not parts:
        whole = [face for side in MORE_SIDES for face in look(view(frame, side))]
    return merged(whole, parts)


def _cut_off(face: FaceDetection, region: Box, height: int, width: int) -> bool:
    """Whether the face touches a side of its tile that is not a side of the frame."""
    box = face.box
    return (
        (region.x0 > 0 and box.x0 < region.x0 + _TOUCHING)
        or (region.y0 > 0 and box.y0 < region.y0 + _TOUCHING)
        or (region.x1 < width and box.x1 > region.x1 - _TOUCHING)
        or (region.y1 < height and box.y1 > region.y1 - _TOUCHING)
    )
