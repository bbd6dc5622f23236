"""Everything the window shows of one exhibit under one examination, as one frozen value read off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from workstation.app.figures import coverage, merged, summaries
from workstation.app.frame_clock import FrameClock
from workstation.app.lanes import Lanes, build_lanes
from workstation.app.row_window import RowWindow
from workstation.domain.detectors import Direction, Level
from workstation.domain.edits import ExaminerObject, ObjectKind
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination, ExaminationState
from workstation.domain.ids import EvidenceId, ExaminationId
from workstation.domain.kinds_of_forgery import Threshold
from workstation.domain.media import FrameIndex, FrameRef
from workstation.domain.results import Coverage, FrameRow, TrackReading, TrackSummary
from workstation.domain.series import ExhibitSeries
from workstation.domain.standing import Standing
from workstation.ui.review.sealing import sealed_if_asked

if TYPE_CHECKING:
    from workstation.app.session import CaseSession

Limits = Callable[[Examination], Mapping[str, Threshold]]
_FEW = 256


@dataclass(frozen=True, slots=True)
class ExhibitData:
    """``runs`` are the examinations that include this exhibit, oldest first; ``run`` is the one shown.

    ``validated``: the kinds of forgery for which each detector's score may be shown, by its id; where there is none,
    words stand in its place. ``thresholds`` are those their packages ship, of the detectors that are validated.
    ``rows`` are read when they are looked at. ``clock`` is made of ``index``. ``sealed``: an opinion comes first, and
    nothing that detectors gave is in here (X6).
    """

    item: EvidenceItem
    index: FrameIndex | None
    runs: tuple[Examination, ...] = ()
    run: Examination | None = None
    rows: Mapping[int, FrameRow] = field(default_factory=dict)
    summaries: tuple[TrackSummary, ...] = ()
    coverage: Coverage | None = None
    lanes: Lanes = field(default_factory=Lanes)
    readings: tuple[TrackReading, ...] = ()
    validated: Standing = field(default_factory=dict)
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    series: ExhibitSeries = field(default_factory=ExhibitSeries)
    clock: FrameClock | None = None
    sealed: bool = False

    def __post_init__(self) -> None:
        if self.clock is None and self.index is not None:
            object.__setattr__(self, "clock", FrameClock.of(self.index))

    @property
    def mapped(self) -> frozenset[str]:
        """Detectors that stored at least one fakeness map."""
        return self.series.mapped

    @property
    def frames(self) -> int:
        """Frames that can be addressed; 0 when the exhibit cannot be decoded."""
        if self.item.media is None:
            return 0
        return len(self.index) if self.index is not None else max(1, self.item.media.video.frame_count or 1)

    @property
    def detectors(self) -> tuple[str, ...]:
        """Those that score single faces, in the order of the plan; they have lanes and colours."""
        uses = self.run.plan.detectors if self.run else ()
        return tuple(use.id for use in uses if use.level == Level.FACE)

    @property
    def falling(self) -> frozenset[str]:
        """Detectors whose score is lower where something is manipulated."""
        uses = self.run.plan.detectors if self.run else ()
        return frozenset(use.id for use in uses if use.direction == Direction.LOWER_IS_MANIPULATED)

    def seconds(self, ordinal: int) -> float:
        """Presentation time in seconds; 0 where there is no index."""
        clock = self.clock
        return float(clock.seconds[ordinal]) if clock is not None and 0 <= ordinal < len(clock.seconds) else 0.0

    def nearest(self, seconds: float) -> int:
        """Ordinal of the frame on screen at ``seconds``: the last one that has begun."""
        return self.clock.nearest(seconds) if self.clock is not None and len(self.clock.seconds) else 0

    @property
    def span(self) -> tuple[float, float]:
        """First and last second shown on the timeline; the end includes the last frame's own duration. A still
        picture, which has no time, stands in the middle."""
        if self.index is None or len(self.index) < 2:
            return -0.5, 0.5
        start, end = self.seconds(0), self.seconds(len(self.index) - 1)
        return start, end + (end - start) / (len(self.index) - 1)


def read_exhibit(
    session: CaseSession, evidence: EvidenceId, run: ExaminationId | None = None, thresholds: Limits | None = None
) -> ExhibitData:
    """Read an exhibit with the examination named, or its newest one. Call it off the GUI thread.

    Args:
        thresholds: gives the shipped thresholds of an examination's detectors.
    """
    item = session.evidence_item(evidence)
    runs = tuple(r for r in session.examinations() if evidence in r.plan.evidence)
    chosen = next((r for r in runs if r.id == run), None) or _newest(session, evidence, runs)
    validated = session.validated(chosen) if chosen is not None else {}
    limits = thresholds(chosen) if chosen is not None and thresholds is not None else {}
    data = ExhibitData(item, session.frame_index(evidence), runs, chosen, validated=validated, thresholds=limits)
    return refresh_rows(session, data, None)


def _newest(session: CaseSession, evidence: EvidenceId, runs: tuple[Examination, ...]) -> Examination | None:
    """The newest run that is at work or has looked at this exhibit; else the newest of all."""
    for run in reversed(runs):
        if run.state is ExaminationState.RUNNING or session.store.readings.any_frame(run.id, evidence):
            return run
    return runs[-1] if runs else None


def refresh_rows(session: CaseSession, data: ExhibitData, ordinals: Collection[int] | None) -> ExhibitData:
    """Read the results of these frames again (None: of all) with everything that follows from them."""
    if data.run is None:
        return data
    if data.sealed:
        ordinals = None
    run, evidence = data.run.id, data.item.id
    fresh = session.store.readings.series(run, evidence, ordinals)
    series = fresh if ordinals is None else merged(data.series, fresh)
    runs = tuple(r for r in session.examinations() if evidence in r.plan.evidence)
    lanes = build_lanes(series, data.detectors, data.falling)
    lanes.prepare()

    def read(wanted: Collection[int]) -> tuple[FrameRow, ...]:
        return session.frame_rows(run, evidence, wanted)

    def refs(wanted: Collection[int]) -> dict[int, FrameRef]:
        return {row.frame.ordinal: row.frame for row in read(wanted)}

    if ordinals is None or not isinstance(data.rows, RowWindow):
        rows = RowWindow(series.frames.ordinals, read)
    else:
        few = read(ordinals) if len(ordinals) <= _FEW else ()
        rows = data.rows.renewed(series.frames.ordinals, few, ordinals)
    whole = replace(
        data,
        sealed=False,
        runs=runs,
        run=next((r for r in runs if r.id == run), data.run),
        series=series,
        rows=rows,
        summaries=summaries(series, data.falling, refs),
        readings=session.track_readings(run, evidence),
        coverage=coverage(series, len(data.index) if data.index is not None else 0),
        lanes=lanes,
    )
    return sealed_if_asked(session, whole)


def bookmarked(data: ExhibitData | None, objects: tuple[ExaminerObject, ...]) -> tuple[int, ...]:
    """Ordinals of the frames of ``data`` that carry a bookmark, rising."""
    if data is None:
        return ()
    wanted = {
        int(str(thing.body["pts"]))
        for thing in objects
        if thing.kind is ObjectKind.BOOKMARK and thing.body.get("evidence") == data.item.id
    }
    if data.clock is None:
        return (0,) if wanted else ()
    return data.clock.ordinals(wanted)
