"""The persons of a case: reference tracks that undisputedly show them, and whom an exhibit is said to show.

A reference is a face track of an examination; a claim names a person for an exhibit, or for one face track of it by its
number, because every examination gives tracks ids of its own. An examination freezes the gallery into its plan as text,
naming every picture by the digest of its frame, and cuts the crops anew from that text (P3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from workstation.app.hub import Hub
from workstation.app.track_crops import TrackCrops, crops_of, usable_faces
from workstation.domain.custody import canonical_json
from workstation.domain.detectors import GalleryPerson, InputSpec
from workstation.domain.edits import Change, Edit, ExaminerObject, ObjectKind
from workstation.domain.errors import EvidenceError, InputError, NotFound
from workstation.domain.events import CaseChanged
from workstation.domain.examinations import Examination
from workstation.domain.faces import FaceCrop
from workstation.domain.ids import EvidenceId, ExaminationId, ObjectId, TrackId, new_id
from workstation.domain.results import FaceRow, FrameRow
from workstation.domain.sampling import even_sample
from workstation.storage.case_store import CaseStore

FORMAT = 1
MOST = 16
"""The most reference pictures taken of one track, spread evenly over its usable faces."""
_TRACK = re.compile(r"T[1-9][0-9]{0,5}")

Cut = Callable[[CaseStore, ExaminationId, EvidenceId, TrackId, InputSpec, int], TrackCrops]


@dataclass(frozen=True, slots=True)
class Reference:
    """A track that undisputedly shows a person. ``pictures`` is how many of its faces can be used, ``MOST`` at most."""

    id: ObjectId
    examination: ExaminationId
    number: int
    evidence: EvidenceId
    exhibit: str
    track: TrackId
    label: str
    pictures: int


@dataclass(frozen=True, slots=True)
class Claim:
    """An exhibit that is said to show a person; ``track`` is "T1" for one face track of it, "" for every one."""

    id: ObjectId
    evidence: EvidenceId
    exhibit: str
    track: str


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the case with what is attributed to them."""

    id: ObjectId
    name: str
    references: tuple[Reference, ...]
    claims: tuple[Claim, ...]


