"""What a timeline draws and jumps between, worked out of series as plain data (window rule 5; X10).

Four things are never drawn as zero: abstained (hatch), no face (gap), error (cross) and not examined (nothing).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from workstation.app.levels import BoolArray, FloatArray, IntArray, Levels
from workstation.domain.ids import TrackId
from workstation.domain.results import Abstention, FaceResult, ItemStatus
from workstation.domain.series import STATUSES, CodeArray, ExhibitSeries, FrameSeries, ScoreSeries

LEAST_PEAK = 0.02
DISAGREEMENT = 0.3
"""Difference of raw scores, turned the same way, from which two detectors count as disagreeing about a face."""
_OK = 0
_ABSTAINED = STATUSES.index(ItemStatus.ABSTAINED)
_ERROR = STATUSES.index(ItemStatus.ERROR)


class Tick(StrEnum):
    """What an examined frame holds."""

    FACE = "face"
    NO_FACE = "no face"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ExaminedFrame:
    ordinal: int
    seconds: float
    tick: Tick
    note: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """One examined frame of a track under one detector. ``score`` is None unless ``status`` is ok."""

    ordinal: int
    seconds: float
    status: ItemStatus
    score: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Marks of one status between which no examined frame is missing; a line joins marks inside one run only."""

    status: ItemStatus
    marks: tuple[Mark, ...]


@dataclass(frozen=True, eq=False)
class Trace:
    """One detector over one track. All arrays have the shape (results,).

    Attributes:
        places: which of the examined frames each is.
        falling: the score is lower where something is manipulated.
        length: the usual time between two examined frames, in seconds.
    """

    detector: str
    series: ScoreSeries
    places: IntArray
    seconds: FloatArray
    falling: bool = False
    length: float = 0.04

    @property
    def ordinals(self) -> IntArray:
        return self.series.ordinals

    @property
    def status(self) -> CodeArray:
        return self.series.status

    @property
    def scores(self) -> FloatArray:
        return self.series.scores

    @cached_property
    def follows(self) -> BoolArray:
        """Whether no examined frame lies between a result and the one before it."""
        return np.asarray(np.r_[False, np.diff(self.places) == 1], np.bool_)

    @cached_property
    def starts(self) -> IntArray:
        """Where a run begins: after a missing frame, or with another status."""
        changed = np.r_[True, np.diff(self.status) != 0] if len(self.status) else np.zeros(0, np.bool_)
        return np.flatnonzero(changed | ~self.follows).astype(np.int64)

    @cached_property
    def linked(self) -> frozenset[int]:
        """Ordinals at which a run begins only because the status changed, the track being there before."""
        starts = self.starts
        return frozenset(self.ordinals[starts[self.follows[starts]]].tolist())

    @cached_property
    def levels(self) -> Levels:
        """The scores at every zoom."""
        ok = self.status == _OK
        at = np.flatnonzero(ok)
        joined = self.follows[at] & np.r_[False, ok[:-1]][at] if len(at) else np.zeros(0, np.bool_)
        return Levels(self.seconds[at], self.scores[at], joined, self.length)

    def stretches(self, status: ItemStatus) -> tuple[FloatArray, FloatArray]:
        """First and last second of every run of a status."""
        starts = self.starts
        ends = np.r_[starts[1:] - 1, len(self.seconds) - 1] if len(starts) else starts
        chosen = self.status[starts] == STATUSES.index(status)
        return self.seconds[starts[chosen]], self.seconds[ends[chosen]]

    @cached_property
    def hatched(self) -> tuple[FloatArray, FloatArray]:
        """Runs of abstentions."""
        return self.stretches(ItemStatus.ABSTAINED)

    @cached_property
    def errors(self) -> FloatArray:
        """Seconds at which the detector failed."""
        return np.asarray(self.seconds[self.status == _ERROR], np.float64)

    @cached_property
    def missing(self) -> IntArray:
        """Ordinals at which there is no score: abstentions and errors."""
        return np.asarray(self.ordinals[self.status != _OK], np.int64)

    @cached_property
    def peaks(self) -> IntArray:
        """Ordinals of the scores that point most to manipulation, each by `LEAST_PEAK` more than between them."""
        ok = self.status == _OK
        values = self.scores[ok] * (-1 if self.falling else 1)
        return np.asarray(self.ordinals[ok][peak_places(values)], np.int64)

    def mark(self, ordinal: int) -> Mark | None:
        """What the detector gave at a frame; None when the track has no result there."""
        at = int(np.searchsorted(self.ordinals, ordinal))
        return self._mark(at) if at < len(self.ordinals) and self.ordinals[at] == ordinal else None

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Every result; for short traces and tests."""
        return tuple(self._mark(at) for at in range(len(self.ordinals)))

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run; for short traces and tests."""
        ends = [*self.starts[1:].tolist(), len(self.ordinals)]
        return tuple(
            Run(STATUSES[self.status[first]], tuple(self._mark(at) for at in range(first, last)))
            for first, last in zip(self.starts.tolist(), ends, strict=False)
        )

    def _mark(self, at: int) -> Mark:
        ordinal, status = int(self.ordinals[at]), STATUSES[self.status[at]]
        score = float(self.scores[at]) if status is ItemStatus.OK else None
        why = abstention_words(self.series.reasons.get(ordinal))
        return Mark(ordinal, float(self.seconds[at]), status, score, why)


