"""The face of a key frame enlarged: as it is, and the map alone, side by side with the burned-in frame (3.4, P11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from workstation.domain.geometry import Box
from workstation.domain.media import RgbArray
from workstation.domain.reports import BurnIn

_REACH = 1.7
_OUTSIDE = 0.18


@dataclass(frozen=True, slots=True)
class CloseUp:
    """Two squares of the same part of the frame: ``plain`` as decoded; ``field`` the map in grey, or None without map.

    In ``field`` black is 0 and white is 1, never stretched; where there is no map, the frame stands darkened and grey.
    """

    plain: RgbArray
    field: RgbArray | None


def close_up(burn: BurnIn, track_number: int, side: int) -> CloseUp | None:
    """Enlarge the face of one track.

    Args:
        side: pixels of the squares.

    Returns:
        None when the frame holds no face of that track.
    """
    face = next((f for f in burn.faces if f.track_number == track_number), None)
    if face is None:
        return None
    window = _window(face.box, burn.rgb.shape[:2])
    plain = _cut(Image.fromarray(np.ascontiguousarray(burn.rgb)), window, side)
    if burn.map is None:
        return CloseUp(np.asarray(plain), None)
    known = np.isfinite(burn.map)
    grey = np.clip(np.where(known, burn.map, 0.0), 0.0, 1.0) * 255.0
    ground = burn.rgb.mean(axis=-1) * _OUTSIDE
    field = np.rint(np.where(known, grey, ground)).astype(np.uint8)
    drawn = _cut(Image.fromarray(field), window, side).convert("RGB")
    return CloseUp(np.asarray(plain), np.asarray(drawn))


def _window(box: Box, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """A square around the face, moved inside the frame where the frame is large enough."""
    height, width = shape[0], shape[1]
    side = min(max(box.width, box.height) * _REACH, float(min(height, width)))
    left = min(max(0.0, box.centre.x - side / 2), width - side)
    top = min(max(0.0, box.centre.y - side / 2), height - side)
    return left, top, left + side, top + side


def _cut(picture: Image.Image, window: tuple[float, float, float, float], side: int) -> Image.Image:
    return picture.resize((side, side), Image.Resampling.BICUBIC, box=window)
