"""The presentation times of an exhibit as arrays: asked for at every move of the mouse, of clips hours long."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from workstation.app.levels import FloatArray, IntArray
from workstation.domain.media import FrameIndex


@dataclass(frozen=True, slots=True, eq=False)
class FrameClock:
    """When each frame is shown.

    Attributes:
        ticks: (frames,) presentation time stamps, rising.
        seconds: (frames,) the same in seconds, counted from the time base's own zero.
        keys: ordinals of the frames from which decoding can start, rising.
    """

    ticks: IntArray
    seconds: FloatArray
    keys: IntArray

    @staticmethod
    def of(index: FrameIndex) -> FrameClock:
        """Made once for each index."""
        ticks = np.array(index.pts, dtype=np.int64)
        seconds = (ticks * index.time_base.num) / index.time_base.den
        keys = np.searchsorted(ticks, np.array(index.keyframes, dtype=np.int64)).astype(np.int64)
        return FrameClock(ticks, seconds, keys)

    def nearest(self, seconds: float) -> int:
        """Ordinal of the frame on screen at a time: the last one that has begun; the first before it."""
        return max(0, int(np.searchsorted(self.seconds, seconds + 1e-9, side="right")) - 1)

    def ordinals(self, stamps: Collection[int]) -> tuple[int, ...]:
        """Ordinals of the frames that have one of these time stamps, rising; others are passed over."""
        wanted = np.unique(np.array(list(stamps), dtype=np.int64))
        at = np.searchsorted(self.ticks, wanted)
        inside = at < len(self.ticks)
        at, wanted = at[inside], wanted[inside]
        return tuple(at[self.ticks[at] == wanted].tolist())
