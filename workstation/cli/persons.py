"""``workstation person``: the persons of a case, tracks that undisputedly show them, whom exhibits are said to show."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.app.gallery import Gallery, Person
from workstation.app.session import CaseSession
from workstation.cli.output import CaseFolder, JsonFlag, Output
from workstation.domain.edits import Edit
from workstation.domain.errors import InputError, NotFound
from workstation.domain.examinations import Examination
from workstation.domain.ids import EvidenceId, ObjectId, TrackId

app = typer.Typer(
    help="Persons of a case: reference tracks, and whom an exhibit is said to show.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The person's name.")]
Track = Annotated[str, typer.Argument(metavar="EXHIBIT:TRACK", help="A face track of the examination: EX-01:T1.")]
Place = Annotated[str, typer.Argument(metavar="EXHIBIT[:TRACK]", help="An exhibit, or one face track of it: EX-02:T1.")]
Run = Annotated[int, typer.Option("--examination", help="Number of the examination that has the track.")]
_PLACE = re.compile(r"(?P<exhibit>.+?)(?::(?P<track>[Tt][1-9][0-9]{0,5}))?")


@app.command("add")
def add(folder: CaseFolder, name: Name, as_json: JsonFlag = False) -> None:
    """Add a person. Undo and the list of edits are those of the case."""
    _edit(folder, as_json, lambda _, gallery: gallery.add_person(name))


@app.command("list")
def show(folder: CaseFolder, as_json: JsonFlag = False) -> None:
    """List the persons with their references and claims."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder, read_only=True)
        try:
            people = session.gallery.people()
        finally:
            session.close()
    out.facts = {"persons": [_facts(person) for person in people]}
    for person in people:
        out.say(person.name)
        for one in person.references:
            out.say(f"  reference  {one.exhibit}:{one.label}  examination {one.number}, {one.pictures} pictures")
        for claim in person.claims:
            out.say(f"  claim      {claim.exhibit}{claim.track and ':'}{claim.track}")
    if not people:
        out.say("No person yet.")
    out.finish()


@app.command("reference")
def reference(folder: CaseFolder, name: Name, track: Track, examination: Run, as_json: JsonFlag = False) -> None:
    """Say that a face track undisputedly shows a person. Its faces are compared with other exhibits, never with its
    own."""

    def work(session: CaseSession, gallery: Gallery) -> Edit:
        evidence, label = _place(session, track)
        if not label:
            raise InputError(f'"{track}" names no face track.', "Name one by its number: EX-01:T1.")
        run = _examination(session, examination)
        return gallery.attribute(run.id, evidence, _track(session, run, evidence, label), name)

    _edit(folder, as_json, work)


@app.command("claim")
def claim(folder: CaseFolder, name: Name, place: Place, as_json: JsonFlag = False) -> None:
    """Say whom an exhibit, or one face track of it, is said to show. The next examination compares them."""

    def work(session: CaseSession, gallery: Gallery) -> Edit:
        evidence, label = _place(session, place)
        return gallery.claim(evidence, label, name)

    _edit(folder, as_json, work)


@app.command("forget")
def forget(
    folder: CaseFolder,
    name: Name,
    place: Annotated[
        str, typer.Argument(metavar="[EXHIBIT[:TRACK]]", help="Only the reference or claim there. Default: the person.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Take a person away with every reference and claim, or only what is attributed in one place. The journal keeps
    it, and undo brings it back."""

    def work(session: CaseSession, gallery: Gallery) -> Edit:
        person = gallery.find(name)
        return gallery.remove(_attributed(session, person, place) if place else person.id)

    _edit(folder, as_json, work)


def _attributed(session: CaseSession, person: Person, place: str) -> ObjectId:
    evidence, label = _place(session, place)
    found: list[ObjectId] = [one.id for one in person.claims if (one.evidence, one.track) == (evidence, label)]
    found += [one.id for one in person.references if (one.evidence, one.label) == (evidence, label)]
    if not found:
        raise NotFound(f"Nothing in {place} is attributed to {person.name}.", "workstation person list shows what is.")
    if len(found) > 1:
        raise InputError(f"More than one thing in {place} is attributed to {person.name}.", "Use undo, or the window.")
    return found[0]


def _place(session: CaseSession, text: str) -> tuple[EvidenceId, str]:
    """An exhibit, and "T1" or "". Raises: InputError, NotFound."""
    parts = _PLACE.fullmatch(text.strip())
    if parts is None:
        raise InputError(f'"{text}" names no exhibit.', "Write EX-01 or EX-01:T1.")
    return session.find_evidence(parts["exhibit"]).id, (parts["track"] or "").upper()


def _examination(session: CaseSession, number: int) -> Examination:
    runs = session.examinations()
    for run in runs:
        if run.number == number:
            return run
    known = ", ".join(str(run.number) for run in runs) or "none yet"
    raise NotFound(f"There is no examination {number} in this case.", f"Examinations: {known}.")


def _track(session: CaseSession, run: Examination, evidence: EvidenceId, label: str) -> TrackId:
    numbers = {face.track_number: face.track for row in session.frame_rows(run.id, evidence) for face in row.faces}
    found = numbers.get(int(label[1:]))
    if found is None:
        exhibit = session.evidence_item(evidence).exhibit
        known = ", ".join(f"T{number}" for number in sorted(numbers)) or "none"
        raise NotFound(f"Examination {run.number} has no face track {label} in {exhibit}.", f"Face tracks: {known}.")
    return found


def _edit(folder: Path, as_json: bool, work: Callable[[CaseSession, Gallery], Edit]) -> None:
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        try:
            made = work(session, session.gallery)
            people = session.gallery.people()
        finally:
            session.close()
    out.facts = {"edit": made.seq, "label": made.label, "persons": [_facts(person) for person in people]}
    out.say(made.label)
    out.finish()


def _facts(person: Person) -> dict[str, object]:
    return {
        "id": person.id,
        "name": person.name,
        "references": [
            {
                "id": one.id,
                "examination": one.number,
                "exhibit": one.exhibit,
                "track": one.label,
                "pictures": one.pictures,
            }
            for one in person.references
        ],
        "claims": [{"id": one.id, "exhibit": one.exhibit, "track": one.track} for one in person.claims],
    }
