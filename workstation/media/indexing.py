"""The frame index: every time stamp of a stream, found by demuxing once without decoding."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from workstation.domain.errors import MediaTooLarge
from workstation.media.decoded import Beat, Index
from workstation.media.limits import DecodeLimits

if TYPE_CHECKING:
    from av.video.stream import VideoStream

    from workstation.media.video_source import VideoSource

_BEAT_EVERY = 512
_ORDER_CHECKED = 48


def build_index(source: VideoSource, stream: VideoStream, beat: Beat) -> Index:
    """Read all packets of the stream; count by decoding where time stamps are missing, not unique or out of order.

    The file's own edit list is kept to, as players and ffmpeg do (ISO 14496-12, 8.6.6): frames that it does not show
    have no place in the index and are not examined; how many there are is a warning. VP8 reference frames that are
    never shown are left out, too.
    """
    stamps: list[int] = []
    keys: list[int] = []
    usable = True
    cut = 0
    broken = 0
    is_vp8 = stream.codec_context.name in ("vp8", "libvpx")
    for number, packet in enumerate(source.packets()):
        if packet is None or not packet.size:
            continue
        if number % _BEAT_EVERY == 0:
            beat()
        if packet.is_discard:
            cut += 1
            continue
        if is_vp8 and not memoryview(packet)[0] & 0x10:
            continue
        if packet.pts is None:
            usable = False
            break
        broken += packet.is_corrupt
        stamps.append(packet.pts)
        check_count(len(stamps), source.limits)
        if packet.is_keyframe:
            keys.append(packet.pts)
    stamps.sort()
    if not usable or not keys or len(set(stamps)) != len(stamps):
        return _counted(source, stream.index, beat)
    base = stream.time_base
    assert base is not None
    warnings = _warnings(source, stream, stamps, cut, broken)
    index = Index(stream.index, base.numerator, base.denominator, stamps, sorted(keys), warnings)
    if stream.codec_context.has_b_frames and not _is_in_order(source, beat):
        return _counted(source, index.stream, beat)
    return index


def _is_in_order(source: VideoSource, beat: Beat) -> bool:
    """Whether the first frames come out with rising time stamps.

    AVI stores none: the demultiplexer guesses them, wrongly where the encoder reorders more than it thinks (measured:
    H.264 and packed MPEG-4 with B-frames), and a frame would be given under the name of its neighbour.
    """
    last: int | None = None
    for frame, damage in itertools.islice(source.frames_from(None), _ORDER_CHECKED):
        beat()
        if damage is not None:
            continue
        if frame.pts is None or (last is not None and frame.pts <= last):
            return False
        last = frame.pts
    return True


def check_count(frames: int, limits: DecodeLimits) -> None:
    """Raises: MediaTooLarge, above the limit of frames in one stream."""
    if frames > limits.max_frames:
        raise MediaTooLarge(f"The video has more than {limits.max_frames:,} frames.", "Ask for it in shorter parts.")


def _counted(source: VideoSource, number: int, beat: Beat) -> Index:
    # The number and not the stream: counting opens the file again, and the old stream is gone then.
    total = 0
    for _ in source.frames_from(None):
        beat()
        total += 1
        check_count(total, source.limits)
    rate = source.guessed_rate
    note = "The stream has no usable time stamps: frames are counted, and times assume its nominal rate."
    return Index(number, rate.denominator, rate.numerator, list(range(total)), [], [note])


def _warnings(source: VideoSource, stream: VideoStream, stamps: list[int], cut: int, broken: int) -> list[str]:
    found: list[str] = []
    announced = stream.frames
    shown = len(stamps)
    held = shown + cut
    if source.has_edit_list and (cut or announced > held):
        held = max(held, source.frames_held(stream.index))
    if held > shown:
        found.append(
            f"The file holds {held} frames, its own edit list shows {shown}: {held - shown} are cut away by it and "
            "are not examined."
        )
    if announced > held:
        found.append(f"The file is cut short: it announces {announced} frames and holds {held}.")
    elif source.read_error or broken:
        found.append("The file is cut short or broken: some of its packets cannot be read whole.")
    elif _ends_early(stream, source.duration_s, stamps):
        found.append("The file is cut short: its pictures end well before the length it announces.")
    return found


def _ends_early(stream: VideoStream, announced: float | None, stamps: list[int]) -> bool:
    base = stream.time_base
    if base is None or not announced or not stamps:
        return False
    # The container's length covers the sound too, so a second and five per cent of slack.
    held = float((stamps[-1] - stamps[0]) * base)
    return announced - held > 1.0 + 0.05 * announced
