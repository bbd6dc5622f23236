"""Face tracks as the examiner arranged them: split where the finder took two faces for one, joined where it took one
face for two. The tracks of an examination stay as they were recorded; this is a reading of the examiner's edits.

A piece is a stretch of one recorded track; an arranged track is one piece or several that show the same face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workstation.domain.edits import ExaminerObject, ObjectKind
from workstation.domain.ids import EvidenceId, ExaminationId, TrackId

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a recorded track in presentation time stamps: from ``since`` on and before ``until``; None is the
    track's own beginning or end. ``letter`` is empty for a track that was not split: "T2", "T2a", "T2b"."""

    track: TrackId
    number: int
    since: int | None = None
    until: int | None = None
    letter: str = ""

    @property
    def label(self) -> str:
        return f"T{self.number}{self.letter}"

    @property
    def key(self) -> tuple[TrackId, int | None]:
        """What names the piece in an edit."""
        return self.track, self.since

    def holds(self, pts: int) -> bool:
        return (self.since is None or pts >= self.since) and (self.until is None or pts < self.until)


@dataclass(frozen=True, slots=True)
class Arranged:
    """One face as the examiner arranged it: its pieces in the order of their numbers."""

    pieces: tuple[Piece, ...]

    @property
    def key(self) -> str:
        """Unique within an examination and exhibit, and the same as long as its first piece is the same."""
        first = self.pieces[0]
        return first.track if first.since is None else f"{first.track}@{first.since}"

    @property
    def label(self) -> str:
        """ "T1", "T2b", "T1+T3"."""
        return "+".join(piece.label for piece in self.pieces)

    @property
    def tracks(self) -> tuple[TrackId, ...]:
        """Recorded tracks with a piece in it, each once."""
        return tuple(dict.fromkeys(piece.track for piece in self.pieces))

    def holds(self, track: TrackId, pts: int) -> bool:
        """Whether the face of a recorded track in a frame belongs to it."""
        return any(piece.track == track and piece.holds(pts) for piece in self.pieces)


def arrange(
    numbers: Mapping[TrackId, int],
    objects: Sequence[ExaminerObject],
    examination: ExaminationId,
    evidence: EvidenceId,
) -> tuple[Arranged, ...]:
    """The faces of an exhibit under an examination as the examiner's edits arrange them, in the order of numbers.

    Args:
        numbers: every recorded track with its number.
        objects: the examiner's objects as they stand; those about other things are passed over. A join that names a
            piece that is no longer there (its split was undone) joins what is left of it.
    """
    mine = [o for o in objects if (o.body.get("examination"), o.body.get("evidence")) == (examination, evidence)]
    cuts: dict[TrackId, set[int]] = {}
    for thing in mine:
        if thing.kind is ObjectKind.TRACK_SPLIT:
            cuts.setdefault(TrackId(str(thing.body["track"])), set()).add(int(str(thing.body["pts"])))
    pieces = {
        piece.key: piece
        for track, number in sorted(numbers.items(), key=lambda entry: (entry[1], entry[0]))
        for piece in _pieces(track, number, sorted(cuts.get(track, ())))
    }
    leader = {key: key for key in pieces}

    def find(key: tuple[TrackId, int | None]) -> tuple[TrackId, int | None]:
        while leader[key] != key:
            key = leader[key]
        return key

    order = {key: place for place, key in enumerate(pieces)}
    for thing in mine:
        if thing.kind is ObjectKind.TRACK_JOIN:
            known = [find(key) for key in members(thing) if key in pieces]
            for other in known:
                first, second = sorted((find(known[0]), find(other)), key=order.__getitem__)
                leader[second] = first
    groups: dict[tuple[TrackId, int | None], list[Piece]] = {}
    for key, piece in pieces.items():
        groups.setdefault(find(key), []).append(piece)
    return tuple(Arranged(tuple(group)) for group in groups.values())


def members(join: ExaminerObject) -> tuple[tuple[TrackId, int | None], ...]:
    """Keys of the pieces that a join names."""
    told = join.body.get("members")
    named = told if isinstance(told, list) else []
    return tuple((TrackId(str(one[0])), None if one[1] is None else int(one[1])) for one in named)


def _pieces(track: TrackId, number: int, cuts: Sequence[int]) -> list[Piece]:
    starts: list[int | None] = [None, *cuts]
    ends: list[int | None] = [*cuts, None]
    return [
        Piece(track, number, since, until, _letter(place) if cuts else "")
        for place, (since, until) in enumerate(zip(starts, ends, strict=True))
    ]


def _letter(place: int) -> str:
    return _LETTERS[place] if place < len(_LETTERS) else f".{place + 1}"