class Gallery:
    """Reads and edits the gallery of one case. Thread-safe as the case is, but for `persons`, which keeps crops.

    Raises, in every method that writes: CaseReadOnly; InputError with one line when it cannot be done as asked;
    NotFound when what it is about is not in the case.

    Args:
        cut: cuts the crops of a track; `track_crops.crops_of` but in tests.
    """

    def __init__(self, store: CaseStore, hub: Hub, cut: Cut = crops_of) -> None:
        self._store, self._hub, self._cut = store, hub, cut
        self._kept: dict[tuple[str, int, float], tuple[FaceCrop, ...]] = {}

    def people(self) -> tuple[Person, ...]:
        """The persons with their references and claims, by name."""
        return tuple(sorted(self._people(), key=lambda person: person.name.casefold()))

    def find(self, person: str) -> Person:
        """A person by name, in any case of letters, or by id. Raises: NotFound."""
        everyone = self.people()
        for known in everyone:
            if person == known.id or _folded(person) == _folded(known.name):
                return known
        names = ", ".join(known.name for known in everyone) or "none yet"
        raise NotFound(f'There is no person "{person}" in this case.', f"Persons: {names}.")

    def add_person(self, name: str) -> Edit:
        """Add a person under a name that no other has."""
        plain = " ".join(name.split())
        return self._do(f"Person {plain}", Change(ObjectId(new_id()), ObjectKind.PERSON, None, {"name": plain}))

    def attribute(self, examination: ExaminationId, evidence: EvidenceId, track: TrackId, person: str) -> Edit:
        """Say that a track of an examination undisputedly shows a person: its faces become references.

        Raises:
            InputError: the track has no face that passed every gate, or is a reference already.
        """
        who, run = self.find(person), self._store.examination(examination)
        exhibit = self._store.evidence_item(evidence).exhibit
        faces = self._faces(run, evidence, track)
        if not faces:
            raise InputError(
                f"{exhibit}: no face of this track in examination {run.number} passed the quality gates.",
                "Choose a track with clear faces.",
            )
        label = f"{exhibit} T{faces[0][1].track_number}"
        body = {"person": who.id, "examination": examination, "evidence": evidence, "track": track}
        return self._do(f"{label} shows {who.name}", Change(ObjectId(new_id()), ObjectKind.REFERENCE, None, body))

    def claim(self, evidence: EvidenceId, track: str, person: str) -> Edit:
        """Say whom an exhibit is said to show, or say it anew.

        Args:
            track: "T1" for one face track, by the number that examinations give it; "" for every one.
        """
        who, exhibit = self.find(person), self._store.evidence_item(evidence).exhibit
        if track and not _TRACK.fullmatch(track):
            raise InputError(f'"{track}" is no face track.', "Name it by its number: T1.")
        body = {"person": who.id, "evidence": evidence, "track": track}
        label = f"{exhibit}{track and ' '}{track} is said to show {who.name}"
        for there in self._store.edits.objects(ObjectKind.CLAIM):
            if (there.body["evidence"], there.body["track"]) == (evidence, track):
                return self._do(label, Change(there.id, ObjectKind.CLAIM, there.body, body))
        return self._do(label, Change(ObjectId(new_id()), ObjectKind.CLAIM, None, body))

    def remove(self, identifier: ObjectId) -> Edit:
        """Take away a reference or a claim, or a person with every reference and claim; one undo brings all back."""
        everything = self._store.edits.objects()
        there = next((thing for thing in everything if thing.id == identifier), None)
        if there is None or there.kind not in (ObjectKind.PERSON, ObjectKind.REFERENCE, ObjectKind.CLAIM):
            raise NotFound("This is not in the gallery of the case.")
        gone = [there]
        if there.kind is ObjectKind.PERSON:
            gone += [thing for thing in everything if _about_person(thing) and thing.body["person"] == identifier]
        name = self.find(str(there.body["person"] if there.kind is not ObjectKind.PERSON else there.id)).name
        what = "person" if there.kind is ObjectKind.PERSON else f"{there.kind.value} for"
        return self._do(f"Remove {what} {name}", *(Change(thing.id, thing.kind, thing.body, None) for thing in gone))

    def frozen(self, evidence: Sequence[EvidenceId]) -> str:
        """Canonical JSON of what an examination of ``evidence`` will use, or "" when the case has no references.

        Members: ``format``; ``persons`` (name); ``references`` (person, examination, evidence, exhibit, sha256, track,
        track_id, frames: ordinal and digest of each picture); ``claims`` (person, evidence, exhibit, track) on the
        exhibits of ``evidence`` alone.
        """
        people = [person for person in self.people() if person.references or person.claims]
        references = [self._frozen(person, one) for person in people for one in person.references]
        if not references:
            return ""
        claims: list[dict[str, object]] = [
            {"person": person.name, "evidence": one.evidence, "exhibit": one.exhibit, "track": one.track}
            for person in people
            for one in person.claims
            if one.evidence in evidence
        ]
        told = {str(one["person"]) for one in [*references, *claims]}
        return canonical_json(
            {
                "format": FORMAT,
                "persons": [{"name": person.name} for person in people if person.name in told],
                "references": references,
                "claims": claims,
            }
        )

    def persons(
        self, text: str, evidence: EvidenceId, track: TrackId, input_spec: InputSpec
    ) -> tuple[GalleryPerson, ...]:
        """Cut the crops that ``text`` (of `frozen`) names; the person claimed for this track is marked.

        References from the examined exhibit itself are left out: a track would be compared with itself.

        Raises:
            InputError: the text is not of `frozen`.
            EvidenceError: a picture is no longer the one that was frozen, or cannot be decoded.
            CaseError, NotFound: an original, an examination or a track is not there.
        """
        told = _parsed(text)
        claimed = self._claimed(told, evidence, track)
        crops: dict[str, list[FaceCrop]] = {str(person["name"]): [] for person in told["persons"]}
        for one in told["references"]:
            if one["evidence"] != evidence:
                crops.setdefault(str(one["person"]), []).extend(self._crops(one, input_spec))
        return tuple(GalleryPerson(name, name == claimed, tuple(cut)) for name, cut in crops.items())

    def _crops(self, one: Mapping[str, object], spec: InputSpec) -> tuple[FaceCrop, ...]:
        key = (canonical_json(one), spec.crop_size, spec.crop_margin)
        if key not in self._kept:
            frames = one["frames"]
            named = frames if isinstance(frames, list) else []
            wanted = [(f.get("ordinal"), f.get("digest")) for f in named if isinstance(f, dict)]
            run = next((run for run in self._store.examinations() if run.number == one["examination"]), None)
            if run is None:
                raise NotFound(f"Examination {one['examination']}, which a reference is from, is not in the case.")
            where = (run.id, EvidenceId(str(one["evidence"])), TrackId(str(one["track_id"])))
            cut = self._cut(self._store, *where, spec, len(wanted))
            if [*zip(cut.ordinals, cut.digests, strict=True)] != wanted:
                raise EvidenceError(
                    f"The references of {one['person']} in {one['exhibit']} are not those this examination began with.",
                    "Verify the exhibit and begin a new examination.",
                )
            self._kept[key] = cut.crops
        return self._kept[key]

    def _claimed(self, told: Mapping[str, list[dict[str, object]]], evidence: EvidenceId, track: TrackId) -> str:
        """The claim for the very track goes before that for the whole exhibit."""
        names = {str(one["track"]): str(one["person"]) for one in told["claims"] if one["evidence"] == evidence}
        own = self._label(evidence, track) if any(names) else ""
        return names.get(own, names.get("", ""))

    def _label(self, evidence: EvidenceId, track: TrackId) -> str:
        """ "T1", looked up in the newest examination that knows the track; "" when none does."""
        for run in reversed(self._store.examinations()):
            if evidence in run.plan.evidence:
                for row in self._store.frame_rows(run.id, evidence):
                    for face in row.faces:
                        if face.track == track:
                            return f"T{face.track_number}"
        return ""

    def _frozen(self, person: Person, one: Reference) -> dict[str, object]:
        run = self._store.examination(one.examination)
        faces = self._faces(run, one.evidence, one.track)
        rows = [faces[place][0] for place in even_sample(len(faces), MOST)]
        return {
            "person": person.name,
            "examination": one.number,
            "evidence": one.evidence,
            "exhibit": one.exhibit,
            "sha256": self._store.evidence_item(one.evidence).sha256,
            "track": one.label,
            "track_id": one.track,
            "frames": [{"ordinal": row.frame.ordinal, "digest": row.frame.digest} for row in rows],
        }

    def _people(self) -> list[Person]:
        objects = self._store.edits.objects()
        exhibits = {item.id: item.exhibit for item in self._store.evidence()}
        runs = {run.id: run for run in self._store.examinations()}
        references: dict[object, list[Reference]] = {}
        claims: dict[object, list[Claim]] = {}
        for thing in objects:
            if not _about_person(thing):
                continue
            evidence = EvidenceId(str(thing.body["evidence"]))
            exhibit = exhibits.get(evidence, "")
            if thing.kind is ObjectKind.CLAIM:
                said = Claim(thing.id, evidence, exhibit, str(thing.body["track"]))
                claims.setdefault(thing.body["person"], []).append(said)
                continue
            track, run = TrackId(str(thing.body["track"])), runs[ExaminationId(str(thing.body["examination"]))]
            faces = self._faces(run, evidence, track)
            label = f"T{faces[0][1].track_number}" if faces else ""
            shown = Reference(thing.id, run.id, run.number, evidence, exhibit, track, label, min(len(faces), MOST))
            references.setdefault(thing.body["person"], []).append(shown)
        return [
            Person(
                thing.id,
                str(thing.body["name"]),
                tuple(sorted(references.get(thing.id, ()), key=lambda one: (one.exhibit, one.number, one.label))),
                tuple(sorted(claims.get(thing.id, ()), key=lambda one: (one.exhibit, one.track))),
            )
            for thing in objects
            if thing.kind is ObjectKind.PERSON
        ]

    def _faces(self, run: Examination, evidence: EvidenceId, track: TrackId) -> Sequence[tuple[FrameRow, FaceRow]]:
        """Usable faces of a track in order of time. Raises: NotFound, when the examination has no such track."""
        rows = self._store.frame_rows(run.id, evidence)
        if not any(face.track == track for row in rows for face in row.faces):
            exhibit = self._store.evidence_item(evidence).exhibit
            raise NotFound(f"Examination {run.number} has no such track in {exhibit}.")
        return usable_faces(rows).get(track, ())

    def _do(self, label: str, *changes: Change) -> Edit:
        edit = self._store.edits.do(label if len(label) <= 80 else label[:79].rstrip() + "…", list(changes))
        self._hub.publish(CaseChanged(self._store.case.id))
        return edit


def _about_person(thing: ExaminerObject) -> bool:
    return thing.kind in (ObjectKind.REFERENCE, ObjectKind.CLAIM)


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _parsed(text: str) -> dict[str, list[dict[str, object]]]:
    try:
        told = json.loads(text)
        if told["format"] != FORMAT:
            raise InputError(f"A gallery of format {told['format']} cannot be read.", "Use a newer version.")
        parts = {name: [dict(one) for one in told[name]] for name in _MEMBERS}
    except (ValueError, KeyError, TypeError) as fault:
        raise InputError(*_UNREADABLE) from fault
    if any(not members <= one.keys() for name, members in _MEMBERS.items() for one in parts[name]):
        raise InputError(*_UNREADABLE)
    return parts


_UNREADABLE = ("The gallery of this examination cannot be read.", "Run case verify.")
_MEMBERS = {
    "persons": {"name"},
    "references": {"person", "examination", "evidence", "exhibit", "track_id", "frames"},
    "claims": {"person", "evidence", "track"},
}
