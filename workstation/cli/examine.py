"""``workstation examine``: run detectors over a case."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from workstation.app.engine import Engine
from workstation.app.filed_records import measured_of
from workstation.app.planning import default_detectors
from workstation.cli.exhibits import exhibit_facts, score_lines
from workstation.cli.output import CaseFolder, JsonFlag, Output, follow
from workstation.domain.errors import InputError
from workstation.domain.examinations import ExaminationState
from workstation.domain.merging import NO_MERGING, Merging


def examine(
    folder: CaseFolder,
    evidence: Annotated[
        list[str] | None, typer.Option(help="Exhibit to examine; repeat for more. Default: all.")
    ] = None,
    detector: Annotated[
        list[str] | None,
        typer.Option(help="Detector to use; repeat for more. Default: embedded and validated."),
    ] = None,
    frames: Annotated[str, typer.Option(help='Frames per exhibit, spread evenly, or "all".')] = "32",
    finder: Annotated[str, typer.Option(help="Face finder: mtcnn, insightface or yunet.")] = "mtcnn",
    merge: Annotated[
        int, typer.Option(help="Tokens merged after each block of a vision transformer; only as validated.", min=0)
    ] = 0,
    schedule: Annotated[str, typer.Option(help="Where tokens are merged: even or organs.")] = "even",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the newest unfinished examination.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Find, track and score faces. Ctrl+C cancels; what was committed stays and --resume goes on."""
    out = Output(as_json)
    count = _frames(frames)
    with Engine() as engine:
        session = engine.open_case(folder)
        started = time.monotonic()
        if resume:
            left = [r for r in session.examinations() if r.state is not ExaminationState.DONE]
            if not left:
                raise InputError("There is no unfinished examination in this case.")
            job = session.resume(left[-1].id)
        else:
            chosen = [session.find_evidence(name).id for name in evidence] if evidence else None
            merging = Merging(merge, schedule) if merge else NO_MERGING
            if not detector:
                tell_left_out(out, engine)
            job = session.examine(chosen, detector, count, finder, merging)
        result = follow(engine, job, quiet=as_json).result or {}
        run = next(r for r in session.examinations() if r.id == result.get("examination"))
        seconds = time.monotonic() - started
        origins = session.origins()
        out.facts |= {
            "examination": run.number,
            "id": run.id,
            "device": engine.device(),
            "seconds": round(seconds, 2),
            "frames": result.get("frames"),
            "exhibits": [exhibit_facts(session, session.evidence_item(e), origins) for e in run.plan.evidence],
        }
        out.say(f"Examination {run.number}: {result.get('frames')} frames in {seconds:.1f} s on {engine.device()}")
        for item in session.evidence():
            if item.id in run.plan.evidence:
                out.say(f"{item.exhibit}  {item.name}")
                for line in score_lines(session, item):
                    out.say(f"       {line}")
        session.close()
    out.finish()


def tell_left_out(out: Output, engine: Engine) -> None:
    """Say which embedded detectors do not run unless they are named, why, and how to add them."""
    installed = engine.detectors()
    default = default_detectors(installed, measured_of(engine.home, installed))
    out.facts["left_out"] = [package.card.id for package in default.left_out]
    if default.why:
        named = " ".join(f"--detector {package.card.id}" for package in (*default.chosen, *default.left_out))
        out.say(f"{default.why} To add, name all that are wanted: examine CASE {named}")


def _frames(text: str) -> int:
    if text.lower() == "all":
        return 0
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise InputError(f'"{text}" is not a number of frames.', 'Give a number from 1 up, or "all".')
