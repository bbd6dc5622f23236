"""What an exhibit is made of, and how a frame is named (X9, G9): stream, time stamp, time base and digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

RgbArray = npt.NDArray[np.uint8]
SampleArray = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


class MediaKind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class TimeBase:
    """Seconds per tick as an exact fraction. A still picture has 1/1 and the single time stamp 0."""

    num: int
    den: int

    def seconds(self, pts: int) -> float:
        return float(Fraction(pts * self.num, self.den))


@dataclass(frozen=True, slots=True)
class Orientation:
    """How stored pixels become shown pixels: mirror left-right first, then turn clockwise by ``turn`` degrees."""

    turn: int = 0
    mirror: bool = False

    @property
    def swaps_sides(self) -> bool:
        return self.turn in (90, 270)


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One elementary stream. ``width``/``height`` are as stored, before ``orientation``; unknown counts are None."""

    index: int
    kind: str
    codec: str
    width: int = 0
    height: int = 0
    pixel_format: str = ""
    bit_depth: int = 8
    time_base: TimeBase = field(default_factory=lambda: TimeBase(1, 1))
    start_pts: int | None = None
    duration_pts: int | None = None
    frame_count: int | None = None
    average_rate: str = ""
    colour_range: str = ""
    colour_space: str = ""
    orientation: Orientation = field(default_factory=Orientation)

    @property
    def shown_size(self) -> tuple[int, int]:
        """(width, height) in pixels after orientation."""
        return (self.height, self.width) if self.orientation.swaps_sides else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the probe found. ``primary`` is the index of the stream that is examined."""

    kind: MediaKind
    container: str
    streams: tuple[StreamInfo, ...]
    primary: int
    duration_s: float | None = None
    decoder: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def video(self) -> StreamInfo:
        return next(s for s in self.streams if s.index == self.primary)


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Every frame of one stream in presentation order, found by demuxing once without decoding.

    Attributes:
        pts: presentation time stamps in ticks, strictly rising; the position in this tuple is the ordinal.
        keyframes: the subset of ``pts`` from which decoding can start.
    """

    stream: int
    time_base: TimeBase
    pts: tuple[int, ...]
    keyframes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.pts)

    def seconds(self, ordinal: int) -> float:
        """Presentation time of a frame in seconds, counted from the time base's own zero."""
        return self.time_base.seconds(self.pts[ordinal])


@dataclass(frozen=True, slots=True)
class FrameRef:
    """The exact name of a frame. ``digest`` is SHA-256 (hex) of its decoded planes; ``ordinal`` is a courtesy only."""

    stream: int
    pts: int
    time_base: TimeBase
    digest: str
    ordinal: int

    @property
    def seconds(self) -> float:
        return self.time_base.seconds(self.pts)


@dataclass(frozen=True, slots=True)
class Samples:
    """The decoded samples of a frame as stored: in its own pixel format, neither turned nor converted.

    Attributes:
        pixel_format: FFmpeg's name ("yuv420p10le"); for a picture Pillow's mode ("RGB", "CMYK"), or FFmpeg's name where
            its samples have more than 8 bits ("rgb48be").
        planes: arrays of shape (rows, samples in a row), uint8 or uint16 in the stored byte order, read-only. A packed
            format has one plane with the components of a pixel side by side; subsampled planes are smaller.
    """

    ref: FrameRef
    pixel_format: str
    width: int
    height: int
    planes: tuple[SampleArray, ...]

    @property
    def sha256(self) -> str:
        """SHA-256 of the planes one after the other: for a video what ffmpeg's ``framehash`` gives for this frame."""
        digest = hashlib.sha256()
        for plane in self.planes:
            digest.update(np.ascontiguousarray(plane).data)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded frame as shown: ``rgb`` is (height, width, 3) uint8, orientation applied, read-only."""

    ref: FrameRef
    rgb: RgbArray


@dataclass(frozen=True, slots=True)
class MediaLocation:
    """Where an exhibit's bytes are, and how they are read.

    Attributes:
        path: the file on disk.
        key: the 32-byte key of this one file (``domain.sealed``); None when it lies there as plain bytes.
    """

    path: Path
    key: bytes | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.path.name

    @staticmethod
    def of(place: Path | MediaLocation) -> MediaLocation:
        """A plain path as a location; a location as it is."""
        return place if isinstance(place, MediaLocation) else MediaLocation(place)
