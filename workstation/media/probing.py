"""What an exhibit is: kind, container, streams, sizes, orientation, and what is odd about it."""

from __future__ import annotations

from pathlib import Path

from workstation.domain.media import MediaInfo, MediaKind, Orientation, StreamInfo, TimeBase
from workstation.media.decoder_process import DecoderProcess
from workstation.media.limits import DecodeLimits
from workstation.media.wire import Message


def probe(path: Path, limits: DecodeLimits | None = None) -> MediaInfo:
    """Look at an exhibit in a decoder child: sniff its content, read its headers, decode one picture.

    A video is demuxed once from end to end, so ``frame_count`` of the primary stream is the number of frames that are
    there. A cut-off video that still gives pictures is accepted, with a warning; so is a file of several pictures, of
    which the first counts.

    Raises:
        NotFound, PermissionRefused: no such file, or no right to read it.
        EmptyFile: it has no bytes.
        UnreadableMedia: neither a picture nor a video this product can decode.
        DamagedMedia: it begins like one, but nothing in it can be decoded.
        MediaTooLarge: its header announces more pixels than the limit, or decoding needs more memory than the limit.
        DecoderStopped: the decoder crashed, hung or ran out of processor time.
    """
    child = DecoderProcess(path, limits or DecodeLimits())
    try:
        return _media_info(child.ask({"do": "describe"}))
    finally:
        child.close()


def _media_info(facts: Message) -> MediaInfo:
    return MediaInfo(
        kind=MediaKind(facts["kind"]),
        container=facts["container"],
        streams=tuple(_stream_info(stream) for stream in facts["streams"]),
        primary=facts["primary"],
        duration_s=facts["duration_s"],
        decoder=facts["decoder"],
        warnings=tuple(facts["warnings"]),
    )


def _stream_info(facts: Message) -> StreamInfo:
    return StreamInfo(
        index=facts["index"],
        kind=facts["kind"],
        codec=facts["codec"],
        width=facts.get("width", 0),
        height=facts.get("height", 0),
        pixel_format=facts.get("pixel_format", ""),
        bit_depth=facts.get("bit_depth", 8),
        time_base=TimeBase(facts.get("num", 1), facts.get("den", 1)),
        start_pts=facts.get("start_pts"),
        duration_pts=facts.get("duration_pts"),
        frame_count=facts.get("frame_count"),
        average_rate=facts.get("average_rate", ""),
        colour_range=facts.get("colour_range", ""),
        colour_space=facts.get("colour_space", ""),
        orientation=Orientation(facts.get("turn", 0), facts.get("mirror", False)),
    )
