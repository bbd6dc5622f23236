"""Frames in memory through a video codec and back: what H.264 or H.265 leaves of a picture.

Nothing here reads evidence: what is decoded was encoded a moment before, by the same process.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import av
import av.error
import numpy as np

from workstation.domain.errors import InputError
from workstation.domain.media import RgbArray

_ENCODERS = {"h264": "libx264", "h265": "libx265"}
CODECS = tuple(_ENCODERS)
_CRF = range(52)


def recode(frames: Sequence[RgbArray], codec: str, crf: int) -> list[RgbArray]:
    """Encode frames as one clip of yuv420p at a constant rate factor, and decode it.

    Args:
        frames: (height, width, 3) uint8, all of one size; odd sizes are padded for the codec and cut again.
        codec: "h264" or "h265".
        crf: 0..51; FaceForensics++ has 23 and 40.

    Returns:
        As many frames of the same size, in the same order.

    Raises:
        InputError: no frames, frames of several sizes, an unknown codec or rate factor, or a codec that is not there.
    """
    if codec not in _ENCODERS or crf not in _CRF:
        raise InputError(f"There is no compression {codec} at {crf}.", "Use h264 or h265 with a CRF of 0 to 51.")
    if not frames or any(frame.shape != frames[0].shape for frame in frames):
        raise InputError("A clip needs frames of one size.", "Give at least one frame.")
    height, width = frames[0].shape[:2]
    padded = [np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge") for frame in frames]
    try:
        data = _encoded(padded, _ENCODERS[codec], crf)
        with av.open(io.BytesIO(data), mode="r", format="matroska") as container:
            found = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    except (av.error.FFmpegError, ValueError) as error:
        raise InputError(f"Frames cannot be compressed as {codec} ({error}).", "Use the other codec.") from error
    if len(found) != len(frames):
        raise InputError(f"The codec gave {len(found)} frames for {len(frames)}.", "Use the other codec.")
    return [np.ascontiguousarray(frame[:height, :width]) for frame in found]


def _encoded(frames: Sequence[RgbArray], encoder: str, crf: int) -> bytes:
    out = io.BytesIO()
    with av.open(out, mode="w", format="matroska") as container:
        stream = container.add_stream(encoder, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        stream.options = {"crf": str(crf), "preset": "veryfast"}
        if encoder == "libx265":
            stream.options |= {"x265-params": "log-level=none:pools=none:frame-threads=1"}
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()
