"""Garbage is collected on the GUI thread alone while there is a window.

Python collects cycles on whichever thread happens to allocate, and a widget in a cycle would then be destroyed by a
worker's thread, which Qt does not survive.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

_LOOK_MS = 250
# A full collection walks every object of every library and stops the window while it does.
_LOOKS_BETWEEN_FULL = 240


class Collector(QObject):
    """Switches Python's own collection off and collects from a timer; the last one to go switches it on again."""

    _alive = 0

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._since_full = 0
        timer = QTimer(self, interval=_LOOK_MS)
        timer.timeout.connect(self._look)
        timer.start()
        gc.disable()
        Collector._alive += 1
        parent.destroyed.connect(_one_gone)

    @Slot()
    def _look(self) -> None:
        self._since_full += 1
        counts, limits = gc.get_count(), gc.get_threshold()
        if counts[2] > limits[2] and self._since_full > _LOOKS_BETWEEN_FULL:
            self._since_full = 0
            gc.collect()
        elif counts[1] > limits[1]:
            gc.collect(1)
        elif counts[0] > limits[0]:
            gc.collect(0)


def _one_gone() -> None:
    Collector._alive -= 1
    if not Collector._alive:
        gc.enable()
