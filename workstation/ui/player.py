"""Playback in two named modes (U29; window rule 4). "Every frame": the next frame is asked for only once this one is on
screen, however long that takes. "Real time": the clock decides, and what it passes over is counted on screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workstation.ui.exhibit import ExhibitData
from workstation.ui.navigator import Navigator
from workstation.ui.timeline.span import PlayRange

_SLOWEST_S = 1.0
_FASTEST = 8
_STAMPS = 24


class PlayMode(StrEnum):
    EVERY_FRAME = "every frame"
    REAL_TIME = "real time"


class Player(QObject):
    """``direction`` is 1, -1 or 0. In ``EVERY_FRAME`` no frame is skipped: when decoding is slower than the clip, so is
    playing. In ``REAL_TIME`` playing keeps ``speed`` times the clip's own pace, and ``skipped`` counts the frames that
    were not shown since playing began.

    Args:
        exact: gives the ordinal of the exact frame that stands on screen; None for a stand-in or nothing. Without it
            whatever was painted counts as the frame that was asked for.
    """

    changed = Signal()

    def __init__(self, navigator: Navigator, exact: Callable[[], int | None] | None = None) -> None:
        super().__init__(navigator)
        self._navigator = navigator
        self._exact = exact
        self.span: PlayRange | None = None
        self.mode = PlayMode.EVERY_FRAME
        self.direction = 0
        self.speed = 1
        self.rate = 0.0
        self.skipped = 0
        self._due = 0.0
        self._begun = (0.0, 0.0)
        self._stamps: list[float] = []
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._advance)

    @property
    def playing(self) -> bool:
        return self.direction != 0

    def set_mode(self, mode: PlayMode) -> None:
        """Change the mode, while playing too."""
        if mode is not self.mode:
            self.mode = mode
            self.speed = 1
            self.skipped = 0
            self._start_clock()
            self.changed.emit()

    def switch_mode(self) -> None:
        self.set_mode(PlayMode.REAL_TIME if self.mode is PlayMode.EVERY_FRAME else PlayMode.EVERY_FRAME)

    def play(self, direction: int) -> None:
        """Play forwards (1) or backwards (-1). The same once more doubles the speed in real time, up to eight times."""
        data = self._navigator.data
        if data is None or data.frames < 2:
            return
        first, last = self._ends(data)
        at = self._navigator.ordinal
        if self.direction == direction and self.mode is PlayMode.REAL_TIME:
            self.speed = min(_FASTEST, self.speed * 2)
        else:
            self.speed = 1
            self.skipped = 0
        if not first <= at <= last or (direction > 0 and at >= last):
            self._navigator.go_to(first if direction > 0 else last)
        self.direction = direction
        self._stamps.clear()
        self._start_clock()
        self._timer.start(0)
        self.changed.emit()

    def stop(self) -> None:
        if self.direction:
            self.direction = 0
            self.rate = 0.0
            self._timer.stop()
            self.changed.emit()

    def toggle(self) -> None:
        if self.playing:
            self.stop()
        else:
            self.play(1)

    @Slot()
    def frame_painted(self) -> None:
        """Called when something new stands on screen; only the exact frame that was asked for counts."""
        if not self.direction or self._timer.isActive():
            return
        if self._exact is not None and self._exact() != self._navigator.ordinal:
            return
        now = time.monotonic()
        self._stamps = [*self._stamps[-_STAMPS:], now]
        if len(self._stamps) > 1:
            self.rate = (len(self._stamps) - 1) / max(1e-6, now - self._stamps[0])
        self._timer.start(max(0, round((self._next_due() - now) * 1000)))
        self.changed.emit()

    def _ends(self, data: ExhibitData) -> tuple[int, int]:
        return self.span.ends(data.frames) if self.span is not None else (0, data.frames - 1)

    def _start_clock(self) -> None:
        data = self._navigator.data
        self._due = time.monotonic()
        self._begun = (self._due, data.seconds(self._navigator.ordinal) if data is not None else 0.0)

    def _next_due(self) -> float:
        """When the next frame is due on this machine's clock."""
        data = self._navigator.data
        if self.mode is PlayMode.EVERY_FRAME or data is None:
            return self._due
        following = min(max(self._navigator.ordinal + self.direction, 0), data.frames - 1)
        away = (data.seconds(following) - self._begun[1]) * self.direction
        return self._begun[0] + away / self.speed

    @Slot()
    def _advance(self) -> None:
        data = self._navigator.data
        at = self._navigator.ordinal
        if data is None or not self.direction:
            self.stop()
            return
        first, last = self._ends(data)
        following = at + self.direction
        if not first <= following <= last:
            self.stop()
            return
        if self.mode is PlayMode.REAL_TIME:
            passed = (time.monotonic() - self._begun[0]) * self.speed * self.direction
            wanted = min(max(data.nearest(self._begun[1] + passed + 1e-4), first), last)
            if (wanted - following) * self.direction > 0:
                self.skipped += abs(wanted - following)
                following = wanted
        lasts = abs(data.seconds(following) - data.seconds(at)) or 0.04
        self._due = max(self._due, time.monotonic() - 0.1) + min(lasts, _SLOWEST_S)
        self._navigator.go_to(following)
