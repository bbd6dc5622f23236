"""Exact access to frames: index, seek back to a keyframe, decode forward, accept only an equal time stamp (X9, G9).

A container's own seek is never believed: in MPEG-TS it lands behind the keyframe, in open GOPs the first pictures after
a keyframe cannot be decoded from it. When what comes out has already passed the wanted time stamp, decoding starts
again from earlier keyframes, at last from the beginning of the file.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from workstation.domain.errors import DamagedMedia
from workstation.media.decode_run import Judged
from workstation.media.decoded import Beat, Index

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from workstation.media.video_source import VideoSource

# A frame that was missing in this many decoding runs that should have given it is held to be undecodable.
_MISSES = 2
# Decoding on across a keyframe costs less than a seek when the target is at most this many frames behind it.
_CHEAP_STEP = 4
_KEPT_FRAMES = 24
_KEPT_BYTES = 192 << 20


class Cursor:
    """A position in one video stream. Single-threaded."""

    def __init__(self, source: VideoSource, index: Index) -> None:
        self._source = source
        self._index = index
        self._counted = not index.keys
        self._run: Iterator[Judged] | None = None
        self._start: int | None = None
        self._last: int | None = None
        self._misses: dict[int, int] = {}
        self._damage: dict[int, set[int | None]] = {}
        self._kept: OrderedDict[int, VideoFrame] = OrderedDict()
        self._kept_bytes = 0

    def fetch(self, ordinal: int, keep_passed: bool, beat: Beat) -> VideoFrame:
        """Return the frame with this ordinal.

        Args:
            keep_passed: keep frames decoded on the way, so that stepping backwards needs no new seek.

        Raises:
            DamagedMedia: when the stream names the frame but no whole picture comes out of the decoder for it.
        """
        target = ordinal if self._counted else self._index.pts[ordinal]
        kept = self._kept.get(target)
        if kept is not None:
            return kept
        if self._misses.get(target, 0) < _MISSES:
            frame = self._fetch_counted(target, keep_passed, beat) if self._counted else None
            frame = frame or (None if self._counted else self._fetch_stamped(target, keep_passed, beat))
            if frame is not None:
                return frame
        self._misses[target] = _MISSES
        raise DamagedMedia(
            f"Frame {ordinal} cannot be decoded whole.", "Its data, or a frame it is built on, is cut short or broken."
        )

    def _fetch_stamped(self, target: int, keep: bool, beat: Beat) -> VideoFrame | None:
        keys = self._index.keys
        nearest = bisect_right(keys, target) - 1
        if self._run is not None and self._last is not None and self._last < target and self._near(nearest, target):
            frame, _ = self._advance(target, keep, beat)
            if frame is not None or self._misses.get(target, 0) >= _MISSES:
                return frame
        back = 0
        while True:
            start = nearest - back
            self._restart(keys[start] if start >= 0 else None)
            frame, first = self._advance(target, keep, beat)
            if frame is not None:
                return frame
            if start < 0 or (first is not None and first < target and self._misses.get(target, 0) >= _MISSES):
                return None
            back = back * 2 + 1

    def _near(self, nearest: int, target: int) -> bool:
        """Whether decoding on from here is no dearer than a seek to the keyframe before the target."""
        assert self._last is not None
        key = self._index.keys[nearest] if nearest >= 0 else self._last
        if key <= self._last:
            return True
        pts = self._index.pts
        return bisect_left(pts, key) - bisect_left(pts, self._last) <= _CHEAP_STEP

    def _restart(self, key: int | None) -> None:
        self._run = self._source.frames_from(key)
        self._start = key
        self._last = None

    def _advance(self, target: int, keep: bool, beat: Beat) -> tuple[VideoFrame | None, int | None]:
        """Decode until ``target`` or past it. Returns the frame, if whole, and the first time stamp that came out."""
        first: int | None = None
        assert self._run is not None
        for frame, damage in self._run:
            beat()
            pts = frame.pts
            if pts is None:
                continue
            if first is None:
                first = pts
            self._note_gap(self._last, pts)
            self._last = pts
            if damage is not None:
                self._note_damage(pts, damage)
            elif pts == target:
                return frame, first
            elif keep and pts < target:
                self._keep(pts, frame)
            if pts >= target:
                return None, first
        self._run = None
        if self._last is not None:
            self._note_gap(self._last, self._index.pts[-1] + 1)
        return None, first

    def _note_damage(self, pts: int, damage: int) -> None:
        """Concealed pixels are the decoder's guess, not the exhibit's content: the frame counts as missing.

        Damage that shows in runs from two different keyframes is in the exhibit, not in where decoding began.
        """
        runs = self._damage.setdefault(damage, set())
        runs.add(self._start)
        self._misses[pts] = _MISSES if len(runs) >= _MISSES else self._misses.get(pts, 0) + 1

    def _note_gap(self, before: int | None, after: int) -> None:
        if before is None:
            return
        pts = self._index.pts
        for missing in pts[bisect_right(pts, before) : bisect_left(pts, after)]:
            self._misses[missing] = self._misses.get(missing, 0) + 1

    def _fetch_counted(self, target: int, keep: bool, beat: Beat) -> VideoFrame | None:
        if self._run is None or self._last is None or self._last >= target:
            self._run = self._source.frames_from(None)
            self._last = -1
        for frame, damage in self._run:
            beat()
            self._last += 1
            if self._last == target:
                return None if damage is not None else frame
            if keep and damage is None:
                self._keep(self._last, frame)
        self._run = None
        return None

    def _keep(self, name: int, frame: VideoFrame) -> None:
        if name in self._kept:
            return
        self._kept[name] = frame
        self._kept_bytes += _frame_bytes(frame)
        while len(self._kept) > _KEPT_FRAMES or (self._kept_bytes > _KEPT_BYTES and self._kept):
            _, old = self._kept.popitem(last=False)
            self._kept_bytes -= _frame_bytes(old)


def _frame_bytes(frame: VideoFrame) -> int:
    return sum(plane.buffer_size for plane in frame.planes)
