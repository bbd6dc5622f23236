"""Scores at every zoom: lowest, highest and mean of each stretch of time, so that a plot costs what it is wide.

A level has bins of one length of time, four times that of the level below. Bins lie on one grid from the first frame
on, so a score is always drawn in its own time, and a stretch without scores stays empty at every level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_FACTOR = 4
_FEWEST = 256


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Scores under the pixel columns of a plot; all arrays have the shape (columns that hold any,).

    Attributes:
        column: number of the column from the left edge, rising.
        low, high, mean: of the scores in it.
        joined: whether no examined frame without a score lies between its first score and the one before.
    """

    column: IntArray
    low: FloatArray
    high: FloatArray
    mean: FloatArray
    joined: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    length: float
    bins: IntArray
    low: FloatArray
    high: FloatArray
    total: FloatArray
    count: FloatArray
    joined: BoolArray


class Levels:
    """The pyramid over one trace.

    Args:
        seconds: (scores,) rising times.
        scores: (scores,) values without NaN.
        joined: (scores,) whether a score follows the one before without an examined frame between them.
        length: seconds of the shortest bin; the usual time between two examined frames.
    """

    def __init__(self, seconds: FloatArray, scores: FloatArray, joined: BoolArray, length: float) -> None:
        self.seconds, self.scores, self.joined = seconds, scores, joined
        self._start = float(seconds[0]) if len(seconds) else 0.0
        self._levels: list[_Level] = []
        if not len(seconds):
            return
        length = max(length, 1e-6)
        bins = np.floor((seconds - self._start) / length + 1e-6).astype(np.int64)
        level = _Level(length, bins, scores, scores, scores, np.ones_like(scores), joined)
        self._levels.append(_grouped(level, level.bins, length))
        while len(self._levels[-1].bins) > _FEWEST:
            last = self._levels[-1]
            self._levels.append(_grouped(last, last.bins // _FACTOR, last.length * _FACTOR))

    def __len__(self) -> int:
        """How many levels there are."""
        return len(self._levels)

    def within(self, start: float, end: float) -> slice:
        """The scores from one second to another, with one more on either side."""
        first, last = np.searchsorted(self.seconds, [start, end + 1e-9])
        return slice(max(0, int(first) - 1), min(len(self.seconds), int(last) + 1))

    def columns(self, start: float, end: float, width: int) -> Columns:
        """What lies under each of ``width`` columns that span ``start``..``end`` seconds."""
        each = (end - start) / max(1, width)
        fitting = [level for level in self._levels if level.length <= each / 2]
        if not fitting:
            return self._columns(self._plain(start, end), self.seconds, start, each, width)
        level = fitting[-1]
        low = int((start - self._start) / level.length) - 1
        high = int((end - self._start) / level.length) + 1
        first, last = np.searchsorted(level.bins, [low, high])
        part = slice(int(first), int(last))
        cut = _Level(
            level.length, level.bins[part], level.low[part], level.high[part], level.total[part],
            level.count[part], level.joined[part],
        )  # fmt: skip
        middles: FloatArray = (self._start + (cut.bins + 0.5) * level.length).astype(np.float64)
        return self._columns(cut, middles, start, each, width)

    def _plain(self, start: float, end: float) -> _Level:
        inside = (self.seconds >= start) & (self.seconds <= end)
        values = np.where(inside, self.scores, np.nan)
        return _Level(0.0, np.zeros(0, np.int64), values, values, values, np.ones_like(values), self.joined)

    @staticmethod
    def _columns(level: _Level, middles: FloatArray, start: float, each: float, width: int) -> Columns:
        where = np.floor((middles - start) / each).astype(np.int64)
        inside = (where >= 0) & (where < width) & ~np.isnan(level.low)
        kept = _Level(
            0.0, where[inside], level.low[inside], level.high[inside], level.total[inside], level.count[inside],
            level.joined[inside],
        )  # fmt: skip
        if not len(kept.bins):
            none = np.zeros(0)
            return Columns(np.zeros(0, np.int64), none, none, none, np.zeros(0, np.bool_))
        found = _grouped(kept, kept.bins, each)
        return Columns(found.bins, found.low, found.high, found.total / found.count, found.joined)


def _grouped(level: _Level, bins: IntArray, length: float) -> _Level:
    """Neighbours with the same number in ``bins`` taken together."""
    starts = np.flatnonzero(np.r_[True, np.diff(bins) > 0])
    return _Level(
        length,
        bins[starts],
        np.minimum.reduceat(level.low, starts),
        np.maximum.reduceat(level.high, starts),
        np.add.reduceat(level.total, starts),
        np.add.reduceat(level.count, starts),
        level.joined[starts],
    )


def merged(left: FloatArray, right: FloatArray, least: float) -> tuple[FloatArray, FloatArray]:
    """Rising stretches with less than ``least`` between them taken together; (left ends, right ends)."""
    if not len(left):
        return left, right
    starts = np.flatnonzero(np.r_[True, left[1:] - right[:-1] >= least])
    return left[starts], right[np.r_[starts[1:] - 1, len(right) - 1]]
