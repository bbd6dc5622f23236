"""Small pictures of an exhibit, spread over its whole length and kept in memory, so that scrubbing shows something at
once (U30) while the exact frame is still being decoded.

A proxy is never evidence and never examined: it is smaller than the frame, it may be a neighbour of the one that was
asked for, and whoever shows it must say so.
"""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from workstation.app.shots import Shots, Signature, found, signature
from workstation.domain.errors import WorkstationError
from workstation.domain.ids import EvidenceId
from workstation.domain.media import Frame, FrameIndex, FrameRef, MediaInfo, MediaKind, MediaLocation, RgbArray
from workstation.media.reader import open_media

_SIDE = 320
_BYTES = 64 << 20
_MOST = 600
_FIRST_ROUND = 48
# Decoding every frame of a longer exhibit for its proxies would take minutes; there the keyframes have to do.
_LONGEST_DECODED = 40_000
# Every frame is decoded for the shots: about five minutes of 1080p, two minutes of work for one core.
_PIXELS_SEARCHED = 15_000_000_000
# About 25 ms of decoding H.264 on one core.
_PIXELS_AT_ONCE = 20_000_000

Opened = tuple[MediaLocation, MediaInfo, FrameIndex | None]


@dataclass(frozen=True, slots=True)
class Proxy:
    """A stand-in for a frame.

    Attributes:
        ordinal: the frame that was asked for.
        ref: the frame the picture was made from, often a neighbour.
        width, height: size of the real frame as shown.
        rgb: (rows, columns, 3) uint8, orientation applied, read-only, at most 320 pixels long.
    """

    evidence: EvidenceId
    ordinal: int
    ref: FrameRef
    width: int
    height: int
    rgb: RgbArray

    @property
    def exact(self) -> bool:
        """Whether it was made from the very frame that was asked for. It is smaller even then."""
        return self.ordinal == self.ref.ordinal


class Strip:
    """The proxies of one exhibit, and its shots. Filled by one thread, read by others.

    Attributes:
        offered: whether its pictures stand in for frames; else it is filled for the shots alone.
        whole: whether it is filled.
        shots: once they are found.
    """

    def __init__(self, evidence: EvidenceId, *, offered: bool = True) -> None:
        self._evidence = evidence
        self.offered = offered
        self.shots: Shots | None = None
        self._signatures: dict[int, Signature] = {}
        self._lock = threading.Lock()
        self._ordinals: list[int] = []
        self._pictures: dict[int, Proxy] = {}
        self.whole = False

    def __len__(self) -> int:
        return len(self._ordinals)

    def note(self, frame: Frame) -> None:
        """Keep what the shots are found by."""
        self._signatures[frame.ref.ordinal] = signature(frame.rgb)

    def missing(self, frames: int) -> list[int]:
        """Ordinals of the frames that were not noted yet."""
        return [ordinal for ordinal in range(frames) if ordinal not in self._signatures]

    def find_shots(self, index: FrameIndex) -> None:
        """Work out the shots, once every frame that can be decoded was noted."""
        known = self._signatures
        last: Signature | None = known[min(known)] if known else None
        ordered: list[Signature] = []
        for ordinal in range(len(index)):
            last = known.get(ordinal, last)
            if last is not None:
                ordered.append(last)
        self.shots = found(ordered, index) if ordered else Shots(False, note="no frame could be decoded")
        self._signatures = {}

    def add(self, frame: Frame) -> None:
        small = shrunk(frame.rgb)
        height, width = frame.rgb.shape[:2]
        with self._lock:
            if frame.ref.ordinal not in self._pictures:
                insort(self._ordinals, frame.ref.ordinal)
                self._pictures[frame.ref.ordinal] = Proxy(
                    self._evidence, frame.ref.ordinal, frame.ref, width, height, small
                )

    def near(self, ordinal: int) -> Proxy | None:
        """The proxy nearest to a frame; of two equally near the earlier one."""
        with self._lock:
            if not self._ordinals:
                return None
            at = bisect_right(self._ordinals, ordinal)
            around = self._ordinals[max(0, at - 1) : at + 1]
            shown = min(around, key=lambda known: (abs(known - ordinal), known))
            return replace(self._pictures[shown], ordinal=ordinal)


def is_worth_it(info: MediaInfo, index: FrameIndex | None) -> bool:
    """Whether a random frame of this exhibit is likely to take so long that a stand-in is seen before it."""
    if info.kind is not MediaKind.VIDEO or index is None:
        return False
    decoded = len(index) / max(1, len(index.keyframes)) / 2
    return info.video.width * info.video.height * decoded > _PIXELS_AT_ONCE


def shrunk(rgb: RgbArray) -> RgbArray:
    """A picture no longer than 320 pixels on either side, by the mean of blocks. Read-only."""
    height, width = rgb.shape[:2]
    step = -(-max(height, width) // _SIDE)
    if step > 1 and min(height, width) >= step:
        whole = rgb[: height // step * step, : width // step * step]
        # Two samples a block and direction: a full mean of a 4K frame costs twenty times as much and looks the same.
        half = step // 2
        parts = [whole[y::step, x::step].astype(np.uint16) for y in (0, half) for x in (0, half)]
        small: RgbArray = (sum(parts[1:], parts[0]) // 4).astype(np.uint8)
    else:
        small = rgb.copy()
    small.flags.writeable = False
    return small


def fill(strip: Strip, opened: Opened, wait: Callable[[], bool]) -> None:
    """Decode the exhibit in a child of its own and fill the strip: first a few keyframes, then evenly; then find shots.

    Args:
        wait: called before each frame; blocks as long as somebody waits for an exact frame, and answers whether to go
            on.
    """
    location, info, index = opened
    if info.kind is not MediaKind.VIDEO or index is None:
        return
    video = info.video
    longest = max(video.width, video.height, 1)
    step = -(-longest // _SIDE)
    room = max(16, min(_MOST, _BYTES // max(1, (video.width // step) * (video.height // step) * 3)))
    try:
        with open_media(location, info, index=index) as reader:
            for round_ in rounds(index, room):
                for got in reader.frames(round_):
                    if isinstance(got, Frame):
                        strip.add(got)
                        strip.note(got)
                    if not wait():
                        return
            strip.whole = True
            if video.width * video.height * len(index) > _PIXELS_SEARCHED:
                strip.shots = Shots(False, note="not looked for in so long a clip")
                return
            for got in reader.frames(strip.missing(len(index))):
                if isinstance(got, Frame):
                    strip.note(got)
                if not wait():
                    return
        strip.find_shots(index)
    except WorkstationError:
        return  # the exact frame will say what is wrong with the exhibit


def rounds(index: FrameIndex, room: int) -> Iterator[list[int]]:
    """Ordinals to decode, in rounds of rising ones: some keyframes for a first idea, then the rest of ``room``."""
    total = len(index)
    places = {pts: ordinal for ordinal, pts in enumerate(index.pts)}
    keys = [places[pts] for pts in index.keyframes]
    first = thinned(keys, min(room, _FIRST_ROUND))
    if first:
        yield first
    seen = set(first)
    rest = thinned(keys, room) if total > _LONGEST_DECODED else thinned(range(total), room)
    rest = [ordinal for ordinal in rest if ordinal not in seen]
    if rest:
        yield rest


def thinned(values: list[int] | range, most: int) -> list[int]:
    """At most ``most`` of the values, evenly spread, the first one among them."""
    if len(values) <= most:
        return list(values)
    return [values[number * len(values) // most] for number in range(most)]
