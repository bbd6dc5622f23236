"""What FFmpeg's demuxer says about a container, how keyframes are spread, what encoders wrote into the stream."""

from __future__ import annotations

import contextlib
import io
import statistics
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import av
import av.codec.context
import av.container
import av.error

from workstation.domain.metadata import GopFacts, MetaField
from workstation.media.metadata import parameter_text
from workstation.media.metadata.bounds import Broken
from workstation.media.metadata.findings import Findings
from workstation.media.metadata.texts import fact, text_field
from workstation.media.open_exhibit import OpenExhibit
from workstation.media.video_source import open_container

_MOST_PACKETS = 20_000
_MOST_BYTES = 512 << 20
_LOOKED_INTO = 4
_MOST_TAGS = 100
_LARGEST_PACKET = 4 << 20


def warm_up() -> None:
    """Load what PyAV loads on first use, by opening a tiny file that is none."""
    with contextlib.suppress(av.error.FFmpegError, OSError, ValueError):
        av.open(io.BytesIO(b"\0" * 64)).close()


def read_streams(find: Findings, exhibit: OpenExhibit, beat: Callable[[], None]) -> None:
    """Read tags, keyframes and encoder strings. Raises: Broken when FFmpeg cannot open the file."""
    find.tools["PyAV"] = av.__version__
    find.tools["FFmpeg libavformat"] = ".".join(map(str, av.library_versions["libavformat"]))
    try:
        container = open_container(exhibit)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise Broken(f"FFmpeg does not open it ({type(error).__name__})") from error
    try:
        _tags(find, container)
        streams = [s for s in container.streams.video if not s.disposition & 0x400]  # 0x400: an attached picture
        if streams:
            _packets(find, container, streams[0], beat)
    except (av.error.FFmpegError, OSError) as error:
        raise Broken(f"FFmpeg stopped reading it ({type(error).__name__})") from error
    finally:
        container.close()


def _tags(find: Findings, container: Any) -> None:
    name = str(container.format.name)
    fields: list[MetaField] = [fact("Demuxer", name)]
    fields += [text_field(key, value) for key, value in list(container.metadata.items())[:_MOST_TAGS]]
    find.group("Container (as FFmpeg reads it)", name, fields)
    for stream in list(container.streams)[:64]:
        tags = [text_field(key, value) for key, value in list(stream.metadata.items())[:_MOST_TAGS]]
        context = stream.codec_context
        codec = context.name if context is not None else "unknown"
        tags.insert(0, fact("Codec", codec))
        if context is not None and getattr(context, "profile", None):
            tags.insert(1, fact("Profile", context.profile))
        find.group(f"Stream {stream.index} (as FFmpeg reads it)", stream.type or "unknown", tags)


def _packets(find: Findings, container: Any, stream: Any, beat: Callable[[], None]) -> None:
    codec = stream.codec_context.name if stream.codec_context is not None else ""
    extradata = bytes(stream.codec_context.extradata or b"") if stream.codec_context is not None else b""
    texts: list[str] = parameter_text.in_setup(codec, extradata)
    keys: list[int] = []
    count, total, reordered, last, complete = 0, 0, False, None, True
    for packet in container.demux(stream):
        if packet.dts is None and packet.size == 0:
            continue
        if packet.is_keyframe:
            keys.append(count)
        if count < _LOOKED_INTO and packet.size <= _LARGEST_PACKET:
            texts += parameter_text.in_packet(codec, extradata, bytes(packet))
        if packet.pts is not None:
            reordered = reordered or (last is not None and packet.pts < last)
            last = packet.pts
        count, total = count + 1, total + packet.size
        if not count % 64:
            beat()
        if count >= _MOST_PACKETS or total > _MOST_BYTES:
            complete = False
            break
    lengths = [b - a for a, b in pairwise(keys)]
    find.gop = GopFacts(
        stream=stream.index, codec=codec, packets=count, keyframes=len(keys), shortest=min(lengths, default=0),
        longest=max(lengths, default=0), usual=int(statistics.median_low(lengths)) if lengths else 0,
        reordered=reordered, complete=complete, first_lengths=tuple(lengths[:32]),
    )  # fmt: skip
    shown = list(dict.fromkeys(texts))[:20]
    fields = [text_field(parameter_text.maker(text) or "User data", text) for text in shown]
    find.group("Encoder (inside the video stream)", f"stream {stream.index}, first packets and setup data", fields)
    for text in shown:
        if parameter_text.maker(text):
            find.observe(
                "encoder_string",
                f"The video stream carries a text of the encoder {parameter_text.maker(text)}. Many devices and"
                " programs use that encoder; the text can be copied or removed.",
                text[:200],
            )
