"""What an examiner writes into a case: typed constructors for every kind of object, with the labels of the undo menu.

Every call is committed when it returns; undo and redo survive closing the case (U27, U37).
"""

from __future__ import annotations

from collections.abc import Mapping

from workstation.app.hub import Hub
from workstation.domain.case import WorkState
from workstation.domain.edits import Change, Edit, ExaminerObject, ObjectKind, UndoState
from workstation.domain.errors import InputError, NotFound
from workstation.domain.events import CaseChanged
from workstation.domain.ids import EvidenceId, ExaminationId, ObjectId, new_id
from workstation.domain.media import FrameIndex
from workstation.storage.case_store import CaseStore

LONGEST_LABEL = 80
# Times are shown and typed with three decimals: what was shown as 0.033 names the frame that begins at 0.0333 s.
_HALF_A_MILLISECOND = 0.0005
CASE_FIELDS = ("title", "question", "authority", "purpose")


class Editing:
    """The edits of one open case. Thread-safe as the case is.

    Raises, in every method that writes: CaseReadOnly; InputError with one line when it cannot be done as asked;
    NotFound when what it is about is not in the case.
    """

    def __init__(self, store: CaseStore, hub: Hub) -> None:
        self._store = store
        self._hub = hub

    def objects(self, kind: ObjectKind | None = None) -> tuple[ExaminerObject, ...]:
        """The objects as they stand now, of one kind or of all."""
        return self._store.edits.objects(kind)

    def journal(self) -> tuple[Edit, ...]:
        """Every edit ever made, oldest first."""
        return self._store.edits.journal()

    def state(self) -> UndoState:
        """What undo and redo would do now."""
        return self._store.edits.state()

    def undo(self) -> Edit:
        """Take back the last edit that stands."""
        return self._told(self._store.edits.undo())

    def redo(self) -> Edit:
        """Bring back what was undone last."""
        return self._told(self._store.edits.redo())

    def bookmark(
        self,
        evidence: EvidenceId,
        stream: int,
        pts: int,
        label: str,
        *,
        note: str = "",
        view: Mapping[str, object] | None = None,
    ) -> Edit:
        """Mark one frame of an exhibit, by its exact presentation time.

        Args:
            stream, pts: as in the frame index; 0, 0 for a picture.
            view: a saved view to come back to (U28), plain JSON.
        """
        item = self._store.evidence_item(evidence)
        index = self._store.frame_index(evidence)
        if index is not None and (stream != index.stream or pts not in index.pts):
            raise InputError(f"{item.exhibit} has no frame with the time stamp {pts} in stream {stream}.")
        place = f"{item.exhibit}{_at(index, pts)}"
        body: dict[str, object] = {
            "evidence": evidence,
            "stream": stream,
            "pts": pts,
            "label": label.strip() or place,
            "note": note.strip(),
        }
        if view is not None:
            body["view"] = dict(view)
        return self._add(f"Bookmark {place}", ObjectKind.BOOKMARK, body)

    def note(self, about: str, text: str) -> Edit:
        """Write a note about anything in the case: ``about`` is the id of the case, an exhibit, an examination, a
        report, a derived item or another object."""
        name = self._name(about)
        return self._add(f"Note on {name}", ObjectKind.NOTE, {"about": about, "text": _words(text, "A note")})

    def tag(self, about: str, path: str) -> Edit:
        """Tag anything in the case; ``path`` has levels, from the widest to the narrowest: "a/b/c" (U11)."""
        name = self._name(about)
        levels = [level.strip() for level in path.split("/")]
        if not all(levels):
            raise InputError(f'"{path}" is no tag.', "Write its levels with single slashes between them: a/b/c.")
        body = {"path": "/".join(levels), "about": about}
        if any(tag.body == body for tag in self.objects(ObjectKind.TAG)):
            raise InputError(f"{name} is tagged {body['path']} already.")
        return self._add(f"Tag {name} {body['path']}", ObjectKind.TAG, body)

    def name_track(self, examination: ExaminationId, evidence: EvidenceId, track: str, name: str) -> Edit:
        """Name a face track, or give it another name."""
        called = self._track(examination, evidence, track)
        body = {"examination": examination, "evidence": evidence, "track": track, "name": _words(name, "A name")}
        return self._put(
            f"Name {called} {body['name']}", ObjectKind.TRACK_NAME, body, "examination", "evidence", "track"
        )

    def exclude(
        self,
        examination: ExaminationId,
        evidence: EvidenceId,
        reason: str,
        *,
        track: str = "",
        pts: int | None = None,
    ) -> Edit:
        """Say that results are not relied on, and why; they stay in the case and are counted as excluded (X10).

        Args:
            track: one face track; "" for every one.
            pts: one frame; None for every one.
        """
        called = self._track(examination, evidence, track)
        if pts is not None:
            called += _at(self._store.frame_index(evidence), pts)
        body = {
            "examination": examination,
            "evidence": evidence,
            "track": track,
            "pts": pts,
            "reason": _words(reason, "An exclusion needs a reason: it"),
        }
        return self._add(f"Exclude {called}", ObjectKind.EXCLUSION, body)

    def set_work(self, evidence: EvidenceId, state: WorkState) -> Edit:
        """Say how far the work on an exhibit is; this goes before what the program notes itself."""
        exhibit = self._store.evidence_item(evidence).exhibit
        body = {"evidence": evidence, "state": state.value}
        return self._put(f"{exhibit}: {state.value}", ObjectKind.WORK_STATE, body, "evidence")

    def case_text(self, field: str, text: str) -> Edit:
        """Write one of the case's texts: ``title``, ``question``, ``authority`` or ``purpose``. The words the case was
        made with stay on record."""
        if field not in CASE_FIELDS:
            raise InputError(f'"{field}" is no text of a case.', f"Texts: {', '.join(CASE_FIELDS)}.")
        return self._put(f"Case {field}", ObjectKind.CASE_TEXT, {"field": field, "text": text.strip()}, "field")

    def revise(self, identifier: ObjectId, members: Mapping[str, object]) -> Edit:
        """Change members of an object that is there: the text of a note, the label of a bookmark."""
        there = self._object(identifier)
        after = {**there.body, **members}
        return self._do(f"Change {self._called(there)}", [Change(identifier, there.kind, there.body, after)])

    def remove(self, identifier: ObjectId) -> Edit:
        """Take an object away; undo brings it back, and the journal keeps it in any case."""
        there = self._object(identifier)
        return self._do(f"Remove {self._called(there)}", [Change(identifier, there.kind, there.body, None)])

    def place(self, evidence: EvidenceId, seconds: float) -> tuple[int, int]:
        """(stream, pts) of the frame on screen at ``seconds`` (from the time base's own zero): the last one that has
        begun; (0, 0) for a picture."""
        item = self._store.evidence_item(evidence)
        index = self._store.frame_index(evidence)
        if index is None or len(index) < 2:
            return (0, 0) if index is None else (index.stream, index.pts[0])
        begun = [pts for pts in index.pts if index.time_base.seconds(pts) <= seconds + _HALF_A_MILLISECOND]
        end = index.time_base.seconds(2 * index.pts[-1] - index.pts[-2])
        if not begun or seconds >= end:
            first = index.seconds(0)
            raise InputError(
                f"{item.exhibit} has no frame at {seconds:g} s.", f"It runs from {first:.3f} to {end:.3f} s."
            )
        return index.stream, begun[-1]

    def _add(self, label: str, kind: ObjectKind, body: Mapping[str, object]) -> Edit:
        return self._do(label, [Change(ObjectId(new_id()), kind, None, body)])

    def _put(self, label: str, kind: ObjectKind, body: Mapping[str, object], *subject: str) -> Edit:
        """Change the one object of a kind that says this about its subject, or make it."""
        for there in self.objects(kind):
            if all(there.body[name] == body[name] for name in subject):
                return self._do(label, [Change(there.id, kind, there.body, body)])
        return self._add(label, kind, body)

    def _do(self, label: str, changes: list[Change]) -> Edit:
        return self._told(self._store.edits.do(_short(label), changes))

    def _told(self, edit: Edit) -> Edit:
        self._hub.publish(CaseChanged(self._store.case.id))
        return edit

    def _object(self, identifier: ObjectId) -> ExaminerObject:
        for there in self.objects():
            if there.id == identifier:
                return there
        raise NotFound("This was taken away meanwhile.")

    def _name(self, about: str) -> str:
        """What people call the thing with this id. Raises: NotFound."""
        store = self._store
        names: dict[str, str] = {store.case.id: "the case"}
        names |= {item.id: item.exhibit for item in store.evidence()}
        names |= {run.id: f"examination {run.number}" for run in store.examinations()}
        names |= {record.id: f"report {record.number}" for record in store.reports()}
        names |= {item.id: item.number for item in store.derived.every()}
        names |= {there.id: f"a {_kind(there)}" for there in self.objects()}
        if about not in names:
            raise NotFound("What this is about is not in the case.", "Name an exhibit, or leave it out for the case.")
        return names[about]

    def _track(self, examination: ExaminationId, evidence: EvidenceId, track: str) -> str:
        run, exhibit = self._store.examination(examination), self._store.evidence_item(evidence).exhibit
        if evidence not in run.plan.evidence:
            raise InputError(f"Examination {run.number} does not include {exhibit}.")
        if not track:
            return exhibit
        numbers = {s.track: s.track_number for s in self._store.summaries(examination, evidence)}
        for known, number in numbers.items():
            if known == track:
                return f"{exhibit} T{number}"
        raise NotFound(f"Examination {run.number} has no such track in {exhibit}.")

    def _called(self, there: ExaminerObject) -> str:
        words = next((str(there.body[m]) for m in ("label", "path", "name", "text", "reason") if m in there.body), "")
        return f"{_kind(there)} {words}".strip()


def _kind(there: ExaminerObject) -> str:
    return there.kind.value.replace("_", " ")


def _at(index: FrameIndex | None, pts: int) -> str:
    """ " at 12.480 s", from the time base's own zero; nothing for a picture."""
    return "" if index is None or len(index) < 2 else f" at {index.time_base.seconds(pts):.3f} s"


def _words(text: str, what: str) -> str:
    if not text.strip():
        raise InputError(f"{what} has words.")
    return text.strip()


def _short(label: str) -> str:
    line = " ".join(label.split())
    return line if len(line) <= LONGEST_LABEL else line[: LONGEST_LABEL - 1].rstrip() + "…"
