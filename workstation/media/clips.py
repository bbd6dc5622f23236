"""Writes video clips for the demonstration, the benchmark and the tests. Never an exhibit: those are only read."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from workstation.domain.errors import InputError, StorageFull
from workstation.domain.media import RgbArray

_FORMATS = {
    ".mp4": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".ts": "mpegts",
    ".avi": "avi",
    ".h264": "h264",
}
_EVEN_ONLY = ("yuv420p", "yuv422p", "yuvj420p", "yuv420p10le")


def write_clip(
    path: Path,
    frames: Iterable[RgbArray],
    *,
    rate: int | Fraction = 25,
    codec: str = "libx264",
    crf: int = 23,
    gop: int = 12,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    rotation: int = 0,
    pixel_format: str = "yuv420p",
    options: Mapping[str, str] | None = None,
) -> None:
    """Encode frames to a video file; the same input gives the same bytes with the same libraries.

    Args:
        path: its suffix chooses the container (.mp4 .mov .mkv .webm .ts .avi .h264).
        frames: (height, width, 3) uint8 RGB, all of one size, both sides even where chroma is subsampled.
        rate: frames per second; also names the rate when ``pts`` is given.
        crf: quality of x264 and x265, smaller is better, 0 lossless.
        gop: largest distance between keyframes, in frames.
        pts: presentation time of each frame in ticks of ``time_base``, rising, for a variable rate.
        time_base: seconds per tick; 1/rate when absent. MPEG-TS and Matroska round to their own (1/90000, 1/1000).
        rotation: degrees (0, 90, 180, 270) that a player turns the picture clockwise; .mp4 and .mov keep it.
        options: further options of the encoder.

    Raises:
        InputError: an unknown suffix, no frames, an odd or changing size, too few or not rising time stamps.
        StorageFull: the file cannot be written whole. Nothing is left behind under ``path``.
    """
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"Clips of type {path.suffix or '(none)'} are not written.", f"One of {', '.join(_FORMATS)}.")
    partial = path.with_name(f".{path.name}.part")
    try:
        _encode(partial, _FORMATS[path.suffix.lower()], frames, rate, codec, crf, gop, pts, time_base, rotation,
                pixel_format, dict(options or {}))  # fmt: skip
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise StorageFull(f"The clip {path.name} cannot be written: {error.strerror}.", "Free some space.") from error
    finally:
        partial.unlink(missing_ok=True)


def _encode(
    path: Path,
    container_format: str,
    frames: Iterable[RgbArray],
    rate: int | Fraction,
    codec: str,
    crf: int,
    gop: int,
    pts: Sequence[int] | None,
    time_base: Fraction | None,
    rotation: int,
    pixel_format: str,
    options: dict[str, str],
) -> None:
    import av
    from av.video.reformatter import Interpolation, VideoReformatter

    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise InputError("A clip needs at least one frame.")
    height, width = first.shape[:2]
    if pixel_format in _EVEN_ONLY and (height % 2 or width % 2):
        raise InputError(f"A clip's sides must be even, not {width} x {height}.")
    base = time_base or 1 / Fraction(rate)
    muxer = {"fflags": "+bitexact"}
    if container_format in ("mp4", "mov") and base.numerator == 1:
        muxer["video_track_timescale"] = str(base.denominator)
    settings = {"crf": str(crf), "threads": "1"} if codec in ("libx264", "libx265") else {"threads": "1"}
    if codec == "libx264":
        # x264's macroblock tree gave other bytes for the same frames in one run of eight (its vector code; measured).
        options["x264-params"] = ":".join(filter(None, ("mbtree=0", options.get("x264-params", ""))))
    if codec == "libx265":
        settings["x265-params"] = "pools=none:frame-threads=1:log-level=none"
    with av.open(str(path), "w", format=container_format, container_options=muxer) as container:
        stream: Any = container.add_stream(codec, rate=Fraction(rate), options=settings | options)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        context = stream.codec_context
        context.time_base = base
        context.gop_size = gop
        context.flags |= av.codec.context.Flags.bitexact
        if rotation % 360:
            stream.set_display_rotation(-rotation)
        # Exact arithmetic, so that the planes do not depend on the processor's vector units.
        reformatter = VideoReformatter()
        exact = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
        last: int | None = None
        for number, rgb in enumerate(itertools.chain([first], rest)):
            if rgb.shape != first.shape:
                raise InputError(f"Frame {number} has another size than the first.")
            stamp = number if pts is None else _stamp(pts, number, last)
            whole = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame = reformatter.reformat(whole, format=pixel_format, interpolation=exact, threads=1)
            frame.pts, frame.time_base, last = stamp, base, stamp
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _stamp(pts: Sequence[int], number: int, last: int | None) -> int:
    if number >= len(pts) or (last is not None and pts[number] <= last):
        raise InputError(f"Frame {number} has no rising time stamp.")
    return pts[number]
