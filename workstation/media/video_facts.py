"""Facts about a video's streams, as JSON values for MediaInfo."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

from workstation.media.orientation import from_display_matrix
from workstation.media.wire import Message

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# ITU-T H.273, tables 3 and 4, in FFmpeg's words.
_MATRICES = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc", 10: "bt2020c"}
# Matrices that libswscale converts by their own coefficients; 10 has those of 9 (constant luminance is not undone).
_CONVERTED = frozenset((0, 1, 2, 4, 5, 6, 7, 9))
_UNSPECIFIED = 2
_LARGEST_SD = 576
_RANGES = {1: "tv", 2: "pc"}
_HDR = {16: "PQ (SMPTE ST 2084)", 18: "HLG (ARIB STD-B67)"}


def describe_streams(
    container: InputContainer, examined: VideoStream, sample: VideoFrame, frames: int
) -> list[Message]:
    """StreamInfo of every stream as JSON values; ``sample`` is a decoded frame of the examined one."""
    return [
        _examined(examined, sample, frames) if stream.index == examined.index else _other(stream)
        for stream in container.streams
    ]


def stream_warnings(container: InputContainer, stream: VideoStream, sample: VideoFrame) -> list[str]:
    """What an examiner should know before trusting sizes, colours or counts."""
    found: list[str] = []
    others = sum(1 for s in container.streams.video if s.index != stream.index)
    if others:
        found.append(f"The file holds {others} more picture stream(s) that are not examined.")
    ratio = stream.sample_aspect_ratio
    if ratio is not None and ratio not in (0, 1):
        found.append(f"Pixels are not square ({ratio.numerator}:{ratio.denominator}); frames keep their stored size.")
    if sample.interlaced_frame:
        found.append("Frames are interlaced; both fields are examined together.")
    found += _colour_notes(sample)
    matrix = _display_matrix(sample)
    if matrix is not None and not from_display_matrix(matrix)[2]:
        found.append("The file asks to be turned by an angle that is no quarter turn; frames are shown as stored.")
    return found


def _colour_notes(sample: VideoFrame) -> list[str]:
    """What becomes of the stored samples on their way to 8-bit RGB, where it is not the plain and only way."""
    notes: list[str] = []
    bits = _bits(sample)
    if bits > 8:
        notes.append(f"{bits}-bit samples are shown and examined with 8 bits; the stored ones are kept beside them.")
    transfer, matrix = int(sample.color_trc), int(sample.colorspace)
    if transfer in _HDR:
        notes.append(
            f"High dynamic range, {_HDR[transfer]}: shown without tone mapping, the coded values as they are, so that "
            "it looks paler and darker than on its own kind of screen."
        )
    if len(sample.format.components) < 3 or sample.format.is_rgb:
        return notes
    if matrix == _UNSPECIFIED and sample.height > _LARGEST_SD:
        notes.append(
            "The file does not name its colour matrix: BT.601 is assumed, as everywhere in FFmpeg. At this size many "
            "players assume BT.709 and show slightly other hues."
        )
    elif matrix not in _CONVERTED:
        notes.append(f"The colour matrix ({matrix} in ITU-T H.273) is not known to the converter; BT.601 is used.")
    return notes


def _bits(sample: VideoFrame) -> int:
    return max(component.bits for component in sample.format.components)


def _examined(stream: VideoStream, sample: VideoFrame, frames: int) -> Message:
    matrix = _display_matrix(sample)
    turn, mirror, _ = from_display_matrix(matrix) if matrix is not None else (0, False, True)
    facts = _other(stream)
    facts |= {
        "width": sample.width,
        "height": sample.height,
        "pixel_format": sample.format.name,
        "bit_depth": _bits(sample),
        "frame_count": frames,
        "average_rate": str(stream.average_rate or ""),
        "colour_range": _RANGES.get(int(sample.color_range), ""),
        "colour_space": _MATRICES.get(int(sample.colorspace), ""),
        "turn": turn,
        "mirror": mirror,
    }
    return facts


def _other(stream: Stream) -> Message:
    base = stream.time_base
    context: Any = stream.codec_context
    return {
        "index": stream.index,
        "kind": stream.type,
        "codec": context.name if context is not None else "",
        "width": getattr(context, "width", 0) or 0,
        "height": getattr(context, "height", 0) or 0,
        "num": base.numerator if base else 1,
        "den": base.denominator if base else 1,
        "start_pts": stream.start_time,
        "duration_pts": stream.duration,
        "frame_count": stream.frames or None,
    }


def _display_matrix(sample: VideoFrame) -> bytes | None:
    try:
        data: Any = sample.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # A kind of side data that is newer than this PyAV (EXIF of a Motion JPEG, the view of a spatial video) makes it
        # refuse them all. The angle can still be had; that a picture is mirrored cannot.
        return _turned(-sample.rotation) if sample.rotation else None
    return bytes(data) if data is not None else None


def _turned(degrees: int) -> bytes:
    """The display matrix of a clockwise turn."""
    a, b = (round(part * 65536) for part in (math.cos(math.radians(degrees)), math.sin(math.radians(degrees))))
    return struct.pack("=9i", a, b, 0, -b, a, 0, 0, 0, 1 << 30)