@dataclass(frozen=True, eq=False)
class Lane:
    """A face track through time. ``spans``: first and last second of every stretch of examined frames with it, as two
    arrays."""

    track: TrackId
    number: int
    first: int
    last: int
    first_seconds: float
    last_seconds: float
    traces: tuple[Trace, ...]
    spans: tuple[FloatArray, FloatArray]

    @property
    def label(self) -> str:
        return f"T{self.number}"


@dataclass(frozen=True, eq=False)
class Lanes:
    """Every lane of an exhibit with the frames that were examined."""

    series: FrameSeries = field(default_factory=FrameSeries)
    lanes: tuple[Lane, ...] = ()

    @cached_property
    def ticks(self) -> CodeArray:
        """(frames,) what each holds: 0 a face, 1 no face, 2 an error."""
        found = np.where(self.series.faces > 0, 0, 1).astype(np.uint8)
        for ordinal in self.series.errors:
            found[np.searchsorted(self.series.ordinals, ordinal)] = 2
        return found

    @property
    def seconds(self) -> FloatArray:
        """Times of all examined frames."""
        return self.series.seconds

    @cached_property
    def frames(self) -> tuple[ExaminedFrame, ...]:
        """Every examined frame; for short exhibits and tests."""
        return tuple(self.frame(at) for at in range(len(self.series)))

    def frame(self, at: int) -> ExaminedFrame:
        """The examined frame at that place."""
        ordinal = int(self.series.ordinals[at])
        note = self.series.errors.get(ordinal, "")
        return ExaminedFrame(ordinal, float(self.series.seconds[at]), tuple(Tick)[self.ticks[at]], note)

    @cached_property
    def gaps(self) -> IntArray:
        """Ordinals of the examined frames without a face or that could not be read."""
        return np.asarray(self.series.ordinals[self.ticks != 0], np.int64)

    @cached_property
    def disagreement(self) -> tuple[IntArray, FloatArray, FloatArray]:
        """(ordinals, seconds, greatest difference 0..1): for each frame with a face that two detectors scored, how far
        apart their raw scores lie, turned the same way, on the face where they lie farthest apart."""
        low = np.full(len(self.series), np.nan)
        spread = np.full(len(self.series), np.nan)
        for lane in self.lanes:
            if len(lane.traces) < 2:
                continue
            low[:], high = np.nan, np.full(len(low), np.nan)
            scored = np.zeros(len(low), dtype=np.int64)
            for trace in lane.traces:
                value = 1 - trace.scores if trace.falling else trace.scores
                scored[trace.places] += trace.status == _OK
                low[trace.places] = np.fmin(low[trace.places], value)
                high[trace.places] = np.fmax(high[trace.places], value)
            spread = np.fmax(spread, np.where(scored > 1, high - low, np.nan))
        there = ~np.isnan(spread)
        return self.series.ordinals[there], self.series.seconds[there], spread[there]

    @cached_property
    def disagreement_levels(self) -> Levels:
        """The same at every zoom."""
        ordinals, seconds, spread = self.disagreement
        places = np.searchsorted(self.series.ordinals, ordinals)
        return Levels(seconds, spread, np.r_[False, np.diff(places) == 1][: len(seconds)], usual_step(self.series))

    @cached_property
    def disagreements(self) -> IntArray:
        """Ordinals at which a stretch begins where detectors disagree by `DISAGREEMENT` or more."""
        ordinals, _, spread = self.disagreement
        apart = spread >= DISAGREEMENT
        places = np.searchsorted(self.series.ordinals, ordinals)
        follows = np.r_[False, np.diff(places) == 1][: len(apart)]
        begins = apart & ~(np.r_[False, apart[:-1]][: len(apart)] & follows)
        return np.asarray(ordinals[begins], np.int64)

    def lane(self, track: TrackId) -> Lane | None:
        return next((lane for lane in self.lanes if lane.track == track), None)

    def prepare(self) -> None:
        """Work out now, on this thread, what drawing and jumping will need."""
        _ = self.ticks, self.gaps, self.disagreement_levels, self.disagreements
        for lane in self.lanes:
            for trace in lane.traces:
                _ = trace.levels, trace.hatched, trace.errors, trace.missing, trace.peaks


