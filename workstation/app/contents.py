"""What a case holds, as one frozen value: exhibits, what was made of them, tracks, examiner's objects, reports.

The case tree and the search are built from it. Reading it touches no medium and no network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workstation.domain.derived import DerivedItem, ParentKind
from workstation.domain.edits import ExaminerObject, ObjectKind
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination, ExaminationState
from workstation.domain.ids import EvidenceId, ExaminationId, TrackId
from workstation.domain.media import FrameIndex
from workstation.domain.reports import ReportRecord
from workstation.domain.series import TrackSpan
from workstation.domain.streams import StreamDigest

if TYPE_CHECKING:
    from workstation.app.session import CaseSession


@dataclass(frozen=True, slots=True)
class TrackEntry:
    """A face track of the newest examination of an exhibit; ``ordinal`` is the frame on screen when it begins,
    ``first``/``last`` its seconds of presentation time, ``frames`` how many of its frames were looked at."""

    evidence: EvidenceId
    examination: ExaminationId
    track: TrackId
    number: int
    name: str
    first: float
    last: float
    frames: int
    ordinal: int

    @property
    def label(self) -> str:
        return f"T{self.number}"


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything in the order it came. Nothing here is ordered by a score (window rule 1)."""

    items: tuple[EvidenceItem, ...] = ()
    derived: tuple[DerivedItem, ...] = ()
    tracks: tuple[TrackEntry, ...] = ()
    objects: tuple[ExaminerObject, ...] = ()
    runs: tuple[Examination, ...] = ()
    reports: tuple[ReportRecord, ...] = ()
    streams: tuple[tuple[EvidenceId, StreamDigest], ...] = ()

    def of_kind(self, *kinds: ObjectKind) -> tuple[ExaminerObject, ...]:
        """The examiner's objects of these kinds, in the order they were made."""
        return tuple(thing for thing in self.objects if thing.kind in kinds)

    def item(self, evidence: str) -> EvidenceItem | None:
        return next((item for item in self.items if item.id == evidence), None)

    def exhibit_of(self, derived: DerivedItem) -> EvidenceId | None:
        """The exhibit a derived item goes back to, over any number of steps."""
        known: dict[str, DerivedItem] = {item.id: item for item in self.derived}
        at: DerivedItem | None = derived
        for _ in range(len(known) + 1):
            if at is None:
                break
            if at.parent_kind is ParentKind.EVIDENCE:
                return EvidenceId(at.parent)
            at = known.get(at.parent)
        return None


class Reader:
    """Reads the contents of one case again and again; what an ended examination found is read once."""

    def __init__(self, session: CaseSession) -> None:
        self._session = session
        self._tracks: dict[ExaminationId, Mapping[EvidenceId, tuple[TrackSpan, ...]]] = {}
        self._indexes: dict[EvidenceId, FrameIndex | None] = {}

    def read(self) -> Contents:
        """Read everything; call it off the window's thread."""
        session = self._session
        items, runs, objects = session.evidence(), session.examinations(), session.editing.objects()
        streams = [(item.id, one) for item in items for one in session.streams(item.id) or ()]
        return Contents(
            items,
            session.store.derived.every(),
            tuple(self._tracks_of(items, runs, objects)),
            objects,
            runs,
            session.reports(),
            tuple(streams),
        )

    def _tracks_of(
        self, items: Iterable[EvidenceItem], runs: tuple[Examination, ...], objects: tuple[ExaminerObject, ...]
    ) -> Iterable[TrackEntry]:
        names = {
            (str(thing.body.get("examination")), str(thing.body.get("evidence")), str(thing.body.get("track"))): str(
                thing.body.get("name", "")
            )
            for thing in objects
            if thing.kind is ObjectKind.TRACK_NAME
        }
        spans = {run.id: self._spans(run) for run in runs}
        for item in items:
            of_it = [run for run in runs if item.id in run.plan.evidence]
            for run in reversed(of_it):
                found = spans[run.id].get(item.id, ())
                if found:
                    yield from self._entries(run, item, found, names)
                    break

    def _entries(
        self,
        run: Examination,
        item: EvidenceItem,
        found: tuple[TrackSpan, ...],
        names: dict[tuple[str, str, str], str],
    ) -> Iterable[TrackEntry]:
        for one in found:
            yield TrackEntry(
                item.id,
                run.id,
                one.track,
                one.track_number,
                names.get((run.id, item.id, one.track), ""),
                one.first_seconds,
                one.last_seconds,
                one.frames,
                self.ordinal(item.id, one.first_seconds),
            )

    def _spans(self, run: Examination) -> Mapping[EvidenceId, tuple[TrackSpan, ...]]:
        if run.id in self._tracks:
            return self._tracks[run.id]
        found = self._session.store.readings.spans(run.id)
        if run.state is ExaminationState.DONE:
            self._tracks[run.id] = found
        return found

    def ordinal(self, evidence: EvidenceId, seconds: float) -> int:
        """The frame on screen at ``seconds``; 0 where there is no index."""
        index = self.index(evidence)
        if index is None:
            return 0
        begun = [n for n, pts in enumerate(index.pts) if index.time_base.seconds(pts) <= seconds + 1e-9]
        return begun[-1] if begun else 0

    def ordinal_of(self, evidence: EvidenceId, pts: int) -> int:
        """The frame with that time stamp; 0 where there is no index or no such frame."""
        index = self.index(evidence)
        return index.pts.index(pts) if index is not None and pts in index.pts else 0

    def index(self, evidence: EvidenceId) -> FrameIndex | None:
        if evidence not in self._indexes:
            self._indexes[evidence] = self._session.frame_index(evidence)
        return self._indexes[evidence]
