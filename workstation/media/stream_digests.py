"""The task behind E2: SHA-256 over each elementary stream as stored, found by demuxing alone (SWGDE 23-V-001, 6.3).

``sha256`` is over the payloads of a stream's packets one after the other, and equals what ::

    ffmpeg -i FILE -map 0 -c copy -copyinkf -f streamhash -hash sha256 -

prints for the stream. As there, an MP4's edit list is honoured: packets that no shown picture needs are not counted.

``normal_sha256`` survives a change of container that writes the same pictures or sounds in another wrapping:

=========  =============================================================================================
H.264      the slices alone (NAL unit types 1 to 5, 20 and 21), each behind 00 00 00 01: no lengths, parameter
           sets, delimiters, fillers or SEI, which multiplexers add, move or drop (ISO/IEC 14496-10, 7.4.1)
H.265      the same (NAL unit types 0 to 31; ISO/IEC 23008-2, 7.4.2)
AV1        all OBUs but temporal delimiters (AV1 specification, 5.3)
AAC        frames without their ADTS header (ISO/IEC 14496-3, 1.A.2.2)
others     empty: their packets are the same in every container, or no rule is known
=========  =============================================================================================

MP4, Matroska and transport streams of one H.264 stream thus have one normal digest, and up to three plain ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from workstation.domain.errors import DamagedMedia, UnreadableMedia
from workstation.media import picture_streams
from workstation.media.sniffing import HEAD_BYTES, sniff
from workstation.media.wire import Message

if TYPE_CHECKING:
    from workstation.media.open_exhibit import OpenExhibit

_BEAT_EVERY = 64
_START = b"\x00\x00\x00\x01"
_H264_SLICES = frozenset((1, 2, 3, 4, 5, 20, 21))

Pieces = Callable[[bytes], Iterable[bytes]]


class _Stream:
    """Running digests of one stream."""

    def __init__(self, kind: str, codec: str, normal: Pieces | None) -> None:
        self.kind = kind
        self.codec = codec
        self.packets = 0
        self.size = 0
        self._plain = hashlib.sha256()
        self._normal = hashlib.sha256()
        self._pieces = normal

    def take(self, payload: bytes) -> None:
        self.packets += 1
        self.size += len(payload)
        self._plain.update(payload)
        if self._pieces is not None:
            for piece in self._pieces(payload):
                self._normal.update(piece)

    def message(self, number: int) -> Message:
        return {
            "stream": number,
            "kind": self.kind,
            "codec": self.codec,
            "packets": self.packets,
            "size": self.size,
            "sha256": self._plain.hexdigest(),
            "normal_sha256": self._normal.hexdigest() if self._pieces is not None else "",
        }


def warm_up() -> None:
    """Load the demultiplexer before the child is confined."""
    from workstation.media.warm_up import warm_up as load_all

    load_all()


def read(exhibit: OpenExhibit, arguments: Message, beat: Callable[[], None], say: Callable[[Message], None]) -> Message:
    """The task: ``{"streams": [...]}``, each with the fields of ``StreamDigest``.

    Raises:
        UnreadableMedia, DamagedMedia: no container that this product reads, or one that cannot be read to its end.
    """
    with exhibit.file() as file:
        signature = sniff(file.read(HEAD_BYTES))
    if signature.is_picture:
        with exhibit.file() as file:
            found = picture_streams.digest(file, signature, exhibit.size, beat)
        return {"streams": [found] if found else []}
    return {"streams": _streams(exhibit, beat)}


def _streams(exhibit: OpenExhibit, beat: Callable[[], None]) -> list[Message]:
    import av

    from workstation.media.video_source import open_container

    try:
        container = open_container(exhibit)
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise UnreadableMedia("The file is no container that this product can read.") from error
    with container:
        found = [_begin(stream) for stream in container.streams]
        try:
            for number, packet in enumerate(container.demux()):
                if number % _BEAT_EVERY == 0:
                    beat()
                if packet.size:
                    found[packet.stream_index].take(bytes(packet))
        except IndexError:
            pass  # the end, where a stream appeared on the way: see VideoSource.packets
        except (av.error.FFmpegError, OSError) as error:
            raise DamagedMedia("The file cannot be read to its end.", "Ask for a complete copy.") from error
    return [stream.message(number) for number, stream in enumerate(found)]


def _begin(stream: Any) -> _Stream:
    context = stream.codec_context
    codec = context.codec.canonical_name if context is not None else ""
    extradata = bytes(context.extradata or b"") if context is not None else b""
    return _Stream(stream.type or "data", codec, _rule(codec, extradata))


def _rule(codec: str, extradata: bytes) -> Pieces | None:
    described = len(extradata) > 6 and extradata[0] == 1
    if codec == "h264":
        width = (extradata[4] & 3) + 1 if described else 0
        return lambda payload: _slices(_units(payload, width), lambda unit: unit[0] & 31 in _H264_SLICES)
    if codec == "hevc":
        width = (extradata[21] & 3) + 1 if described and len(extradata) > 21 else 0
        return lambda payload: _slices(_units(payload, width), lambda unit: (unit[0] >> 1) & 63 < 32)
    if codec == "av1":
        return without_delimiters
    if codec == "aac":
        return _as_it_is if extradata else _without_adts
    return None


def _as_it_is(payload: bytes) -> Iterable[bytes]:
    return (payload,)


def _slices(units: Iterable[bytes], wanted: Callable[[bytes], bool]) -> Iterator[bytes]:
    for unit in units:
        if wanted(unit):
            yield _START
            yield unit


def _units(payload: bytes, width: int) -> Iterator[bytes]:
    """NAL units of a packet; ``width`` is the number of length bytes in front of each, 0 for start codes."""
    pieces = split_lengths(payload, width) if width else split_start_codes(payload)
    for piece in pieces:
        # A unit never ends in a zero byte (14496-10, 7.4.1); multiplexers pad with them.
        unit = piece.rstrip(b"\x00")
        if unit:
            yield unit


def split_lengths(payload: bytes, width: int) -> Iterator[bytes]:
    """Units with their length in front (14496-15, 5.3.4); one that says it is longer than the packet ends with it."""
    at = 0
    while at + width <= len(payload):
        length = int.from_bytes(payload[at : at + width], "big")
        at += width
        yield payload[at : at + length]
        at += length


def split_start_codes(payload: bytes) -> Iterator[bytes]:
    """Units between start codes (14496-10, annex B); what stands before the first one is left out."""
    start = payload.find(_START[1:])
    while start >= 0:
        start += 3
        end = payload.find(_START[1:], start)
        yield payload[start : end if end >= 0 else len(payload)]
        start = end


def without_delimiters(payload: bytes) -> Iterator[bytes]:
    """OBUs of an AV1 packet in low-overhead form but for temporal delimiters; as it is when it has another form."""
    at = 0
    while at < len(payload):
        head = payload[at]
        if not head & 2 or head & 0x80:
            yield payload[at:]
            return
        after = at + (2 if head & 4 else 1)
        length, size_bytes = _leb128(payload, after)
        end = after + size_bytes + length
        if (head >> 3) & 15 != 2:
            yield payload[at:end]
        at = end


def _leb128(payload: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(8):
        byte = payload[at + count] if at + count < len(payload) else 0
        value |= (byte & 127) << (7 * count)
        if not byte & 128:
            return value, count + 1
    return value, 8


def _without_adts(payload: bytes) -> Iterator[bytes]:
    """AAC frames without their ADTS headers; as it is when there is none."""
    at = 0
    while at + 7 <= len(payload):
        if payload[at] != 0xFF or payload[at + 1] & 0xF6 != 0xF0:
            break
        header = 7 if payload[at + 1] & 1 else 9
        length = (payload[at + 3] & 3) << 11 | payload[at + 4] << 3 | payload[at + 5] >> 5
        if length < header:
            break
        yield payload[at + header : at + length]
        at += length
    if at < len(payload):
        yield payload[at:]
