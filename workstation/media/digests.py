"""The digest that names a frame (X9, G9): SHA-256 over its samples as stored, before orientation and colour conversion.

The bytes hashed are, for a video frame::

    b"workstation-frame-v1\\n"
    b"<pixel format> <width>x<height>\\n"      FFmpeg's format name, e.g. b"yuv420p10le 1920x1080\\n"
    for each plane in order: its visible rows from top to bottom, without the padding at the end of a line

so that after the two lines of text they are exactly what ``ffmpeg -i FILE -f rawvideo -`` writes for that frame in
its own pixel format; samples of more than 8 bits keep their 16-bit form and byte order. For a picture the format is
Pillow's mode ("RGB", "RGBA", "L", "I;16", "CMYK") and the rows are its interleaved samples; palettes are resolved to
RGB or RGBA.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from workstation.domain.errors import UnreadableMedia
from workstation.media.decoded import PlaneLayout

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

TAG = b"workstation-frame-v1\n"


def header(pixel_format: str, width: int, height: int) -> bytes:
    """The text in front of the samples; different geometry can never give the same digest."""
    return TAG + f"{pixel_format} {width}x{height}\n".encode("ascii")


def samples_digest(pixel_format: str, width: int, height: int, samples: bytes | memoryview) -> str:
    """Digest of one picture whose rows lie without gaps in ``samples`` (hexadecimal, 64 characters)."""
    digest = hashlib.sha256(header(pixel_format, width, height))
    digest.update(samples)
    return digest.hexdigest()


def row_bytes(frame: VideoFrame) -> list[int]:
    """Bytes of a visible row of each plane."""
    form = frame.format
    planes = len(frame.planes)
    if form.has_palette:
        return [frame.width, 1024][:planes]
    if planes == 1:
        return [-(-frame.width * form.padded_bits_per_pixel // 8)]
    rows = [0] * planes
    for component in form.components:
        rows[component.plane] += component.width * -(-component.bits // 8)
    return rows


def frame_digest(frame: VideoFrame) -> str:
    """Digest of a decoded frame (hexadecimal, 64 characters)."""
    digest = hashlib.sha256(header(frame.format.name, frame.width, frame.height))
    for rows in visible_rows(frame):
        digest.update(rows)
    return digest.hexdigest()


def plain_digest(frame: VideoFrame) -> tuple[str, int]:
    """Digest of the planes alone, as ffmpeg's ``framehash`` has it, and the number of bytes hashed."""
    digest = hashlib.sha256()
    size = 0
    for rows in visible_rows(frame):
        digest.update(rows)
        size += len(rows)
    return digest.hexdigest(), size


def plane_layout(frame: VideoFrame) -> list[PlaneLayout]:
    """How the bytes of :func:`visible_rows` are to be read, plane by plane."""
    form = frame.format
    kind = sample_kind(form.name, [component.bits for component in form.components])
    size = int(kind[-1])
    found = []
    for plane, visible in zip(frame.planes, row_bytes(frame), strict=True):
        rows = 1 if form.has_palette and plane.index == 1 else plane.height
        found.append(PlaneLayout(rows, visible // size, kind))
    return found


def sample_kind(pixel_format: str, bits: Sequence[int]) -> str:
    """Numpy's word for one stored sample: 16 bits where each component has a word of its own, else single bytes."""
    one_word_each = all(8 < depth <= 16 for depth in bits) and not pixel_format.startswith(
        ("x2rgb", "x2bgr", "xv30", "v30")
    )
    if one_word_each and pixel_format.endswith(("le", "be")):
        return "<u2" if pixel_format.endswith("le") else ">u2"
    return "u1"


def visible_rows(frame: VideoFrame) -> Iterator[memoryview]:
    """The samples of a decoded frame in the order in which they are hashed, in as few pieces as possible.

    Raises:
        UnreadableMedia: the frame is stored upside down.
    """
    for plane, visible in zip(frame.planes, row_bytes(frame), strict=True):
        line = plane.line_size
        if line < 0:
            raise UnreadableMedia("The picture is stored upside down in a form this product does not read.")
        rows = memoryview(plane)
        if frame.format.has_palette and plane.index == 1:
            yield rows[:visible]
        elif line == visible:
            yield rows[: line * plane.height]
        else:
            for start in range(0, line * plane.height, line):
                yield rows[start : start + visible]
