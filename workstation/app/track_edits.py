"""What the examiner does with face tracks: join, split, name, exclude, take back. Each is one edit with undo (U27), in
the chain of custody; the tracks, scores and maps of the examination stay as they were recorded.
"""

from __future__ import annotations

from collections.abc import Sequence

from workstation.app.face_listing import FaceEntry
from workstation.app.hub import Hub
from workstation.domain.edits import Change, Edit, ExaminerObject, ObjectKind
from workstation.domain.errors import InputError, NotFound
from workstation.domain.events import CaseChanged
from workstation.domain.ids import EvidenceId, ExaminationId, ObjectId, TrackId, new_id
from workstation.domain.results import TrackFace
from workstation.domain.track_pieces import Arranged, Piece, arrange, members
from workstation.storage.case_store import CaseStore

LONGEST_LABEL = 80


class TrackEdits:
    """Edits of the faces of one case. Thread-safe as the case is.

    Raises, in every method: CaseReadOnly; InputError with one line when it cannot be done as asked; NotFound when a
    track is no longer arranged as the caller has it.
    """

    def __init__(self, store: CaseStore, hub: Hub) -> None:
        self._store, self._hub = store, hub

    def join(self, entries: Sequence[FaceEntry]) -> Edit:
        """Say that several tracks of one exhibit show the same face.

        Raises:
            InputError: fewer than two, of different exhibits or examinations, or two of them in the same frame.
        """
        if len(entries) < 2:
            raise InputError("Joining takes at least two tracks.", "Choose them with Ctrl+click.")
        first = entries[0]
        if {(e.examination, e.evidence) for e in entries} != {(first.examination, first.evidence)}:
            raise InputError(
                "Only tracks of one exhibit can be joined.",
                "Across exhibits, give the tracks the same name instead.",
            )
        groups = [self._group(entry) for entry in entries]
        pieces = [piece for group in groups for piece in group.pieces]
        self._never_twice(first, groups)
        body: dict[str, object] = {
            "examination": first.examination,
            "evidence": first.evidence,
            "members": [[piece.track, piece.since] for piece in pieces],
        }
        # Joins these tracks stood in before are taken up into the new one, so that one undo brings each back.
        keys = {piece.key for piece in pieces}
        changes = [
            Change(old.id, old.kind, old.body, None)
            for old in self._of(first.examination, first.evidence, ObjectKind.TRACK_JOIN)
            if keys & set(members(old))
        ]
        changes.append(Change(ObjectId(new_id()), ObjectKind.TRACK_JOIN, None, body))
        return self._do(f"Join {first.exhibit} {' and '.join(entry.label for entry in entries)}", changes)

    def separate(self, entry: FaceEntry) -> Edit:
        """Take the joins of a track apart again."""
        keys = {piece.key for piece in self._group(entry).pieces}
        joins = [
            old
            for old in self._of(entry.examination, entry.evidence, ObjectKind.TRACK_JOIN)
            if keys & set(members(old))
        ]
        if not joins:
            raise InputError(f"{entry.exhibit} {entry.label} is not joined.")
        changes = [Change(old.id, old.kind, old.body, None) for old in joins]
        return self._do(f"Separate {entry.exhibit} {entry.label}", changes)

    def split(self, entry: FaceEntry, ordinal: int) -> Edit:
        """Say that from the first examined frame at or after frame ``ordinal`` on, a track shows another face.

        A track that was joined falls apart at that moment: what was before and what comes after are joined each.

        Raises:
            InputError: all of the track is on one side of that frame.
        """
        group = self._group(entry)
        faces = self._faces(entry)
        own = sorted((f for f in faces if group.holds(f.track, f.pts)), key=lambda face: face.pts)
        after = [face for face in own if face.ordinal >= ordinal]
        before = [face for face in own if face.ordinal < ordinal]
        if not after or not before:
            raise InputError(
                f"{entry.exhibit} {entry.label} lies on one side of this frame.",
                "Go to the first frame that shows the other face, then split.",
            )
        pts, seconds = after[0].pts, after[0].seconds
        changes, left, right = self._cut(entry, group, own, pts)
        joins = [
            old
            for old in self._of(entry.examination, entry.evidence, ObjectKind.TRACK_JOIN)
            if {piece.key for piece in group.pieces} & set(members(old))
        ]
        changes += [Change(old.id, old.kind, old.body, None) for old in joins]
        for side in (left, right):
            if len(side) > 1:
                body: dict[str, object] = {
                    "examination": entry.examination,
                    "evidence": entry.evidence,
                    "members": [[track, since] for track, since in side],
                }
                changes.append(Change(ObjectId(new_id()), ObjectKind.TRACK_JOIN, None, body))
        return self._do(f"Split {entry.exhibit} {entry.label} at {seconds:.3f} s", changes)

    def name(self, entries: Sequence[FaceEntry], name: str) -> Edit:
        """Name tracks, or give them another name; "" takes their names away."""
        plain = " ".join(name.split())
        if not entries:
            raise InputError("No track is chosen.", "Choose a face first.")
        changes: list[Change] = []
        for entry in entries:
            there = self._of(entry.examination, entry.evidence, ObjectKind.TRACK_NAME)
            for piece in self._group(entry).pieces:
                changes += self._named(entry, piece, plain, there)
        if not changes:
            raise InputError("This is the name already." if plain else "There is no name to take away.")
        what = _several(entries)
        return self._do(f"Name {what} {plain}" if plain else f"Take the name of {what} away", changes)

    def exclude(self, entries: Sequence[FaceEntry], reason: str) -> Edit:
        """Say that tracks are not relied on, and why; their results stay and are counted as excluded (X10)."""
        why = reason.strip()
        if not why:
            raise InputError("An exclusion needs a reason.", "Say in a few words why the track is not relied on.")
        changes = []
        for entry in entries:
            if entry.excluded and not entry.partly:
                continue
            for piece in self._group(entry).pieces:
                body: dict[str, object] = {
                    "examination": entry.examination,
                    "evidence": entry.evidence,
                    "track": piece.track,
                    "pts": None,
                    "reason": why,
                }
                for name, value in (("since", piece.since), ("until", piece.until)):
                    if value is not None:
                        body[name] = value
                changes.append(Change(ObjectId(new_id()), ObjectKind.EXCLUSION, None, body))
        if not changes:
            raise InputError("This is excluded already.")
        return self._do(f"Exclude {_several(entries)}", changes)

    def include(self, entries: Sequence[FaceEntry]) -> Edit:
        """Take the exclusions of tracks back."""
        wanted = {key for entry in entries for key in entry.exclusions}
        there = [o for o in self._store.edits.objects(ObjectKind.EXCLUSION) if o.id in wanted]
        if not there:
            raise InputError("Nothing here is excluded.")
        if any(not str(o.body.get("track") or "") for o in there):
            raise InputError(
                "The whole exhibit is excluded, not this track alone.",
                "Take the exclusion of the exhibit away in the inspector, under Notes.",
            )
        return self._do(f"Rely on {_several(entries)} again", [Change(o.id, o.kind, o.body, None) for o in there])

    def _named(self, entry: FaceEntry, piece: Piece, name: str, there: Sequence[ExaminerObject]) -> list[Change]:
        body: dict[str, object] = {
            "examination": entry.examination,
            "evidence": entry.evidence,
            "track": piece.track,
            "name": name,
        }
        if piece.since is not None:
            body["since"] = piece.since
        for old in there:
            if (old.body["track"], old.body.get("since")) == piece.key:
                if not name:
                    return [Change(old.id, old.kind, old.body, None)]
                return [Change(old.id, old.kind, old.body, body)] if old.body["name"] != name else []
        return [Change(ObjectId(new_id()), ObjectKind.TRACK_NAME, None, body)] if name else []

    def _cut(
        self, entry: FaceEntry, group: Arranged, own: Sequence[TrackFace], pts: int
    ) -> tuple[list[Change], list[tuple[TrackId, int | None]], list[tuple[TrackId, int | None]]]:
        """Changes that cut the pieces with faces on both sides, and the keys of the pieces on either side."""
        changes: list[Change] = []
        left: list[tuple[TrackId, int | None]] = []
        right: list[tuple[TrackId, int | None]] = []
        for piece in group.pieces:
            mine = [face.pts for face in own if face.track == piece.track and piece.holds(face.pts)]
            if mine and min(mine) < pts <= max(mine):
                body: dict[str, object] = {
                    "examination": entry.examination,
                    "evidence": entry.evidence,
                    "track": piece.track,
                    "pts": pts,
                }
                changes.append(Change(ObjectId(new_id()), ObjectKind.TRACK_SPLIT, None, body))
                left.append(piece.key)
                right.append((piece.track, pts))
            else:
                (left if mine and max(mine) < pts else right).append(piece.key)
        return changes, left, right

    def _never_twice(self, entry: FaceEntry, groups: Sequence[Arranged]) -> None:
        """One face cannot be in a frame twice."""
        taken: dict[int, str] = {}
        for face in self._faces(entry):
            for group in groups:
                if group.holds(face.track, face.pts):
                    if taken.setdefault(face.pts, group.label) != group.label:
                        raise InputError(
                            f"{taken[face.pts]} and {group.label} are both in the frame at {face.seconds:.3f} s; "
                            "one face is not in two places.",
                            "Split the track where it begins to show another face, then join the right part.",
                        )
                    break

    def _faces(self, entry: FaceEntry) -> tuple[TrackFace, ...]:
        return self._store.readings.faces(entry.examination, entry.evidence)

    def _group(self, entry: FaceEntry) -> Arranged:
        """The track as it is arranged now. Raises: NotFound: it was rearranged meanwhile."""
        numbers = {face.track: face.track_number for face in self._faces(entry)}
        for group in arrange(numbers, self._store.edits.objects(), entry.examination, entry.evidence):
            if group.pieces == entry.arranged.pieces:
                return group
        raise NotFound(f"{entry.exhibit} {entry.label} was arranged anew meanwhile.", "Look at it as it stands now.")

    def _of(self, examination: ExaminationId, evidence: EvidenceId, kind: ObjectKind) -> list[ExaminerObject]:
        return [
            thing
            for thing in self._store.edits.objects(kind)
            if (thing.body["examination"], thing.body["evidence"]) == (examination, evidence)
        ]

    def _do(self, label: str, changes: list[Change]) -> Edit:
        line = " ".join(label.split())
        short = line if len(line) <= LONGEST_LABEL else line[: LONGEST_LABEL - 1].rstrip() + "…"
        edit = self._store.edits.do(short, changes)
        self._hub.publish(CaseChanged(self._store.case.id))
        return edit


def _several(entries: Sequence[FaceEntry]) -> str:
    """ "EX-01 T2", or how many there are."""
    return f"{entries[0].exhibit} {entries[0].label}" if len(entries) == 1 else f"{len(entries)} tracks"
