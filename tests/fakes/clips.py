"""Test media made at run time: clips whose frames carry their ordinal, the astronaut, and files that should be refused.

Every barcode frame shows its ordinal as 16 black or white blocks (8 bits, then the same bits inverted), big enough to
survive H.264, and four coloured corners that tell which way up it is.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from workstation.domain.media import RgbArray
from workstation.media.clips import write_clip

WIDTH, HEIGHT = 192, 128
CORNER = 16
# Top left, top right, bottom left, bottom right.
CORNERS = ((220, 30, 30), (30, 200, 30), (30, 30, 220), (220, 220, 30))
_BLOCK = 16
_BITS = 8


def barcode_frame(ordinal: int) -> RgbArray:
    """One upright frame, (128, 192, 3), for ordinals 0..255."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    moving = (x * 2 + y * 3 + ordinal * 7) % 256
    rgb = np.stack([moving, (moving + 60) % 256, (255 - moving)], axis=-1).astype(np.uint8) // 2 + 60
    bits = [(ordinal >> bit) & 1 for bit in range(_BITS)]
    for row, values in enumerate((bits, [1 - bit for bit in bits])):
        for column, value in enumerate(values):
            top, left = 32 + row * _BLOCK, 32 + column * _BLOCK
            rgb[top : top + _BLOCK, left : left + _BLOCK] = 235 if value else 20
    for number, colour in enumerate(CORNERS):
        rows = slice(0, CORNER) if number < 2 else slice(HEIGHT - CORNER, HEIGHT)
        columns = slice(0, CORNER) if number % 2 == 0 else slice(WIDTH - CORNER, WIDTH)
        rgb[rows, columns] = colour
    return np.ascontiguousarray(rgb)


def read_barcode(rgb: RgbArray) -> int:
    """The ordinal painted in an upright frame. Raises ValueError when the blocks do not agree with themselves."""
    rows: list[list[int]] = []
    for row in range(2):
        middle = 32 + row * _BLOCK + 4
        cells = [rgb[middle : middle + 8, 32 + c * _BLOCK + 4 : 32 + c * _BLOCK + 12] for c in range(_BITS)]
        rows.append([int(cell.mean() > 128) for cell in cells])
    if any(a == b for a, b in zip(*rows, strict=True)):
        raise ValueError(f"no barcode: {rows}")
    return sum(bit << place for place, bit in enumerate(rows[0]))


def read_corners(rgb: RgbArray) -> tuple[int, ...]:
    """For each corner of ``CORNERS``' order the number of the colour found there; (0, 1, 2, 3) when upright."""
    height, width = rgb.shape[:2]
    middles = ((8, 8), (8, width - 8), (height - 8, 8), (height - 8, width - 8))
    found = []
    for y, x in middles:
        colour = rgb[y - 2 : y + 2, x - 2 : x + 2].reshape(-1, 3).mean(axis=0)
        found.append(int(np.argmin([np.abs(colour - np.array(c)).sum() for c in CORNERS])))
    return tuple(found)


def barcode_frames(count: int) -> Iterator[RgbArray]:
    return (barcode_frame(ordinal) for ordinal in range(count))


def write_barcode_clip(path: Path, count: int = 60, **options: Any) -> Path:
    """A barcode clip; ``options`` as for :func:`workstation.media.clips.write_clip`."""
    write_clip(path, barcode_frames(count), **options)
    return path


def uneven_pts(count: int, start: int = 0, seed: int = 7) -> list[int]:
    """Rising time stamps with steps of 20 to 150 ticks, for a variable frame rate in milliseconds."""
    steps = np.random.default_rng(seed).integers(20, 150, count)
    return [start + int(step) for step in np.concatenate([[0], np.cumsum(steps[1:])])]


def write_uneven_clip(path: Path, count: int = 60, start: int = 0) -> list[int]:
    """A clip with a variable frame rate; returns its time stamps in milliseconds."""
    pts = uneven_pts(count, start)
    write_barcode_clip(path, count, pts=pts, time_base=Fraction(1, 1000))
    return pts


def write_turned_clip(path: Path, turn: int, count: int = 12) -> Path:
    """A clip stored turned, that a player turns clockwise by ``turn`` degrees to show it upright."""
    stored = (np.ascontiguousarray(np.rot90(frame, turn // 90)) for frame in barcode_frames(count))
    write_clip(path, stored, rotation=turn)
    return path


def write_huge_png(path: Path, side: int = 30_000) -> Path:
    """A valid black PNG of ``side`` x ``side`` pixels, one bit each, in about 100 kB."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    squeeze = zlib.compressobj(6)
    row = bytes(1 + -(-side // 8))
    rows = b"".join(squeeze.compress(row * 100) for _ in range(side // 100)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def cut_copy(source: Path, target: Path, share: float) -> Path:
    """The first ``share`` (0..1) of a file's bytes."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def front_indexed_copy(source: Path, target: Path) -> Path:
    """The same MP4 with its table of contents in front, as files for streaming have it; no re-encoding."""
    import av

    with av.open(str(source)) as reader, av.open(str(target), "w", options={"movflags": "faststart"}) as writer:
        stream = reader.streams.video[0]
        copy = writer.add_stream_from_template(stream)
        for packet in reader.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                writer.mux(packet)
    return target


def astronaut_rgb(side: int = 512) -> RgbArray:
    """scikit-image's public-domain astronaut portrait, (side, side, 3)."""
    from PIL import Image
    from skimage.data import astronaut

    image = Image.fromarray(astronaut())
    return np.array(image if side == 512 else image.resize((side, side), Image.Resampling.BOX))


def astronaut_frames(count: int, width: int = 640, height: int = 480, side: int = 480) -> Iterator[RgbArray]:
    """The portrait drifting slowly over a grey ground."""
    portrait = astronaut_rgb(side)
    for number in range(count):
        frame = np.full((height, width, 3), 96, np.uint8)
        left = min(width - side, 2 + number * 2 % max(1, width - side))
        frame[:side, left : left + side] = portrait[: min(side, height)]
        yield frame


def write_astronaut_clip(path: Path, count: int = 50, **options: Any) -> Path:
    """A clip of the drifting portrait; one face in every frame."""
    write_clip(path, astronaut_frames(count), **options)
    return path
