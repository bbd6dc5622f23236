"""Samples of pictures with more than 8 bits, which Pillow would reduce: PNG and TIFF by FFmpeg, HEIC by libheif.

Viewing and examination go on with 8 bits; this is for whoever needs the stored samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workstation.domain.errors import DamagedMedia
from workstation.media.decoded import PlaneLayout
from workstation.media.sniffing import Signature

if TYPE_CHECKING:
    from workstation.media.open_exhibit import OpenExhibit

_CODECS = {Signature.PNG: "png", Signature.TIFF: "tiff"}


def deep_samples(exhibit: OpenExhibit, signature: Signature) -> tuple[str, list[PlaneLayout], list[memoryview]] | None:
    """Pixel format, layout and bytes of a picture's own samples; None when no decoder here gives them.

    Raises:
        DamagedMedia: the decoder cannot read it whole.
    """
    if signature in _CODECS:
        return _by_ffmpeg(exhibit, _CODECS[signature])
    if signature is Signature.HEIF:
        return _by_libheif(exhibit)
    return None


def _by_ffmpeg(exhibit: OpenExhibit, codec: str) -> tuple[str, list[PlaneLayout], list[memoryview]] | None:
    import av

    from workstation.media.digests import plane_layout, visible_rows

    context: Any = av.CodecContext.create(codec, "r")
    context.options = {"max_pixels": str(exhibit.limits.max_pixels), "err_detect": "explode"}
    with exhibit.file() as file:
        packet = av.Packet(file.read())
    try:
        frames = [*context.decode(packet), *context.decode(None)]
    except (av.error.FFmpegError, ValueError) as error:
        raise DamagedMedia("The picture's own samples cannot be read.", "Its 8-bit form can still be seen.") from error
    if len(frames) != 1 or frames[0].is_corrupt:
        raise DamagedMedia("The picture's own samples cannot be read.", "Its 8-bit form can still be seen.")
    frame = frames[0]
    layout = plane_layout(frame)
    if layout[0].kind == "u1":
        return None
    return frame.format.name, layout, [memoryview(bytes(piece)) for piece in visible_rows(frame)]


def _by_libheif(exhibit: OpenExhibit) -> tuple[str, list[PlaneLayout], list[memoryview]] | None:
    import numpy as np
    import pillow_heif

    with exhibit.file() as file:
        try:
            picture: Any = pillow_heif.open_heif(file, convert_hdr_to_8bit=False)
            mode, (width, height) = str(picture.mode), picture.size
            if ";16" not in mode:
                return None
            samples = np.asarray(picture)
        except (OSError, ValueError, RuntimeError, SyntaxError) as error:
            raise DamagedMedia("The picture's own samples cannot be read.", "Ask for another copy.") from error
    rows = np.ascontiguousarray(samples.reshape(height, -1), dtype="<u2")
    channels = rows.shape[1] // width
    names = {1: "gray16le", 3: "rgb48le", 4: "rgba64le"}
    if channels not in names:
        return None
    return names[channels], [PlaneLayout(height, rows.shape[1], "<u2")], [memoryview(rows.tobytes())]
