"""Small pictures for lists and reports."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from workstation.domain.media import MediaInfo, MediaLocation, RgbArray
from workstation.media.limits import DecodeLimits
from workstation.media.reader import FrameFailure, MediaReader, open_media

_TRIES = 5


def thumbnail_png(
    location: Path | MediaLocation, info: MediaInfo, max_side: int = 256, limits: DecodeLimits | None = None
) -> bytes:
    """Return a PNG of the exhibit, its longer side at most ``max_side`` pixels, orientation applied.

    Of a video it shows a frame a tenth into it (the first one is often black), or the next that can be decoded.

    Raises:
        EvidenceError: as in :func:`workstation.media.reader.open_media`; DamagedMedia when no frame could be decoded.
    """
    with open_media(location, info, limits) as reader:
        return thumbnail_from(reader, max_side)


def thumbnail_from(reader: MediaReader, max_side: int = 256) -> bytes:
    """The same from a reader that is open already: no second child and no second look through the file."""
    total = len(reader.index)
    tries = sorted({min(total - 1, total // 10 + step) for step in range(_TRIES)} | {0}, key=lambda o: (o == 0, o))
    failure: FrameFailure | None = None
    for ordinal in tries:
        for got in reader.frames([ordinal]):
            if not isinstance(got, FrameFailure):
                return png_of(got.rgb, max_side)
            failure = got
    assert failure is not None
    raise failure.error


def png_of(rgb: RgbArray, max_side: int = 256) -> bytes:
    """Return a PNG of ``rgb`` (height, width, 3), made smaller by box averaging so that it fits ``max_side``."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(rgb))
    factor = max(image.size) / max_side
    if factor > 1:
        size = (max(1, round(image.width / factor)), max(1, round(image.height / factor)))
        image = image.resize(size, Image.Resampling.BOX)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=False)
    return out.getvalue()
