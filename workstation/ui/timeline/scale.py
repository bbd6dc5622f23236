"""Seconds to pixels and back, and where the ruler's ticks lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 5.0)
_CLOCK_STEPS = (60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)


@dataclass(frozen=True, slots=True)
class TimeScale:
    """The stretch ``start``..``end`` (seconds) over ``width`` pixels from ``left``."""

    start: float
    end: float
    left: float
    width: float

    @property
    def per_second(self) -> float:
        return self.width / max(1e-9, self.end - self.start)

    def x(self, seconds: float) -> float:
        return self.left + (seconds - self.start) * self.per_second

    def seconds(self, x: float) -> float:
        return self.start + (x - self.left) / self.per_second

    def zoomed(self, factor: float, about: float, whole: tuple[float, float], least: float) -> TimeScale:
        """Show ``1 / factor`` of the stretch round ``about`` (seconds), held inside ``whole``."""
        full = whole[1] - whole[0]
        length = min(full, max(least, (self.end - self.start) / factor))
        share = (about - self.start) / max(1e-9, self.end - self.start)
        start = about - share * length
        start = min(max(start, whole[0]), whole[1] - length)
        return TimeScale(start, start + length, self.left, self.width)

    def panned(self, seconds: float, whole: tuple[float, float]) -> TimeScale:
        length = self.end - self.start
        start = min(max(self.start + seconds, whole[0]), whole[1] - length)
        return TimeScale(start, start + length, self.left, self.width)


def ruler_step(scale: TimeScale, room: float) -> float:
    """Seconds between labelled ticks that stand at least ``room`` pixels apart: 1, 2 or 5 times a power of ten, then
    whole minutes and hours."""
    least = room / scale.per_second
    for step in _CLOCK_STEPS:
        if least > 30 and step >= least:
            return step
    power = 10.0 ** math.floor(math.log10(max(least, 1e-6)))
    for step in (*(s * power for s in _STEPS), 10 * power):
        if step >= least:
            return step
    return 10 * power


def ruler_ticks(scale: TimeScale, step: float) -> list[float]:
    """Labelled seconds inside the stretch."""
    first = math.ceil(scale.start / step - 1e-9)
    last = math.floor(scale.end / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def ruler_words(seconds: float, step: float) -> str:
    """ "2.40 s" below a minute's step, "1:02:30" above."""
    if step >= 60:
        whole = round(seconds)
        hours, rest = divmod(whole, 3600)
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{seconds:.{digits}f} s"