def build_lanes(series: ExhibitSeries, detectors: Sequence[str], falling: Collection[str] = ()) -> Lanes:
    """Arrange series into lanes, in the order of track numbers and, in a lane, of ``detectors``. Safe on any thread.

    Args:
        falling: detectors whose score is lower where something is manipulated.
    """
    frames = series.frames
    step = usual_step(frames)
    order = {name: number for number, name in enumerate(detectors)}
    of_track: dict[TrackId, list[ScoreSeries]] = {}
    for scores in series.scores:
        of_track.setdefault(scores.track, []).append(scores)
    lanes = []
    for track in series.tracks:
        places = np.searchsorted(frames.ordinals, track.ordinals)
        found = sorted(of_track.get(track.track, ()), key=lambda s: (order.get(s.detector, 99), s.detector))
        traces = tuple(_trace(scores, frames, scores.detector in falling, step) for scores in found)
        seconds = frames.seconds[places]
        starts = np.flatnonzero(np.r_[True, np.diff(places) != 1])
        spans = seconds[starts], seconds[np.r_[starts[1:] - 1, len(seconds) - 1]]
        first, last = int(track.ordinals[0]), int(track.ordinals[-1])
        ends = float(seconds[0]), float(seconds[-1])
        lanes.append(Lane(track.track, track.number, first, last, *ends, traces, spans))
    return Lanes(frames, tuple(lanes))


def usual_step(frames: FrameSeries) -> float:
    """Seconds between two examined frames, as a rule."""
    if len(frames) < 2:
        return 0.04
    return max(1e-6, float(np.median(np.diff(frames.seconds))))


def _trace(scores: ScoreSeries, frames: FrameSeries, falling: bool, step: float) -> Trace:
    places: npt.NDArray[np.int64] = np.searchsorted(frames.ordinals, scores.ordinals).astype(np.int64)
    return Trace(scores.detector, scores, places, frames.seconds[places], falling, step)


def peak_places(values: FloatArray, least: float = LEAST_PEAK) -> IntArray:
    """Places of the local maxima that stand ``least`` above the lowest value on either side.

    Args:
        values: (n,) without NaN.
    """
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    # Only turning points and ends can be maxima or lows.
    rises = np.sign(np.diff(values))
    turns = np.flatnonzero(np.r_[True, rises[1:] != rises[:-1], True]) if len(values) > 1 else np.zeros(1, np.int64)
    found: list[int] = []
    series = values[turns].tolist()
    lowest = min(series)
    low, top = series[0], 0
    seeking = False
    for place, value in enumerate(series):
        if seeking:
            if value > low + least:
                top, seeking = place, False
            elif value < low:
                low = value
        elif value > series[top]:
            top = place
        elif value < series[top] - least:
            found.append(top)
            low, seeking = value, True
    if not seeking and (len(series) == 1 or series[top] > lowest + least):
        found.append(top)
    return turns[np.array(found, dtype=np.int64)].astype(np.int64)


def reason_words(result: FaceResult) -> str:
    """Why there is no score, in one short line; empty when there is one."""
    return abstention_words(result.abstention)


def abstention_words(abstention: Abstention | None) -> str:
    """A reason and its detail in one line; empty without one."""
    if abstention is None:
        return ""
    words = abstention.reason.value.replace("_", " ")
    return f"{words}: {abstention.detail}" if abstention.detail else words


def no_marks(lanes: Lanes) -> Mapping[str, int]:
    """How many examined frames hold a face, none, or could not be read, by the name of the tick."""
    counts = np.bincount(lanes.ticks, minlength=3).tolist() if len(lanes.series) else [0, 0, 0]
    return {tick.value: count for tick, count in zip(Tick, counts, strict=True)}
