"""Playback in the named mode "every frame": the next frame is asked for only once this one is on screen (U29)."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from workstation.ui.navigator import Navigator

_SLOWEST_S = 1.0


class Player(QObject):
    """``direction`` is 1, -1 or 0. No frame is skipped; when decoding is slower than the clip, playing is slower."""

    changed = Signal()

    def __init__(self, navigator: Navigator) -> None:
        super().__init__(navigator)
        self._navigator = navigator
        self.direction = 0
        self.rate = 0.0
        self._due = 0.0
        self._stamps: list[float] = []
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._advance)

    @property
    def playing(self) -> bool:
        return self.direction != 0

    def play(self, direction: int) -> None:
        data = self._navigator.data
        if data is None or data.frames < 2:
            return
        if direction > 0 and self._navigator.ordinal >= data.frames - 1:
            self._navigator.go_to(0)
        self.direction = direction
        self._stamps.clear()
        self._due = time.monotonic()
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
        """Called when the frame that was asked for stands on screen."""
        if self.direction and not self._timer.isActive():
            now = time.monotonic()
            self._stamps = [*self._stamps[-24:], now]
            if len(self._stamps) > 1:
                self.rate = (len(self._stamps) - 1) / max(1e-6, now - self._stamps[0])
            self._timer.start(max(0, round((self._due - now) * 1000)))
            self.changed.emit()

    @Slot()
    def _advance(self) -> None:
        data = self._navigator.data
        at = self._navigator.ordinal
        following = at + self.direction
        if data is None or not 0 <= following < data.frames:
            self.stop()
            return
        lasts = abs(data.seconds(following) - data.seconds(at)) or 0.04
        self._due = max(self._due, time.monotonic() - 0.1) + min(lasts, _SLOWEST_S)
        self._navigator.go_to(following)
