"""In and out: the stretch of frames that is played and looked at, chosen by the examiner. It is a view, not a mark."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from workstation.ui.desk import Desk
from workstation.ui.navigator import Navigator


class PlayRange(QObject):
    """``start`` and ``end`` are ordinals, both inside; None where there is no such end. Another exhibit clears them."""

    changed = Signal()

    def __init__(self, desk: Desk, navigator: Navigator) -> None:
        super().__init__(navigator)
        self._desk, self._navigator = desk, navigator
        self.start: int | None = None
        self.end: int | None = None
        self._exhibit = ""
        desk.exhibit_shown.connect(self._exhibit_shown)

    @property
    def is_set(self) -> bool:
        return self.start is not None or self.end is not None

    def ends(self, frames: int) -> tuple[int, int]:
        """First and last ordinal of what is played in an exhibit of so many frames."""
        last = max(0, frames - 1)
        start = 0 if self.start is None else min(self.start, last)
        return start, last if self.end is None else min(max(self.end, start), last)

    def set_in(self) -> None:
        """The frame shown is the first; an out before it is forgotten."""
        self.start = self._navigator.ordinal
        if self.end is not None and self.end < self.start:
            self.end = None
        self.changed.emit()

    def set_out(self) -> None:
        """The frame shown is the last; an in after it is forgotten."""
        self.end = self._navigator.ordinal
        if self.start is not None and self.start > self.end:
            self.start = None
        self.changed.emit()

    def clear(self) -> None:
        if self.is_set:
            self.start = self.end = None
            self.changed.emit()

    @Slot()
    def _exhibit_shown(self) -> None:
        name = self._desk.data.item.id if self._desk.data else ""
        if name != self._exhibit:
            self._exhibit = name
            self.clear()
