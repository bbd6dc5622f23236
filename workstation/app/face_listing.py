"""Every face of a case as one list: what each track is like, what the examiner said of it, and which picture shows it
best. It is sorted and filtered by anything but by what detectors gave (window rule 1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING

from workstation.domain.case import WorkState
from workstation.domain.edits import ExaminerObject, ObjectKind
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.faces import Gate
from workstation.domain.ids import EvidenceId, ExaminationId, ObjectId, TrackId
from workstation.domain.results import TrackFace
from workstation.domain.track_pieces import Arranged, arrange

if TYPE_CHECKING:
    from workstation.storage.case_store import CaseStore


@dataclass(frozen=True, slots=True)
class FaceEntry:
    """One face of an exhibit under an examination, as the examiner arranged it.

    Attributes:
        position: place of the exhibit in the case, from 0.
        first_seconds, last_seconds: presentation times of its first and last examined frame.
        faces: examined frames it is in.
        height: median height in pixels of the frame. sharpness: the best variance of the Laplacian; turn: the least
            yaw in degrees, without its sign; both None where nothing was measured.
        passed: share 0..1 of its faces that passed every quality gate.
        scored, abstained, errors: readings of single frames, over all detectors.
        reason: why it is excluded, with "" for one that is relied on; ``partly`` when a piece of it is relied on.
        best: frame and recorded track of the picture that shows it best.
    """

    examination: ExaminationId
    run: int
    evidence: EvidenceId
    exhibit: str
    position: int
    arranged: Arranged
    first_ordinal: int
    last_ordinal: int
    first_seconds: float
    last_seconds: float
    faces: int
    height: float
    sharpness: float | None
    turn: float | None
    passed: float
    scored: int
    abstained: int
    errors: int
    name: str
    reason: str
    partly: bool
    exclusions: tuple[ObjectId, ...]
    work: WorkState
    best: tuple[int, TrackId]

    @property
    def key(self) -> str:
        """Unique in the case."""
        return f"{self.examination}/{self.evidence}/{self.arranged.key}"

    @property
    def label(self) -> str:
        return self.arranged.label

    @property
    def seconds(self) -> float:
        """Time between its first and last examined frame."""
        return self.last_seconds - self.first_seconds

    @property
    def excluded(self) -> bool:
        return bool(self.exclusions)


class FaceOrder(StrEnum):
    """What the list can be sorted by. What detectors gave is not among it, and may not come to be."""

    EXHIBIT = "exhibit"
    TIME = "time"
    DURATION = "duration"
    FACES = "faces"
    HEIGHT = "height"
    SHARPNESS = "sharpness"
    POSE = "pose"
    QUALITY = "quality"
    NAME = "name"
    WORK = "work"
    EXCLUDED = "excluded"
    ABSTAINED = "abstained"


@dataclass(frozen=True, slots=True)
class FaceFilter:
    """What an entry must be like; None and "" ask nothing.

    Attributes:
        words: each blank-separated word must occur in exhibit, label, name or reason, in any case of letters.
        least_height: pixels. least_sharpness: squared grey levels. most_turn: degrees. least_seconds: duration.
        least_passed: share 0..1 of faces that passed every gate.
        abstained: whether a detector abstained on any of its frames.
    """

    words: str = ""
    evidence: EvidenceId | None = None
    least_height: float | None = None
    least_sharpness: float | None = None
    most_turn: float | None = None
    least_seconds: float | None = None
    least_passed: float | None = None
    named: bool | None = None
    excluded: bool | None = None
    abstained: bool | None = None
    work: WorkState | None = None

    @property
    def asks(self) -> int:
        """How many things it asks for."""
        return sum(getattr(self, name) not in (None, "") for name in self.__slots__)

    def passes(self, entry: FaceEntry) -> bool:
        text = f"{entry.exhibit} {entry.label} {entry.name} {entry.reason}".casefold()
        return (
            all(word in text for word in self.words.casefold().split())
            and self.evidence in (None, entry.evidence)
            and _least(entry.height, self.least_height)
            and _least(entry.sharpness, self.least_sharpness)
            and (self.most_turn is None or (entry.turn is not None and entry.turn <= self.most_turn))
            and _least(entry.seconds, self.least_seconds)
            and _least(entry.passed, self.least_passed)
            and self.named in (None, bool(entry.name))
            and self.excluded in (None, entry.excluded)
            and self.abstained in (None, entry.abstained > 0)
            and self.work in (None, entry.work)
        )


def select(entries: Iterable[FaceEntry], wanted: FaceFilter) -> tuple[FaceEntry, ...]:
    """The entries that pass, in the order given."""
    return tuple(entry for entry in entries if wanted.passes(entry))


def ordered(entries: Iterable[FaceEntry], by: FaceOrder, *, falling: bool = False) -> tuple[FaceEntry, ...]:
    """Sort by one thing; among equals, and where nothing was measured (always last), by exhibit and number."""
    known: list[FaceEntry] = []
    unknown: list[FaceEntry] = []
    for entry in sorted(entries, key=_place):
        (unknown if _value(entry, by) is None else known).append(entry)
    known.sort(key=lambda entry: _value(entry, by), reverse=falling)  # type: ignore[arg-type,return-value]
    return (*known, *unknown)


def list_faces(
    store: CaseStore,
    chosen: Mapping[EvidenceId, ExaminationId] | None = None,
    known: FaceCache | None = None,
    only: Collection[EvidenceId] | None = None,
) -> tuple[FaceEntry, ...]:
    """Every face of the case, in the order of exhibits and numbers.

    Args:
        chosen: the examination to list an exhibit by; by default the newest that found a face in it.
        known: keeps what was listed between calls.
        only: the exhibits to list; None for all. Large cases are read one by one, so that nobody waits long.

    Raises: NotFound: a chosen examination does not exist.
    """
    cache = known or FaceCache()
    objects, runs = store.edits.objects(), store.examinations()
    found: list[FaceEntry] = []
    for position, item in enumerate(store.evidence()):
        if only is not None and item.id not in only:
            continue
        mine = [run for run in runs if item.id in run.plan.evidence]
        wanted = (chosen or {}).get(item.id)
        if wanted is not None:
            mine = [run for run in mine if run.id == wanted]
        for run in reversed(mine):
            entries = cache.entries(store, run, item, position, objects)
            if entries or wanted is not None:
                found += entries
                break
    return tuple(found)


class FaceCache:
    """What was listed before, by exhibit and examination. It is listed anew when an edit is about it, and while its
    examination runs; the faces themselves are not kept, of which a large case has hundreds of thousands."""

    def __init__(self) -> None:
        self._kept: dict[tuple[ExaminationId, EvidenceId], tuple[object, tuple[FaceEntry, ...]]] = {}

    def entries(
        self,
        store: CaseStore,
        run: Examination,
        item: EvidenceItem,
        position: int,
        objects: Sequence[ExaminerObject],
    ) -> tuple[FaceEntry, ...]:
        mine = [o for o in objects if (o.body.get("examination"), o.body.get("evidence")) == (run.id, item.id)]
        stand = (run.ended_at, position, item.work, item.exhibit, tuple((o.id, repr(o.body)) for o in mine))
        before, entries = self._kept.get((run.id, item.id), (None, ()))
        if run.ended_at is None or before != stand:
            entries = tuple(_of_exhibit(store.readings.faces(run.id, item.id), mine, run, item, position))
            self._kept[(run.id, item.id)] = (stand, entries)
        return entries


def _of_exhibit(
    faces: Sequence[TrackFace],
    objects: Sequence[ExaminerObject],
    run: Examination,
    item: EvidenceItem,
    position: int,
) -> list[FaceEntry]:
    numbers = {face.track: face.track_number for face in faces}
    of_track: dict[TrackId, list[TrackFace]] = {}
    for face in faces:
        of_track.setdefault(face.track, []).append(face)
    found = []
    for arranged in arrange(numbers, objects, run.id, item.id):
        own = [face for track in arranged.tracks for face in of_track[track] if arranged.holds(face.track, face.pts)]
        if own:
            found.append(_entry(sorted(own, key=lambda face: face.pts), objects, run, item, position, arranged))
    return found


def _entry(
    own: Sequence[TrackFace],
    objects: Sequence[ExaminerObject],
    run: Examination,
    item: EvidenceItem,
    position: int,
    arranged: Arranged,
) -> FaceEntry:
    sharp = [value for face in own if (value := face.gate(Gate.BLUR)) is not None]
    turns = [abs(value) for face in own if (value := face.gate(Gate.POSE)) is not None]
    best = max(own, key=_worth)
    exclusions = [o for o in objects if o.kind is ObjectKind.EXCLUSION and _covers(o, arranged)]
    whole = [o for o in exclusions if str(o.body.get("track") or "") == ""]
    covered = {key for o in exclusions for key in _pieces_of(o, arranged)}
    return FaceEntry(
        run.id,
        run.number,
        item.id,
        item.exhibit,
        position,
        arranged,
        own[0].ordinal,
        own[-1].ordinal,
        own[0].seconds,
        own[-1].seconds,
        len(own),
        float(median(face.height for face in own)),
        max(sharp, default=None),
        min(turns, default=None),
        sum(face.passed for face in own) / len(own),
        sum(face.scored for face in own),
        sum(face.abstained for face in own),
        sum(face.errors for face in own),
        _name(objects, arranged),
        "; ".join(dict.fromkeys(str(o.body.get("reason", "")) for o in exclusions)),
        bool(exclusions) and not whole and len(covered) < len(arranged.pieces),
        tuple(o.id for o in exclusions),
        item.work,
        (best.ordinal, best.track),
    )


def _worth(face: TrackFace) -> tuple[bool, float]:
    """Faces that passed the gates first; then the larger, the sharper and the less turned. Never by a score."""
    sharp, turn = face.gate(Gate.BLUR) or 0.0, abs(face.gate(Gate.POSE) or 0.0)
    return face.passed, face.height * min(sharp, 200.0) ** 0.25 * max(0.1, 1 - turn / 90)


def _name(objects: Sequence[ExaminerObject], arranged: Arranged) -> str:
    keys = {piece.key for piece in arranged.pieces}
    names = [
        str(o.body["name"])
        for o in objects
        if o.kind is ObjectKind.TRACK_NAME and _in(o.body["track"], o.body.get("since"), keys)
    ]
    return " / ".join(dict.fromkeys(names))


def _in(track: object, since: object, keys: Collection[tuple[TrackId, int | None]]) -> bool:
    return any((track, since) == key for key in keys)


def _covers(exclusion: ExaminerObject, arranged: Arranged) -> bool:
    return exclusion.body.get("pts") is None and (
        str(exclusion.body.get("track") or "") == "" or bool(_pieces_of(exclusion, arranged))
    )


def _pieces_of(exclusion: ExaminerObject, arranged: Arranged) -> list[tuple[TrackId, int | None]]:
    """Keys of the pieces that an exclusion is about; one of a whole track covers every piece of it."""
    body = exclusion.body
    since, until = body.get("since"), body.get("until")
    found = []
    for piece in arranged.pieces:
        if piece.track == body.get("track") and (
            (since is None and until is None) or (piece.since, piece.until) == (since, until)
        ):
            found.append(piece.key)
    return found


def _least(value: float | None, limit: float | None) -> bool:
    return limit is None or (value is not None and value >= limit)


def _place(entry: FaceEntry) -> tuple[int, int, int]:
    first = entry.arranged.pieces[0]
    return entry.position, first.number, -1 if first.since is None else first.since


_WORK = {state: place for place, state in enumerate(WorkState)}


def _value(entry: FaceEntry, by: FaceOrder) -> float | str | tuple[object, ...] | None:
    """What an entry is sorted by; None where there is nothing."""
    match by:
        case FaceOrder.EXHIBIT:
            return _place(entry)
        case FaceOrder.TIME:
            return entry.position, entry.first_seconds
        case FaceOrder.DURATION:
            return entry.seconds
        case FaceOrder.FACES:
            return float(entry.faces)
        case FaceOrder.HEIGHT:
            return entry.height
        case FaceOrder.SHARPNESS:
            return entry.sharpness
        case FaceOrder.POSE:
            return entry.turn
        case FaceOrder.QUALITY:
            return entry.passed
        case FaceOrder.NAME:
            return entry.name.casefold() or None
        case FaceOrder.WORK:
            return float(_WORK[entry.work])
        case FaceOrder.EXCLUDED:
            return float(entry.excluded)
        case FaceOrder.ABSTAINED:
            return entry.abstained / max(1, entry.scored + entry.abstained + entry.errors)
