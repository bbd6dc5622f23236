"""The last frames decoded, by what they are and not by where they stand: exhibit, stream and time stamp."""

from __future__ import annotations

import threading
from collections import OrderedDict

from workstation.domain.media import Frame

_CAPACITY = 160 << 20

Key = tuple[str, int, int]


class FrameCache:
    """Frames by (SHA-256 of the exhibit, stream, time stamp), the least recently used dropped first. Thread-safe.

    Args:
        capacity: bytes of pixels that are kept at most; a single larger frame is not kept.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._frames: OrderedDict[Key, Frame] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> Frame | None:
        """The frame, and it counts as used now; None when it is not kept."""
        with self._lock:
            frame = self._frames.get(key)
            if frame is not None:
                self._frames.move_to_end(key)
            return frame

    def put(self, key: Key, frame: Frame) -> None:
        with self._lock:
            if key in self._frames or frame.rgb.nbytes > self._capacity:
                return
            self._frames[key] = frame
            self._bytes += frame.rgb.nbytes
            while self._bytes > self._capacity:
                _, old = self._frames.popitem(last=False)
                self._bytes -= old.rgb.nbytes

    def clear(self) -> None:
        with self._lock:
            self._frames.clear()
            self._bytes = 0

    @property
    def size(self) -> int:
        """Bytes of pixels kept now."""
        with self._lock:
            return self._bytes
