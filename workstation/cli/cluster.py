"""``workstation cluster``: single-sample clustering of the faces of an examination."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, cast

import typer

from workstation.app.clustering import ClusterRequest, NamedFace, submit_clustering
from workstation.app.engine import Engine
from workstation.app.session import CaseSession
from workstation.cli.output import CaseFolder, JsonFlag, Output, follow
from workstation.domain.errors import InputError, NotFound
from workstation.domain.ids import ExaminationId

_NAMED = re.compile(r"(?P<exhibit>.+):T(?P<track>[1-9][0-9]{0,5})(?:@(?P<frame>[0-9]{1,9}))?", re.IGNORECASE)


def cluster(
    folder: CaseFolder,
    examination: Annotated[int, typer.Option(help="Number of the examination whose faces are the pool.")],
    named: Annotated[str, typer.Option(help="The face that is known about: EX-03:T1, or EX-03:T1@120 for a frame.")],
    label: Annotated[str, typer.Option("--as", help="What is known about it: manipulated or genuine.")],
    detector: Annotated[str, typer.Option(help="Detector of the family fakelocator.")] = "fakelocator-small",
    per_track: Annotated[int, typer.Option(help="Faces taken of each track, spread evenly.")] = 16,
    runs: Annotated[int, typer.Option(help="Repetitions with other seeds.")] = 10,
    seed: Annotated[int, typer.Option(help="First seed.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Cluster the faces of an examination around one known face. Exploratory and uncalibrated; needs a pool."""
    out = Output(as_json)
    with Engine() as engine:
        session = engine.open_case(folder)
        request = ClusterRequest(
            _examination(session, examination), _face(session, named, label), detector, per_track, runs, seed
        )
        out.facts = dict(follow(engine, submit_clustering(engine, session, request), quiet=as_json).result or {})
        session.close()
    _tell(out)
    out.finish()


def _examination(session: CaseSession, number: int) -> ExaminationId:
    known = session.examinations()
    for run in known:
        if run.number == number:
            return run.id
    numbers = ", ".join(str(run.number) for run in known) or "none yet"
    raise NotFound(f"There is no examination {number} in this case.", f"Examinations: {numbers}.")


def _face(session: CaseSession, named: str, label: str) -> NamedFace:
    found = _NAMED.fullmatch(named.strip())
    if found is None:
        raise InputError(f'"{named}" names no face.', "Write the exhibit and the track, such as EX-03:T1.")
    frame = found["frame"]
    item = session.find_evidence(found["exhibit"])
    return NamedFace(item.id, int(found["track"]), label.strip().lower(), None if frame is None else int(frame))


def _tell(out: Output) -> None:
    facts = out.facts
    named = cast(Mapping[str, object], facts["named"])
    runs = cast(Sequence[Mapping[str, object]], facts["runs"])
    face = f"{named['exhibit']} T{named['track']}, frame {named['frame']}"
    out.say(f"{facts['derived']}: {facts['pool']} faces clustered around {face}, named {named['label']}")
    out.say(
        f"Silhouette {facts['silhouette']}, agreement of {len(runs)} runs {facts['agreement']} "
        f"(1 is all alike, 0 is chance); uncalibrated"
    )
    rows = [
        [str(row["exhibit"]), f"T{row['track']}", str(row["faces"]), f"{row['share']:.2f}"]
        for row in cast(Sequence[Mapping[str, object]], facts["tracks"])
    ]
    out.table(["Exhibit", "Track", "Faces", "Share of runs with the named face"], rows)
    for line in cast(Sequence[str], facts["caution"]):
        out.say(line)
