"""Where the parts of the timeline stand: strips on top, lanes that scroll between, the mini-map below."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtGui import QFont, QFontMetricsF

from workstation.ui.timeline.words import tr


@dataclass(frozen=True, slots=True)
class Places:
    """Sizes in pixels for one font and one size of the widget."""

    width: float
    height: float
    gutter: float
    ruler: float
    strip: float
    apart: float
    lane: float
    map: float
    lanes: int

    @staticmethod
    def of(font: QFont, width: float, height: float, lanes: int, *, apart: bool, film: bool) -> Places:
        """Args:
        lanes: face tracks.
        apart: whether there is a strip for the disagreement of detectors.
        film: whether there are strips that a still picture has no use for.
        """
        metrics = QFontMetricsF(font)
        line = metrics.height()
        names = [tr("Examined frames"), tr("Shots, key frames"), tr("Disagreement"), "000.00–000.00 s"]
        gutter = round(max(metrics.horizontalAdvance(name) for name in names) + 30)
        made = Places(
            width, height, gutter, round(line + 8), round(line + 6) if film else 0.0,
            round(line * 1.5) if apart else 0.0, 0.0, round(line * 0.5 + 10) if film else 0.0, lanes,
        )  # fmt: skip
        room = made.bottom - made.top
        least = line * 2 + 20
        lane = max(least, min(120.0, room / max(1, lanes)))
        return Places(width, height, gutter, made.ruler, made.strip, made.apart, lane, made.map, lanes)

    @property
    def shots_row(self) -> QRectF:
        return QRectF(0, self.ruler, self.width, self.strip)

    @property
    def frames_row(self) -> QRectF:
        return QRectF(0, self.ruler + self.strip, self.width, max(self.strip, self.ruler - 2))

    @property
    def apart_row(self) -> QRectF:
        return QRectF(0, self.frames_row.bottom(), self.width, self.apart)

    @property
    def map_row(self) -> QRectF:
        return QRectF(0, self.bottom, self.width, self.map)

    @property
    def top(self) -> float:
        """Where the lanes begin."""
        return self.apart_row.bottom()

    @property
    def bottom(self) -> float:
        """Where they end."""
        return self.height - self.map

    @property
    def over(self) -> int:
        """By how many pixels the lanes are higher than their room."""
        return max(0, round(self.top + self.lanes * self.lane - self.bottom))

    def lane_row(self, number: int, offset: int) -> QRectF:
        return QRectF(0, self.top + number * self.lane - offset, self.width, self.lane)

    def lane_at(self, y: float, offset: int) -> int | None:
        """Number of the lane at a height; None outside the lanes."""
        if not self.top <= y < self.bottom:
            return None
        number = int((y - self.top + offset) // self.lane)
        return number if 0 <= number < self.lanes else None

    def visible(self, offset: int) -> range:
        """Lanes of which anything can be seen."""
        first = max(0, int(offset // self.lane))
        last = int((offset + self.bottom - self.top) // self.lane) + 1
        return range(first, min(self.lanes, last))
