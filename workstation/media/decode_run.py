"""One forward pass of a decoder, with every frame judged: does anything broken stand between it and its keyframe?

A decoder marks only the picture whose own data is broken. Pictures predicted from it come out unmarked, although they
show what the exhibit does not contain (measured: eleven unreadable frames after one damaged keyframe, none marked). So
packets are numbered in decoding order, the number travels through the decoder to the frame, and a frame counts as sound
only when no broken packet lies between it and the last intra picture before it. A B picture is shown before the later
picture it is predicted from: it waits here until that one has come out. Packets of H.264 that are missing
altogether are found by the count in those that are there (:mod:`workstation.media.h264_gaps`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import av

from workstation.domain.errors import MediaTooLarge
from workstation.media.h264_gaps import GapWatch

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

_LONGEST_WAIT = 20
_BOUNDARIES_KEPT = 16
_INTRA = 1  # AV_PICTURE_TYPE_I


class Judged(NamedTuple):
    """A frame in order of presentation; ``damage`` names the broken packet it depends on (its time stamp or number)."""

    frame: VideoFrame
    damage: int | None


@dataclass(slots=True)
class _Fed:
    pts: int | None
    top: int | None  # latest presentation time among the packets fed before this one
    is_key: bool


class DecodeRun:
    """Frames from wherever the container stands. ``lag`` is how many packets late an error may be reported."""

    def __init__(self, context: VideoCodecContext, packets: Iterable[Any], lag: int) -> None:
        self._context = context
        self._packets = packets
        self._lag = lag
        self._gaps = GapWatch(bytes(context.extradata or b"")) if context.name == "h264" else None
        self._fed: dict[int, _Fed] = {}
        self._number = -1
        self._top: int | None = None
        self._shown_top: int | None = None
        self._broken: list[tuple[int, int | None]] = []
        self._intra: deque[tuple[int, int | None]] = deque(maxlen=_BOUNDARIES_KEPT)
        self._waiting: deque[VideoFrame] = deque()

    def __iter__(self) -> Iterator[Judged]:
        for packet in self._packets:
            for frame in self._decode(packet):
                self._note_output(frame)
                self._waiting.append(frame)
            while self._waiting and self._is_settled(self._waiting[0]):
                yield self._judge(self._waiting.popleft())
        while self._waiting:
            yield self._judge(self._waiting.popleft())

    def _decode(self, packet: Any) -> list[VideoFrame]:
        drain = packet is None or (not packet.size and packet.dts is None)
        if not drain:
            if not packet.size:
                return []  # an AVI's way to say "the same picture again"; given to the decoder it would drain it
            self._note_packet(packet)
        try:
            return self._context.decode(None if drain else packet)
        except MemoryError as error:
            raise too_large() from error
        except (av.error.FFmpegError, ValueError):
            for number in range(max(0, self._number - self._lag), self._number + 1):
                fed = self._fed.get(number)
                self._broken.append((number, fed.pts if fed else None))
            return []

    def _note_packet(self, packet: Any) -> None:
        self._number += 1
        packet.opaque = self._number
        self._fed[self._number] = _Fed(packet.pts, self._top, packet.is_keyframe)
        lost = self._gaps is not None and self._gaps.is_missing_before(bytes(packet), packet.is_keyframe)
        if packet.is_corrupt or lost:
            self._broken.append((self._number, packet.pts))
        if packet.pts is not None and (self._top is None or packet.pts > self._top):
            self._top = packet.pts
        if len(self._fed) > 4096:
            self._fed = {n: fed for n, fed in self._fed.items() if n > self._number - 1024}

    def _note_output(self, frame: VideoFrame) -> None:
        number = self._number_of(frame)
        fed = self._fed.get(number)
        pts = fed.pts if fed else None
        if pts is not None and (self._shown_top is None or pts > self._shown_top):
            self._shown_top = pts
        if frame.is_corrupt:
            self._broken.append((number, pts))
        elif int(frame.pict_type) == _INTRA and (frame.key_frame or (fed is not None and fed.is_key)):
            # A key packet whose picture is not intra starts a gradual refresh, and is no clean boundary.
            self._intra.append((number, pts))
            oldest = self._intra[0][0]
            self._broken = [entry for entry in self._broken if entry[0] >= oldest]

    def _is_settled(self, frame: VideoFrame) -> bool:
        """Whether every picture that was decoded before this one has come out (or never will)."""
        fed = self._fed.get(self._number_of(frame))
        if fed is None or len(self._waiting) > _LONGEST_WAIT:
            return True
        if fed.pts is not None:
            return fed.top is None or (self._shown_top is not None and self._shown_top >= fed.top)
        number = self._number_of(frame)
        shown = {self._number_of(waiting) for waiting in self._waiting}
        return all(earlier in shown for earlier in self._fed if earlier < number)

    def _judge(self, frame: VideoFrame) -> Judged:
        number = self._number_of(frame)
        fed = self._fed.pop(number, None)
        pts = fed.pts if fed else None
        start, start_pts = -1, None
        for boundary, boundary_pts in reversed(self._intra):
            if boundary <= number and (pts is None or boundary_pts is None or boundary_pts <= pts):
                start, start_pts = boundary, boundary_pts
                break
        for broken, broken_pts in self._broken:
            # Pictures shown before the boundary but decoded after it are never predicted from by those behind it.
            leads = start_pts is not None and broken_pts is not None and broken_pts < start_pts
            if start <= broken <= number and not leads:
                return Judged(frame, broken_pts if broken_pts is not None else broken)
        return Judged(frame, None)

    def _number_of(self, frame: VideoFrame) -> int:
        number = frame.opaque
        return number if isinstance(number, int) else self._number


def too_large() -> MediaTooLarge:
    return MediaTooLarge("Decoding needs more memory than one exhibit may use.", "The limit is stated in the settings.")
