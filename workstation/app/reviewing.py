"""Case review: where to go in a case that is shown to others, and a record of every frame that was shown.

A review changes nothing: no score is made anew and no edit can be done. What is recorded is that frames were looked at,
by whom and when, each by its time stamp and the digest of its decoded pixels (X9).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from workstation.app.face_listing import FaceEntry
from workstation.app.hub import Hub
from workstation.domain.custody import CustodyKind
from workstation.domain.edits import ExaminerObject, ObjectKind
from workstation.domain.events import CaseChanged
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId, TrackId
from workstation.domain.media import FrameIndex, FrameRef

if TYPE_CHECKING:
    from workstation.storage.case_store import CaseStore

REVIEWED = "frames shown in a case review"
MOST_AT_ONCE = 250
"""Frames in one event; more are told in several."""


class StopKind(StrEnum):
    FINDING = "finding"
    BOOKMARK = "bookmark"
    EXHIBIT = "exhibit"


@dataclass(frozen=True, slots=True)
class Stop:
    """A place to show. ``text`` is the examiner's own; ``outcome`` and ``against`` are a finding's, "" for others.

    ``evidence`` is None for a finding on the case as a whole: it has words and no frame.
    """

    key: str
    kind: StopKind
    title: str
    text: str = ""
    outcome: str = ""
    against: str = ""
    level: int = 0
    evidence: EvidenceId | None = None
    ordinal: int = 0
    track: TrackId | None = None


def stops(store: CaseStore, faces: Sequence[FaceEntry] = ()) -> tuple[Stop, ...]:
    """Findings in their levels, then bookmarks, then the exhibits themselves; each in the order of the case.

    Args:
        faces: as listed, to find the picture of a track that a finding is about.
    """
    objects, items = store.edits.objects(), store.evidence()
    return (*_findings(objects, items, faces), *_bookmarks(store, objects, items), *_exhibits(items))


class ReviewLog:
    """Gathers the frames that were shown and records them in the chain of custody, in batches.

    Thread-safe. Every frame that was shown is named, once for each time it came on screen.
    """

    def __init__(self, store: CaseStore, hub: Hub) -> None:
        self._store, self._hub = store, hub
        self._lock = threading.Lock()
        self._waiting: list[tuple[EvidenceId, FrameRef]] = []
        self._last: tuple[EvidenceId, FrameRef] | None = None

    @property
    def waiting(self) -> int:
        """Frames shown and not recorded yet."""
        return len(self._waiting)

    def shown(self, evidence: EvidenceId, frame: FrameRef) -> None:
        """Note that a frame came on screen; the same one again, drawn anew, is not another."""
        with self._lock:
            if self._last != (evidence, frame):
                self._last = (evidence, frame)
                self._waiting.append((evidence, frame))

    def flush(self) -> int:
        """Record what was noted; return the number of frames. What cannot be recorded stays noted.

        Raises: CaseReadOnly, StorageFull: nothing more can be recorded.
        """
        recorded = 0
        while True:
            with self._lock:
                batch = self._batch()
            if not batch:
                break
            item = self._store.evidence_item(batch[0][0])
            body = {
                "evidence": item.id,
                "exhibit": item.exhibit,
                "sha256": item.sha256,
                "what": REVIEWED,
                "frames": [[frame.ordinal, frame.stream, frame.pts, frame.digest] for _, frame in batch],
            }
            self._store.record(CustodyKind.EVIDENCE_ACCESSED, body)
            with self._lock:
                del self._waiting[: len(batch)]
            recorded += len(batch)
        if recorded:
            self._hub.publish(CaseChanged(self._store.case.id))
        return recorded

    def _batch(self) -> list[tuple[EvidenceId, FrameRef]]:
        """Frames of one exhibit from the front."""
        batch: list[tuple[EvidenceId, FrameRef]] = []
        for entry in self._waiting[:MOST_AT_ONCE]:
            if batch and entry[0] != batch[0][0]:
                break
            batch.append(entry)
        return batch


def _findings(
    objects: Sequence[ExaminerObject], items: Sequence[EvidenceItem], faces: Sequence[FaceEntry]
) -> Iterable[Stop]:
    findings = [thing for thing in objects if thing.kind is ObjectKind.FINDING]
    known = {str(thing.id) for thing in findings}
    exhibits = {str(item.id): item for item in items}

    def under(parent: str, level: int) -> Iterable[Stop]:
        for thing in findings:
            above = str(thing.body.get("parent", ""))
            if above == parent or (not parent and above not in known):
                yield _finding(thing, level, exhibits, faces)
                yield from under(str(thing.id), level + 1)

    return under("", 0)


def _finding(thing: ExaminerObject, level: int, exhibits: dict[str, EvidenceItem], faces: Sequence[FaceEntry]) -> Stop:
    body = thing.body
    item = exhibits.get(str(body.get("about", "")))
    track = str(body.get("track", "") or "")
    face = None
    if item is not None and track:
        mine = [entry for entry in faces if entry.evidence == item.id]
        face = next((e for e in mine if track in (e.label, *e.arranged.tracks)), None)
    outcome = str(body.get("outcome", "") or "")
    proposition = str(body.get("proposition", "") or "")
    if outcome and proposition and not outcome.startswith("inconclusive"):
        outcome = f"{outcome}: {proposition}"
    return Stop(
        str(thing.id),
        StopKind.FINDING,
        str(body.get("title", "")),
        str(body.get("text", "") or ""),
        outcome,
        str(body.get("against", "") or ""),
        level,
        None if item is None else item.id,
        face.best[0] if face is not None else 0,
        face.best[1] if face is not None else None,
    )


def _bookmarks(store: CaseStore, objects: Sequence[ExaminerObject], items: Sequence[EvidenceItem]) -> list[Stop]:
    found: list[tuple[int, int, Stop]] = []
    place = {str(item.id): number for number, item in enumerate(items)}
    indexes: dict[str, FrameIndex | None] = {}
    for thing in objects:
        evidence = str(thing.body.get("evidence", ""))
        if thing.kind is not ObjectKind.BOOKMARK or evidence not in place:
            continue
        if evidence not in indexes:
            indexes[evidence] = store.frame_index(EvidenceId(evidence))
        ordinal = _ordinal(indexes[evidence], int(str(thing.body.get("pts", 0))))
        if ordinal is not None:
            title, note = str(thing.body.get("label", "")), str(thing.body.get("note", "") or "")
            stop = Stop(str(thing.id), StopKind.BOOKMARK, title, note, evidence=EvidenceId(evidence), ordinal=ordinal)
            found.append((place[evidence], ordinal, stop))
    return [stop for _, _, stop in sorted(found, key=lambda entry: entry[:2])]


def _exhibits(items: Sequence[EvidenceItem]) -> list[Stop]:
    return [
        Stop(str(item.id), StopKind.EXHIBIT, item.exhibit, item.name, evidence=item.id)
        for item in items
        if item.media is not None
    ]


def _ordinal(index: FrameIndex | None, pts: int) -> int | None:
    if index is None:
        return 0
    return index.pts.index(pts) if pts in index.pts else None
