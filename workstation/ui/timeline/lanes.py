"""What the timeline draws, worked out of frame rows as plain data (window rule 5; X10).

Four things are never drawn as zero: abstained (hatch), no face (gap), error (cross) and not examined (nothing).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from workstation.domain.ids import TrackId
from workstation.domain.results import Abstention, FaceResult, FrameRow, ItemStatus


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
    """Marks of one status between which no examined frame is missing; a line joins marks inside one run only.

    ``seconds`` and ``scores`` are the marks' as arrays (scores NaN unless the status is ok), for drawing.
    """

    status: ItemStatus
    marks: tuple[Mark, ...]
    seconds: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trace:
    """``linked``: ordinals at which a run begins only because the status changed, the track being there before.
    ``falling``: the score is lower where something is manipulated."""

    detector: str
    runs: tuple[Run, ...]
    linked: frozenset[int] = frozenset()
    falling: bool = False

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple(mark for run in self.runs for mark in run.marks)


@dataclass(frozen=True, slots=True)
class Lane:
    """A face track through time. ``spans``: first and last second of every stretch of examined frames with it."""

    track: TrackId
    number: int
    first: int
    last: int
    first_seconds: float
    last_seconds: float
    traces: tuple[Trace, ...]
    spans: tuple[tuple[float, float], ...] = ()

    @property
    def label(self) -> str:
        return f"T{self.number}"


@dataclass(frozen=True, slots=True, eq=False)
class Lanes:
    """``seconds``: times of the examined frames that hold a face, for drawing; the others are in ``odd``."""

    frames: tuple[ExaminedFrame, ...] = ()
    lanes: tuple[Lane, ...] = ()
    seconds: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    odd: tuple[ExaminedFrame, ...] = ()

    def lane(self, track: TrackId) -> Lane | None:
        return next((lane for lane in self.lanes if lane.track == track), None)


def build_lanes(rows: Mapping[int, FrameRow], detectors: Sequence[str], falling: Collection[str] = ()) -> Lanes:
    """Arrange rows (by ordinal) into lanes, in the order of track numbers. Touches no Qt; safe on any thread.

    Args:
        falling: detectors whose score is lower where something is manipulated.
    """
    frames: list[ExaminedFrame] = []
    marks: dict[TrackId, dict[str, dict[int, Mark]]] = {}
    numbers: dict[TrackId, int] = {}
    place: dict[int, int] = {}
    present: dict[TrackId, list[int]] = {}
    for number, ordinal in enumerate(sorted(rows)):
        row = rows[ordinal]
        place[ordinal] = number
        seconds = row.frame.seconds
        frames.append(ExaminedFrame(ordinal, seconds, _tick(row), row.error))
        for face in row.faces:
            numbers[face.track] = face.track_number
            present.setdefault(face.track, []).append(ordinal)
            seen = marks.setdefault(face.track, {name: {} for name in detectors})
            for result in face.results:
                mark = Mark(ordinal, seconds, result.status, result.score, reason_words(result))
                seen.setdefault(result.detector, {})[ordinal] = mark
    lanes = []
    for track in sorted(numbers, key=lambda t: numbers[t]):
        traces = tuple(_trace(name, seen, place, name in falling) for name, seen in marks[track].items())
        every = sorted(set(present[track]))
        first, last = every[0], every[-1]
        ends = rows[first].frame.seconds, rows[last].frame.seconds
        lanes.append(Lane(track, numbers[track], first, last, *ends, traces, _spans(every, place, rows)))
    times = np.array([frame.seconds for frame in frames if frame.tick is Tick.FACE], dtype=np.float64)
    odd = tuple(frame for frame in frames if frame.tick is not Tick.FACE)
    return Lanes(tuple(frames), tuple(lanes), times, odd)


def _spans(
    ordinals: Sequence[int], place: Mapping[int, int], rows: Mapping[int, FrameRow]
) -> tuple[tuple[float, float], ...]:
    spans: list[tuple[float, float]] = []
    before: int | None = None
    for ordinal in ordinals:
        seconds = rows[ordinal].frame.seconds
        if before is not None and place[before] + 1 == place[ordinal]:
            spans[-1] = (spans[-1][0], seconds)
        else:
            spans.append((seconds, seconds))
        before = ordinal
    return tuple(spans)


def reason_words(result: FaceResult) -> str:
    """Why there is no score, in one short line; empty when there is one."""
    return abstention_words(result.abstention)


def abstention_words(abstention: Abstention | None) -> str:
    """A reason and its detail in one line; empty without one."""
    if abstention is None:
        return ""
    words = abstention.reason.value.replace("_", " ")
    return f"{words}: {abstention.detail}" if abstention.detail else words


def peaks(marks: Sequence[Mark], least: float = 0.02, *, falling: bool = False) -> tuple[int, ...]:
    """Ordinals of the local maxima of a trace that stand ``least`` above the lowest score on either side; of its local
    minima when the score is ``falling`` (lower where something is manipulated)."""
    scored = [mark for mark in marks if mark.score is not None]
    values = [float(mark.score or 0.0) * (-1 if falling else 1) for mark in scored]
    if len(values) == 1:
        return (scored[0].ordinal,)
    found: list[int] = []
    low = values[0] if values else 0.0
    top: int | None = 0 if values else None
    for number, value in enumerate(values):
        if top is None:
            if value > low + least:
                top = number
            low = min(low, value)
        elif value > values[top]:
            top = number
        elif value < values[top] - least:
            found.append(scored[top].ordinal)
            top, low = None, value
    if top is not None and values and values[top] > min(values) + least and scored[top].ordinal not in found:
        found.append(scored[top].ordinal)
    return tuple(found)


def _tick(row: FrameRow) -> Tick:
    if row.error:
        return Tick.ERROR
    return Tick.FACE if row.faces else Tick.NO_FACE


def _trace(detector: str, seen: Mapping[int, Mark], place: Mapping[int, int], falling: bool) -> Trace:
    runs: list[list[Mark]] = []
    linked: set[int] = set()
    before: Mark | None = None
    for ordinal in sorted(seen):
        mark = seen[ordinal]
        follows = before is not None and place[before.ordinal] + 1 == place[ordinal]
        if follows and before is not None and before.status is mark.status:
            runs[-1].append(mark)
        else:
            runs.append([mark])
            if follows:
                linked.add(ordinal)
        before = mark
    return Trace(detector, tuple(_run(run) for run in runs), frozenset(linked), falling)


def _run(marks: Sequence[Mark]) -> Run:
    scores = [np.nan if mark.score is None else mark.score for mark in marks]
    return Run(
        marks[0].status,
        tuple(marks),
        np.array([mark.seconds for mark in marks], dtype=np.float64),
        np.array(scores, dtype=np.float64),
    )
